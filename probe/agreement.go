package probe

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Kind says what several runs make of one check. Empty: there was nothing to
// compare, as no run, or only one, came to an answer.
type Kind string

// The kinds.
const (
	Deterministic Kind = "deterministic" // every run got the same answer: a retry does not help
	Flaky         Kind = "flaky"         // answers differ: a retry may get another one
	Transient     Kind = "transient"     // the answers agree, and some runs got none: a retry may help
)

// Agreement is what several runs say of one check. An answer is a verdict with
// its reply code; not-applicable is one too. Its zero value stands for a check
// that was not repeated.
type Agreement struct {
	Same int // runs with the most frequent answer
	Of   int // runs that came to an answer
	Runs int // runs that were made
	Kind Kind
	// Answers are the most frequent first; what came to none follows.
	Answers []Answer
	// ByBackend: each backend always gave the same answer, and another than some
	// other backend.
	ByBackend bool
	Run       int // the run whose reply and transcript are shown, from 1
}

// Answer is one answer to a check, or, with an inconclusive verdict, none.
type Answer struct {
	Verdict   Verdict
	Code      int // of the reply that decided; 0: none did
	Runs      []int
	Backends  []string // that gave it, by name
	Addresses []string // that gave it, where addresses are compared
	Torn      bool     // tries of one run disagreed
	Unasked   bool     // the check was not put to the receiver: that says nothing of it
	Reason    string   // of the last one, where there is no verdict
	Foreign   string   // the verdict in a report of another version, as in Result
}

// Settled reports whether it is an answer at all.
func (a Answer) Settled() bool { return a.Verdict != Inconclusive || a.Foreign != "" }

// String is the answer as texts show it: "strict (503)".
func (a Answer) String() string {
	switch {
	case a.Torn:
		return "tries that disagree"
	case a.Unasked:
		return "not asked"
	case a.Foreign != "":
		return a.Foreign
	case a.Code != 0 && a.Settled():
		return fmt.Sprintf("%s (%d)", a.Verdict, a.Code)
	}
	return a.Verdict.String()
}

// Known reports whether any run came to a verdict that says something.
func (a Agreement) Known() bool {
	return slices.ContainsFunc(a.Answers, func(w Answer) bool { return w.Verdict.Known() })
}

// sighting is what one run says of a check.
type sighting struct {
	run        int
	result     Result
	backend    string
	unasked    bool
	cut        bool            // the run did not come to its end
	held       map[string]bool // what was not asked in the run, or not all of it
	superseded bool            // a later run said the same, so that nothing of this one is shown
}

// torn reports whether the tries of the run disagreed.
func (s sighting) torn() bool { return s.result.Torn() }

// Torn reports whether it has no verdict because its tries disagree.
func (r Result) Torn() bool {
	return r.Verdict == Inconclusive && r.Foreign == "" && strings.HasPrefix(r.Reason, disagreement)
}

// answer is the sighting without what belongs to its run.
func (s sighting) answer() Answer {
	a := Answer{Verdict: s.result.Verdict, Foreign: s.result.Foreign, Torn: s.torn()}
	switch {
	case a.Verdict.Known() || a.Foreign != "":
		a.Code = s.result.Reply.Code
	case a.Verdict == Inconclusive && !a.Torn:
		a.Unasked = s.unasked
	}
	return a
}

func (a Answer) same(b Answer) bool {
	return a.Verdict == b.Verdict && a.Foreign == b.Foreign && a.Code == b.Code && a.Torn == b.Torn && a.Unasked == b.Unasked
}

// whole leaves out what an observation could not know: a run in which that was not
// asked which showed the fault of another run, or which did not come to its end.
func whole(seen []sighting) []sighting {
	if !seen[0].result.Check.Observes() {
		return seen
	}
	var faults []string // where they were seen
	for _, s := range seen {
		if v := s.result.Verdict; v.Known() && v != Correct {
			faults = append(faults, s.result.seenIn)
		}
	}
	seen = slices.Clone(seen)
	for i, s := range seen {
		v := s.result.Verdict
		unheard := s.cut || slices.ContainsFunc(faults, func(id string) bool { return s.held[id] })
		if len(faults) > 0 && unheard && (v == Correct || v == NotApplicable) {
			seen[i].unasked = true
			seen[i].result.Verdict, seen[i].result.Conformance = Inconclusive, ""
			seen[i].result.Reason = "less was asked in this run"
		}
	}
	return seen
}

