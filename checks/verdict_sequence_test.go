package checks_test

import (
	"strings"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/oracle"
	"github.com/smtpprobe/smtpprobe/probe/run"
)

// at is a place of the reference: a state and a verb.
func at(state oracle.State, verb string) lab.Place { return lab.Place{State: state, Verb: verb} }

// answers is a receiver with one answer of its own at one place.
func answers(p lab.Place, reply string) []lab.Lapse { return []lab.Lapse{lab.ReplyAt(p, reply)} }

// hangsUp closes at one place, with this reply or without any.
func hangsUp(p lab.Place, reply string) []lab.Lapse { return []lab.Lapse{lab.HangUp(p, reply)} }

// notImplemented is go-smtp's one code for every error of order.
func notImplemented() []lab.Lapse { return []lab.Lapse{lab.Replace("502 5.5.1 Not implemented")} }

// sequenceRows are those of 6.2 and 6.3 but for DATA and nested MAIL.
func sequenceRows() []row {
	const mail, noop, rcpt = "mail-before-ehlo", "noop-before-ehlo", "rcpt-before-mail"
	hello, greeted := at("E", "RCPT"), at("I", "MAIL")
	return []row{
		{check: mail, name: "503", verdict: probe.Strict, says: unregulated()},
		{check: mail, name: "502", lapses: notImplemented(), verdict: probe.Deviant, says: unregulated()},
		{check: mail, name: "550", lapses: answers(greeted, "550 5.5.1 No"), verdict: probe.Deviant, says: unregulated()},
		{check: mail, name: "250", lapses: []lab.Lapse{lab.Accept{State: "I", Verb: "MAIL"}.Lapse()}, verdict: probe.Lenient, says: unregulated()},
		{check: mail, name: "a close without a word", lapses: hangsUp(greeted, ""), verdict: probe.Dropped, says: unregulated()},
		{check: mail, name: "421", lapses: hangsUp(greeted, "421 4.5.0 Goodbye"), verdict: probe.Dropped, says: unregulated()},
		{check: mail, name: "221 as Postfix to strangers", lapses: hangsUp(greeted, "221 2.7.0 I can break rules, too. Goodbye."), verdict: probe.Inconclusive, reason: "policy"},
		{check: mail, name: "221", lapses: hangsUp(greeted, "221 2.0.0 Goodbye"), verdict: probe.Dropped, says: unregulated()},
		{check: mail, name: "a close only once", box: onlyOnce("MAIL", hangUp), verdict: probe.Inconclusive, reason: "disagree"},
		{check: mail, name: "an empty line", lapses: answers(greeted, ""), verdict: probe.Broken, says: unregulated()},
		{check: mail, name: "two replies", lapses: answers(greeted, "503 5.5.1 One\r\n250 Two"), verdict: probe.Broken, says: unregulated()},
		{check: mail, name: "no reply", box: firstWord("MAIL", keep), verdict: probe.Broken, says: unregulated()},
		// "INCONCLUSIVE 530/4xx/X.7.x, or control MAIL gets the same answer."
		{check: mail, name: "530", lapses: answers(greeted, "530 Log in first"), verdict: probe.Inconclusive, reason: "policy"},
		{check: mail, name: "450", lapses: answers(greeted, "450 Later"), verdict: probe.Inconclusive, reason: "450"},
		{check: mail, name: "455", lapses: answers(greeted, "455 4.5.0 Not now"), verdict: probe.Inconclusive, reason: "455"},
		{check: mail, name: "503 of policy", lapses: answers(greeted, "503 5.7.0 Access denied"), verdict: probe.Inconclusive, reason: "policy"},
		{check: mail, name: "refused everywhere", lapses: []lab.Lapse{lab.RefuseByPolicy("MAIL")}, verdict: probe.Inconclusive, reason: "legal place"},
		{check: mail, name: "the EHLO in clear remembered", lapses: []lab.Lapse{lab.KeepHelloAcrossTLS()}, tls: run.StartTLS, verdict: probe.Inconclusive, reason: "remembered"},

		{check: noop, name: "250", verdict: probe.Correct, says: conforms()},
		{check: noop, name: "503", lapses: []lab.Lapse{lab.RefuseBeforeHello("NOOP")}, verdict: probe.Overstrict, says: violates()},
		{check: noop, name: "a close without a word", lapses: hangsUp(at("I", "NOOP"), ""), verdict: probe.Dropped, says: violates()},
		{check: noop, name: "421", lapses: hangsUp(at("I", "NOOP"), "421 4.3.2 Down"), verdict: probe.Dropped, says: conforms()},
		{check: noop, name: "words without a code", lapses: answers(at("I", "NOOP"), "Hello there"), verdict: probe.Broken, says: violates()},
		{check: noop, name: "503 and close", lapses: hangsUp(at("I", "NOOP"), "503 5.5.1 EHLO first"), verdict: probe.Dropped, says: violates()},
		{check: noop, name: "550 of policy", lapses: answers(at("I", "NOOP"), "550 5.7.1 Not you"), verdict: probe.Inconclusive, reason: "policy"},
		{check: noop, name: "502 after EHLO as well", try: []string{
			"C: NOOP", "S: 502 5.5.1 No NOOP here", "C: EHLO probe.example", "S: 250 receiver.example", "C: NOOP", "S: 502 5.5.1 No NOOP here",
		}, verdict: probe.Inconclusive, reason: "same answer"},
		{check: noop, name: "450", lapses: answers(at("I", "NOOP"), "450 4.3.2 Busy"), verdict: probe.Inconclusive, reason: "450"},

		{check: rcpt, name: "503", verdict: probe.Strict, says: conforms()},
		{check: rcpt, name: "502", lapses: notImplemented(), verdict: probe.Deviant, says: violates()},
		{check: rcpt, name: "554", lapses: answers(hello, "554 5.5.1 No"), verdict: probe.Deviant, says: violates()},
		{check: rcpt, name: "250", lapses: []lab.Lapse{lab.Accept{State: "E", Verb: "RCPT"}.Lapse()}, verdict: probe.Lenient, says: violates()},
		{check: rcpt, name: "251", lapses: answers(hello, "251 2.1.5 Will forward"), verdict: probe.Lenient, says: violates()},
		{check: rcpt, name: "a close without a word", lapses: hangsUp(hello, ""), verdict: probe.Dropped, says: violates()},
		{check: rcpt, name: "521 and close", lapses: hangsUp(hello, "521 5.5.0 Go away"), verdict: probe.Dropped, says: violates()},
		{check: rcpt, name: "421", lapses: hangsUp(hello, "421 4.5.0 Goodbye"), verdict: probe.Dropped, says: conforms()},
		{check: rcpt, name: "an empty line", lapses: answers(hello, ""), verdict: probe.Broken, says: violates()},
		{check: rcpt, name: "greylisting", lapses: []lab.Lapse{lab.Greylist()}, verdict: probe.Strict, says: conforms()},
		{check: rcpt, name: "postmaster refused", lapses: answers(at("M", "RCPT"), "550 5.1.1 No such mailbox"), verdict: probe.Strict, says: conforms()},
		{check: rcpt, name: "550 everywhere", lapses: []lab.Lapse{lab.RefuseByPolicy("RCPT")}, verdict: probe.Inconclusive, reason: "same answer"},
		{check: rcpt, name: "503 everywhere", lapses: answers(lab.Place{Verb: "RCPT"}, "503 5.7.0 Access denied"), verdict: probe.Inconclusive, reason: "policy"},
		{check: rcpt, name: "503 of policy", lapses: answers(hello, "503 5.7.0 Access denied"), verdict: probe.Inconclusive, reason: "policy"},
		// "INCONCLUSIVE if equal to the control RCPT's reply, or 4xx."
		{check: rcpt, name: "450", lapses: answers(hello, "450 4.7.1 Later"), verdict: probe.Inconclusive, reason: "450"},
		{check: rcpt, name: "451 about the protocol", lapses: answers(hello, "451 4.5.1 Not now"), verdict: probe.Inconclusive, reason: "451"},
		// What other checks left behind in a session is no fault of this command.
		{check: rcpt, name: "250 only behind other checks", among: true, box: leftover("250 2.1.5 OK"), verdict: probe.Strict, says: conforms()},
		// "ctl.closed too": nobody knows whether the order was what the receiver
		// hung up on.
		{check: rcpt, name: "a close on every RCPT", lapses: hangsUp(lab.Place{Verb: "RCPT"}, ""), verdict: probe.Inconclusive, reason: "legal place"},
		{check: rcpt, name: "421 to every RCPT", lapses: hangsUp(lab.Place{Verb: "RCPT"}, "421 4.3.2 Down"), verdict: probe.Inconclusive, reason: "legal place"},
		{check: rcpt, name: "no reply to any RCPT", lapses: []lab.Lapse{lab.Swallow("RCPT")}, verdict: probe.Inconclusive, reason: "RCPT"},
		// The control comes from a session without errors.
		{check: rcpt, name: "slower after errors than anybody waits", lapses: []lab.Lapse{lab.TarpitErrors(40 * time.Second)}, verdict: probe.Strict, says: conforms()},
	}
}

