package checks_test

import (
	"slices"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
)

// transactionGroup is 6.4 but for the first checks, which have tables of their
// own.
func transactionGroup() group {
	return group{
		rows:    slices.Concat(clearingRows(), keepingRows()),
		mutants: map[string]mutant{"helo-clears": derived(lab.Keep{State: "M", Verb: "HELO"})},
		places: map[string]judgedPlace{
			"helo-clears":             {state: "M", line: "HELO probe.example"},
			"help-keeps-transaction":  {state: "M", line: "HELP", level: "that HELP leaves the buffers alone is 4.1.1.8's; the row's SHOULD is about its code", apart: true},
			"vrfy-keeps-transaction":  {state: "M", line: "VRFY postmaster"},
			"null-sender-transaction": {state: "E", line: mailLine},
		},
		nowhere: map[string]string{
			"mail-rejected-no-transaction":    "what the refusal leaves is judged, whatever its code",
			"unknown-keeps-transaction":       "the same",
			"rcpt-refused-keeps-transaction":  "the same",
			"data-rejected-keeps-transaction": "the same",
		},
		changes: map[string]map[string]string{
			"keep-across-hello":         is("helo-clears", "lenient"),
			"refuse-second-hello":       is("helo-clears", "overstrict"),
			"forget-at/help":            is("help-keeps-transaction", "overstrict"),
			"forget-at/vrfy":            is("vrfy-keeps-transaction", "overstrict"),
			"forget-at-refused/rcpt":    is("rcpt-refused-keeps-transaction", "overstrict"),
			"forget-at-refused/data":    is("data-rejected-keeps-transaction", "overstrict"),
			"forget-at-refused/zzprobe": is("unknown-keeps-transaction", "overstrict"),
			"open-at-refused-mail":      is("mail-rejected-no-transaction", "lenient"),
		},
	}
}

func clearingRows() []row {
	const helo, rejected = "helo-clears", "mail-rejected-no-transaction"
	all := []row{
		{check: helo, name: "250, and RCPT is 503", verdict: probe.Correct, says: conforms()},
		{check: helo, name: "the transaction survives", lapses: []lab.Lapse{lab.KeepAcrossHello()}, verdict: probe.Lenient, says: violates()},
		{check: helo, name: "503", lapses: []lab.Lapse{lab.RefuseSecondHello()}, verdict: probe.Overstrict, says: violates()},

		{check: rejected, name: "501, and RCPT is 503", verdict: probe.Correct, says: conforms()},
		{check: rejected, name: "553, and RCPT is 503", box: onLine("MAIL FROM:<<<", keep, "553 5.1.7 No"), verdict: probe.Correct, says: conforms()},
		{check: rejected, name: "a transaction all the same", lapses: []lab.Lapse{lab.OpenAtRefusedMail()}, verdict: probe.Lenient, says: violates()},
		{check: rejected, name: "250", box: onLine("MAIL FROM:<<<", keep, "250 2.1.0 OK"), verdict: probe.Inconclusive, reason: "not refused"},
	}
	return slices.Concat(all, endings(helo, at("M", "HELO"), probe.Must), notDropped(endingsOf(rejected, "MAIL FROM:<<<", probe.Must)[:3]))
}

