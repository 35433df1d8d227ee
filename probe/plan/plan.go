// Package plan packs checks into sessions: as few as the budgets allow, since
// every session and every error reply is counted by the receiver and may get
// the prober banned.
//
// A plan is a value. The package opens nothing, waits for nothing and knows no
// receiver beyond its facts.
package plan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
)

// The budgets of one session (catalogue section 4, from the limits of real
// servers): chasquid answers the third error with 421, Exim closes at the
// eleventh command that is not mail, Sendmail pauses from the third EHLO,
// postscreen takes twenty commands in all, and none after the first DATA or BDAT.
const (
	MaxErrors   = 2
	MaxNonMail  = 8
	MaxHellos   = 2
	MaxCommands = 18
)

// Session is one planned session.
type Session struct {
	Head    probe.Baseline // the control that it begins with; empty: none
	Start   probe.Start
	Channel probe.Channel
	Checks  []*probe.Check
	Cost    Cost
}

// Make packs the checks into sessions. Those that begin with a control come
// first, in its order, longer ones before shorter ones, risky ones last; checks
// that have a session of their own keep it.
func Make(checks []*probe.Check, facts probe.Facts, controls ...probe.Baseline) []Session {
	p := packer{facts: facts, heads: map[*probe.Check]probe.Baseline{}}
	for _, b := range controls {
		h := head(b, facts.Channel)
		p.heads[h] = b
		s, _ := p.arrange([]*probe.Check{h})
		p.sessions = append(p.sessions, s)
	}
	sorted := slices.DeleteFunc(slices.Clone(checks), (*probe.Check).Observes) // nothing is sent for them
	slices.SortStableFunc(sorted, func(a, b *probe.Check) int {
		return cmp.Or(
			cmp.Compare(p.weight(a), p.weight(b)),
			cmp.Compare(p.cost(b).Errors, p.cost(a).Errors),
			cmp.Compare(p.cost(b).Commands, p.cost(a).Commands),
		)
	})
	for _, c := range sorted {
		p.place(c)
	}
	for i, s := range p.sessions {
		if b, is := p.heads[s.Checks[0]]; is {
			p.sessions[i].Head, p.sessions[i].Checks = b, s.Checks[1:]
		}
	}
	others := p.sessions[len(controls):]
	slices.SortStableFunc(others, func(a, b Session) int {
		return cmp.Or(cmp.Compare(risk(a), risk(b)), cmp.Compare(b.Cost.Commands, a.Cost.Commands))
	})
	return p.sessions
}

func risk(s Session) int {
	if slices.ContainsFunc(s.Checks, func(c *probe.Check) bool { return c.Risky }) {
		return 1
	}
	return 0
}

type packer struct {
	facts    probe.Facts
	heads    map[*probe.Check]probe.Baseline
	sessions []Session
}

// weight is the order in which checks find their place: those first that are
// hard to place, since they want a session of their own or its beginning, or
// must not stand beside a recipient.
func (p *packer) weight(c *probe.Check) int {
	switch {
	case c.Own:
		return 0
	case c.Start == probe.Connected, c.Start == probe.Greeted, c.Start == probe.Helo:
		return 1
	case endsTalk(c):
		return 2
	case c.Final:
		return 4
	}
	return 3
}

// place puts the check into the fullest session that can bear it, or into a
// fresh one.
func (p *packer) place(c *probe.Check) {
	best := -1
	for i := range p.sessions {
		first := p.sessions[i].Checks[0]
		if b, is := p.heads[first]; is && !rides(c, b) || first.Own || c.Own || p.sessions[i].Channel != p.channel(c) {
			continue
		}
		s, ok := p.arrange(append(slices.Clone(p.sessions[i].Checks), c))
		if ok && s.Cost.within(p.facts.Offered.MailMax()) && (best < 0 || p.sessions[i].Cost.Errors > p.sessions[best].Cost.Errors) {
			best = i
		}
	}
	if best < 0 {
		s, _ := p.arrange([]*probe.Check{c})
		p.sessions = append(p.sessions, s)
		return
	}
	p.sessions[best], _ = p.arrange(append(p.sessions[best].Checks, c))
}

