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
	p.heading(fmt.Sprintf("Do the answers stay? %s, %s apart", plural(made, "run"), run.Interval))
	if made < run.Repeat {
		p.text(fmt.Sprintf("%s of %d were made.", plural(made, "run"), run.Repeat))
	}
	for _, s := range share(columns, summary) {
		p.text(s.words + among(s.of, columns) + ".")
	}
	for _, n := range columns {
		p.exceptions(n, len(columns) > 1)
	}
	for _, d := range probe.Differences(run.Receivers) {
		p.text(fmt.Sprintf("The addresses of %s differ in %s: %s.", tidy(d.Host), d.Check, joinWords(d.Answers, atAddresses)))
	}
	p.counsel(columns)
}

// summary counts the checks whose answer was the same in all runs.
func summary(n numbered) string {
	agreed, runs := 0, len(n.Rounds)
	for _, r := range n.Results {
		if a := r.Agreement; a.Kind == probe.Deterministic && a.Of == a.Runs {
			agreed++
		}
	}
	switch {
	case runs == 1:
		return "One run alone: there is nothing to compare"
	case agreed == len(n.Results):
		return fmt.Sprintf("All %s agreed in %d of %d runs (agree: %d/%d): a retry does not help", plural(agreed, "check"), runs, runs, runs, runs)
	}
	return fmt.Sprintf("%d of %d checks agreed in %d of %d runs (agree: %d/%d)", agreed, len(n.Results), runs, runs, runs, runs)
}

// exceptions lists what keeps a receiver from agreeing with itself: runs that
// did not come to their end, and checks, together where the same is true of
// them.
func (p page) exceptions(n numbered, named bool) {
	if len(n.Rounds) < 2 {
		return
	}
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
	if len(lines) > 0 && named {
		p.text(n.heading() + ":")
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
	said += ": " + joinWords(a.Answers, inRuns(severalBackends(a)))
	if a.ByBackend {
		said += "; each backend always gives the same answer"
	}
	return said
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
		words := fmt.Sprintf("%s in %s", a, numbers("run", a.Runs))
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
