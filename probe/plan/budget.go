package plan

import "github.com/smtpprobe/smtpprobe/probe"

// Budget is the most that one session is to cost a receiver.
type Budget struct {
	Errors   int
	NonMail  int
	Hellos   int
	Commands int
	Mails    int  // 0: as many as the others allow
	Closes   bool // behind the last of these errors the receiver closes
}

// Polite is the budget that all real servers bear which are known (catalogue
// section 4): chasquid answers the third error with 421, Exim closes at the
// eleventh command that is not mail, Sendmail pauses from the third EHLO,
// postscreen takes twenty commands in all, and none after the first DATA or BDAT,
// which therefore end a session everywhere.
func Polite() Budget { return Budget{Errors: 2, NonMail: 8, Hellos: 2, Commands: 18} }

func (b Budget) bears(c Cost) bool {
	return c.Errors <= b.Errors && c.NonMail <= b.NonMail && c.Hellos <= b.Hellos &&
		c.Commands <= b.Commands && (b.Mails == 0 || c.Mails <= b.Mails)
}

// leaves reports whether a session that had so many errors may go on with a check
// that causes so many more at worst.
func (b Budget) leaves(had, atWorst int) bool {
	return had+atWorst <= b.Errors && (!b.Closes || had < b.Errors)
}

// Leaves reports the same of a session that is being played.
func (b Budget) Leaves(had int, c *probe.Check, facts probe.Facts) bool {
	return b.leaves(had, c.AtWorst()+refusals(c, facts))
}
