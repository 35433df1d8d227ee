package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/report"
)

// sink is where a result goes: a stream, or a file that takes the place of an
// older one only when it is whole.
type sink struct {
	io.Writer
	format format
	style  report.Style
	file   *os.File
	label  string      // what the user calls it; empty for standard output
	name   string      // what the file is renamed to; empty: it is written in place
	mode   fs.FileMode // of the older one; 0: there is none

	stream *report.Stream // while an NDJSON is being written
	err    error          // the first one; nothing is written after it
}

// sinks are all places of one result. What goes wrong with one of them does the
// others no harm.
type sinks []*sink

// open opens the sinks before anything is probed, so that a run is not lost for
// want of a place to put it. Standard output comes last, as its reader may keep it
// waiting.
func (o *outputFlags) open(to []destination, out io.Writer) (all sinks, err error) {
	defer func() {
		if err != nil {
			all.discard()
		}
	}()
	if slices.ContainsFunc(to, func(d destination) bool { return d.file != standardOutput }) {
		// A reader who goes does no harm to the files: it is an error, and no signal.
		signal.Ignore(syscall.SIGPIPE)
	}
	for _, d := range to {
		s := &sink{Writer: out, format: d.format, style: o.style(out)}
		if d.file != standardOutput {
			if s, err = openFile(d); err != nil {
				return all, err
			}
			s.style = o.style(s)
		}
		all = append(all, s)
		if slices.ContainsFunc(all[:len(all)-1], s.same) {
			return all, usage("--output %s is there twice: want each file once", d.file)
		}
	}
	slices.SortStableFunc(all, func(a, b *sink) int { return a.turn() - b.turn() })
	return all, nil
}

func (s *sink) turn() int {
	if s.file == nil {
		return 1
	}
	return 0
}

// same reports whether both are the same file, or both standard output.
func (s *sink) same(other *sink) bool {
	return s.name == other.name && (s.name != "" || s.label == other.label)
}

func openFile(d destination) (*sink, error) {
	name, mode := d.file, fs.FileMode(0) // 0: as this process makes files
	if end, err := filepath.EvalSymlinks(name); err == nil {
		name = end // what a link leads to is written, and the link stays
	}
	if whole, err := filepath.Abs(name); err == nil {
		name = whole // by which a file is known that is there twice
	}
	info, err := os.Stat(name)
	if err == nil {
		mode = info.Mode().Perm()
	}
	if err == nil && !info.Mode().IsRegular() {
		f, openErr := os.OpenFile(d.file, os.O_WRONLY, 0)
		if openErr != nil {
			return nil, ending{exitUsage, fmt.Errorf("output: %w", openErr)}
		}
		return &sink{Writer: f, format: d.format, file: f, label: d.file}, nil
	}
	f, err := createBeside(name)
	if err != nil {
		return nil, ending{exitUsage, fmt.Errorf("output %s: cannot be written: %w", d.file, unnamed(err))}
	}
	return &sink{Writer: f, format: d.format, file: f, label: d.file, name: name, mode: mode}, nil
}

// createBeside creates an empty file in the folder of another one. Who may read it
// is what the process says of new files.
func createBeside(name string) (*os.File, error) {
	for {
		beside := fmt.Sprintf(".%s.%d", filepath.Base(name), rand.Uint32())
		f, err := os.OpenFile(filepath.Join(filepath.Dir(name), beside), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}

// unnamed is the error without the name of our own temporary file.
func unnamed(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}

// try does something with a sink that nothing has gone wrong with.
func (s *sink) try(do func() error) {
	if s.err != nil {
		return
	}
	if err := do(); err != nil {
		named := ""
		if s.label != "" {
			named = " " + s.label
		}
		s.err = fmt.Errorf("output%s: %w", named, unnamed(err))
	}
}

// place puts a whole file in its place. What it held is on the disk before that,
// so that not even a power cut leaves half of it under the name.
func (s *sink) place() error {
	if s.file == nil {
		return nil
	}
	var err error
	if s.name != "" {
		err = s.file.Sync()
	}
	if s.mode != 0 {
		err = errors.Join(err, s.file.Chmod(s.mode))
	}
	if err = errors.Join(err, s.file.Close()); err != nil {
		return err
	}
	if s.name != "" {
		err = os.Rename(s.file.Name(), s.name)
	}
	if err == nil {
		s.file = nil
	}
	return err
}

// discard leaves no half-written file behind.
func (all sinks) discard() {
	for _, s := range all {
		if s.file != nil {
			s.file.Close() //nolint:errcheck // it is thrown away
			if s.name != "" {
				os.Remove(s.file.Name()) //nolint:errcheck // it may be gone already
			}
		}
	}
}

// begin writes what is known before anything is measured, where a format has a
// place for it.
func (all sinks) begin(r report.Run) {
	for _, s := range all {
		if !s.format.streams() {
			continue
		}
		s.stream = report.NewStream(s, s.style.Transcript)
		s.try(func() error { return s.stream.Begin(r) })
		for _, d := range r.Domains {
			s.try(func() error { return s.stream.Domain(d) })
		}
	}
}

// receiver writes a receiver that is finished, as begin does.
func (all sinks) receiver(r probe.Report) {
	for _, s := range all {
		if s.format.streams() {
			s.try(func() error { return s.stream.Receiver(r) })
		}
	}
}

// end writes what is left to write, and puts the files in their places.
func (all sinks) end(complete bool, r report.Run) {
	for _, s := range all {
		s.try(func() error {
			if s.format.streams() {
				return s.stream.End(complete, r)
			}
			return s.format.write(s, r, s.style)
		})
		s.try(s.place)
	}
}

// text writes a text in place of a run.
func (all sinks) text(text string) {
	for _, s := range all {
		s.try(func() error { _, err := io.WriteString(s, text); return err })
		s.try(s.place)
	}
}

// lost reports whether nobody is left who would read a result.
func (all sinks) lost() bool {
	return !slices.ContainsFunc(all, func(s *sink) bool { return s.err == nil })
}

// err is what went wrong, a line for each sink.
func (all sinks) err() error {
	var errs []error
	for _, s := range all {
		errs = append(errs, s.err)
	}
	return errors.Join(errs...)
}
