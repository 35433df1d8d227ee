package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/smtpprobe/smtpprobe/report/journal"
)

// scanOutput is where the lines of a scan go: a journal that can be gone on with,
// or a stream, which cannot.
type scanOutput struct {
	io.Writer
	label   string           // what the user calls it; empty: standard output
	journal *journal.Journal // nil: a stream
	device  *os.File         // a stream that has a name
}

// openOutput opens the output. A name that is no file, such as /dev/stdout, is a
// stream.
func (f *scanFlags) openOutput(out io.Writer, command map[string]string) (*scanOutput, error) {
	// A reader who went is an error of writing like any other, and not a signal.
	signal.Ignore(syscall.SIGPIPE)
	if f.toStdout() {
		return &scanOutput{Writer: out}, nil
	}
	if info, err := os.Stat(f.file); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		device, err := os.OpenFile(f.file, os.O_WRONLY, 0)
		if err != nil {
			return nil, ending{exitUsage, fmt.Errorf("output: %w", err)}
		}
		return &scanOutput{Writer: device, label: f.file, device: device}, nil
	}
	if list, err := os.Stat(command["list"]); err == nil {
		if old, err := os.Stat(f.file); err == nil && os.SameFile(list, old) {
			return nil, usage("--output %s is the list itself, whose place the result would take: name another file", f.file)
		}
	}
	j, err := journal.Open(f.file, command, f.restart)
	if err != nil {
		return nil, ending{exitUsage, fmt.Errorf("output: %w", err)}
	}
	return &scanOutput{Writer: j, label: f.file, journal: j}, nil
}

// finish puts a whole report in its place.
func (o *scanOutput) finish() error {
	switch {
	case o.journal != nil:
		return o.journal.Finish()
	case o.device != nil:
		return o.device.Close()
	}
	return nil
}

// leave ends a report that is not whole.
func (o *scanOutput) leave() error {
	switch {
	case o.journal != nil:
		return o.journal.Leave()
	case o.device != nil:
		return o.device.Close()
	}
	return nil
}

// goOn says how to go on; empty for a stream, and where nothing was written.
func (o *scanOutput) goOn() string {
	if o.journal == nil || !o.journal.Kept() {
		return ""
	}
	return fmt.Sprintf("the same command goes on with %s", o.journal.Part())
}

// unwritten is an error of the output, as the user is told it; nil where nobody
// is there to be told: the reader of a pipe who went knows.
func (o *scanOutput) unwritten(err error) error {
	if errors.Is(err, syscall.EPIPE) && o.journal == nil {
		return nil
	}
	text := "output"
	if o.label != "" {
		text += " " + o.label
	}
	if next := o.goOn(); next != "" {
		return fmt.Errorf("%s: %w; %s", text, unnamed(err), next)
	}
	return fmt.Errorf("%s: %w", text, unnamed(err))
}
