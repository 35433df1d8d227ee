package probe

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// RcptBeforeMail is the check whose reply shows what a closed transaction looks
// like on this receiver.
const RcptBeforeMail = "rcpt-before-mail"

// RcptRefused is the check in which the recipient that cannot exist is asked for
// alone: others take its reply from there, since the receiver may be asked only
// four times.
const RcptRefused = "rcpt-refused-keeps-transaction"

// Fate is the finding where a step has no usable reply, whatever the rule:
// never reached, malformed, surplus or missing replies, the end of the
// connection, 421. The second value is false where the replies can be judged.
func (ev Evidence) Fate(name string) (Finding, bool) {
	o := ev.Walk.Find(name)
	switch {
	case !ev.Walk.Began:
		return Unknown("the session could not be prepared"), true
	case !o.Ran || o.Unsent || o.Held != "":
		return ev.unreached(), true
	}
	surplus := o.unasked()
	for _, r := range append(slices.Clone(o.Replies), surplus...) {
		if r.Fault != "" {
			return Found(Broken, r, "malformed reply: "+string(r.Fault)), true
		}
	}
	switch {
	case o.Flooded:
		return Finding{Verdict: Broken, Reason: "the receiver does not stop talking"}, true
	case len(surplus) > 0:
		return Found(Broken, surplus[0], "a reply too many"), true
	case o.Missing() > 0 && o.TimedOut:
		return ev.silent(o), true
	case o.Partial:
		return Finding{Verdict: Broken, Reason: "a reply that stopped in the middle"}, true
	case o.Missing() > 0 && len(o.Surplus) > 0:
		return Unknown("the session was ended before the command: " + Brief(o.Surplus[0])), true
	case o.Missing() > 0 && o.Closed:
		return ev.hungUp(o), true
	case o.Missing() > 0:
		return Unknown("the transcript ends before the reply to " + o.what()), true
	}
	if slices.ContainsFunc(o.Replies, func(r smtp.Reply) bool { return o.goodbye(r) }) || ev.limited(o) {
		return ev.hungUp(o), true
	}
	return Finding{}, false
}

// TurnsOut reports whether a reply says that there is no more to be had in this
// session: 421, or a refusal in the words that servers have for it.
func TurnsOut(r smtp.Reply) bool {
	return r.Code == 421 || r.Class() == 5 && strings.Contains(strings.ToLower(r.Text()), "too many")
}

// limited reports whether a step got the words of a limit in place of its own
// reply: errors came before it, and the connection ended behind it.
func (ev Evidence) limited(o Outcome) bool {
	return TurnsOut(o.Reply()) && ev.Walk.ErrorsUntil(o.Step.Name) > 0 && ev.Walk.ClosedAfter(o.Step.Name)
}

// unasked are the surplus replies but for a 421, which may come at any time
// (RFC 5321 3.8, 4.3.2).
func (o Outcome) unasked() []smtp.Reply {
	return slices.DeleteFunc(slices.Clone(o.Surplus), func(r smtp.Reply) bool { return r.Fault == "" && r.Code == 421 })
}

// goodbye reports whether the reply ends the session: 421, or 221 to anything
// but QUIT.
func (o Outcome) goodbye(r smtp.Reply) bool {
	return r.Code == 421 || r.Code == 221 && !slices.Contains(o.Step.Verbs(), "QUIT")
}

// unreached is the finding where the script ended before the step.
func (ev Evidence) unreached() Finding {
	if stopped, ok := ev.Walk.Stopped(); ok {
		f := Unknown(stopped.say())
		f.Again = stopped.Closed || stopped.TimedOut
		return f
	}
	return Unknown("the exchange did not come to the tested command")
}

// silent tells a receiver that loses a reply from one that is slow with all.
func (ev Evidence) silent(o Outcome) Finding {
	if ev.Facts.Tarpit(o.Took / time.Duration(max(1, o.Step.Replies))) { // a group may be answered at once
		return Unknown(fmt.Sprintf("tarpit: the slowest harmless reply took %s as well", ev.Facts.Slowest.Round(1e8)))
	}
	if o.Partial {
		return Finding{Verdict: Broken, Reason: "a reply that stopped in the middle"}
	}
	// Some receivers pause after an error, for longer with each, and so delay the
	// good command behind it: a late reply is not a missing one.
	if n := ev.Walk.ErrorsUntil(o.Step.Name); n > 0 {
		f := Unknown(fmt.Sprintf("tarpit: no reply to %s in time, with %d error replies before it", o.what(), n))
		f.Again = ev.Walk.Before.Errors > 0 // those of its own script come again
		return f
	}
	return Finding{Verdict: Broken, Reason: o.what() + ": no reply"}
}

// hungUp is the finding for a closed connection, or 421. After an error of ours
// it may be the receiver's error limit, which says nothing of the command.
func (ev Evidence) hungUp(o Outcome) Finding {
	f := Finding{Verdict: Dropped, Reason: "the connection was closed without a reply"}
	if n := len(o.Replies); n > 0 {
		f.Reply = o.Replies[n-1]
		f.Reason = "the connection was closed after " + Brief(f.Reply)
	}
	if n := ev.Walk.ErrorsUntil(o.Step.Name); n > 0 {
		f.Verdict = Inconclusive
		f.Reason = fmt.Sprintf("limit: %s, with %d error replies before it", f.Reason, n)
		f.Again = ev.Walk.Before.Errors > 0 // those of its own script come again
		return f
	}
	if f.Reply.Enhanced().Subject == smtp.SubjectPolicy {
		f.Verdict, f.Reason = Inconclusive, "policy: "+Brief(f.Reply)
	}
	return f
}

