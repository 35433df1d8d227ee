package run_test

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/run"
)

// flooding is a receiver that serves some sessions and behind that floods in
// place of a reply, from the given command of a session on.
func flooding(served, from int, octets string) way {
	flood := strings.Repeat(octets, 64<<10/len(octets))
	return after(served, func(ctx context.Context, _ int, w *world) (net.Conn, error) {
		conn, err := w.straight(ctx)
		if err != nil {
			return nil, err
		}
		return &minding{Conn: conn, flood: flood, minds: func(said []string) mood {
			if len(said) >= from {
				return hangs
			}
			return serves
		}}, nil
	})
}

// TestFloodsAreBounded holds that a receiver which floods cannot make a run use
// more than 64 MiB, nor keep it longer than its time.
func TestFloodsAreBounded(t *testing.T) {
	const most = 64 << 20
	for name, octets := range map[string]string{
		"lines of a reply": "250-\r\n", "short lines of a reply": "250-\n", "empty lines": "\n", "replies": "250\n",
		"errors": "500 5.5.2 no\r\n", "a line": "2", "noughts": "\x00", "continued": "250-x\n" + strings.Repeat("\n", 5000),
	} {
		for _, from := range []int{1, 2} {
			if from == 1 && len(octets) > 1 {
				continue // the sessions end with EHLO, whatever floods
			}
			t.Run(name, func(t *testing.T) {
				w := &world{way: flooding(4, from, octets)}
				var before, now runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				out := w.probe(t)
				sound(t, w, out)
				runtime.GC()
				runtime.ReadMemStats(&now)
				if used := int64(now.HeapAlloc) - int64(before.HeapAlloc); used > most {
					t.Errorf("from command %d on: got %d MiB in use for the report alone, want at most %d MiB", from, used>>20, most>>20)
				} else if used > 4<<20 {
					t.Logf("from command %d on: %d MiB in %d sessions", from, used>>20, out.report.Sessions)
				}
				for _, res := range out.report.Results {
					if res.Verdict == probe.Lenient {
						t.Errorf("%s: got lenient (%s) of a receiver that floods", res.Check.ID, res.Reason)
						show(t, res.Transcript)
					}
				}
				runtime.KeepAlive(out)
			})
		}
	}
}

// stuck is a connection whose receiver does not read: a write waits for its
// deadline, which may be set while it waits.
type stuck struct {
	net.Conn
	mu      sync.Mutex
	expired context.Context
	expire  context.CancelFunc
	closed  chan struct{}
	once    sync.Once
}

func (c *stuck) SetWriteDeadline(d time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.expire == nil {
		c.expired, c.expire = context.WithCancel(context.Background())
	}
	if !d.IsZero() {
		time.AfterFunc(time.Until(d), c.expire)
	}
	return c.Conn.SetWriteDeadline(d)
}

func (c *stuck) SetDeadline(d time.Time) error {
	return errors.Join(c.SetWriteDeadline(d), c.SetReadDeadline(d))
}

func (c *stuck) Write([]byte) (int, error) {
	c.mu.Lock()
	expired := c.expired
	c.mu.Unlock()
	if expired == nil {
		expired = context.Background()
	}
	select {
	case <-expired.Done():
		return 0, context.DeadlineExceeded
	case <-c.closed:
		return 0, io.ErrClosedPipe
	}
}

func (c *stuck) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// TestNobodyReads holds that a receiver that does not read what is written to it
// cannot keep a run longer than its time.
func TestNobodyReads(t *testing.T) {
	for _, limit := range []time.Duration{5 * time.Second, 40 * time.Second, time.Hour} {
		w := &world{change: func(o *run.Options) { o.Timeout = limit }, way: func(ctx context.Context, _ int, w *world) (net.Conn, error) {
			conn, err := w.straight(ctx)
			if err != nil {
				return nil, err
			}
			return &stuck{Conn: conn, closed: make(chan struct{})}, nil
		}}
		out := w.probe(t)
		sound(t, w, out)
		for _, res := range out.report.Results {
			if res.Verdict.Known() {
				t.Errorf("%s: got %s (%s), want nothing known", res.Check.ID, res.Verdict, res.Reason)
			}
		}
		if out.took > 3*time.Minute {
			t.Errorf("got a run of %s, want less than three minutes for two sessions", out.took)
		}
	}
}
