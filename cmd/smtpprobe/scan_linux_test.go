package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/probe/lab"
)

// linesOf is the number of whole lines of a file; 0 where there is none.
func linesOf(name string) int {
	text, err := os.ReadFile(name)
	if err != nil {
		return 0
	}
	return strings.Count(string(text), "\n")
}

// TestScanKilled kills the program again and again, at any moment, and then lets
// it come to its end: the rows are those of a scan that nobody disturbed.
func TestScanKilled(t *testing.T) {
	t.Parallel()
	w := newTown(t, 300, 30, func(n int) []lab.Lapse {
		if n%7 == 0 {
			return []lab.Lapse{lab.Accept{State: "E", Verb: "RCPT"}.Lapse()}
		}
		return nil
	})
	grow(t, w.list, "a..b\ngone.example\n192.0.2.300\n127.0.0.1:1\nd1.example\n")
	dir := t.TempDir()
	undisturbed := program(t, w.args("-o", filepath.Join(dir, "undisturbed"), w.list)...)
	undisturbed.begin(t)
	if got := undisturbed.end(t); got != "exit 0" {
		t.Fatalf("got %s, want exit 0: %s", got, undisturbed.err.String())
	}
	want := fileRows(t, filepath.Join(dir, "undisturbed"))
	want.whole(t)

	file := filepath.Join(dir, "out.ndjson")
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	kills, ended := 0, ""
	for ended == "" {
		p := program(t, w.args("-o", file, "--receivers", "3", w.list)...)
		p.begin(t)
		done := make(chan string, 1)
		go func() { done <- p.end(t) }()
		until := linesOf(file+".part") + random.IntN(40)
		if kills >= 8 { // enough of it
			until = 1 << 20
		}
		for ended == "" && linesOf(file+".part") < until {
			select {
			case ended = <-done:
			case <-time.After(time.Millisecond):
			}
		}
		if ended == "" {
			time.Sleep(time.Duration(random.IntN(3000)) * time.Microsecond) // in the middle of a line, maybe
			_ = p.Process.Kill()                                            // it may have ended by now
			if end := <-done; end != "signal killed" {
				ended = end
			} else {
				kills++
			}
		}
	}
	if ended != "exit 0" || kills < 3 {
		t.Errorf("seed %d: got %s after %d kills, want exit 0 after some", seed, ended, kills)
	}
	got := fileRows(t, file)
	got.whole(t)
	equal(t, fmt.Sprintf("seed %d: domains", seed), got.domains, want.domains)
	equal(t, fmt.Sprintf("seed %d: receivers", seed), got.receivers, want.receivers)
}

// TestScanSignals: one signal ends it soon, a second one at once; both times it
// can be gone on with.
func TestScanSignals(t *testing.T) {
	t.Parallel()
	w := newTown(t, 6, 3, func(n int) []lab.Lapse {
		if n == 3 {
			return []lab.Lapse{lab.Silence()}
		}
		return nil
	})
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(s.String(), func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "out.ndjson")
			before := w.servers[3].Ledger().Connections
			p := program(t, w.args("-o", file, w.list)...)
			p.begin(t)
			eventually(t, "all but the silent receiver are done", func() bool {
				return linesOf(file+".part") == 1+6+2 && w.servers[3].Ledger().Connections > before
			})
			p.signal(t, s)
			if got := p.end(t); got != "exit 130" {
				t.Errorf("got %s, want exit 130", got)
			}
			if err := oneLine(p.err.String(), "interrupted: the same command goes on"); err != nil {
				t.Error(err)
			}
			equal(t, "receivers", fileRows(t, file+".part").receivers, sortedReceivers(1, 2))
		})
	}
	t.Run("twice", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "out.ndjson")
		p := program(t, w.args("-o", file, w.list)...)
		p.begin(t)
		eventually(t, "all but the silent receiver are done", func() bool { return linesOf(file+".part") == 1+6+2 })
		p.signal(t, syscall.SIGINT)
		_ = p.Process.Signal(syscall.SIGINT) // it may have ended by now
		if got := p.end(t); got != "exit 130" && got != "signal interrupt" {
			t.Errorf("got %s, want exit 130, or the end by the signal", got)
		}
		equal(t, "receivers", fileRows(t, file+".part").receivers, sortedReceivers(1, 2))
	})
}

