package run_test

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/run"
)

// turn is a way in which a receiver changes its mind about a session.
type turn struct {
	way   way
	more  int  // connections that are made at most once it has, but for early talk; sessions without EHLO may lie between, and those with HELO are served
	mute  bool // it never says 220
	drops bool // it does so by what a check may be about: the end of a connection, or silence
}

func turns() map[string]turn {
	return map[string]turn{
		"greets 421":                  {way: says("421 4.7.0 Too many connections\r\n", true), more: 2, mute: true},
		"greets 421 and stays":        {way: says("421 4.7.0 Too many connections\r\n", false), more: 2, mute: true},
		"greets 450":                  {way: says("450 4.7.1 Later\r\n", false), more: 2, mute: true},
		"greets 554":                  {way: says("554 5.7.1 You are blocked\r\n", false), more: 3, mute: true},
		"greets 554 and closes":       {way: says("554 5.7.1 You are blocked\r\n", true), more: 3, mute: true},
		"refuses":                     {way: failing(syscall.ECONNREFUSED), more: 2},
		"takes no connection":         {way: unanswered, more: 2},
		"has no route to it":          {way: failing(syscall.ENETUNREACH), more: 2},
		"resets":                      {way: resets(0, -1), more: 3, mute: true},
		"closes":                      {way: says("", true), more: 3, mute: true},
		"does not answer":             {way: blackHole, more: 3, mute: true},
		"drips":                       {way: dripping("220 ", 10*time.Second), more: 3, mute: true},
		"speaks another protocol":     {way: says("SSH-2.0-receiver\r\n", false), more: 3, mute: true},
		"closes at EHLO":              {way: says("220 receiver.example ESMTP\r\n", true), more: 4, drops: true},
		"never answers after 220":     {way: says("220 receiver.example ESMTP\r\n", false), more: 5, drops: true},
		"resets in the middle of 250": {way: resets(60, -1), more: 11, drops: true},
	}
}

// matched reports whether the session of a result served the same command, or
// another legal one, besides the tested one.
func matched(res probe.Result) bool {
	return probe.Replay(res.Check.Script, res.Transcript).Find(probe.Control).Accepted()
}

// served reports whether the first baseline at the end of the run came to its
// end.
func served(r probe.Report) bool {
	i := slices.IndexFunc(r.Controls, func(c probe.ControlRun) bool { return c.ID == string(probe.B0Again) })
	if i < 0 {
		return false
	}
	channel := probe.Clear
	if r.Inside {
		channel = probe.Upgraded
	}
	return !probe.ReplayAll(probe.B0Again.Script(channel), r.Controls[i].Transcript).Ends()
}

// TestReceiverChangesItsMind lets a receiver serve a number of sessions and then
// turn away. What it does then is about the prober, not about the order of
// commands: no verdict may come of it, and what has no control in its own
// session is not known, since the receiver did not serve B0 at the end.
func TestReceiverChangesItsMind(t *testing.T) {
	reference := strict(t, nil)
	for name, turn := range turns() {
		t.Run(name, func(t *testing.T) {
			for n := 1; n < reference.Sessions+2; n++ {
				t.Run(fmt.Sprintf("after %d sessions", n), func(t *testing.T) {
					talks := 0 // sessions of early talk behind the nth, which may come to nothing by their own doing
					w := &world{way: after(n, turn.way), change: func(o *run.Options) {
						o.Progress = func(p run.Progress) {
							if p.Doing == "early-talk" && p.Sessions >= n {
								talks++
							}
						}
					}}
					out := w.probe(t)
					sound(t, w, out)
					if n >= reference.Sessions {
						same(t, out.report, reference)
						return
					}
					honest(t, out.report, reference, false)
					if got := out.dials - n - talks; got > turn.more {
						t.Errorf("got %d connections, want at most %d after the %d that were served", got, turn.more, n)
					}
					if out.report.Status == probe.StatusOK {
						t.Errorf("got status ok, want one that says that the receiver turned away")
					}
					ends(t, out.report)
				})
			}
		})
	}
}

// ends holds that results without a control of their own are not known where
// the receiver did not serve B0 at the end.
func ends(t *testing.T, r probe.Report) {
	t.Helper()
	if served(r) {
		return
	}
	for _, res := range r.Results {
		if res.Verdict.Known() && !matched(res) {
			t.Errorf("%s: got %s with status %s (%s), want inconclusive: B0 at the end was not served, and its session has no control",
				res.Check.ID, res.Verdict, r.Status, r.Reason)
		}
	}
}

// TestFaultsOfOneSession lets one session go wrong. All others are served, so
// every verdict can be had, B0 at the end included.
func TestFaultsOfOneSession(t *testing.T) {
	reference := strict(t, nil)
	for name, turn := range turns() {
		t.Run(name, func(t *testing.T) {
			step := 3
			if turn.drops || name == "refuses" || name == "does not answer" {
				step = 1
			}
			for n := 1; n <= reference.Sessions; n += step {
				if name == "has no route to it" && n == 1 {
					continue // that alone ends a run
				}
				t.Run(fmt.Sprintf("session %d", n), func(t *testing.T) {
					w := &world{way: once(n, turn.way)}
					out := w.probe(t)
					sound(t, w, out)
					recovers(t, out.report, reference, turn)
				})
			}
		})
	}
}

// recovers holds that all verdicts were had in spite of some faults. Where a
// fault hit the tested command itself, tries that disagree are no verdict.
func recovers(t *testing.T, r, reference probe.Report, turn turn) {
	t.Helper()
	if r.Status != probe.StatusOK {
		t.Errorf("got status %s (%s), want ok", r.Status, r.Reason)
	}
	want := verdicts(reference)
	for _, res := range r.Results {
		at := res.Check.Start
		hit := turn.mute && at == probe.Connected || turn.drops && (at == probe.Connected || at == probe.Greeted || at == probe.Helo)
		if hit && (strings.HasPrefix(res.Reason, "two tries disagree") || res.Check.Start == probe.Connected) {
			continue
		}
		if res.Verdict != want[res.Check.ID] {
			t.Errorf("%s: got %s (%s), want %s", res.Check.ID, res.Verdict, res.Reason, want[res.Check.ID])
			show(t, res.Transcript)
		}
	}
}

// TestFaultsOfEveryFewSessions lets every third, fourth and fifth session go
// wrong: what was lost is asked again and gets its verdict.
func TestFaultsOfEveryFewSessions(t *testing.T) {
	reference := strict(t, nil)
	for name, turn := range turns() {
		if turn.drops {
			continue // two such faults of one check are what it is about
		}
		for _, n := range []int{3, 4, 5, 7} {
			t.Run(fmt.Sprintf("%s, one in %d", name, n), func(t *testing.T) {
				w := &world{way: every(n, turn.way)}
				out := w.probe(t)
				sound(t, w, out)
				recovers(t, out.report, reference, turn)
			})
		}
	}
}
