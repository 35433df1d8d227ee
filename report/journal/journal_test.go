package journal_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/report"
	"github.com/smtpprobe/smtpprobe/report/journal"
)

var started = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func command(change ...string) map[string]string {
	c := map[string]string{"list": "list.txt", "checks": "nested-mail", "tls": "auto"}
	for i := 0; i+1 < len(change); i += 2 {
		c[change[i]] = change[i+1]
	}
	return c
}

// open opens a journal that must open, and leaves it with the test.
func open(t *testing.T, name string) *journal.Journal {
	t.Helper()
	j, err := journal.Open(name, command(), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Leave() })
	return j
}

// begin writes the first lines of a report: its run, a domain and a receiver.
func begin(t *testing.T, j *journal.Journal) *report.Stream {
	t.Helper()
	s := report.NewStream(j, false)
	err := errors.Join(
		s.Begin(report.Run{Version: "1", Started: started, Profile: "quick", Command: command()}),
		s.Domain(report.Domain{Domain: "bücher.example", ASCII: "xn--bcher-kva.example", Status: "ok", Exchanges: []report.Exchange{
			{Preference: 10, Host: "mx.example", Addresses: []string{"192.0.2.1", "2001:db8::1"}},
		}}),
		s.Receiver(probe.Report{
			Receiver: probe.Receiver{Host: "mx.example", Address: "192.0.2.1", Port: 25, Platform: "example"},
			Status:   probe.StatusOK, Banner: strings.Repeat("long ", 50_000),
			Results: []probe.Result{{Check: &probe.Check{ID: "nested-mail"}, Verdict: probe.Strict, Conformance: probe.Conforms}},
		}),
	)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// read renders the rows of a journal.
func read(t *testing.T, j *journal.Journal) (rows []string, whole bool) {
	t.Helper()
	whole, err := j.Read(journal.Rows{
		Domain:   func(d journal.Domain) error { rows = append(rows, fmt.Sprint(d)); return nil },
		Receiver: func(r journal.Receiver) error { rows = append(rows, fmt.Sprint(r)); return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows, whole
}

func content(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestGoingOn(t *testing.T) {
	name := filepath.Join(t.TempDir(), "out.ndjson")
	j := open(t, name)
	if _, again := j.Started(); again {
		t.Error("a new one says that it goes on")
	}
	begin(t, j)
	if err := j.Leave(); err != nil {
		t.Fatal(err)
	}
	first := content(t, name+journal.Suffix)
	if err := os.WriteFile(name+journal.Suffix, []byte(first+`{"schema":"smtpprobe/report/v1","type":"rec`), 0o600); err != nil {
		t.Fatal(err)
	}
	j = open(t, name)
	if at, again := j.Started(); !again || !at.Equal(started) {
		t.Errorf("got %s, %t, want it to go on with what began at %s", at, again, started)
	}
	rows, whole := read(t, j)
	want := []string{
		"{bücher.example xn--bcher-kva.example ok [{10 mx.example [192.0.2.1 2001:db8::1]}]}",
		"{mx.example 192.0.2.1 example  25 ok [{strict conforms}]}",
	}
	if strings.Join(rows, "\n") != strings.Join(want, "\n") || whole {
		t.Errorf("got %q, whole: %t, want %q", rows, whole, want)
	}
	if err := report.NewStream(j, false).End(true, report.Run{}); err != nil {
		t.Fatal(err)
	}
	if again, _ := read(t, j); len(again) != 2 {
		t.Errorf("got the rows %q, want those that were there when it was opened", again)
	}
	if err := j.Finish(); err != nil {
		t.Fatal(err)
	}
	text := content(t, name)
	if rest, ok := strings.CutPrefix(text, first); !ok || strings.Count(rest, "\n") != 1 || !strings.Contains(rest, `"complete":true`) {
		t.Errorf("got behind the first part %q, want one end", rest)
	}
	if _, err := os.Stat(name + journal.Suffix); !os.IsNotExist(err) {
		t.Errorf("the part is still there: %v", err)
	}
}

// TestAWholeReport that was not put in its place is known as one.
func TestAWholeReport(t *testing.T) {
	for _, complete := range []bool{true, false} {
		name := filepath.Join(t.TempDir(), "out.ndjson")
		j := open(t, name)
		if err := begin(t, j).End(complete, report.Run{}); err != nil {
			t.Fatal(err)
		}
		if err := j.Leave(); err != nil {
			t.Fatal(err)
		}
		if _, whole := read(t, open(t, name)); whole != complete {
			t.Errorf("complete %t: got whole %t", complete, whole)
		}
	}
}

func TestRefusals(t *testing.T) {
	const run = `{"schema":"smtpprobe/report/v1","type":"run","started":"2026-11-25T12:00:00Z","command":{"list":"list.txt","checks":"nested-mail","tls":"auto"}}` + "\n"
	long := strings.Repeat("check-one,", 10)
	for _, test := range []struct {
		name    string
		part    string
		command map[string]string
		want    string // empty: it opens
		mends   bool   // whether --restart does
	}{
		{"nothing", "", command(), "", true},
		{"the beginning of a first line", run[:20], command(), "", true},
		{"a first line without its end", run[:len(run)-1], command(), "", true},
		{"a first line", run, command(), "", true},
		{"another TLS", run, command("tls", "none"), `tls was "auto" and is "none"; give the command that began it, or --restart`, true},
		{"two differences", run, command("tls", "none", "list", "-"), `list was "list.txt" and is "-", tls was`, true},
		{"a new flag", run, command("new", "yes"), `new was "" and is "yes"`, true},
		{"longer lists", run, command("checks", long+"a,b,c,d"), "checks: no longer nested-mail, now also check-one, check-one, check-one and 11 more", true},
		{"somebody's letter", "Dear all,\n", command(), "is no part of a scan: move it away", false},
		{"a word", "x", command(), "is no part of a scan: move it away", false},
		{"a report without a command", `{"schema":"smtpprobe/report/v1","type":"run"}` + "\n", command(), "is no part of a scan", false},
		{"another schema", strings.Replace(run, "v1", "v9", 1), command(), "is no part of a scan", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "out.ndjson")
			if err := os.WriteFile(name+journal.Suffix, []byte(test.part), 0o600); err != nil {
				t.Fatal(err)
			}
			j, err := journal.Open(name, test.command, false)
			switch {
			case err == nil && test.want == "":
				if err := j.Leave(); err != nil {
					t.Error(err)
				}
			case err == nil || test.want == "" || !strings.Contains(err.Error(), test.want):
				t.Errorf("got %v, want %q", err, test.want)
			default:
				if got := content(t, name+journal.Suffix); got != test.part {
					t.Errorf("the part is now %q", got)
				}
			}
			j, err = journal.Open(name, test.command, true)
			if (err == nil) != test.mends {
				t.Errorf("with restart: got %v", err)
			}
			if err == nil {
				if _, again := j.Started(); again {
					t.Error("with restart: it goes on")
				}
				if err := j.Leave(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestLinesThatAreNotOurs(t *testing.T) {
	const run = `{"schema":"smtpprobe/report/v1","type":"run","command":{"list":"list.txt","checks":"nested-mail","tls":"auto"}}` + "\n"
	for _, line := range []string{"\n", "hello\n", strings.Repeat("\x00", 5000) + "\n", `{"schema":"smtpprobe/report/v1","type":"domain","domain":7}` + "\n", `{"schema":"smtpprobe/report/v1","type":"domain"` + "\n"} {
		name := filepath.Join(t.TempDir(), "out.ndjson")
		if err := os.WriteFile(name+journal.Suffix, []byte(run+line), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := open(t, name).Read(journal.Rows{Domain: func(journal.Domain) error { return nil }})
		if err == nil || !strings.Contains(err.Error(), "line 2: ") || !strings.Contains(err.Error(), "--restart") {
			t.Errorf("%.40q: got %v, want line 2 named", line, err)
		}
	}
}

func TestOneAtATime(t *testing.T) {
	name := filepath.Join(t.TempDir(), "out.ndjson")
	j := open(t, name)
	begin(t, j)
	for _, restart := range []bool{false, true} {
		if _, err := journal.Open(name, command(), restart); !errors.Is(err, journal.ErrBusy) {
			t.Errorf("restart %t: got %v, want the other one named", restart, err)
		}
	}
	if err := j.Leave(); err != nil {
		t.Fatal(err)
	}
	if rows, _ := read(t, open(t, name)); len(rows) != 2 {
		t.Errorf("got the rows %q, want both", rows)
	}
}

func TestPlaces(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(
		os.WriteFile(at("private"), []byte("old"), 0o600), os.Symlink("private", at("link")), os.Mkdir(at("folder"), 0o700), os.Mkdir(at("taken.part"), 0o700),
	); err != nil {
		t.Fatal(err)
	}
	t.Run("a link", func(t *testing.T) {
		j := open(t, at("link"))
		begin(t, j)
		if content(t, at("private")) != "old" {
			t.Error("the file was changed before the report is whole")
		}
		if err := j.Finish(); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(at("private"))
		if err != nil || info.Mode().Perm() != 0o600 || info.Size() < 100 {
			t.Errorf("got %v, %v, want the report with the permissions of the old file", info, err)
		}
		if target, err := os.Readlink(at("link")); err != nil || target != "private" {
			t.Errorf("the link is now %q, %v", target, err)
		}
	})
	for _, name := range []string{"folder", "taken", "missing/file"} {
		t.Run(name, func(t *testing.T) {
			if _, err := journal.Open(at(name), command(), false); err == nil {
				t.Error("got no error")
			}
		})
	}
	t.Run("nothing written", func(t *testing.T) {
		j := open(t, at("empty"))
		if err := j.Leave(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(at("empty.part")); !os.IsNotExist(err) {
			t.Errorf("an empty part is left: %v", err)
		}
	})
}
