package checks_test

import (
	"maps"
	"strconv"
	"testing"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/oracle"
)

// The oracle is the second book: it shares no code with the checks, so that a
// check which asks for the wrong thing, or calls it by the wrong name, has to
// be wrong twice to go unseen.

// timed are the checks about order in time, which the table has no row for, and
// why.
func timed() map[string]string {
	return map[string]string{
		"early-talk":                           "whether octets came before the greeting",
		"early-talk-group":                     "the same",
		"starttls-injection":                   "what stood behind STARTTLS, and what became of it inside TLS",
		"pipeline-unadvertised":                "whether octets stood behind a line: a receiver's own choice, ahead=1",
		"pipeline-after-helo":                  "the same",
		"pipeline-ehlo-head":                   "the same",
		"pipeline-sync-command-mid-group/noop": "the same",
		"pipeline-sync-command-mid-group/vrfy": "the same",
		"starttls-broken-handshake":            "what becomes of octets that are no handshake, which depends on TLS",
	}
}

// judgedPlace is where the table answers the command that a check judges,
// written by hand from the card: the script must lead there and nowhere else.
type judgedPlace struct {
	state oracle.State
	tls   bool
	line  string
	lacks []string // keywords that the receiver must not offer
	// unreached says why the reference itself never comes there.
	unreached string
	// level says why the check's level is not that of the row.
	level string
	// apart: the row has a level of its own, for another rule than the check's.
	apart bool
}

const (
	mailLine = "MAIL FROM:<>"
	rcptLine = "RCPT TO:<postmaster@receiver.example>"
	ehloLine = "EHLO probe.example"
)

func judgedPlaces() map[string]judgedPlace {
	all := map[string]judgedPlace{
		"mail-before-ehlo":       {state: "I", line: mailLine},
		"noop-before-ehlo":       {state: "I", line: "NOOP"},
		"rcpt-before-mail":       {state: "E", line: rcptLine},
		"data-before-mail":       {state: "E", line: "DATA"},
		"data-without-rcpt":      {state: "M", line: "DATA"},
		"nested-mail":            {state: "M", line: mailLine},
		"rset-clears":            {state: "M", line: "RSET"},
		"ehlo-clears":            {state: "M", line: ehloLine},
		"noop-keeps-transaction": {state: "M", line: "NOOP"},
		"starttls-inside-tls":    {state: "E", tls: true, line: "STARTTLS"},
		"tls-mail-without-ehlo": {
			state: "I", tls: true, line: mailLine,
			level: "the MUST is to forget the EHLO in clear (RFC 3207 4.2), which the table cannot see",
		},
		"tls-transaction-survives": {
			state: "I", tls: true, line: rcptLine,
			unreached: "the reference refuses STARTTLS inside a transaction",
		},
		"quit-closes": {state: "E", line: "QUIT"},
	}
	for _, group := range groups() {
		maps.Copy(all, group.places)
	}
	return all
}

// judged is the step whose reply a check judges.
func judged(c *probe.Check) string {
	for _, s := range c.Script {
		if s.Name == probe.Disturb {
			return probe.Disturb
		}
	}
	return probe.Test
}

// TestReferenceIsStrict holds that the reference gets strict, correct or
// not-applicable from every check in every channel, as a pure function.
func TestReferenceIsStrict(t *testing.T) {
	noStarttls := without("STARTTLS")
	for name, run := range map[string]struct {
		channel   probe.Channel
		noTLS     bool
		supported []string
	}{
		"clear":                    {channel: probe.Clear, supported: defaults()},
		"clear, TLS switched off":  {channel: probe.Clear, noTLS: true, supported: defaults()},
		"clear, without STARTTLS":  {channel: probe.Clear, supported: noStarttls},
		"clear, without extension": {channel: probe.Clear},
		"upgraded":                 {channel: probe.Upgraded, supported: defaults()},
		"implicit":                 {channel: probe.Implicit, supported: defaults()},
	} {
		t.Run(name, func(t *testing.T) {
			rec := record(run.channel, run.supported...)
			rec.NoTLS = run.noTLS
			all := checks.All()
			for i := range all {
				if timed()[all[i].ID] != "" {
					continue
				}
				got := probe.Decide(&all[i], all, rec)
				switch got.Verdict {
				case probe.Strict, probe.Correct, probe.NotApplicable:
				default:
					t.Errorf("%s: got %s (%s)", all[i].ID, got.Verdict, got.Reason)
					show(t, got)
				}
				soundResult(t, got)
			}
		})
	}
}

