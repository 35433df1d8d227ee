package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe/lab"
)

func fileRows(t *testing.T, name string) rows {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return readRows(t, string(text))
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
			r := callAlone(t, other...)
			if r.code != exitUsage || oneLine(r.err, c.want+".*--restart") != nil {
				t.Errorf("got exit code %d and %q, want 2 and %s", r.code, r.err, c.want)
			}
		})
	}

	// The receiver that was silent speaks by now, and the list has grown.
	if err := w.servers[6].Close(); err != nil {
		t.Fatal(err)
	}
	// A child of another test holds the port until it becomes another program.
	eventually(t, "the port is free", func() bool {
		server, err := lab.Receiver{GreetDelay: lab.NoGreetDelay}.Listen(house(6) + ":" + w.port)
		if err == nil {
			t.Cleanup(func() { _ = server.Close() })
		}
		return err == nil
	})
	for len(asked) > 0 {
		<-asked
	}
	grow(t, w.list, "gone.example\n")
	r = callAlone(t, append(slices.Clone(args), "--pace", "1ms", "--receivers", "3")...)
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
	if r := callAlone(t, args...); r.code != exitRan {
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
		if r := callAlone(t, args...); r.code != exitRan {
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
	r := callAlone(t, args...)
	if r.code != exitUsage || oneLine(r.err, "part: line 2: it is no line of a report; --restart") != nil {
		t.Errorf("a line that is not ours: got exit code %d and %q, want 2 and the line", r.code, r.err)
	}
	if r = callAlone(t, append(args[:len(args)-1], "--restart", w.list)...); r.code != exitRan {
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
	r := callAlone(t, append(slices.Clone(args), "--resolver", nowhere)...)
	if r.code != exitRan { // the first one answers
		t.Fatalf("got exit code %d: %s", r.code, r.err)
	}
	gone := slices.Clone(args)
	gone[2] = nowhere
	r = callAlone(t, gone...)
	if r.code != exitNothing || oneLine(r.err, "no nameserver is there: .*127.0.0.1:1 does not answer") != nil || strings.Contains(r.err, "goes on") {
		t.Errorf("got exit code %d and %q, want 3 and why, and no part to go on with", r.code, r.err)
	}
	if _, err := os.Stat(file + ".part"); !os.IsNotExist(err) {
		t.Error("there is a part in which nothing stands")
	}
	r = callAlone(t, append(slices.Clone(gone[:len(gone)-3]), w.list)...)
	if r.code != exitNothing || r.out != "" {
		t.Errorf("on standard output: got exit code %d and %q, want 3 and nothing", r.code, r.out)
	}
}

// callAlone runs the command line as soon as nobody else has its part: a child of
// another test holds the lock until it becomes another program.
func callAlone(t *testing.T, args ...string) ran {
	t.Helper()
	var r ran
	eventually(t, "nobody else has the part", func() bool {
		r = call(t, args...)
		return !strings.Contains(r.err, "another scan is writing it")
	})
	return r
}

// TestScanSparesItsList: a list is not replaced by its own result.
func TestScanSparesItsList(t *testing.T) {
	t.Parallel()
	w := newTown(t, 2, 1, nil)
	list := filepath.Join(t.TempDir(), "domains")
	if err := os.Rename(w.list, list); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	r := call(t, w.args("-o", list, list)...)
	if r.code != exitUsage || oneLine(r.err, "--output .*domains is the list itself") != nil {
		t.Errorf("got exit code %d and %q, want 2 and why", r.code, r.err)
	}
	if after, err := os.ReadFile(list); err != nil || string(after) != string(before) {
		t.Errorf("the list is %q, %v, want it as it was", after, err)
	}
}
