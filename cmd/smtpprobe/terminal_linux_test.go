package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe/lab"
)

// slow is a run of more than two seconds, as one of its checks listens that
// long.
func slow(flags ...string) []string {
	return append([]string{"demo", "--check", "starttls-injection,nested-mail", "strict.example"}, flags...)
}

func TestProgressOnATerminal(t *testing.T) {
	t.Parallel()
	t.Run("is shown and wiped", func(t *testing.T) {
		t.Parallel()
		text, ended := onTerminal(t, 80, nil, slow()...)
		if ended != "exit 0" {
			t.Errorf("got %s, want exit 0", ended)
		}
		if !progressed.MatchString(text) {
			t.Errorf("got no line of progress in %q", text)
		}
		lines := picture(text)
		if !strings.HasPrefix(lines[0], "smtpprobe ") {
			t.Errorf("got the first line %q, want that of the result", lines[0])
		}
		for _, line := range lines {
			if strings.Contains(line, "session ") && strings.Contains(line, " of ") && strings.HasPrefix(line, "[") {
				t.Errorf("got %q left on the screen", line)
			}
			if len([]rune(line)) > 80 {
				t.Errorf("got a line of %d columns, want at most 80: %s", len([]rune(line)), line)
			}
		}
	})
	t.Run("-q says nothing", func(t *testing.T) {
		t.Parallel()
		text, _ := onTerminal(t, 80, nil, slow("-q")...)
		if progressed.MatchString(text) {
			t.Errorf("got a line of progress in %q", text)
		}
	})
	t.Run("-v says a line for every session", func(t *testing.T) {
		t.Parallel()
		text, _ := onTerminal(t, 80, nil, "demo", "-v", "--check", "nested-mail", "strict.example")
		if strings.Count(text, "mx.strict.example: session ") < 3 {
			t.Errorf("got fewer than three lines of sessions in %q", text)
		}
	})
	t.Run("while a receiver says nothing", func(t *testing.T) {
		t.Parallel()
		silent := receiver(t, lab.Silence())
		showsProgress(t, "127.0.0.1", quick(silent.Addr())...)
	})
	t.Run("while a nameserver says nothing", func(t *testing.T) {
		t.Parallel()
		ns := zone(t, lab.Zone{Faults: map[string]lab.ZoneFault{"silent.example": lab.ZoneSilent}})
		showsProgress(t, "resolving", "--resolver", ns, "silent.example")
	})
}

// showsProgress runs the program until its progress holds a word.
func showsProgress(t *testing.T, word string, args ...string) {
	t.Helper()
	s := newScreen(t, 80)
	p := program(t, args...)
	s.attach(p)
	p.Stdout, p.Stderr = s.slave, s.slave
	p.begin(t)
	s.slave.Close()
	defer func() {
		p.signal(t, os.Interrupt)
		p.end(t)
		<-s.done
	}()
	eventually(t, "there is progress on the terminal", func() bool { return strings.Contains(s.shown(), word) })
}

func TestTerminalWithoutASize(t *testing.T) {
	t.Parallel()
	for _, columns := range []uint16{0, 1, 20} {
		t.Run(fmt.Sprint(columns), func(t *testing.T) {
			t.Parallel()
			text, ended := onTerminal(t, columns, nil, slow()...)
			if ended != "exit 0" {
				t.Errorf("got %s, want exit 0; the terminal shows:\n%s", ended, text)
			}
			if !strings.Contains(text, "strict 503") {
				t.Errorf("got\n%s\nwant the result in it", text)
			}
		})
	}
}

func TestColours(t *testing.T) {
	t.Parallel()
	base := []string{"demo", "--check", "nested-mail", "strict.example"}
	for _, c := range []struct {
		name string
		env  []string
		args []string
		want bool
	}{
		{"a terminal", nil, nil, true},
		{"NO_COLOR", []string{"NO_COLOR=1"}, nil, false},
		{"NO_COLOR without a value", []string{"NO_COLOR="}, nil, true},
		{"--color never", nil, []string{"--color", "never"}, false},
		{"--color always before NO_COLOR", []string{"NO_COLOR=1"}, []string{"--color", "always"}, true},
		{"into a file", nil, []string{"-o", "/dev/stderr"}, false},
		{"JSON", nil, []string{"--format", "json", "--color", "always"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text, ended := onTerminal(t, 80, c.env, append(base, c.args...)...)
			if ended != "exit 0" {
				t.Errorf("got %s, want exit 0", ended)
			}
			if got := colours.MatchString(text); got != c.want {
				t.Errorf("got colours: %t, want %t, in %q", got, c.want, text)
			}
		})
	}
}

// TestOnlyStandardErrorIsATerminal: progress goes there, and the result into
// the pipe as if there were no terminal.
func TestOnlyStandardErrorIsATerminal(t *testing.T) {
	t.Parallel()
	s := newScreen(t, 80)
	p := program(t, slow()...)
	s.attach(p)
	p.Stderr = s.slave
	if got := s.run(t, p); got != "exit 0" {
		t.Errorf("got %s, want exit 0", got)
	}
	if !progressed.MatchString(s.shown()) {
		t.Errorf("got no progress in %q", s.shown())
	}
	if left := strings.Join(picture(s.shown()), ""); left != "" {
		t.Errorf("got %q left on the screen, want nothing", left)
	}
	if text := p.out.String(); colours.MatchString(text) || strings.Contains(text, "\r") || !strings.HasPrefix(text, "smtpprobe ") {
		t.Errorf("got %q on standard output, want the plain result", text)
	}
}

// TestWidth: the comparison of all receivers fits terminals of any usual width.
func TestWidth(t *testing.T) {
	t.Parallel()
	for _, columns := range []uint16{60, 80, 132} {
		t.Run(fmt.Sprint(columns), func(t *testing.T) {
			t.Parallel()
			text, _ := onTerminal(t, columns, nil, "demo", "--skip", "starttls-injection,pipeline-group")
			for _, line := range picture(text) {
				if got := len([]rune(line)); got > int(columns) {
					t.Errorf("got a line of %d columns, want at most %d: %s", got, columns, line)
				}
			}
		})
	}
}

// TestCtrlC: the key sends the signal, and what is known is shown.
func TestCtrlC(t *testing.T) {
	t.Parallel()
	silent := receiver(t, lab.Silence())
	strict := receiver(t)
	s := newScreen(t, 80)
	p := program(t, quick(strict.Addr(), silent.Addr())...)
	s.attach(p)
	p.Stdout, p.Stderr = s.slave, s.slave
	p.begin(t)
	s.slave.Close()
	eventually(t, "the silent receiver is met", func() bool { return silent.Ledger().Connections > 0 })
	if _, err := io.WriteString(s.master, "\x03"); err != nil && !errors.Is(err, syscall.EIO) {
		t.Fatal(err)
	}
	if got := p.end(t); got != "exit 130" {
		t.Errorf("got %s, want exit 130", got)
	}
	<-s.done
	if !strings.Contains(s.shown(), "503") || !strings.Contains(s.shown(), "interrupted") {
		t.Errorf("got\n%s\nwant what is known in it", s.shown())
	}
}
