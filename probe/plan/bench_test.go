package plan_test

import (
	"testing"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/plan"
)

func BenchmarkSessions(b *testing.B) {
	w := plan.Work{
		Checks: pointers(checks.All()), Controls: []probe.Baseline{probe.B1, probe.B2, probe.B3}, Budget: plan.Polite(),
	}
	b.ReportAllocs()
	for b.Loop() {
		w.Sessions()
	}
}
