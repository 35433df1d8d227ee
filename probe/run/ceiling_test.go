package run_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/ceiling"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/run"
)

// room is a ceiling under which so many sessions fit. It is made when the run
// begins, by the clock of its bubble.
func room(n int) *ceiling.Ceiling {
	c := ceiling.New()
	for c.Room("receiver.example", n+1) == nil && c.Session("receiver.example") == nil {
		continue
	}
	return c
}

// TestCeilingOfSessions holds that a plain run ends where the ceiling is, at any
// session: what was measured stands, the rest is inconclusive and says until when.
func TestCeilingOfSessions(t *testing.T) {
	reference := strict(t, nil)
	for _, atOnce := range []int{1, 4} {
		for n := 0; n <= reference.Sessions; n++ {
			t.Run(fmt.Sprintf("%d sessions, %d at once", n, atOnce), func(t *testing.T) {
				w := &world{change: func(o *run.Options) { o.Wire.Sessions, o.Wire.Ceiling = atOnce, room(n) }}
				out := w.probe(t)
				sound(t, w, out)
				honest(t, out.report, reference, false)
				if len(out.taps) != n {
					t.Errorf("got %d connections, want %d", len(out.taps), n)
				}
				want := probe.StatusInterrupted
				switch n {
				case 0:
					want = probe.StatusSkipped
				case reference.Sessions:
					same(t, out.report, reference)
					want = probe.StatusOK
				}
				if out.report.Status != want || want != probe.StatusOK && !strings.Contains(out.report.Reason, "possible again at 2000-01-01T01:01:00Z") {
					t.Errorf("got %s (%s), want %s and until when", out.report.Status, out.report.Reason, want)
				}
				for _, res := range out.report.Results {
					if strings.Contains(res.Reason, "at the end of the run") {
						t.Errorf("%s: got the reason %q, want what was measured to stand", res.Check.ID, res.Reason)
					}
					if n < reference.Sessions && !res.Verdict.Known() && len(res.Transcript) == 0 &&
						verdicts(reference)[res.Check.ID].Known() && !strings.Contains(res.Reason, "possible again at") {
						t.Errorf("%s: got the reason %q, want the ceiling", res.Check.ID, res.Reason)
					}
				}
			})
		}
	}
}

// TestMeasuredStandsAtTheCeiling holds that the last control, which the ceiling
// left no session for, takes no verdict back.
func TestMeasuredStandsAtTheCeiling(t *testing.T) {
	reference := strict(t, nil)
	w := &world{change: func(o *run.Options) { o.Wire.Ceiling = room(reference.Sessions - 1) }}
	same(t, w.probe(t).report, reference)
}

// TestWaitingForTheCeiling holds that a run which waits gets all its verdicts, and
// that the time for one receiver does not run meanwhile.
func TestWaitingForTheCeiling(t *testing.T) {
	reference := strict(t, nil)
	for _, atOnce := range []int{1, 16} {
		for _, n := range []int{0, 5, 600} {
			t.Run(fmt.Sprintf("%d sessions, %d at once", n, atOnce), func(t *testing.T) {
				w := &world{change: func(o *run.Options) {
					o.Wire.Ceiling, o.Wire.Wait, o.Wire.Sessions, o.Timeout = room(n), true, atOnce, 10*time.Minute
				}}
				out := w.probe(t)
				same(t, out.report, reference)
				if out.report.Status != probe.StatusOK {
					t.Errorf("got %s (%s), want ok", out.report.Status, out.report.Reason)
				}
				if waited := out.took > time.Hour; waited != (n < 600) {
					t.Errorf("got a run of %s", out.took)
				}
			})
		}
	}
}

// TestWaitingForTheRate holds that neither does what it waits for the connections
// of others.
func TestWaitingForTheRate(t *testing.T) {
	w := &world{change: func(o *run.Options) {
		o.Wire.Rate, o.Timeout = rate.NewLimiter(rate.Every(10*time.Minute), 1), 10*time.Minute
	}}
	out := w.probe(t)
	same(t, out.report, strict(t, nil))
	if out.report.Status != probe.StatusOK || out.took < time.Hour {
		t.Errorf("got %s (%s) after %s, want ok after hours", out.report.Status, out.report.Reason, out.took)
	}
}

