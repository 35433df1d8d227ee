package probe_test

import (
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// dialogue reads a transcript written by hand, one event a line:
//
//	C: text     a write of ours, CR LF behind it
//	C! octets   a write as it stands
//	S: text     a line of the receiver, CR LF behind it
//	S! octets   octets of the receiver as they stand
//	*: note     a note of the probe, as transcripts show it
//	-- 2 1      a check begins, after two error replies and one other check
//	+30s        time passes; each event takes ten milliseconds besides
//
// Octets are escaped as in transcripts; blank lines say nothing.
func dialogue(t testing.TB, text string) probe.Transcript {
	t.Helper()
	var (
		events probe.Transcript
		at     time.Duration
	)
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimLeft(line, "\t ")
		if line == "" {
			continue
		}
		if wait, ok := strings.CutPrefix(line, "+"); ok {
			d, err := time.ParseDuration(wait)
			if err != nil {
				t.Fatalf("dialogue line %q: %v", line, err)
			}
			at += d
			continue
		}
		at += 10 * time.Millisecond
		events = append(events, event(t, at, line))
	}
	return events
}

func event(t testing.TB, at time.Duration, line string) probe.Event {
	t.Helper()
	if numbers, ok := strings.CutPrefix(line, "--"); ok {
		var n [2]int
		for i, number := range strings.Fields(numbers) {
			var err error
			if n[i], err = strconv.Atoi(number); err != nil {
				t.Fatalf("dialogue line %q: %v", line, err)
			}
		}
		return probe.Begin(at, probe.Before{Errors: n[0], Checks: n[1]})
	}
	mark, rest := line[:min(2, len(line))], strings.TrimPrefix(line[min(2, len(line)):], " ")
	octets, err := smtp.Unescape(rest)
	if err != nil {
		t.Fatalf("dialogue line %q: %v", line, err)
	}
	switch mark {
	case "C:":
		return probe.Event{At: at, From: probe.FromClient, Text: octets + "\r\n"}
	case "C!":
		return probe.Event{At: at, From: probe.FromClient, Text: octets}
	case "S:":
		return probe.Event{At: at, From: probe.FromServer, Text: octets + "\r\n"}
	case "S!":
		return probe.Event{At: at, From: probe.FromServer, Text: octets}
	case "*:":
		e, err := probe.ParseEvent(at, "probe", rest)
		if err != nil {
			t.Fatalf("dialogue line %q: %v", line, err)
		}
		return e
	}
	t.Fatalf("dialogue line %q: want C:, C!, S:, S!, *:, -- or +", line)
	return probe.Event{}
}

// reply is one reply, of lines without their ends.
func reply(t testing.TB, lines ...string) smtp.Reply {
	t.Helper()
	parts := make([]smtp.Line, 0, len(lines))
	for _, l := range lines {
		parts = append(parts, smtp.Line{Octets: l + "\r\n"})
	}
	all := smtp.Replies(parts)
	if len(all) != 1 {
		t.Fatalf("got %d replies in %q, want 1", len(all), lines)
	}
	return all[0]
}

// helloed is how a session comes to where most checks begin.
const helloed = `
	*: connected
	S: 220 mx.example.com ESMTP
	C: EHLO client.example
	S: 250-mx.example.com
	S: 250-PIPELINING
	S: 250 STARTTLS
`

// The baselines of a receiver that serves all that is legal, each reply in ten
// milliseconds.
const (
	plainB0 = helloed + `
		C: MAIL FROM:<>
		S: 250 2.1.0 Ok
		C: RSET
		S: 250 2.0.0 Ok
		C: NOOP
		S: 250 2.0.0 Ok`
	plainB1 = helloed + `
		C: MAIL FROM:<>
		S: 250 2.1.0 Ok
		C: RSET
		S: 250 2.0.0 Ok
		C: MAIL FROM:<>
		S: 250 2.1.0 Ok
		C: RCPT TO:<postmaster@example.com>
		S: 250 2.1.5 Ok
		C: RSET
		S: 250 2.0.0 Ok`
	plainB2 = helloed + `
		C: STARTTLS
		S: 220 2.0.0 Ready to start TLS
		*: TLS handshake done: TLS 1.3, TLS_AES_128_GCM_SHA256
		C: EHLO client.example
		S: 250-mx.example.com
		S: 250 PIPELINING
		C: MAIL FROM:<>
		S: 250 2.1.0 Ok
		C: RSET
		S: 250 2.0.0 Ok`
	plainB3 = `
		*: connected
		S: 220 mx.example.com ESMTP
		C: HELO client.example
		S: 250 mx.example.com
		C: MAIL FROM:<>
		S: 250 2.1.0 Ok
		C: RSET
		S: 250 2.0.0 Ok`
)

// refusesRcptB1 is B1 of a receiver that has no postmaster.
var refusesRcptB1 = strings.Replace(plainB1, "250 2.1.5 Ok", "550 5.1.1 <postmaster@example.com>: no such user", 1)

// heard is what was heard of a receiver: its baselines in words, where they are
// not those above (empty: never run), and the tries of its checks.
type heard struct {
	channel   probe.Channel
	noTLS     bool
	baselines map[probe.Baseline]string
	tries     map[string][]string
	lost      map[string]string
	over      string
}

