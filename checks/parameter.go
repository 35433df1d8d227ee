package checks

import (
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// mailWith tries MAIL with parameters. The control is the same without any, on
// the same connection behind it and behind RSET: there are receivers that keep a
// refused parameter until then and refuse every MAIL for it (Postfix its SIZE,
// Sendmail its RET), which would look like a policy.
func mailWith(params string) probe.Script { return mailFrom(probe.CommandMAIL + " " + params) }

// mailFrom tries a MAIL of its own.
func mailFrom(command string) probe.Script {
	return probe.Script{test(command), probe.Line("undo", "RSET").Wanting("250"), control(probe.CommandMAIL), rset}
}

// rcptWith tries RCPT with parameters inside a transaction.
func rcptWith(params string) probe.Script {
	return probe.Script{mail, test(probe.CommandRCPT + " " + params), control(probe.CommandRCPT), rset}
}

// refusesParameter judges a parameter that no server can know. A 4yz may be what
// a receiver says to every MAIL or RCPT, and 455 says "not now".
func refusesParameter(legal probe.Legal) probe.Judge { return patient(probe.Refuses("555", legal)) }

// refusesUnlisted judges a parameter of the RFCs that is not offered. That it is
// taken all the same is an observation: no RFC forbids a server to know more
// than it lists.
func refusesUnlisted(legal probe.Legal) probe.Judge {
	j := refusesParameter(legal)
	find := j.Find
	j.Find = func(ev probe.Evidence) probe.Finding {
		f := find(ev)
		if f.Verdict == probe.Lenient {
			f.Says = probe.Unregulated
		}
		return f
	}
	return j
}

// refusesOversize judges a declared size above the maximum. RFC 1870 4 has 452
// for a disk that is full at the moment, but the same MAIL without a size is
// taken beside it, and no later try gets below the maximum: the card counts it
// as a refusal with another code. The "must" of RFC 1870 7 is about a minimal
// server, and 6.1 leaves it to the server whether it looks at the size: the card
// calls a 250 a deviation.
func refusesOversize() probe.Judge {
	j := patient(probe.Refuses("552", probe.LegalMail))
	find := j.Find
	j.Find = func(ev probe.Evidence) probe.Finding {
		f := find(ev)
		switch {
		case f.Verdict == probe.Lenient:
			f.Says, f.Reason = probe.Deviates, "the size will be noticed only after the message"
		case f.Verdict == probe.Inconclusive && answeredAs(ev, "452") && f.Control.Class() == 2 && !ofPolicy(f.Reply):
			f.Verdict, f.Reason = probe.Deviant, "452 asks for another try, which cannot help"
		}
		return f
	}
	return j
}

// answeredAs reports a whole reply to the tested command with one of these
// codes, behind which the connection stayed open.
func answeredAs(ev probe.Evidence, codes smtp.Codes) bool {
	_, unusable := ev.Fate(probe.Test)
	return !unusable && codes.Has(ev.Walk.Find(probe.Test).Reply().Code) && !ev.Walk.ClosedAfter(probe.Test)
}

func ofPolicy(r smtp.Reply) bool { return r.Enhanced().Subject == smtp.SubjectPolicy }

// refusesInClear judges REQUIRETLS in clear. A reason of policy is the right one
// here, as long as MAIL without REQUIRETLS is served beside it. Where all mail
// in clear is refused with 530, nobody can tell what REQUIRETLS adds.
func refusesInClear() probe.Judge {
	j := patient(probe.Refuses("523,530,555", probe.LegalMail))
	find := j.Find
	j.Find = func(ev probe.Evidence) probe.Finding {
		f := find(ev)
		switch {
		case f.Verdict != probe.Inconclusive:
		case f.Control.Code == 530 && answeredAs(ev, "530"):
			f.Verdict, f.Reason = probe.NotApplicable, "MAIL in clear is refused without REQUIRETLS too: "+probe.Brief(f.Control)
		case f.Control.Class() == 2 && answeredAs(ev, "523,530,550,555") && ofPolicy(f.Reply):
			f.Verdict, f.Reason = probe.Strict, ""
		}
		return f
	}
	j.Meanings = []probe.Meaning{
		{Verdict: probe.Strict, When: "refused with 555, 530, 523, or a 550 for a reason of policy"},
		{Verdict: probe.Deviant, When: "refused with another 5yz code"},
		{Verdict: probe.Lenient, When: "accepted with a 2yz or 3yz code"},
		{Verdict: probe.Dropped, When: "the connection was closed, or 421, on the first error of a session, twice"},
		{Verdict: probe.Broken, When: "no reply, or more than one, or a malformed one, twice"},
		{Verdict: probe.NotApplicable, When: "MAIL in clear is answered 530 without REQUIRETLS too"},
		{Verdict: probe.Inconclusive, When: "MAIL without REQUIRETLS gets the same answer, or the refusal is one of the moment or of limits"},
	}
	return j
}
