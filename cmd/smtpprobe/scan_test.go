package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/report/schematest"
)

// town is a list of domains on a street of receivers, and the zone that names
// them. Three receivers make a platform.
type town struct {
	servers map[int]*lab.Server
	port    string
	records string // of the zone
	zone    string
	list    string // file
}

func newTown(t *testing.T, domains, houses int, lapses func(n int) []lab.Lapse) *town {
	t.Helper()
	return newTownIn(t, domains, houses, lapses, nil)
}

func newTownIn(t *testing.T, domains, houses int, lapses func(n int) []lab.Lapse, asked func(lab.ZoneQuery)) *town {
	t.Helper()
	var numbers []int
	for i := range houses {
		numbers = append(numbers, i+1)
	}
	if lapses == nil {
		lapses = func(int) []lab.Lapse { return nil }
	}
	w := &town{list: filepath.Join(t.TempDir(), "list.txt")}
	w.servers, w.port = streetOf(t, lapses, numbers...)
	var records, list strings.Builder
	for _, n := range numbers {
		fmt.Fprintf(&records, "mx%d.p%d.example. A %s\n", n, n/3, house(n))
	}
	for i := range domains {
		n := i%houses + 1
		fmt.Fprintf(&records, "d%d.example. MX 10 mx%d.p%d.example.\n", i, n, n/3)
		fmt.Fprintf(&list, "d%d.example\n", i)
	}
	w.records = records.String()
	w.zone = zone(t, lab.Zone{Records: w.records, OnQuery: asked})
	if err := os.WriteFile(w.list, []byte("# customers\n\n"+list.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return w
}

// args are those of a quick scan of the town.
func (w *town) args(more ...string) []string {
	return append([]string{
		"scan", "--resolver", w.zone, "--port", w.port, "--allow-private", "--pace", "0", "--rate", "0",
		"--check", "rcpt-before-mail", "--ehlo", "probe.example",
	}, more...)
}

// rows are the lines of a scan, in their order.
type rows struct {
	types     []string
	domains   []string // name and status
	receivers []string // address, status and verdicts
	complete  string   // what the end says; empty where there is none
	skipped   int
	lines     []row
}

type row struct {
	Schema, Type, Domain, Address, Status, Reason string
	Domains                                       []string
	DomainsMore                                   int `json:"domains_more"`
	Results                                       []resultRow
	Complete                                      *bool
	Command                                       map[string]string
}

func readRows(t *testing.T, text string) rows {
	t.Helper()
	var all rows
	schematest.Valid(t, "a scan", []byte(text))
	for line := range strings.Lines(text) {
		var r row
		if err := json.Unmarshal([]byte(line), &r); err != nil || !strings.HasSuffix(line, "\n") {
			t.Fatalf("got the line %q, want an object and a line end: %v", line, err)
		}
		all.lines = append(all.lines, r)
		all.types = append(all.types, r.Type)
		switch r.Type {
		case "domain":
			all.domains = append(all.domains, r.Domain+" "+r.Status)
		case "receiver":
			verdicts := ""
			for _, res := range r.Results {
				verdicts += " " + res.Check + " " + res.Verdict
			}
			all.receivers = append(all.receivers, r.Address+" "+r.Status+verdicts)
			if r.Status == "skipped" {
				all.skipped++
			}
		case "end":
			all.complete = fmt.Sprint(*r.Complete)
		}
	}
	slices.Sort(all.domains)
	slices.Sort(all.receivers)
	return all
}

// whole holds the rows against the contract: one run first, one end last.
func (r rows) whole(t *testing.T) {
	t.Helper()
	for i, kind := range r.types {
		if (kind == "run") != (i == 0) || (kind == "end") != (i == len(r.types)-1) {
			t.Errorf("line %d of %d is of the type %s", i+1, len(r.types), kind)
		}
	}
	equal(t, "complete", []string{r.complete}, []string{"true"})
}

// connections are how many sessions each receiver of the town counted.
func (w *town) connections() map[int]int {
	all := map[int]int{}
	for n, s := range w.servers {
		all[n] = s.Ledger().Connections
	}
	return all
}

func TestScan(t *testing.T) {
	t.Parallel()
	w := newTown(t, 90, 9, nil)
	r := call(t, w.args("--fail-on", "lenient", w.list)...)
	if r.code != exitRan || r.err != "" {
		t.Errorf("got exit code %d and %q, want 0 and nothing said", r.code, r.err)
	}
	got := readRows(t, r.out)
	got.whole(t)
	if len(got.domains) != 90 || len(got.receivers) != 9 {
		t.Errorf("got %d domains and %d receivers, want 90 and 9", len(got.domains), len(got.receivers))
	}
	for _, row := range got.receivers {
		if !strings.HasSuffix(row, "ok rcpt-before-mail strict") {
			t.Errorf("got %q, want a strict receiver", row)
		}
	}
	if c := got.lines[0].Command; c["checks"] != "rcpt-before-mail" || c["list"] != w.list {
		t.Errorf("got the command %v in the line of the run", c)
	}
}

func TestScanOfAPlatform(t *testing.T) {
	t.Parallel()
	w := newTown(t, 6, 2, nil) // both of p0.example
	for _, c := range []struct {
		name  string
		args  []string
		code  int
		rows  []string
		lines int
	}{
		{"sampled", []string{"--max-per-platform", "1", "--fail-on", "strict"}, exitFailOn, []string{"ok", "skipped"}, 10},
		{"all", nil, exitRan, []string{"ok", "ok"}, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := call(t, w.args(append(c.args, w.list)...)...)
			if r.code != c.code {
				t.Errorf("got exit code %d, want %d", r.code, c.code)
			}
			got := readRows(t, r.out)
			got.whole(t)
			var statuses []string
			for _, l := range got.lines {
				if l.Type == "receiver" {
					statuses = append(statuses, l.Status)
				}
			}
			slices.Sort(statuses)
			equal(t, "statuses", statuses, c.rows)
		})
	}
}

// TestScanOfEverything: what smtpprobe takes as a target, a scan takes as well.
func TestScanOfEverything(t *testing.T) {
	t.Parallel()
	w := newTown(t, 1, 2, nil)
	list := strings.Join([]string{
		"d0.example", "D0.example.", "a..b", house(2) + ":" + w.port, "localhost:" + w.port, "gone.example",
		"mx1.p0.example:" + w.port, "gone.example:" + w.port, "a..b",
	}, "\n")
	r := callWith(t.Context(), list, w.args("-")...)
	if r.code != exitRan {
		t.Errorf("got exit code %d, want 0; standard error: %s", r.code, r.err)
	}
	got := readRows(t, r.out)
	got.whole(t)
	equal(t, "domains", got.domains, []string{
		"a..b invalid", "d0.example ok", "gone.example nxdomain", "gone.example:" + w.port + " nxdomain",
	})
	equal(t, "receivers", got.receivers, []string{
		house(1) + " ok rcpt-before-mail strict", house(2) + " ok rcpt-before-mail strict",
	})
	for _, l := range got.lines {
		if l.Domain == "a..b" && !strings.HasPrefix(l.Reason, "line 3: ") {
			t.Errorf("got the reason %q, want the line named", l.Reason)
		}
	}
}

// TestScanInterrupted on standard output: rows for those that were cut, and an
// end that says that this is not all.
func TestScanInterrupted(t *testing.T) {
	t.Parallel()
	w := newTown(t, 3, 3, func(n int) []lab.Lapse {
		if n == 3 {
			return []lab.Lapse{lab.Silence()}
		}
		return nil
	})
	met := func() bool { return w.servers[3].Ledger().Connections > 0 }
	r := interrupted(t, met, w.args(w.list)...)
	if r.code != exitInterrupted || r.err != "" {
		t.Errorf("got exit code %d and %q, want 130 and nothing said", r.code, r.err)
	}
	endsIncomplete(t, r.out)
	if !slices.ContainsFunc(readRows(t, r.out).receivers, func(row string) bool { return strings.HasPrefix(row, house(3)+" interrupted") }) {
		t.Errorf("got\n%s\nwant the silent receiver interrupted in it", r.out)
	}
}

func TestInterruptedScanReadsNoMore(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	w := newTown(t, 2, 1, nil)
	if r := callWith(ctx, "", w.args(w.list)...); r.code != exitInterrupted {
		t.Errorf("got exit code %d, want 130", r.code)
	}
}

func matches(text, pattern string) bool { return regexp.MustCompile(pattern).MatchString(text) }

func TestTallyOfABlockedPort(t *testing.T) {
	for _, c := range []struct {
		name     string
		statuses []probe.Status
		port     uint16
		want     bool
	}{
		{"all silent", []probe.Status{probe.StatusUnreachable, probe.StatusUnreachable, probe.StatusSkipped}, 25, true},
		{"one refuses", []probe.Status{probe.StatusUnreachable, probe.StatusUnreachable, probe.StatusRefused}, 25, false},
		{"one alone", []probe.Status{probe.StatusUnreachable}, 25, false},
		{"another port", []probe.Status{probe.StatusUnreachable, probe.StatusUnreachable}, 2525, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var all tally
			for _, s := range c.statuses {
				all.met(probe.Receiver{Port: c.port}, s)
			}
			if got := all.blocked(); (got != nil) != c.want {
				t.Errorf("got %v, want blocked: %t", got, c.want)
			}
		})
	}
}
