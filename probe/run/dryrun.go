package run

import (
	"slices"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/plan"
)

// PlannedSession is one session as --dry-run shows it.
type PlannedSession struct {
	What     string // the baseline, or the checks by their IDs
	Commands int
	Errors   int // at worst
}

// Plan is what a run would do on a receiver that greets, and that offers
// everything a check wants offered and nothing that it wants absent.
func (o Options) Plan() []PlannedSession {
	checks := slices.DeleteFunc(o.Wanted(), func(c *probe.Check) bool { return c.Needs.Greeting != "" })
	channel := o.channel()
	alone := func(b probe.Baseline) PlannedSession {
		cost := plan.CostOf(b.Script(channel), 0)
		return PlannedSession{What: "control " + string(b), Commands: cost.Commands + 1}
	}
	var controls []probe.Baseline
	for _, b := range []probe.Baseline{probe.B1, probe.B2, probe.B3} {
		if wants(checks, b) && (b != probe.B2 || channel == probe.Clear && o.TLS != Never) {
			controls = append(controls, b)
		}
	}
	sessions := []PlannedSession{alone(probe.B0)}
	for _, s := range plan.Make(checks, probe.Facts{Channel: channel}, controls...) {
		what := names(s.Checks)
		if s.Head != "" {
			what = strings.TrimSuffix("control "+string(s.Head)+", "+what, ", ")
		}
		sessions = append(sessions, PlannedSession{What: what, Commands: s.Cost.Commands, Errors: worst(s)})
	}
	return append(sessions, alone(probe.B0Again))
}

// worst is the number of error replies that a session may get at most. A check
// that could take a session beyond the budget is not played in it.
func worst(s plan.Session) int {
	sum, least := 0, plan.MaxErrors
	if s.Head == probe.B1 {
		sum = 1 // postmaster may be refused
	}
	for i, c := range s.Checks {
		sum += c.AtWorst()
		if i == 0 && s.Head == "" {
			least = max(least, c.AtWorst())
		}
	}
	return min(sum, least)
}
