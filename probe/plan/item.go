package plan

import (
	"slices"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
)

// item is a check, or a control at the beginning of a session, and what the
// packing asks of it again and again.
type item struct {
	check   *probe.Check
	head    probe.Baseline // which control it is; empty: none
	channel probe.Channel  // where its session begins
	inside  bool           // it is played inside TLS
	stage   int            // where in a session it stands
	leads   probe.Start    // where it leaves the session
	talks   bool           // it sends DATA or BDAT, after which some receivers close
	names   bool           // it may get a recipient accepted
	opening Cost           // of what leads a fresh connection to it
	cost    Cost
	atWorst int // error replies at most
}

func (p *packer) item(c *probe.Check) *item {
	it := &item{
		check: c, channel: p.facts.Channel, leads: c.Script.Leads(c.Start), atWorst: AtWorst(c, p.facts),
		cost: CostOf(likely(c), c.Errors+refusals(c, p.facts)),
	}
	if c.InClear() && p.facts.Channel == probe.Upgraded {
		it.channel = probe.Clear
	}
	it.opening = CostOf(probe.Prelude(c.Start, it.channel), 0)
	it.inside = c.Start == probe.TunnelHello || it.channel != probe.Clear
	it.talks = slices.ContainsFunc(c.Script, func(s probe.Step) bool {
		return slices.Contains(s.Verbs(), "DATA") || slices.Contains(s.Verbs(), "BDAT")
	})
	it.names = slices.ContainsFunc(c.Script, func(s probe.Step) bool { return strings.Contains(s.Text, "{rcpt}") })
	it.stage = it.place()
	return it
}

// control is a baseline as the first thing of a session that checks go on with:
// a receiver then sees one session where it would see two.
func (p *packer) control(b probe.Baseline) *item {
	start, channel := probe.Hello, p.facts.Channel
	switch b {
	case probe.B2:
		start, channel = probe.TunnelHello, probe.Clear
	case probe.B3:
		start = probe.Helo
	}
	script := slices.DeleteFunc(b.Script(channel), func(s probe.Step) bool { return s.Name == probe.StepSilence })
	it := p.item(&probe.Check{ID: string(b), Start: start, Script: script[len(probe.Prelude(start, channel)):]})
	it.head, it.stage = b, -1
	return it
}

// rides reports whether the check may stand behind a control: what it needs to
// know is known by then. The controls are played in their order.
func rides(c *probe.Check, b probe.Baseline) bool {
	return !slices.ContainsFunc(c.Controls(), func(needed probe.Baseline) bool { return needed > b })
}

// weight is the order in which items find their place: those first that are
// hard to place, since they want a session of their own or its beginning, or
// must not stand beside a recipient.
func (it *item) weight() int {
	c := it.check
	switch {
	case c.Own:
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

// likely are the steps that a receiver gets to see which does what the RFCs say:
// it refuses no service, so that no control of a refusal is asked for.
func likely(c *probe.Check) probe.Script {
	var played probe.Script
	passed := map[string]bool{}
	for _, s := range c.Script {
		refused := s.If == probe.IfRefused && s.Of == probe.Test && c.Polarity == probe.Service
		if passed[s.Name] = refused || s.If != probe.Always && passed[s.Of]; !passed[s.Name] {
			played = append(played, s)
		}
	}
	return played
}

// AtWorst is the number of error replies that the check may cause on this
// receiver. A session in which that would be too many does not play it.
func AtWorst(c *probe.Check, facts probe.Facts) int { return c.AtWorst() + refusals(c, facts) }

// refusals is the number of legal RCPTs of the check that this receiver refuses.
func refusals(c *probe.Check, facts probe.Facts) int {
	n := 0
	for _, s := range c.Script {
		legal := s.Name == probe.Control || s.Name == probe.IsOpen && c.Polarity == probe.Keeping
		if facts.PostmasterRefused() && legal && strings.Contains(s.Text, "{rcpt}") {
			n++
		}
	}
	return n
}
