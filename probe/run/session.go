package run

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/plan"
	"github.com/smtpprobe/smtpprobe/probe/wire"
)

// session plays one planned session. A check that can tell nothing, now that more
// is known than when it was planned, is left out.
func (p *prober) session(ctx context.Context, planned plan.Session) {
	if planned.Head != "" {
		p.baseline(ctx, planned.Head, planned.Checks)
		return
	}
	if planned.Checks = p.askable(planned.Checks); len(planned.Checks) == 0 {
		return
	}
	p.progress(names(planned.Checks))
	s, ok := p.open(ctx)
	if !ok {
		if !p.over() { // else that is the reason
			p.lose(planned.Checks, 1, "no session could be opened")
		}
		return
	}
	at := passage{now: planned.Start}
	tries, left, why := p.converseChecks(ctx, s, &at, planned)
	parting := p.leave(ctx, s)
	p.learn(append(at.said, parting...))
	p.settle(tries, s.Shifted(), parting)
	p.lose(left, 1, why)
}

// try is a check that was played, and what was said.
type try struct {
	check      *probe.Check
	transcript probe.Transcript
}

// settle keeps the tries of a session that has ended. Where replies and commands
// were out of step at its end, that is the doing of the only check that was
// played; of several nobody knows whose.
func (p *prober) settle(tries []try, off bool, parting probe.Transcript) {
	if n := len(tries); n > 0 && tries[n-1].transcript.Has(probe.NoteInterrupted) {
		tries = tries[:n-1] // cut short by us: that says nothing of the receiver
	}
	for _, played := range tries {
		t := played.transcript
		switch {
		case !off && (played.check.Final || !shifted(tries)):
		case len(tries) > 1 || t.Before().Checks > 0:
			p.lose([]*probe.Check{played.check}, 1, string(probe.NoteShifted))
			continue
		default:
			t = append(append(t, parting...), shiftedAt(t))
		}
		p.keep(played.check, t)
	}
}

// shiftedAt is the note that replies and commands were out of step at the end.
func shiftedAt(t probe.Transcript) probe.Event {
	return probe.Event{At: t[len(t)-1].At, From: probe.FromProbe, Note: probe.NoteShifted}
}

// shifted reports whether a last check that said QUIT got the reply to an
// earlier command, and 221 only behind it. It sees what the session itself looks
// for where it says QUIT when it leaves.
func shifted(tries []try) bool {
	n := len(tries)
	if n < 2 || !tries[n-1].check.Final {
		return false
	}
	w := probe.Replay(tries[n-1].check.Script, tries[n-1].transcript)
	first := w.Find(probe.Test).Reply()
	if first.Code == 0 || first.Code == 221 || first.Code == 421 {
		return false
	}
	for _, o := range w.Outcomes {
		for _, r := range append(slices.Clone(o.Surplus), o.Replies...) {
			if r.Code == 221 {
				return true
			}
		}
	}
	return false
}

// converseChecks plays prelude and checks on a session. It returns a transcript
// for each check that was played, and those whose turn did not come, and why.
func (p *prober) converseChecks(ctx context.Context, s *wire.Session, at *passage, planned plan.Session) ([]try, []*probe.Check, string) {
	prelude := probe.Prelude(planned.Start, planned.Channel)
	before := s.Play(ctx, prelude)
	at.before, at.said = before, before
	// Before the greeting nobody asks whether the session is usable: whoever looks
	// takes the greeting away from the check that is about what comes before it.
	if walk := probe.ReplayAll(prelude, before); walk.Ends() || planned.Start != probe.Connected && !s.Usable() {
		why := cmp.Or(walk.Failure(), "the connection ended, or something came unasked, behind its beginning")
		if ctx.Err() == nil && !answered(walk) {
			p.unprepared(why)
		}
		return nil, planned.Checks, "the session could not be prepared: " + why
	}
	walk := probe.ReplayAll(prelude, before)
	at.offered = probe.OfferedIn(walk)
	if answered(walk) { // a session without EHLO and HELO says nothing of whether others are served
		p.prepared()
	}
	return p.playChecks(ctx, s, at, planned.Checks)
}

// hello is the exchange of EHLO or HELO in the transcript of a check that says it.
func hello(t probe.Transcript) probe.Transcript {
	var said probe.Transcript
	for _, e := range t {
		if e.From == probe.FromClient {
			if len(said) > 0 {
				break
			}
			if verb, _, _ := strings.Cut(strings.ToUpper(e.Text), " "); verb == "EHLO" || verb == "HELO" {
				said = append(said, e)
			}
		} else if len(said) > 0 && e.From == probe.FromServer {
			said = append(said, e)
		}
	}
	return said
}

func (p *prober) keep(c *probe.Check, t probe.Transcript) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.record.Tries[c.ID] = append(p.record.Tries[c.ID], t)
}

// lose counts a turn that did not come, for more than once where another try is
// of little use.
func (p *prober) lose(checks []*probe.Check, times int, why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range checks {
		p.lost[c.ID] += times
		p.record.Lost[c.ID] = why
	}
}

// prepared ends a row of sessions that came to nothing.
func (p *prober) prepared() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent = 0
}

// unprepared counts a session in which nothing was served. A receiver that does
// so in three of them running is over.
func (p *prober) unprepared(why string) {
	p.mu.Lock()
	p.silent++
	over := p.silent >= maxSilent
	p.mu.Unlock()
	if over {
		p.end(probe.StatusBlocked, "three sessions running came to nothing, the last because "+why)
	}
}

// open opens a session; a failure that cannot get better ends the run.
func (p *prober) open(ctx context.Context) (*wire.Session, bool) {
	s, err := p.way.Open(ctx)
	if err == nil {
		p.mu.Lock()
		p.sessions++
		p.mu.Unlock()
		return s, true
	}
	if ctx.Err() == nil {
		p.unopened(err)
	}
	return nil, false
}

func (p *prober) unopened(err error) {
	if errors.Is(err, wire.ErrCeiling) {
		p.reached(err)
		return
	}
	p.mu.Lock()
	p.silent++
	last := p.silent >= maxSilent
	met := len(p.record.Baselines) > 0
	p.mu.Unlock()
	switch {
	case errors.Is(err, wire.ErrStopped) && met:
		p.end(probe.StatusBlocked, err.Error()+", so no more were made")
	case errors.Is(err, wire.ErrStopped), last:
		p.end(statusOf(err), err.Error())
	}
}

// reached ends a run at the ceiling. What was measured stands.
func (p *prober) reached(err error) {
	p.mu.Lock()
	p.capped = true
	met := len(p.record.Baselines) > 0
	p.mu.Unlock()
	if met {
		p.end(probe.StatusInterrupted, err.Error())
	} else {
		p.end(probe.StatusSkipped, err.Error())
	}
}

func statusOf(err error) probe.Status {
	switch {
	case errors.Is(err, wire.ErrRefused):
		return probe.StatusRefused
	case errors.Is(err, wire.ErrStopped):
		return probe.StatusBlocked
	}
	return probe.StatusUnreachable
}

func (p *prober) leave(ctx context.Context, s *wire.Session) probe.Transcript {
	parting := s.Leave(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.commands += s.Commands()
	return parting
}
