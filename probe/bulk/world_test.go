package bulk_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/bulk"
	"github.com/smtpprobe/smtpprobe/probe/resolve"
)

// world is a list, the DNS and the receivers that it leads to. Its waits are
// those of a clock that jumps.
type world struct {
	list   []string                    // names
	leads  map[string][]probe.Receiver // a name to receivers, the best first
	status map[string]probe.Status     // of an address; ok where it has none
	lasts  func(probe.Receiver) time.Duration
	change func(*bulk.Options)
	before func(*bulk.Scan)
	mute   func(asked int) bool // whether a look-up gets no reply
	read   error                // the list's end

	mu      sync.Mutex
	probed  []string // addresses, in the order of their beginnings
	running map[string]int
	most    map[string]int // at once, by platform; "" is all
	asked   int            // look-ups

	domains   []resolve.Domain
	receivers []probe.Report
	rows      []string // "domain NAME" and "receiver ADDRESS", in their order
	counts    bulk.Counts
}

// at is the nth receiver of a platform.
func at(platform string, n int) probe.Receiver {
	return probe.Receiver{
		Host: fmt.Sprintf("mx%d.%s", n, platform), Address: fmt.Sprintf("192.0.%d.%d", len(platform)+n/200, n%200), Port: 25, Platform: platform,
	}
}

func (w *world) find(ctx context.Context, name string) bulk.Found {
	w.mu.Lock()
	w.asked++
	n := w.asked
	w.mu.Unlock()
	time.Sleep(10 * time.Millisecond)
	d := &resolve.Domain{Domain: name, ASCII: name, Status: resolve.OK}
	switch {
	case ctx.Err() != nil:
		d.Status = resolve.Interrupted
	case w.mute != nil && w.mute(n):
		d.Status, d.Reason, d.Unanswered = resolve.DNSError, "the nameserver does not answer", true
	}
	if d.Status != resolve.OK {
		return bulk.Found{Domain: d}
	}
	var all []probe.Receiver
	for _, r := range w.leads[name] {
		r.Domains = []string{name}
		all = append(all, r)
	}
	return bulk.Found{Domain: d, Receivers: all}
}

func (w *world) target(name string) bulk.Target {
	return bulk.Target{Name: name, Find: func(ctx context.Context) bulk.Found { return w.find(ctx, name) }}
}

func (w *world) probe(ctx context.Context, r probe.Receiver) probe.Report {
	w.count(r, 1)
	defer w.count(r, -1)
	lasts := time.Second
	if w.lasts != nil {
		lasts = w.lasts(r)
	}
	report := probe.Report{Receiver: r, Status: probe.StatusOK}
	if s, ok := w.status[r.Address]; ok {
		report.Status = s
	}
	select {
	case <-time.After(lasts):
	case <-ctx.Done():
		report.Status = probe.StatusInterrupted
	}
	return report
}

func (w *world) count(r probe.Receiver, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n > 0 {
		w.probed = append(w.probed, r.Address)
	}
	for _, of := range []string{"", r.Platform} {
		w.running[of] += n
		w.most[of] = max(w.most[of], w.running[of])
	}
}

// scan goes through the list once.
func (w *world) scan(ctx context.Context) error {
	w.running, w.most = map[string]int{}, map[string]int{}
	o := bulk.Options{
		Probe: w.probe, Receivers: 10, Platform: 1, PerPlatform: 10, Lookups: 4,
		Domain: func(d resolve.Domain) error {
			w.domains = append(w.domains, d)
			w.rows = append(w.rows, "domain "+d.Domain)
			return nil
		},
		Receiver: func(r probe.Report) error {
			w.receivers = append(w.receivers, r)
			w.rows = append(w.rows, "receiver "+r.Address)
			return nil
		},
		Progress: func(c bulk.Counts) { w.counts = c },
	}
	if w.change != nil {
		w.change(&o)
	}
	s := bulk.New(o)
	if w.before != nil {
		w.before(s)
	}
	return s.Run(ctx, func(_ context.Context, yield func(bulk.Target) bool) error {
		for _, name := range w.list {
			if !yield(w.target(name)) {
				return nil
			}
		}
		return w.read
	})
}

// names are n domains that lead to the receivers.
func (w *world) names(prefix string, n int, leads ...probe.Receiver) {
	if w.leads == nil {
		w.leads = map[string][]probe.Receiver{}
	}
	for i := range n {
		name := fmt.Sprintf("%s%d.example", prefix, i)
		w.list = append(w.list, name)
		w.leads[name] = leads
	}
}

func (w *world) statuses() map[probe.Status]int {
	all := map[probe.Status]int{}
	for _, r := range w.receivers {
		all[r.Status]++
	}
	return all
}

// twice are the rows that stand there more than once.
func (w *world) twice() []string {
	seen := map[string]bool{}
	var again []string
	for _, r := range w.rows {
		if seen[r] {
			again = append(again, r)
		}
		seen[r] = true
	}
	return again
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}
