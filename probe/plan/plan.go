// Package plan packs checks into sessions: as few as the budgets allow, since
// every session and every error reply is counted by the receiver and may get
// the prober banned.
//
// A plan is a value. The package opens nothing, waits for nothing and knows no
// receiver beyond its facts.
package plan

import (
	"cmp"
	"slices"

	"github.com/smtpprobe/smtpprobe/probe"
)

// The budgets of one session (catalogue section 4, from the limits of real
// servers): chasquid answers the third error with 421, Exim closes at the
// eleventh command that is not mail, Sendmail pauses from the third EHLO,
// postscreen takes twenty commands in all, and none after the first DATA or BDAT.
const (
	MaxErrors   = 2
	MaxNonMail  = 8
	MaxHellos   = 2
	MaxCommands = 18
)

// Session is one planned session.
type Session struct {
	Head    probe.Baseline // the control that it begins with; empty: none
	Start   probe.Start
	Channel probe.Channel
	Checks  []*probe.Check
	Cost    Cost
}

// Make packs the checks into sessions. Those that begin with a control come
// first, in its order, longer ones before shorter ones, risky ones last; checks
// that have a session of their own keep it.
func Make(checks []*probe.Check, facts probe.Facts, controls ...probe.Baseline) []Session {
	p := packer{facts: facts}
	for _, b := range controls {
		p.open(p.control(b))
	}
	var items []*item
	for _, c := range checks {
		if !c.Observes() { // nothing is sent for them
			items = append(items, p.item(c))
		}
	}
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
	slices.SortStableFunc(p.bins[len(controls):], func(a, b bin) int {
		return cmp.Or(cmp.Compare(a.risk(), b.risk()), cmp.Compare(b.cost.Commands, a.cost.Commands))
	})
	sessions := make([]Session, len(p.bins))
	for i, b := range p.bins {
		sessions[i] = b.session()
	}
	return sessions
}

type packer struct {
	facts probe.Facts
	bins  []bin
}

// bin is a session in the making.
type bin struct {
	items []*item // in their order
	cost  Cost
}

func (b bin) risk() int {
	if slices.ContainsFunc(b.items, func(it *item) bool { return it.check.Risky }) {
		return 1
	}
	return 0
}

func (b bin) session() Session {
	first := b.items[0]
	s := Session{Head: first.head, Start: first.check.Start, Channel: first.channel, Cost: b.cost}
	for _, it := range b.items {
		if it.head == "" {
			s.Checks = append(s.Checks, it.check)
		}
	}
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
		if first.head != "" && !rides(it.check, first.head) || first.check.Own || it.check.Own || first.channel != it.channel {
			continue
		}
		with, ok := p.arrange(append(slices.Clone(b.items), it))
		if ok && with.cost.within(p.facts.Offered.MailMax()) && (best < 0 || b.cost.Errors > p.bins[best].cost.Errors) {
			best, fuller = i, with
		}
	}
	if best < 0 {
		p.open(it)
		return
	}
	p.bins[best] = fuller
}

// arrange orders the items of one session and counts what it costs. It fails
// where they cannot share one.
func (p *packer) arrange(items []*item) (bin, bool) {
	slices.SortStableFunc(items, func(a, b *item) int {
		return cmp.Or(cmp.Compare(a.stage, b.stage), cmp.Compare(a.cost.Errors, b.cost.Errors))
	})
	first := items[0]
	b := bin{items: items, cost: first.opening}
	now, named := first.check.Start, false
	for i, it := range items {
		bridge, ok := probe.Bridge(now, it.check.Start)
		beyond := i > 0 && b.cost.Errors+it.atWorst > MaxErrors // its turn would not come
		if !ok || beyond || it.inside != first.inside || i > 0 && items[i-1].stage == last || named && it.talks {
			return b, false
		}
		b.cost = b.cost.plus(CostOf(bridge, 0)).plus(it.cost)
		now, named = it.leads, named || it.names
	}
	if !items[len(items)-1].check.Final {
		b.cost.Commands++ // QUIT
	}
	return b, true
}
