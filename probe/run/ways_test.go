package run_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/run"
)

// naming are the checks that name the recipient that cannot exist.
func naming() []probe.Check {
	return slices.DeleteFunc(checks.All(), func(c probe.Check) bool {
		return !slices.ContainsFunc(c.Script, func(s probe.Step) bool { return strings.Contains(s.Text, probe.CommandBad) })
	})
}

// TestRunsShareWhatAReceiverMayBeAsked: the recipient that cannot exist is named
// four times in ten minutes, however many runs that is. What could not be asked
// is no answer, and ten minutes later it can be.
func TestRunsShareWhatAReceiverMayBeAsked(t *testing.T) {
	for _, tt := range []struct {
		name   string
		public bool
		again  time.Duration
		asked  bool
	}{
		{"at once", true, 0, false},
		{"before ten minutes are over", true, 9 * time.Minute, false},
		{"after them", true, 11 * time.Minute, true},
		{"at once, of a receiver of one's own", false, 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := &world{
				again: []time.Duration{tt.again}, target: func(r *probe.Receiver) { r.Public = tt.public },
				change: func(o *run.Options) { o.Selected = naming(); o.Catalogue = checks.All() },
			}
			out := w.probe(t)
			bads := 0
			for _, l := range out.taps {
				bads += strings.Count(strings.Join(l.lines(), " "), probe.BadRecipient)
			}
			if most := 4; !tt.asked && bads > most {
				t.Errorf("got the recipient that cannot exist named %d times, want at most %d", bads, most)
			}
			var runs probe.Runs
			runs.Add(out.report)
			runs.Add(out.later[0])
			for _, res := range runs.Join().Results {
				want := probe.Kind("")
				if tt.asked {
					want = probe.Deterministic
				}
				if a := res.Agreement; res.Verdict == probe.Inconclusive || a.Kind != want {
					t.Errorf("%s: got %s, %q of %v, want a verdict and %q", res.Check.ID, res.Verdict, a.Kind, a.Answers, want)
				}
			}
		})
	}
}

// TestRunsShareThePace: the pause between two sessions is kept between the last
// of one run and the first of the next.
func TestRunsShareThePace(t *testing.T) {
	w := &world{again: []time.Duration{0}}
	out := w.probe(t)
	slices.SortFunc(out.taps, func(a, b *tap) int { return a.asked.Compare(b.asked) })
	for i := 1; i < len(out.taps); i++ {
		if gap := out.taps[i].asked.Sub(out.taps[i-1].closed); gap < pace {
			t.Errorf("session %d began %s after the end of the one before, want at least %s", out.taps[i].nth, gap, pace)
		}
	}
	if out.later[0].Status != probe.StatusOK {
		t.Errorf("got %s, want the second run to be ok", out.later[0].Status)
	}
}

// TestRunsShareTheStop: who turned two connections away is not asked in the next
// run.
func TestRunsShareTheStop(t *testing.T) {
	w := &world{receiver: lab.Receiver{Lapses: []lab.Lapse{lab.HangUp(lab.Place{Verb: lab.Greeting}, "421 4.7.0 later")}}, again: []time.Duration{time.Hour}}
	out := w.probe(t)
	if out.dials != 2 {
		t.Errorf("got %d connections in two runs, want two", out.dials)
	}
	if r := out.later[0]; r.Status != probe.StatusBlocked || r.Sessions != 0 {
		t.Errorf("got %s after %d sessions, want blocked without any", r.Status, r.Sessions)
	}
}
