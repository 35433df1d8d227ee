package checks_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/run"
)

// row is one receiver and what one check has to say of it, by the check's card
// in the catalogue of rules. The tables stand in one file a group, as the checks
// do.
type row struct {
	check string
	name  string // of the receiver

	lapses     []lab.Lapse
	extensions []string      // nil: the default ones
	greets     time.Duration // how long the receiver listens first; 0: the default
	implicit   bool          // TLS from the first octet
	tls        run.TLS       // empty: auto
	box        *middlebox
	from       string   // of the operator; empty: none
	among      bool     // it is about a check that shares its session with others
	try        []string // a transcript by hand in place of a run; see transcript_test.go

	verdict probe.Verdict
	says    []probe.Conformance // one of these; empty where nothing is known
	reason  string              // a part of the reason; always given where nothing is known
}

func conforms() []probe.Conformance    { return []probe.Conformance{probe.Conforms} }
func deviates() []probe.Conformance    { return []probe.Conformance{probe.Deviates} }
func violates() []probe.Conformance    { return []probe.Conformance{probe.Violates} }
func unregulated() []probe.Conformance { return []probe.Conformance{probe.Unregulated} }

// noFault is for what no card calls a fault, and none says outright is right.
func noFault() []probe.Conformance { return []probe.Conformance{probe.Conforms, probe.Unregulated} }

func rows() []row {
	all := slices.Concat(
		greetingRows(), sequenceRows(), dataRows(), transactionRows(), starttlsRows(), tlsRows(),
		groupRows(), groupRefusedRows(), framingRows(),
	)
	for _, group := range groups() {
		all = append(all, group.rows...)
	}
	return all
}

func (r row) result(t *testing.T) probe.Result {
	t.Helper()
	if r.try != nil {
		return decideByHand(t, r.check, r.try)
	}
	receiver := lab.Receiver{Lapses: r.lapses, Extensions: r.extensions, ImplicitTLS: r.implicit, GreetDelay: r.greets}
	a := askThrough(t, receiver, r.box, func(o *run.Options) {
		if !r.among {
			o.Selected = []probe.Check{*probe.CheckByID(o.Catalogue, r.check)}
		}
		if r.from != "" {
			o.Wire.Values.From = r.from
		}
		switch {
		case r.implicit:
			o.TLS = run.Implicit
		case r.tls != "":
			o.TLS = r.tls
		}
	})
	sound(t, a)
	return of(t, a.report, r.check)
}

// TestVerdicts holds every row of the tables.
func TestVerdicts(t *testing.T) {
	for _, r := range rows() {
		t.Run(r.check+"/"+r.name, func(t *testing.T) {
			t.Parallel()
			got := r.result(t)
			if got.Verdict != r.verdict {
				t.Errorf("got %s (%s), want %s", got.Verdict, got.Reason, r.verdict)
			}
			if r.verdict.Known() && got.Verdict == r.verdict && !slices.Contains(r.says, got.Conformance) {
				t.Errorf("got %q, want one of %q", got.Conformance, r.says)
			}
			if !strings.Contains(got.Reason, r.reason) {
				t.Errorf("got the reason %q, want one that says %q", got.Reason, r.reason)
			}
			if t.Failed() {
				show(t, got)
			}
		})
	}
}

// TestEveryCheckCatchesAndPasses holds that no check is a decoration: a row of each
// finds a fault with a receiver, and another one finds none.
func TestEveryCheckCatchesAndPasses(t *testing.T) {
	catches, passes := map[string]bool{}, map[string]bool{}
	for _, r := range rows() {
		switch r.verdict {
		case probe.Strict, probe.Correct:
			passes[r.check] = true
		case probe.Lenient, probe.Deviant, probe.Overstrict, probe.Broken:
			catches[r.check] = catches[r.check] || len(r.lapses) > 0 || r.box != nil
		}
	}
	for _, c := range checks.All() {
		if !catches[c.ID] {
			t.Errorf("%s: no row in which it finds a fault with a receiver that has a lapse, or a middlebox before it", c.ID)
		}
		if !passes[c.ID] {
			t.Errorf("%s: no row in which it finds none", c.ID)
		}
	}
}

// TestRowsAreComplete holds that every meaning of every check is reached by a
// row, that every row is of a check and a meaning that exist, and that a row
// says what it must.
func TestRowsAreComplete(t *testing.T) {
	reached := map[string]map[probe.Verdict]bool{}
	names := map[string]bool{}
	for _, r := range rows() {
		name := r.check + "/" + r.name
		if names[name] {
			t.Errorf("%s: two rows of this name", name)
		}
		names[name] = true
		if reached[r.check] == nil {
			reached[r.check] = map[probe.Verdict]bool{}
		}
		reached[r.check][r.verdict] = true
		if r.verdict.Known() == (len(r.says) == 0) {
			t.Errorf("%s: got the conformances %q for %s, want some where and only where something is known", name, r.says, r.verdict)
		}
		if !r.verdict.Known() && r.reason == "" {
			t.Errorf("%s: got no reason for %s, want a part of one", name, r.verdict)
		}
	}
	for _, c := range checks.All() {
		for _, m := range c.Judge.Meanings {
			if !reached[c.ID][m.Verdict] {
				t.Errorf("%s: no row reaches %s (%s)", c.ID, m.Verdict, m.When)
			}
		}
		delete(reached, c.ID)
	}
	for id := range reached {
		t.Errorf("%s: has rows, and is no check", id)
	}
}
