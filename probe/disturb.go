package probe

import "github.com/smtpprobe/smtpprobe/probe/smtp"

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
	if f, unusable := ev.Fate(Disturb); unusable {
		return f
	}
	disturb := ev.Walk.Find(Disturb)
	if disturb.Refused() {
		return ev.disturbanceRefused(disturb)
	}
	if reply := disturb.Reply(); reply.Code != 250 {
		return Found(Overstrict, reply, disturb.what()+" is not answered 250")
	}
	return ev.cleared("the transaction survived")
}

// Keeps judges a check of polarity Keeping: a command that has nothing to do
// with the transaction is answered as outside of one, with one of these codes or
// with the same refusal, and the transaction is still there. The control is the
// same command outside a transaction.
func Keeps(codes smtp.Codes) Judge {
	return Judge{
		Find: func(ev Evidence) Finding { return ev.keeping(codes) },
		Meanings: []Meaning{
			{Correct, "answered as outside a transaction, and RCPT is then answered as inside one"},
			{Overstrict, "refused only inside a transaction, or the transaction is gone"},
			{Dropped, "the connection was closed, or 421, twice"},
			{Broken, "no reply, or more than one, or a malformed one, twice"},
			{Inconclusive, "RCPT does not show on this receiver whether a transaction is open, or the refusal is of the moment or of policy"},
		},
	}
}

func (ev Evidence) keeping(codes smtp.Codes) Finding {
	if f, unusable := ev.Fate(Disturb); unusable {
		return f
	}
	disturb := ev.Walk.Find(Disturb)
	reply, control := disturb.Reply(), ev.Walk.Find(Control).Reply()
	same := control.Code != 0 && smtp.SameAnswer(reply, control)
	switch {
	case same && reply.Code == 503:
		f := Found(Inconclusive, reply, disturb.what()+" is refused everywhere, "+Brief(control))
		f.Control = control
		return f
	case disturb.Refused() && !same && !codes.Has(reply.Code):
		return ev.disturbanceRefused(disturb)
	case !disturb.Refused() && !codes.Has(reply.Code):
		return Found(Overstrict, reply, disturb.what()+" is not answered "+codes.String())
	}
	return ev.kept()
}

// KeepsRefused judges a check of polarity Keeping whose disturbance is to be
// refused: that changes nothing (RFC 5321 4.1.4).
func KeepsRefused() Judge {
	return Judge{
		Find: Evidence.keepingRefused,
		Meanings: []Meaning{
			{Correct, "refused, and RCPT is then answered as inside a transaction"},
			{Overstrict, "refused, and the transaction is gone"},
			{Broken, "no reply, or more than one, or a malformed one, twice"},
			{Inconclusive, "accepted, or closed upon, so that nothing can be looked at behind a refusal, or RCPT does not show on this receiver whether a transaction is open"},
		},
	}
}

func (ev Evidence) keepingRefused() Finding {
	if f, unusable := ev.refusedDisturbance(); unusable {
		return f
	}
	return ev.kept()
}

// refusedDisturbance reads a disturbing command that has to be refused. A close
// in its place is no refusal to look behind, whoever hangs up on errors.
func (ev Evidence) refusedDisturbance() (Finding, bool) {
	if f, unusable := ev.Fate(Disturb); unusable {
		if f.Verdict == Dropped {
			f.Verdict, f.Reason = Inconclusive, "limit: "+f.Reason
		}
		return f, true
	}
	disturb := ev.Walk.Find(Disturb)
	switch {
	case !disturb.Refused():
		return Found(Inconclusive, disturb.Reply(), disturb.what()+" is not refused"), true
	case ev.Walk.ClosedAfter(Disturb):
		// The refusal was wanted; whoever hangs up on errors tells nothing of the
		// transaction (RFC 5321 7.8).
		return Found(Inconclusive, disturb.Reply(), "limit: the connection was closed behind the refusal"), true
	}
	return Finding{}, false
}

// RefusedOpensNothing judges a check of polarity Clearing whose disturbance is
// to be refused, and must not have opened a transaction.
func RefusedOpensNothing() Judge {
	return Judge{
		Find: Evidence.openingNothing,
		Meanings: []Meaning{
			{Correct, "refused, and RCPT is then answered as without a transaction"},
			{Lenient, "refused, and RCPT is then answered as inside a transaction"},
			{Broken, "no reply, or more than one, or a malformed one, twice"},
			{Inconclusive, "accepted, or closed upon, so that nothing can be looked at behind a refusal, or RCPT does not show on this receiver whether a transaction is open"},
		},
	}
}

func (ev Evidence) openingNothing() Finding {
	if f, unusable := ev.refusedDisturbance(); unusable {
		return f
	}
	return ev.cleared("a refused " + ev.Walk.Find(Disturb).what() + " opened a transaction")
}

// kept reads the RCPT that asks for the transaction where it must be there.
func (ev Evidence) kept() Finding {
	f, unusable := ev.askedForTransaction()
	if unusable {
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

// cleared reads it where there must be none.
func (ev Evidence) cleared(survived string) Finding {
	f, unusable := ev.askedForTransaction()
	if unusable {
		return f
	}
	switch open, why := ev.Opened(IsOpen); open {
	case Open:
		f.Verdict, f.Reason = Lenient, survived
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

// askedForTransaction is the fate of the RCPT that asks for the transaction.
func (ev Evidence) askedForTransaction() (Finding, bool) {
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