// agreed joins what the runs say of one check to one result.
func agreed(seen []sighting, runs int) Result {
	seen = whole(seen)
	a := Agreement{Runs: runs, Answers: answers(seen)}
	unanswered, asked := false, 0
	var differing []Answer
	for _, w := range a.Answers {
		if !w.Unasked {
			asked += len(w.Runs)
		}
		switch {
		case w.Settled():
			a.Same, a.Of = max(a.Same, len(w.Runs)), a.Of+len(w.Runs)
			differing = append(differing, w)
		case w.Torn:
			differing = append(differing, w)
		case !w.Unasked:
			unanswered = true
		}
	}
	switch {
	case len(differing) > 1 || len(differing) == 1 && differing[0].Torn:
		a.Kind = Flaky
		a.ByBackend = followBackends(seen)
	case a.Of == 0:
	case unanswered:
		a.Kind = Transient
	case a.Of > 1:
		a.Kind = Deterministic
	}
	from := shown(seen, differing, asked)
	a.Run = from.run
	r := from.result
	r.Agreement, r.Again = a, false
	if len(differing) > 1 {
		r = divided(r, differing)
	}
	return r
}

// answers groups the sightings: answers before what is none, the most frequent
// first.
func answers(seen []sighting) []Answer {
	var all []Answer
	for _, s := range seen {
		w := s.answer()
		i := slices.IndexFunc(all, w.same)
		if i < 0 {
			i = len(all)
			all = append(all, w)
		}
		all[i].Runs = append(all[i].Runs, s.run)
		if s.backend != "" && !slices.Contains(all[i].Backends, s.backend) {
			all[i].Backends = append(all[i].Backends, s.backend)
		}
		if !w.Settled() {
			all[i].Reason = s.result.Reason
		}
	}
	rank := func(w Answer) int {
		switch {
		case w.Settled():
			return 0
		case w.Torn:
			return 1
		case !w.Unasked:
			return 2
		}
		return 3
	}
	slices.SortStableFunc(all, func(v, w Answer) int {
		return cmp.Or(cmp.Compare(rank(v), rank(w)), cmp.Compare(len(w.Runs), len(v.Runs)))
	})
	return all
}

// followBackends reports whether the answers differ between backends and never
// on one of them. Where no backend was met twice there is nothing to show it.
func followBackends(seen []sighting) bool {
	of := map[string]Answer{}
	again, differ := false, false
	for _, s := range seen {
		w := s.answer()
		if !w.Settled() && !w.Torn {
			continue
		}
		before, met := of[s.backend]
		if s.backend == "" || w.Torn || met && !before.same(w) {
			return false
		}
		again = again || met
		for _, other := range of {
			differ = differ || !other.same(w)
		}
		of[s.backend] = w
	}
	return again && differ
}

// shown is the sighting whose reply and transcript stand for all: the latest
// with the agreed answer; where answers differ, the latest one that deviates
// from the most frequent; and without any answer the latest that was asked for
// one. Where only codes differ the verdict stands, and so does the worst that it
// means for conformance.
func shown(seen []sighting, differing []Answer, asked int) sighting {
	switch len(differing) {
	case 0:
		last, _ := latest(seen, func(s sighting) bool { return asked == 0 || !s.answer().Unasked })
		return last
	case 1:
		agreed, _ := latest(seen, among(differing))
		return agreed
	}
	deviating, _ := latest(seen, among(differing[1:]))
	if oneVerdict(differing) {
		worse := func(s sighting) bool { return !s.superseded && badness(s) > badness(deviating) }
		if s, found := latest(seen, worse); found {
			return s
		}
	}
	return deviating
}

func latest(seen []sighting, is func(sighting) bool) (sighting, bool) {
	for _, s := range slices.Backward(seen) {
		if is(s) {
			return s, true
		}
	}
	return sighting{}, false
}

func among(answers []Answer) func(sighting) bool {
	return func(s sighting) bool { return slices.ContainsFunc(answers, s.answer().same) }
}

// oneVerdict reports whether the answers differ in their codes alone.
func oneVerdict(differing []Answer) bool {
	return !slices.ContainsFunc(differing, func(w Answer) bool { return w.Torn || w.Verdict != differing[0].Verdict })
}

func badness(s sighting) int {
	return slices.Index([]Conformance{Deviates, Violates}, s.result.Conformance)
}

// divided is a result whose runs differ. Verdicts that differ are no verdict;
// the same verdict with different codes is one.
func divided(r Result, differing []Answer) Result {
	words := make([]string, len(differing))
	for i, w := range differing {
		words[i] = fmt.Sprintf("%s in %d", w, len(w.Runs))
	}
	words[0] += fmt.Sprintf(" of %d runs", r.Agreement.Runs)
	said := string(Flaky) + ": " + strings.Join(words, ", ")
	if r.Agreement.ByBackend {
		said += "; each backend always gives the same answer"
	}
	switch {
	case !oneVerdict(differing):
		r.Verdict, r.Conformance = Inconclusive, ""
	case r.Reason != "":
		said += "; " + r.Reason
	}
	r.Reason = said
	return r
}
