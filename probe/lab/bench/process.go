package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The cores of the two sides. On a machine with one core both share it.
const (
	toolCore = 0
	sinkCore = 1
)

// usage is what a process cost.
type usage struct {
	cpu  time.Duration // user and system
	wall time.Duration
	peak int // resident memory at most, in octets
	out  string
}

// command is a program of the bench, or smtpprobe itself.
func (b *bench) command(name string, args ...string) *exec.Cmd {
	folder := filepath.Join(b.bin, "bench")
	if name == "smtpprobe" {
		folder = b.bin
	}
	return exec.Command(filepath.Join(folder, name), args...)
}

// spend runs a program on the core of the tool.
func (b *bench) spend(name string, args ...string) (usage, error) {
	cmd := b.command(name, args...)
	var out, said strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &said
	begun := time.Now()
	if err := startOn(toolCore, cmd); err != nil {
		return usage{}, err
	}
	return spent(cmd, begun, &out, &said)
}

// spent waits for a program. Exit codes of smtpprobe are no failures of its
// process, but for those of bad usage.
func spent(cmd *exec.Cmd, begun time.Time, out, said *strings.Builder) (usage, error) {
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() < 0 || exit.ExitCode() == 2 || filepath.Base(cmd.Path) != "smtpprobe") {
		return usage{}, fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, strings.TrimSpace(said.String()))
	}
	u := usage{wall: time.Since(begun), out: out.String()}
	u.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		u.peak = int(r.Maxrss) << 10
	}
	return u, nil
}

// startOn starts a program on one core: a process begins on the cores of the
// thread that starts it.
func startOn(core int, cmd *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var all, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return err
	}
	one.Set(core % runtime.NumCPU())
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return err
	}
	return errors.Join(cmd.Start(), unix.SchedSetaffinity(0, &all))
}

// resident is the resident memory of a process, in octets; 0 where it has ended.
func resident(pid int) int {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(status), "VmRSS:")
	kib, err := strconv.Atoi(strings.TrimSpace(strings.SplitN(after, "kB", 2)[0]))
	if err != nil {
		return 0
	}
	return kib << 10
}

// sink is a sink at work.
type sink struct {
	cmd     *exec.Cmd
	stop    io.Closer
	port    string
	control string
	zone    string
}

// counters are what the sink counted.
type counters struct{ Connections, Commands, Handshakes int }

// startSink starts a sink on its core; end it with close.
func (b *bench) startSink(args ...string) (*sink, error) {
	cmd := b.command("sink", args...)
	cmd.Stderr = os.Stderr
	stop, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err = startOn(sinkCore, cmd); err != nil {
		return nil, err
	}
	s := &sink{cmd: cmd, stop: stop}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err == nil {
		_, err = fmt.Sscan(line, &s.port, &s.control, &s.zone)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the sink did not start: %w", err), s.close())
	}
	return s, nil
}

func (s *sink) close() error { return errors.Join(s.stop.Close(), s.cmd.Wait()) }

func (s *sink) read() (counters, error) {
	conn, err := net.Dial("tcp", s.control)
	if err != nil {
		return counters{}, fmt.Errorf("read the counters: %w", err)
	}
	defer conn.Close()
	var c counters
	if err = json.NewDecoder(conn).Decode(&c); err != nil {
		return c, fmt.Errorf("read the counters: %w", err)
	}
	return c, nil
}

// counting returns what the sink counted while something was done.
func (s *sink) counting(do func() error) (counters, error) {
	before, err := s.read()
	if err != nil {
		return before, err
	}
	if err = do(); err != nil {
		return before, err
	}
	after, err := s.read()
	return counters{
		Connections: after.Connections - before.Connections,
		Commands:    after.Commands - before.Commands,
		Handshakes:  after.Handshakes - before.Handshakes,
	}, err
}

// targets writes a file of receivers at the sink, each with an address of its own.
func (s *sink) targets(n int) (string, error) {
	var list strings.Builder
	for i := range n {
		fmt.Fprintf(&list, "127.1.%d.%d:%s\n", i/250, i%250+1, s.port)
	}
	return write("targets", list.String())
}

// remove takes a folder of this run away; what is left behind is small.
func remove(folder string) { _ = os.RemoveAll(folder) }

// write makes a file that goes with its folder.
func write(name, text string) (string, error) {
	folder, err := os.MkdirTemp("", "smtpprobe-bench-")
	if err != nil {
		return "", err
	}
	file := filepath.Join(folder, name)
	return file, os.WriteFile(file, []byte(text), 0o600)
}
