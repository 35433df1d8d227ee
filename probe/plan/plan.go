// Package plan packs checks into sessions: as few as the budgets allow, since
// every session and every error reply is counted by the receiver and may get
// the prober banned; and says which of them have to wait for which, and how long
// all of them take.
//
// A plan is a value. The package opens nothing, waits for nothing and knows no
// receiver beyond its facts.
package plan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
)

// Work is what is to be planned.
type Work struct {
	Checks   []*probe.Check
	Alone    []*probe.Check   // checks each of which is the first and only one of a fresh session
	Controls []probe.Baseline // that begin sessions, in their order
	Facts    probe.Facts      // with what the controls are hoped to say
	Budget   Budget
}

// Session is one planned session.
type Session struct {
	Head    probe.Baseline // the control that it begins with; empty: none
	Start   probe.Start
	Channel probe.Channel
	Checks  []*probe.Check
	Cost    Cost
	AtWorst int   // error replies at most
	After   []int // the sessions of the plan that must have ended before it begins
}

// Sessions packs the checks into sessions. Those that begin with a control come
// first, then those first whose end is the farthest away, risky ones last.
func (w Work) Sessions() []Session {
	p := newPacker(w)
	if most := w.Facts.Offered.MailMax(); most > 0 { // RFC 9422 4.1
		p.work.Budget.Mails = most
	}
	for _, b := range w.Controls {
		p.open(p.control(b))
	}
	var items []*item
	for _, c := range w.Checks {
		if !c.Observes() { // nothing is sent for them
			items = append(items, p.item(c))
		}
	}
	for _, c := range w.Alone {
		it := p.item(c)
		it.alone = true
		items = append(items, it)
	}
	queue(items)
	slices.SortStableFunc(items, func(a, b *item) int {
		return cmp.Or(
			cmp.Compare(a.weight(), b.weight()),
			cmp.Compare(b.cost.Errors, a.cost.Errors),
			cmp.Compare(b.cost.Commands, a.cost.Commands),
		)
	})
	for _, it := range items {
		p.place(it)
	}
	return inOrder(p.bins, w.Budget.Errors)
}

type packer struct {
	work     Work
	openings map[opening]Cost
	bins     []bin
}

// opening is where a fresh connection is to be led.
type opening struct {
	start   probe.Start
	channel probe.Channel
}

func newPacker(w Work) *packer {
	p := &packer{work: w, openings: map[opening]Cost{}}
	for start := probe.Connected; start <= probe.TunnelHello; start++ {
		for _, channel := range []probe.Channel{w.Facts.Channel, probe.Clear} {
			p.openings[opening{start, channel}] = connecting.Plus(costOf(probe.Prelude(start, channel)))
		}
	}
	return p
}

// bin is a session in the making.
type bin struct {
	items []*item // in their order
	cost  Cost
}

// session is the bin as a plan shows it. A check that could take a session beyond
// the budget is not played in it, unless it is the first.
func (b bin) session(most int) Session {
	first := b.items[0]
	s := Session{Head: first.head, Start: first.check.Start, Channel: first.channel, Cost: b.cost}
	for _, it := range b.items {
		if it.head == "" {
			s.Checks = append(s.Checks, it.check)
		}
		s.AtWorst += it.atWorst
	}
	s.AtWorst = min(s.AtWorst, max(most, first.atWorst))
	return s
}

// open begins a session with an item.
func (p *packer) open(it *item) {
	b, _ := p.arrange([]*item{it})
	p.bins = append(p.bins, b)
}

// place puts an item into the fullest session that can bear it, or into a fresh
// one.
func (p *packer) place(it *item) {
	best := -1
	var fuller bin
	for i, b := range p.bins {
		first := b.items[0]
		if first.alone || it.alone || first.channel != it.channel || first.head != "" && !it.rides(first.head) {
			continue
		}
		with, ok := p.arrange(append(slices.Clone(b.items), it))
		if ok && p.work.Budget.bears(with.cost) && (best < 0 || b.cost.Errors > p.bins[best].cost.Errors) {
			best, fuller = i, with
		}
	}
	if best < 0 {
		p.open(it)
		return
	}
	p.bins[best] = fuller
}

// rides reports whether the item may stand behind a control: it waits for no
// other one, and for no check.
func (it *item) rides(b probe.Baseline) bool {
	return it.depth == 0 && !slices.ContainsFunc(it.needs, func(needed probe.Baseline) bool { return needed != b })
}

// arrange orders the items of one session and counts what it costs. It fails
// where they cannot share one.
func (p *packer) arrange(items []*item) (bin, bool) {
	slices.SortStableFunc(items, func(a, b *item) int {
		return cmp.Or(cmp.Compare(a.stage, b.stage), cmp.Compare(a.cost.Errors, b.cost.Errors))
	})
	first := items[0]
	b := bin{items: items, cost: first.opening}
	if !unentangled(items) {
		return b, false
	}
	now, named := first.check.Start, false
	for i, it := range items {
		bridge, ok := probe.Bridge(now, it.check.Start)
		beyond := i > 0 && !p.work.Budget.leaves(b.cost.Errors, it.atWorst) // its turn would not come
		if !ok || beyond || it.inside != first.inside || i > 0 && items[i-1].stage == last || named && it.talks {
			return b, false
		}
		if len(bridge) > 0 {
			b.cost = b.cost.Plus(bridging)
		}
		b.cost = b.cost.Plus(it.cost)
		now, named = it.leads, named || it.names
	}
	return b.left(), true
}

// left is the bin with what it costs to leave the session.
func (b bin) left() bin {
	switch course := b.items[len(b.items)-1].course; {
	case course.ends:
		return b
	case course.open:
		b.cost = b.cost.Plus(clearing)
	}
	b.cost = b.cost.Plus(quitting)
	return b
}

// unentangled holds that no two sessions can wait for each other: a check for
// which others wait shares no session with one that waits longer than itself.
func unentangled(items []*item) bool {
	deepest := 0
	for _, it := range items {
		deepest = max(deepest, it.depth)
	}
	return !slices.ContainsFunc(items, func(it *item) bool { return it.provides && it.depth < deepest })
}

// String names the control and the checks.
func (s Session) String() string {
	var what []string
	if s.Head != "" {
		what = append(what, "control "+string(s.Head))
	}
	for _, c := range s.Checks {
		what = append(what, c.ID)
	}
	return strings.Join(what, ", ")
}
