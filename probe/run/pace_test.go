package run_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/run"
)

// TestPace holds that sessions with one receiver begin no sooner after one
// another than the pace says, after the end of the one before where there is one
// at a time, and that no more are open than were asked for.
func TestPace(t *testing.T) {
	for _, sessions := range []int{1, 2, 4} {
		for _, pace := range []time.Duration{0, 500 * time.Millisecond, 10 * time.Second} {
			for name, way := range map[string]way{"straight": nil, "one in four is refused": every(4, says("554 no\r\n", true)), "closing": every(3, says("", true))} {
				t.Run(fmt.Sprintf("%s, %d at once, %s", name, sessions, pace), func(t *testing.T) {
					w := &world{way: way, change: func(o *run.Options) { o.Wire.Pace, o.Wire.Sessions = pace, sessions }}
					out := w.probe(t)
					sound(t, w, out)
					slices.SortFunc(out.taps, func(a, b *tap) int { return a.asked.Compare(b.asked) })
					for i := 1; i < len(out.taps); i++ {
						before, now := out.taps[i-1], out.taps[i]
						if gap := now.asked.Sub(before.asked); gap < pace {
							t.Errorf("session %d began %s after the one before, want at least %s", now.nth, gap, pace)
						}
						if gap := now.asked.Sub(before.closed); sessions == 1 && gap < pace {
							t.Errorf("session %d began %s after the end of the one before, want at least %s", now.nth, gap, pace)
						}
					}
				})
			}
		}
	}
}

// TestNothingIsWaitedFor holds that a receiver that answers at once costs no
// time but the silences that are there on purpose: those in the scripts of the
// checks, each as often as its check was tried.
func TestNothingIsWaitedFor(t *testing.T) {
	for _, tls := range []run.TLS{run.Auto, run.Never, run.StartTLS} {
		t.Run(string(tls), func(t *testing.T) {
			w := &world{receiver: lab.Receiver{GreetDelay: lab.NoGreetDelay}, change: func(o *run.Options) {
				o.Wire.Pace, o.TLS = 0, tls
			}}
			out := w.probe(t)
			sound(t, w, out)
			var silence time.Duration
			for _, res := range out.report.Results {
				for _, step := range res.Check.Script {
					if step.Act == probe.Listen {
						silence += step.For
					}
				}
			}
			if out.took > silence {
				t.Errorf("got a run of %s, want at most the %s of silence on purpose", out.took, silence)
			}
		})
	}
}

// TestSlowGreeting holds that a receiver which greets after six seconds gets a
// whole standard profile, with its verdicts, within the default limits.
func TestSlowGreeting(t *testing.T) {
	standard := func(o *run.Options) {
		o.Wire.Pace, o.Timeout = 500*time.Millisecond, 15*time.Minute
		o.Selected = slices.DeleteFunc(slices.Clone(o.Catalogue), func(c probe.Check) bool { return c.Profile > probe.Standard })
	}
	reference := strict(t, standard)
	tests := map[string]lab.Receiver{
		"a pause":         {Lapses: []lab.Lapse{lab.Late(lab.Greeting, 6*time.Second)}},
		"early listening": {GreetDelay: 6 * time.Second},
		"drips":           {Lapses: []lab.Lapse{lab.Drip(200 * time.Millisecond)}},
	}
	for name, rcv := range tests {
		t.Run(name, func(t *testing.T) {
			w := &world{receiver: rcv, change: standard}
			out := w.probe(t)
			sound(t, w, out)
			counted(t, out)
			if out.report.Status != probe.StatusOK {
				t.Errorf("got status %s (%s), want ok", out.report.Status, out.report.Reason)
			}
			same(t, out.report, reference)
		})
	}
}
