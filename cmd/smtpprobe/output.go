package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/report"
)

// outputFlags say where a result goes and how it looks.
type outputFlags struct {
	format     string
	file       string
	transcript bool
	color      string
	ascii      bool
	quiet      bool
	verbose    bool
	failOn     words
}

func (o *outputFlags) register(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.format, "format", "table", "table, json or ndjson")
	f.StringVarP(&o.file, "output", "o", "", "write the result to `FILE`")
	f.BoolVar(&o.transcript, "transcript", false, "show what was said in each check")
	f.StringVar(&o.color, "color", "auto", "auto, always or never")
	f.BoolVar(&o.ascii, "ascii", false, "draw with ASCII only")
	o.registerNotes(f)
}

// registerNotes registers the flags about what is said beside the result.
func (o *outputFlags) registerNotes(f *pflag.FlagSet) {
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no progress and no notes on standard error")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "a line on standard error for every session")
	f.Var(&o.failOn, "fail-on", "exit 1 on these verdicts, or on deviates or violates (`WORD,...`)")
}

func (o *outputFlags) check() error {
	switch {
	case !slices.Contains([]string{"table", "json", "ndjson"}, o.format):
		return usage("--format %q: want table, json or ndjson", o.format)
	case !slices.Contains([]string{"auto", "always", "never"}, o.color):
		return usage("--color %q: want auto, always or never", o.color)
	}
	return o.checkNotes()
}

func (o *outputFlags) checkNotes() error {
	for _, word := range o.failOn {
		if !slices.Contains(failWords(), word) {
			return usage("--fail-on %q: want a verdict, deviates or violates%s", word, suggestion(word, failWords(), "; did you mean %q?"))
		}
	}
	return nil
}

func failWords() []string {
	words := []string{string(probe.Deviates), string(probe.Violates)}
	for _, v := range probe.Verdicts() {
		words = append(words, v.String())
	}
	return words
}

// fails reports whether --fail-on matches any result.
func (o *outputFlags) fails(reports []probe.Report) bool {
	for _, r := range reports {
		for _, res := range r.Results {
			if o.failsOn(res.Verdict.String(), string(res.Conformance)) {
				return true
			}
		}
	}
	return false
}

// failsOn reports whether --fail-on names the verdict or the conformance.
func (o *outputFlags) failsOn(verdict, conformance string) bool {
	return slices.Contains(o.failOn, verdict) || slices.Contains(o.failOn, conformance)
}

// terminal is the file behind a stream where that is a terminal.
func terminal(w any) (*os.File, bool) {
	f, ok := w.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd()))
}

// style is how a table looks on the stream.
func (o *outputFlags) style(out io.Writer) report.Style {
	s := report.Style{Color: o.color == "always", ASCII: o.ascii, Width: 80, Transcript: o.transcript}
	if f, ok := terminal(out); ok && o.file == "" {
		s.Width = screenWidth(f)
		s.Color = s.Color || o.color == "auto" && os.Getenv("NO_COLOR") == ""
	}
	return s
}

// sink is where a result goes: a stream, or a file that takes the place of an
// older one only when it is whole.
type sink struct {
	io.Writer
	file  *os.File
	label string // what the user calls it
	name  string // what the file is renamed to; empty: it is written in place
	mode  fs.FileMode
}

// open opens the sink before anything is probed, so that a run is not lost for
// want of a place to put it.
func (o *outputFlags) open(out io.Writer) (*sink, error) {
	if o.file == "" {
		return &sink{Writer: out}, nil
	}
	name, mode := o.file, fs.FileMode(0o644)
	if end, err := filepath.EvalSymlinks(name); err == nil {
		name = end // what a link leads to is written, and the link stays
	}
	info, err := os.Stat(name)
	if err == nil {
		mode = info.Mode().Perm()
	}
	if err == nil && !info.Mode().IsRegular() {
		f, openErr := os.OpenFile(o.file, os.O_WRONLY, 0)
		if openErr != nil {
			return nil, ending{exitUsage, fmt.Errorf("output: %w", openErr)}
		}
		return &sink{Writer: f, file: f, label: o.file}, nil
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return nil, ending{exitUsage, fmt.Errorf("output %s: cannot be written: %w", o.file, unnamed(err))}
	}
	return &sink{Writer: f, file: f, label: o.file, name: name, mode: mode}, nil
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

// finish puts a whole file in its place.
func (s *sink) finish() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	if err == nil && s.name != "" {
		err = os.Chmod(s.file.Name(), s.mode)
	}
	if err == nil && s.name != "" {
		err = os.Rename(s.file.Name(), s.name)
	}
	if err == nil {
		s.file = nil
	}
	return err
}

// named is the file with a space before it; empty for a stream.
func (s *sink) named() string {
	if s.label == "" {
		return ""
	}
	return " " + s.label
}

// discard leaves no half-written file behind.
func (s *sink) discard() {
	if s.file != nil {
		s.file.Close() //nolint:errcheck // it is thrown away
		if s.name != "" {
			os.Remove(s.file.Name()) //nolint:errcheck // it may be gone already
		}
	}
}
