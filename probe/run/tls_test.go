package run_test

import (
	"strings"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/run"
)

// TestTLSIsDemanded holds that where MAIL demands TLS all checks run inside TLS,
// and that the report and each result say so, as where the user demands it.
func TestTLSIsDemanded(t *testing.T) {
	inside := func(o *run.Options) { o.TLS = run.StartTLS }
	reference := strict(t, inside)
	tests := map[string]*world{
		"by the receiver":                  {receiver: lab.Receiver{Lapses: []lab.Lapse{lab.DemandTLS()}}},
		"by the user":                      {change: inside},
		"by both":                          {receiver: lab.Receiver{Lapses: []lab.Lapse{lab.DemandTLS()}}, change: inside},
		"by the receiver, after one fault": {receiver: lab.Receiver{Lapses: []lab.Lapse{lab.DemandTLS()}}, way: once(1, says("", true))},
		"by the receiver, after a refusal": {receiver: lab.Receiver{Lapses: []lab.Lapse{lab.DemandTLS()}}, way: once(2, says("421 4.7.0 no\r\n", true))},
	}
	for name, w := range tests {
		t.Run(name, func(t *testing.T) {
			out := w.probe(t)
			sound(t, w, out)
			r := out.report
			if r.Status != probe.StatusOK || !r.Inside || r.TLS == "" {
				t.Errorf("got status %s (%s), inside TLS: %v, %q, want ok, inside, with its version", r.Status, r.Reason, r.Inside, r.TLS)
			}
			for i, res := range r.Results { // it has no transaction in clear to be about
				if res.Check.ID == "starttls-mid-transaction" && res.Verdict == probe.NotApplicable {
					r.Results[i].Verdict = verdicts(reference)[res.Check.ID]
				}
			}
			same(t, r, reference)
			for _, res := range r.Results {
				if before := res.Check.Start == probe.Connected; res.Verdict.Known() && !res.Check.InClear() && !before && !res.TLS {
					t.Errorf("%s: got a result in clear, want it inside TLS", res.Check.ID)
					show(t, res.Transcript)
				}
			}
			for _, tap := range out.taps {
				for _, line := range tap.lines() {
					switch verb, _, _ := strings.Cut(line, " "); verb {
					case "MAIL", "RCPT", "DATA":
						if tap.nth > 2 && !upgraded(r) {
							t.Errorf("session %d: got %q in clear", tap.nth, line)
						}
					}
				}
			}
		})
	}
}

// upgraded reports whether a check about the way into TLS was played, which says
// MAIL in clear.
func upgraded(r probe.Report) bool {
	for _, res := range r.Results {
		if res.Check.InClear() && len(res.Transcript) > 0 {
			return true
		}
	}
	return false
}

// TestTLSFailsLater lets TLS be had at first and then no more: that is nobody's
// verdict, and what needs no TLS is measured all the same.
func TestTLSFailsLater(t *testing.T) {
	reference := strict(t, nil)
	for name, lapse := range map[string]lab.Lapse{
		"STARTTLS gets 454": lab.ReplyAt(lab.Place{Verb: "STARTTLS"}, "454 4.7.0 TLS not available"),
		"handshakes fail":   lab.FailHandshakes(),
		"STARTTLS hangs up": lab.HangUp(lab.Place{Verb: "STARTTLS"}, ""),
	} {
		t.Run(name, func(t *testing.T) {
			change := func(n int) bool { return n > 4 }
			w := &world{others: []lab.Receiver{{Lapses: []lab.Lapse{lapse}}}, way: divided(change)}
			out := w.probe(t)
			sound(t, w, out)
			if out.report.Status != probe.StatusOK {
				t.Errorf("got status %s (%s), want ok: all but TLS was served", out.report.Status, out.report.Reason)
			}
			for _, res := range out.report.Results {
				want := verdicts(reference)[res.Check.ID]
				if about := res.Check.Group == probe.GroupStartTLS; res.Verdict != want && !about {
					t.Errorf("%s: got %s (%s), want %s", res.Check.ID, res.Verdict, res.Reason, want)
				}
			}
		})
	}
}
