package checks_test

import (
	"maps"
	"testing"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/run"
)

// mutant is the strict receiver with the one lapse that an ordering check is
// there to catch, on top of the base receiver that makes its tested step
// reachable. The places are written down by hand from the cards: a script that
// walks to the wrong place must not breed its own matching mutant.
type mutant struct {
	receiver lab.Receiver // the base
	lapse    lab.Lapse
	change   func(*run.Options)
}

func derived(l interface{ Lapse() lab.Lapse }) mutant { return mutant{lapse: l.Lapse()} }

// mutants has one for each ordering check: state, TLS or not, and command.
func mutants() map[string]mutant {
	survives := derived(lab.Keep{State: "M", Verb: "STARTTLS"})
	survives.receiver.Lapses = []lab.Lapse{lab.Accept{State: "M", Verb: "STARTTLS"}.Lapse()}
	unadvertised := mutant{lapse: lab.AcceptGroups()}
	unadvertised.receiver.Extensions = without("PIPELINING")
	all := map[string]mutant{
		"mail-before-ehlo":         derived(lab.Accept{State: "I", Verb: "MAIL"}),
		"rcpt-before-mail":         derived(lab.Accept{State: "E", Verb: "RCPT"}),
		"data-before-mail":         derived(lab.Accept{State: "E", Verb: "DATA"}),
		"data-without-rcpt":        derived(lab.Accept{State: "M", Verb: "DATA", Guard: "no RCPT was sent"}),
		"nested-mail":              derived(lab.Accept{State: "M", Verb: "MAIL"}),
		"rset-clears":              derived(lab.Keep{State: "M", Verb: "RSET"}),
		"ehlo-clears":              derived(lab.Keep{State: "M", Verb: "EHLO"}),
		"starttls-inside-tls":      derived(lab.Accept{State: "E", TLS: true, Verb: "STARTTLS"}),
		"tls-mail-without-ehlo":    derived(lab.Accept{State: "I", TLS: true, Verb: "MAIL"}),
		"tls-transaction-survives": survives,

		// Order in time has no row in the oracle's table: these are by hand.
		"starttls-injection":    {lapse: lab.InjectAcrossTLS()},
		"pipeline-unadvertised": unadvertised,
		"pipeline-after-helo":   {lapse: lab.AcceptGroups()},
		"pipeline-ehlo-head":    {lapse: lab.AcceptInsideGroup("EHLO")},
		"early-talk":            {lapse: lab.AcceptEarlyTalk()},
	}
	for _, group := range groups() {
		maps.Copy(all, group.mutants)
	}
	return all
}

// alsoKilled are checks that a lapse is rightly caught by besides its own, and
// why.
var alsoKilled = map[string]map[string]string{
	"early-talk":               {"early-talk-group": "the group is early talk, and what is taken once is taken twice"},
	"early-talk-group":         {"early-talk": "the same lapse"},
	"tls-transaction-survives": {"starttls-mid-transaction": "a transaction can only survive where STARTTLS is accepted inside one"},
	"pipeline-unadvertised":    {"pipeline-after-helo": "a receiver that takes groups it never offered takes them after HELO too"},
}

// TestMutants holds that every ordering check calls its own mutant lenient, and
// that no other check does.
func TestMutants(t *testing.T) {
	all := mutants()
	for _, c := range checks.All() {
		if !c.Ordering {
			continue
		}
		m, ok := all[c.ID]
		if !ok {
			t.Errorf("%s: an ordering check without a mutant", c.ID)
			continue
		}
		t.Run(c.ID, func(t *testing.T) {
			base, _ := ask(t, m.receiver, m.change)
			if v := of(t, base, c.ID).Verdict; v == probe.Lenient {
				t.Errorf("the base receiver: got %s, want anything else", v)
			}
			m.receiver.Lapses = append(m.receiver.Lapses[:len(m.receiver.Lapses):len(m.receiver.Lapses)], m.lapse)
			report, _ := ask(t, m.receiver, m.change)
			for _, res := range report.Results {
				_, also := alsoKilled[c.ID][res.Check.ID]
				want := res.Check.ID == c.ID || also
				if got := res.Verdict == probe.Lenient; got != want {
					t.Errorf("%s: got %s (%s), want lenient: %v", res.Check.ID, res.Verdict, res.Reason, want)
					show(t, res)
				}
				switch res.Verdict {
				case probe.Overstrict, probe.Broken, probe.Dropped, probe.Deviant:
					t.Errorf("%s: got %s (%s) from a receiver with one lapse elsewhere", res.Check.ID, res.Verdict, res.Reason)
					show(t, res)
				}
			}
		})
	}
}
