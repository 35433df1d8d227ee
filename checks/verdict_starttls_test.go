package checks_test

import (
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
)

// starttlsRows are those of 6.5 that are about STARTTLS itself.
func starttlsRows() []row {
	const again, injection = "starttls-inside-tls", "starttls-injection"
	inside := at("E", "STARTTLS") // where TLS is there from the first octet
	return []row{
		{check: again, name: "503", verdict: probe.Strict, says: unregulated()},
		{check: again, name: "502", lapses: notImplemented(), verdict: probe.Strict, says: unregulated()},
		{check: again, name: "454 as Sendmail", implicit: true, lapses: answers(inside, "454 4.3.3 TLS not available"), verdict: probe.Strict, says: unregulated()},
		{check: again, name: "540 as Courier", implicit: true, lapses: answers(inside, "540 TLS is active"), verdict: probe.Deviant, says: unregulated()},
		{check: again, name: "220", lapses: []lab.Lapse{lab.Accept{State: "E", TLS: true, Verb: "STARTTLS"}.Lapse()}, verdict: probe.Lenient, says: unregulated()},
		{check: again, name: "a close without a word", implicit: true, lapses: hangsUp(inside, ""), verdict: probe.Dropped, says: unregulated()},
		{check: again, name: "421", implicit: true, lapses: hangsUp(inside, "421 4.3.0 Goodbye"), verdict: probe.Dropped, says: unregulated()},
		{check: again, name: "no reply", implicit: true, lapses: []lab.Lapse{lab.Swallow("STARTTLS")}, verdict: probe.Broken, says: unregulated()},
		{check: again, name: "an empty line", implicit: true, lapses: answers(inside, ""), verdict: probe.Broken, says: unregulated()},
		{check: again, name: "550 of policy", implicit: true, lapses: answers(inside, "550 5.7.1 Not you"), verdict: probe.Inconclusive, reason: "policy"},
		{check: again, name: "failing handshakes", lapses: []lab.Lapse{lab.FailHandshakes()}, verdict: probe.Inconclusive, reason: "handshake"},

		{check: injection, name: "discarded", verdict: probe.Strict, says: conforms()},
		{check: injection, name: "discarded, without PIPELINING", extensions: without("PIPELINING"), verdict: probe.Strict, says: conforms()},
		// mox: "fed into TLS: handshake fails" is (b) of the card.
		{check: injection, name: "fed to TLS, which fails", lapses: []lab.Lapse{lab.FeedHandshake()}, verdict: probe.Strict, says: conforms()},
		{check: injection, name: "an alert, protocol version, and close", box: alertOnInjection(70), verdict: probe.Strict, says: conforms()},
		{check: injection, name: "an alert, unexpected message, and close", box: alertOnInjection(10), verdict: probe.Strict, says: conforms()},
		{check: injection, name: "554 and close", lapses: []lab.Lapse{lab.RefuseGroups()}, verdict: probe.Strict, says: conforms()},
		{check: injection, name: "500 and close", box: onInjection(hangUp, "500 5.5.1 Pipelining not supported"), verdict: probe.Strict, says: conforms()},
		// "(c) STARTTLS refused with 5xx/554."
		{check: injection, name: "another 5yz", box: onInjection(keep, "540 5.5.0 No"), verdict: probe.Strict, says: conforms()},
		{check: injection, name: "455", box: onInjection(keep, "455 4.5.0 No"), verdict: probe.Inconclusive, reason: "455"},
		{check: injection, name: "executed inside TLS", lapses: []lab.Lapse{lab.InjectAcrossTLS()}, verdict: probe.Lenient, says: violates()},
		{check: injection, name: "answered in clear", lapses: []lab.Lapse{lab.AnswerInClear()}, verdict: probe.Broken, says: violates()},
		{check: injection, name: "answered in clear at once", box: onInjection(keep, "220 2.0.0 Ready", "250 2.0.0 OK"), verdict: probe.Broken, says: violates()},
		// "DROPPED = (c)": nothing was executed, so no rule of RFC 3207 is broken.
		{check: injection, name: "a close in place of the 220", box: onInjection(hangUp), verdict: probe.Dropped, says: noFault()},
		{check: injection, name: "failing handshakes", lapses: []lab.Lapse{lab.FailHandshakes()}, verdict: probe.Inconclusive, reason: "handshake"},
		{check: injection, name: "454 everywhere", lapses: answers(at("E", "STARTTLS"), "454 4.7.0 TLS not available"), verdict: probe.Inconclusive, reason: "454"},
		// "Control: B2", where the receiver hangs up as well.
		{check: injection, name: "a close on every STARTTLS", lapses: hangsUp(lab.Place{Verb: "STARTTLS"}, ""), verdict: probe.Inconclusive, reason: "STARTTLS"},
		// What is said inside TLS unasked is a greeting, to everybody who comes.
		{check: injection, name: "a second greeting inside TLS", lapses: []lab.Lapse{lab.GreetInsideTLS()}, verdict: probe.Inconclusive, reason: "without the injected command"},
	}
}

