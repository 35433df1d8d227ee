package checks_test

import (
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
)

// rsetThen is RSET inside a transaction, and this reply to RCPT behind it.
func rsetThen(reply string) []string {
	return []string{
		"C: MAIL FROM:<>", "S: 250 2.1.0 OK", "C: RSET", "S: 250 2.0.0 OK",
		"C: RCPT TO:<postmaster@receiver.example>", "S: " + reply, "C: MAIL FROM:<>", "S: 250 2.1.0 OK", "C: RSET", "S: 250 2.0.0 OK",
	}
}

// transactionRows are those of 6.4. What a receiver does wrong about RSET in a
// transaction it does in the baseline as well, which ends the run: those rows
// are by hand.
func transactionRows() []row {
	const rset, ehlo, noop = "rset-clears", "ehlo-clears", "noop-keeps-transaction"
	blind := []lab.Lapse{lab.RefuseByPolicy("RCPT")}
	unordered := []lab.Lapse{lab.Accept{State: "E", Verb: "RCPT"}.Lapse()}
	return []row{
		{check: rset, name: "250, and RCPT is 503", verdict: probe.Correct, says: conforms()},
		{check: rset, name: "502 for all errors of order", lapses: notImplemented(), verdict: probe.Correct, says: conforms()},
		{check: rset, name: "the transaction survives", lapses: []lab.Lapse{lab.Keep{State: "M", Verb: "RSET"}.Lapse()}, verdict: probe.Lenient, says: violates()},
		{check: rset, name: "RSET refused", try: []string{"C: MAIL FROM:<>", "S: 250 2.1.0 OK", "C: RSET", "S: 500 5.5.2 What?", "C: MAIL FROM:<>", "S: 503 5.5.1 Nested"}, verdict: probe.Overstrict, says: violates()},
		// "REJECTS-OTHERWISE RSET not 250."
		{check: rset, name: "251 to RSET", try: []string{
			"C: MAIL FROM:<>", "S: 250 2.1.0 OK", "C: RSET", "S: 251 2.0.0 OK",
			"C: RCPT TO:<postmaster@receiver.example>", "S: 503 5.5.1 No MAIL", "C: MAIL FROM:<>", "S: 250 2.1.0 OK", "C: RSET", "S: 251 2.0.0 OK",
		}, verdict: probe.Overstrict, says: violates()},
		{check: rset, name: "a close at RSET", try: []string{"C: MAIL FROM:<>", "S: 250 2.1.0 OK", "C: RSET", "P: closed by the server"}, verdict: probe.Dropped, says: violates()},
		{check: rset, name: "421 to RSET", try: []string{"C: MAIL FROM:<>", "S: 250 2.1.0 OK", "C: RSET", "S: 421 4.3.2 Down", "P: closed by the server"}, verdict: probe.Dropped, says: conforms()},
		{check: rset, name: "two replies to RSET", try: []string{"C: MAIL FROM:<>", "S: 250 2.1.0 OK", "C: RSET", "S: 250 2.0.0 OK", "S: 250 2.0.0 OK", "P: not sent: a reply that no command asked for"}, verdict: probe.Broken, says: violates()},
		{check: rset, name: "no reply to RSET", try: []string{"C: MAIL FROM:<>", "S: 250 2.1.0 OK", "C: RSET", "P: timed out: after 30s"}, verdict: probe.Broken, says: violates()},
		// IS-OPEN: a receiver that looked at the recipient has a transaction.
		{check: rset, name: "RCPT refused for the mailbox", try: rsetThen("550 5.1.1 No such mailbox today"), verdict: probe.Lenient, says: violates()},
		{check: rset, name: "RCPT refused with its address", try: rsetThen("450 <postmaster@receiver.example> is busy"), verdict: probe.Lenient, says: violates()},
		{check: rset, name: "another 503", try: rsetThen("503 What now?"), verdict: probe.Correct, says: conforms()},
		{check: rset, name: "RCPT refused in a way of its own", try: rsetThen("500 5.5.2 What?"), verdict: probe.Inconclusive, reason: "neither"},
		{check: rset, name: "RCPT refused everywhere", lapses: blind, verdict: probe.Inconclusive, reason: "same answer"},
		{check: rset, name: "503 to every RCPT", lapses: answers(lab.Place{Verb: "RCPT"}, "503 5.7.0 Access denied"), verdict: probe.Inconclusive, reason: "same answer"},
		{check: rset, name: "RCPT without MAIL accepted", lapses: unordered, verdict: probe.Inconclusive, reason: "RCPT before MAIL is accepted"},
		// RSET was served, and RCPT without MAIL is closed upon wherever it stands:
		// that is no fault of RSET.
		{check: rset, name: "a close on every error", lapses: []lab.Lapse{lab.HangUpOnErrors("")}, verdict: probe.Inconclusive, reason: "transaction"},
		{check: rset, name: "a close on every RCPT", lapses: hangsUp(lab.Place{Verb: "RCPT"}, ""), verdict: probe.Inconclusive, reason: "RCPT"},
		{check: rset, name: "greylisting", lapses: []lab.Lapse{lab.Greylist()}, verdict: probe.Correct, says: conforms()},
		{check: rset, name: "postmaster refused", lapses: answers(at("M", "RCPT"), "550 5.1.1 No such mailbox"), verdict: probe.Correct, says: conforms()},

		{check: ehlo, name: "250, and RCPT is 503", verdict: probe.Correct, says: conforms()},
		{check: ehlo, name: "the transaction survives", lapses: []lab.Lapse{lab.KeepAcrossHello()}, verdict: probe.Lenient, says: violates()},
		{check: ehlo, name: "it survives, and RCPT is greylisted", lapses: []lab.Lapse{lab.KeepAcrossHello(), lab.Greylist()}, verdict: probe.Lenient, says: violates()},
		{check: ehlo, name: "503 as RFC 1869 had it", lapses: []lab.Lapse{lab.RefuseSecondHello()}, verdict: probe.Overstrict, says: violates()},
		{check: ehlo, name: "a close without a word", lapses: hangsUp(at("M", "EHLO"), ""), verdict: probe.Dropped, says: violates()},
		{check: ehlo, name: "421", lapses: hangsUp(at("M", "EHLO"), "421 4.3.2 Down"), verdict: probe.Dropped, says: conforms()},
		{check: ehlo, name: "words without a code", lapses: answers(at("M", "EHLO"), "Hello there"), verdict: probe.Broken, says: violates()},
		{check: ehlo, name: "450", lapses: answers(at("M", "EHLO"), "450 4.3.2 Busy"), verdict: probe.Inconclusive, reason: "450"},
		{check: ehlo, name: "RCPT refused everywhere", lapses: blind, verdict: probe.Inconclusive, reason: "same answer"},
		{check: ehlo, name: "a close on every error", lapses: []lab.Lapse{lab.HangUpOnErrors("")}, verdict: probe.Inconclusive, reason: "transaction"},

		{check: noop, name: "250, and RCPT is 250", verdict: probe.Correct, says: conforms()},
		{check: noop, name: "greylisting", lapses: []lab.Lapse{lab.Greylist()}, verdict: probe.Correct, says: conforms()},
		{check: noop, name: "the transaction is gone", lapses: []lab.Lapse{lab.ForgetAt("NOOP")}, verdict: probe.Overstrict, says: violates()},
		{check: noop, name: "503 only inside", lapses: answers(at("M", "NOOP"), "503 5.5.1 Not now"), verdict: probe.Overstrict, says: violates()},
		{check: noop, name: "a close without a word", lapses: hangsUp(at("M", "NOOP"), ""), verdict: probe.Dropped, says: violates()},
		{check: noop, name: "words without a code", lapses: answers(at("M", "NOOP"), "Hello there"), verdict: probe.Broken, says: violates()},
		{check: noop, name: "450", lapses: answers(at("M", "NOOP"), "450 4.3.2 Busy"), verdict: probe.Inconclusive, reason: "450"},
		// A refusal that is the same everywhere is no fault of keeping.
		{check: noop, name: "502 outside as well", try: []string{
			"C: NOOP", "S: 502 5.5.1 No NOOP here", "C: MAIL FROM:<>", "S: 250 2.1.0 OK", "C: NOOP", "S: 502 5.5.1 No NOOP here",
			"C: RCPT TO:<postmaster@receiver.example>", "S: 250 2.1.5 OK", "C: RSET", "S: 250 2.0.0 OK",
		}, verdict: probe.Correct, says: conforms()},
		{check: noop, name: "550 of policy", lapses: answers(at("M", "NOOP"), "550 5.7.1 Not you"), verdict: probe.Inconclusive, reason: "policy"},
		{check: noop, name: "503 and close", lapses: hangsUp(at("M", "NOOP"), "503 5.5.1 Not now"), verdict: probe.Dropped, says: violates()},
		{check: noop, name: "251", lapses: answers(at("M", "NOOP"), "251 2.0.0 OK"), verdict: probe.Overstrict, says: violates()},
		{check: noop, name: "RCPT refused everywhere", lapses: blind, verdict: probe.Inconclusive, reason: "same answer"},
		{check: noop, name: "a close on every RCPT", lapses: hangsUp(lab.Place{Verb: "RCPT"}, ""), verdict: probe.Inconclusive, reason: "RCPT"},
	}
}
