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
	"strconv"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
)

// The budgets of one session (catalogue section 4, from the limits of real
// servers): chasquid answers the third error with 421, Exim closes at the
// eleventh command that is not mail, Sendmail pauses from the third EHLO,
// postscreen takes twenty commands in all.
const (
	MaxErrors   = 2
	MaxNonMail  = 8
	MaxHellos   = 2
	MaxCommands = 18
)

// Session is one planned session.
type Session struct {
	Start   probe.Start
	Channel probe.Channel
	Checks  []*probe.Check
	Cost    Cost
}

// Cost is what a session makes a receiver count, at worst.
type Cost struct {
	Commands int
	NonMail  int // RSET, NOOP, EHLO, HELO, VRFY, HELP, STARTTLS
	Hellos   int
	Mails    int
	Errors   int
}

func (c Cost) plus(d Cost) Cost {
	return Cost{
		c.Commands + d.Commands, c.NonMail + d.NonMail, c.Hellos + d.Hellos,
		c.Mails + d.Mails, c.Errors + d.Errors,
	}
}

func (c Cost) within(maxMails int) bool {
	return c.Errors <= MaxErrors && c.NonMail <= MaxNonMail && c.Hellos <= MaxHellos &&
		c.Commands <= MaxCommands && (maxMails == 0 || c.Mails <= maxMails)
}

// CostOf is the cost of a script; errors is what it may cause at worst.
func CostOf(script probe.Script, errors int) Cost {
	c := Cost{Errors: errors}
	for _, step := range script {
		for _, verb := range step.Verbs() {
			c.Commands++
			switch verb {
			case "EHLO", "HELO":
				c.Hellos++
				c.NonMail++
			case "RSET", "NOOP", "VRFY", "HELP", "STARTTLS":
				c.NonMail++
			case "MAIL":
				c.Mails++
			}
		}
	}
	return c
}

// Make packs the checks into sessions. Longer sessions come first, risky ones
// last; checks that have a session of their own keep it.
func Make(checks []*probe.Check, facts probe.Facts) []Session {
	p := packer{facts: facts, maxMails: mailMax(facts)}
	for _, c := range p.ordered(checks) {
		p.place(c)
	}
	slices.SortStableFunc(p.sessions, func(a, b Session) int {
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

// mailMax is the limit of LIMITS MAILMAX (RFC 9422 4.1), 0 where there is none.
func mailMax(facts probe.Facts) int {
	for _, p := range facts.Offered.Params("LIMITS") {
		if number, ok := strings.CutPrefix(p, "MAILMAX="); ok {
			if n, err := strconv.Atoi(number); err == nil && n > 0 {
				return n
			}
		}
	}
	return 0
}

type packer struct {
	facts    probe.Facts
	maxMails int
	sessions []Session
}

// ordered puts the checks in the order in which they are placed: those that
// need a session of their own or its beginning, then DATA and BDAT before
// anything that may get a recipient accepted, and what ends a session last.
func (p *packer) ordered(checks []*probe.Check) []*probe.Check {
	sorted := slices.Clone(checks)
	slices.SortStableFunc(sorted, func(a, b *probe.Check) int {
		return cmp.Or(
			cmp.Compare(rank(a), rank(b)),
			cmp.Compare(p.cost(b).Errors, p.cost(a).Errors),
			cmp.Compare(p.cost(b).Commands, p.cost(a).Commands),
		)
	})
	return sorted
}

func rank(c *probe.Check) int {
	switch {
	case c.Own:
		return 0
	case c.Start == probe.Connected || c.Start == probe.Greeted:
		return 1
	case sends(c, "DATA"), sends(c, "BDAT"):
		return 2
	case c.Final:
		return 4
	}
	return 3
}

func sends(c *probe.Check, verb string) bool {
	return slices.ContainsFunc(c.Script, func(s probe.Step) bool { return slices.Contains(s.Verbs(), verb) })
}

// names reports whether the check may get a recipient accepted.
func names(c *probe.Check) bool {
	return slices.ContainsFunc(c.Script, func(s probe.Step) bool { return strings.Contains(s.Text, "{rcpt}") })
}

// cost is the cost of a check on this receiver: where postmaster is refused,
// each legal RCPT is an error as well.
func (p *packer) cost(c *probe.Check) Cost {
	cost := CostOf(c.Script, c.Errors)
	if p.facts.PostmasterRefused() {
		for _, s := range c.Script {
			if s.Name == probe.Control && strings.Contains(s.Text, "{rcpt}") {
				cost.Errors++
			}
		}
	}
	return cost
}

func (p *packer) place(c *probe.Check) {
	if !c.Own && rank(c) > 1 {
		for i := range p.sessions {
			if s := &p.sessions[i]; p.fits(s, c) {
				s.Checks = append(s.Checks, c)
				s.Cost = s.Cost.plus(p.cost(c))
				return
			}
		}
	}
	channel := p.channel(c)
	cost := CostOf(probe.Prelude(c.Start, channel), 0).plus(p.cost(c))
	if !c.Final {
		cost.Commands++ // QUIT
	}
	p.sessions = append(p.sessions, Session{Start: c.Start, Channel: channel, Checks: []*probe.Check{c}, Cost: cost})
}

// channel is where the session of the check begins.
func (p *packer) channel(c *probe.Check) probe.Channel {
	if c.InClear() && p.facts.Channel == probe.Upgraded {
		return probe.Clear
	}
	return p.facts.Channel
}

func (p *packer) fits(s *Session, c *probe.Check) bool {
	last := s.Checks[len(s.Checks)-1]
	data := sends(c, "DATA") || sends(c, "BDAT")
	return !s.Checks[0].Own && !last.Final &&
		s.inside() == p.inside(c) && s.Channel == p.channel(c) &&
		(!data || !slices.ContainsFunc(s.Checks, names)) &&
		s.Cost.plus(p.cost(c)).within(p.maxMails)
}

// inside reports whether the session is inside TLS after its prelude.
func (s *Session) inside() bool { return s.Start == probe.TunnelHello || s.Channel != probe.Clear }

func (p *packer) inside(c *probe.Check) bool {
	return c.Start == probe.TunnelHello || p.channel(c) != probe.Clear
}
