//go:build thorough

package report_test

import (
	"testing"

	catalogue "github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe/lab"
)

// TestEveryLapseIsReadBack writes, reads and judges again the run of every lapse
// of the lab.
func TestEveryLapseIsReadBack(t *testing.T) {
	for _, l := range lab.Lapses() {
		t.Run(l.Name, func(t *testing.T) {
			fresh := labRun(t, lab.Receiver{Lapses: []lab.Lapse{l}}, nil)
			for _, transcripts := range []bool{true, false} {
				readsBack(t, fresh, catalogue.All(), transcripts)
			}
			judgesAlike(t, fresh)
		})
	}
}
