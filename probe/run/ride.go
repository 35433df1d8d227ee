package run

import (
	"context"
	"slices"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
	"github.com/smtpprobe/smtpprobe/probe/wire"
)

// passage is where a session is, and what led it there.
type passage struct {
	before  probe.Transcript // what transcripts of checks begin with
	said    probe.Transcript // all of it
	now     probe.Start
	offered smtp.Capabilities // by its latest EHLO; nil where it heard none
	played  int               // checks, and a control at the beginning
}

// ride plays checks behind a control that came to its end, in its session.
func (p *prober) ride(ctx context.Context, s *wire.Session, at *passage, riders []*probe.Check) []try {
	tries, left, why := p.playChecks(ctx, s, at, p.askable(riders))
	p.lose(left, 1, why)
	return tries
}

// askable are the checks that still can tell something, now that more is known
// than when they were planned.
func (p *prober) askable(riders []*probe.Check) []*probe.Check {
	facts := p.facts()
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(riders), func(c *probe.Check) bool {
		return p.record.Settled(c, p.options.Catalogue, facts) || p.yields(c)
	})
}

// playChecks plays one check after the other. It returns those that were played,
// and those whose turn did not come, and why.
func (p *prober) playChecks(ctx context.Context, s *wire.Session, at *passage, checks []*probe.Check) ([]try, []*probe.Check, string) {
	facts := p.facts()
	var tries []try
	for i, c := range checks {
		if at.played > 0 && !p.cross(ctx, s, at, c, facts) {
			return tries, checks[i:], lostTurn
		}
		if why := changed(c, at.offered); why != "" {
			p.lose(checks[i:i+1], 1, why)
			continue
		}
		script, _ := facts.Fill(c.Script) // what cannot be filled was never planned
		begin := s.Begin(at.played)
		own := s.Play(ctx, script)
		at.said = append(at.said[:len(at.said):len(at.said)], own...)
		tries = append(tries, try{c, slices.Concat(at.before, probe.Transcript{begin}, own)})
		at.played++
		walk := probe.ReplayAll(script, own)
		at.offered = said(walk, at.offered)
		if at.now = walk.Left(c.Start); at.now != c.Start {
			at.before = append(at.before[:len(at.before):len(at.before)], hello(own)...) // what the next ones stand on
		}
		if ctx.Err() != nil || walk.Ends() {
			return tries, checks[i+1:], lostTurn
		}
	}
	return tries, nil, ""
}

const lostTurn = "its sessions ended before its turn"

// cross leads a session on to its next check. It fails where the session does
// not bear one, or came to another place than was planned.
func (p *prober) cross(ctx context.Context, s *wire.Session, at *passage, c *probe.Check, facts probe.Facts) bool {
	bridge, reachable := probe.Bridge(at.now, c.Start)
	if !reachable || !s.Usable() || !p.budget().Leaves(s.Errors(), c, facts) {
		return false
	}
	crossed := s.Play(ctx, bridge)
	walk := probe.ReplayAll(bridge, crossed)
	at.before = append(at.before[:len(at.before):len(at.before)], crossed...)
	at.said = append(at.said[:len(at.said):len(at.said)], crossed...)
	at.now, at.offered = c.Start, said(walk, at.offered)
	return !walk.Ends() && s.Usable()
}

// said is what EHLO offers by the latest one of a walk that was served, or else
// what it did before; HELO takes it back.
func said(w probe.Walk, before smtp.Capabilities) smtp.Capabilities {
	for _, o := range w.Outcomes {
		if o.Reply().Code != 250 {
			continue
		}
		if verbs := o.Step.Verbs(); len(verbs) == 1 {
			switch verbs[0] {
			case "EHLO":
				before = smtp.ParseCapabilities(o.Reply())
			case "HELO":
				before = nil
			}
		}
	}
	return before
}

// changed says what the session's own EHLO offers otherwise than the check needs:
// another receiver behind the same address, or one that changed its mind. It is
// empty where nothing is, and where the session heard no EHLO.
func changed(c *probe.Check, offered smtp.Capabilities) string {
	if offered == nil || c.Start != probe.Hello && c.Start != probe.TunnelHello {
		return ""
	}
	for _, k := range c.Needs.Offered {
		if !offered.Has(k) {
			return k + " was offered before, and not in this session"
		}
	}
	for _, k := range c.Needs.Unoffered {
		if offered.Has(k) {
			return k + " was not offered before, and is in this session"
		}
	}
	if c.Needs.Upgrade && !offered.Has("STARTTLS") {
		return "STARTTLS was offered before, and not in this session"
	}
	return ""
}
