package run_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/run"
)

// bases are receivers that a lapse is put on.
func bases() map[string]lab.Receiver {
	return map[string]lab.Receiver{
		"":                    {},
		"without PIPELINING ": {Extensions: slices.DeleteFunc(lab.DefaultExtensions(), func(k string) bool { return k == "PIPELINING" })},
	}
}

// apart gives every check a session of its own.
func apart(o *run.Options) {
	o.Catalogue = slices.Clone(o.Catalogue)
	for i := range o.Catalogue {
		o.Catalogue[i].Own = true
	}
	o.Selected = o.Catalogue
}

// differences compares two results of the same check on the same receiver: they
// are the same, unless it was asked as often as it may be before the turn of one
// of them came.
func differences(t *testing.T, one, two probe.Report, first, second string) {
	t.Helper()
	if one.Status != two.Status {
		t.Errorf("got status %s (%s) %s, and %s (%s) %s", one.Status, one.Reason, first, two.Status, two.Reason, second)
	}
	for i, a := range one.Results {
		b := two.Results[i]
		switch {
		case a.Verdict == b.Verdict:
		case strings.Contains(a.Reason+b.Reason, probe.QuotaSpent):
			t.Logf("%s: %s (%s) %s, %s (%s) %s", a.Check.ID, a.Verdict, a.Reason, first, b.Verdict, b.Reason, second)
		default:
			t.Errorf("%s: got %s (%s) %s, and %s (%s) %s", a.Check.ID, a.Verdict, a.Reason, first, b.Verdict, b.Reason, second)
			show(t, a.Transcript)
			show(t, b.Transcript)
		}
	}
}

// TestSharedSessionsTellNothingElse holds that a check which shares a session
// with others gets the verdict that it gets alone.
func TestSharedSessionsTellNothingElse(t *testing.T) {
	for base, receiver := range bases() {
		for i, lapse := range lab.Lapses() {
			all := func(*run.Options) {}
			if i%nth == 0 { // the whole catalogue on one in so many of every kind: it takes long
				all = everything
			}
			t.Run(base+lapse.Name, func(t *testing.T) {
				rcv := receiver
				rcv.Lapses = []lab.Lapse{lapse}
				shared := &world{receiver: rcv, change: all}
				out := shared.probe(t)
				sound(t, shared, out)
				own := &world{receiver: rcv, change: func(o *run.Options) { all(o); apart(o) }}
				single := own.probe(t)
				sound(t, own, single)
				differences(t, out.report, single.report, "in shared sessions", "in one of its own")
			})
		}
	}
}

// TestSelectionTellsNothingElse selects the checks one by one: the baselines are
// then those that this check needs, and the checks that it needs are run as
// controls.
func TestSelectionTellsNothingElse(t *testing.T) {
	all := few()
	for i, lapse := range lab.Lapses() {
		if i%3 != 0 {
			continue // each is a run a check: a third of them, of every kind
		}
		t.Run(lapse.Name, func(t *testing.T) {
			rcv := lab.Receiver{Lapses: []lab.Lapse{lapse}}
			together := (&world{receiver: rcv}).probe(t).report
			var single probe.Report
			for i := range all {
				w := &world{receiver: rcv, change: func(o *run.Options) { o.Selected = all[i : i+1] }}
				out := w.probe(t)
				sound(t, w, out)
				single.Status, single.Reason = out.report.Status, out.report.Reason
				single.Results = append(single.Results, out.report.Results...)
				controls(t, w, out.report)
				if out.report.Status != together.Status {
					t.Errorf("%s alone: got status %s (%s), want %s", all[i].ID, out.report.Status, out.report.Reason, together.Status)
				}
			}
			if t.Failed() {
				return
			}
			single.Status = together.Status
			differences(t, together, single, "with all others", "alone")
		})
	}
}

