package main

import (
	"slices"

	"github.com/smtpprobe/smtpprobe/probe"
)

// rounds says which receivers are probed next: all at once, or with --first the
// best of each target, and the next best where that cannot be reached.
type rounds struct {
	receivers []probe.Receiver
	choices   [][]string
	first     bool
	seen      map[string]bool // probed, or being probed; true: it was reached
}

func (r *rounds) next() []probe.Receiver {
	var queue []probe.Receiver
	add := func(id string) {
		i := slices.IndexFunc(r.receivers, func(other probe.Receiver) bool { return identity(other) == id })
		if _, again := r.seen[id]; !again && i >= 0 {
			r.seen[id] = false
			queue = append(queue, r.receivers[i])
		}
	}
	if !r.first {
		for _, rcv := range r.receivers {
			add(identity(rcv))
		}
		return queue
	}
	for _, choice := range r.choices {
		for _, id := range choice {
			probed, reached := r.probed(id)
			if !probed {
				add(id)
			}
			if !probed || reached {
				break
			}
		}
	}
	return queue
}

func (r *rounds) probed(id string) (probed, reached bool) {
	reached, probed = r.seen[id]
	return probed, reached
}

// reached enters what became of a receiver.
func (r *rounds) reached(report probe.Report) {
	away := report.Status == probe.StatusUnreachable || report.Status == probe.StatusRefused
	r.seen[identity(report.Receiver)] = !away
}