func keepingRows() []row {
	var all []row
	for id, verb := range map[string]string{"help-keeps-transaction": "HELP", "vrfy-keeps-transaction": "VRFY"} {
		all = append(
			all,
			row{check: id, name: "served, and RCPT is 250", verdict: probe.Correct, says: conforms()},
			row{check: id, name: "502 everywhere, and RCPT is 250", lapses: answers(lab.Place{Verb: verb}, "502 5.5.1 Not here"), verdict: probe.Correct, says: conforms()},
			row{check: id, name: "the transaction is gone", lapses: []lab.Lapse{lab.ForgetAt(verb)}, verdict: probe.Overstrict, says: violates()},
			row{check: id, name: "503 only inside", lapses: answers(at("M", verb), "503 5.5.1 Not now"), verdict: probe.Overstrict, says: violates()},
			row{check: id, name: "503 everywhere", lapses: answers(lab.Place{Verb: verb}, "503 5.5.1 Never"), verdict: probe.Inconclusive, reason: "everywhere"},
		)
		all = append(all, endings(id, at("M", verb), probe.Must)...)
	}
	for id, line := range map[string]string{
		"unknown-keeps-transaction":       "ZZPROBE",
		"rcpt-refused-keeps-transaction":  "RCPT TO:" + probe.BadRecipient,
		"data-rejected-keeps-transaction": "DATA",
	} {
		verb := map[string]string{"ZZPROBE": "ZZPROBE", "DATA": "DATA"}[line]
		if verb == "" {
			verb = "RCPT"
		}
		all = append(
			all,
			row{check: id, name: "refused, and RCPT is 250", verdict: probe.Correct, says: conforms()},
			row{check: id, name: "the transaction is gone", lapses: []lab.Lapse{lab.ForgetAtRefused(verb)}, verdict: probe.Overstrict, says: violates()},
		)
		if verb != "DATA" { // a DATA that is not refused without a recipient is never sent here
			all = append(all, row{check: id, name: "250", box: onLine(line, keep, "250 2.0.0 OK"), verdict: probe.Inconclusive, reason: "not refused"})
			for _, r := range notDropped(endingsOf(id, line, probe.Must)[:3]) {
				if r.name == "no reply" && verb == "RCPT" { // asked for too often then (S5)
					r.box, r.try = nil, []string{"C: MAIL FROM:<>", "S: 250 2.1.0 OK", "C: " + line, "P: timed out: after 30s"}
				}
				all = append(all, r)
			}
		}
	}
	const data = "data-rejected-keeps-transaction"
	return append(
		all,
		row{check: data, name: "gone after 554", lapses: append([]lab.Lapse{lab.ForgetAtRefused("DATA")}, answers(at("M", "DATA"), "554 5.5.1 Transaction failed")...), verdict: probe.Correct, says: conforms()},
		row{check: data, name: "354 without RCPT", lapses: []lab.Lapse{lab.Accept{State: "M", Verb: "DATA"}.Lapse()}, verdict: probe.NotApplicable, reason: "not refused"},
		row{check: data, name: "gone after 554, by hand", try: dataThen("554 5.5.1 Transaction failed", "503 5.5.1 No MAIL"), verdict: probe.Overstrict, says: unregulated()},
		row{check: data, name: "no reply", try: []string{"C: MAIL FROM:<>", "S: 250 2.1.0 OK", "C: DATA", "P: timed out: after 30s"}, verdict: probe.Broken, says: violates()},
		row{check: data, name: "a close", try: []string{"C: MAIL FROM:<>", "S: 250 2.1.0 OK", "C: DATA", "P: closed by the server"}, verdict: probe.Inconclusive, reason: "limit"},
		row{check: data, name: "RCPT is answered in a way of its own", try: dataThen("503 5.5.1 No RCPT", "500 5.5.2 What?"), verdict: probe.Inconclusive, reason: "neither"},

		row{check: "null-sender-transaction", name: "250, and RCPT is 250", verdict: probe.Correct, says: conforms()},
		row{check: "null-sender-transaction", name: "250, and no transaction", from: "<me@probe.example>", lapses: []lab.Lapse{lab.NullSenderOpensNothing()}, verdict: probe.Overstrict, says: violates()},
		row{check: "null-sender-transaction", name: "501", try: []string{"C: MAIL FROM:<>", "S: 501 5.5.4 No sender", "C: RSET", "S: 250 2.0.0 OK"}, verdict: probe.Overstrict, says: violates()},
		row{check: "null-sender-transaction", name: "250, and RCPT is 503", try: nullThen("503 5.5.1 No MAIL"), verdict: probe.Overstrict, says: violates()},
		row{check: "null-sender-transaction", name: "550 of policy", try: []string{"C: MAIL FROM:<>", "S: 550 5.7.1 No bounces", "C: RSET", "S: 250 2.0.0 OK"}, verdict: probe.Inconclusive, reason: "policy"},
		row{check: "null-sender-transaction", name: "a close", try: []string{"C: MAIL FROM:<>", "P: closed by the server"}, verdict: probe.Dropped, says: violates()},
		row{check: "null-sender-transaction", name: "no reply", try: []string{"C: MAIL FROM:<>", "P: timed out: after 30s"}, verdict: probe.Broken, says: violates()},
	)
}

// dataThen is DATA inside a transaction, and RCPT behind it.
func dataThen(data, rcpt string) []string {
	return []string{
		"C: MAIL FROM:<>", "S: 250 2.1.0 OK", "C: DATA", "S: " + data,
		"C: RCPT TO:<postmaster@receiver.example>", "S: " + rcpt, "C: RSET", "S: 250 2.0.0 OK",
	}
}

// nullThen is RCPT behind an accepted null sender.
func nullThen(rcpt string) []string {
	return []string{
		"C: MAIL FROM:<>", "S: 250 2.1.0 OK", "C: RCPT TO:<postmaster@receiver.example>", "S: " + rcpt, "C: RSET", "S: 250 2.0.0 OK",
	}
}
