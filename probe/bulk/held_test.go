package bulk_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/smtpprobe/smtpprobe/probe/bulk"
	"github.com/smtpprobe/smtpprobe/probe/resolve"
)

// TestNameserver: a domain is called a DNS error for want of a reply only where
// the nameserver is there.
func TestNameserver(t *testing.T) {
	from := func(n int) func(int) bool { return func(asked int) bool { return asked >= n } }
	for _, test := range []struct {
		name    string
		domains int
		mute    func(int) bool
		there   bool
		gone    bool
		failed  int // rows that say dns-error
		asks    int // whether it is there, at most
	}{
		{"one that answers", 100, func(int) bool { return false }, false, false, 0, 0},
		{"one that goes half way", 100, from(50), false, true, 0, 1},
		{"one that was never there", 100, from(0), false, true, 0, 1},
		{"one that was never there, and a short list", 3, from(0), false, true, 0, 1},
		{"one that goes for the last domain", 100, from(100), false, true, 0, 1},
		{"dead domains in a row", 100, func(n int) bool { return n > 20 && n <= 70 }, true, false, 50, 5},
		{"dead domains here and there", 100, func(n int) bool { return n%3 == 0 }, true, false, 33, 1},
		{"a dead domain at the end", 100, from(100), true, false, 1, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := world{mute: test.mute}
				asks := 0
				for i := range test.domains {
					w.names(fmt.Sprintf("d%d-", i), 1, at(fmt.Sprintf("p%02d.example", i), i))
				}
				w.change = func(o *bulk.Options) {
					o.There = func(context.Context) bool { asks++; return test.there }
				}
				err := w.scan(t.Context())
				if errors.Is(err, bulk.ErrGone) != test.gone || (err == nil) == test.gone {
					t.Errorf("got %v, want gone: %t", err, test.gone)
				}
				if test.gone && err != nil && !strings.Contains(err.Error(), "the nameserver does not answer") {
					t.Errorf("got %q, want the reason in it", err)
				}
				failed := 0
				for _, d := range w.domains {
					if d.Status == resolve.DNSError {
						failed++
					}
				}
				equal(t, "failed domains", failed, test.failed)
				if !test.gone {
					equal(t, "domains", len(w.domains), test.domains)
				}
				if asks > test.asks {
					t.Errorf("it asked %d times whether the nameserver is there, want at most %d", asks, test.asks)
				}
			})
		})
	}
}

// TestABadLineSaysNothingOfTheNameserver: it needed none.
func TestABadLineSaysNothingOfTheNameserver(t *testing.T) {
	var rows int
	s := bulk.New(bulk.Options{
		Lookups: 1,
		There:   func(context.Context) bool { return false },
		Domain:  func(resolve.Domain) error { rows++; return nil },
	})
	found := func(d resolve.Domain) bulk.Target {
		return bulk.Target{Name: d.Domain, Find: func(context.Context) bulk.Found { return bulk.Found{Domain: &d} }}
	}
	err := s.Run(t.Context(), func(_ context.Context, yield func(bulk.Target) bool) error {
		yield(found(resolve.Domain{Domain: "a.example", Status: resolve.DNSError, Unanswered: true}))
		yield(found(resolve.Domain{Domain: "a..b", Status: resolve.Invalid}))
		return nil
	})
	if !errors.Is(err, bulk.ErrGone) || rows != 1 {
		t.Errorf("got %v and %d rows, want the bad line's alone, and no nameserver", err, rows)
	}
}