// arrange orders the checks of one session and counts what it costs. It fails
// where they cannot share one.
func (p *packer) arrange(checks []*probe.Check) (Session, bool) {
	checks = slices.Clone(checks)
	slices.SortStableFunc(checks, func(a, b *probe.Check) int {
		return cmp.Or(cmp.Compare(p.stage(a), p.stage(b)), cmp.Compare(p.cost(a).Errors, p.cost(b).Errors))
	})
	first := checks[0]
	s := Session{
		Start: first.Start, Channel: p.channel(first), Checks: checks,
		Cost: CostOf(probe.Prelude(first.Start, p.channel(first)), 0),
	}
	now, named := first.Start, false
	for i, c := range checks {
		bridge, ok := probe.Bridge(now, c.Start)
		beyond := i > 0 && s.Cost.Errors+AtWorst(c, p.facts) > MaxErrors // its turn would not come
		if !ok || beyond || p.inside(c) != p.inside(first) || i > 0 && p.stage(checks[i-1]) == last || named && endsTalk(c) {
			return s, false
		}
		s.Cost = s.Cost.plus(CostOf(bridge, 0)).plus(p.cost(c))
		now, named = c.Script.Leads(c.Start), named || names(c)
	}
	if !checks[len(checks)-1].Final {
		s.Cost.Commands++ // QUIT
	}
	return s, true
}

// last is the stage behind which nothing more is played.
const last = 6

// stage is where in a session a check stands.
func (p *packer) stage(c *probe.Check) int {
	leads := c.Script.Leads(c.Start)
	_, control := p.heads[c]
	switch {
	case control:
		return -1
	case endsTalk(c), c.Final:
		return last
	case c.Start == probe.Connected:
		return 0
	case c.Start == probe.Greeted && leads == probe.Greeted:
		return 1
	case c.Start == probe.Greeted:
		return 2
	case c.Start == probe.Helo:
		return 3
	case leads == probe.Helo:
		return 5
	}
	return 4
}

// endsTalk reports whether the check sends DATA or BDAT, after which some
// receivers close.
func endsTalk(c *probe.Check) bool {
	return slices.ContainsFunc(c.Script, func(s probe.Step) bool {
		return slices.Contains(s.Verbs(), "DATA") || slices.Contains(s.Verbs(), "BDAT")
	})
}

// names reports whether the check may get a recipient accepted.
func names(c *probe.Check) bool {
	return slices.ContainsFunc(c.Script, func(s probe.Step) bool { return strings.Contains(s.Text, "{rcpt}") })
}

// cost is the cost of a check on this receiver: where postmaster is refused,
// each legal RCPT is an error as well.
func (p *packer) cost(c *probe.Check) Cost {
	return CostOf(likely(c), c.Errors+refusals(c, p.facts))
}

// likely are the steps that a receiver gets to see which does what the RFCs say:
// it refuses no service, so that no control of a refusal is asked for.
func likely(c *probe.Check) probe.Script {
	var played probe.Script
	passed := map[string]bool{}
	for _, s := range c.Script {
		refused := s.If == probe.IfRefused && s.Of == probe.Test && c.Polarity == probe.Service
		if passed[s.Name] = refused || s.If != probe.Always && passed[s.Of]; !passed[s.Name] {
			played = append(played, s)
		}
	}
	return played
}

// AtWorst is the number of error replies that the check may cause on this
// receiver. A session in which that would be too many does not play it.
func AtWorst(c *probe.Check, facts probe.Facts) int { return c.AtWorst() + refusals(c, facts) }

// refusals is the number of legal RCPTs of the check that this receiver refuses.
func refusals(c *probe.Check, facts probe.Facts) int {
	n := 0
	for _, s := range c.Script {
		legal := s.Name == probe.Control || s.Name == probe.IsOpen && c.Polarity == probe.Keeping
		if facts.PostmasterRefused() && legal && strings.Contains(s.Text, "{rcpt}") {
			n++
		}
	}
	return n
}

// channel is where the session of the check begins.
func (p *packer) channel(c *probe.Check) probe.Channel {
	if c.InClear() && p.facts.Channel == probe.Upgraded {
		return probe.Clear
	}
	return p.facts.Channel
}

// inside reports whether the check is played inside TLS.
func (p *packer) inside(c *probe.Check) bool {
	return c.Start == probe.TunnelHello || p.channel(c) != probe.Clear
}
