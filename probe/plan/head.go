package plan

import (
	"slices"

	"github.com/smtpprobe/smtpprobe/probe"
)

// head is a control as the first thing of a session that checks go on with: a
// receiver then sees one session where it would see two.
func head(b probe.Baseline, channel probe.Channel) *probe.Check {
	start := probe.Hello
	switch b {
	case probe.B2:
		start, channel = probe.TunnelHello, probe.Clear
	case probe.B3:
		start = probe.Helo
	}
	before := len(probe.Prelude(start, channel))
	script := slices.DeleteFunc(b.Script(channel), func(s probe.Step) bool { return s.Name == probe.StepSilence })
	return &probe.Check{ID: string(b), Start: start, Script: script[before:]}
}

// rides reports whether the check may stand behind a control: what it needs to
// know is known by then. The controls are played in their order.
func rides(c *probe.Check, b probe.Baseline) bool {
	return !slices.ContainsFunc(c.Controls(), func(needed probe.Baseline) bool { return needed > b })
}
