package report

import (
	"fmt"
	"slices"

	"github.com/smtpprobe/smtpprobe/probe"
)

// Rejudged is a run that was judged again, and what came of that.
type Rejudged struct {
	Run     Run
	Changes []Rejudgement
	Stay    []Stay
	Judged  int // results that were judged again, changed or not
}

// Rejudgement is a result that today's rules see otherwise.
type Rejudgement struct {
	Receiver probe.Receiver
	Old, New probe.Result
}

// Stay are results of one receiver that were not judged again, and why.
type Stay struct {
	Receiver probe.Receiver
	Why      string
	Checks   []string
}

// Rejudge judges the transcripts and controls of a run again, with the rules of
// the catalogue. Nothing is made up: a result whose transcripts are not all there
// stays as it is, and so does one of a check that the catalogue does not have. A
// verdict or conformance that differs is a change, and a reply that decides or a
// reason that does alone is none.
func Rejudge(run Run, catalogue []probe.Check) Rejudged {
	out := Rejudged{Run: run}
	out.Run.Receivers = nil
	for _, r := range run.Receivers {
		out.Run.Receivers = append(out.Run.Receivers, out.receiver(r, catalogue))
	}
	for i, c := range run.Order {
		if today := probe.CheckByID(catalogue, c.ID); today != nil {
			out.Run.Order = slices.Clone(out.Run.Order)
			out.Run.Order[i] = *today
		}
	}
	return out
}

func (out *Rejudged) receiver(r probe.Report, catalogue []probe.Check) probe.Report {
	bench := probe.NewBench(catalogue, r.Record)
	results := slices.Clone(r.Results)
	for i, old := range results {
		c := probe.CheckByID(catalogue, old.Check.ID)
		if why := stays(r, old, c); why != "" {
			out.stay(r.Receiver, why, old.Check.ID)
			continue
		}
		today, err := again(bench, c)
		if err != nil {
			out.stay(r.Receiver, err.Error(), old.Check.ID)
			continue
		}
		out.Judged++
		results[i] = today
		if verdictOf(old) != verdictOf(today) || old.Conformance != today.Conformance {
			out.Changes = append(out.Changes, Rejudgement{r.Receiver, old, today})
		}
	}
	r.Results = results
	return r
}

func (out *Rejudged) stay(r probe.Receiver, why, id string) {
	i := slices.IndexFunc(out.Stay, func(s Stay) bool { return s.Why == why && sameReceiver(s.Receiver, r) })
	if i < 0 {
		i = len(out.Stay)
		out.Stay = append(out.Stay, Stay{Receiver: r, Why: why})
	}
	out.Stay[i].Checks = append(out.Stay[i].Checks, id)
}

func sameReceiver(a, b probe.Receiver) bool {
	return a.Host == b.Host && a.Address == b.Address && a.Port == b.Port
}

// stays says why a result cannot be judged again; empty where it can.
func stays(r probe.Report, old probe.Result, c *probe.Check) string {
	rec := r.Record
	switch {
	case c == nil:
		return "the check is of another version"
	case len(r.Rounds) > 0:
		return "of the runs of --repeat one transcript is kept, and its judgement needs all"
	case rec.Baselines == nil && old.Transcript == nil:
		return "it carries no transcript"
	case rec.Baselines == nil:
		return "the report is of a version that did not keep what judging again needs"
	case !rec.Partial:
		return ""
	case old.Transcript == nil:
		return "it carries no transcript"
	case c.Observes():
		return "it looks at all that was heard, and not every result carries its transcript"
	case slices.ContainsFunc(rec.Tries[c.ID], func(t probe.Transcript) bool { return t.Has(probe.NoteShifted) }):
		return "replies and commands are out of step, and what other checks did to that is not there"
	}
	for _, id := range c.Needed() {
		if len(rec.Tries[id]) == 0 {
			return "it looks at " + id + ", which carries no transcript"
		}
	}
	return ""
}

// again asks the judge. A report may be anybody's, so that a fault in one is the
// affair of that check.
func again(bench *probe.Bench, c *probe.Check) (result probe.Result, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("a fault of smtpprobe's own, please report it: %v", v)
		}
	}()
	return bench.Decide(c), nil
}