// TestTwoScansOfOneFile: the second is refused, and does no harm to the first.
func TestTwoScansOfOneFile(t *testing.T) {
	t.Parallel()
	w := newTown(t, 6, 3, func(n int) []lab.Lapse {
		if n == 3 {
			return []lab.Lapse{lab.Silence()}
		}
		return nil
	})
	file := filepath.Join(t.TempDir(), "out.ndjson")
	first := program(t, w.args("-o", file, w.list)...)
	first.begin(t)
	eventually(t, "the first is at work", func() bool { return linesOf(file+".part") > 0 })
	for _, more := range [][]string{nil, {"--restart"}} {
		second := program(t, w.args(append(more, "-o", file, w.list)...)...)
		second.begin(t)
		if got := second.end(t); got != "exit 2" {
			t.Errorf("got %s, want exit 2", got)
		}
		if err := oneLine(second.err.String(), "part: another scan is writing it"); err != nil {
			t.Error(err)
		}
	}
	eventually(t, "the first goes on", func() bool { return linesOf(file+".part") == 1+6+2 })
	first.signal(t, syscall.SIGTERM)
	if got := first.end(t); got != "exit 130" {
		t.Errorf("the first: got %s, want exit 130: %s", got, first.err.String())
	}
	equal(t, "receivers", fileRows(t, file+".part").receivers, sortedReceivers(1, 2))
}

// TestScanWithoutRoom: the part is kept, and the rest fits when there is room.
func TestScanWithoutRoom(t *testing.T) {
	t.Parallel()
	w := newTown(t, 60, 6, nil)
	file := filepath.Join(t.TempDir(), "out.ndjson")
	args := w.args("-o", file, w.list)
	p := program(t)
	p.Path, p.Args = "/bin/sh", append([]string{"sh", "-c", `ulimit -f 16; exec "$@"`, "sh", os.Getenv(builtProgram)}, args...)
	p.begin(t)
	if got := p.end(t); got != "exit 2" {
		t.Errorf("got %s, want exit 2", got)
	}
	if err := oneLine(p.err.String(), "output .*out.ndjson: file too large; the same command goes on with .*part"); err != nil {
		t.Error(err)
	}
	if size, err := os.Stat(file + ".part"); err != nil || size.Size() < 8<<10 {
		t.Errorf("got a part of %v, %v, want all that had room", size, err)
	}
	p = program(t, args...)
	p.begin(t)
	if got := p.end(t); got != "exit 0" {
		t.Errorf("with room: got %s, want exit 0: %s", got, p.err.String())
	}
	got := fileRows(t, file)
	got.whole(t)
	equal(t, "receivers", got.receivers, sortedReceivers(1, 2, 3, 4, 5, 6))
	if again := slices.Compact(slices.Clone(got.domains)); len(again) != 60 || len(got.domains) != 60 {
		t.Errorf("got %d domains, want 60, each once", len(got.domains))
	}
}

