package plan

import (
	"strings"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
)

// Cost is what a session, or a part of one, comes to on a receiver that does what
// the RFCs say: what that receiver counts, and what has to be waited for.
type Cost struct {
	Commands int
	NonMail  int // RSET, NOOP, EHLO, HELO, VRFY, HELP, STARTTLS, and what is no verb
	Hellos   int
	Mails    int
	Errors   int

	RoundTrips int           // waits for the receiver, one after the other
	Silent     time.Duration // listened to somebody who says nothing, whatever a round trip takes
}

// Plus is the cost of both.
func (c Cost) Plus(d Cost) Cost {
	return Cost{
		c.Commands + d.Commands, c.NonMail + d.NonMail, c.Hellos + d.Hellos,
		c.Mails + d.Mails, c.Errors + d.Errors,
		c.RoundTrips + d.RoundTrips, c.Silent + d.Silent,
	}
}

// Of what a session has besides its checks: the TCP handshake comes before them, and
// QUIT behind.
var (
	connecting = Cost{RoundTrips: 1}
	bridging   = Cost{Commands: 1, NonMail: 1, Hellos: 1, RoundTrips: 1} // EHLO or HELO
	quitting   = Cost{Commands: 1, RoundTrips: 1}
	clearing   = Cost{Commands: 1, NonMail: 1, RoundTrips: 1} // RSET, where a transaction may be open
)

// costOf is the cost of steps that are played one after the other, on no
// condition. Nobody knows here which replies are errors.
func costOf(script probe.Script) Cost {
	var c Cost
	half := "" // of a line
	for i, step := range script {
		step.Text = half + step.Text
		if half = step.Text; strings.HasSuffix(half, "\r\n") || step.Act != probe.Send && half == "" {
			half = ""
			c.count(step)
		}
		switch {
		case answers(script[:i], step):
			c.RoundTrips++
		case step.Act == probe.Listen:
			c.Silent += step.For
		}
	}
	return c
}

// count enters the commands of a step.
func (c *Cost) count(step probe.Step) {
	for _, verb := range step.Verbs() {
		c.Commands++
		switch verb {
		case "EHLO", "HELO":
			c.Hellos++
			c.NonMail++
		case "MAIL":
			c.Mails++
		case "RCPT", "DATA", "BDAT", "AUTH", "QUIT":
		default:
			c.NonMail++
		}
	}
}
