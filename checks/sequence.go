package checks

import "github.com/smtpprobe/smtpprobe/probe"

// sequence: commands at the wrong place of a session.
func sequence() []probe.Check {
	return []probe.Check{
		{
			ID: "mail-before-ehlo", Title: "MAIL before EHLO or HELO",
			Group: probe.GroupSequence, Profile: probe.Quick, Level: probe.None, Ordering: true,
			Refs: []probe.Ref{"RFC 5321 4.1.4", "RFC 5321 4.1.1.1"},
			Norm: "A client must open a session that carries mail with EHLO or HELO. A server may refuse MAIL " +
				"before that with 503, and may as well serve it.",
			Needs: probe.Needs{Mail: true}, Start: probe.Greeted, Errors: 1,
			Script: probe.Script{test(probe.CommandMAIL), ehlo, control(probe.CommandMAIL), rset},
			Judge:  mailUngreeted(),
			Bites: "A sender that reuses a connection after a reset, or loses track of a failed EHLO, and goes " +
				"straight to MAIL.",
			Fix: "Send EHLO (or HELO) and wait for its 250 before the first MAIL of every connection.",
		},
		{
			ID: "noop-before-ehlo", Title: "NOOP before EHLO or HELO",
			Group: probe.GroupSequence, Profile: probe.Quick, Polarity: probe.Service, Level: probe.Must,
			Refs: []probe.Ref{"RFC 5321 4.1.4", "RFC 5321 4.1.1.9"},
			Norm: "NOOP may be used at any time, without a session; a server should process it normally and not " +
				"answer 503.",
			Start: probe.Greeted, Errors: 1,
			Script: probe.Script{test("NOOP"), ehlo, control("NOOP")},
			Judge:  probe.Serves("250", probe.LegalNothing),
			Bites:  "A connection pool that asks with NOOP whether a connection is alive before it has said EHLO.",
			Fix:    "Say EHLO first, or take a refused NOOP as a sign of life.",
		},
		{
			ID: probe.RcptBeforeMail, Title: "RCPT before MAIL",
			Group: probe.GroupSequence, Profile: probe.Quick, Level: probe.Must, Ordering: true,
			Refs: []probe.Ref{"RFC 5321 3.3", "RFC 5321 4.1.4"},
			Norm: "If RCPT appears without a previous MAIL, the server must answer 503 \"Bad sequence of " +
				"commands\": the one place where the code itself is mandatory.",
			Needs: probe.Needs{Mail: true, Postmaster: true}, Start: probe.Hello, Errors: 1,
			Script: probe.Script{test(probe.CommandRCPT), mail, control(probe.CommandRCPT), rset},
			Judge:  patient(probe.Refuses("503", probe.LegalRcpt)),
			Bites: "A sender that goes on to RCPT although its MAIL was refused, or was never sent: often the " +
				"second message of a connection after an error.",
			Fix: "Read the reply to MAIL before RCPT; after a refused MAIL start the next message with a MAIL of " +
				"its own.",
		},
		{
			ID: "data-before-mail", Title: "DATA before MAIL",
			Group: probe.GroupSequence, Profile: probe.Quick, Level: probe.May, Ordering: true,
			Refs: []probe.Ref{"RFC 5321 3.3", "RFC 5321 4.1.4", "RFC 2920 3.2(3)"},
			Norm: "With no MAIL and no RCPT the server may answer DATA with 503 or 554. A 354 is tolerated, but a " +
				"server that offers PIPELINING should not give it.",
			Needs: probe.Needs{Mail: true}, Start: probe.Hello, Errors: 1,
			Script: probe.Script{test("DATA"), control(probe.CommandMAIL), rset},
			Judge:  refusesData(), Allowed: "354",
			Bites: "A sender that does not notice that its transaction is gone (after RSET, a second EHLO, or TLS) " +
				"and goes on to DATA.",
			Fix: "Start again with MAIL after every RSET, EHLO and STARTTLS.",
		},
		{
			ID: "data-without-rcpt", Title: "DATA without RCPT",
			Group: probe.GroupSequence, Profile: probe.Quick, Level: probe.May, Ordering: true,
			Refs: []probe.Ref{"RFC 5321 3.3", "RFC 5321 4.1.4", "RFC 2920 3.2(3)"},
			Norm: "With MAIL and no RCPT the server may answer DATA with 503 or 554. A 354 is tolerated, but a " +
				"server that offers PIPELINING should not give it.",
			Needs: probe.Needs{Mail: true}, Start: probe.Hello, Errors: 1,
			Script: probe.Script{control(probe.CommandMAIL).Wanting("250"), test("DATA"), rset},
			Judge:  refusesData(), Allowed: "354",
			Bites: "A sender that goes on to DATA although no recipient was given or every one was refused.",
			Fix:   "Count the accepted recipients; with none, send RSET instead of DATA.",
		},
		{
			ID: "nested-mail", Title: "a second MAIL inside a transaction",
			Group: probe.GroupSequence, Profile: probe.Quick, Level: probe.None, Ordering: true,
			Refs: []probe.Ref{"RFC 5321 4.1.4", "RFC 5321 3.3", "RFC 5321 4.1.1.2"},
			Norm: "A client must not send MAIL while a transaction is open. A server may answer 503 and keep the " +
				"transaction, or 250 and start a new one: the RFC's texts allow both.",
			Needs: probe.Needs{Mail: true}, Start: probe.Hello, Errors: 1,
			Script: probe.Script{control(probe.CommandMAIL).Wanting("250"), test(probe.CommandMAIL), rset},
			Judge:  refusesNested(),
			Bites: "A sender that begins the next message after an error without ending the transaction before it: " +
				"the most frequent cause of 503 in practice.",
			Fix: "Send RSET after any error inside a transaction, and wait for its 250 before the next MAIL.",
		},
	}
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
