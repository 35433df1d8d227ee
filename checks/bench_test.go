package checks_test

import (
	"testing"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
)

// BenchmarkJudge judges all checks of a run with a real receiver.
func BenchmarkJudge(b *testing.B) {
	all := checks.All()
	f := readFixture(b, "testdata/receivers/postfix.txt")
	b.ReportAllocs()
	for b.Loop() {
		bench := probe.NewBench(all, f.record)
		for i := range all {
			if r := bench.Decide(&all[i]); r.Check == nil {
				b.Fatalf("%s: a result of no check", all[i].ID)
			}
		}
	}
}
