package probe

import (
	"fmt"
	"slices"
)

// QuotaSpent begins the reason for which a command is held back that a receiver
// was already sent as often as it may be. The next run cannot know more of such
// a check, and that is no doing of the receiver's.
const QuotaSpent = "asked often enough"

// Round is what one of several runs with a receiver was like.
type Round struct {
	Run      int // from 1
	Status   Status
	Reason   string
	Sessions int
	Commands int
	Backends []string // the machines that it met, by what they call themselves
}

// Runs is what several runs with one receiver heard. It keeps of each run what
// the joined report may show.
type Runs struct {
	reports []Report // without results
	rounds  []Round
	order   []string // the checks
	seen    map[string][]sighting
}

// Add enters the report of the next run. One that was interrupted before it
// came to the receiver is none.
func (r *Runs) Add(report Report) {
	if len(r.rounds) > 0 && report.Status == StatusInterrupted && report.Sessions == 0 {
		return
	}
	round := Round{
		Run: len(r.rounds) + 1, Status: report.Status, Reason: report.Reason,
		Sessions: report.Sessions, Commands: report.Commands, Backends: report.backends(),
	}
	if r.seen == nil {
		r.seen = map[string][]sighting{}
	}
	held := report.held()
	spent := func(c *Check) bool {
		return held[c.ID] || slices.ContainsFunc(c.Needed(), func(id string) bool { return held[id] })
	}
	for _, res := range report.Results {
		if len(r.seen[res.Check.ID]) == 0 {
			r.order = append(r.order, res.Check.ID)
		}
		s := sighting{run: round.Run, result: res, backend: res.Transcript.Backend()}
		s.cut, s.held = report.Status != StatusOK, held
		s.unasked = report.Status == StatusInterrupted || report.Status == StatusSkipped || spent(res.Check)
		r.enter(s)
	}
	report.Results, report.Record = nil, Record{}
	r.rounds, r.reports = append(r.rounds, round), append(r.reports, report)
	r.forget()
}

// enter takes the transcript from an earlier run that said the same.
func (r *Runs) enter(s sighting) {
	id := s.result.Check.ID
	for i, before := range r.seen[id] {
		if before.answer().same(s.answer()) {
			r.seen[id][i].superseded = true
			r.seen[id][i].result.Transcript = nil
		}
	}
	r.seen[id] = append(r.seen[id], s)
}

// forget drops the controls of runs of which nothing will be shown: a hundred
// runs must not need a hundred times the memory.
func (r *Runs) forget() {
	used := map[int]bool{}
	for _, seen := range r.seen {
		for _, s := range seen {
			used[s.run] = used[s.run] || !s.superseded
		}
	}
	for i := range r.reports {
		if !used[i+1] {
			r.reports[i].Controls = nil
		}
	}
}

// held are the controls and checks in which something was not asked, because it had
// been asked often enough.
func (r Report) held() map[string]bool {
	held := map[string]bool{}
	enter := func(id string, t Transcript) {
		if t.spared() {
			held[id] = true
		}
	}
	for _, res := range r.Results {
		enter(res.Check.ID, res.Transcript)
	}
	for _, c := range r.Controls {
		enter(c.ID, c.Transcript)
	}
	return held
}

func (r Report) backends() []string {
	var names []string
	add := func(t Transcript) {
		if name := t.Backend(); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, c := range r.Controls {
		add(c.Transcript)
	}
	for _, res := range r.Results {
		add(res.Transcript)
	}
	slices.Sort(names)
	return names
}

// Join is what all runs together say. Where they differ on a check it has no
// verdict. The receiver is shown as the latest run that was not disturbed met
// it; an interrupt stays one.
func (r *Runs) Join() Report {
	base := r.reports[0]
	for _, report := range r.reports {
		if report.Status == StatusOK {
			base = report
		}
	}
	if last := r.reports[len(r.reports)-1]; last.Status == StatusInterrupted {
		base.Status, base.Reason = last.Status, fmt.Sprintf("in run %d: %s", len(r.reports), last.Reason)
	}
	base.Sessions, base.Commands, base.Elapsed, base.Controls = 0, 0, 0, nil
	base.Rounds = r.rounds
	used := map[int]bool{}
	for _, id := range r.order {
		res := agreed(r.seen[id], len(r.rounds))
		used[res.Agreement.Run] = true
		base.Results = append(base.Results, res)
	}
	for i, report := range r.reports {
		base.Sessions += report.Sessions
		base.Commands += report.Commands
		base.Elapsed += report.Elapsed
		if !used[i+1] {
			continue
		}
		for _, c := range report.Controls {
			c.Run = i + 1
			base.Controls = append(base.Controls, c)
		}
	}
	return base
}

// Difference is a check in which the addresses of one exchanger answer
// otherwise than one another.
type Difference struct {
	Host    string
	Port    uint16
	Check   string
	Answers []Answer
}

// Differences compares the addresses of each exchanger. What is flaky on one of
// them is no answer of that address.
func Differences(reports []Report) []Difference {
	var all []Difference
	for i, r := range reports {
		one := func(other Report) bool { return other.Host == r.Host && other.Port == r.Port }
		if slices.ContainsFunc(reports[:i], one) {
			continue
		}
		for _, res := range r.Results {
			d := Difference{Host: r.Host, Port: r.Port, Check: res.Check.ID}
			for _, other := range reports[i:] {
				if one(other) {
					d.compare(other)
				}
			}
			if len(d.Answers) > 1 {
				all = append(all, d)
			}
		}
	}
	return all
}

func (d *Difference) compare(r Report) {
	for _, res := range r.Results {
		w := sighting{result: res}.answer()
		if res.Check.ID != d.Check || !w.Settled() || res.Agreement.Kind == Flaky {
			continue
		}
		i := slices.IndexFunc(d.Answers, w.same)
		if i < 0 {
			i = len(d.Answers)
			d.Answers = append(d.Answers, w)
		}
		d.Answers[i].Addresses = append(d.Answers[i].Addresses, r.Address)
	}
}