// onInjection answers STARTTLS with octets behind it, and does with the session
// what the fate says.
func onInjection(f fate, lines ...string) *middlebox {
	return &middlebox{client: func(p *passage, octets string) fate {
		if !strings.HasPrefix(octets, "STARTTLS\r\n") || !grouped(octets) {
			return forward
		}
		if len(lines) > 0 {
			p.say(lines...)
		}
		return f
	}}
}

// alertOnInjection takes the octets behind STARTTLS for TLS and says so by an
// alert (RFC 8446 section 6.2). The number of one of them is that of a line feed.
func alertOnInjection(number byte) *middlebox {
	return &middlebox{client: func(p *passage, octets string) fate {
		if !strings.HasPrefix(octets, "STARTTLS\r\n") || !grouped(octets) {
			return forward
		}
		p.say("220 2.0.0 Ready")
		p.sayRaw("\x15\x03\x01\x00\x02\x02" + string(rune(number)))
		return hangUp
	}}
}

// tlsRows are those of 6.5 that are about what TLS must make a receiver forget.
func tlsRows() []row {
	const mail, survives = "tls-mail-without-ehlo", "tls-transaction-survives"
	greeted := at("I", "RCPT") // only inside TLS does a check of ours come there
	accepts := lab.Accept{State: "M", Verb: "STARTTLS"}.Lapse()
	with := func(more ...lab.Lapse) []lab.Lapse { return append([]lab.Lapse{accepts}, more...) }
	anywhere := []lab.Lapse{lab.Accept{State: "I", Verb: "MAIL"}.Lapse(), lab.Accept{State: "I", TLS: true, Verb: "MAIL"}.Lapse()}
	return []row{
		{check: mail, name: "503", verdict: probe.Strict, says: conforms()},
		{check: mail, name: "503, and 250 in clear", lapses: anywhere[:1], verdict: probe.Strict, says: conforms()},
		// The refusal is not required, so its code is not either.
		{check: mail, name: "502", lapses: notImplemented(), verdict: probe.Deviant, says: noFault()},
		{check: mail, name: "250, and 503 in clear", lapses: []lab.Lapse{lab.KeepHelloAcrossTLS()}, verdict: probe.Lenient, says: violates(), reason: "survived"},
		{check: mail, name: "250, and 250 in clear", lapses: anywhere, verdict: probe.Lenient, says: noFault()},
		{check: mail, name: "250, and a policy in clear", box: firstMail("550 5.7.1 Not you"), lapses: []lab.Lapse{lab.KeepHelloAcrossTLS()}, verdict: probe.Lenient, says: unregulated(), reason: "not known"},
		{check: mail, name: "a close without a word", lapses: hangsUp(at("I", "MAIL"), ""), verdict: probe.Dropped, says: noFault()},
		{check: mail, name: "421", lapses: hangsUp(at("I", "MAIL"), "421 4.5.0 Goodbye"), verdict: probe.Dropped, says: noFault()},
		{check: mail, name: "words without a code", lapses: answers(at("I", "MAIL"), "no"), verdict: probe.Broken, says: violates()},
		// "INCONCLUSIVE control MAIL inside TLS refused."
		{check: mail, name: "503, and refused after EHLO as well", try: []string{
			"C: STARTTLS", "S: 220 2.0.0 Ready", "P: TLS handshake done: TLS 1.3", "C: MAIL FROM:<>", "S: 503 5.5.1 EHLO first",
			"C: EHLO probe.example", "S: 250 receiver.example", "C: MAIL FROM:<>", "S: 550 5.7.1 Not you", "C: RSET", "S: 250 2.0.0 OK",
		}, verdict: probe.Inconclusive, reason: "inside TLS"},
		{check: mail, name: "530", lapses: answers(at("I", "MAIL"), "530 5.7.0 Log in first"), verdict: probe.Inconclusive, reason: "policy"},
		{check: mail, name: "failing handshakes", lapses: []lab.Lapse{lab.FailHandshakes()}, verdict: probe.Inconclusive, reason: "handshake"},

		{check: survives, name: "503", lapses: with(), verdict: probe.Strict, says: conforms()},
		{check: survives, name: "502", lapses: with(notImplemented()...), verdict: probe.Deviant, says: violates()},
		{check: survives, name: "250", lapses: []lab.Lapse{lab.KeepTransactionAcrossTLS()}, verdict: probe.Lenient, says: violates()},
		{check: survives, name: "greylisted as inside a transaction", lapses: []lab.Lapse{lab.KeepTransactionAcrossTLS(), lab.Greylist()}, verdict: probe.Lenient, says: violates()},
		// "STRICT 503 both times": the transaction is back once EHLO was given.
		{check: survives, name: "503, and 250 after EHLO", try: []string{
			"C: MAIL FROM:<>", "S: 250 2.1.0 OK", "C: STARTTLS", "S: 220 2.0.0 Ready", "P: TLS handshake done: TLS 1.3",
			"C: RCPT TO:<postmaster@receiver.example>", "S: 503 5.5.1 EHLO first", "C: EHLO probe.example", "S: 250 receiver.example",
			"C: RCPT TO:<postmaster@receiver.example>", "S: 250 2.1.5 Recipient OK", "C: RSET", "S: 250 2.0.0 OK",
		}, verdict: probe.Lenient, says: violates()},
		{check: survives, name: "a close without a word", lapses: with(hangsUp(greeted, "")...), verdict: probe.Dropped, says: violates()},
		{check: survives, name: "words without a code", lapses: with(answers(greeted, "no")...), verdict: probe.Broken, says: violates()},
		// The second 503 is never heard: that may be a limit of errors.
		{check: survives, name: "a close at the second error", lapses: with(lab.CloseAfterErrors(2, "")), verdict: probe.Inconclusive, reason: "limit"},
		{check: survives, name: "RCPT refused everywhere", lapses: with(lab.RefuseByPolicy("RCPT")), verdict: probe.Inconclusive, reason: "same answer"},
		{check: survives, name: "failing handshakes", lapses: with(lab.FailHandshakes()), verdict: probe.Inconclusive, reason: "handshake"},
		{check: survives, name: "454 inside a transaction", lapses: answers(at("M", "STARTTLS"), "454 4.7.0 Not now"), verdict: probe.Inconclusive, reason: "454"},
		{check: survives, name: "STARTTLS refused inside a transaction", verdict: probe.NotApplicable, reason: "refused inside a transaction"},
		{check: survives, name: "STARTTLS not offered", extensions: without("STARTTLS"), verdict: probe.NotApplicable, reason: "STARTTLS is not offered"},
		{check: survives, name: "TLS demanded", lapses: []lab.Lapse{lab.DemandTLS()}, verdict: probe.NotApplicable, reason: "530"},
		{check: survives, name: "TLS from the first octet", implicit: true, verdict: probe.NotApplicable, reason: "first octet"},
	}
}

// firstMail answers a MAIL that is the first command of a session in clear.
func firstMail(reply string) *middlebox {
	return &middlebox{client: func(p *passage, octets string) fate {
		if !ungreeted(p) || !strings.HasPrefix(octets, "MAIL") {
			return forward
		}
		p.say(reply)
		return keep
	}}
}