// TestErrorsAreCounted holds that no check costs the reference more error
// replies than its literal says, with and without a postmaster.
func TestErrorsAreCounted(t *testing.T) {
	all := checks.All()
	for i := range all {
		c := &all[i]
		for _, channel := range []probe.Channel{probe.Clear, probe.Upgraded, probe.Implicit} {
			if c.Needs.Upgrade && channel == probe.Implicit {
				continue // there is no way into TLS then
			}
			r := newReference(defaults()...)
			walk := probe.Replay(c.Script, r.try(c, channel))
			errors := 0
			for _, o := range walk.Outcomes {
				for _, reply := range append(o.Replies, o.Surplus...) {
					if reply.Refused() {
						errors++
					}
				}
			}
			if errors > c.Errors {
				t.Errorf("%s in channel %d: got %d error replies, want at most the %d of its literal", c.ID, channel, errors, c.Errors)
			}
		}
	}
}

// TestChecksLeadToTheirPlace holds that every check is booked, and that its
// script brings the command that is judged to the place of its card.
func TestChecksLeadToTheirPlace(t *testing.T) {
	places, elsewhere := judgedPlaces(), timed()
	elsewhere["pipeline-group"] = "five commands, each with a row of its own"
	for _, group := range groups() {
		maps.Copy(elsewhere, group.nowhere)
	}
	all := checks.All()
	for i := range all {
		c := &all[i]
		want, ok := places[c.ID]
		if _, exempt := elsewhere[c.ID]; ok == exempt {
			t.Errorf("%s: want either a place in the table (places of its group) or a reason why it has none (nowhere)", c.ID)
		}
		if !ok || want.unreached != "" {
			continue
		}
		r := newReference(without(want.lacks...)...)
		r.try(c, probe.Clear)
		got := r.reached[judged(c)]
		if got.session.State != want.state || got.session.TLS != want.tls || got.line != want.line {
			t.Errorf("%s: judges %q at %s, TLS %v; want %q at %s, TLS %v",
				c.ID, got.line, got.session.State, got.session.TLS, want.line, want.state, want.tls)
		}
	}
}

// TestLevelsAgree holds that the level of a check is that of its row.
func TestLevelsAgree(t *testing.T) {
	levels := map[string]probe.Level{
		"MUST": probe.Must, "must": probe.Must, "SHOULD": probe.Should, "should": probe.Should, "will": probe.Should,
		"MAY": probe.May, "none": probe.None, "-": probe.None,
	}
	for id, p := range judgedPlaces() {
		c := probe.CheckByID(checks.All(), id)
		if c == nil {
			t.Errorf("%s: has a place, and is no check", id)
			continue
		}
		row := sessionAt(p).Row(p.line)
		want, known := levels[row.Level]
		if !known {
			t.Errorf("%s: no level %q", id, row.Level)
		}
		if (c.Level == want) != (p.level == "") {
			t.Errorf("%s: got level %s and the exception %q, want the level %s of the row, or a reason in level of its place why not", id, c.Level, p.level, want)
		}
	}
}

// sessionAt is a session of the reference at a place, without PIPELINING: of
// what the table says, RFC 2920 takes something back where it is offered.
func sessionAt(p judgedPlace) oracle.Session {
	r := newReference(without(append([]string{"PIPELINING"}, p.lacks...)...)...)
	start := map[oracle.State]probe.Start{"I": probe.Greeted, "E": probe.Hello, "H": probe.Helo, "M": probe.Hello, "A": probe.Hello, "X": probe.Hello}[p.state]
	channel := probe.Clear
	if p.tls {
		channel = probe.Implicit
	}
	r.play(probe.Prelude(start, channel))
	switch p.state {
	case "M", "X":
		r.play(probe.Script{probe.Line("mail", probe.CommandMAIL)})
	case "A":
		r.play(probe.Script{probe.Line("auth", "AUTH PLAIN")})
	}
	if p.state == "X" {
		r.play(probe.Script{probe.Line("chunk", "BDAT 0")})
	}
	return r.session
}

