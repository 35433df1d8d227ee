//go:build mta && fixtures

package mta_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
)

// TestFixtures writes what a run heard of each receiver, for go test ./checks to judge again.
// What is expected of it is not what the run said but what the matrix says.
func TestFixtures(t *testing.T) {
	b := bench{matrix: readMatrix(t)}
	for _, r := range receivers {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			greets(t, r.name, r.address)
			catalogue := checks.All()
			report := inProcess(t, r.name, r.address, catalogue, catalogue)
			for _, res := range report.Results {
				id := res.Check.ID
				for try := 0; try < 10 && slices.Contains(races, id) && res.Verdict.String() != b.matrix[r.name][id].verdict; try++ {
					again := inProcess(t, r.name, r.address, catalogue, []probe.Check{*res.Check})
					res, report.Record.Tries[id] = again.Results[0], again.Record.Tries[id]
				}
				b.same(t, r.name, res)
			}
			path := filepath.Join("../../../checks/testdata/receivers", r.name+".txt")
			if err := os.WriteFile(path, []byte(b.fixture(r.name, report)), 0o600); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// fixture is a record as text: what it is about, what is expected of each check, and then a
// section for each transcript.
func (b bench) fixture(name string, report probe.Report) string {
	var text strings.Builder
	fmt.Fprintf(&text, "receiver: %s\nbanner: %s\nport: %d\n", name, report.Banner, report.Port)
	for _, c := range checks.All() {
		want := b.matrix[name][c.ID]
		fmt.Fprintf(&text, "expect: %s\n", strings.TrimSpace(c.ID+" "+want.verdict+" "+want.conformance))
	}
	section := func(title string, t probe.Transcript) {
		fmt.Fprintf(&text, "\n%s\n", title)
		for _, e := range t {
			fmt.Fprintf(&text, "%.3f %s %s\n", float64(e.At)/1e6, e.From, e)
		}
	}
	for _, baseline := range slices.Sorted(maps.Keys(report.Record.Baselines)) {
		section("control "+string(baseline), report.Record.Baselines[baseline])
	}
	for _, id := range slices.Sorted(maps.Keys(report.Record.Tries)) {
		for _, try := range report.Record.Tries[id] {
			section("try "+id, try)
		}
	}
	return text.String()
}
