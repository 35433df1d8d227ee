package run

import (
	"context"
	"fmt"
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
// context or the time of the options does; what was measured by then stands. That
// it waits for the rate or the ceiling takes nothing of its time.
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
		lost: map[string]int{}, judged: map[string]judged{},
	}
	way, err := o.Ways.to(r, o.Wire)
	if err != nil {
		p.end(probe.StatusSkipped, err.Error())
		return p.report(time.Since(begun))
	}
	p.way = way
	if err := way.Ready(ctx, len(p.checks)); err != nil && ctx.Err() == nil { // before its time begins to run
		p.end(probe.StatusSkipped, err.Error())
		return p.report(time.Since(begun))
	}
	own := ctx
	if o.Timeout > 0 {
		var cancel context.CancelFunc
		own, cancel = wire.Allow(ctx, o.Timeout)
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
	gathered *probe.Facts // of the record; nil: it has changed
	judged   map[string]judged
	lost     map[string]int   // how often a check's turn did not come
	lessons  plan.Lessons     // of what one session bears
	headed   []probe.Baseline // controls that had their sessions, whatever came of it
	silent   int              // sessions running that never came to their checks
	capped   bool             // the ceiling ended the run: that says nothing of the receiver
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
	return p.known()
}

// known are the facts, read again only when a baseline has told something. The
// caller holds the lock.
func (p *prober) known() probe.Facts {
	if p.gathered == nil {
		facts := p.record.Facts()
		p.gathered = &facts
	}
	return *p.gathered
}

// run goes through the stages: the first baseline, checks with the others, and
// the first baseline again.
func (p *prober) run(ctx context.Context) {
	p.plain(ctx)
	if p.over() {
		p.turnedAway(ctx)
	}
	if p.over() || ctx.Err() != nil {
		return
	}
	p.rounds(ctx)
	if p.over() {
		if !p.capped { // turned away: what was not controlled by then never will be
			p.failed(probe.B0Again, p.record.Over)
		}
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
			p.session(ctx, p.work([]*probe.Check{c}, facts, nil).Sessions()[0])
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
	p.gathered = nil
	p.record.Baselines[b] = probe.Transcript{{From: probe.FromProbe, Note: probe.NoteUnconnected, Text: why}}
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
