package ceiling

import (
	"fmt"
	"sync"
	"time"
)

// kind is what is counted. Its text stands in the file.
type kind string

const (
	sessions   kind = "session"
	recipients kind = "recipient"
)

// limit of a kind. A Postfix that has little to do holds genuine mail for a
// second when a hundred recipients were abandoned in five minutes (its
// in_flow_delay); others must have room beside us.
func (k kind) limit() limit {
	if k == sessions {
		return limit{600, time.Hour}
	}
	return limit{50, 5 * time.Minute}
}

// Reached says that a ceiling is reached.
type Reached struct {
	Again time.Time // when there is room
	text  string
}

func (r *Reached) Error() string {
	return r.text + "; possible again at " + r.Again.UTC().Format(time.RFC3339)
}

// key is whose count it is: a platform or an address.
type key struct {
	kind kind
	name string
}

// Ceiling holds the counts. It is safe for several goroutines.
type Ceiling struct {
	mu      sync.Mutex
	counts  map[key]window
	sweep   int   // from so many keys on, those that no longer count are dropped
	file    *file // nil: within the process
	trouble error
}

// leastSweep is how many keys are no burden.
const leastSweep = 1024

// New returns a ceiling within the process.
func New() *Ceiling { return &Ceiling{counts: map[key]window{}, sweep: leastSweep} }

// Session enters a session with a platform that begins now, or returns a
// *Reached and enters nothing.
func (c *Ceiling) Session(platform string) error {
	return c.take(key{sessions, platform}, 1, 1, "smtpprobe opens at most %d sessions an hour with %s")
}

// Room reports whether so many sessions with a platform could begin now, by nil
// or a *Reached, and enters nothing.
func (c *Ceiling) Room(platform string, n int) error {
	return c.take(key{sessions, platform}, n, 0, "smtpprobe opens at most %d sessions an hour with %s")
}

// Recipients enters recipients that an address may accept now, or returns a
// *Reached and enters nothing.
func (c *Ceiling) Recipients(address string, n int) error {
	return c.take(key{recipients, address}, n, n, "smtpprobe has at most %d recipients accepted in five minutes by %s")
}

// Return takes back recipients that were entered and then not accepted.
func (c *Ceiling) Return(address string, n int) {
	if n <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.locked(func(now int64) { c.enter(key{recipients, address}, now, -n) })
}

// Trouble says why the file is not used any more, or was begun anew; nil: all is
// well, or there never was one.
func (c *Ceiling) Trouble() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.trouble
}

// Kept reports whether the counts are in a file, and so known to other runs.
func (c *Ceiling) Kept() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.file != nil
}

// take enters some where there is room for n.
func (c *Ceiling) take(k key, n, entered int, says string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := k.kind.limit()
	n = min(n, l.most) // more than that never fit
	var err error
	c.locked(func(now int64) {
		w := c.counts[k].fresh(l, now)
		if at := w.again(l, n); at > 0 {
			err = &Reached{Again: time.Unix(at, 0), text: fmt.Sprintf(says, l.most, k.name)}
			return
		}
		c.enter(k, now, entered)
	})
	return err
}

// locked does something while no other process may, by what all of them have
// counted. Where the file fails the ceiling goes on without.
func (c *Ceiling) locked(do func(now int64)) {
	if c.file != nil {
		c.note(c.file.lock(c))
	}
	do(time.Now().Unix())
	if c.file != nil {
		c.note(c.file.unlock(c))
	}
}

// note keeps the first trouble, and gives the file up unless that was mended.
func (c *Ceiling) note(err error) {
	if err == nil {
		return
	}
	if c.trouble == nil {
		c.trouble = err
	}
	if !mended(err) {
		c.file.close()
		c.file = nil
	}
}

// enter counts, here and in the file.
func (c *Ceiling) enter(k key, at int64, n int) {
	if n == 0 {
		return
	}
	c.count(k, at, n)
	if c.file != nil {
		c.note(c.file.append(k, at, n))
	}
}

// count enters what happened at some time, in the order in which it did: what is
// read from the file comes to the same counts as what was written to it.
func (c *Ceiling) count(k key, at int64, n int) {
	if len(c.counts) >= c.sweep {
		c.drop(time.Now().Unix()) // not at: behind a line of the file may stand an older one of another name
	}
	l := k.kind.limit()
	if w := c.counts[k].fresh(l, at).add(l, at, n); len(w) > 0 {
		c.counts[k] = w
	} else {
		delete(c.counts, k)
	}
}

// drop forgets what no longer counts.
func (c *Ceiling) drop(now int64) {
	for k, w := range c.counts {
		if w = w.fresh(k.kind.limit(), now); len(w) > 0 {
			c.counts[k] = w
		} else {
			delete(c.counts, k)
		}
	}
	c.sweep = max(leastSweep, 2*len(c.counts))
}
