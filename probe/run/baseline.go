package run

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/wire"
)

// plain runs B0. It decides whether the receiver can be measured at all, and
// whether all checks run inside TLS because MAIL demands it.
func (p *prober) plain(ctx context.Context) {
	for try := 1; ctx.Err() == nil && !p.over(); try++ {
		walk, err := p.converse(ctx, probe.B0, nil)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			p.unreached(err, try)
			continue
		}
		f := p.facts()
		switch {
		case f.Mail.Class() == 2 && f.Failed[probe.B0] == "":
			return
		case f.Mail.Code == 530 && p.upgrade(f):
			try = 0 // from the beginning, inside TLS
		case f.Mail.Code == 530 && f.Failed[probe.B0] == "" && p.demandsLogin(f):
			return // login is demanded; what needs no MAIL can still be told
		case try >= baselineTries || p.over():
			p.end(p.verdictOn(f, walk))
		}
	}
}

// demandsLogin reports whether 530 is about a login rather than about TLS.
func (p *prober) demandsLogin(f probe.Facts) bool {
	return p.record.Channel != probe.Clear || f.Offered.Has("AUTH") && !f.Offered.Has("STARTTLS")
}

// upgrade moves the run into TLS where MAIL demands it and TLS can be had.
func (p *prober) upgrade(f probe.Facts) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.options.TLS != Auto || p.record.Channel != probe.Clear || !f.Offered.Has("STARTTLS") {
		return false
	}
	p.gathered = nil
	p.record.Channel = probe.Upgraded
	p.record.Baselines[probe.B0Clear] = p.record.Baselines[probe.B0]
	delete(p.record.Baselines, probe.B0)
	return true
}

// unreached reads a connection that did not come about.
func (p *prober) unreached(err error, try int) {
	switch {
	case errors.Is(err, wire.ErrCeiling):
		p.reached(err)
	case errors.Is(err, wire.ErrNoRoute) && strings.Contains(p.target.Address, ":"):
		p.end(probe.StatusSkipped, "there is no IPv6 route from here")
	case errors.Is(err, wire.ErrNoRoute), errors.Is(err, wire.ErrNoHost), errors.Is(err, wire.ErrProxy), try >= baselineTries:
		p.end(statusOf(err), err.Error())
	}
}

// verdictOn says in words why a receiver that fails B0 twice is over.
func (p *prober) verdictOn(f probe.Facts, walk probe.Walk) (probe.Status, string) {
	greeting := walk.Find(probe.StepGreeting)
	switch {
	case greeting.Ran && greeting.TimedOut && len(greeting.Replies) == 0 && !greeting.Partial:
		return probe.StatusNotSMTP, "connected, but no greeting came"
	case greeting.Ran && greeting.Partial && len(greeting.Replies) == 0:
		return probe.StatusNotSMTP, "what came in place of a greeting stopped in the middle"
	case greeting.Ran && (greeting.Reply().Fault != "" || greeting.Partial || greeting.Flooded):
		return probe.StatusNotSMTP, "the greeting is not SMTP: " + probe.Brief(greeting.Reply())
	case f.Greeting.Code != 0 && f.Greeting.Code != 220:
		return probe.StatusBlocked, "the greeting was " + probe.Brief(f.Greeting)
	case f.Mail.Code == 530 && p.demandsLogin(f):
		return probe.StatusBlocked, "a login is demanded: " + probe.Brief(f.Mail)
	case f.Mail.Code == 530:
		return probe.StatusTLSRequired, "MAIL demands TLS, which is not to be had: " + probe.Brief(f.Mail)
	case f.Channel == probe.Upgraded && f.Starttls.Code != 220:
		return probe.StatusTLSRequired, "TLS is demanded, and " + walk.Failure()
	case f.Unsecured != "":
		return probe.StatusTLSRequired, "the TLS handshake fails: " + f.Unsecured
	case f.Mail.Refused():
		return probe.StatusBlocked, "MAIL in its legal place was answered " + probe.Brief(f.Mail)
	}
	return probe.StatusBlocked, walk.Failure()
}

