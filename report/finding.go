package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
)

// shared is something that is true of some receivers: words, and the numbers
// of those receivers.
type shared struct {
	words string
	of    []int
}

// share collects what is said of each receiver; equal words are said once. The
// order is that of their first receiver.
func share(columns []numbered, say func(numbered) string) []shared {
	var all []shared
	for _, n := range columns {
		words := say(n)
		if words == "" {
			continue
		}
		i := slices.IndexFunc(all, func(s shared) bool { return s.words == words })
		if i < 0 {
			i = len(all)
			all = append(all, shared{words: words})
		}
		all[i].of = append(all[i].of, n.number)
	}
	return all
}

// among names the receivers, unless it is all of them.
func among(numbers []int, columns []numbered) string {
	if len(numbers) == len(columns) {
		return ""
	}
	words := make([]string, len(numbers))
	for i, n := range numbers {
		words[i] = fmt.Sprint(n)
	}
	return fmt.Sprintf(" (%s)", strings.Join(words, ", "))
}

func join(all []shared, columns []numbered, separator string) string {
	words := make([]string, len(all))
	for i, s := range all {
		words[i] = s.words + among(s.of, columns)
	}
	return strings.Join(words, separator)
}

// violations lists the results that violate a MUST, with the rule.
func (p page) violations(order []probe.Check, columns []numbered) {
	begun := false
	for i := range order {
		c := &order[i]
		found := share(columns, func(n numbered) string {
			r, ran := n.results[c.ID]
			if !ran || r.Conformance != probe.Violates {
				return ""
			}
			return verdictWords(r)
		})
		if len(found) == 0 {
			continue
		}
		if !begun {
			p.heading("Violations of a MUST")
			begun = true
		}
		p.text(c.ID + ": " + join(found, columns, "; "))
		p.hang("  ", fmt.Sprintf("%s (%s)", sentence(tidy(c.Norm)), references(c.Refs)))
	}
}

// verdictWords is a verdict with its reply and what the judge adds.
func verdictWords(r probe.Result) string {
	words := r.Verdict.String()
	if r.Reply.Code != 0 {
		words += fmt.Sprintf(" %d", r.Reply.Code)
	}
	if r.Reason != "" {
		words += ", " + remark(r.Reason, longReason)
	}
	return words
}

func references(refs []probe.Ref) string {
	words := make([]string, len(refs))
	for i, r := range refs {
		words[i] = string(r)
	}
	return tidy(strings.Join(words, ", "))
}

// unsaid is a reason why a verdict is not known, and the checks that share it.
type unsaid struct {
	mark, reason string
	of           []int
	checks       []string
}

// unknown lists why nothing is known, each reason once.
func (p page) unknown(order []probe.Check, columns []numbered) {
	p.because("Inconclusive, and why", p.reasons(probe.Inconclusive, order, columns), columns)
	p.because("Not applicable, and why", p.reasons(probe.NotApplicable, order, columns), columns)
}

func (p page) because(title string, reasons []unsaid, columns []numbered) {
	if len(reasons) == 0 {
		return
	}
	p.heading(title)
	for _, u := range reasons {
		p.hang(u.mark+" ", fmt.Sprintf("%s%s: %s", u.reason, among(u.of, columns), strings.Join(u.checks, ", ")))
	}
}

func (p page) reasons(v probe.Verdict, order []probe.Check, columns []numbered) []unsaid {
	var all []unsaid
	for _, c := range order {
		found := share(columns, func(n numbered) string {
			r, ran := n.results[c.ID]
			switch {
			case !ran || r.Verdict != v:
				return ""
			case r.Reason == "":
				return "no reason was given"
			}
			return remark(r.Reason, longReason)
		})
		for _, s := range found {
			i := slices.IndexFunc(all, func(u unsaid) bool { return u.reason == s.words && slices.Equal(u.of, s.of) })
			if i < 0 {
				i = len(all)
				all = append(all, unsaid{mark: p.mark(v), reason: s.words, of: s.of})
			}
			all[i].checks = append(all[i].checks, c.ID)
		}
	}
	return all
}
