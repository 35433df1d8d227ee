package run

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/plan"
	"github.com/smtpprobe/smtpprobe/probe/wire"
)

// Limits of asking again.
const (
	baselineTries = 2 // a receiver that fails B0 twice is over
	maxSilent     = 3 // sessions running that never came to their checks
	maxLost       = 5 // turns of a check that did not come
)

// Receiver probes one receiver and judges it. It ends at the latest when the
// context or the time of the options does; what was measured by then stands.
func Receiver(ctx context.Context, r probe.Receiver, o Options) probe.Report {
	begun := time.Now()
	o.Wire.Values.Rcpt = "<" + r.Recipient + ">"
	o.Wire.Values.Bad = probe.BadRecipient
	p := &prober{
		options: o, target: r, checks: o.Wanted(),
		record: probe.Record{
			Port: r.Port, Channel: o.channel(), NoTLS: o.TLS == Never,
			Baselines: map[probe.Baseline]probe.Transcript{},
			Tries:     map[string][]probe.Transcript{},
			Lost:      map[string]string{},
		},
		lost: map[string]int{},
	}
	way, err := o.Ways.to(r, o.Wire)
	if err != nil {
		p.end(probe.StatusSkipped, err.Error())
		return p.report(time.Since(begun))
	}
	p.way = way
	own := ctx
	if o.Timeout > 0 {
		var cancel context.CancelFunc
		own, cancel = context.WithTimeout(ctx, o.Timeout)
		defer cancel()
	}
	p.guarded(func() { p.run(own) })
	switch {
	case ctx.Err() != nil:
		p.end(probe.StatusInterrupted, "the run was stopped before its end")
	case own.Err() != nil:
		p.end(probe.StatusTimedOut, fmt.Sprintf("the time for one receiver, %s, was spent", o.Timeout))
	}
	return p.report(time.Since(begun))
}

// guarded turns a fault of our own into the end of this run, so that one
// receiver cannot take the others with it.
func (p *prober) guarded(do func()) {
	defer func() {
		if v := recover(); v != nil {
			p.end(probe.StatusSkipped, fault(v))
		}
	}()
	do()
}

func fault(v any) string {
	return fmt.Sprintf("a fault of smtpprobe's own, please report it: %v", v)
}

// prober is one run with one receiver.
type prober struct {
	options Options
	target  probe.Receiver
	checks  []*probe.Check // selected ones and those they need
	way     *wire.Receiver

	mu       sync.Mutex // guards what follows while sessions run side by side
	record   probe.Record
	lost     map[string]int // how often a check's turn did not come
	silent   int            // sessions running that never came to their checks
	status   probe.Status
	sessions int
	planned  int
	commands int
}

// end gives the run a status other than ok; the first one stays, but for the
// end of time, which explains all others.
func (p *prober) end(s probe.Status, reason string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.status == "" || s == probe.StatusInterrupted || s == probe.StatusTimedOut {
		p.status, p.record.Over = s, reason
	}
}

func (p *prober) over() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status != ""
}

func (p *prober) facts() probe.Facts {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.record.Facts()
}

// run goes through the stages: baselines, checks, and the first baseline again.
func (p *prober) run(ctx context.Context) {
	p.plain(ctx)
	if p.over() {
		p.turnedAway(ctx)
	}
	if p.over() || ctx.Err() != nil {
		return
	}
	p.baselines(ctx)
	p.rounds(ctx)
	if p.over() { // turned away: what was not controlled by then never will be
		p.failed(probe.B0Again, p.record.Over)
		return
	}
	p.baseline(ctx, probe.B0Again, nil)
	if why := p.facts().Failed[probe.B0Again]; why != "" && ctx.Err() == nil {
		p.end(probe.StatusBlocked, "the receiver did not serve the control at the end of the run: "+why)
	}
}

// turnedAway plays what can still be measured where the greeting refuses: the
// checks that are about such a greeting.
func (p *prober) turnedAway(ctx context.Context) {
	facts := p.facts()
	for _, c := range p.checks {
		for range baselineTries + 1 {
			if !c.Needs.Greeting.Has(facts.Greeting.Code) || ctx.Err() != nil || p.told(c) {
				break
			}
			p.session(ctx, plan.Make([]*probe.Check{c}, facts)[0])
		}
	}
}

