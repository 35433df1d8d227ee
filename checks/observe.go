package checks

import (
	"fmt"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// look is what an observation says of one reply to the exchange of this number in
// a session: NotApplicable where it is not concerned, Correct where nothing is
// wrong, else what is.
type look func(session []probe.Exchange, i int, r smtp.Reply) probe.Finding

// keeps and spares are the findings of a look at a reply in which there is
// nothing to find fault with.
func keeps() probe.Finding  { return probe.Finding{Verdict: probe.Correct} }
func spares() probe.Finding { return probe.Finding{Verdict: probe.NotApplicable} }

// observed judges all replies of a run by a look at each. The worst one decides,
// and of those the first; the reason says of how many.
func observed(what string, at look) func(probe.Evidence) probe.Finding {
	return func(ev probe.Evidence) probe.Finding {
		var worst probe.Finding
		concerned, faults := 0, 0
		for _, session := range ev.Heard {
			for i, x := range session {
				for _, r := range x.Replies {
					f := at(session, i, r)
					if f.Verdict == probe.NotApplicable {
						continue
					}
					concerned++
					if f.Verdict == probe.Correct {
						continue
					}
					faults++
					if faults == 1 || f.Verdict == probe.Broken && worst.Verdict != probe.Broken {
						worst = f
						worst.Reply, worst.Seen = r, &x
					}
				}
			}
		}
		switch {
		case concerned == 0:
			return probe.Absent("none was heard: " + what)
		case faults == 0:
			return probe.Finding{Verdict: probe.Correct, Reason: fmt.Sprintf("%s: %d heard", what, concerned)}
		}
		worst.Reason = fmt.Sprintf("%s; in %d of %d", worst.Reason, faults, concerned)
		return worst
	}
}

// wrong is the finding of a look at a reply that breaks its rule, and broken of
// one that nobody can read.
func wrong(why string) probe.Finding { return probe.Finding{Verdict: probe.Deviant, Reason: why} }

func broken(why string) probe.Finding { return probe.Finding{Verdict: probe.Broken, Reason: why} }
