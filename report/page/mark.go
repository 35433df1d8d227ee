package page

import (
	"slices"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// mark says what an event is for its check.
type mark string

// The marks. An event without one led to the check, or followed from it.
const (
	tested    mark = "test"    // the command under test
	disturbed mark = "disturb" // what a transaction must, or must not, survive
	asked     mark = "is-open" // asks whether there is a transaction now
	legal     mark = "control" // the same command in its legal place
	decided   mark = "decided" // a line of the reply that decided
)

// marks says of a transcript which events the verdict rests on, by their place in
// it. The script is laid beside it as for judging, with places for times, so
// that every step tells where it began.
func marks(r probe.Result) map[int]mark {
	t := slices.Clone(r.Transcript)
	for i := range t {
		t[i].At = time.Duration(i)
	}
	marked := map[int]mark{}
	if r.Check.Observes() {
		// What was said twice in the session may have been meant either time.
		if at := find(t, 0, len(t), r.Reply); at >= 0 && find(t, at+1, len(t), r.Reply) < 0 {
			decided.put(marked, at, len(r.Reply.Lines))
		}
		return marked
	}
	outcomes := probe.Replay(r.Check.Script, t).Outcomes
	for _, o := range outcomes {
		begin := int(o.At)
		if !o.Ran || o.Unsent || begin >= len(t) || t[begin].From != probe.FromClient {
			continue
		}
		switch o.Step.Name {
		case probe.Test:
			marked[begin] = tested
		case probe.Control:
			marked[begin] = legal
		case probe.Disturb:
			marked[begin] = disturbed
		case probe.IsOpen:
			marked[begin] = asked
		}
	}
	if at := deciding(t, outcomes, r.Reply); at >= 0 {
		decided.put(marked, at, len(r.Reply.Lines))
	}
	return marked
}

func (m mark) put(marked map[int]mark, at, lines int) {
	for i := range lines {
		marked[at+i] = m
	}
}

// deciding is where the reply that decided begins, -1 where it is not in the
// transcript. The same words may have been said to several steps: judges look
// at the tested one first, then at whether a transaction is open, then at what
// disturbed it. What was said to any other step is marked only where it was
// said once.
func deciding(t probe.Transcript, outcomes []probe.Outcome, reply smtp.Reply) int {
	where := map[string]int{}
	var places []int
	for i, o := range outcomes {
		if !o.Ran {
			continue
		}
		end := len(t)
		for _, next := range outcomes[i+1:] {
			if next.Ran {
				end = int(next.At)
				break
			}
		}
		if at := find(t, int(o.At), end, reply); at >= 0 {
			places = append(places, at)
			if _, met := where[o.Step.Name]; !met {
				where[o.Step.Name] = at
			}
		}
	}
	for _, name := range []string{probe.Test, probe.IsOpen, probe.Disturb} {
		if at, said := where[name]; said {
			return at
		}
	}
	if len(places) == 1 {
		return places[0]
	}
	return -1
}

// find is the first place from which on the lines of the reply stand.
func find(t probe.Transcript, from, to int, reply smtp.Reply) int {
	n := len(reply.Lines)
	if n == 0 {
		return -1
	}
	for i := from; i+n <= to; i++ {
		if stands(t[i:i+n], reply.Lines) {
			return i
		}
	}
	return -1
}

func stands(events probe.Transcript, lines []smtp.Line) bool {
	for i, l := range lines {
		if e := events[i]; e.From != probe.FromServer || e.Text != l.Octets || e.Cut != l.Cut {
			return false
		}
	}
	return true
}
