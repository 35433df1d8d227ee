package checks_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/run"
)

// TestScriptsAreHarmless holds, of the text of all scripts, what the guard
// holds on the wire: two recipients, no end of a message, no last chunk, nobody
// named.
func TestScriptsAreHarmless(t *testing.T) {
	verbs := regexp.MustCompile(`^(EHLO|HELO|MAIL|RCPT|DATA|BDAT|RSET|NOOP|VRFY|HELP|QUIT|STARTTLS|AUTH|ZZ[A-Z]*|\*)$`)
	params := `( [A-Z0-9]+(=([A-Za-z0-9.-]+|\{oversize\}))?)?$`
	recipient := regexp.MustCompile(`^TO:\{(rcpt|bad)\}` + params)
	// The run's own sender, none, what is no sender, and a name of this program
	// under the operator's own host.
	sender := regexp.MustCompile("(?i)^FROM:( ?\\{from\\}|<>|<<<|<smtpprobe-\xc3\xbc@\\{ehlo\\}>|smtpprobe@\\{ehlo\\})" + params)
	// CR, LF and NUL may end a line too, for a lax receiver.
	ends := func(r rune) bool { return r == '\r' || r == '\n' || r == 0 }
	for _, c := range checks.All() {
		unended := ""
		for _, s := range c.Script {
			if s.Act != probe.Send {
				continue
			}
			s.Text, unended = unended+s.Text, ""
			if !strings.HasSuffix(s.Text, "\r\n") {
				unended = s.Text // a line in pieces
				continue
			}
			for line := range strings.FieldsFuncSeq(s.Text, ends) {
				verb, rest, _ := strings.Cut(line, " ")
				verb = strings.ToUpper(verb)
				switch {
				case !verbs.MatchString(verb):
					t.Errorf("%s: %q is no command of a probe", c.ID, line)
				case verb == "RCPT" && !recipient.MatchString(rest):
					t.Errorf("%s: %q names another recipient", c.ID, line)
				case verb == "MAIL" && !sender.MatchString(rest):
					t.Errorf("%s: %q names another sender", c.ID, line)
				case verb == "AUTH" && strings.Contains(rest, " "):
					t.Errorf("%s: %q may carry credentials", c.ID, line)
				case strings.Contains(strings.ToUpper(line), "LAST"):
					t.Errorf("%s: %q may be a last chunk", c.ID, line)
				case verb == "DATA" && !strings.HasSuffix(s.Text, "DATA\r\n"):
					t.Errorf("%s: %q has something behind DATA", c.ID, s.Text)
				}
			}
		}
	}
}

// TestGuardLetsScriptsPass plays every script through the real guard, against
// the strict receiver in all its kinds and against the mutant that leads to the
// steps which the strict one never gets to see, and holds that nothing had to be
// held back, and that every step was played at least once.
func TestGuardLetsScriptsPass(t *testing.T) {
	played := map[string]bool{}
	reports := func(name string, r probe.Report, mutant bool) {
		for _, res := range r.Results {
			walk := probe.Replay(res.Check.Script, res.Transcript)
			for _, o := range walk.Outcomes {
				if o.Ran && o.Held == "" {
					played[res.Check.ID+": "+o.Step.Name] = true
				}
			}
			// What a mutant says may well be a reason to stop (S9).
			if e, held := res.Transcript.Find(probe.NoteHeld); held && !mutant {
				t.Errorf("%s: %s: the guard held a step back: %s", name, res.Check.ID, e.Text)
				show(t, res)
			}
		}
		for _, c := range r.Controls {
			if e, held := c.Transcript.Find(probe.NoteHeld); held && !mutant {
				t.Errorf("%s: %s: the guard held a step back: %s", name, c.ID, e.Text)
			}
		}
	}
	for name, kind := range strictReceivers() {
		report, _ := ask(t, kind.receiver, kind.change)
		reports(name, report, false)
	}
	for id, m := range mutants() {
		m.receiver.Lapses = append(slices.Clone(m.receiver.Lapses), m.lapse)
		report, _ := ask(t, m.receiver, func(o *run.Options) {
			if m.change != nil {
				m.change(o)
			}
			o.Selected = []probe.Check{*probe.CheckByID(o.Catalogue, id)}
		})
		reports(id, report, true)
	}
	refusing, _ := ask(t, lab.Receiver{Lapses: []lab.Lapse{lab.RefuseClient()}}, nil)
	reports("refuse-client", refusing, false)
	// What is asked only where a service is refused.
	for _, verb := range []string{"NOOP", "RSET", "VRFY", "HELP"} {
		report, _ := ask(t, lab.Receiver{Lapses: []lab.Lapse{lab.RefuseBeforeHello(verb)}}, nil)
		reports(verb, report, false)
	}
	// What is sent behind QUIT only where the connection stays open.
	stays, _ := ask(t, lab.Receiver{Lapses: []lab.Lapse{lab.StayAfterQuit()}}, nil)
	reports("stay-after-quit", stays, false)
	// What is listened for only where a lone LF is refused; the reply is one that no
	// command asked for (S9).
	refuses := askThrough(t, lab.Receiver{}, onOctets("NOOP\n", keep, "550 5.5.2 Bare LF"), nil)
	reports("a lone LF refused", refuses.report, true)
	for _, c := range checks.All() {
		for _, s := range c.Script {
			if !played[c.ID+": "+s.Name] {
				t.Errorf("%s: step %q was never played", c.ID, s.Name)
			}
		}
	}
}

// TestStrictBudgets holds that no session costs the strict receiver more than
// two error replies, in any kind and any way to talk to it, and that nothing
// there is a danger to anybody.
func TestStrictBudgets(t *testing.T) {
	kinds := strictReceivers()
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		t.Run(name, func(t *testing.T) {
			a := askThrough(t, kinds[name].receiver, nil, kinds[name].change)
			sound(t, a)
			modest(t, a)
			if n := a.ledger.Data + a.ledger.Chunks; n > 0 {
				t.Errorf("the strict receiver went on to text %d times, want never", n)
			}
			if strictness := a.report.Strictness(); strictness.Enforced != strictness.Of {
				t.Errorf("got %d of %d enforced, want all", strictness.Enforced, strictness.Of)
			}
			for _, res := range a.report.Results {
				if res.Conformance == probe.Violates && !demands(name, res) {
					t.Errorf("%s: got %s and %q, want no violation", res.Check.ID, res.Verdict, res.Conformance)
				}
			}
		})
	}
}

// TestLimitsAreKept holds that LIMITS MAILMAX of the receiver bounds the MAILs
// of a session (RFC 9422 section 4.1), but where one check needs more.
func TestLimitsAreKept(t *testing.T) {
	a := askThrough(t, lab.Receiver{Extensions: append(without(), "LIMITS MAILMAX=2")}, nil, nil)
	sound(t, a)
	for i, session := range a.ledger.Sessions {
		if n := session.Verbs["MAIL"]; n > 2 {
			t.Errorf("session %d: got %d MAILs, want two at most", i+1, n)
		}
	}
}
