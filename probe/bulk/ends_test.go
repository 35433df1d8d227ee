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

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/bulk"
	"github.com/smtpprobe/smtpprobe/probe/resolve"
)

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
	s := bulk.New(bulk.Options{
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
