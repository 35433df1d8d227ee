package run

import (
	"cmp"
	"context"
	"sync"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/wire"
)

// Many probes receivers beside one another, as many as the options say, and of
// one platform no more than they say, and hands each report to done as it is
// finished. Done is called from one goroutine at a time. The platforms take
// turns, so that one with many receivers does not keep the others waiting.
func Many(ctx context.Context, receivers []probe.Receiver, o Options, done func(probe.Report)) {
	if o.Wire.Turns == nil {
		o.Wire.Turns = &wire.Turns{}
	}
	var wg sync.WaitGroup
	var mu sync.Mutex // for done
	free := make(chan *platform, max(1, o.Receivers))
	ready := platforms(receivers)
	for running := 0; running > 0 || len(ready) > 0; {
		if len(ready) == 0 || running == max(1, o.Receivers) {
			p := <-free
			running--
			if p.busy--; p.busy == max(1, o.Platform)-1 && len(p.waiting) > 0 {
				ready = append(ready, p)
			}
			continue
		}
		p, r := ready[0], ready[0].waiting[0]
		ready, p.waiting = ready[1:], p.waiting[1:]
		running++
		if p.busy++; p.busy < max(1, o.Platform) && len(p.waiting) > 0 {
			ready = append(ready, p)
		}
		wg.Go(func() {
			report := Receiver(ctx, r, o)
			mu.Lock()
			done(report)
			mu.Unlock()
			free <- p
		})
	}
	wg.Wait()
}

// platform is the receivers of one that wait for their turn.
type platform struct {
	waiting []probe.Receiver
	busy    int // receivers that are being probed
}

// platforms are those of the receivers, in the order of their first ones.
func platforms(receivers []probe.Receiver) []*platform {
	var all []*platform
	by := map[string]*platform{}
	for _, r := range receivers {
		name := cmp.Or(r.Platform, r.Host)
		p := by[name]
		if p == nil {
			p = &platform{}
			by[name] = p
			all = append(all, p)
		}
		p.waiting = append(p.waiting, r)
	}
	return all
}
