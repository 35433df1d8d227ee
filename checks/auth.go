package checks

import (
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// cancel ends an exchange that was opened although it should not have been. No
// credential is ever sent: after 334 the only line is "*".
func cancel() probe.Step { return probe.Line("cancel", "*").When(probe.Test, probe.IfAccepted) }

// auth: AUTH at the wrong place. No check tries the same AUTH in its legal
// place: a receiver may be asked four times in a run, since more look like
// guessing passwords. The control is a NOOP or MAIL that is served. Four checks
// of AUTH that is offered are all four: none has a second try, which an acceptance
// in a session that had played other checks would need. So each has a session of
// its own. The two of AUTH that is not offered have tries left.
func auth() []probe.Check {
	return []probe.Check{
		unlistedAuth("", probe.Hello), unlistedAuth("/inside-tls", probe.TunnelHello),
		{
			// The card says AUTH PLAIN; a mechanism that is offered after EHLO is refused
			// for its place only.
			ID: "auth-before-ehlo", Title: "AUTH before EHLO",
			Group: probe.GroupAuth, Profile: probe.Full, Level: probe.None, Ordering: true,
			Refs: []probe.Ref{"RFC 4954 3", "RFC 4954 4", "RFC 5321 4.1.4"},
			Norm: "AUTH is an extension, and before EHLO none has been offered. No RFC tells a server what to answer; " +
				"503 says what is wrong. Tried where AUTH is offered in the channel of the run: often inside TLS only.",
			Needs: probe.Needs{Offered: []string{"AUTH"}}, Start: probe.Greeted, Own: true, Errors: 1,
			Script: probe.Script{test("AUTH " + probe.AnyMechanism), cancel(), ehlo, control("NOOP")},
			Judge:  authUngreeted(),
			Habit:  probe.Habit{Name: "AUTH before EHLO", Must: "send EHLO before AUTH"},
			Bites: "A mail program that goes straight to AUTH after STARTTLS, and takes the refusal for a wrong " +
				"password.",
			Fix: "Send EHLO again after every STARTTLS and after every new connection, and AUTH behind its 250.",
		},
		{
			ID: "auth-mid-transaction", Title: "AUTH inside a transaction",
			Group: probe.GroupAuth, Profile: probe.Standard, Level: probe.Must, Ordering: true,
			Refs: []probe.Ref{"RFC 4954 4"},
			Norm: "AUTH is not allowed between MAIL and the end of its transaction; a server must answer it with 503. " +
				"Tried where AUTH is offered in the channel of the run: often inside TLS only.",
			Needs: probe.Needs{Mail: true, Offered: []string{"AUTH"}}, Start: probe.Hello, Own: true, Errors: 1,
			Script: probe.Script{control(probe.CommandMAIL).Wanting("250"), test("AUTH " + probe.AnyMechanism), cancel(), rset},
			Judge:  refusesAuth("503", "503"),
			Habit:  probe.Habit{Name: "AUTH inside a transaction", Must: "send AUTH before the first MAIL"},
			Bites: "A mail program that logs in only when a RCPT was refused with \"relaying denied\", in the middle of " +
				"the message.",
			Fix: "Log in before the first MAIL; after a refused RCPT send RSET, then AUTH, then MAIL again.",
		},
		{
			ID: "auth-cancel", Title: "AUTH is cancelled",
			Group: probe.GroupAuth, Profile: probe.Full, Polarity: probe.Service, Level: probe.Must,
			Refs: []probe.Ref{"RFC 4954 4"},
			Norm: "A client gives an exchange up with a line that is a single \"*\". The server must answer 501, and the " +
				"session goes on as if there had been no AUTH. Tried where AUTH is offered in the channel of the run: " +
				"often inside TLS only.",
			Needs: probe.Needs{Offered: []string{"AUTH"}}, Start: probe.Hello, Own: true, Errors: 1, Worst: 2,
			Script: probe.Script{probe.Line("auth", "AUTH "+probe.Challenging).Wanting("334"), test("*"), control("NOOP")},
			Judge:  cancels(),
			Habit:  probe.Habit{Name: "cancels AUTH with an asterisk", Must: "close the connection to give up AUTH"},
			Bites: "A mail program whose user gives up at the question for the password: where \"*\" counts as an " +
				"attempt, he is locked out after a few of them.",
			Fix: "Close the connection instead of sending \"*\", and log in on a new one.",
		},
		{
			ID: "auth-unknown-mechanism", Title: "AUTH with a mechanism that does not exist",
			Group: probe.GroupAuth, Profile: probe.Standard, Level: probe.None,
			Refs: []probe.Ref{"RFC 4954 4"},
			Norm: "A server answers a mechanism that it does not support with 504. Tried where AUTH is offered in the " +
				"channel of the run: often inside TLS only.",
			Needs: probe.Needs{Offered: []string{"AUTH"}}, Start: probe.Hello, Own: true, Errors: 1,
			Script: probe.Script{test("AUTH ZZ-PROBE"), cancel(), control("NOOP")},
			Judge:  refusesAuth("504", "500,501,503,534,535,538"),
			Habit: probe.Habit{
				Name: "AUTH with a mechanism that is not offered",
				Must: "use only mechanisms that the latest reply to EHLO offers",
			},
			Bites: "A mail program that tries one mechanism after the other: where the wrong one is answered 535, it " +
				"says \"wrong password\", and the server counts a failed login.",
			Fix: "Use only mechanisms that the line AUTH of the reply to EHLO names.",
		},
	}
}

// unlistedAuth is AUTH where it is not offered, in the channel of the run and inside
// TLS besides: many receivers offer it there only.
func unlistedAuth(variant string, start probe.Start) probe.Check {
	title := "AUTH where it is not offered"
	if start == probe.TunnelHello {
		title += ", inside TLS"
	}
	return probe.Check{
		ID: "auth-unadvertised" + variant, Title: title,
		Group: probe.GroupAuth, Profile: probe.Standard, Level: probe.Must,
		Refs: []probe.Ref{"RFC 5321 4.2.4", "RFC 5321 4.1.1.1", "RFC 4954 3"},
		Norm: "A server should answer a command that it does not offer with 500 or 502, and its reply to EHLO " +
			"must list AUTH where it serves AUTH. 503 and 504 say no as well, and so does 538 where AUTH is " +
			"offered inside TLS only.",
		Needs: probe.Needs{Unoffered: []string{"AUTH"}, Besides: start == probe.TunnelHello}, Start: start, Errors: 1,
		Script: probe.Script{test("AUTH PLAIN"), cancel(), control("NOOP")},
		Judge:  refusesUnlistedAuth(), Allowed: "538",
		Habit: probe.Habit{Name: "AUTH without being offered", Must: "send AUTH only where the latest reply to EHLO offers it"},
		Bites: "A mail program that logs in whatever the server offers, often on port 25 or before STARTTLS: its " +
			"password goes over the line in clear.",
		Fix: "Log in only where the latest reply to EHLO lists AUTH; use port 587 or 465, and TLS first.",
	}
}

// refusesAuth judges AUTH without a control of its own. The codes of other are
// those which the card names, although they may mean policy elsewhere. 504 5.7.4
// ("security features not supported", RFC 3463 3.8) is a 504 like any other. AUTH
// is accepted with 334 or 235 (RFC 4954 4 and 6): what another 2yz answers is
// unknown, most likely an earlier command.
func refusesAuth(strict, other smtp.Codes) probe.Judge {
	j := patient(probe.Refuses(strict, probe.LegalNothing))
	find := j.Find
	j.Find = func(ev probe.Evidence) probe.Finding {
		f := find(ev)
		switch {
		case f.Verdict == probe.Lenient && !smtp.Codes("235,334").Has(f.Reply.Code):
			f.Verdict, f.Reason = probe.Inconclusive, "no answer to AUTH: "+probe.Brief(f.Reply)
		case f.Verdict != probe.Inconclusive:
		case strict.Has(504) && answeredAs(ev, "504"):
			f.Verdict, f.Reason = probe.Strict, ""
		case answeredAs(ev, other) && !strict.Has(f.Reply.Code):
			f.Verdict, f.Reason = probe.Deviant, ""
		}
		return f
	}
	return j
}

// refusesUnlistedAuth judges AUTH that EHLO did not list. That it is served is
// against a MUST (RFC 5321 4.1.1.1: the reply to EHLO lists what is served), that
// another code refuses it against a SHOULD (4.2.4). 530 is right where the server
// wants TLS first (RFC 3207 4), which nobody can tell from here.
func refusesUnlistedAuth() probe.Judge {
	j := refusesAuth("500,502,503,504", "530,535,538,550,554")
	find := j.Find
	j.Find = func(ev probe.Evidence) probe.Finding {
		f := find(ev)
		switch {
		case f.Verdict != probe.Deviant || f.Reply.Code == 538:
		case f.Reply.Code == 530:
			f.Says = probe.Unregulated
		default:
			f.Says = probe.Deviates
		}
		return f
	}
	return j
}

// authUngreeted judges AUTH without EHLO. Inside TLS after STARTTLS the receiver
// may remember the EHLO in clear, as in mailUngreeted.
func authUngreeted() probe.Judge {
	j := refusesAuth("503", "500,502,504,530,538")
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

// cancels judges the "*" behind a challenge, and the NOOP behind it.
func cancels() probe.Judge {
	return probe.Judge{Find: findCancels, Meanings: []probe.Meaning{
		{Verdict: probe.Correct, When: "501, and NOOP is then answered 250"},
		{Verdict: probe.Overstrict, When: "refused with another 5yz code, such as that of a wrong password"},
		{Verdict: probe.Lenient, When: "a 2yz code, as if somebody had logged in"},
		{Verdict: probe.Dropped, When: "the connection was closed, or 421, twice"},
		{Verdict: probe.Broken, When: "another challenge, or the next command is taken for a part of the exchange, or a reply is missing, malformed or too many, twice"},
		{Verdict: probe.Inconclusive, When: "AUTH gets no challenge, or a 4yz code, or nothing is heard behind the 501"},
	}}
}

func findCancels(ev probe.Evidence) probe.Finding {
	if f, unusable := ev.Fate(probe.Test); unusable {
		return f
	}
	f := probe.Serves("501", probe.LegalNothing).Find(ev)
	switch f.Reply.Class() {
	case 2:
		return probe.Found(probe.Lenient, f.Reply, "")
	case 3:
		return probe.Found(probe.Broken, f.Reply, `"*" is answered with another challenge`)
	}
	// 535 5.7.8 is what a wrong password gets: the card's "another code".
	if f.Verdict == probe.Inconclusive && f.Reply.Class() == 5 && !ev.Walk.ClosedAfter(probe.Test) {
		f.Verdict, f.Reason = probe.Overstrict, ""
	}
	if f.Verdict != probe.Correct {
		return f
	}
	// A receiver may be slow after an error, or hang up at once: that tells
	// nothing of the exchange.
	noop := ev.Walk.Find(probe.Control).Reply()
	behind, unusable := ev.Fate(probe.Control)
	switch {
	case noop.Code == 250:
	case unusable:
		f.Verdict, f.Reason = probe.Inconclusive, "501, and nobody knows whether the session goes on: "+behind.Reason
	case noop.Class() == 4:
		f.Verdict, f.Reason = probe.Inconclusive, "transient: "+probe.Brief(noop)
	default:
		f.Verdict, f.Reason = probe.Broken, "NOOP behind the cancelled exchange: "+probe.Brief(noop)
	}
	return f
}