func TestWaitingForTheCeilingIsStopped(t *testing.T) {
	w := &world{giveUp: time.Minute, change: func(o *run.Options) { o.Wire.Ceiling, o.Wire.Wait = room(0), true }}
	out := w.probe(t)
	sound(t, w, out)
	if out.report.Status != probe.StatusInterrupted || out.took != time.Minute {
		t.Errorf("got %s (%s) after %s, want interrupted after a minute", out.report.Status, out.report.Reason, out.took)
	}
}

// TestCeilingOfRecipients holds that what names a recipient is left unasked where
// enough were accepted, and that the rest is measured.
func TestCeilingOfRecipients(t *testing.T) {
	reference := strict(t, nil)
	for _, left := range []int{0, 1, 3, 6, 50} {
		t.Run(fmt.Sprintf("%d are left", left), func(t *testing.T) {
			w := &world{change: func(o *run.Options) {
				o.Wire.Ceiling = ceiling.New()
				if err := o.Wire.Ceiling.Recipients("192.0.2.1", 50-left); err != nil && left < 50 {
					t.Error(err)
				}
			}}
			out := w.probe(t)
			sound(t, w, out)
			honest(t, out.report, reference, false)
			if out.report.Status != probe.StatusOK {
				t.Errorf("got %s (%s), want ok", out.report.Status, out.report.Reason)
			}
			for _, tap := range out.taps {
				if named := strings.Contains(strings.Join(tap.lines(), " "), "RCPT TO:"); named && left == 0 {
					t.Errorf("session %d names a recipient, want none: %q", tap.nth, tap.lines())
				}
			}
			known := 0
			for _, res := range out.report.Results {
				if res.Verdict.Known() {
					known++
				}
			}
			if left == 50 {
				same(t, out.report, reference)
			} else if known == 0 || known >= len(out.report.Results) {
				t.Errorf("got %d of %d known, want some", known, len(out.report.Results))
			}
			if left == 0 {
				if res := of(t, out.report, "rset-clears"); !strings.Contains(res.Reason, "possible again at") {
					t.Errorf("got the reason %q, want the ceiling", res.Reason)
				}
			}
		})
	}
}

// TestWaitingForRecipients holds that who waits never leaves them unasked.
func TestWaitingForRecipients(t *testing.T) {
	reference := strict(t, nil)
	w := &world{change: func(o *run.Options) {
		o.Wire.Ceiling, o.Wire.Wait = ceiling.New(), true
		if err := o.Wire.Ceiling.Recipients("192.0.2.1", 47); err != nil {
			t.Error(err)
		}
	}}
	out := w.probe(t)
	sound(t, w, out)
	same(t, out.report, reference)
	if out.took < 5*time.Minute || out.took > 8*time.Minute {
		t.Errorf("got a run of %s, want one that waits for five minutes", out.took)
	}
}

// TestCeilingOverRuns holds that repeated runs count together, and that one which
// could not begin takes back nothing.
func TestCeilingOverRuns(t *testing.T) {
	sessions := strict(t, nil).Sessions
	w := &world{again: []time.Duration{time.Minute, 2 * time.Hour}}
	var c *ceiling.Ceiling
	w.change = func(o *run.Options) {
		if c == nil {
			c = room(sessions + sessions/2)
		}
		o.Wire.Ceiling = c
	}
	out := w.probe(t)
	for i, want := range []probe.Status{probe.StatusOK, probe.StatusInterrupted, probe.StatusOK} {
		if got := append([]probe.Report{out.report}, out.later...)[i]; got.Status != want {
			t.Errorf("run %d: got %s (%s), want %s", i+1, got.Status, got.Reason, want)
		}
	}
	var runs probe.Runs
	for _, r := range append([]probe.Report{out.report}, out.later...) {
		runs.Add(r)
	}
	for _, res := range runs.Join().Results {
		if res.Agreement.Kind == probe.Transient || res.Agreement.Kind == probe.Flaky {
			t.Errorf("%s: got %s, want no word on what we did not ask", res.Check.ID, res.Agreement.Kind)
		}
	}
}