// ungreeted reports whether a session has said neither EHLO nor HELO yet.
func ungreeted(p *passage) bool {
	return !strings.Contains(strings.ToUpper(strings.Join(p.said, "")), "EHLO ") && !strings.Contains(strings.Join(p.said, ""), "HELO ")
}

// onlyOnce does something about the first session that has a verb before EHLO.
func onlyOnce(verb string, f fate) *middlebox {
	done := false
	return &middlebox{client: func(p *passage, octets string) fate {
		if done || !ungreeted(p) || !strings.HasPrefix(octets, verb) {
			return forward
		}
		done = true
		return f
	}}
}

// firstWord does something about a verb before EHLO.
func firstWord(verb string, f fate) *middlebox {
	return &middlebox{client: func(p *passage, octets string) fate {
		if ungreeted(p) && strings.HasPrefix(octets, verb) {
			return f
		}
		return forward
	}}
}

// leftover answers RCPT without a MAIL right before it, but only in a session
// that has seen more than EHLO.
func leftover(reply string) *middlebox {
	return &middlebox{client: func(p *passage, octets string) fate {
		n := len(p.said)
		if n <= 2 || !strings.HasPrefix(octets, "RCPT") || p.said[n-2] == mailLine+"\r\n" {
			return forward
		}
		p.say(reply)
		return keep
	}}
}

