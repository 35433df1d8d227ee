package run

import (
	"context"
	"slices"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/plan"
)

// rounds plays the checks, and the controls that they need. What is lost with its
// session, or may have been an accident, is planned again, until nothing is left
// that may tell more.
func (p *prober) rounds(ctx context.Context) {
	for ctx.Err() == nil && !p.over() {
		facts := p.facts()
		controls := p.controls(facts)
		hoped := facts.Hoping(controls)
		pending, risky := p.pending(hoped)
		if len(pending)+len(controls) == 0 {
			pending = risky // last, so that what they cost costs nobody else
		}
		if len(pending)+len(controls) == 0 {
			return
		}
		p.play(ctx, p.work(pending, hoped, controls))
	}
}

// work is what is to be planned. A check that is tried again is the first of a
// fresh session, so that no error of another one comes before it.
func (p *prober) work(pending []*probe.Check, facts probe.Facts, controls []probe.Baseline) plan.Work {
	w := plan.Work{Controls: controls, Facts: facts, Budget: p.budget()}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range pending {
		if len(p.record.Tries[c.ID]) == 0 && p.lost[c.ID] == 0 {
			w.Checks = append(w.Checks, c)
		} else {
			w.Alone = append(w.Alone, c)
		}
	}
	return w
}

// pending are the checks that can tell something, by the facts, and have not yet;
// those apart that may cost the prober its reputation.
func (p *prober) pending(facts probe.Facts) (pending, risky []*probe.Check) {
	p.mu.Lock()
	defer p.mu.Unlock()
	bench := probe.NewBench(p.options.Catalogue, p.record)
	for _, c := range p.checks {
		if !p.playable(c, facts) {
			continue
		}
		if len(p.record.Tries[c.ID]) == 0 || !p.waits(c, facts) && p.again(bench, c) {
			if c.Risky {
				risky = append(risky, c)
			} else {
				pending = append(pending, c)
			}
		}
	}
	return pending, risky
}

// judged is what was decided of a check, and from what.
type judged struct {
	facts *probe.Facts
	tries int // of the check and of those that it looks at
	again bool
}

// again reports whether another try of a check may tell more. It is asked in every
// round, and worked out only where something was heard since that it depends on.
// The caller holds the lock.
func (p *prober) again(bench *probe.Bench, c *probe.Check) bool {
	tries := len(p.record.Tries[c.ID])
	for _, id := range c.Needed() {
		tries += len(p.record.Tries[id])
	}
	// A try that ended out of step is judged beside those of all other checks.
	shifted := slices.ContainsFunc(p.record.Tries[c.ID], func(t probe.Transcript) bool { return t.Has(probe.NoteShifted) })
	if before := p.judged[c.ID]; p.gathered != nil && before.facts == p.gathered && before.tries == tries && !shifted {
		return before.again
	}
	again := bench.Decide(c).Again
	p.judged[c.ID] = judged{facts: p.gathered, tries: tries, again: again}
	return again
}

// playable reports whether the check can be played, once those have been tried on
// whose outcome it hangs: it is hoped to be what they are about. The caller holds
// the lock.
func (p *prober) playable(c *probe.Check, facts probe.Facts) bool {
	if c.Observes() || p.lost[c.ID] >= maxLost || p.record.Settled(c, p.options.Catalogue, facts) || p.yields(c) {
		return false
	}
	return !slices.ContainsFunc(c.Needs.Given, func(g probe.Given) bool {
		if len(p.record.Tries[g.Check]) > 0 {
			return false
		}
		other := probe.CheckByID(p.options.Catalogue, g.Check)
		return other == nil || !plan.Hopes(g, other) || !p.playable(other, facts)
	})
}

// yields reports whether the check has to leave what the receiver may still be asked
// to others that had their turn and want another one. The caller holds the lock.
func (p *prober) yields(c *probe.Check) bool {
	if !plan.Yields(c) {
		return false
	}
	facts := p.known()
	return slices.ContainsFunc(p.checks, func(other *probe.Check) bool {
		if !plan.AsksBad(other) || plan.Yields(other) || p.lost[other.ID] >= maxLost {
			return false
		}
		if len(p.record.Tries[other.ID]) == 0 {
			return p.lost[other.ID] > 0
		}
		return !p.waits(other, facts) && probe.Decide(other, p.options.Catalogue, p.record).Again
	})
}

// waits reports whether a check that was tried is judged beside others that are
// still to come. The caller holds the lock.
func (p *prober) waits(c *probe.Check, facts probe.Facts) bool {
	return slices.ContainsFunc(c.Needed(), func(id string) bool {
		other := probe.CheckByID(p.options.Catalogue, id)
		return other != nil && len(p.record.Tries[id]) == 0 && p.lost[id] < maxLost && !p.record.Settled(other, p.options.Catalogue, facts)
	})
}

// play runs the sessions of a round, as many at once as the options allow, each
// when those have ended that it waits for. It begins no more of them once the
// receiver turned out to be another one than they were planned for.
func (p *prober) play(ctx context.Context, w plan.Work) {
	sessions := w.Sessions()
	p.mu.Lock()
	p.planned = p.sessions + len(sessions) + 1
	p.mu.Unlock()
	queue, ended, running, surprise := plan.NewQueue(sessions), make(chan int), 0, false
	for {
		for running < max(1, p.options.Wire.Sessions) && ctx.Err() == nil && !p.over() && !surprise {
			i := queue.Next()
			if i < 0 {
				break
			}
			running++
			go func() {
				p.guarded(func() { p.session(ctx, sessions[i]) })
				ended <- i
			}()
		}
		if running == 0 {
			return
		}
		i := <-ended
		running--
		queue.End(i)
		surprise = surprise || p.budget() != w.Budget || sessions[i].Head != "" && p.otherThan(w.Facts, queue.Left())
	}
}

// otherThan reports whether a control has told what would make other sessions of
// those that are left than the facts did by which they were planned.
func (p *prober) otherThan(hoped probe.Facts, left []plan.Session) bool {
	facts := p.facts()
	facts = facts.Hoping(p.controls(facts))
	if facts.PostmasterRefused() != hoped.PostmasterRefused() {
		return true
	}
	return slices.ContainsFunc(left, func(s plan.Session) bool {
		return slices.ContainsFunc(s.Checks, func(c *probe.Check) bool {
			_, settled := probe.Precondition(c, facts, p.record.NoTLS)
			return settled
		})
	})
}

// budget is what a session of this receiver bears, as far as that is known.
func (p *prober) budget() plan.Budget {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lessons.Budget(plan.Polite())
}

// learn hears all that was said in a session that has ended.
func (p *prober) learn(said probe.Transcript) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lessons.Hear(said)
}
