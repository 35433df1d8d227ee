package wire_test

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/wire"
)

// TestPace is the first half of S11: between the end of a session and the
// beginning of the next there is the pace, and no more than a fifth beyond it.
func TestPace(t *testing.T) {
	for name, c := range map[string]struct {
		pace, lasts time.Duration
	}{
		"short sessions": {time.Second, 0},
		"long sessions":  {time.Second, time.Minute},
		"a slow pace":    {10 * time.Second, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inMemory(t, wire.Config{Pace: c.pace}, replies(hi, bye), func(s *stage) {
				var ended time.Time
				for n := range 5 {
					session := s.open()
					if gap := time.Since(ended); n > 0 && (gap < c.pace || gap > c.pace+c.pace/5+1) {
						t.Errorf("got a session %v after the end of the one before, want %v and at most a fifth more", gap, c.pace)
					}
					session.Play(context.Background(), probe.Script{greets(), listens(c.lasts)})
					session.Leave(context.Background())
					ended = time.Now()
				}
			})
		})
	}
}

// TestPaceOfFailedDials: a connection that did not come about counts as one.
func TestPaceOfFailedDials(t *testing.T) {
	var at []time.Time
	dial := func(context.Context, string, string) (net.Conn, error) {
		at = append(at, time.Now())
		return nil, errors.New("lost")
	}
	inMemory(t, wire.Config{Dial: dial, Pace: time.Second}, replies(hi), func(s *stage) {
		for range 2 {
			if _, err := s.way.Open(context.Background()); err == nil {
				t.Error("got a session, want none")
			}
		}
		if gap := at[1].Sub(at[0]); gap < time.Second {
			t.Errorf("got %v between two dials, want at least a second", gap)
		}
	})
}

// TestSessionsAtOnce: no more sessions than the configuration says are there at
// the same time, and one where it says nothing.
func TestSessionsAtOnce(t *testing.T) {
	for want, config := range map[int32]wire.Config{1: {}, 3: {Sessions: 3}} {
		inMemory(t, config, replies(hi, bye), func(s *stage) {
			var now, most atomic.Int32
			done := make(chan struct{})
			for range 8 {
				go func() {
					defer func() { done <- struct{}{} }()
					session, err := s.way.Open(context.Background())
					if err != nil {
						t.Error(err)
						return
					}
					if n := now.Add(1); n > most.Load() {
						most.Store(n)
					}
					session.Play(context.Background(), probe.Script{greets(), listens(time.Second)})
					now.Add(-1)
					session.Leave(context.Background())
				}()
			}
			for range 8 {
				<-done
			}
			if got := most.Load(); got != want {
				t.Errorf("got %d sessions at once, want %d", got, want)
			}
		})
	}
}

// TestTurnedAway is the second half of S11: after two connections in a row that
// were refused or turned away, no more are made.
func TestTurnedAway(t *testing.T) {
	const later, refused = "421 4.3.2 later\r\n", ""
	for name, c := range map[string]struct {
		greetings []string // of one connection after the other; empty: refused
		want      int      // connections that are tried
	}{
		"421 twice":                     {[]string{later, later, hi}, 2},
		"450 twice":                     {[]string{"450 later\r\n", "451 later\r\n", hi}, 2},
		"refused twice":                 {[]string{refused, refused, hi}, 2},
		"refused, then 421":             {[]string{refused, later, hi}, 2},
		"421, then refused":             {[]string{later, refused, hi}, 2},
		"421, good, 421":                {[]string{later, hi, later, hi}, 4},
		"refused, good, refused":        {[]string{refused, hi, refused, hi}, 4},
		"good, 421 twice":               {[]string{hi, later, later, hi}, 3},
		"421 and closed, 421 and close": {[]string{later, later, later}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				network := lab.NewMemory()
				tried := 0
				dial := func(ctx context.Context, n, address string) (net.Conn, error) {
					tried++
					if c.greetings[tried-1] == refused {
						return nil, &net.OpError{Op: "dial", Net: n, Err: syscall.ECONNREFUSED}
					}
					return network.DialContext(ctx, n, address)
				}
				l := serve(network, func(int) conduct { return replies(c.greetings[tried-1], bye)(0) })
				way := wayTo(t, network.Addr(), wire.Config{Dial: dial, Pace: time.Second})
				var last error
				for range c.greetings {
					s, err := way.Open(context.Background())
					if last = err; err != nil {
						continue
					}
					s.Play(context.Background(), probe.Script{greets()})
					s.Leave(context.Background())
				}
				l.stop()
				if tried != c.want || (tried < len(c.greetings)) != errors.Is(last, wire.ErrStopped) {
					t.Errorf("got %d connections and %v, want %d", tried, last, c.want)
				}
			})
		})
	}
}

// TestDialErrorsHaveNames: the report tells a refused connection from one that
// nobody answered.
func TestDialErrorsHaveNames(t *testing.T) {
	for name, c := range map[string]struct{ err, want error }{
		"refused":     {&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, wire.ErrRefused},
		"reset":       {&net.OpError{Op: "dial", Err: syscall.ECONNRESET}, wire.ErrRefused},
		"no host":     {&net.OpError{Op: "dial", Err: syscall.EHOSTUNREACH}, wire.ErrNoHost},
		"no network":  {&net.OpError{Op: "dial", Err: syscall.ENETUNREACH}, wire.ErrNoRoute},
		"timed out":   {&net.OpError{Op: "dial", Err: context.DeadlineExceeded}, wire.ErrNoAnswer},
		"ETIMEDOUT":   {&net.OpError{Op: "dial", Err: syscall.ETIMEDOUT}, wire.ErrNoAnswer},
		"by a proxy":  {wire.ErrProxy, wire.ErrProxy},
		"of our port": {&net.OpError{Op: "dial", Err: syscall.EADDRNOTAVAIL}, wire.ErrNoRoute},
	} {
		t.Run(name, func(t *testing.T) {
			dial := func(context.Context, string, string) (net.Conn, error) { return nil, c.err }
			inMemory(t, wire.Config{Dial: dial}, replies(), func(s *stage) {
				if _, err := s.way.Open(context.Background()); !errors.Is(err, c.want) {
					t.Errorf("got %v, want %v", err, c.want)
				}
			})
		})
	}
}