// controls are the baselines that the checks need, besides B0, and that are still
// to come.
func (p *prober) controls(f probe.Facts) []probe.Baseline {
	p.mu.Lock()
	defer p.mu.Unlock()
	var needed []probe.Baseline
	add := func(b probe.Baseline, possible bool) {
		if possible && !slices.Contains(p.headed, b) && wants(p.checks, b) {
			needed = append(needed, b)
		}
	}
	add(probe.B1, f.Mail.Class() == 2)
	add(probe.B2, f.Channel == probe.Clear && !p.record.NoTLS && f.Offered.Has("STARTTLS"))
	add(probe.B3, true)
	return needed
}

// wants reports whether any of the checks needs the baseline.
func wants(checks []*probe.Check, b probe.Baseline) bool {
	return needs(checks, func(c *probe.Check) bool { return slices.Contains(c.Controls(), b) })
}

// baseline runs one baseline, with checks behind it, and a second time, alone,
// where it did not come to its end.
func (p *prober) baseline(ctx context.Context, b probe.Baseline, riders []*probe.Check) {
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.headed = append(p.headed, b)
	}()
	for try := 1; try <= baselineTries && ctx.Err() == nil && !p.over(); try++ {
		if _, err := p.converse(ctx, b, riders); err == nil && p.facts().Failed[b] == "" {
			return
		}
		riders = nil
	}
}

// converse plays a baseline at the beginning of a session, and keeps its
// transcript; then the checks that ride on it.
func (p *prober) converse(ctx context.Context, b probe.Baseline, riders []*probe.Check) (probe.Walk, error) {
	p.progress(strings.Join(append([]string{string(b)}, ids(riders)...), ", "))
	s, err := p.way.Open(ctx)
	if err != nil {
		if b == probe.B0Again && ctx.Err() == nil && !errors.Is(err, wire.ErrCeiling) {
			p.failed(b, err.Error())
		}
		if b != probe.B0 && ctx.Err() == nil {
			p.unopened(err)
		}
		return probe.Walk{}, err
	}
	p.mu.Lock()
	p.sessions++
	channel := p.record.Channel
	p.mu.Unlock()
	script := b.Script(channel)
	t := s.Play(ctx, script)
	walk := probe.ReplayAll(script, t)
	cut := ctx.Err() != nil
	if !cut {
		p.heard(b, t)
	}
	at := passage{before: t, said: t, now: b.Leads(), offered: probe.OfferedIn(walk), played: 1}
	var tries []try
	if !cut && walk.Failure() == "" {
		tries = p.ride(ctx, s, &at, riders)
	}
	parting := p.leave(ctx, s)
	p.learn(append(at.said, parting...))
	if cut {
		return probe.Walk{}, ctx.Err()
	}
	if s.Shifted() {
		p.heard(b, append(append(t, parting...), shiftedAt(t)))
		p.outOfStep(len(tries) == 0)
	}
	p.settle(tries, s.Shifted(), nil)
	if b != probe.B0 {
		if walk.Find(probe.StepGreeting).Wanted() && walk.Find(probe.StepGreeting).Ran && answered(walk) {
			p.prepared()
		} else {
			p.unprepared(walk.Failure())
		}
	}
	return walk, nil
}

// outOfStep notes a control that was, by itself, out of step at its end: then no
// check can be blamed for it.
func (p *prober) outOfStep(alone bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gathered = nil
	p.record.Shifted = p.record.Shifted || alone
}

// heard keeps the transcript of a baseline.
func (p *prober) heard(b probe.Baseline, t probe.Transcript) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gathered = nil
	p.record.Baselines[b] = t
}

// answered reports whether the receiver served EHLO or HELO.
func answered(w probe.Walk) bool {
	for _, name := range []string{probe.StepEHLO, probe.StepHELO} {
		if w.Find(name).Accepted() {
			return true
		}
	}
	return false
}
