package wire

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// Turns keeps the pause between the sessions with one address, and between those
// with one platform, whichever of the receivers they are with. It remembers whom a
// pause is kept from and nobody else. The zero value is ready.
type Turns struct {
	mu    sync.Mutex
	next  map[string]time.Time // by address and platform: no session begins before
	sweep int                  // from so many on, those that are past are dropped
}

// leastSweep is how many pauses that are over are no burden.
const leastSweep = 64

// wait waits until a session with all of these may begin, with a little jitter so
// that many runs do not fall into step. The next one keeps the pause from here.
func (t *Turns) wait(ctx context.Context, pace time.Duration, names ...string) error {
	t.mu.Lock()
	now := time.Now()
	begin := now
	for _, name := range names {
		if next := t.next[name]; next.After(begin) {
			begin = next
		}
	}
	if pace > 0 {
		t.keep(now, begin.Add(pace+rand.N(pace/5+1)), names)
	}
	t.mu.Unlock()
	return sleep(ctx, begin.Sub(now))
}

// ended is called when a session has ended: the pause counts from its end.
func (t *Turns) ended(pace time.Duration, names ...string) {
	if pace <= 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	t.keep(now, now.Add(pace), names)
}

// keep lets no session begin before. The caller holds the lock.
func (t *Turns) keep(now, before time.Time, names []string) {
	if t.next == nil {
		t.next, t.sweep = map[string]time.Time{}, leastSweep
	}
	if len(t.next) >= t.sweep {
		for name, next := range t.next {
			if !next.After(now) {
				delete(t.next, name)
			}
		}
		t.sweep = max(leastSweep, 2*len(t.next))
	}
	for _, name := range names {
		if before.After(t.next[name]) {
			t.next[name] = before
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
