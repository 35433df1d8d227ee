package run_test

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/run"
)

// crowd are many receivers, each of a platform, behind one network.
type crowd struct {
	receivers []probe.Receiver
	change    func(*run.Options)
	dial      func(ctx context.Context, address string, network *lab.Memory) (net.Conn, error)

	mu     sync.Mutex
	spans  map[string]*span // by address
	done   []probe.Report
	inside int // how many calls of done there are at once
}

// span is when one receiver was busy: from its first connection to its last end.
type span struct{ first, last time.Time }

func (c *crowd) busy(address string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.spans[address] == nil {
		c.spans[address] = &span{first: now}
	}
	c.spans[address].last = now
}

// watched is a connection whose end is the end of its receiver's span.
type watched struct {
	net.Conn
	end func()
}

func (w watched) Close() error {
	w.end()
	return w.Conn.Close()
}

func (w watched) SetLinger(seconds int) error { return linger(w.Conn, seconds) }

// probe runs Many in a bubble and returns how long it took.
func (c *crowd) probe(t *testing.T, giveUp time.Duration) (took time.Duration) {
	t.Helper()
	c.spans = map[string]*span{}
	synctest.Test(t, func(t *testing.T) {
		network := lab.NewMemory()
		server, err := lab.Receiver{}.Serve(network)
		if err != nil {
			t.Fatalf("serve: %v", err)
		}
		defer server.Close()
		o := (&world{}).options()
		o.Wire.Dial = func(ctx context.Context, _, address string) (net.Conn, error) {
			c.busy(address)
			var conn net.Conn
			var err error
			if c.dial != nil {
				conn, err = c.dial(ctx, address, network)
			} else {
				conn, err = network.DialContext(ctx, "tcp", address)
			}
			if err != nil {
				return nil, err
			}
			return watched{conn, func() { c.busy(address) }}, nil
		}
		if c.change != nil {
			c.change(&o)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if giveUp > 0 {
			defer time.AfterFunc(giveUp, cancel).Stop()
		}
		begun := time.Now()
		run.Many(ctx, c.receivers, o, c.take)
		took = time.Since(begun)
		for _, r := range c.done {
			if !strings.Contains(r.Reason, "fault of smtpprobe") {
				whole(t, o, r)
			}
		}
	})
	return took
}

// take holds that only one call is made at a time.
func (c *crowd) take(r probe.Report) {
	c.mu.Lock()
	c.inside++
	c.mu.Unlock()
	for range 100 {
		runtime.Gosched() // others could come in
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inside--; c.inside > 0 {
		r.Reason += " (done was called twice at a time)"
	}
	c.done = append(c.done, r)
}

func people(platforms ...string) []probe.Receiver {
	var all []probe.Receiver
	for i, p := range platforms {
		all = append(all, probe.Receiver{
			Host: fmt.Sprintf("mx%d.%s", i, p), Address: fmt.Sprintf("192.0.2.%d", i+1), Port: 25,
			Platform: p, Recipient: "postmaster@" + p, Public: true,
		})
	}
	return all
}

// atOnce is the greatest number of spans, of those chosen, that there were at one
// moment.
func (c *crowd) atOnce(choose func(probe.Receiver) bool) int {
	most := 0
	for _, r := range c.receivers {
		at := c.spans[r.Address+":25"]
		if at == nil || !choose(r) {
			continue
		}
		n := 0
		for _, other := range c.receivers {
			if s := c.spans[other.Address+":25"]; s != nil && choose(other) && !s.first.After(at.first) && s.last.After(at.first) {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

func (c *crowd) reported(t *testing.T) map[string]probe.Report {
	t.Helper()
	all := map[string]probe.Report{}
	for _, r := range c.done {
		if _, twice := all[r.Address]; twice {
			t.Errorf("%s: got two reports, want one", r.Host)
		}
		if strings.Contains(r.Reason, "twice at a time") {
			t.Errorf("%s: done was called by two at a time", r.Host)
		}
		all[r.Address] = r
	}
	if len(all) != len(c.receivers) {
		t.Errorf("got %d reports, want %d", len(all), len(c.receivers))
	}
	return all
}

// TestMany holds that there are never more receivers at once than the options
// say, nor more of one platform, and that both are used up where they can be.
func TestMany(t *testing.T) {
	big, mixed := slices.Repeat([]string{"example.com"}, 6), []string{
		"example.com", "example.com", "example.com", "example.org", "example.org", "example.net", "receiver.example", "mx.example",
	}
	tests := []struct {
		name                string
		platforms           []string
		receivers, platform int
		want, ofOne         int
	}{
		{"one by one", mixed, 1, 1, 1, 1},
		{"nobody said how many", mixed, 0, 0, 1, 1},
		{"three at once", mixed, 3, 1, 3, 1},
		{"as many as there are platforms", mixed, 8, 1, 5, 1},
		{"two of a platform", mixed, 8, 2, 7, 2},
		{"all at once", mixed, 100, 100, 8, 3},
		{"one platform", big, 8, 1, 1, 1},
		{"one platform, three of it", big, 8, 3, 3, 3},
		{"one platform, bounded by the receivers", big, 2, 3, 2, 2},
		{"nobody", nil, 8, 1, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &crowd{receivers: people(tt.platforms...), change: func(o *run.Options) {
				o.Receivers, o.Platform = tt.receivers, tt.platform
			}}
			c.probe(t, 0)
			for _, r := range c.reported(t) {
				if r.Status != probe.StatusOK {
					t.Errorf("%s: got %s (%s), want ok", r.Host, r.Status, r.Reason)
				}
			}
			if got := c.atOnce(func(probe.Receiver) bool { return true }); got != tt.want {
				t.Errorf("got %d receivers at once, want %d", got, tt.want)
			}
			ofOne := 0
			for _, p := range tt.platforms {
				ofOne = max(ofOne, c.atOnce(func(r probe.Receiver) bool { return r.Platform == p }))
			}
			if ofOne != tt.ofOne {
				t.Errorf("got %d of one platform at once, want %d", ofOne, tt.ofOne)
			}
		})
	}
}

// TestManyIsStopped holds that all receivers end at once when the caller stops,
// those that wait for their turn included.
func TestManyIsStopped(t *testing.T) {
	for _, hang := range []bool{false, true} {
		c := &crowd{receivers: people("example.com", "example.com", "example.org", "example.net"), change: func(o *run.Options) {
			o.Receivers, o.Platform = 2, 1
		}}
		if hang {
			c.dial = func(ctx context.Context, _ string, _ *lab.Memory) (net.Conn, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}
		}
		took := c.probe(t, 5*time.Second)
		for _, r := range c.reported(t) {
			if r.Status != probe.StatusInterrupted {
				t.Errorf("%s: got %s (%s), want interrupted", r.Host, r.Status, r.Reason)
			}
		}
		if limit := 5*time.Second + ending; took > limit {
			t.Errorf("got %s, want at most %s", took, limit)
		}
	}
}

// TestManyOutlivesAFault holds that a fault of our own in one receiver is told in
// its report and spares the others.
func TestManyOutlivesAFault(t *testing.T) {
	faults := map[string]func(c *crowd){
		"in the first session": func(c *crowd) {
			c.dial = func(ctx context.Context, address string, network *lab.Memory) (net.Conn, error) {
				if address == "192.0.2.2:25" {
					panic("a fault of the test's")
				}
				return network.DialContext(ctx, "tcp", address)
			}
		},
		"in the progress": func(c *crowd) {
			change := c.change
			c.change = func(o *run.Options) {
				change(o)
				o.Progress = func(p run.Progress) {
					if p.Receiver.Address == "192.0.2.2" {
						panic("a fault of the test's")
					}
				}
			}
		},
		"in a judge": func(c *crowd) {
			change := c.change
			c.change = func(o *run.Options) {
				change(o)
				o.Catalogue = slices.Clone(o.Catalogue)
				o.Catalogue[3].Judge.Find = func(probe.Evidence) probe.Finding {
					panic("a fault of the test's")
				}
				o.Selected = o.Catalogue
			}
		},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			c := &crowd{receivers: people("example.com", "example.org", "example.net"), change: func(o *run.Options) { o.Receivers, o.Platform = 8, 1 }}
			fault(c)
			c.probe(t, 0)
			for address, r := range c.reported(t) {
				switch {
				case address == "192.0.2.2" || name == "in a judge":
					if r.Status != probe.StatusSkipped || !strings.Contains(r.Reason, "a fault of the test's") {
						t.Errorf("%s: got %s (%s), want skipped and the fault", r.Host, r.Status, r.Reason)
					}
					whole(t, (&world{}).options(), r)
				case r.Status != probe.StatusOK:
					t.Errorf("%s: got %s (%s), want ok", r.Host, r.Status, r.Reason)
				}
			}
		})
	}
}
