package run

import (
	"context"
	"errors"
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
			Channel: o.channel(), NoTLS: o.TLS == Never,
			Baselines: map[probe.Baseline]probe.Transcript{},
			Tries:     map[string][]probe.Transcript{},
			Lost:      map[string]string{},
		},
		lost: map[string]int{},
	}
	way, err := wire.NewReceiver(r, o.Wire)
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
	return probe.GatherFacts(p.record.Channel, p.record.Baselines)
}

// run goes through the stages: baselines, checks, and the first baseline again.
func (p *prober) run(ctx context.Context) {
	p.plain(ctx)
	if p.over() || ctx.Err() != nil {
		return
	}
	p.baselines(ctx)
	p.rounds(ctx)
	if p.over() { // turned away: what was not controlled by then never will be
		p.failed(probe.B0Again, p.record.Over)
		return
	}
	p.baseline(ctx, probe.B0Again)
	if why := p.facts().Failed[probe.B0Again]; why != "" && ctx.Err() == nil {
		p.end(probe.StatusBlocked, "the receiver did not serve the control at the end of the run: "+why)
	}
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
		pending := p.pending()
		if len(pending) == 0 {
			return
		}
		p.play(ctx, p.pack(pending))
	}
}

// pending are the checks that can tell something and have not yet.
func (p *prober) pending() []*probe.Check {
	facts := p.facts()
	p.mu.Lock()
	defer p.mu.Unlock()
	var pending, risky []*probe.Check
	for _, c := range p.checks {
		if _, settled := probe.Precondition(c, facts, p.record.NoTLS); settled || p.lost[c.ID] >= maxLost {
			continue
		}
		if len(p.record.Tries[c.ID]) == 0 || probe.Decide(c, p.options.Catalogue, p.record).Again {
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

// session plays the checks of one planned session.
func (p *prober) session(ctx context.Context, planned plan.Session) {
	p.progress(names(planned.Checks))
	s, ok := p.open(ctx)
	if !ok {
		p.lose(planned.Checks, 1, "no session could be opened") // Over says why, where that ended the run
		return
	}
	tries, left, why := p.converseChecks(ctx, s, planned)
	p.leave(ctx, s)
	if n := len(tries); n > 0 && tries[n-1].Has(probe.NoteInterrupted) {
		tries = tries[:n-1] // cut short by us: that says nothing of the receiver
	}
	for i, t := range tries {
		c := planned.Checks[i]
		if s.Shifted() || !c.Final && shifted(planned.Checks, tries) {
			// Twice is enough: what shifts replies does so in every session.
			p.lose(planned.Checks[i:i+1], maxLost/2+1, string(probe.NoteShifted))
			continue
		}
		p.keep(c, t)
	}
	p.lose(left, 1, why)
}

// shifted reports whether a last check that said QUIT got the reply to an
// earlier command, and 221 only behind it. It sees what the session itself looks
// for where it says QUIT when it leaves.
func shifted(checks []*probe.Check, tries []probe.Transcript) bool {
	n := len(tries)
	if n < 2 || !checks[n-1].Final {
		return false
	}
	w := probe.Replay(checks[n-1].Script, tries[n-1])
	first := w.Find(probe.Test).Reply()
	if first.Class() != 2 || first.Code == 221 {
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
func (p *prober) converseChecks(ctx context.Context, s *wire.Session, planned plan.Session) ([]probe.Transcript, []*probe.Check, string) {
	prelude := probe.Prelude(planned.Start, planned.Channel)
	before := s.Play(ctx, prelude)
	if walk := probe.ReplayAll(prelude, before); walk.Ends() || !s.Usable() && planned.Start != probe.Connected {
		if ctx.Err() == nil && !answered(walk) {
			p.unprepared(walk.Failure())
		}
		return nil, planned.Checks, "the session could not be prepared: " + walk.Failure()
	}
	if planned.Start == probe.Hello || planned.Start == probe.TunnelHello {
		p.prepared()
		if why := changed(planned, probe.ReplayAll(prelude, before)); why != "" {
			return nil, planned.Checks, why
		}
	}
	var tries []probe.Transcript
	for i, c := range planned.Checks {
		if i > 0 && (!s.Usable() || s.Errors()+c.Errors > plan.MaxErrors) {
			return tries, planned.Checks[i:], "its sessions ended before its turn"
		}
		begin := s.Begin(i)
		own := s.Play(ctx, c.Script)
		tries = append(tries, append(append(before[:len(before):len(before)], begin), own...))
		if i == 0 && planned.Start == probe.Greeted {
			before = append(before[:len(before):len(before)], hello(own)...) // what the next ones stand on
		}
		if ctx.Err() != nil || probe.ReplayAll(c.Script, own).Ends() {
			return tries, planned.Checks[i+1:], "its sessions ended before its turn"
		}
	}
	return tries, nil, ""
}

// changed says what a session's own EHLO offers otherwise than the checks need:
// another receiver behind the same address, or one that changed its mind. It is
// empty where nothing is.
func changed(planned plan.Session, prelude probe.Walk) string {
	offered := probe.OfferedIn(prelude)
	for _, c := range planned.Checks {
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
	}
	return ""
}

// hello is the exchange of EHLO in the transcript of a check that says it.
func hello(t probe.Transcript) probe.Transcript {
	var said probe.Transcript
	for _, e := range t {
		if e.From == probe.FromClient {
			if len(said) > 0 {
				break
			}
			if strings.HasPrefix(e.Text, "EHLO ") {
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

// prepared ends a run of sessions that came to nothing.
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

func statusOf(err error) probe.Status {
	switch {
	case errors.Is(err, wire.ErrRefused):
		return probe.StatusRefused
	case errors.Is(err, wire.ErrStopped):
		return probe.StatusBlocked
	}
	return probe.StatusUnreachable
}

func (p *prober) leave(ctx context.Context, s *wire.Session) {
	s.Leave(ctx)
	p.mu.Lock()
	p.commands += s.Commands()
	p.mu.Unlock()
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

func names(checks []*probe.Check) string {
	text := ""
	for i, c := range checks {
		if i > 0 {
			text += ", "
		}
		text += c.ID
	}
	return text
}
