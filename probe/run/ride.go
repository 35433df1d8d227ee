package run

import (
	"context"
	"slices"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/plan"
	"github.com/smtpprobe/smtpprobe/probe/wire"
)

// ride plays checks behind a control that came to its end, in its session.
func (p *prober) ride(ctx context.Context, s *wire.Session, b probe.Baseline, walk probe.Walk, control probe.Transcript, riders []*probe.Check) []probe.Transcript {
	if len(riders) == 0 {
		return nil
	}
	now := probe.Hello
	switch b {
	case probe.B2:
		now = probe.TunnelHello
	case probe.B3:
		now = probe.Helo
	}
	if now != probe.Helo {
		if why := changed(plan.Session{Checks: riders}, walk); why != "" {
			p.lose(riders, 1, why)
			return nil
		}
	}
	tries, left, why := p.playChecks(ctx, s, passage{before: control, now: now, played: 1}, riders)
	p.lose(left, 1, why)
	return tries
}

// askable are the checks that still can tell something, now that the control
// before them is known.
func (p *prober) askable(riders []*probe.Check) []*probe.Check {
	facts := p.facts()
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(riders), func(c *probe.Check) bool {
		return p.record.Settled(c, p.options.Catalogue, facts)
	})
}
