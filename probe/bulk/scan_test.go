package bulk_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/bulk"
)

// TestAReceiverIsProbedOnce: 3,000 domains on 45 receivers of three platforms,
// one of which has more than are wanted of it.
func TestAReceiverIsProbedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w world
		for i := range 1000 {
			w.names(fmt.Sprintf("a%d-", i), 1, at("small.example", i%5), at("small.example", i%5)) // two exchangers at one address
			w.names(fmt.Sprintf("b%d-", i), 1, at("middle.example", i%10), at("small.example", i%5))
			w.names(fmt.Sprintf("c%d-", i), 1, at("large.example.net", i%30))
		}
		w.list = append(w.list, w.list[:100]...) // and some are named twice
		if err := w.scan(t.Context()); err != nil {
			t.Fatal(err)
		}
		equal(t, "domains", len(w.domains), 3000)
		equal(t, "receivers", len(w.receivers), 45)
		equal(t, "skipped", w.statuses()[probe.StatusSkipped], 20)
		equal(t, "probed", len(w.probed), 25)
		same(t, "rows that are there again", w.twice(), nil)
		equal(t, "at once", w.most[""] <= 10, true)
		for _, p := range []string{"small.example", "middle.example", "large.example.net"} {
			equal(t, "of "+p+" at once", w.most[p], 1)
		}
		equal(t, "counts", w.counts, bulk.Counts{Read: 3100, Passed: 100, Done: 45})
		for _, r := range w.receivers {
			if r.Status == probe.StatusSkipped && r.Reason != bulk.LeftOut(r.Platform) {
				t.Errorf("got the reason %q", r.Reason)
			}
		}
	})
}

// TestADomainComesBeforeItsReceivers, so that whoever stops between two rows
// knows what is still to come.
func TestADomainComesBeforeItsReceivers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w world
		for i := range 50 {
			w.names(fmt.Sprintf("a%d-", i), 1, at(fmt.Sprintf("p%02d.example", i%7), i))
		}
		w.lasts = func(probe.Receiver) time.Duration { return 0 }
		if err := w.scan(t.Context()); err != nil {
			t.Fatal(err)
		}
		for name, leads := range w.leads {
			d, r := slices.Index(w.rows, "domain "+name), slices.Index(w.rows, "receiver "+leads[0].Address)
			if d < 0 || r < 0 || d > r {
				t.Errorf("%s: got its row at %d and its receiver's at %d", name, d, r)
			}
		}
	})
}

// TestDomainsOfAReceiver: the first ones are kept, the others counted.
func TestDomainsOfAReceiver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w world
		w.names("d", 300, at("p.example", 1), at("p.example", 1)) // two exchangers at one address
		w.lasts = func(probe.Receiver) time.Duration { return time.Hour }
		if err := w.scan(t.Context()); err != nil {
			t.Fatal(err)
		}
		r := w.receivers[0]
		equal(t, "domains", len(r.Domains), 20)
		equal(t, "more", r.MoreDomains, 280)
		equal(t, "the first one", r.Domains[0] != "" && strings.HasPrefix(r.Domains[0], "d"), true)
	})
}

// TestPlatformsTakeTurns: ten receivers of one platform that take an hour each
// do not hold up those of others that were named after them.
func TestPlatformsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w world
		for i := range 10 {
			w.names(fmt.Sprintf("slow%d-", i), 1, at("slow.example", i))
		}
		for i := range 50 {
			w.names(fmt.Sprintf("quick%d-", i), 1, at(fmt.Sprintf("q%02d.example.org", i), i))
		}
		w.lasts = func(r probe.Receiver) time.Duration {
			if r.Platform == "slow.example" {
				return time.Hour
			}
			return time.Second
		}
		w.change = func(o *bulk.Options) { o.Receivers = 2 }
		begun := time.Now()
		var last time.Duration
		quick := 0
		w.before = func(*bulk.Scan) {}
		inner := w.change
		w.change = func(o *bulk.Options) {
			inner(o)
			take := o.Receiver
			o.Receiver = func(r probe.Report) error {
				if r.Platform != "slow.example" {
					quick++
					last = time.Since(begun)
				}
				return take(r)
			}
		}
		if err := w.scan(t.Context()); err != nil {
			t.Fatal(err)
		}
		equal(t, "quick receivers", quick, 50)
		if last > 5*time.Minute {
			t.Errorf("the last quick receiver was finished after %s, want it not to wait for the slow ones", last)
		}
		if took := time.Since(begun); took < 10*time.Hour || took > 10*time.Hour+time.Minute {
			t.Errorf("it took %s, want the ten hours of one receiver after the other", took)
		}
	})
}

