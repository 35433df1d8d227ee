package report_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/olekukonko/tablewriter/pkg/twwidth"
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/report"
	"pgregory.net/rapid"
)

// repeated joins runs of a receiver: its results in each of them. The machine
// that answers is another one in every second run.
func repeated(r probe.Report, runs ...[]finding) probe.Report {
	var all probe.Runs
	for i, found := range runs {
		r.Results = results(found)
		if i%2 == 1 {
			for j := range r.Results {
				if len(r.Results[j].Transcript) > 0 {
					r.Results[j].Transcript = talk("*: connected", "S: 220 other.example.net ESMTP")
				}
			}
		}
		all.Add(r)
	}
	return all.Join()
}

func repeatedRun(run report.Run) report.Run {
	run.Repeat, run.Interval = 3, time.Minute
	return run
}

// unsteady is a receiver that is not the same in its second run, and of which
// some checks got no answer in the third.
func unsteady() [][]finding {
	second, third := strict(), strict()
	second[1] = finding{probe.Lenient, "250 2.1.5 Ok", ""}
	second[2] = finding{probe.Strict, "502 5.5.1 no", ""}
	for i := 5; i < 8; i++ {
		third[i] = finding{probe.Inconclusive, "", "transient: 451 4.3.2 try again later"}
	}
	third[3] = finding{probe.Inconclusive, "", "two tries disagree: strict (503 no), then lenient (250 yes)"}
	return [][]finding{strict(), second, third}
}

// steady is one receiver that is always the same.
func steady() report.Run {
	run := repeatedRun(oneReceiver())
	run.Receivers[0] = repeated(run.Receivers[0], strict(), strict(), strict())
	return run
}

// wavering is a domain with an exchanger that has two addresses, of which one
// wavers, and another exchanger that is asked in vain.
func wavering() report.Run {
	first := reportOf("mx1.example.com", "192.0.2.1", "example.com")
	second := reportOf("mx1.example.com", "192.0.2.2", "example.com")
	gone := reportOf("mx2.example.com", "192.0.2.3", "example.com")
	gone.Status, gone.Reason, gone.Banner, gone.Software, gone.TLS, gone.Sessions = probe.StatusRefused, "connect: connection refused", "", "", "", 0
	none := odd()
	none[0] = none[1]
	var lame probe.Runs
	for i := range 2 {
		r := reportOf("mx3.example.com", "192.0.2.4", "example.com")
		r.Results = results(strict()[:2])
		if i == 1 {
			r.Status, r.Reason, r.Results = probe.StatusUnreachable, "connect: timed out after 15s", results(none[:2])
		}
		lame.Add(r)
	}
	return repeatedRun(runOf(
		[]report.Domain{domainOf("example.com", "mx1.example.com", "mx2.example.com")},
		repeated(first, unsteady()...), repeated(second, lenient(), lenient(), lenient()), repeated(gone, none), lame.Join(),
	))
}

// manyRepeated are several domains, one of which wavers.
func manyRepeated() report.Run {
	run := repeatedRun(severalDomains())
	tempers := []func() []finding{lenient, odd, strict, strict}
	for i, temper := range tempers {
		run.Receivers[i] = repeated(run.Receivers[i], temper(), temper(), temper())
	}
	run.Receivers[2] = repeated(run.Receivers[2], unsteady()...)
	return run
}

// TestWhatWasNotAskedIsSaid: a run that could not ask is told from one that got
// no answer.
func TestWhatWasNotAskedIsSaid(t *testing.T) {
	run := steady()
	spent := run.Receivers[0].Results[0]
	spent.Agreement = probe.Agreement{
		Same: 1, Of: 1, Runs: 3, Run: 1, Answers: []probe.Answer{
			{Verdict: probe.Lenient, Code: 250, Runs: []int{1}},
			{Runs: []int{2, 3}, Unasked: true, Reason: "asked often enough"},
		},
	}
	run.Receivers[0].Results[0] = spent
	var out bytes.Buffer
	if err := report.JSON(&out, run, false); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(out.String(), `"asked"`); got != 1 || !strings.Contains(out.String(), `"asked": false`) {
		t.Errorf("got %d answers that say whether they were asked for, want one that was not", got)
	}
	const want = "  mail-before-ehlo: agree: 1/1, once alone: not asked in runs 2, 3 (asked often\n  enough)."
	if text := draw(t, run, report.Style{}); !strings.Contains(text, want) {
		t.Errorf("got\n%s\nwant %q in it", text, want)
	}
}

// TestRepeatedRunsFitTheScreen draws runs that were repeated with anything in
// them.
func TestRepeatedRunsFitTheScreen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		run := repeatedRun(anyRun.Draw(t, "run"))
		for i, r := range run.Receivers {
			var all probe.Runs
			for range rapid.IntRange(1, 4).Draw(t, "runs") {
				next := anyReport.Draw(t, "report")
				next.Receiver = r.Receiver
				next.Results = results(rapid.SliceOfN(anyFinding, len(checks()), len(checks())).Draw(t, "results"))
				all.Add(next)
			}
			run.Receivers[i] = all.Join()
		}
		style := report.Style{Width: rapid.IntRange(60, 180).Draw(t, "width"), ASCII: true, Transcript: rapid.Bool().Draw(t, "transcript")}
		for line := range strings.Lines(draw(t, run, style)) {
			line = strings.TrimSuffix(line, "\n")
			if got := twwidth.WidthWithOptions(line, twwidth.Options{}); got > style.Width {
				t.Fatalf("got %d columns in %q, want at most %d", got, line, style.Width)
			}
			if foreign(line, true) != "" {
				t.Fatalf("got %q, want ASCII", line)
			}
		}
	})
}