// TestCodesAgree answers the judged command with every code and holds that the
// check's conformance is what the row says of that code.
func TestCodesAgree(t *testing.T) {
	for id, p := range judgedPlaces() {
		t.Run(id, func(t *testing.T) {
			row := sessionAt(p).Row(p.line)
			supported := without(append([]string{"PIPELINING"}, p.lacks...)...)
			rec, exceptions := record(probe.Clear, supported...), codeExceptions()
			for _, code := range allCodes() {
				got := answered(id, p, code, rec, supported)
				conforms := row.Conforms(code, false)
				switch {
				case code == row.Code() && exceptions[id+" "+strconv.Itoa(code)] == "":
					if got.Verdict != probe.Strict && got.Verdict != probe.Correct {
						t.Errorf("the ideal %d: got %s (%s), want strict or correct", code, got.Verdict, got.Reason)
					}
				case got.Verdict == probe.Strict && !conforms:
					t.Errorf("%d, which does not conform: got strict", code)
				}
				agree(t, p, exceptions[id+" "+strconv.Itoa(code)], code, conforms, got)
			}
		})
	}
}

// agree compares the conformance of a result with that of the row.
func agree(t *testing.T, p judgedPlace, exception string, code int, conforms bool, got probe.Result) {
	t.Helper()
	if exception != "" {
		return
	}
	level := got.Check.Level
	if p.level != "" {
		if p.apart {
			if conforms && (got.Conformance == probe.Violates || got.Conformance == probe.Deviates) {
				t.Errorf("%d, which conforms: got %s and %q (%s)", code, got.Verdict, got.Conformance, got.Reason)
			}
			return
		}
		level = probe.None // by the row
	}
	want := map[probe.Level]probe.Conformance{
		probe.Must: probe.Violates, probe.Should: probe.Deviates, probe.May: probe.Unregulated, probe.None: probe.Unregulated,
	}[level]
	switch {
	case level != probe.None && conforms:
		want = probe.Conforms
	case !got.Verdict.Known() && !conforms:
		return // nothing is known: it may be policy
	case p.level != "" && got.Conformance == probe.Conforms && conforms:
		return
	}
	if got.Conformance != want {
		t.Errorf("%d: got %s and %q (%s), want %q as the row has it, or apart in its place where the row is about another rule",
			code, got.Verdict, got.Conformance, got.Reason, want)
	}
}

// codeExceptions are the codes of which a check may say another thing than the
// table, and why.
func codeExceptions() map[string]string {
	exceptions := map[string]string{}
	for _, code := range []string{"500", "502", "504"} {
		exceptions["help-before-ehlo "+code] = "a server without HELP says nothing of the order of commands (card)"
		exceptions["help-keeps-transaction "+code] = "the row knows one place; outside of a transaction HELP was served, so that a refusal inside is one too much"
	}
	for _, code := range allCodes() {
		if code < 400 {
			exceptions["tls-mail-without-ehlo "+strconv.Itoa(code)] = "an acceptance shows what was remembered, where MAIL before EHLO is refused in clear; the table sees one place at a time"
		}
	}
	exceptions["data-after-bdat 421"] = "a refused BDAT comes before it, so that a close may be the limit of errors"
	exceptions["ehlo-after-helo 250"] = "a 250 without the keywords of the first EHLO is no service"
	maps.Copy(exceptions, extensionExceptions())
	exceptions["vrfy-reply 250"] = "what matters is whether a mailbox stands in the text, which the table cannot see"
	for id := range outOfPlace() {
		exceptions[id+" 454"] = "the card calls it a fault of the moment, whatever the table allows"
	}
	return exceptions
}

// answered is the result of a check whose judged command is answered with the
// code, and everything else as the reference answers it, whose record this is.
func answered(id string, p judgedPlace, code int, rec probe.Record, supported []string) probe.Result {
	all := checks.All()
	c := probe.CheckByID(all, id)
	reply := strconv.Itoa(code) + " 5.5.1 As the test says"
	if code < 500 {
		reply = strconv.Itoa(code) + " As the test says"
	}
	r := newReference(supported...)
	r.instead = map[string]string{judged(c): reply}
	if p.unreached != "" {
		r.instead[probe.StepSTARTTLS] = "220 Ready"
	}
	try := r.try(c, probe.Clear)
	rec.Tries[id] = []probe.Transcript{try, try}
	return probe.Decide(c, all, rec)
}

func allCodes() []int {
	return []int{
		220, 221, 250, 251, 252, 334, 354, 421, 450, 451, 452, 454, 455, 500, 501, 502, 503, 504,
		521, 530, 535, 550, 551, 552, 553, 554, 555, 556,
	}
}