// dataRows are those of DATA and nested MAIL.
func dataRows() []row {
	var all []row
	for id, place := range map[string]lab.Place{"data-before-mail": at("E", "DATA"), "data-without-rcpt": at("M", "DATA")} {
		accept := lab.Accept{State: place.State, Verb: "DATA"}.Lapse()
		all = append(all,
			row{check: id, name: "503", verdict: probe.Strict, says: conforms()},
			row{check: id, name: "554", lapses: answers(place, "554 5.5.1 No valid recipients"), verdict: probe.Strict, says: conforms()},
			row{check: id, name: "554 and close", lapses: hangsUp(place, "554 5.5.1 No valid recipients"), verdict: probe.Strict, says: conforms()},
			row{check: id, name: "502", lapses: notImplemented(), verdict: probe.Deviant, says: unregulated()},
			row{check: id, name: "354 although PIPELINING is offered", lapses: []lab.Lapse{accept}, verdict: probe.Lenient, says: deviates()},
			row{check: id, name: "354", lapses: []lab.Lapse{accept}, extensions: without("PIPELINING"), verdict: probe.Lenient, says: conforms()},
			row{check: id, name: "a close without a word", lapses: hangsUp(place, ""), verdict: probe.Dropped, says: unregulated()},
			row{check: id, name: "421", lapses: hangsUp(place, "421 4.5.0 Goodbye"), verdict: probe.Dropped, says: conforms()},
			row{check: id, name: "no reply", lapses: []lab.Lapse{lab.Swallow("DATA")}, verdict: probe.Broken, says: unregulated()},
			row{check: id, name: "a late reply", lapses: []lab.Lapse{lab.Late("DATA", 40*time.Second)}, verdict: probe.Broken, says: unregulated()},
			row{check: id, name: "550 of policy", lapses: answers(place, "550 5.7.1 Not you"), verdict: probe.Inconclusive, reason: "policy"},
			row{check: id, name: "451", lapses: answers(place, "451 4.3.0 Later"), verdict: probe.Inconclusive, reason: "451"},
		)
	}
	const nested = "nested-mail"
	place := at("M", "MAIL")
	limited := append(without(), "LIMITS MAILMAX=2")
	return append(
		all,
		row{check: nested, name: "503", verdict: probe.Strict, says: unregulated()},
		row{check: nested, name: "502", lapses: notImplemented(), verdict: probe.Deviant, says: unregulated()},
		row{check: nested, name: "250", lapses: []lab.Lapse{lab.AcceptNestedMail()}, verdict: probe.Lenient, says: unregulated()},
		row{check: nested, name: "a close without a word", lapses: hangsUp(place, ""), verdict: probe.Dropped, says: unregulated()},
		row{check: nested, name: "a reply without a code", lapses: answers(place, "no"), verdict: probe.Broken, says: unregulated()},
		row{check: nested, name: "550 of policy", lapses: answers(place, "550 5.7.1 Not you"), verdict: probe.Inconclusive, reason: "policy"},
		// "452/421 with LIMITS MAILMAX or a rate text."
		row{check: nested, name: "452 by LIMITS", lapses: answers(place, "452 4.5.3 Too many transactions"), extensions: limited, verdict: probe.Inconclusive, reason: "452"},
		row{check: nested, name: "one MAIL by LIMITS", extensions: append(without(), "LIMITS MAILMAX=1"), verdict: probe.NotApplicable, reason: "LIMITS allows 1"},
		row{check: nested, name: "421 by LIMITS", lapses: hangsUp(place, "421 4.5.3 Too many transactions"), extensions: limited, verdict: probe.Inconclusive, reason: "421"},
	)
}