func (h heard) record(t testing.TB) probe.Record {
	t.Helper()
	rec := probe.Record{
		Channel: h.channel, NoTLS: h.noTLS, Lost: h.lost, Over: h.over,
		Baselines: map[probe.Baseline]probe.Transcript{},
		Tries:     map[string][]probe.Transcript{},
	}
	texts := map[probe.Baseline]string{
		probe.B0: plainB0, probe.B1: plainB1, probe.B2: plainB2, probe.B3: plainB3, probe.B0Again: plainB0,
	}
	maps.Copy(texts, h.baselines)
	for b, text := range texts {
		if text != "" {
			rec.Baselines[b] = dialogue(t, text)
		}
	}
	for id, tries := range h.tries {
		for _, text := range tries {
			rec.Tries[id] = append(rec.Tries[id], dialogue(t, text))
		}
	}
	return rec
}

// facts are those of a receiver with these baselines besides the plain ones.
func facts(t testing.TB, channel probe.Channel, baselines map[probe.Baseline]string) probe.Facts {
	t.Helper()
	return probe.GatherFacts(channel, heard{baselines: baselines}.record(t).Baselines)
}

// catalogue are the checks of these tests, small ones of each kind.
func catalogue() []probe.Check {
	return []probe.Check{rcptBeforeMail(), dataBeforeMail(), dataWithoutRcpt(), noopBeforeEHLO(), rsetClears(), noopKeeps()}
}

// judge decides a check. The tries are given without what comes before the
// check; one try stands for two that are alike, since some verdicts want that.
func judge(t testing.TB, c probe.Check, h heard, tries ...string) probe.Result {
	t.Helper()
	if len(tries) == 1 {
		tries = append(tries, tries[0])
	}
	rec := h.record(t)
	rec.Tries[c.ID] = nil
	for _, text := range tries {
		rec.Tries[c.ID] = append(rec.Tries[c.ID], dialogue(t, helloed+text))
	}
	return probe.Decide(&c, catalogue(), rec)
}

// The checks' steps, as the catalogue has them.
var (
	mail = probe.Line("mail", probe.CommandMAIL).Wanting("250")
	rset = probe.Line("rset", "RSET").Wanting("250")
	ehlo = probe.Line("ehlo again", probe.CommandEHLO).Wanting("250")
)

func rcptBeforeMail() probe.Check {
	return probe.Check{
		ID: probe.RcptBeforeMail, Polarity: probe.Refusal, Level: probe.Must, Ordering: true,
		Needs: probe.Needs{Mail: true, Postmaster: true}, Start: probe.Hello, Errors: 1,
		Script: probe.Script{
			probe.Line(probe.Test, probe.CommandRCPT), mail, probe.Line(probe.Control, probe.CommandRCPT), rset,
		},
		Judge: probe.Refuses("503", probe.LegalRcpt),
	}
}

func dataBeforeMail() probe.Check {
	return probe.Check{
		ID: "data-before-mail", Polarity: probe.Refusal, Level: probe.May, Ordering: true,
		Needs: probe.Needs{Mail: true}, Start: probe.Hello, Errors: 1,
		Script: probe.Script{probe.Line(probe.Test, "DATA"), probe.Line(probe.Control, probe.CommandMAIL), rset},
		Judge:  probe.Refuses("503,554", probe.LegalNothing), Allowed: "354",
	}
}

func dataWithoutRcpt() probe.Check {
	return probe.Check{
		ID: "data-without-rcpt", Polarity: probe.Refusal, Level: probe.May, Ordering: true,
		Needs: probe.Needs{Mail: true}, Start: probe.Hello, Errors: 1,
		Script: probe.Script{
			probe.Line(probe.Control, probe.CommandMAIL).Wanting("250"), probe.Line(probe.Test, "DATA"), rset,
		},
		Judge: probe.Refuses("503,554", probe.LegalNothing), Allowed: "354",
	}
}

func noopBeforeEHLO() probe.Check {
	return probe.Check{
		ID: "noop-before-ehlo", Polarity: probe.Service, Level: probe.Must, Start: probe.Greeted, Errors: 1,
		Script: probe.Script{probe.Line(probe.Test, "NOOP"), ehlo, probe.Line(probe.Control, "NOOP")},
		Judge:  probe.Serves("250", probe.LegalNothing),
	}
}

func rsetClears() probe.Check {
	return probe.Check{
		ID: "rset-clears", Polarity: probe.Clearing, Level: probe.Must, Ordering: true,
		Needs: probe.Needs{Mail: true, Postmaster: true, Checks: []string{probe.RcptBeforeMail}},
		Start: probe.Hello, Errors: 1,
		Script: probe.Script{
			mail, probe.Line(probe.Disturb, "RSET"),
			probe.Line(probe.IsOpen, probe.CommandRCPT).When(probe.Disturb, probe.IfAccepted),
			probe.Line(probe.Control, probe.CommandMAIL), rset,
		},
		Judge: probe.Clears(),
	}
}

func noopKeeps() probe.Check {
	return probe.Check{
		ID: "noop-keeps-transaction", Polarity: probe.Keeping, Level: probe.Must,
		Needs: probe.Needs{Mail: true, Postmaster: true, Checks: []string{probe.RcptBeforeMail}},
		Start: probe.Hello, Errors: 1,
		Script: probe.Script{
			probe.Line(probe.Control, "NOOP"), mail, probe.Line(probe.Disturb, "NOOP"),
			probe.Line(probe.IsOpen, probe.CommandRCPT), rset,
		},
		Judge: probe.Keeps("250"),
	}
}
