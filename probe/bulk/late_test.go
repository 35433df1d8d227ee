package bulk_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/bulk"
)

// TestNoNextChoiceBehindTheEnd: a receiver that is found to be away when the scan
// has been stopped, or cannot be written any more, has nobody tried in its place.
func TestNoNextChoiceBehindTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := at("a.example", 1), at("b.example.org", 2)
		var w world
		w.names("d", 1, a, b)
		ctx, cancel := context.WithCancel(t.Context())
		w.change = func(o *bulk.Options) {
			o.First = true
			o.Probe = func(ctx context.Context, r probe.Receiver) probe.Report {
				<-ctx.Done() // it was away before that, and is heard of later
				time.Sleep(time.Second)
				return probe.Report{Receiver: r, Status: probe.StatusRefused}
			}
		}
		go func() { time.Sleep(time.Second); cancel() }()
		ended := make(chan error, 1)
		go func() { ended <- w.scan(ctx) }()
		select {
		case err := <-ended:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want the interrupt", err)
			}
		case <-time.After(time.Minute):
			t.Fatal("it never ends")
		}
		equal(t, "receivers", len(w.receivers), 1)
	})
}
