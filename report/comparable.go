package report

import (
	"slices"

	"github.com/smtpprobe/smtpprobe/probe"
)

// couple is one receiver in both runs.
type couple struct{ old, today probe.Report }

// pair matches receivers, and names those that only one run has.
func pair(old, today []probe.Report) (pairs []couple, before, after []string) {
	left, right := slices.Clone(old), slices.Clone(today)
	match := func(same func(a, b probe.Report) bool, unique bool) {
		for i := 0; i < len(left); i++ {
			a := left[i]
			is := func(b probe.Report) bool { return same(a, b) }
			j := slices.IndexFunc(right, is)
			if j < 0 || unique && (count(left, is) > 1 || count(right, is) > 1) {
				continue
			}
			pairs = append(pairs, couple{a, right[j]})
			left, right = slices.Delete(left, i, i+1), slices.Delete(right, j, j+1)
			i--
		}
	}
	match(func(a, b probe.Report) bool { return sameReceiver(a.Receiver, b.Receiver) }, false)
	match(func(a, b probe.Report) bool { return a.Address != "" && a.Address == b.Address && a.Port == b.Port }, false)
	match(func(a, b probe.Report) bool { return a.Host == b.Host && a.Port == b.Port }, true)
	for _, r := range left {
		before = append(before, receiverName(r.Receiver))
	}
	for _, r := range right {
		after = append(after, receiverName(r.Receiver))
	}
	return pairs, before, after
}

func count(all []probe.Report, is func(probe.Report) bool) int {
	n := 0
	for _, r := range all {
		if is(r) {
			n++
		}
	}
	return n
}

// answered reports whether a run came to an answer. Where runs of --repeat differ
// there is none.
func answered(r probe.Result) bool { return r.Verdict != probe.Inconclusive || r.Foreign != "" }

// incomparable says why verdicts that differ may tell of how the runs were made
// and not of the receiver; empty where they do not.
func incomparable(old, today probe.Report, was, is probe.Result) string {
	applies := was.Verdict != probe.NotApplicable && is.Verdict != probe.NotApplicable
	switch {
	case (was.Check.Observes() || is.Check.Observes()) && (old.Status != today.Status || !slices.Equal(asked(old), asked(today))):
		return "it looks at all that was said, and the runs did not ask the same"
	case was.Reason == probe.TLSOff, is.Reason == probe.TLSOff:
		return "TLS was switched off in one of the runs"
	case applies && was.TLS != is.TLS, !applies && old.Inside != today.Inside:
		return "asked inside TLS in one of the runs, and in clear in the other"
	}
	return ""
}

// asked are the checks of the run, in their order.
func asked(r probe.Report) []string {
	var ids []string
	for _, res := range r.Results {
		ids = append(ids, res.Check.ID)
	}
	slices.Sort(ids)
	return ids
}
