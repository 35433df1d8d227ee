package probe_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe"
)

func TestJoinedReportIsOfAllRuns(t *testing.T) {
	c := rcptBeforeMail()
	t.Run("sums", func(t *testing.T) {
		r := joined(&c, strict503, strict503, blocked)
		if r.Sessions != 12 || r.Commands != 60 || r.Elapsed.Seconds() != 3 {
			t.Errorf("got %d sessions, %d commands, %s, want 12, 60 and 3s", r.Sessions, r.Commands, r.Elapsed)
		}
		if len(r.Rounds) != 3 || r.Rounds[2].Run != 3 || r.Rounds[2].Status != probe.StatusBlocked || r.Rounds[2].Reason != "as it is" {
			t.Errorf("got rounds %v, want three, the last one blocked", r.Rounds)
		}
		if got := r.Rounds[0].Backends; len(got) != 1 || got[0] != "a.example" {
			t.Errorf("got backends %q, want a.example", got)
		}
	})
	for _, tt := range []struct {
		name   string
		runs   []once
		rounds int
		status probe.Status
		reason string
	}{
		{"blocked later", []once{strict503, blocked}, 2, probe.StatusOK, ""},
		{"blocked first", []once{blocked, strict503}, 2, probe.StatusOK, ""},
		{"never served", []once{blocked, skipped}, 2, probe.StatusBlocked, "as it is"},
		{"interrupted", []once{strict503, cut}, 2, probe.StatusInterrupted, "in run 2: as it is"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := joined(&c, tt.runs...)
			if len(r.Rounds) != tt.rounds || r.Status != tt.status || r.Reason != tt.reason {
				t.Errorf("got %d rounds, %s (%s), want %d, %s (%s)", len(r.Rounds), r.Status, r.Reason, tt.rounds, tt.status, tt.reason)
			}
		})
	}
	t.Run("interrupted before the receiver's turn", func(t *testing.T) {
		var runs probe.Runs
		runs.Add(strict503.report(&c))
		never := cut.report(&c)
		never.Sessions = 0
		runs.Add(never)
		if r := runs.Join(); len(r.Rounds) != 1 || r.Status != probe.StatusOK || r.Results[0].Agreement.Runs != 1 {
			t.Errorf("got %d rounds, %s, want one that is ok", len(r.Rounds), r.Status)
		}
		runs = probe.Runs{}
		runs.Add(never)
		if r := runs.Join(); r.Status != probe.StatusInterrupted || len(r.Results) != 1 {
			t.Errorf("got %s and %d results, want the interrupt of the first run and its result", r.Status, len(r.Results))
		}
	})
	t.Run("measured though no run agrees with another", func(t *testing.T) {
		if !joined(&c, strict503, lenient25).Measured() {
			t.Error("got nothing measured, want something")
		}
		if joined(&c, greylist, banned).Measured() {
			t.Error("got something measured, want nothing")
		}
	})
}

// TestControlsAreThoseOfTheRunsShown: what is shown can be judged again, and
// what is not shown is not kept.
func TestControlsAreThoseOfTheRunsShown(t *testing.T) {
	c, d := rcptBeforeMail(), rcptBeforeMail()
	d.ID = "other"
	both := func(a, b once) probe.Report {
		r := a.report(&c)
		r.Results = append(r.Results, b.report(&d).Results...)
		return r
	}
	var runs probe.Runs
	for _, r := range []probe.Report{both(strict503, strict503), both(lenient25, strict503), both(strict503, strict503)} {
		runs.Add(r)
	}
	var got []string
	for _, control := range runs.Join().Controls {
		got = append(got, fmt.Sprint(control.ID, " ", control.Run))
	}
	if fmt.Sprint(got) != "[B0 2 B0 3]" {
		t.Errorf("got controls %q, want those of run 2, where the first check deviates, and of run 3", got)
	}
	if got := joined(&c, strict503, lenient25).Controls; len(got) != 1 || got[0].Run != 2 {
		t.Errorf("got controls %v, want those of run 2 alone, which is shown", got)
	}
}

// TestHundredRunsNeedTheMemoryOfFew: transcripts and controls of runs that said
// what a later one says are not kept.
func TestHundredRunsNeedTheMemoryOfFew(t *testing.T) {
	const octets = 200_000
	c := rcptBeforeMail()
	inUse := func() int64 {
		var now runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&now)
		return int64(now.HeapAlloc)
	}
	var runs probe.Runs
	before := inUse()
	for range 100 {
		r := strict503.report(&c)
		long := probe.Event{From: probe.FromServer, Text: strings.Repeat("x", octets)}
		r.Results[0].Transcript = append(r.Results[0].Transcript, long)
		long.Text = strings.Repeat("y", octets)
		r.Controls[0].Transcript = append(r.Controls[0].Transcript, long)
		runs.Add(r)
	}
	if used := inUse() - before; used > 10*octets {
		t.Errorf("got %d octets in use for a hundred runs, want about those of one, %d", used, 2*octets)
	}
	runtime.KeepAlive(&runs)
}

