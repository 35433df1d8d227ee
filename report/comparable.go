package report

import (
	"fmt"
	"slices"

	"github.com/smtpprobe/smtpprobe/probe"
)

// couple is one receiver in both runs.
type couple struct{ old, today probe.Report }

// pair matches receivers, and names those that only one run has.
func pair(old, today []probe.Report) (pairs []couple, before, after []string) {
	port := func(host string, r probe.Receiver) string { return fmt.Sprintf("%s %d", host, r.Port) }
	left, right := old, today
	match := func(key func(probe.Receiver) string, unique bool) {
		var some []couple
		some, left, right = couples(left, right, key, unique)
		pairs = append(pairs, some...)
	}
	match(func(r probe.Receiver) string { return port(r.Host+" "+r.Address, r) }, false)
	match(func(r probe.Receiver) string {
		if r.Address == "" {
			return ""
		}
		return port(r.Address, r)
	}, false)
	match(func(r probe.Receiver) string { return port(r.Host, r) }, true)
	for _, r := range left {
		before = append(before, receiverName(r.Receiver))
	}
	for _, r := range right {
		after = append(after, receiverName(r.Receiver))
	}
	return pairs, before, after
}

// couples matches reports of the same key, in their order, or only those whose
// key no other one of their run has, and returns those that are left. An empty
// key matches none.
func couples(old, today []probe.Report, key func(probe.Receiver) string, unique bool) (pairs []couple, left, right []probe.Report) {
	at, olds := map[string][]int{}, map[string]int{}
	for j, r := range today {
		at[key(r.Receiver)] = append(at[key(r.Receiver)], j)
	}
	for _, r := range old {
		olds[key(r.Receiver)]++
	}
	taken := make([]bool, len(today))
	for _, r := range old {
		k := key(r.Receiver)
		if k == "" || len(at[k]) == 0 || unique && (len(at[k]) > 1 || olds[k] > 1) {
			left = append(left, r)
			continue
		}
		taken[at[k][0]] = true
		pairs = append(pairs, couple{r, today[at[k][0]]})
		at[k] = at[k][1:]
	}
	for j, r := range today {
		if !taken[j] {
			right = append(right, r)
		}
	}
	return pairs, left, right
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