// told reports whether another try of the check would tell no more.
func (p *prober) told(c *probe.Check) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.record.Tries[c.ID]) > 0 && !probe.Decide(c, p.options.Catalogue, p.record).Again
}

// failed keeps a baseline that could not be had.
func (p *prober) failed(b probe.Baseline, why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.record.Baselines[b] = probe.Transcript{{From: probe.FromProbe, Note: probe.NoteUnconnected, Text: why}}
}

// rounds plays the checks. What is lost with its session, or may have been an
// accident, is planned again, until nothing is left that may tell more.
func (p *prober) rounds(ctx context.Context) {
	for ctx.Err() == nil && !p.over() {
		pending := p.pending(p.facts())
		if len(pending) == 0 {
			return
		}
		p.play(ctx, p.pack(pending))
	}
}

// pending are the checks that can tell something, by the facts, and have not yet.
func (p *prober) pending(facts probe.Facts) []*probe.Check {
	p.mu.Lock()
	defer p.mu.Unlock()
	var pending, risky []*probe.Check
	bench := probe.NewBench(p.options.Catalogue, p.record)
	for _, c := range p.checks {
		if c.Observes() || p.lost[c.ID] >= maxLost || p.record.Settled(c, p.options.Catalogue, facts) || p.record.Awaits(c) != "" {
			continue
		}
		if len(p.record.Tries[c.ID]) == 0 || !p.waits(c, facts) && bench.Decide(c).Again {
			if c.Risky {
				risky = append(risky, c)
			} else {
				pending = append(pending, c)
			}
		}
	}
	if len(pending) > 0 {
		return pending
	}
	return risky // last, so that what they cost costs nobody else
}

// waits reports whether a check that was tried is judged beside others that are
// still to come. The caller holds the lock.
func (p *prober) waits(c *probe.Check, facts probe.Facts) bool {
	return slices.ContainsFunc(c.Needed(), func(id string) bool {
		other := probe.CheckByID(p.options.Catalogue, id)
		return other != nil && len(p.record.Tries[id]) == 0 && p.lost[id] < maxLost && !p.record.Settled(other, p.options.Catalogue, facts)
	})
}

// pack plans the sessions of a round. A check that is tried again is the first
// of a fresh session, so that no error of another one comes before it.
func (p *prober) pack(pending []*probe.Check) []plan.Session {
	facts := p.facts()
	var fresh, again []*probe.Check
	for _, c := range pending {
		if len(p.record.Tries[c.ID]) == 0 && p.lost[c.ID] == 0 {
			fresh = append(fresh, c)
		} else {
			again = append(again, c)
		}
	}
	sessions := plan.Make(fresh, facts)
	for _, c := range again {
		sessions = append(sessions, plan.Make([]*probe.Check{c}, facts)...)
	}
	return sessions
}

// play runs the sessions of a round, as many at once as the options allow.
func (p *prober) play(ctx context.Context, sessions []plan.Session) {
	p.mu.Lock()
	p.planned = p.sessions + len(sessions) + 1
	p.mu.Unlock()
	var wg sync.WaitGroup
	slots := make(chan struct{}, max(1, p.options.Wire.Sessions))
	for _, s := range sessions {
		slots <- struct{}{}
		if p.over() || ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			defer func() { <-slots }()
			p.guarded(func() { p.session(ctx, s) })
		})
	}
	wg.Wait()
}

func (p *prober) progress(doing string) {
	if p.options.Progress == nil {
		return
	}
	p.mu.Lock()
	now := Progress{Receiver: p.target, Sessions: p.sessions, Planned: max(p.planned, p.sessions+1), Doing: doing}
	p.mu.Unlock()
	p.options.Progress(now)
}

func names(checks []*probe.Check) string { return strings.Join(ids(checks), ", ") }

func ids(checks []*probe.Check) []string {
	all := make([]string, len(checks))
	for i, c := range checks {
		all[i] = c.ID
	}
	return all
}
