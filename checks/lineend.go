package checks

import (
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// slow is the finding where the silence of a listening step tells nothing: the
// receiver needs as long for a harmless reply.
func slow(ev probe.Evidence, o probe.Outcome) (probe.Finding, bool) {
	if ev.Facts.Slowest < o.Step.For {
		return probe.Finding{}, false
	}
	return probe.Unknown("tarpit: the slowest harmless reply took " + ev.Facts.Slowest.Round(1e8).String() + " as well"), true
}

// unasked are replies that no command asked for: all but a 421, which may come
// at any time (RFC 5321 3.8).
func unasked(replies []smtp.Reply) []smtp.Reply {
	var all []smtp.Reply
	for _, r := range replies {
		if r.Fault != "" || r.Code != 421 {
			all = append(all, r)
		}
	}
	return all
}

// shifted is the finding where the command behind the tested octets does not
// get its one reply.
func shifted(ev probe.Evidence) (probe.Finding, bool) {
	if !ev.Walk.Find(probe.Control).Ran {
		return probe.Finding{}, false
	}
	f, unusable := ev.Fate(probe.Control)
	if !unusable || f.Verdict != probe.Broken && !ev.Walk.Find(probe.Control).TimedOut {
		return probe.Finding{}, false
	}
	f.Reason = "the command behind it: " + f.Reason
	return f, true
}

// heardAt reads what a listening step heard of octets that are to be refused.
// The second value is false where it heard nothing and the connection is open.
func heardAt(ev probe.Evidence, name string, strict smtp.Codes) (probe.Finding, bool) {
	o := ev.Walk.Find(name)
	reply := o.Reply()
	switch extra := unasked(o.Surplus); {
	case len(extra) > 0:
		return probe.Found(probe.Broken, extra[0], "a reply too many"), true
	case o.Flooded:
		return probe.Finding{Verdict: probe.Broken, Reason: "the receiver does not stop talking"}, true
	case reply.Fault != "":
		return probe.Found(probe.Broken, reply, "malformed reply: "+string(reply.Fault)), true
	case len(o.Replies) == 0 && o.Partial:
		return probe.Finding{Verdict: probe.Broken, Reason: "a reply that stopped in the middle"}, true
	case len(o.Replies) == 0 && o.Closed:
		return probe.Finding{Verdict: probe.Dropped, Reason: "the connection was closed without a reply"}, true
	case len(o.Replies) == 0:
		return probe.Finding{}, false
	}
	f := ev.Classify(reply, smtp.Reply{}, strict)
	ends := reply.Code == 421 || reply.Code == 221 || f.Verdict == probe.Deviant && ev.Walk.ClosedAfter(name)
	switch {
	case ends && reply.Enhanced().Subject == smtp.SubjectPolicy:
		f = probe.Found(probe.Inconclusive, reply, "policy: "+probe.Brief(reply))
	case ends:
		f = probe.Found(probe.Dropped, reply, "the connection was closed after "+probe.Brief(reply))
	case f.Verdict == probe.Deviant && reply.Class() == 4:
		f.Verdict, f.Reason = probe.Inconclusive, "transient: "+probe.Brief(reply)
	}
	return f, true
}

// ignoresBareLF judges a line that ends in a lone LF. RFC 5321 2.3.8 forbids to
// recognise it and does not demand to refuse it, so that silence is strict, and
// so is whatever single reply comes once the line ends in CR LF.
func ignoresBareLF() probe.Judge {
	return probe.Judge{Find: findIgnoresBareLF, Meanings: []probe.Meaning{
		{Verdict: probe.Strict, When: "no reply within 5 seconds, and one reply once CR LF is there; or refused with 500, 501 or 550"},
		{Verdict: probe.Deviant, When: "refused with another code that is about the protocol"},
		{Verdict: probe.Lenient, When: "the line is served: LF is taken for a line end"},
		{Verdict: probe.Dropped, When: "the connection was closed without a reply, or 421, twice"},
		{Verdict: probe.Broken, When: "two replies once CR LF is there, or none, or a malformed one, twice"},
		{Verdict: probe.Inconclusive, When: "the receiver is too slow for a silence to tell anything, or the refusal is one of policy"},
	}}
}

func findIgnoresBareLF(ev probe.Evidence) probe.Finding {
	if f, unusable := ev.Fate(probe.Test); unusable {
		return f
	}
	if !ev.Walk.Find("first").Ran {
		return probe.Unknown("nobody listened for a reply to the line")
	}
	if f, heard := heardAt(ev, "first", "500,501,550"); heard {
		if f.Verdict == probe.Lenient && !smtp.SameAnswer(f.Reply, ev.Facts.Noop) {
			// Somebody on the way may have said an earlier reply again.
			f.Verdict, f.Reason = probe.Inconclusive, "not the reply that NOOP gets, "+probe.Brief(ev.Facts.Noop)
		}
		return f
	}
	if f, late := slow(ev, ev.Walk.Find("first")); late {
		return f
	}
	if f, unusable := ev.Fate("end of line"); unusable {
		return f
	}
	if extra := unasked(ev.Walk.Find("surplus").Replies); len(extra) > 0 {
		return probe.Found(probe.Broken, extra[0], "a second reply to one line")
	}
	if f, is := shifted(ev); is {
		return f
	}
	return probe.Found(probe.Strict, ev.Walk.Find("end of line").Reply(), "waits for CR LF")
}

// ignoresBareCR judges a CR inside a line by the number of replies alone.
func ignoresBareCR() probe.Judge {
	return probe.Judge{Find: findIgnoresBareCR, Meanings: []probe.Meaning{
		{Verdict: probe.Strict, When: "exactly one reply, whatever it says"},
		{Verdict: probe.Lenient, When: "two replies: CR is taken for a line end"},
		{Verdict: probe.Dropped, When: "the connection was closed without a reply, or 421, twice"},
		{Verdict: probe.Broken, When: "no reply, or more than two, or a malformed one, twice"},
		{Verdict: probe.Inconclusive, When: "the receiver is too slow to tell one reply from two, or the two differ"},
	}}
}

func findIgnoresBareCR(ev probe.Evidence) probe.Finding {
	if f, unusable := ev.Fate(probe.Test); unusable {
		return f
	}
	surplus := ev.Walk.Find("surplus")
	extra := unasked(surplus.Replies)
	switch {
	case len(extra) > 1 || surplus.Flooded:
		return probe.Found(probe.Broken, ev.Walk.Find(probe.Test).Reply(), "more replies than there could be commands")
	case len(extra) == 1 && extra[0].Fault != "":
		return probe.Found(probe.Broken, extra[0], "malformed reply: "+string(extra[0].Fault))
	case len(extra) == 1 && !smtp.SameAnswer(extra[0], ev.Walk.Find(probe.Test).Reply()):
		// Somebody on the way may have said an earlier reply again.
		return probe.Found(probe.Inconclusive, extra[0], "a second reply, but not the one that the first NOOP got")
	case len(extra) == 1:
		return probe.Found(probe.Lenient, extra[0], "a second reply: CR is taken for a line end")
	}
	if f, late := slow(ev, surplus); late {
		return f
	}
	if f, is := shifted(ev); is {
		return f
	}
	return probe.Found(probe.Strict, ev.Walk.Find(probe.Test).Reply(), "")
}

// refusesEmptyLine judges a line with nothing in it. Where nothing is said to
// it, the NOOP behind it tells whether it was passed over or waits for its
// reply.
func refusesEmptyLine() probe.Judge {
	return probe.Judge{Find: findRefusesEmptyLine, Meanings: []probe.Meaning{
		{Verdict: probe.Strict, When: "refused with 500, one reply"},
		{Verdict: probe.Deviant, When: "refused with another code that is about the protocol"},
		{Verdict: probe.Lenient, When: "passed over without a reply, or answered 250"},
		{Verdict: probe.Dropped, When: "the connection was closed, or 421, twice"},
		{Verdict: probe.Broken, When: "more than one reply, or a malformed one, or none to NOOP behind it either, twice"},
		{Verdict: probe.Inconclusive, When: "the receiver is too slow for a silence to tell anything, or the refusal is one of policy"},
	}}
}

func findRefusesEmptyLine(ev probe.Evidence) probe.Finding {
	if f, unusable := ev.Fate(probe.Test); unusable {
		return f
	}
	f, heard := heardAt(ev, "reply", "500")
	late, isSlow := slow(ev, ev.Walk.Find("reply"))
	switch {
	case !heard && isSlow:
		return late
	case !heard:
		if lost, unusable := ev.Fate(probe.Control); unusable {
			return lost
		}
		return probe.Found(probe.Lenient, ev.Walk.Find(probe.Control).Reply(), "passed over: NOOP behind it gets the only reply")
	}
	if behind, is := shifted(ev); is {
		return behind
	}
	return f
}
