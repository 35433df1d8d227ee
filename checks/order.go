package checks

import (
	"slices"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// ungreeted tries a command before EHLO. Its control, the same after EHLO, is
// needed only where it is refused.
func ungreeted(command string) probe.Script {
	return probe.Script{
		test(command), ehlo.When(probe.Test, probe.IfRefused), control(command).When("ehlo again", probe.IfAccepted),
	}
}

// badRefused asks that the recipient that cannot exist was refused with one of
// these codes when it was asked for alone.
func badRefused(codes smtp.Codes) probe.Given {
	return probe.Given{
		Check: probe.RcptRefused, Step: probe.Disturb, Codes: codes,
		Else: "the recipient that cannot exist is not refused as it has to be here",
	}
}

// sees are the needs of every check that looks whether a transaction is open.
func sees() probe.Needs {
	return probe.Needs{Mail: true, Postmaster: true, Checks: []string{probe.RcptBeforeMail}}
}

// servesAnyhow judges VRFY and HELP, which a server may be without: 500, 502 and
// 504 say that it is, and nothing about the order of commands.
func servesAnyhow(codes smtp.Codes) probe.Judge {
	j := probe.Serves(codes, probe.LegalNothing)
	find := j.Find
	j.Find = func(ev probe.Evidence) probe.Finding {
		f := find(ev)
		switch {
		case f.Verdict == probe.Overstrict && smtp.Codes("500,502,504").Has(f.Reply.Code):
			f.Verdict, f.Reason = probe.Inconclusive, "not implemented, which tells nothing about the order: "+probe.Brief(f.Reply)
		case f.Verdict == probe.Correct && f.Reply.Refused() && f.Reply.Enhanced().Subject == smtp.SubjectPolicy:
			f.Verdict, f.Reason = probe.Inconclusive, "policy: "+probe.Brief(f.Reply)
		}
		return f
	}
	return j
}

// refusesUnknown judges a verb that does not exist. That it is refused is a
// SHOULD (RFC 5321 4.2.4), that the connection stays open is a MUST (3.8).
func refusesUnknown() probe.Judge {
	j := patient(probe.Refuses("500", probe.LegalNothing))
	find := j.Find
	j.Find = func(ev probe.Evidence) probe.Finding {
		f := find(ev)
		if f.Verdict == probe.Lenient || f.Verdict == probe.Deviant && f.Reply.Code != 502 {
			f.Says = probe.Deviates
		}
		return f
	}
	return j
}

// servesEHLO judges EHLO behind HELO: a 250 without the keywords that EHLO gets
// at the beginning is no service.
func servesEHLO() probe.Judge {
	j := probe.Serves("250", probe.LegalNothing)
	find := j.Find
	j.Find = func(ev probe.Evidence) probe.Finding {
		f := find(ev)
		if f.Verdict == probe.Correct && len(ev.Facts.Offered) > 0 && len(smtp.ParseCapabilities(f.Reply)) == 0 {
			if name := probe.HelloName(f.Reply); name != ev.Facts.Name {
				return probe.Unknown("another machine answers than at first, " + smtp.Escape(name))
			}
			f.Verdict, f.Reason = probe.Overstrict, "250 without the keywords that EHLO gets at the beginning of a session"
		}
		return f
	}
	return j
}

// answersHELO judges HELO. What is a keyword of EHLO on this receiver must not
// stand in its reply (RFC 5321 3.2); other lines may.
func answersHELO() probe.Judge {
	return probe.Judge{Find: findAnswersHELO, Meanings: []probe.Meaning{
		{Verdict: probe.Correct, When: "250 without keywords, and MAIL is then served"},
		{Verdict: probe.Lenient, When: "250 with the keywords that EHLO gets"},
		{Verdict: probe.Overstrict, When: "refused although EHLO is served"},
		{Verdict: probe.Dropped, When: "the connection was closed, or 421, twice"},
		{Verdict: probe.Broken, When: "no reply, or more than one, or a malformed one, twice"},
		{Verdict: probe.Inconclusive, When: "refused for the moment or by policy, or MAIL after it is refused"},
	}}
}

func findAnswersHELO(ev probe.Evidence) probe.Finding {
	if f, unusable := ev.Fate(probe.Test); unusable {
		return f
	}
	helo := ev.Walk.Find(probe.Test)
	reply := helo.Reply()
	switch {
	case reply.Code == 250:
	case reply.Class() == 4 || reply.Enhanced().Subject == smtp.SubjectPolicy || reply.Code == 550:
		return probe.Found(probe.Inconclusive, reply, "refused by policy, or for the moment: "+probe.Brief(reply))
	default:
		return probe.Found(probe.Overstrict, reply, "")
	}
	for _, line := range reply.Lines[1:] {
		words := strings.Fields(smtp.Reply{Lines: []smtp.Line{line}}.Text())
		if len(words) > 0 && ev.Facts.Offered.Has(words[0]) {
			return probe.Found(probe.Lenient, reply, "the reply to HELO lists keywords: "+words[0])
		}
	}
	if f, unusable := ev.Fate(probe.Control); unusable {
		return f
	}
	if mail := ev.Walk.Find(probe.Control).Reply(); mail.Code != 250 {
		return probe.Found(probe.Inconclusive, mail, "MAIL after HELO was answered "+probe.Brief(mail))
	}
	return probe.Found(probe.Correct, reply, "")
}

// refusesDataLater judges DATA behind a refused RCPT. A close may then be the
// receiver's limit of errors, so no verdict comes from one.
func refusesDataLater() probe.Judge {
	j := refusesData()
	j.Meanings = slices.DeleteFunc(slices.Clone(j.Meanings), func(m probe.Meaning) bool { return m.Verdict == probe.Dropped })
	return j
}

// patient judges as the cards of MAIL and RCPT say: no 4yz is a verdict on the
// order of commands, whatever its enhanced code.
func patient(j probe.Judge) probe.Judge {
	find := j.Find
	j.Find = func(ev probe.Evidence) probe.Finding {
		f := find(ev)
		if f.Verdict == probe.Deviant && f.Reply.Class() == 4 {
			f.Verdict, f.Reason = probe.Inconclusive, "transient: "+probe.Brief(f.Reply)
		}
		return f
	}
	return j
}

// refusesNested judges a second MAIL. Every MAIL counts for LIMITS MAILMAX (RFC
// 9422 4.1), so the end of the connection may be that limit.
func refusesNested() probe.Judge {
	j := patient(probe.Refuses("503", probe.LegalMail))
	find := j.Find
	j.Find = func(ev probe.Evidence) probe.Finding {
		f := find(ev)
		if f.Verdict == probe.Dropped && f.Reply.Code == 421 && ev.Facts.Offered.Has("LIMITS") {
			f.Verdict, f.Reason = probe.Inconclusive, "limit: "+probe.Brief(f.Reply)
		}
		return f
	}
	return j
}

// mailUngreeted judges MAIL without EHLO. Inside TLS after STARTTLS an accepted
// MAIL proves nothing: the receiver may remember the EHLO in clear, which
// tls-mail-without-ehlo is about.
func mailUngreeted() probe.Judge {
	j := patient(probe.Refuses("503", probe.LegalMail))
	find := j.Find
	j.Find = func(ev probe.Evidence) probe.Finding {
		f := find(ev)
		if f.Verdict == probe.Lenient && ev.Facts.Channel == probe.Upgraded {
			f.Verdict = probe.Inconclusive
			f.Reason = "accepted, but the EHLO before STARTTLS may have been remembered"
		}
		return f
	}
	return j
}

// refusesData judges DATA that nobody can receive. RFC 5321 3.3 tolerates 354;
// RFC 2920 3.2(3) says that a server which offers PIPELINING should not give it.
func refusesData() probe.Judge {
	j := probe.Refuses("503,554", probe.LegalNothing)
	find := j.Find
	j.Find = func(ev probe.Evidence) probe.Finding {
		f := find(ev)
		if f.Verdict == probe.Lenient && ev.Facts.Offered.Has("PIPELINING") {
			f.Says, f.Reason = probe.Deviates, "a server that offers PIPELINING should not (RFC 2920 3.2(3))"
		}
		return f
	}
	return j
}