// TestScanOnAStream that is full, or that nobody reads any more.
func TestScanOnAStream(t *testing.T) {
	t.Parallel()
	w := newTown(t, 60, 6, nil)
	for _, c := range []struct {
		name, script, says string
	}{
		{"full", `"$@" > /dev/full`, "^smtpprobe: output: no space left on device$"},
		{"full by name", `"$@" -o /dev/full`, "^smtpprobe: output /dev/full: no space left on device$"},
		{"whose reader goes", `{ "$@"; echo "exit $?" >&2; } | head -1 >/dev/null`, "^exit 2$"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), "/bin/sh", append([]string{"-c", c.script, "sh", os.Getenv(builtProgram)}, w.args(w.list)...)...)
			var said strings.Builder
			cmd.Stderr = &said
			err := cmd.Run()
			if text := strings.TrimSuffix(said.String(), "\n"); !matches(text, c.says) {
				t.Errorf("got %q on standard error, want %s", said.String(), c.says)
			}
			if piped := strings.Contains(c.script, "|"); !piped && (err == nil || cmd.ProcessState.ExitCode() != exitUsage) {
				t.Errorf("got %v, want exit 2", err)
			}
		})
	}
}

// TestScanSaysHowFarItIs every ten seconds, and not at all where it is told not
// to.
func TestScanSaysHowFarItIs(t *testing.T) {
	t.Parallel()
	w := newTown(t, 6, 3, func(n int) []lab.Lapse {
		if n == 3 {
			return []lab.Lapse{lab.Silence()}
		}
		return nil
	})
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	quiet, loud := program(t, w.args("--quiet", w.list)...), program(t, w.args(w.list)...)
	loud.Stderr = writer
	quiet.begin(t)
	loud.begin(t)
	writer.Close()
	line, err := bufio.NewReader(reader).ReadString('\n')
	if err != nil || !matches(line, `^line 8 of 8; receivers: 2 done, 1 running, 0.\d/s, \d+s left; strict 2\n$`) {
		t.Errorf("got %q, %v", line, err)
	}
	for _, p := range []*process{loud, quiet} {
		p.signal(t, syscall.SIGINT)
		if got := p.end(t); got != "exit 130" {
			t.Errorf("got %s, want exit 130", got)
		}
	}
	if quiet.err.Len() > 0 {
		t.Errorf("got %q, want nothing with --quiet", quiet.err.String())
	}
}

// TestScanOnATerminal shows how far it is, unless its lines run over the screen.
func TestScanOnATerminal(t *testing.T) {
	t.Parallel()
	w := newTown(t, 6, 3, func(n int) []lab.Lapse {
		if n == 3 {
			return []lab.Lapse{lab.Silence()}
		}
		return nil
	})
	t.Run("with a file", func(t *testing.T) {
		showsProgress(t, "line 8 of 8; receivers: 2 done, 1 running", w.args("-o", filepath.Join(t.TempDir(), "out"), w.list)...)
	})
	t.Run("with lines on the screen", func(t *testing.T) {
		text, _ := onTerminal(t, 80, nil, w.args("--timeout", "2s", w.list)...)
		if strings.Contains(text, "receivers: ") || !strings.Contains(text, `"complete":true`) {
			t.Errorf("got %q, want the lines alone", text)
		}
	})
}

// TestScanWaitsForTheCeiling: where a platform was asked enough lately, a scan
// does not skip it.
func TestScanWaitsForTheCeiling(t *testing.T) {
	t.Parallel()
	e := startElsewhere(t)
	const room = 2
	e.used(t, 600-room)
	p := program(t, "scan", "--proxy", e.proxy.url(), "--ehlo", "probe.example", "--resolver", nowhere, "--pace", "0",
		"--check", "rcpt-before-mail,nested-mail", "-")
	p.Env = append(p.Env, "XDG_STATE_HOME="+e.state)
	p.Stdin = strings.NewReader("localhost:" + e.port + "\n")
	p.begin(t)
	eventually(t, "the room is used up", func() bool { return len(e.proxy.asked()) == room })
	time.Sleep(200 * time.Millisecond) // what is wrong would happen now
	p.signal(t, syscall.SIGINT)
	if got := p.end(t); got != "exit 130" {
		t.Errorf("got %s, want exit 130: it waits", got)
	}
	if got := len(e.proxy.asked()); got != room {
		t.Errorf("got %d sessions, want %d", got, room)
	}
}