// controls holds that what was run as a control is not reported as a result and
// that its transcript is there.
func controls(t *testing.T, w *world, r probe.Report) {
	t.Helper()
	o := w.options()
	var ids []string
	for _, c := range r.Controls {
		if len(c.Transcript) == 0 {
			t.Errorf("control %s: got no transcript", c.ID)
		}
		if slices.Contains(ids, c.ID) {
			t.Errorf("control %s: got it twice", c.ID)
		}
		ids = append(ids, c.ID)
	}
	wanted := o.Wanted()
	for _, id := range ids {
		if strings.HasPrefix(id, "B") {
			continue
		}
		if !slices.ContainsFunc(wanted, func(c *probe.Check) bool { return c.ID == id }) ||
			slices.ContainsFunc(o.Selected, func(c probe.Check) bool { return c.ID == id }) {
			t.Errorf("control %s: got it, want only checks that a selected one needs", id)
		}
	}
}

// drawn is a receiver with up to two lapses, offering PIPELINING or not.
func drawn(r *rapid.T) (lab.Receiver, string) {
	var rcv lab.Receiver
	var names []string
	for i := range rapid.IntRange(0, 2).Draw(r, "lapses") {
		l := rapid.SampledFrom(lab.Lapses()).Draw(r, fmt.Sprintf("lapse %d", i))
		rcv.Lapses, names = append(rcv.Lapses, l), append(names, l.Name)
	}
	if rapid.Bool().Draw(r, "no pipelining") {
		rcv.Extensions, names = bases()["without PIPELINING "].Extensions, append(names, "no PIPELINING")
	}
	return rcv, strings.Join(names, " and ")
}

// TestSessionsAtOnceTellNothingElse holds that verdicts do not depend on how many
// sessions there are at once.
func TestSessionsAtOnceTellNothingElse(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		rcv, name := drawn(r)
		at := rapid.SampledFrom([]int{2, 4, 8}).Draw(r, "sessions")
		one := &world{receiver: rcv}
		many := &world{receiver: rcv, change: func(o *run.Options) { o.Wire.Sessions = at }}
		first, second := one.probe(t), many.probe(t)
		sound(t, one, first)
		sound(t, many, second)
		if first.report.Status != second.report.Status {
			r.Errorf("%s: got status %s one by one, and %s (%s) with %d at once", name, first.report.Status, second.report.Status, second.report.Reason, at)
		}
		for i, a := range first.report.Results {
			if b := second.report.Results[i]; a.Verdict != b.Verdict {
				r.Errorf("%s: %s: got %s (%s) one by one, and %s (%s) with %d at once", name, a.Check.ID, a.Verdict, a.Reason, b.Verdict, b.Reason, at)
			}
		}
	})
}

// TestSharedSessionsOfDrawnReceivers compares shared sessions and sessions of
// their own on receivers with two lapses.
func TestSharedSessionsOfDrawnReceivers(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		rcv, name := drawn(r)
		shared := (&world{receiver: rcv}).probe(t).report
		alone := (&world{receiver: rcv, change: apart}).probe(t).report
		for i, a := range shared.Results {
			if b := alone.Results[i]; a.Verdict != b.Verdict && a.Verdict.Known() && b.Verdict.Known() {
				r.Errorf("%s: %s: got %s (%s) in shared sessions, and %s (%s) in one of its own", name, a.Check.ID, a.Verdict, a.Reason, b.Verdict, b.Reason)
			}
		}
	})
}

// TestSessionsAtOnceOfEveryLapse does the same for each lapse with four.
func TestSessionsAtOnceOfEveryLapse(t *testing.T) {
	for _, lapse := range lab.Lapses() {
		t.Run(lapse.Name, func(t *testing.T) {
			rcv := lab.Receiver{Lapses: []lab.Lapse{lapse}}
			one := (&world{receiver: rcv}).probe(t)
			w := &world{receiver: rcv, change: func(o *run.Options) { o.Wire.Sessions, o.Wire.Pace = 4, 0 }}
			out := w.probe(t)
			sound(t, w, out)
			if one.report.Status != out.report.Status {
				t.Errorf("got status %s one by one and %s (%s) with four at once", one.report.Status, out.report.Status, out.report.Reason)
			}
			same(t, out.report, one.report)
		})
	}
}
