package run

import (
	"slices"

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
	checks := o.Wanted()
	channel := o.channel()
	var sessions []PlannedSession
	add := func(b probe.Baseline, wanted bool) {
		if wanted {
			cost := plan.CostOf(b.Script(channel), 0)
			if b == probe.B1 {
				cost.Errors = 1 // postmaster may be refused
			}
			sessions = append(sessions, PlannedSession{What: "control " + string(b), Commands: cost.Commands + 1, Errors: cost.Errors})
		}
	}
	add(probe.B0, true)
	add(probe.B1, needsRecipients(checks))
	add(probe.B2, channel == probe.Clear && o.TLS != Never && needsTLS(checks))
	add(probe.B3, needsHelo(checks))
	facts := probe.Facts{Channel: channel}
	played := slices.DeleteFunc(checks, func(c *probe.Check) bool { return c.Needs.Greeting != "" })
	for _, s := range plan.Make(played, facts) {
		sessions = append(sessions, PlannedSession{What: names(s.Checks), Commands: s.Cost.Commands, Errors: worst(s)})
	}
	add(probe.B0Again, true)
	return sessions
}

// worst is the number of error replies that a session may get at most. A check
// that could take a session beyond the budget is not played in it.
func worst(s plan.Session) int {
	sum := 0
	for _, c := range s.Checks {
		sum += c.AtWorst()
	}
	return min(sum, max(plan.MaxErrors, s.Checks[0].AtWorst()))
}

func needsRecipients(checks []*probe.Check) bool {
	return needs(checks, func(c *probe.Check) bool { return c.Needs.Postmaster })
}

func needsTLS(checks []*probe.Check) bool {
	return needs(checks, func(c *probe.Check) bool { return c.Needs.Upgrade || c.Start == probe.TunnelHello })
}

func needsHelo(checks []*probe.Check) bool {
	return needs(checks, func(c *probe.Check) bool { return c.Needs.Helo || c.Start == probe.Helo })
}
