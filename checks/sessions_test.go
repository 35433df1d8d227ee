package checks_test

import (
	"testing"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/run"
)

// TestSessionsOfAStrictReceiver holds what a profile costs a receiver that does
// what the RFCs say, controls included.
func TestSessionsOfAStrictReceiver(t *testing.T) {
	for name, tt := range map[string]struct {
		profile    probe.Profile
		extensions []string
		most       int
	}{
		"quick":                      {probe.Quick, nil, 18},
		"standard":                   {probe.Standard, nil, 50},
		"standard, without CHUNKING": {probe.Standard, without("CHUNKING", "BINARYMIME"), 42},
	} {
		t.Run(name, func(t *testing.T) {
			report, ledger := ask(t, lab.Receiver{Extensions: tt.extensions}, func(o *run.Options) {
				o.Selected = nil
				for _, c := range checks.All() {
					if c.Profile <= tt.profile {
						o.Selected = append(o.Selected, c)
					}
				}
			})
			if report.Sessions > tt.most {
				t.Errorf("got %d sessions, want at most %d", report.Sessions, tt.most)
			}
			for i, s := range ledger.Sessions {
				if s.Errors > 2 {
					t.Errorf("session %d: got %d error replies, want at most 2", i+1, s.Errors)
				}
			}
		})
	}
}
