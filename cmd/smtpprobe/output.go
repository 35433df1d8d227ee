package main

import (
	"io"
	"os"
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
	files      []string
	transcript bool
	color      string
	ascii      bool
	quiet      bool
	verbose    bool
	failOn     words
	expected   expectations
	flags      *pflag.FlagSet // to tell a format that was typed from a setting
}

func (o *outputFlags) register(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	o.registerFiles(f, formatNames()+" (table; for a file, what its name says)", "run.csv")
	f.BoolVar(&o.transcript, "transcript", false, "show what was said in each check")
	o.registerLook(f)
	o.registerNotes(f)
}

// registerFiles registers the flags about where a result goes, and in which
// formats.
func (o *outputFlags) registerFiles(f *pflag.FlagSet, formats, example string) {
	o.flags = f
	f.StringVar(&o.format, "format", "", formats)
	f.StringArrayVarP(&o.files, "output", "o", nil, "write the result to `FILE`, such as "+example+"; give it again for more files of one run; - is standard output")
}

// registerLook registers the flags about how a table looks.
func (o *outputFlags) registerLook(f *pflag.FlagSet) {
	f.StringVar(&o.color, "color", "auto", "auto, always or never")
	f.BoolVar(&o.ascii, "ascii", false, "draw with ASCII only")
}

// registerNotes registers the flags about what is said beside the result.
func (o *outputFlags) registerNotes(f *pflag.FlagSet) {
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no progress and no notes on standard error")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "a line on standard error for every session")
	onlyTyped(f, "output")
	f.Var(&o.failOn, "fail-on", "exit 1 on these verdicts, or on deviates, violates or change (`WORD,...`)")
}

func (o *outputFlags) check() error {
	if !slices.Contains(colors(), o.color) {
		return usage("--color %q: want auto, always or never", o.color)
	}
	return o.checkNotes()
}

func (o *outputFlags) checkNotes() error {
	for _, word := range o.failOn {
		if !slices.Contains(failWords(), word) {
			return usage("--fail-on %q: want a verdict, deviates, violates or change%s", word, suggestion(word, failWords(), "; did you mean %q?"))
		}
	}
	return o.expected.check(o.failOn)
}

func colors() []string { return []string{"auto", "always", "never"} }

func failWords() []string {
	words := []string{string(probe.Deviates), string(probe.Violates), change}
	for _, v := range probe.Verdicts() {
		words = append(words, v.String())
	}
	return words
}

// terminal is the file behind a stream where that is a terminal.
func terminal(w any) (*os.File, bool) {
	f, ok := w.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd()))
}

// style is how the result looks on the stream: only a terminal has a width and
// colours that nobody asked for.
func (o *outputFlags) style(out io.Writer) report.Style {
	s := report.Style{Color: o.color == "always", ASCII: o.ascii, Width: 80, Transcript: o.transcript}
	if f, ok := terminal(out); ok {
		s.Width = screenWidth(f)
		s.Color = s.Color || o.color == "auto" && os.Getenv("NO_COLOR") == ""
	}
	return s
}
