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
)

// town is a list of domains on a street of receivers, and the zone that names
// them. Three receivers make a platform.
type town struct {
	servers map[int]*lab.Server
	port    string
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
	w.zone = zone(t, lab.Zone{Records: records.String(), OnQuery: asked})
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

func fileRows(t *testing.T, name string) rows {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return readRows(t, string(text))
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

// TestScanGoesOn: interrupted, and the same command again.
func TestScanGoesOn(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 1000)
	w := newTownIn(t, 12, 6, func(n int) []lab.Lapse {
		if n == 6 {
			return []lab.Lapse{lab.Silence()}
		}
		return nil
	}, func(q lab.ZoneQuery) { asked <- q.Name })
	file := filepath.Join(t.TempDir(), "out.ndjson")
	part := file + ".part"
	args := w.args("-o", file, "--reply-timeout", "5s", w.list)
	done := func() bool {
		text, _ := os.ReadFile(part)
		return strings.Count(string(text), `"type":"receiver"`) == 5
	}
	r := interrupted(t, done, args...)
	if r.code != exitInterrupted || r.out != "" || oneLine(r.err, "the same command goes on with .*part") != nil {
		t.Fatalf("got exit code %d, %q and %q, want 130 and how to go on", r.code, r.out, r.err)
	}
	before := w.connections()
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("the file is there before it is whole")
	}
	half := fileRows(t, part)
	equal(t, "receivers", half.receivers, sortedReceivers(1, 2, 3, 4, 5))
	equal(t, "the end", []string{half.complete}, []string{""})

	for _, c := range []struct {
		name string
		want string
		args []string
	}{
		{"another selection", `checks was "rcpt-before-mail" and is "rcpt-before-mail,nested-mail"`, []string{"--check", "nested-mail"}},
		{"other words", `first was "false" and is "true", from was "<>" and is "<me@example.com>"`, []string{"--first", "--from", "me@example.com"}},
		{"another list", `list was ".*list.txt" and is "other.txt"`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			other := append(slices.Clone(args), c.args...)
			if c.args == nil {
				name := filepath.Join(t.TempDir(), "other.txt")
				if err := os.WriteFile(name, []byte("d1.example\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				other[len(other)-1], c.want = name, `list was ".*list.txt" and is ".*other.txt"`
			}
			r := call(t, other...)
			if r.code != exitUsage || oneLine(r.err, c.want+".*--restart") != nil {
				t.Errorf("got exit code %d and %q, want 2 and %s", r.code, r.err, c.want)
			}
		})
	}

	// The receiver that was silent speaks by now, and the list has grown.
	if err := w.servers[6].Close(); err != nil {
		t.Fatal(err)
	}
	serve(t, house(6)+":"+w.port, lab.Receiver{GreetDelay: lab.NoGreetDelay})
	for len(asked) > 0 {
		<-asked
	}
	grow(t, w.list, "gone.example\n")
	r = call(t, append(slices.Clone(args), "--pace", "1ms", "--receivers", "3")...)
	if r.code != exitRan {
		t.Fatalf("got exit code %d, want 0; standard error: %s", r.code, r.err)
	}
	got := fileRows(t, file)
	got.whole(t)
	equal(t, "receivers", got.receivers, sortedReceivers(1, 2, 3, 4, 5, 6))
	if len(got.domains) != 13 {
		t.Errorf("got %d domains, want 13", len(got.domains))
	}
	for n, had := range before {
		if now := w.connections()[n]; n != 6 && now != had {
			t.Errorf("receiver %d counts %d connections, want the %d of the first part", n, now, had)
		}
	}
	for len(asked) > 0 {
		if name := <-asked; name != "gone.example." {
			t.Errorf("%s was looked up again", name)
		}
	}
	if _, err := os.Stat(part); !os.IsNotExist(err) {
		t.Error("the part is still there")
	}
}

func sortedReceivers(numbers ...int) []string {
	var all []string
	for _, n := range numbers {
		all = append(all, house(n)+" ok rcpt-before-mail strict")
	}
	slices.Sort(all)
	return all
}

func grow(t *testing.T, file, more string) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(more); err != nil {
		t.Fatal(err)
	}
}

// TestScanAtAnyLine: whatever there is of the lines, down to any octet, the same
// command makes the same whole of it.
func TestScanAtAnyLine(t *testing.T) {
	t.Parallel()
	w := newTown(t, 8, 4, nil)
	grow(t, w.list, "a\x01\xff\\b.example\nMX1.p0.example:"+w.port+"\ngone.example:25\nB\u00fccher.example\n")
	file := filepath.Join(t.TempDir(), "out.ndjson")
	args := w.args("-o", file, w.list)
	if r := call(t, args...); r.code != exitRan {
		t.Fatalf("got exit code %d: %s", r.code, r.err)
	}
	want := fileRows(t, file)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var cuts []int
	at := 0
	for line := range strings.Lines(string(text)) {
		cuts = append(cuts, at, at+1, at+len(line)/2, at+len(line)-1)
		at += len(line)
	}
	for _, cut := range append(cuts, at) {
		if err := os.WriteFile(file+".part", text[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		if r := call(t, args...); r.code != exitRan {
			t.Fatalf("cut at %d: got exit code %d: %s", cut, r.code, r.err)
		}
		got := fileRows(t, file)
		got.whole(t)
		equal(t, fmt.Sprintf("cut at %d: domains", cut), got.domains, want.domains)
		equal(t, fmt.Sprintf("cut at %d: receivers", cut), got.receivers, want.receivers)
	}
	run, _, _ := strings.Cut(string(text), "\n")
	if err := os.WriteFile(file+".part", []byte(run+"\nDear all,\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := call(t, args...)
	if r.code != exitUsage || oneLine(r.err, "part: line 2: it is no line of a report; --restart") != nil {
		t.Errorf("a line that is not ours: got exit code %d and %q, want 2 and the line", r.code, r.err)
	}
	if r = call(t, append(args[:len(args)-1], "--restart", w.list)...); r.code != exitRan {
		t.Errorf("with --restart: got exit code %d: %s", r.code, r.err)
	}
	equal(t, "receivers after --restart", fileRows(t, file).receivers, want.receivers)
}

// TestScanWithoutANameserver ends and can be gone on with.
func TestScanWithoutANameserver(t *testing.T) {
	t.Parallel()
	w := newTown(t, 4, 2, nil)
	file := filepath.Join(t.TempDir(), "out.ndjson")
	args := w.args("-o", file, w.list)
	r := call(t, append(slices.Clone(args), "--resolver", nowhere)...)
	if r.code != exitRan { // the first one answers
		t.Fatalf("got exit code %d: %s", r.code, r.err)
	}
	gone := slices.Clone(args)
	gone[2] = nowhere
	r = call(t, gone...)
	if r.code != exitNothing || oneLine(r.err, "no nameserver is there: .*127.0.0.1:1 does not answer.*goes on") != nil {
		t.Errorf("got exit code %d and %q, want 3 and why", r.code, r.err)
	}
	if _, err := os.Stat(file + ".part"); !os.IsNotExist(err) {
		t.Error("there is a part in which nothing stands")
	}
	r = call(t, append(slices.Clone(gone[:len(gone)-3]), w.list)...)
	if r.code != exitNothing || r.out != "" {
		t.Errorf("on standard output: got exit code %d and %q, want 3 and nothing", r.code, r.out)
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