func TestAddressesDiffer(t *testing.T) {
	c := rcptBeforeMail()
	at := func(host, address string, runs ...once) probe.Report {
		r := joined(&c, runs...)
		r.Host, r.Address, r.Port = host, address, 25
		return r
	}
	otherPort := at("mx", "192.0.2.7", dropped42)
	otherPort.Port = 465
	for _, tt := range []struct {
		name    string
		reports []probe.Report
		want    string
	}{
		{"two of one exchanger", []probe.Report{at("mx", "192.0.2.1", strict503), at("mx", "192.0.2.2", lenient25), at("mx", "192.0.2.3", strict503)}, "mx: strict (503) [192.0.2.1 192.0.2.3] lenient (250) [192.0.2.2] "},
		{"in their codes", []probe.Report{at("mx", "192.0.2.1", strict503), at("mx", "192.0.2.2", strict500)}, "mx: strict (503) [192.0.2.1] strict (500) [192.0.2.2] "},
		{"not of two exchangers", []probe.Report{at("mx1", "192.0.2.1", strict503), at("mx2", "192.0.2.2", lenient25)}, ""},
		{"not where they are alike", []probe.Report{at("mx", "192.0.2.1", strict503), at("mx", "192.0.2.2", strict503)}, ""},
		{"not where one is not known", []probe.Report{at("mx", "192.0.2.1", strict503), at("mx", "192.0.2.2", greylist)}, ""},
		{"not where one is flaky", []probe.Report{at("mx", "192.0.2.1", strict503), at("mx", "192.0.2.2", strict503, strict500)}, ""},
		{"where it does not apply to one", []probe.Report{at("mx", "192.0.2.1", strict503), at("mx", "192.0.2.2", absent)}, "mx: strict (503) [192.0.2.1] not-applicable [192.0.2.2] "},
		{"behind another exchanger", []probe.Report{at("a", "192.0.2.9", strict503), at("mx", "192.0.2.1", strict503), at("b", "192.0.2.8", strict503), at("mx", "192.0.2.2", lenient25)}, "mx: strict (503) [192.0.2.1] lenient (250) [192.0.2.2] "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			tt.reports = append(tt.reports, otherPort)
			for _, d := range probe.Differences(tt.reports) {
				got += d.Host + ": "
				for _, w := range d.Answers {
					got += fmt.Sprint(w, " ", w.Addresses, " ")
				}
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestObservationsOfPartOfARun: a run in which less was asked may find no fault
// where another one did, and that does not make the receiver flaky.
func TestObservationsOfPartOfARun(t *testing.T) {
	c := probe.Check{ID: "an-observation", Polarity: probe.Observation, Level: probe.Must}
	report := func(status probe.Status, v probe.Verdict) probe.Report {
		return probe.Report{Status: status, Sessions: 1, Results: []probe.Result{{Check: &c, Verdict: v}}}
	}
	for _, tt := range []struct {
		name string
		runs []probe.Report
		want probe.Verdict
		kind probe.Kind
	}{
		{"a fault, then less", []probe.Report{report(probe.StatusOK, probe.Deviant), report(probe.StatusTimedOut, probe.Correct)}, probe.Deviant, ""},
		{"less, then a fault", []probe.Report{report(probe.StatusBlocked, probe.NotApplicable), report(probe.StatusOK, probe.Deviant)}, probe.Deviant, ""},
		{"a fault, then none in a whole run", []probe.Report{report(probe.StatusOK, probe.Deviant), report(probe.StatusOK, probe.Correct)}, probe.Inconclusive, probe.Flaky},
		{"none in either", []probe.Report{report(probe.StatusOK, probe.Correct), report(probe.StatusTimedOut, probe.Correct)}, probe.Correct, probe.Deterministic},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var runs probe.Runs
			for _, r := range tt.runs {
				runs.Add(r)
			}
			got := runs.Join().Results[0]
			if got.Verdict != tt.want || got.Agreement.Kind != tt.kind {
				t.Errorf("got %s, %q (%s), want %s, %q", got.Verdict, got.Agreement.Kind, got.Reason, tt.want, tt.kind)
			}
		})
	}
}
