package run_test

import (
	"fmt"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/run"
)

// TestResetAtEveryCommand lets the receiver reset every session at its nth
// command, which is never answered.
func TestResetAtEveryCommand(t *testing.T) {
	for _, tls := range []run.TLS{run.Auto, run.StartTLS} {
		change := func(o *run.Options) { o.TLS = tls }
		reference := strict(t, change)
		for n := 1; n <= 40; n++ {
			t.Run(fmt.Sprintf("%s %d", tls, n), func(t *testing.T) {
				w := &world{receiver: lab.Receiver{Lapses: []lab.Lapse{lab.ResetAt(n)}}, change: change}
				out := w.probe(t)
				sound(t, w, out)
				honest(t, out.report, reference, true)
				if n > 20 {
					same(t, out.report, reference)
				}
			})
		}
	}
}

// TestResetAtEveryOctet lets the connection break after so many octets, in
// either direction, in every session, in those behind the baselines, and in one.
func TestResetAtEveryOctet(t *testing.T) {
	reference := strict(t, nil)
	breaks := func(t *testing.T, broken way) {
		t.Helper()
		for name, way := range map[string]way{
			"every session": broken, "the checks": after(4, broken),
			"the 6th session": once(6, broken), "every third session": every(3, broken),
		} {
			t.Run(name, func(t *testing.T) {
				w := &world{way: way}
				out := w.probe(t)
				sound(t, w, out)
				broke(t, out.report, reference)
			})
		}
	}
	for n := 0; n < 700; n += 17 {
		t.Run(fmt.Sprintf("of the receiver after %d", n), func(t *testing.T) { breaks(t, resets(n, -1)) })
	}
	for n := 0; n < 240; n += 11 {
		t.Run(fmt.Sprintf("of the probe after %d", n), func(t *testing.T) { breaks(t, resets(-1, n)) })
	}
}

// broke is honest where connections break: a reply that stops in the middle,
// twice at the same place, is what broken is for.
func broke(t *testing.T, got, reference probe.Report) {
	t.Helper()
	for i, res := range got.Results {
		if res.Verdict == probe.Broken && cut(res) {
			got.Results[i].Verdict = probe.Dropped
		}
	}
	honest(t, got, reference, true)
}

// cut reports whether a reply in the exchange of the result has no end.
func cut(res probe.Result) bool {
	for _, o := range probe.Replay(res.Check.Script, res.Transcript).Outcomes {
		if o.Partial && o.Closed {
			return true
		}
	}
	return false
}