// TestErrorsOfOursAreNoBlock holds that 421 behind errors is a limit of the
// receiver's: two of them in a row end no run, whoever made the error.
func TestErrorsOfOursAreNoBlock(t *testing.T) {
	for _, n := range []int{1, 2} {
		w := &world{receiver: lab.Receiver{Lapses: []lab.Lapse{lab.CloseAfterErrors(n, "421 4.7.0 Too many errors")}}}
		out := w.probe(t)
		sound(t, w, out)
		if out.report.Status != probe.StatusOK || out.dials < 10 {
			t.Errorf("at error %d: got %s (%s) after %d connections, want the whole run", n, out.report.Status, out.report.Reason, out.dials)
		}
	}
}

// TestWhatWasNotMeasuredIsMarked holds that who turns a run away half way leaves
// results that say so, and none that says less.
func TestWhatWasNotMeasuredIsMarked(t *testing.T) {
	reference := strict(t, nil)
	for name, away := range map[string]way{
		"421": says("421 4.7.0 Too many connections\r\n", true), "450": says("450 4.7.1 Later\r\n", true), "refused": failing(syscall.ECONNREFUSED),
	} {
		for _, served := range []int{1, 3, 6, 9} {
			t.Run(fmt.Sprintf("%s after %d", name, served), func(t *testing.T) {
				w := &world{way: after(served, away)}
				out := w.probe(t)
				sound(t, w, out)
				honest(t, out.report, reference, false)
				if out.dials != served+2 {
					t.Errorf("got %d connections, want two after the %d that were served", out.dials, served)
				}
				if out.report.Status != probe.StatusBlocked {
					t.Errorf("got %s (%s), want blocked", out.report.Status, out.report.Reason)
				}
				for _, res := range out.report.Results {
					if !res.Verdict.Known() && res.Reason == "" {
						t.Errorf("%s: got no reason", res.Check.ID)
					}
				}
			})
		}
	}
}

// TestPlatformKeepsItsPace holds that the sessions of one platform begin with the
// pause between them, whichever receivers they are with and however many at once.
func TestPlatformKeepsItsPace(t *testing.T) {
	for _, atOnce := range []int{1, 3} {
		c := &crowd{receivers: people("example.com", "example.com", "example.com", "example.org")}
		var mu sync.Mutex
		var begun []time.Time
		c.change = func(o *run.Options) {
			o.Receivers, o.Platform = 8, atOnce
			dial := o.Wire.Dial
			o.Wire.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				if address != "192.0.2.4:25" {
					mu.Lock()
					begun = append(begun, time.Now())
					mu.Unlock()
				}
				return dial(ctx, network, address)
			}
		}
		c.probe(t, 0)
		slices.SortFunc(begun, time.Time.Compare)
		for i := 1; i < len(begun); i++ {
			if gap := begun[i].Sub(begun[i-1]); gap < pace {
				t.Errorf("%d at once: session %d began %s after the one before, want %s", atOnce, i+1, gap, pace)
			}
		}
	}
}

// TestManyThousands holds that the choice of the next receiver costs no more where
// thousands wait, and that the platforms take turns.
func TestManyThousands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all []probe.Receiver
		for i := range 10_000 {
			all = append(all, probe.Receiver{
				Host: fmt.Sprintf("mx%d.example", i), Address: fmt.Sprintf("2001:db8::%x", i+1), Port: 25,
				Platform: fmt.Sprintf("platform-%d.example", min(i/5000, 1+i%100)), Recipient: "postmaster@example.com",
			})
		}
		o := (&world{}).options()
		o.Selected, o.Receivers, o.Platform = o.Selected[:1], 100, 1
		o.Wire.Pace = 0
		o.Wire.Dial = func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: syscall.ENETUNREACH}
		}
		done := 0
		run.Many(t.Context(), all, o, func(probe.Report) { done++ })
		if done != len(all) {
			t.Errorf("got %d reports, want %d", done, len(all))
		}
	})
}
