package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/smtpprobe/smtpprobe/probe/lab"
)

// process is the program as users run it.
type process struct {
	*exec.Cmd
	out, err bytes.Buffer
}

// program prepares a process whose output is kept; it is killed where it
// outlives the test by far.
func program(t *testing.T, args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*generous)
	t.Cleanup(cancel)
	p := &process{Cmd: exec.CommandContext(ctx, os.Getenv(builtProgram), args...)}
	p.Stdout, p.Stderr = &p.out, &p.err
	p.Env = []string{"HOME=/nowhere", "PATH=" + os.Getenv("PATH")}
	return p
}

func (p *process) begin(t *testing.T) {
	t.Helper()
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
}

// end waits and returns how the process ended: "exit 3", "signal interrupt".
func (p *process) end(t *testing.T) string {
	t.Helper()
	err := p.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	status := p.ProcessState.Sys().(syscall.WaitStatus)
	if strings.Contains(p.err.String(), "goroutine ") || strings.Contains(p.err.String(), "panic") {
		t.Errorf("the program panics: %s", p.err.String())
	}
	if status.Signaled() {
		return "signal " + status.Signal().String()
	}
	return fmt.Sprintf("exit %d", status.ExitStatus())
}

func (p *process) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

func quick(args ...string) []string {
	return append([]string{"--resolver", nowhere, "--pace", "0", "--check", "rcpt-before-mail", "--ehlo", "probe.example"}, args...)
}

// TestSignals sends one signal half way: one receiver is done, the next is
// silent.
func TestSignals(t *testing.T) {
	t.Parallel()
	strict := receiver(t)
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			if signal.Ignored(s) {
				t.Skipf("whoever started this test has %s ignored, as nohup does, and so has the program", s)
			}
			silent := receiver(t, lab.Silence())
			p := program(t, quick("--format", "ndjson", strict.Addr(), silent.Addr())...)
			p.begin(t)
			eventually(t, "the silent receiver is met", func() bool { return silent.Ledger().Connections > 0 })
			begun := time.Now()
			p.signal(t, s)
			if got := p.end(t); got != "exit 130" {
				t.Errorf("got %s, want exit 130", got)
			}
			if took := time.Since(begun); took > generous {
				t.Errorf("it took %s to end, want far less", took)
			}
			endsIncomplete(t, p.out.String())
			if got := strings.Count(p.out.String(), `"type":"receiver"`); got != 2 {
				t.Errorf("got %d lines of receivers, want both", got)
			}
			if !strings.Contains(p.out.String(), `"verdict":"strict"`) {
				t.Errorf("got\n%s\nwant what is known in it", p.out.String())
			}
		})
	}
}

// TestASignalWithAFile: what is known is put in the place of the older file,
// and nothing else is left in the folder.
func TestASignalWithAFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "run.json")
	if err := os.WriteFile(file, []byte("old\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	silent := receiver(t, lab.Silence())
	p := program(t, quick("--format", "json", "-o", file, silent.Addr())...)
	p.begin(t)
	eventually(t, "the receiver is met", func() bool { return silent.Ledger().Connections > 0 })
	p.signal(t, syscall.SIGINT)
	if got := p.end(t); got != "exit 130" {
		t.Errorf("got %s, want exit 130", got)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "receivers", ran{out: string(text)}.document(t).statuses(), []string{"127.0.0.1 interrupted"})
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 {
		t.Errorf("got the files %v, want run.json alone", entries)
	}
}

// TestLab: what the lab prints to be run can be run, until a signal ends it.
func TestLab(t *testing.T) {
	t.Parallel()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	p := program(t, "lab")
	p.Stdout = writer
	p.begin(t)
	writer.Close()
	var commands [][]string
	for lines := bufio.NewScanner(reader); lines.Scan() && !strings.Contains(lines.Text(), "Ctrl-C"); {
		if words := strings.Fields(lines.Text()); len(words) > 0 && words[0] == "smtpprobe" {
			commands = append(commands, words[1:])
		}
	}
	if len(commands) != len(exhibits()) {
		t.Errorf("got %d commands, want one for each of the %d domains", len(commands), len(exhibits()))
	}
	for _, args := range commands {
		domain := args[len(args)-1]
		want := exitRan
		if domain == "listed.example" {
			want = exitNothing
		}
		d := probed(t, want, args...)
		equal(t, "domains", d.domains(), []string{domain + " ok"})
		if len(d.Receivers) != 1 || d.Receivers[0].Host != "mx."+domain {
			t.Errorf("%s: got the receivers %+v, want mx.%s", domain, d.Receivers, domain)
		}
	}
	p.signal(t, syscall.SIGTERM)
	if got := p.end(t); got != "exit 130" {
		t.Errorf("got %s, want exit 130", got)
	}
}

func TestASignalEndsTheReadingOfTargets(t *testing.T) {
	t.Parallel()
	reader, stdin, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	defer stdin.Close()
	p := program(t, quick("-")...)
	p.Stdin = reader
	p.begin(t)
	// It reads: the pipe is empty again once it does.
	if _, err := io.WriteString(stdin, "127.0.0.1:1\n"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the targets are read", func() bool {
		queued, err := unix.IoctlGetInt(int(reader.Fd()), unix.TIOCINQ)
		return err == nil && queued == 0
	})
	p.signal(t, syscall.SIGINT)
	done := make(chan string, 1)
	go func() { done <- p.end(t) }()
	select {
	case got := <-done:
		if got != "exit 130" {
			t.Errorf("got %s, want exit 130", got)
		}
	case <-time.After(generous):
		t.Errorf("the program still waits for its standard input %s after the signal, want exit 130", generous)
		stdin.Close()
		<-done
	}
}

// TestTheSecondSignalEndsAtOnce has the program wait for a reader of its
// output who does not read.
func TestTheSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	size, err := unix.FcntlInt(writer.Fd(), unix.F_SETPIPE_SZ, 4096)
	if err != nil {
		t.Fatal(err)
	}
	p := program(t, "demo", "--check", "rcpt-before-mail", "--format", "json", "--transcript")
	p.Stdout = writer
	p.begin(t)
	writer.Close()
	eventually(t, "the pipe is full", func() bool {
		queued, err := unix.IoctlGetInt(int(reader.Fd()), unix.TIOCINQ)
		return err == nil && queued >= size
	})
	done := make(chan string, 1)
	go func() { done <- p.end(t) }()
	for range 100 {
		_ = p.Process.Signal(syscall.SIGINT) // it may have ended by now
		select {
		case got := <-done:
			if got != "signal interrupt" && got != "exit 130" {
				t.Errorf("got %s, want the signal or exit 130", got)
			}
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
	t.Error("the program goes on after 100 signals")
	_ = p.Process.Kill()
	<-done
}
