package run

import (
	"context"
	"sync"

	"github.com/smtpprobe/smtpprobe/probe"
)

// Many probes receivers beside one another, as many as the options say, and of
// one platform no more than they say, and hands each report to done as it is
// finished. Done is called from one goroutine at a time.
func Many(ctx context.Context, receivers []probe.Receiver, o Options, done func(probe.Report)) {
	var wg sync.WaitGroup
	var mu sync.Mutex // for done
	free := make(chan string, len(receivers))
	busy := map[string]int{}
	running := 0
	waiting := receivers
	for len(waiting) > 0 {
		i := startable(waiting, busy, running, o)
		if i < 0 {
			busy[<-free]--
			running--
			continue
		}
		r := waiting[i]
		waiting = append(append([]probe.Receiver(nil), waiting[:i]...), waiting[i+1:]...)
		busy[r.Platform]++
		running++
		wg.Go(func() {
			report := Receiver(ctx, r, o)
			mu.Lock()
			done(report)
			mu.Unlock()
			free <- r.Platform
		})
	}
	wg.Wait()
}

// startable is the first receiver that may begin now, or -1.
func startable(waiting []probe.Receiver, busy map[string]int, running int, o Options) int {
	if running >= max(1, o.Receivers) {
		return -1
	}
	for i, r := range waiting {
		if busy[r.Platform] < max(1, o.Platform) {
			return i
		}
	}
	return -1
}
