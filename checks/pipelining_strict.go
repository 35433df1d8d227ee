package checks

import (
	"slices"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// This file judges what is in pipelining_more.go: groups out of order, and lines
// in two segments.

func syncRefused() probe.Judge {
	return probe.Judge{Find: findSyncRefused, Meanings: []probe.Meaning{
		{Verdict: probe.Strict, When: "554, 503 or 500 in place of any reply"},
		{Verdict: probe.Deviant, When: "refused with some other code that is about the protocol"},
		{Verdict: probe.Dropped, When: "the connection is closed, twice; this counts as enforced"},
		{Verdict: probe.Lenient, When: "three replies in order: every command is served"},
		{Verdict: probe.Broken, When: "replies are missing, too many or out of order, and the session goes on"},
		{Verdict: probe.Inconclusive, When: "the refusal is one of policy"},
		{Verdict: probe.NotApplicable, When: "PIPELINING is not offered, or PIPECONNECT is"},
	}}
}

// findSyncRefused reads the replies to MAIL, NOOP or VRFY, and RSET. VRFY may be
// refused for what it is: the reply to it alone, the control, tells.
func findSyncRefused(ev probe.Evidence) probe.Finding {
	o := ev.Walk.Find(probe.Test)
	if f, unusable := surplusAfter(ev); unusable {
		return f
	}
	if !o.Ran {
		f, _ := ev.Fate(probe.Test)
		return f
	}
	alone := ev.Walk.Find(probe.Control).Reply()
	vrfy := func(i int) bool {
		return alone.Code != 0 && i < len(o.Replies) && smtp.SameAnswer(o.Replies[i], alone)
	}
	if alone.Code != 250 && !vrfy(1) && (vrfy(0) || vrfy(2)) {
		return probe.Found(probe.Broken, o.Reply(), "the replies are out of order")
	}
	others := slices.Clone(o.Replies)
	if vrfy(1) {
		others = slices.Delete(others, 1, 2)
	}
	if r, refused := refusedIn(others); refused && len(o.Surplus) == 0 {
		return groupRefusal(ev, r, ev.Facts.Mail)
	}
	if f, unusable := ev.Fate(probe.Test); unusable {
		return f
	}
	return probe.Found(probe.Lenient, o.Replies[1], "")
}

func dataGroupRefused() probe.Judge {
	return probe.Judge{Find: findDataGroupRefused, Meanings: []probe.Meaning{
		{Verdict: probe.Strict, When: "MAIL is served, RCPT refused, and DATA refused with 503 or 554"},
		{Verdict: probe.Deviant, When: "DATA is refused with another code that is about the protocol"},
		{Verdict: probe.Lenient, When: "DATA is answered 354 although no recipient was accepted"},
		{Verdict: probe.Dropped, When: "the connection was closed, or 421, twice"},
		{Verdict: probe.Broken, When: "replies are missing, too many or out of order, twice"},
		{Verdict: probe.Inconclusive, When: "MAIL is refused or RCPT accepted this time, or the refusal of DATA is one of policy or of the moment"},
		{Verdict: probe.NotApplicable, When: "PIPELINING is not offered, the recipient is not refused, or DATA is accepted one by one as well"},
	}}
}

func findDataGroupRefused(ev probe.Evidence) probe.Finding {
	o := ev.Walk.Find(probe.Test)
	text := func(r smtp.Reply) bool { return r.Class() == 3 }
	if at := slices.IndexFunc(o.Replies, text); at >= 0 && at != 2 {
		return probe.Found(probe.Broken, o.Replies[at], "354 where the reply to another command was due")
	}
	if f, unusable := ev.Fate(probe.Test); unusable {
		return f
	}
	if f, unusable := surplusAfter(ev); unusable {
		return f
	}
	mail, rcpt, data := o.Replies[0], o.Replies[1], o.Replies[2]
	switch {
	case mail.Class() != 2:
		return probe.Found(probe.Inconclusive, mail, "MAIL was refused this time: "+probe.Brief(mail))
	case !rcpt.Refused():
		return probe.Found(probe.Inconclusive, rcpt, "RCPT was accepted this time: "+probe.Brief(rcpt))
	}
	f := ev.Classify(data, smtp.Reply{}, "503,554")
	f.Control = mail
	if f.Verdict == probe.Deviant {
		// What is not accepted keeps RFC 2920 3.2(3); which code refuses it RFC
		// 5321 3.3 only permits.
		f.Says = probe.Unregulated
		if ev.Walk.ClosedAfter(probe.Test) {
			f.Verdict, f.Reason = probe.Dropped, "the connection was closed after "+probe.Brief(data)
		}
	}
	return f
}

func lineAwaited() probe.Judge {
	return probe.Judge{Find: findLineAwaited, Meanings: []probe.Meaning{
		{Verdict: probe.Correct, When: "nothing before the line is ended, and then one 250"},
		{Verdict: probe.Overstrict, When: "the command is refused, and is served when it comes in one piece"},
		{Verdict: probe.Broken, When: "a reply before the line is ended, more than one or none, or 500: a part was taken for a line; twice"},
		{Verdict: probe.Dropped, When: "the connection was closed, or 421, twice"},
		{Verdict: probe.Inconclusive, When: "a 4yz code, or NOOP in one piece gets the same refusal"},
	}}
}

func findLineAwaited(ev probe.Evidence) probe.Finding {
	gap := ev.Walk.Find("gap")
	switch {
	case len(gap.Replies) > 0 && gap.Reply().Fault == "" && gap.Reply().Code == 421:
		return probe.Found(probe.Dropped, gap.Reply(), "421 before the line was ended")
	case len(gap.Replies) > 0:
		return probe.Found(probe.Broken, gap.Reply(), "a reply before the line was ended")
	case gap.Partial:
		return probe.Finding{Verdict: probe.Broken, Reason: "a reply was begun before the line was ended"}
	case gap.Closed:
		return probe.Finding{Verdict: probe.Dropped, Reason: "the connection was closed before the line was ended"}
	}
	if f, unusable := ev.Fate(probe.Test); unusable {
		return f
	}
	if f, unusable := surplusAfter(ev); unusable {
		return f
	}
	f := probe.Serves("250", probe.LegalNothing).Find(ev)
	if f.Verdict == probe.Overstrict && f.Reply.Code == 500 {
		f.Verdict, f.Reason = probe.Broken, "500: a part of the line was taken for a line"
	}
	return f
}
