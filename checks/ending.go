package checks

import (
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

func quitCloses() probe.Judge {
	return probe.Judge{Find: findQuitCloses, Meanings: []probe.Meaning{
		{Verdict: probe.Correct, When: "221, and the connection closes within 5 seconds"},
		{Verdict: probe.Lenient, When: "221, and the connection is still open after 5 seconds"},
		{Verdict: probe.Overstrict, When: "some other reply"},
		{Verdict: probe.Dropped, When: "closed without a reply, twice"},
		{Verdict: probe.Broken, When: "no reply, or more than one, twice"},
	}}
}

func findQuitCloses(ev probe.Evidence) probe.Finding {
	if f, unusable := ev.Fate(probe.Test); unusable {
		return f
	}
	reply, end := ev.Walk.Find(probe.Test).Reply(), ev.Walk.Find("end")
	switch {
	case len(end.Replies) > 0:
		return probe.Found(probe.Broken, end.Replies[0], "a reply after the one to QUIT")
	case reply.Code != 221:
		return probe.Found(probe.Overstrict, reply, "")
	case end.Closed || ev.Walk.ClosedAfter(probe.Test):
		return probe.Found(probe.Correct, reply, "")
	case !end.Ran:
		return probe.Unknown("the end of the connection was not waited for")
	}
	return probe.Found(probe.Lenient, reply, "still open after 5 seconds")
}

// closedAfterQuit judges a NOOP behind the 221. The control is the 221: without
// it there is no end that the NOOP could come behind.
func closedAfterQuit() probe.Judge {
	return probe.Judge{Find: findClosedAfterQuit, Meanings: []probe.Meaning{
		{Verdict: probe.Strict, When: "the connection is closed, before NOOP is sent or because of it, and nothing more is said"},
		{Verdict: probe.Deviant, When: "NOOP is not answered, but the connection is still open 5 seconds later"},
		{Verdict: probe.Lenient, When: "NOOP is answered"},
		{Verdict: probe.Dropped, When: "QUIT itself: closed without a reply, or 421, twice"},
		{Verdict: probe.Broken, When: "QUIT itself: no reply, or more than one, or a malformed one, twice"},
		{Verdict: probe.Inconclusive, When: "QUIT is not answered 221"},
	}}
}

func findClosedAfterQuit(ev probe.Evidence) probe.Finding {
	if f, unusable := ev.Fate("quit"); unusable {
		return f
	}
	quit := ev.Walk.Find("quit").Reply()
	if quit.Code != 221 {
		return probe.Found(probe.Inconclusive, quit, "QUIT is not answered 221: "+probe.Brief(quit))
	}
	goodbye, noop, after := ev.Walk.Find("goodbye"), ev.Walk.Find(probe.Test), ev.Walk.Find("after")
	switch {
	case len(goodbye.Replies) > 0 || goodbye.Partial:
		return probe.Found(probe.Broken, goodbye.Reply(), "a reply after the one to QUIT")
	case len(after.Replies) > 0:
		f := probe.Found(probe.Lenient, after.Reply(), "")
		f.Control = quit
		return f
	case ev.Walk.ClosedAfter("quit") || goodbye.Closed || noop.Closed || after.Closed:
		return probe.Found(probe.Strict, quit, "")
	case !after.Ran:
		return probe.Unknown("the exchange did not come to the tested command")
	}
	return probe.Found(probe.Deviant, quit, "not answered, but the connection is still open after 5 seconds")
}

// quitEndsGroup judges QUIT with NOOP behind it. A receiver that closes while it
// has not read the NOOP resets the connection on many systems, and the reset may
// overtake the 221: a close without a reply tells nothing.
func quitEndsGroup() probe.Judge {
	return probe.Judge{Find: findQuitEndsGroup, Meanings: []probe.Meaning{
		{Verdict: probe.Strict, When: "221, and the connection closes without another word"},
		{Verdict: probe.Deviant, When: "QUIT or NOOP is refused, or the connection is still open 5 seconds after the 221"},
		{Verdict: probe.Lenient, When: "221, and NOOP behind it is served"},
		{Verdict: probe.Dropped, When: "421 in place of the 221, twice"},
		{Verdict: probe.Broken, When: "no reply to QUIT, or one that is neither 221 nor a refusal, or a malformed one, twice"},
		{Verdict: probe.Inconclusive, When: "the 221 was lost to the end of the connection, which may have overtaken it; or QUIT is refused by policy"},
	}}
}

func findQuitEndsGroup(ev probe.Evidence) probe.Finding {
	f, unusable := ev.Fate(probe.Test)
	quit, end := ev.Walk.Find(probe.Test), ev.Walk.Find("end")
	reply, behind := quit.Reply(), end.Reply()
	switch {
	case unusable && f.Verdict == probe.Dropped && len(quit.Replies) == 0:
		f.Verdict, f.Again, f.Reason = probe.Inconclusive, true, "221 lost to RST, or never sent: "+f.Reason
		return f
	case unusable:
		return f
	case reply.Class() == 4 || reply.Refused() && reply.Enhanced().Subject == smtp.SubjectPolicy:
		return probe.Found(probe.Inconclusive, reply, "refused by policy, or for the moment: "+probe.Brief(reply))
	case reply.Refused():
		f := probe.Found(probe.Deviant, reply, "QUIT is refused because of what stands behind it")
		if smtp.Codes("500,503,554").Has(reply.Code) {
			f.Says = probe.Conforms // against who talks out of turn a receiver may defend itself (RFC 5321 7.8)
		}
		return f
	case reply.Code != 221:
		return probe.Found(probe.Broken, reply, "QUIT is not answered 221")
	case behind.Fault != "":
		return probe.Found(probe.Broken, behind, "malformed reply: "+string(behind.Fault))
	case behind.Code == 221:
		return probe.Found(probe.Broken, behind, "221 twice")
	case behind.Refused() && behind.Code != 421:
		return probe.Found(probe.Deviant, behind, "NOOP is refused where the connection should be closed")
	case len(end.Replies) > 0 && behind.Code != 421:
		return probe.Found(probe.Lenient, behind, "NOOP behind QUIT is served")
	case end.Closed || ev.Walk.ClosedAfter(probe.Test) || behind.Code == 421:
		return probe.Found(probe.Strict, reply, "")
	case !end.Ran:
		return probe.Unknown("the end of the connection was not waited for")
	}
	return probe.Found(probe.Deviant, reply, "still open after 5 seconds")
}
