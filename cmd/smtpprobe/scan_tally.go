package main

import (
	"fmt"
	"slices"

	"github.com/smtpprobe/smtpprobe/probe"
)

// tally is what the exit code needs of all results.
type tally struct {
	failed   bool // --fail-on matched
	measured bool
	verdicts map[string]int
	tried    int // receivers on port 25
	silent   int // those of them to which there was no connection at all
}

// met counts a receiver.
func (t *tally) met(r probe.Receiver, s probe.Status) {
	if r.Port != 25 || s == probe.StatusSkipped || s == probe.StatusInterrupted {
		return
	}
	t.tried++
	if s == probe.StatusUnreachable {
		t.silent++
	}
}

// blocked says what is likely where nobody can be reached.
func (t *tally) blocked() error {
	const enough = 2
	if t.tried < enough || t.silent < t.tried {
		return nil
	}
	return fmt.Errorf("none of %d receivers could be reached on port 25: outbound connections to it are probably blocked here", t.tried)
}

func (t *tally) count(o *outputFlags, verdict, conformance string) {
	t.failed = t.failed || slices.Contains(o.failOn, verdict) || slices.Contains(o.failOn, conformance)
	t.measured = t.measured || verdict != probe.Inconclusive.String() && verdict != probe.NotApplicable.String()
	if t.verdicts == nil {
		t.verdicts = map[string]int{}
	}
	t.verdicts[verdict]++
}
