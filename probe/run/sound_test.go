package run_test

import (
	"strings"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/run"
)

// sound holds what is true of every run, whatever the receiver does.
func sound(t *testing.T, w *world, out outcome) {
	t.Helper()
	o := w.options()
	whole(t, o, out.report)
	if o.Timeout > 0 && out.took > o.Timeout+ending {
		t.Errorf("got a run of %s, want at most %s", out.took, o.Timeout)
	}
	if d := out.took - out.report.Elapsed; d < 0 || d > time.Millisecond {
		t.Errorf("got %s elapsed in the report, want %s", out.report.Elapsed, out.took)
	}
	if out.most > max(1, o.Wire.Sessions) {
		t.Errorf("got %d connections at once, want at most %d", out.most, max(1, o.Wire.Sessions))
	}
	if got, want := out.report.Sessions, len(out.taps); got != want {
		t.Errorf("got %d sessions in the report, want the %d connections that were made", got, want)
	}
	written(t, out)
	bad := 0
	for _, tap := range out.taps {
		bad += strings.Count(strings.Join(tap.lines(), ""), probe.BadRecipient)
	}
	if bad > 4 {
		t.Errorf("got the recipient that cannot exist named %d times, want at most 4", bad)
	}
	if out.ledger.TextOctets != 0 || out.ledger.GoneInText > out.ledger.Data {
		t.Errorf("the receiver read %d octets of message text, want none", out.ledger.TextOctets)
	}
}

// ending is what closing the last connection may take when the time is over.
const ending = time.Second

// whole holds that a report has a status with a reason, and a result of each
// selected check in the order of the catalogue, with a reason where it knows
// nothing.
func whole(t *testing.T, o run.Options, r probe.Report) {
	t.Helper()
	if r.Status == "" {
		t.Error("got no status")
	}
	if ok := r.Status == probe.StatusOK; ok != (r.Reason == "") {
		t.Errorf("got status %s with the reason %q, want a reason exactly where it is not ok", r.Status, r.Reason)
	}
	chosen := map[string]bool{}
	for _, c := range o.Selected {
		chosen[c.ID] = true
	}
	var want []string
	for _, c := range o.Catalogue {
		if chosen[c.ID] {
			want = append(want, c.ID)
		}
	}
	var got []string
	for _, res := range r.Results {
		got = append(got, res.Check.ID)
		if !res.Verdict.Known() && res.Reason == "" {
			t.Errorf("%s: got %s without a reason", res.Check.ID, res.Verdict)
		}
		if strings.TrimSpace(res.Reason) != res.Reason {
			t.Errorf("%s: got the reason %q, want it whole", res.Check.ID, res.Reason)
		}
		if res.Verdict.Known() && len(res.Transcript) == 0 {
			t.Errorf("%s: got %s without a transcript", res.Check.ID, res.Verdict)
		}
	}
	if g, w := strings.Join(got, " "), strings.Join(want, " "); g != w {
		t.Errorf("got results of\n%s\nwant\n%s", g, w)
	}
}

// written holds that the report counts the commands that were written, where
// they can be seen.
func written(t *testing.T, out outcome) {
	t.Helper()
	lines := 0
	for _, tap := range out.taps {
		if strings.Contains(strings.Join(tap.written, ""), "\x16\x03") {
			return
		}
		lines += len(tap.lines())
	}
	if got := out.report.Commands; got != lines {
		t.Errorf("got %d commands in the report, want the %d that were written", got, lines)
	}
}

// counted holds that the report counts what the receiver counted. A receiver
// that closes does not read what was written behind it in the same segment.
func counted(t *testing.T, out outcome) {
	t.Helper()
	if got, want := out.report.Sessions, out.ledger.Connections; got != want {
		t.Errorf("got %d sessions in the report, want the receiver's %d", got, want)
	}
	unread := 1 // EHLO before the greeting
	for _, tap := range out.taps {
		for _, w := range tap.written {
			if n := strings.Count(w, "\r\n"); n > 1 && !strings.HasPrefix(w, "\x16\x03") {
				unread += n
			}
		}
	}
	if out.report.Inside {
		unread += 20 // groups cannot be seen in TLS
	}
	if got, read := out.report.Commands, out.ledger.Commands; got < read || got > read+unread {
		t.Errorf("got %d commands in the report, want the receiver's %d, and at most %d that it did not read", got, read, unread)
	}
}

// honest holds that every verdict is the one that the reference has, or that
// the run says it does not know, or that the connection was dropped if that is
// what the receiver does.
func honest(t *testing.T, got, reference probe.Report, dropped bool) {
	t.Helper()
	want := verdicts(reference)
	for _, res := range got.Results {
		switch {
		case res.Verdict == want[res.Check.ID]:
		case !res.Verdict.Known():
		case res.Verdict == probe.Dropped && dropped:
		default:
			t.Errorf("%s: got %s (%s), want %s or inconclusive", res.Check.ID, res.Verdict, res.Reason, want[res.Check.ID])
			show(t, res.Transcript)
		}
	}
}

// same holds that every verdict is the one that the reference has.
func same(t *testing.T, got, reference probe.Report) {
	t.Helper()
	want := verdicts(reference)
	for _, res := range got.Results {
		if res.Verdict != want[res.Check.ID] {
			t.Errorf("%s: got %s (%s), want %s", res.Check.ID, res.Verdict, res.Reason, want[res.Check.ID])
			show(t, res.Transcript)
		}
	}
}

// strict is the report about the strict receiver of the lab.
func strict(t *testing.T, change func(*run.Options)) probe.Report {
	t.Helper()
	out := (&world{change: change}).probe(t)
	if out.report.Status != probe.StatusOK {
		t.Fatalf("the strict receiver: got %s (%s), want ok", out.report.Status, out.report.Reason)
	}
	return out.report
}
