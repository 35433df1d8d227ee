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

// Clears judges a check of polarity Clearing: after the disturbance, which has
// to be accepted, no transaction may be open.
func Clears() Judge {
	return Judge{
		Find: Evidence.clearing,
		Meanings: []Meaning{
			{Correct, "accepted, and RCPT is then answered as without a transaction"},
			{Lenient, "accepted, and RCPT is then answered as inside a transaction: it survived"},
			{Overstrict, "the command itself is refused"},
			{Dropped, "the connection was closed, or 421, twice"},
			{Broken, "no reply, or more than one, or a malformed one, twice"},
			{Inconclusive, "RCPT does not show on this receiver whether a transaction is open"},
		},
	}
}

func (ev Evidence) clearing() Finding {
	f, done := ev.disturbance()
	if done {
		return f
	}
	switch open, why := ev.Opened(IsOpen); open {
	case Open:
		f.Verdict, f.Reason = Lenient, "the transaction survived"
		if policy := ev.Facts.anyState(); policy != "" {
			f.Verdict, f.Reason = Inconclusive, policy
		}
	case Closed:
		f.Verdict = Correct
	default:
		f.Verdict, f.Reason = Inconclusive, why
	}
	return f
}

// Keeps judges a check of polarity Keeping: the disturbance is served and the
// transaction is still there. The control is the same command outside a
// transaction.
func Keeps() Judge {
	return Judge{
		Find: Evidence.keeping,
		Meanings: []Meaning{
			{Correct, "served, and RCPT is then answered as inside a transaction"},
			{Overstrict, "refused only inside a transaction, or the transaction is gone"},
			{Dropped, "the connection was closed, or 421, twice"},
			{Broken, "no reply, or more than one, or a malformed one, twice"},
			{Inconclusive, "RCPT does not show on this receiver whether a transaction is open, or the command is refused everywhere"},
		},
	}
}

func (ev Evidence) keeping() Finding {
	f, done := ev.disturbance()
	if done {
		return f
	}
	switch open, why := ev.Opened(IsOpen); open {
	case Open:
		f.Verdict = Correct
	case Closed:
		f.Verdict, f.Reason = Overstrict, "the transaction was gone"
	default:
		f.Verdict, f.Reason = Inconclusive, why
	}
	return f
}

// disturbance reads the disturbing command and the RCPT behind it. Where the
// second value is false the finding holds RCPT's reply and its control.
func (ev Evidence) disturbance() (Finding, bool) {
	if f, unusable := ev.Fate(Disturb); unusable {
		return f, true
	}
	disturb := ev.Walk.Find(Disturb)
	if disturb.Refused() {
		return ev.disturbanceRefused(disturb), true
	}
	if reply := disturb.Reply(); reply.Code != 250 {
		return Found(Overstrict, reply, disturb.what()+" is not answered 250"), true
	}
	if f, unusable := ev.Fate(IsOpen); unusable {
		if f.Verdict == Dropped { // at the question, not at what it asks about
			f.Verdict, f.Reason = Inconclusive, "RCPT does not show whether a transaction is open: "+f.Reason
		}
		return f, true
	}
	return Finding{Reply: ev.Walk.Find(IsOpen).Reply(), Control: ev.Facts.Postmaster}, false
}

func (ev Evidence) disturbanceRefused(o Outcome) Finding {
	reply, control := o.Reply(), ev.Walk.Find(Control).Reply()
	f := Found(Overstrict, reply, o.what()+" is refused inside a transaction")
	switch {
	case control.Code != 0 && smtp.SameAnswer(reply, control):
		f.Verdict, f.Reason = Inconclusive, o.what()+" is refused everywhere, "+Brief(control)
	case reply.Class() == 4:
		f.Verdict, f.Reason = Inconclusive, "transient: "+Brief(reply)
	case reply.Enhanced().Subject == smtp.SubjectPolicy:
		f.Verdict, f.Reason = Inconclusive, "policy: "+Brief(reply)
	case ev.Walk.ClosedAfter(Disturb):
		f = ev.hungUp(o)
	}
	f.Control = control
	return f
}
