package checks

import (
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// takesLongLine judges a line of 512 octets. Its control is the same command
// with a short argument: some receivers take NOOP with none.
func takesLongLine() probe.Judge {
	j := probe.Serves("250", probe.LegalNothing)
	j.Meanings = append(j.Meanings[:len(j.Meanings)-1:len(j.Meanings)-1], probe.Meaning{
		Verdict: probe.Inconclusive, When: "a 4yz code, or a short NOOP with an argument is refused too",
	})
	find := j.Find
	j.Find = func(ev probe.Evidence) probe.Finding {
		if f, unusable := ev.Fate(probe.Control); unusable {
			f.Verdict = probe.Inconclusive
			return f
		}
		if short := ev.Walk.Find(probe.Control).Reply(); short.Class() != 2 {
			return probe.Found(probe.Inconclusive, short, "a short NOOP with an argument is refused too: "+probe.Brief(short))
		}
		return find(ev)
	}
	return j
}

// answersLongLine judges a line that nobody has to take by the number of its
// replies.
func answersLongLine() probe.Judge {
	return probe.Judge{Find: findAnswersLongLine, Meanings: []probe.Meaning{
		{Verdict: probe.Correct, When: "one reply, whatever it says, and NOOP behind it is served"},
		{Verdict: probe.Dropped, When: "the connection was closed, or 421, twice"},
		{Verdict: probe.Broken, When: "more than one reply: the rest of the line was taken for commands; or none; twice"},
		{Verdict: probe.Inconclusive, When: "NOOP behind it is not served, or the receiver is too slow to tell one reply from two"},
	}}
}

func findAnswersLongLine(ev probe.Evidence) probe.Finding {
	if f, unusable := ev.Fate(probe.Test); unusable {
		return f
	}
	reply, surplus := ev.Walk.Find(probe.Test).Reply(), ev.Walk.Find("surplus")
	extra := unasked(surplus.Replies)
	switch {
	case len(extra) > 0:
		return probe.Found(probe.Broken, extra[0], "more than one reply to one line")
	case surplus.Closed || ev.Walk.ClosedAfter(probe.Test):
		return probe.Found(probe.Dropped, reply, "the connection was closed after "+probe.Brief(reply))
	}
	if f, late := slow(ev, surplus); late {
		return f
	}
	if f, unusable := ev.Fate(probe.Control); unusable {
		return f
	}
	if noop := ev.Walk.Find(probe.Control).Reply(); noop.Code != 250 {
		return probe.Found(probe.Inconclusive, noop, "NOOP behind the line is answered "+probe.Brief(noop))
	}
	return probe.Found(probe.Correct, reply, "")
}

// servesAnyCase judges three commands that are not in upper case.
func servesAnyCase() probe.Judge {
	return probe.Judge{Find: findServesAnyCase, Meanings: []probe.Meaning{
		{Verdict: probe.Correct, When: "all three answered 250"},
		{Verdict: probe.Overstrict, When: "one refused that is served in upper case"},
		{Verdict: probe.Dropped, When: "the connection was closed, or 421, twice"},
		{Verdict: probe.Broken, When: "no reply, or more than one, or a malformed one, twice"},
		{Verdict: probe.Inconclusive, When: "a 4yz code, or a refusal by policy"},
	}}
}

func findServesAnyCase(ev probe.Evidence) probe.Finding {
	for _, name := range []string{probe.Test, "mail", "reset"} {
		if f, unusable := ev.Fate(name); unusable {
			return f
		}
		reply := ev.Walk.Find(name).Reply()
		command := smtp.Escape(ev.Walk.Find(name).Step.Text[:4])
		switch {
		case reply.Code == 250:
		case reply.Class() == 4 || reply.Enhanced().Subject == smtp.SubjectPolicy:
			return probe.Found(probe.Inconclusive, reply, command+" is refused by policy, or for the moment: "+probe.Brief(reply))
		default:
			return probe.Found(probe.Overstrict, reply, command+" is not answered 250")
		}
	}
	return probe.Found(probe.Correct, ev.Walk.Find(probe.Test).Reply(), "")
}
