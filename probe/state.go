package probe

import "github.com/smtpprobe/smtpprobe/probe/smtp"

// Openness says whether a receiver has a transaction open.
type Openness uint8

// The answers of Opened.
const (
	Unsure Openness = iota
	Open
	Closed
)

// Opened reads the reply to RCPT at the named step: does a transaction exist
// now? Its two baselines are this receiver's reply to the same RCPT in its
// legal place and its reply to RCPT before MAIL, whatever their codes. The
// reason says why nobody can tell.
func (ev Evidence) Opened(name string) (Openness, string) {
	reply := ev.Walk.Find(name).Reply()
	open := ev.Facts.Postmaster
	before := ev.Checks[RcptBeforeMail].Find(Test)
	closed := before.Reply()
	switch {
	case open.Code == 0:
		return Unsure, "the reply to RCPT in its legal place is not known"
	case closed.Code == 0 || closed.Fault != "" || before.Missing() > 0:
		return Unsure, "the reply to RCPT before MAIL is not known"
	case !closed.Refused():
		return Unsure, "RCPT before MAIL is accepted, so nobody can see a transaction"
	case smtp.SameAnswer(open, closed):
		return Unsure, "RCPT gets the same answer with and without a transaction, " + Brief(open)
	case closed.Enhanced().Subject == smtp.SubjectPolicy &&
		(closed.Code == 421 || ev.Checks[RcptBeforeMail].Find(Control).Refused()): // in its legal place too
		return Unsure, "RCPT before MAIL was refused by policy: " + Brief(closed)
	case smtp.SameAnswer(reply, open), reply.Class() == 2:
		return Open, ""
	case smtp.SameAnswer(reply, closed), reply.Code == 503 && open.Code != 503:
		return Closed, ""
	case looked(reply):
		return Open, ""
	}
	return Unsure, "RCPT was answered " + Brief(reply) + ", neither as in a transaction nor as without one"
}

// anyState says why RCPT accuses nobody: a refusal of policy in its legal place
// may be one in any other place as well by now.
func (f Facts) anyState() string {
	if f.Postmaster.Class() == 5 && f.Postmaster.Enhanced().Subject == smtp.SubjectPolicy {
		return "RCPT is refused by policy, which may be in any state: " + Brief(f.Postmaster)
	}
	return ""
}

// looked reports whether a refusal of RCPT is about the recipient: the receiver
// looked at it, hence a transaction is open (catalogue section 3).
func looked(r smtp.Reply) bool {
	switch r.Enhanced().Subject {
	case 1:
		return true
	case smtp.SubjectProtocol, smtp.SubjectPolicy:
		// The catalogue takes a refusal of policy for a look at the recipient.
		// But a prober that is put on a list in the middle of a run gets it in
		// any state (RFC 5321 7.9), so unlike both baselines it tells nothing.
		return false
	}
	return smtp.Codes("450,451,550,551,553,554").Has(r.Code) && containsFold(r.Text(), "@")
}
