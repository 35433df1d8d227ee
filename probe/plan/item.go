package plan

import (
	"slices"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
)

// item is a check, or a control at the beginning of a session, and what the
// packing asks of it again and again.
type item struct {
	check    *probe.Check
	head     probe.Baseline   // which control it is; empty: none
	needs    []probe.Baseline // controls that are still to come, and must have been played before
	behind   []*item          // checks that must have been tried before it
	depth    int              // of the longest row of those, one after the other
	provides bool             // others have to wait for it
	alone    bool             // it wants a session that nobody else uses
	yields   bool             // see Yields
	asksBad  bool             // see AsksBad
	channel  probe.Channel    // where its session begins
	inside   bool             // it is played inside TLS
	stage    int              // where in a session it stands
	leads    probe.Start      // where it leaves the session
	talks    bool             // it sends DATA or BDAT, after which some receivers close
	names    bool             // it may get a recipient accepted
	opening  Cost             // of a fresh connection up to it
	course   course
	cost     Cost
	atWorst  int // error replies at most
}

func (p *packer) item(c *probe.Check) *item {
	it := &item{
		check: c, channel: p.work.Facts.Channel, course: strictly(c), yields: Yields(c), asksBad: AsksBad(c),
		leads: c.Script.Leads(c.Start), atWorst: c.AtWorst() + refusals(c, p.work.Facts), needs: p.needs(c),
	}
	it.alone = c.Own || it.yields
	it.cost = it.course.cost
	it.cost.Errors = c.Errors + refusals(c, p.work.Facts)
	if it.course.ends {
		it.cost.Errors = min(1, it.cost.Errors) // who closes refuses nothing more
	}
	if c.InClear() && p.work.Facts.Channel == probe.Upgraded {
		it.channel = probe.Clear
	}
	it.opening = p.openings[opening{c.Start, it.channel}]
	it.inside = c.Start == probe.TunnelHello || it.channel != probe.Clear
	for _, step := range c.Script {
		it.names = it.names || strings.Contains(step.Text, "{rcpt}")
		for _, verb := range step.Verbs() {
			it.talks = it.talks || verb == "DATA" || verb == "BDAT"
		}
	}
	it.stage = it.place()
	return it
}

// control is a baseline as the first thing of a session that checks go on with:
// a receiver then sees one session where it would see two.
func (p *packer) control(b probe.Baseline) *item {
	channel, start := p.work.Facts.Channel, b.Leads()
	it := p.item(&probe.Check{ID: string(b), Start: start})
	if b == probe.B2 {
		channel = probe.Clear
	}
	it.head, it.stage, it.channel = b, -1, channel
	it.opening, it.cost = connecting, costOf(b.Script(channel))
	if b == probe.B1 {
		it.names, it.atWorst = true, 1 // postmaster, who may be refused
	}
	return it
}

// needs are the controls that are still to come and without which the check can
// tell nothing, or nobody knows how many errors it costs.
func (p *packer) needs(c *probe.Check) []probe.Baseline {
	needed := c.Controls()
	if legalRecipients(c) > 0 && !slices.Contains(needed, probe.B1) {
		needed = append(needed, probe.B1)
	}
	return slices.DeleteFunc(needed, func(b probe.Baseline) bool { return !slices.Contains(p.work.Controls, b) })
}

// queue finds out which of the items have to wait for which.
func queue(items []*item) {
	for _, it := range items {
		if len(it.check.Needs.Given) == 0 { // nor does it yield, then
			continue
		}
		for _, before := range items {
			if it.follows(before) {
				it.behind = append(it.behind, before)
				before.provides = true
			}
		}
	}
	for range items { // as long as a row can be
		deeper := false
		for _, it := range items {
			for _, before := range it.behind {
				if it.depth <= before.depth {
					it.depth, deeper = before.depth+1, true
				}
			}
		}
		if !deeper {
			return
		}
	}
}

// follows reports whether the check can be played only when the other one has
// been: it hangs on what came of it, or it yields to it.
func (it *item) follows(other *item) bool {
	given := slices.ContainsFunc(it.check.Needs.Given, func(g probe.Given) bool { return g.Check == other.check.ID })
	decides := other.check.ID == probe.RcptBeforeMail // without which the verdicts on those are not known
	return given || it.yields && (decides || other.asksBad && !other.yields)
}

// AsksBad reports whether the check names the recipient that cannot exist, which
// few may do: four times is what a receiver is asked for him.
func AsksBad(c *probe.Check) bool {
	return slices.ContainsFunc(c.Script, func(s probe.Step) bool { return strings.Contains(s.Text, "{bad}") })
}

// Yields reports whether the check names him and hangs on another one: then those
// that do not come first, with all the tries that they may want. It may well have
// one try, which counts for more in a session that no other check was played in.
func Yields(c *probe.Check) bool { return len(c.Needs.Given) > 0 && AsksBad(c) }

// weight is the order in which items find their place: those first that are
// hard to place, since they want a session of their own or its beginning, or
// must not stand beside a recipient.
func (it *item) weight() int {
	c := it.check
	switch {
	case it.alone:
		return 0
	case c.Start == probe.Connected, c.Start == probe.Greeted, c.Start == probe.Helo:
		return 1
	case it.talks:
		return 2
	case c.Final:
		return 4
	}
	return 3
}

// last is the stage behind which nothing more is played.
const last = 6

// place is the stage of a check: where in a session it stands.
func (it *item) place() int {
	c := it.check
	switch {
	case it.talks, c.Final:
		return last
	case c.Start == probe.Connected:
		return 0
	case c.Start == probe.Greeted && it.leads == probe.Greeted:
		return 1
	case c.Start == probe.Greeted:
		return 2
	case c.Start == probe.Helo:
		return 3
	case it.leads == probe.Helo:
		return 5
	}
	return 4
}

// refusals is the number of legal RCPTs of the check that this receiver refuses.
func refusals(c *probe.Check, facts probe.Facts) int {
	if !facts.PostmasterRefused() {
		return 0
	}
	return legalRecipients(c)
}

// legalRecipients counts the RCPTs of the check in their legal place.
func legalRecipients(c *probe.Check) int {
	n := 0
	for _, s := range c.Script {
		legal := s.Name == probe.Control || s.Name == probe.IsOpen && c.Polarity == probe.Keeping
		if legal && strings.Contains(s.Text, "{rcpt}") {
			n++
		}
	}
	return n
}
