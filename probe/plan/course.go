package plan

import (
	"slices"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
)

// course is how a check goes on a receiver that does what the RFCs say.
type course struct {
	steps probe.Script // those that are played
	ends  bool         // the receiver closes the connection in the last one
	open  bool         // behind the last one a transaction may be open
	cost  Cost         // but for the errors
}

// strictly is the course of a check: every condition of its script is decided
// by what such a receiver answers.
func strictly(c *probe.Check) course {
	var played course
	for _, step := range c.Script {
		if !played.holds(c, step) {
			continue
		}
		played.steps = append(played.steps, step)
		for _, verb := range step.Verbs() {
			played.open = verb == "BDAT" || played.open && verb != "RSET" // RFC 3030 2: indeterminate
		}
		if played.ends = played.closed(c); played.ends {
			break
		}
	}
	played.cost = costOf(played.steps)
	return played
}

// holds reports whether the condition of a step holds behind the steps played.
func (p course) holds(c *probe.Check, step probe.Step) bool {
	i := slices.IndexFunc(p.steps, func(s probe.Step) bool { return s.Name == step.Of })
	if step.If == probe.Always || i < 0 {
		return step.If == probe.Always
	}
	of := p.steps[i]
	answered := answers(p.steps[:i], of)
	switch step.If {
	case probe.IfAccepted:
		return answered && !refused(c, of)
	case probe.IfRefused:
		return answered && refused(c, of)
	}
	return !answered
}

// answers reports whether a step ends with what the receiver says to it. It
// says nothing to half a line, and nothing unasked.
func answers(before probe.Script, step probe.Step) bool {
	switch {
	case step.Act != probe.Listen:
		return step.Act != probe.Send || step.Replies > 0
	case step.Replies == 0 || len(before) == 0:
		return false
	}
	last := before[len(before)-1]
	return last.Act == probe.Send && last.Replies == 0 && strings.HasSuffix(last.Text, "\r\n")
}

// refused reports whether the answer to a step is a refusal. Where a check is
// about something that is to be refused, its error replies say so: those of a
// disturbance that clears a transaction come on top of the one to the question
// whether it is open.
func refused(c *probe.Check, step probe.Step) bool {
	switch {
	case step.Want != "":
		return !step.Want.Has(220) && !step.Want.Has(250) && !step.Want.Has(334)
	case step.Name != probe.Test && step.Name != probe.Disturb, c.Polarity == probe.Service:
		return false
	case c.Polarity == probe.Clearing:
		return c.Errors > 1
	}
	return c.Errors > 0
}

// closed reports whether the receiver ends the connection with its answer to the
// latest step. To QUIT it has to; and it may be hoped to do so to those who talk
// before the greeting, in a group that is not allowed, or in clear where a
// handshake is due.
func (p course) closed(c *probe.Check) bool {
	n := len(p.steps)
	step := p.steps[n-1]
	verbs := step.Verbs()
	switch {
	case slices.Contains(verbs, "QUIT"):
		return true
	case step.Act == probe.Listen:
		return answers(p.steps[:n-1], step) && n > 2 && slices.Contains(p.steps[n-3].Verbs(), "STARTTLS")
	}
	return c.Own && refused(c, step) && (c.Start == probe.Connected || len(verbs) > 1)
}

// Hopes reports whether a receiver that does what the RFCs say gives the outcome
// of the other check that is asked for.
func Hopes(g probe.Given, other *probe.Check) bool {
	i := slices.IndexFunc(other.Script, func(s probe.Step) bool { return s.Name == g.Step })
	switch {
	case i < 0:
		return false
	case refused(other, other.Script[i]):
		return g.Codes.Has(503)
	}
	return g.Codes.Has(250)
}
