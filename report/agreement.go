package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
)

// agreement says below the table whether the runs agree: one line where they
// do, and otherwise which checks differ, between which runs, backends and
// addresses, and whether a retry would help.
func (p page) agreement(run Run, all []numbered) {
	if run.Repeat < 2 {
		return
	}
	columns := slices.DeleteFunc(slices.Clone(all), func(n numbered) bool { return !n.judged() || len(n.Rounds) == 0 })
	if len(columns) == 0 {
		return
	}
	made := 0
	for _, n := range columns {
		made = max(made, len(n.Rounds))
	}
	p.heading(fmt.Sprintf("Do the answers stay? %d runs, %s apart", run.Repeat, run.Interval))
	if made < run.Repeat {
		p.text(fmt.Sprintf("Runs that were made: %d of %d.", made, run.Repeat))
	}
	for _, s := range share(columns, unison) {
		p.text(s.words + among(s.of, columns) + ".")
	}
	for _, n := range columns {
		if unison(n) == "" {
			p.exceptions(n, len(columns) > 1)
		}
	}
	p.differences(probe.Differences(run.Receivers))
	p.counsel(columns)
}

// unison says that the answers of a receiver were the same in all runs, or that
// there was nothing to compare; empty where neither is so.
func unison(n numbered) string {
	runs := len(n.Rounds)
	switch {
	case runs == 1:
		return "One run alone: there is nothing to compare"
	case agreeing(n) == len(n.Results):
		return fmt.Sprintf("All %s agreed in %d of %d runs (agree: %d/%d): a retry does not help", plural(len(n.Results), "check"), runs, runs, runs, runs)
	}
	return ""
}

// agreeing counts the checks whose answer was the same in all runs.
func agreeing(n numbered) int {
	count := 0
	for _, r := range n.Results {
		if exception(r.Agreement) == "" {
			count++
		}
	}
	return count
}

// exceptions lists what keeps a receiver from agreeing with itself: runs that
// did not come to their end, and checks, together where the same is true of
// them.
func (p page) exceptions(n numbered, named bool) {
	runs := len(n.Rounds)
	lead := fmt.Sprintf("%d of %d checks agreed in %d of %d runs (agree: %d/%d).", agreeing(n), len(n.Results), runs, runs, runs, runs)
	if named {
		lead = n.heading() + ": " + lead
	}
	p.text(lead)
	var lines []string
	for _, r := range n.Rounds {
		if r.Status != probe.StatusOK {
			lines = append(lines, remark(fmt.Sprintf("run %d: %s: %s", r.Run, statusWords(r.Status), r.Reason), longReason))
		}
	}
	var found []unsaid
	for _, r := range n.Results {
		words := exception(r.Agreement)
		if words == "" {
			continue
		}
		i := slices.IndexFunc(found, func(u unsaid) bool { return u.reason == words })
		if i < 0 {
			i = len(found)
			found = append(found, unsaid{reason: words})
		}
		found[i].checks = append(found[i].checks, r.Check.ID)
	}
	for _, u := range found {
		lines = append(lines, strings.Join(u.checks, ", ")+": "+u.reason)
	}
	for _, l := range lines {
		p.hang("  ", sentence(l))
	}
}

// exception says how the runs differ on a check; empty where all agree.
func exception(a probe.Agreement) string {
	said := fmt.Sprintf("agree: %d/%d", a.Same, a.Of)
	switch {
	case a.Of == 0 && a.Kind == "":
		return "no answer in any run"
	case a.Kind == probe.Deterministic && a.Of == a.Runs:
		return ""
	case a.Kind == "":
		said += ", once alone"
	default:
		said += ", " + string(a.Kind)
	}
	said += ": " + joinWords(differing(a), inRuns(severalBackends(a)))
	if a.ByBackend {
		said += "; each backend always gives the same answer"
	}
	return said
}

// agreed is how many runs gave the most frequent answer, of those that came to
// one; empty where a check was not repeated.
func agreed(a probe.Agreement) string {
	if a.Runs == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", a.Same, a.Of)
}

