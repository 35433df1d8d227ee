package run_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/run"
)

// TestLimits holds that the limits of real receivers cost sessions and no
// verdicts.
func TestLimits(t *testing.T) {
	lapse := func(l ...lab.Lapse) lab.Receiver { return lab.Receiver{Lapses: l} }
	errors := func(code int) bool { return code >= 400 }
	dataCloses := mind(func(said []string) mood {
		if last(said, "DATA") {
			return closes
		}
		return serves
	})
	tests := map[string]struct {
		receiver lab.Receiver
		way      way
		beyond   []string // checks that may know nothing: their script, or its control, is beyond the limit
	}{
		"421 at the third error":          {receiver: lapse(lab.CloseAfterErrors(3, "421 4.7.0 Too many errors"))},
		"a close at the third error":      {receiver: lapse(lab.CloseAfterErrors(3, ""))},
		"421 at the second error":         {receiver: lapse(lab.CloseAfterErrors(2, "421 4.7.0 Too many errors"))},
		"a close at the second error":     {receiver: lapse(lab.CloseAfterErrors(2, ""))},
		"a close behind each error":       {way: closesBehind(errors), beyond: []string{"pipeline-group", "rcpt-refused-keeps-transaction"}},
		"a close behind each DATA":        {way: dataCloses},
		"421 at the second error, greets": {receiver: lapse(lab.CloseAfterErrors(2, "421 4.7.0 Too many errors"), lab.Late(lab.Greeting, 6e9))},
	}
	for name, tt := range tests {
		for _, tls := range []run.TLS{run.Auto, run.Never, run.StartTLS} {
			if tls == run.StartTLS && tt.way != nil {
				continue // a way does not see what is said inside TLS
			}
			t.Run(fmt.Sprintf("%s, TLS %s", name, tls), func(t *testing.T) {
				change := func(o *run.Options) { o.TLS = tls }
				reference := strict(t, change)
				w := &world{receiver: tt.receiver, way: tt.way, change: change}
				out := w.probe(t)
				sound(t, w, out)
				if out.report.Status != probe.StatusOK {
					t.Errorf("got status %s (%s), want ok", out.report.Status, out.report.Reason)
				}
				for i, res := range out.report.Results {
					if slices.Contains(tt.beyond, res.Check.ID) && res.Verdict == probe.Inconclusive {
						out.report.Results[i].Verdict = verdicts(reference)[res.Check.ID]
					}
				}
				same(t, out.report, reference)
			})
		}
	}
}

// TestCommandsAreLimited lets a receiver end every session at its nth command.
// The longest script has seven, so more need not be had.
func TestCommandsAreLimited(t *testing.T) {
	reference := strict(t, nil)
	for n := 8; n <= 21; n++ {
		t.Run(fmt.Sprintf("reset at %d", n), func(t *testing.T) {
			w := &world{receiver: lab.Receiver{Lapses: []lab.Lapse{lab.ResetAt(n)}}}
			out := w.probe(t)
			sound(t, w, out)
			same(t, out.report, reference)
		})
	}
	change := func(o *run.Options) { o.TLS = run.Never }
	reference = strict(t, change)
	for n := 1; n <= 21; n++ {
		t.Run(fmt.Sprintf("closes behind %d", n), func(t *testing.T) {
			w := &world{change: change, way: mind(func(said []string) mood {
				if len(said) == n {
					return closes
				}
				return serves
			})}
			out := w.probe(t)
			sound(t, w, out)
			if n < 8 {
				honest(t, out.report, reference, true)
			} else {
				same(t, out.report, reference)
			}
		})
	}
}
