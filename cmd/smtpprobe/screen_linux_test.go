package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// screen is a terminal, and what has been written to it.
type screen struct {
	master, slave *os.File
	done          chan struct{}

	mu   sync.Mutex
	text strings.Builder
}

// newScreen opens a terminal (ptmx(4)) with so many columns; with 0 its size is
// not known, as that of a terminal is which nobody told it.
func newScreen(t *testing.T, columns uint16) *screen {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	fd := int(master.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { slave.Close() })
	if columns > 0 {
		if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns}); err != nil {
			t.Fatal(err)
		}
	}
	s := &screen{master: master, slave: slave, done: make(chan struct{})}
	go s.watch()
	return s
}

// watch reads until no process has the terminal open any more (EIO).
func (s *screen) watch() {
	defer close(s.done)
	buffer := make([]byte, 4096)
	for {
		n, err := s.master.Read(buffer)
		s.mu.Lock()
		s.text.Write(buffer[:n])
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (s *screen) shown() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// attach makes the terminal that of a process, as a login would.
func (s *screen) attach(p *process) {
	p.Stdin = s.slave
	p.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	p.Env = append(p.Env, "TERM=xterm-256color")
}

// run starts the process, waits for its end, and returns how it ended.
func (s *screen) run(t *testing.T, p *process) string {
	t.Helper()
	p.begin(t)
	s.slave.Close()
	ended := p.end(t)
	<-s.done
	if strings.Contains(s.shown(), "goroutine ") || strings.Contains(s.shown(), "fault of smtpprobe") {
		t.Errorf("the program has a fault of its own:\n%s", s.shown())
	}
	return ended
}

// onTerminal runs the program with all of its streams on a terminal.
func onTerminal(t *testing.T, columns uint16, env []string, args ...string) (text, ended string) {
	t.Helper()
	s := newScreen(t, columns)
	p := program(t, args...)
	s.attach(p)
	p.Stdout, p.Stderr = s.slave, s.slave
	p.Env = append(p.Env, env...)
	ended = s.run(t, p)
	return s.shown(), ended
}

var (
	colours    = regexp.MustCompile("\x1b\\[[0-9;]*m")
	progressed = regexp.MustCompile(`\r\[\d+/\d+\] `)
)

// picture is what stays on the screen: a carriage return goes back to the
// beginning of the line, which is then written over.
func picture(text string) []string {
	var lines []string
	for line := range strings.SplitSeq(strings.ReplaceAll(colours.ReplaceAllString(text, ""), "\r\n", "\n"), "\n") {
		var cells []rune
		for part := range strings.SplitSeq(line, "\r") {
			for i, r := range []rune(part) {
				if i < len(cells) {
					cells[i] = r
				} else {
					cells = append(cells, r)
				}
			}
		}
		lines = append(lines, strings.TrimRight(string(cells), " "))
	}
	return lines
}
