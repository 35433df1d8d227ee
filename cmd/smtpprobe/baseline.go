package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/report"
)

// change is the word of --fail-on for what differs from the baseline.
const change = "change"

// expectations are what a result is held against: an older report, and the
// departures that the user knows of.
type expectations struct {
	baseline string // the file of the report; empty: none
	accept   string // the file of the departures; empty: none

	old      *report.Run
	accepted report.Departures
}

func (e *expectations) register(f *pflag.FlagSet) {
	f.StringVar(&e.baseline, "baseline", "", "say what changed since this stored report, JSON or NDJSON (`FILE`)")
	e.registerAccept(f)
	onlyTyped(f, "baseline")
}

func (e *expectations) registerAccept(f *pflag.FlagSet) {
	f.StringVar(&e.accept, "accept", "", "departures that do not count for --fail-on: `FILE` of lines 'HOST CHECK VERDICT REASON'")
}

func (e *expectations) check(words []string) error {
	switch {
	case e.baseline == "" && slices.Contains(words, change):
		return usage("--fail-on change: want --baseline FILE, the report to compare with")
	case e.baseline == "-":
		return usage("--baseline -: want a file")
	}
	return nil
}

// load reads the files, before anything is probed.
func (e *expectations) load(ctx context.Context, s streams) error {
	if e.baseline != "" {
		old, err := readReport(ctx, e.baseline, s.in)
		if err != nil {
			return err
		}
		e.old = &old
	}
	if e.accept == "" {
		return nil
	}
	f, err := os.Open(e.accept)
	if err != nil {
		return ending{exitUsage, fmt.Errorf("--accept: %w", err)}
	}
	defer f.Close() //nolint:errcheck // it was only read
	if e.accepted, err = report.ReadDepartures(f, checks.All()); err != nil {
		return ending{exitUsage, fmt.Errorf("--accept %s: %w", e.accept, err)}
	}
	return nil
}

// changes are those since the baseline; nil where there is none.
func (e *expectations) changes(today report.Run) *report.Changes {
	if e.old == nil {
		return nil
	}
	c := e.accepted.Apply(report.Diff(*e.old, today))
	return &c
}

// unused says which accepted departures are gone, and of which nothing is known.
func (e *expectations) unused(today report.Run) []string {
	var said []string
	gone, untold := e.accepted.Unmet(today)
	for _, d := range gone {
		said = append(said, fmt.Sprintf("--accept %s line %d: nothing is %s %s at %s any more", e.accept, d.Line, d.Check, d.Verdict, d.Pattern))
	}
	var lines []string
	for _, d := range untold {
		lines = append(lines, fmt.Sprint(d.Line))
	}
	if len(lines) > 0 {
		said = append(said, fmt.Sprintf("--accept %s: not measured in this run: line %s", e.accept, strings.Join(lines, ", ")))
	}
	return said
}

// expected says on standard error what of the expectations the result does not.
func (j *job) expected() {
	e := &j.flags.output.expected
	notes := e.unused(j.result)
	shows := func(d destination) bool { return slices.Contains([]string{"table", "json", "ndjson"}, d.format.name) }
	if c := j.result.Changes; c != nil && !slices.ContainsFunc(j.to, shows) {
		notes = append(notes, fmt.Sprintf("%d changes since %s, of which %d accepted; 'smtpprobe diff' shows them",
			len(c.All), e.baseline, len(c.All)-c.Counted()))
	}
	for _, n := range notes {
		fmt.Fprintf(j.streams.err, "smtpprobe: %s\n", visible(n)) //nolint:errcheck // there is nowhere left to say it
	}
}

// untold is why a run that --fail-on change would pass tells nothing of changes;
// nil where it does.
func (e *expectations) untold(words []string, r report.Run) error {
	c := r.Changes
	if !slices.Contains(words, change) || c == nil || len(c.All) > 0 || c.Compared > 0 {
		return nil
	}
	return fmt.Errorf("--fail-on change: this run and %s have measured no receiver in common", e.baseline)
}

// fails reports whether any of the words of --fail-on holds for the run.
func (e *expectations) fails(words []string, r report.Run) bool {
	if slices.Contains(words, change) && r.Changes != nil && r.Changes.Counted() > 0 {
		return true
	}
	for _, rcv := range r.Receivers {
		for _, res := range rcv.Results {
			named := slices.Contains(words, res.Verdict.String()) || slices.Contains(words, string(res.Conformance))
			if named && e.accepted.Accept(rcv.Receiver, res) == "" {
				return true
			}
		}
	}
	return false
}
