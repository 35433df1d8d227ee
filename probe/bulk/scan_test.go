package bulk_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/bulk"
	"github.com/smtpprobe/smtpprobe/probe/resolve"
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

// TestGoingOn: what an earlier part has done is not done again.
func TestGoingOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w world
		for i := range 12 {
			w.names(fmt.Sprintf("d%d-", i), 1, at("p.example", i))
		}
		dead, next := at("dead.example", 1), at("next.example.org", 2)
		w.names("f", 1, dead, next)
		w.change = func(o *bulk.Options) { o.First, o.Lookups = true, 1 }
		w.before = func(s *bulk.Scan) {
			s.Met(w.list[0])
			for i := range 9 {
				s.Finished(probe.Report{Receiver: at("p.example", i), Status: probe.StatusOK})
			}
			s.Finished(probe.Report{Receiver: at("p.example", 11), Status: probe.StatusSkipped, Reason: bulk.LeftOut("p.example")})
			s.Finished(probe.Report{Receiver: dead, Status: probe.StatusRefused})
		}
		if err := w.scan(t.Context()); err != nil {
			t.Fatal(err)
		}
		equal(t, "look-ups", w.asked, 12)
		slices.Sort(w.probed)
		want := []string{at("p.example", 9).Address, next.Address}
		slices.Sort(want)
		same(t, "probed", w.probed, want)
		equal(t, "skipped", w.statuses()[probe.StatusSkipped], 1)
		equal(t, "rows of receivers", len(w.receivers), 3)
	})
}

func TestEnds(t *testing.T) {
	broken := errors.New("broken")
	for _, test := range []struct {
		name  string
		world func(w *world)
		want  error
	}{
		{"the list cannot be read", func(w *world) { w.read = broken }, broken},
		{"no domain can be written", func(w *world) {
			w.change = func(o *bulk.Options) { o.Domain = func(resolve.Domain) error { return broken } }
		}, broken},
		{"no receiver can be written", func(w *world) {
			w.change = func(o *bulk.Options) {
				n := 0
				o.Receiver = func(probe.Report) error {
					if n++; n > 1 {
						t.Error("it writes on behind the error")
					}
					return broken
				}
			}
		}, broken},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var w world
				for i := range 100 {
					w.names(fmt.Sprintf("d%d-", i), 1, at(fmt.Sprintf("p%02d.example", i), i))
				}
				test.world(&w)
				if err := w.scan(t.Context()); !errors.Is(err, test.want) {
					t.Errorf("got %v, want %v", err, test.want)
				}
			})
		})
	}
	t.Run("what was read before a bad end is probed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := world{read: broken}
			w.names("d", 3, at("p.example", 1))
			if err := w.scan(t.Context()); !errors.Is(err, broken) {
				t.Errorf("got %v, want the list's error", err)
			}
			equal(t, "receivers", len(w.receivers), 1)
		})
	})
	t.Run("interrupted before it begins", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var w world
			w.names("d", 3, at("p.example", 1))
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := w.scan(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want the interrupt", err)
			}
			equal(t, "probed", len(w.probed), 0)
		})
	})
	t.Run("an empty list", func(t *testing.T) {
		if err := new(world).scan(t.Context()); err != nil {
			t.Errorf("got %v, want no error", err)
		}
	})
}

// TestAFaultOfOurs in a look-up is that of one domain.
func TestAFaultOfOurs(t *testing.T) {
	var domains []resolve.Domain
	s := bulk.New(bulk.Options{Domain: func(d resolve.Domain) error { domains = append(domains, d); return nil }})
	err := s.Run(t.Context(), func(_ context.Context, yield func(bulk.Target) bool) error {
		yield(bulk.Target{Name: "a.example", Find: func(context.Context) bulk.Found { panic("oh") }})
		return nil
	})
	if err != nil || len(domains) != 1 || domains[0].Status != resolve.DNSError || !strings.Contains(domains[0].Reason, "oh") {
		t.Errorf("got %v, %+v, want one row that says so", err, domains)
	}
}

// TestTheIndexIsSmall: what is kept of 100,000 long names, all of one receiver
// that is busy, is a fraction of them.
func TestTheIndexIsSmall(t *testing.T) {
	const names = 100_000
	var before, after runtime.MemStats
	long := strings.Repeat("a", 60) + "." + strings.Repeat("b", 60) + "." + strings.Repeat("c", 60)
	found := 0
	released := make(chan struct{})
	var s *bulk.Scan
	s = bulk.New(bulk.Options{
		Lookups: 8,
		Domain: func(resolve.Domain) error {
			if found++; found == names {
				runtime.GC()
				runtime.ReadMemStats(&after)
				close(released)
			}
			return nil
		},
		Receiver: func(probe.Report) error { return nil },
		Probe: func(_ context.Context, r probe.Receiver) probe.Report {
			<-released
			return probe.Report{Receiver: r, Status: probe.StatusOK}
		},
	})
	runtime.GC()
	runtime.ReadMemStats(&before)
	err := s.Run(t.Context(), func(_ context.Context, yield func(bulk.Target) bool) error {
		for i := range names {
			name := fmt.Sprintf("d%d.%s.example", i, long)
			if !yield(bulk.Target{Name: name, Find: func(context.Context) bulk.Found {
				r := at("p.example", 1)
				r.Domains = []string{name}
				return bulk.Found{Domain: &resolve.Domain{Domain: name, Status: resolve.OK}, Receivers: []probe.Receiver{r}}
			}}) {
				break
			}
		}
		return nil
	})
	if err != nil || found != names {
		t.Fatalf("got %d domains, %v", found, err)
	}
	runtime.KeepAlive(s)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
		t.Errorf("the heap grew by %d KiB for %d names of %d octets, want at most 8 MiB", grown>>10, names, len(long))
	}
}
