package plan

import (
	"cmp"
	"slices"
	"time"
)

// nominal is a round trip by which sessions are ordered: the order that is best
// hardly hangs on it.
const nominal = 50 * time.Millisecond

// inOrder makes sessions of the bins, in the order in which they should begin:
// the controls, whose answers decide what the others are worth; then the one first
// behind which most is still to come, itself included, so that the last ones to
// end are short, and who waits for silence waits beside the others; risky ones
// last.
func inOrder(bins []bin, errors int) []Session {
	waits := after(bins)
	rest := make([]time.Duration, len(bins)) // from the beginning of the session to the end of all that wait for it
	for range bins {                         // as long as the longest row can be
		changed := false
		for i, b := range bins {
			rest[i] = max(rest[i], b.cost.At(nominal))
			for _, before := range waits[i] {
				if least := bins[before].cost.At(nominal) + rest[i]; least > rest[before] {
					rest[before], changed = least, true
				}
			}
		}
		if !changed {
			break
		}
	}
	order := make([]int, len(bins))
	for i := range order {
		order[i] = i
	}
	heads := slices.IndexFunc(bins, func(b bin) bool { return b.items[0].head == "" })
	if heads < 0 {
		heads = len(bins)
	}
	slices.SortStableFunc(order[heads:], func(i, j int) int {
		return cmp.Or(cmp.Compare(bins[i].risk(), bins[j].risk()), cmp.Compare(rest[j], rest[i]))
	})
	sorted := make([]bin, len(bins))
	for at, i := range order {
		sorted[at] = bins[i]
	}
	sessions := make([]Session, len(bins))
	for i, before := range after(sorted) {
		sessions[i] = sorted[i].session(errors)
		sessions[i].After = before
	}
	return sessions
}

// after says of each bin which others must have ended before it begins.
func after(bins []bin) [][]int {
	all := make([][]int, len(bins))
	for i, b := range bins {
		for j, other := range bins {
			if i != j && b.waitsFor(other) {
				all[i] = append(all[i], j)
			}
		}
	}
	return all
}

// waitsFor reports whether the bin needs to know what the other one tells. Risky
// ones wait for all others, so that what they cost costs nobody else.
func (b bin) waitsFor(other bin) bool {
	if b.risk() > other.risk() {
		return true
	}
	head := other.items[0].head
	for _, it := range b.items {
		if head != "" && slices.Contains(it.needs, head) {
			return true
		}
		for _, before := range it.behind {
			if slices.Contains(other.items, before) {
				return true
			}
		}
	}
	return false
}

func (b bin) risk() int {
	if slices.ContainsFunc(b.items, func(it *item) bool { return it.check.Risky }) {
		return 1
	}
	return 0
}
