package run_test

import (
	"slices"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/plan"
	"github.com/smtpprobe/smtpprobe/probe/run"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// course is a run of the whole catalogue over a line, with so many sessions at
// once and no pace, and the plan of it.
func course(t *testing.T, build func() *world, rtt time.Duration, sessions int) ([]plan.Session, outcome) {
	t.Helper()
	w := build()
	change := w.change
	w.way, w.change = far(rtt), func(o *run.Options) {
		o.Catalogue, o.Selected = checks.All(), checks.All()
		o.Wire.Pace, o.Wire.Sessions = 0, sessions
		if change != nil {
			change(o)
		}
	}
	offered := smtp.Capabilities(w.receiver.Extensions)
	if offered == nil {
		offered = lab.DefaultExtensions()
	}
	out := w.probe(t)
	slices.SortFunc(out.taps, func(a, b *tap) int { return a.asked.Compare(b.asked) })
	return w.options().PlanFor(offered), out
}

// TestPlanIsWhatARunDoes holds each session of a plan against what a strict
// receiver counted in it: commands, error replies, and round trips, which are
// counted by two lines of different length: what one session takes longer on the
// longer one is so many times the difference. What is left is silence.
func TestPlanIsWhatARunDoes(t *testing.T) {
	const short, longer = 50 * time.Millisecond, 70 * time.Millisecond
	for name, make := range strictWorlds() {
		t.Run(name, func(t *testing.T) {
			planned, near := course(t, make, short, 1)
			_, away := course(t, make, longer, 1)
			if len(near.taps) != len(planned) || len(away.taps) != len(planned) || near.report.Sessions != len(planned) {
				t.Fatalf("got %d and %d sessions, want the %d that were planned", len(near.taps), len(away.taps), len(planned))
			}
			var sum plan.Cost
			for i, s := range planned {
				sum = sum.Plus(s.Cost)
				counted := near.ledger.Sessions[i]
				if counted.Errors != s.Cost.Errors {
					t.Errorf("%s: got %d error replies, want the %d that were planned", s, counted.Errors, s.Cost.Errors)
				}
				if got := counted.Commands; got != s.Cost.Commands && !unheard(s, got) {
					t.Errorf("%s: got %d commands, want the %d that were planned", s, got, s.Cost.Commands)
				}
				took := near.taps[i].closed.Sub(near.taps[i].asked)
				more := away.taps[i].closed.Sub(away.taps[i].asked) - took
				if want := time.Duration(s.Cost.RoundTrips) * (longer - short); more != want {
					t.Errorf("%s: got %.2f round trips, want the %d that were planned", s, float64(more)/float64(longer-short), s.Cost.RoundTrips)
				}
				if idle := took - s.Cost.At(short); idle < 0 || idle > idling(s) {
					t.Errorf("%s: took %s, want %s and at most %s of looking and greeting", s, took, s.Cost.At(short), idling(s))
				}
			}
			if got := near.report.Commands; got != sum.Commands {
				t.Errorf("got %d commands, want the %d that were planned", got, sum.Commands)
			}
		})
	}
}

// unheard reports whether the receiver heard fewer commands than were sent, as it
// may where it closes before or in the midst of what stands in one write, or takes
// no octets in clear where a handshake is due; and "*" is no command to it.
func unheard(s plan.Session, got int) bool {
	if got > s.Cost.Commands || len(s.Checks) != 1 || !s.Checks[0].Own {
		return false
	}
	return slices.ContainsFunc([]string{
		"pipelined-after-quit", "pipeline-unadvertised", "pipeline-after-helo", "pipeline-ehlo-head",
		"pipeline-sync-command-mid-group/noop", "pipeline-sync-command-mid-group/vrfy",
		"early-talk", "early-talk-group", "starttls-injection", "starttls-broken-handshake", "auth-cancel",
	}, func(id string) bool { return id == s.Checks[0].ID })
}

// idling is what a session may take besides round trips and silence: the lab
// listens before it greets, and inside TLS it is looked a millisecond at a time
// whether something came unasked.
func idling(s plan.Session) time.Duration {
	return lab.DefaultGreetDelay + time.Duration(4*(s.Cost.Commands+1))*time.Millisecond
}

// TestRunKeepsToItsCriticalPath holds that a run takes hardly longer than its
// plan says at least, however many sessions there are at once.
func TestRunKeepsToItsCriticalPath(t *testing.T) {
	const rtt = 50 * time.Millisecond
	for name, make := range strictWorlds() {
		for _, sessions := range []int{1, 2, 4} {
			planned, out := course(t, make, rtt, sessions)
			path := plan.Lanes{AtOnce: sessions, RoundTrip: rtt}.Critical(planned)
			if got, least := out.took, path.At(rtt); got < least || got > least+least/20 {
				t.Errorf("%s, %d at once: took %s, want %s or little more", name, sessions, got, least)
			}
			if out.most > sessions {
				t.Errorf("%s: got %d connections at once, want at most %d", name, out.most, sessions)
			}
		}
	}
}

// TestLanesKeepToThePace holds the plan's reckoning of the pace against a run.
func TestLanesKeepToThePace(t *testing.T) {
	for _, sessions := range []int{1, 3} {
		w := &world{change: func(o *run.Options) { o.Wire.Sessions = sessions }, way: far(pace / 20)}
		path := plan.Lanes{AtOnce: sessions, RoundTrip: pace / 20, Pace: pace}.Critical(w.options().PlanFor(lab.DefaultExtensions()))
		out := w.probe(t)
		// The pace is jittered by a fifth, where it is counted from the beginning.
		if least := path.At(pace / 20); out.took < least || out.took > least+path.Paused/5+least/20 {
			t.Errorf("%d at once: took %s, want %s, of which %s are pauses, or little more", sessions, out.took, least, path.Paused)
		}
	}
}
