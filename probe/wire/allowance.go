package wire

import (
	"context"
	"sync"
	"time"
)

// allowance is the time that may be spent on a receiver. It does not run while a
// session waits for the rate or for the ceiling: these are bounds of ours, and a
// receiver whose time they took would be one of which we know nothing.
type allowance struct {
	mu      sync.Mutex
	left    time.Duration
	since   time.Time // when it began to run, with nobody waiting
	waiting int       // sessions
	timer   *time.Timer
}

type allowanceKey struct{}

// Allow returns a context that ends when so much time has been spent, not counting
// that in which a session that is opened with it waits for the rate or the ceiling.
func Allow(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	own, cancel := context.WithCancel(ctx)
	a := &allowance{left: d, since: time.Now(), timer: time.AfterFunc(d, cancel)}
	return context.WithValue(own, allowanceKey{}, a), func() {
		a.timer.Stop()
		cancel()
	}
}

// await sleeps, and does not count that.
func await(ctx context.Context, d time.Duration) error {
	a, ok := ctx.Value(allowanceKey{}).(*allowance)
	if !ok || d <= 0 {
		return sleep(ctx, d)
	}
	a.pause()
	defer a.goOn()
	return sleep(ctx, d)
}

func (a *allowance) pause() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waiting++; a.waiting == 1 {
		a.timer.Stop()
		a.left -= time.Since(a.since)
	}
}

func (a *allowance) goOn() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waiting--; a.waiting == 0 {
		a.since = time.Now()
		a.timer.Reset(a.left)
	}
}
