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
// and of those the first; the reason says of how many, where what led to a check
// counts for nothing, since it stands in the transcript of each that followed.
func observed(what string, at look) func(probe.Evidence) probe.Finding {
	return func(ev probe.Evidence) probe.Finding {
		var worst probe.Finding
		concerned, heard, faults, doubts := 0, 0, 0, 0
		for _, session := range ev.Heard {
			doubtful := false
			for i := range session {
				x := &session[i]
				for _, r := range x.Replies {
					f := at(session, i, r)
					if f.Verdict == probe.NotApplicable {
						continue
					}
					concerned++
					if x.Own {
						heard++
					}
					if f.Verdict == probe.Correct {
						continue
					}
					if x.Own {
						faults++
					}
					doubtful = doubtful || f.Again
					if worse(f, worst) {
						worst = f
						worst.Reply, worst.Seen = r, x
					}
				}
			}
			if doubtful {
				doubts++
			}
		}
		switch {
		case concerned == 0:
			return probe.Absent("none was heard: " + what)
		case worst.Verdict == probe.Inconclusive: // none was
			return probe.Finding{Verdict: probe.Correct, Reason: fmt.Sprintf("%s: %d heard", what, heard)}
		case worst.Again && doubts < 2:
			return probe.Unknown("seen in one session only: " + worst.Reason)
		case faults > 0:
			worst.Reason = fmt.Sprintf("%s; in %d of %d", worst.Reason, faults, heard)
		}
		worst.Again = false
		return worst
	}
}

// worse orders faults: what may be an accident of one session gives way to what
// is none, and the first of a kind stays.
func worse(f, than probe.Finding) bool {
	rank := func(f probe.Finding) int {
		switch {
		case f.Verdict == probe.Inconclusive:
			return 0
		case f.Again:
			return 1
		case f.Verdict != probe.Broken:
			return 2
		}
		return 3
	}
	return rank(f) > rank(than)
}

// wrong is the finding of a look at a reply that breaks its rule, and broken of
// one that nobody can read.
func wrong(why string) probe.Finding { return probe.Finding{Verdict: probe.Deviant, Reason: why} }

func broken(why string) probe.Finding { return probe.Finding{Verdict: probe.Broken, Reason: why} }