// agreedWords adds to that the kind.
func agreedWords(a probe.Agreement) string {
	return strings.TrimSpace(agreed(a) + " " + string(a.Kind))
}

// dissent is what each run said of a check; empty where it was not repeated, or
// all said the same.
func dissent(a probe.Agreement) string {
	if a.Runs == 0 || exception(a) == "" {
		return ""
	}
	return joinWords(a.Answers, inRuns(severalBackends(a)))
}

// differing are the answers that keep a check from agreeing: where one answer
// alone was had, the table has it, and what is left is why there were not more.
func differing(a probe.Agreement) []probe.Answer {
	if a.Kind == probe.Flaky {
		return a.Answers
	}
	return slices.DeleteFunc(slices.Clone(a.Answers), probe.Answer.Settled)
}

// differences says in which checks the addresses of an exchanger differ.
func (p page) differences(all []probe.Difference) {
	for i, d := range all {
		if i == 0 || all[i-1].Host != d.Host || all[i-1].Port != d.Port {
			p.text(fmt.Sprintf("The addresses of %s differ:", tidy(d.Host)))
		}
		p.hang("  ", d.Check+": "+joinWords(d.Answers, atAddresses)+".")
	}
}

// severalBackends reports whether the answers came from machines that call
// themselves otherwise.
func severalBackends(a probe.Agreement) bool {
	names := map[string]bool{}
	for _, w := range a.Answers {
		for _, b := range w.Backends {
			names[b] = true
		}
	}
	return a.Kind == probe.Flaky && len(names) > 1
}

func joinWords(answers []probe.Answer, say func(probe.Answer) string) string {
	words := make([]string, len(answers))
	for i, a := range answers {
		words[i] = say(a)
	}
	return strings.Join(words, ", ")
}

func atAddresses(a probe.Answer) string {
	return a.String() + " at " + tidy(strings.Join(a.Addresses, " and "))
}

func inRuns(backends bool) func(probe.Answer) string {
	return func(a probe.Answer) string {
		said := a.String()
		if !a.Settled() && !a.Torn && !a.Unasked {
			said = "no answer"
		}
		words := fmt.Sprintf("%s in %s", said, numbers("run", a.Runs))
		if backends && len(a.Backends) > 0 {
			words += " from " + tidy(few(a.Backends))
		}
		if a.Reason != "" {
			words += fmt.Sprintf(" (%s)", remark(a.Reason, longReason))
		}
		return words
	}
}

// numbers names things by their numbers: "run 2", "runs 1, 3".
func numbers(noun string, all []int) string {
	words := make([]string, len(all))
	for i, n := range all {
		words[i] = fmt.Sprint(n)
	}
	if len(all) > 1 {
		noun += "s"
	}
	return noun + " " + few(words)
}

// few joins words, and counts those that are too many to name.
func few(words []string) string {
	const most = 8
	if len(words) <= most {
		return strings.Join(words, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(words[:most], ", "), len(words)-most)
}

// counsel says what the kinds that occur mean for a sender that tries again.
func (p page) counsel(columns []numbered) {
	for _, k := range []struct {
		kind probe.Kind
		text string
	}{
		{probe.Flaky, "Flaky: answers differ, so that a retry may get another one."},
		{probe.Transient, "Transient: the answers agree, and some runs got none; a retry may help."},
	} {
		if slices.ContainsFunc(columns, func(n numbered) bool {
			return slices.ContainsFunc(n.Results, func(r probe.Result) bool { return r.Agreement.Kind == k.kind })
		}) {
			p.text(k.text)
		}
	}
}

// codes are the code of the reply that decided; where runs agree on the verdict
// and not on the code, all of them.
func codes(r probe.Result, or string) string {
	var all []string
	for _, w := range r.Agreement.Answers {
		if w.Verdict == r.Verdict && w.Code != 0 {
			all = append(all, fmt.Sprint(w.Code))
		}
	}
	if len(all) < 2 {
		return fmt.Sprint(r.Reply.Code)
	}
	return strings.Join(all, or)
}