// TestPlatformsComeInTheirOrder, and again when each had its turn.
func TestPlatformsComeInTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w world
		var want []string
		for n := range 3 {
			for i, p := range []string{"a.example", "bb.example", "ccc.example", "dddd.example"} {
				w.names(fmt.Sprintf("d%d-%d-", i, n), 1, at(p, n))
				want = append(want, at(p, n).Address)
			}
		}
		w.change = func(o *bulk.Options) { o.Receivers, o.Lookups = 1, 1 }
		if err := w.scan(t.Context()); err != nil {
			t.Fatal(err)
		}
		same(t, "probed", w.probed, want)
	})
}

// TestChoicesThatWait hold up the reading of the list, but not for ever.
func TestChoicesThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w world
		w.names("a", 7000, at("a.example", 1), at("b.example.org", 1))
		w.names("c", 7000, at("c.example.net", 1), at("b.example.org", 1))
		w.lasts = func(probe.Receiver) time.Duration { return time.Hour }
		w.change = func(o *bulk.Options) { o.First = true }
		if err := w.scan(t.Context()); err != nil {
			t.Fatal(err)
		}
		equal(t, "domains", len(w.domains), 14000)
		equal(t, "receivers", len(w.receivers), 2)
	})
}

// TestNoMoreIsReadThanCanBeProbed.
func TestNoMoreIsReadThanCanBeProbed(t *testing.T) {
	for name, first := range map[string]bool{"all": false, "first": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var w world
				for i := range 20000 {
					w.names(fmt.Sprintf("d%d-", i), 1, at(fmt.Sprintf("p%d.example", i), i%200), at("other.example", i%9))
				}
				if first { // all wait for the same one
					for name := range w.leads {
						w.leads[name] = []probe.Receiver{at("best.example", 1), at("other.example", 1)}
					}
				}
				w.lasts = func(probe.Receiver) time.Duration { return 1000 * time.Hour }
				w.change = func(o *bulk.Options) { o.First, o.Lookups = first, 64 }
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				if err := w.scan(ctx); !errors.Is(err, context.DeadlineExceeded) {
					t.Fatalf("got %v, want the end of the time", err)
				}
				if most := 5200; w.counts.Read > most {
					t.Errorf("%d of the list were read, want at most %d", w.counts.Read, most)
				}
				equal(t, "interrupted rows", w.statuses()[probe.StatusInterrupted], w.most[""])
			})
		})
	}
}

// TestFirst: the best receiver of each domain, and the next best where that is
// not there, also for domains that came while it was tried.
func TestFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w world
		dead, best, next := at("dead.example", 1), at("best.example", 2), at("next.example", 3)
		last := at("last.example.org", 4)
		w.names("a", 5, best, next)
		w.names("b", 5, dead, next, last)
		w.names("c", 5, dead, last)
		w.names("d", 5, dead)
		w.status = map[string]probe.Status{dead.Address: probe.StatusUnreachable, next.Address: probe.StatusRefused}
		w.change = func(o *bulk.Options) { o.First = true }
		if err := w.scan(t.Context()); err != nil {
			t.Fatal(err)
		}
		slices.Sort(w.probed)
		want := []string{dead.Address, best.Address, next.Address, last.Address}
		slices.Sort(want)
		same(t, "probed", w.probed, want)
		for _, r := range w.receivers {
			if r.Address == best.Address {
				equal(t, "domains of the best", len(r.Domains), 5)
			}
			if r.Address == dead.Address {
				equal(t, "domains of the dead", len(r.Domains), 15)
			}
		}
	})
}