// ClosedAfter reports whether the connection ended right behind the replies of
// the step.
func (w Walk) ClosedAfter(name string) bool {
	seen := false
	for _, o := range w.Outcomes {
		switch {
		case o.Step.Name == name && o.Ran:
			seen = true
			if o.Closed {
				return true
			}
		case seen && o.Ran:
			return o.Closed && len(o.Replies) == 0
		}
	}
	return false
}

// Legal says where the control of a tested command comes from when its own
// session has none.
type Legal uint8

// The controls that the baselines hold.
const (
	LegalNothing Legal = iota
	LegalMail
	LegalRcpt
)

func (f Facts) legal(l Legal) smtp.Reply {
	switch l {
	case LegalMail:
		return f.Mail
	case LegalRcpt:
		return f.Postmaster
	}
	return smtp.Reply{}
}

// Refuses judges a check of polarity Refusal: the tested command is out of
// order and the codes are those of a strict refusal (catalogue section 3).
func Refuses(codes smtp.Codes, legal Legal) Judge {
	return Judge{
		Find: func(ev Evidence) Finding { return ev.refusal(codes, legal) },
		Meanings: []Meaning{
			{Strict, "refused with " + codes.String() + ", and not for a reason of policy"},
			{Deviant, "refused with another 4yz or 5yz code that is about the protocol"},
			{Lenient, "accepted with a 2yz or 3yz code"},
			{Dropped, "the connection was closed, or 421, on the first error of a session, twice"},
			{Broken, "no reply, or more than one, or a malformed one, twice"},
			{Inconclusive, "the same command gets the same answer in its legal place, or the refusal is one of policy, resources or limits"},
		},
	}
}

func (ev Evidence) refusal(codes smtp.Codes, legal Legal) Finding {
	control := ev.control(legal)
	f := ev.refused(codes, control)
	switch {
	case !f.Verdict.Known() || legal == LegalNothing:
	case control.Code == 0:
		f = Unknown("the answer to the same command in its legal place is not known")
	case control.Code == 421:
		f = Unknown("the connection is ended at the same command in its legal place too: " + Brief(control))
	}
	f.Control = control
	return f
}

// control is the reply to the tested command in its legal place: in the check's
// own session, or else in a baseline. It is zero where neither has one.
func (ev Evidence) control(legal Legal) smtp.Reply {
	o := ev.Walk.Find(Control)
	if own := o.Reply(); own.Code != 0 && own.Code != 421 && own.Fault == "" && !ev.limited(o) {
		return own
	}
	return ev.Facts.legal(legal)
}

func (ev Evidence) refused(codes smtp.Codes, control smtp.Reply) Finding {
	if f, unusable := ev.Fate(Test); unusable {
		return f
	}
	f := ev.Classify(ev.Walk.Find(Test).Reply(), control, codes)
	// 554 and close is the 554 where the card names it; any other refusal and
	// close is the close.
	if f.Verdict == Deviant && ev.Walk.ClosedAfter(Test) {
		return ev.hungUp(ev.Walk.Find(Test))
	}
	return f
}

// transient are the codes of a fault of the moment, by catalogue section 3.
const transient smtp.Codes = "450,451,452,454,471"

// Classify reads one reply to a command that is out of order beside the reply
// to the same command in its legal place; the zero reply where there is none.
func (ev Evidence) Classify(reply, control smtp.Reply, strict smtp.Codes) Finding {
	e := reply.Enhanced()
	switch {
	case reply.Class() == 2 || reply.Class() == 3:
		return Found(Lenient, reply, "")
	case control.Code != 0 && smtp.SameAnswer(reply, control):
		return Found(Inconclusive, reply, "policy: the same answer as in the legal place, "+Brief(control))
	case strict.Has(reply.Code) && e.Subject != smtp.SubjectPolicy:
		return Found(Strict, reply, "")
	case transient.Has(reply.Code) && e.Subject != smtp.SubjectProtocol:
		return Found(Inconclusive, reply, "transient: "+Brief(reply))
	case reply.Code == 530 || e.Subject == smtp.SubjectPolicy:
		return Found(Inconclusive, reply, "policy: "+Brief(reply))
	}
	return Found(Deviant, reply, "")
}

// Serves judges a check of polarity Service: the tested command is allowed and
// the codes are those of its service.
func Serves(codes smtp.Codes, legal Legal) Judge {
	return Judge{
		Find: func(ev Evidence) Finding { return ev.service(codes, legal) },
		Meanings: []Meaning{
			{Correct, "answered " + codes.String()},
			{Overstrict, "refused although the RFC allows it"},
			{Dropped, "the connection was closed, or 421, twice"},
			{Broken, "no reply, or more than one, or a malformed one, twice"},
			{Inconclusive, "a 4yz code, or the same refusal as in its usual place"},
		},
	}
}

func (ev Evidence) service(codes smtp.Codes, legal Legal) Finding {
	if f, unusable := ev.Fate(Test); unusable {
		return f
	}
	reply := ev.Walk.Find(Test).Reply()
	control := ev.control(legal)
	f := Found(Overstrict, reply, "")
	switch {
	case codes.Has(reply.Code):
		f.Verdict = Correct
	case control.Code != 0 && smtp.SameAnswer(reply, control):
		f.Verdict, f.Reason = Inconclusive, "the same answer as in its usual place, "+Brief(control)
	case reply.Class() == 4:
		f.Verdict, f.Reason = Inconclusive, "transient: "+Brief(reply)
	case reply.Enhanced().Subject == smtp.SubjectPolicy:
		f.Verdict, f.Reason = Inconclusive, "policy: "+Brief(reply)
	case ev.Walk.ClosedAfter(Test):
		f = ev.hungUp(ev.Walk.Find(Test))
	}
	f.Control = control
	return f
}
