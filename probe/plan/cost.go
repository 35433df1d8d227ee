package plan

import "github.com/smtpprobe/smtpprobe/probe"

// Cost is what a session makes a receiver count that does what the RFCs say.
type Cost struct {
	Commands int
	NonMail  int // RSET, NOOP, EHLO, HELO, VRFY, HELP, STARTTLS, and what is no verb
	Hellos   int
	Mails    int
	Errors   int
}

func (c Cost) plus(d Cost) Cost {
	return Cost{
		c.Commands + d.Commands, c.NonMail + d.NonMail, c.Hellos + d.Hellos,
		c.Mails + d.Mails, c.Errors + d.Errors,
	}
}

func (c Cost) within(maxMails int) bool {
	return c.Errors <= MaxErrors && c.NonMail <= MaxNonMail && c.Hellos <= MaxHellos &&
		c.Commands <= MaxCommands && (maxMails == 0 || c.Mails <= maxMails)
}

// CostOf is the cost of a script; errors is the number of error replies to it.
func CostOf(script probe.Script, errors int) Cost {
	c := Cost{Errors: errors}
	for _, step := range script {
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
	return c
}
