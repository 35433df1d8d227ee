package run_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/run"
)

// verbs are those of the lines since the last one that ended a transaction.
func verbs(said []string) []string {
	var all []string
	for _, line := range said {
		verb, _, _ := strings.Cut(line, " ")
		all = append(all, verb)
	}
	return all
}

// inside reports whether the last command was said inside a transaction.
func inside(said []string) bool {
	open := false
	for _, verb := range verbs(said[:len(said)-1]) {
		switch verb {
		case "MAIL":
			open = true
		case "RSET", "EHLO", "HELO":
			open = false
		}
	}
	return open
}

func greeted(said []string) bool {
	v := verbs(said[:len(said)-1])
	return slices.Contains(v, "EHLO") || slices.Contains(v, "HELO")
}

func last(said []string, verb string) bool { return strings.HasPrefix(said[len(said)-1], verb) }

func endsWith(said []string, want ...string) bool {
	v := verbs(said)
	return len(v) >= len(want) && slices.Equal(v[len(v)-len(want):], want)
}

// hangRow is a receiver that never answers one command in one place.
type hangRow struct {
	check string
	where func(said []string) bool
	blind []string // checks that need the reply that does not come: broken as well, or nothing is known
}

func hangRows() []hangRow {
	return []hangRow{
		{check: "mail-before-ehlo", where: func(s []string) bool { return last(s, "MAIL") && !greeted(s) }},
		{check: "noop-before-ehlo", where: func(s []string) bool { return last(s, "NOOP") && !greeted(s) }},
		{check: "data-before-mail", where: func(s []string) bool { return last(s, "DATA") && !inside(s) }},
		{check: "data-without-rcpt", where: func(s []string) bool { return last(s, "DATA") && inside(s) }},
		{check: "nested-mail", where: func(s []string) bool { return last(s, "MAIL") && inside(s) }},
		{check: "ehlo-clears", where: func(s []string) bool { return last(s, "EHLO") && inside(s) && greeted(s) }},
		{check: "noop-keeps-transaction", where: func(s []string) bool { return last(s, "NOOP") && inside(s) }},
		{check: "pipeline-group", where: func(s []string) bool { return endsWith(s, "MAIL", "RCPT", "RSET", "MAIL", "RSET") }},
		{check: "pipeline-after-helo", where: func(s []string) bool { return endsWith(s, "MAIL", "RSET", "RSET") && verbs(s)[0] == "HELO" }},
		{
			check: "rcpt-before-mail", where: func(s []string) bool { return last(s, "RCPT") && !inside(s) },
			blind: []string{"rset-clears", "ehlo-clears", "noop-keeps-transaction", "rcpt-refused-keeps-transaction"},
		},
	}
}

// TestHangsInOneCommand lets a receiver lose the reply to one command in one
// place. The wait for it is paid twice, since one lost reply may be an accident,
// a third time where an error of another check came before the first, and nobody
// else pays for it.
func TestHangsInOneCommand(t *testing.T) {
	const reply = 30 * time.Second
	change := func(o *run.Options) { o.Wire.Pace = 0 }
	reference := strict(t, change)
	for _, row := range hangRows() {
		t.Run(row.check, func(t *testing.T) {
			w := &world{change: change, way: mind(func(said []string) mood {
				if row.where(said) {
					return hangs
				}
				return serves
			})}
			out := w.probe(t)
			sound(t, w, out)
			if out.report.Status != probe.StatusOK {
				t.Errorf("got status %s (%s), want ok", out.report.Status, out.report.Reason)
			}
			want := verdicts(reference)
			want[row.check] = probe.Broken
			for _, res := range out.report.Results {
				if slices.Contains(row.blind, res.Check.ID) && (res.Verdict == probe.Inconclusive || res.Verdict == probe.Broken) {
					continue
				}
				if res.Verdict != want[res.Check.ID] {
					t.Errorf("%s: got %s (%s), want %s", res.Check.ID, res.Verdict, res.Reason, want[res.Check.ID])
					show(t, res.Transcript)
				}
			}
			if row.blind == nil {
				if extra := out.took - reference.Elapsed; extra < 2*reply-time.Second || extra > 3*reply+2*time.Second {
					t.Errorf("got %s of waiting, want two or three times the %s for a reply", extra, reply)
				}
			} else if limit := reference.Elapsed + time.Duration(2+2*len(row.blind))*reply; out.took > limit+2*time.Second {
				t.Errorf("got a run of %s, want at most %s", out.took, limit)
			}
		})
	}
}

// TestQuitIsNeverAnswered holds that a receiver which does not answer QUIT costs
// its five seconds a session (S8), and the check about it two or three replies.
func TestQuitIsNeverAnswered(t *testing.T) {
	change := func(o *run.Options) { o.Wire.Pace = 0 }
	reference := strict(t, change)
	w := &world{receiver: lab.Receiver{Lapses: []lab.Lapse{lab.SilentQuit()}}, change: change}
	out := w.probe(t)
	sound(t, w, out)
	counted(t, out)
	if got := of(t, out.report, "quit-closes"); got.Verdict != probe.Broken {
		t.Errorf("got %s (%s), want broken", got.Verdict, got.Reason)
	}
	for _, res := range out.report.Results {
		if want := verdicts(reference)[res.Check.ID]; res.Check.ID != "quit-closes" && res.Verdict != want {
			t.Errorf("%s: got %s (%s), want %s", res.Check.ID, res.Verdict, res.Reason, want)
		}
	}
	limit := reference.Elapsed + time.Duration(out.report.Sessions)*5*time.Second + 3*30*time.Second
	if out.took > limit {
		t.Errorf("got a run of %s, want at most %s", out.took, limit)
	}
}

// TestNeverAnswersCommand takes one verb's replies away in all places: those of
// B0 end the run, and no verdict is good.
func TestNeverAnswersCommand(t *testing.T) {
	for _, verb := range []string{"EHLO", "MAIL", "RSET", "NOOP", "RCPT", "DATA", "STARTTLS", "HELO"} {
		t.Run(verb, func(t *testing.T) {
			change := func(o *run.Options) { o.Wire.Pace = 0 }
			reference := strict(t, change)
			w := &world{receiver: lab.Receiver{Lapses: []lab.Lapse{lab.Swallow(verb)}}, change: change}
			out := w.probe(t)
			sound(t, w, out)
			for _, res := range out.report.Results {
				if v := res.Verdict; v.Known() && v != probe.Broken && v != verdicts(reference)[res.Check.ID] {
					t.Errorf("%s: got %s (%s), want %s, broken or inconclusive", res.Check.ID, v, res.Reason, verdicts(reference)[res.Check.ID])
					show(t, res.Transcript)
				}
			}
		})
	}
}
