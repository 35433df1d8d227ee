package checks_test

import (
	"slices"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
)

// orderGroup is 6.2 and 6.3 but for the first checks, which have tables of their
// own.
func orderGroup() group {
	return group{
		rows: slices.Concat(ungreetedRows(), insideRows(), againRows()),
		mutants: map[string]mutant{
			"rcpt-before-ehlo":        derived(lab.Accept{State: "I", Verb: "RCPT"}),
			"data-before-ehlo":        derived(lab.Accept{State: "I", Verb: "DATA"}),
			"data-after-rcpt-refused": derived(lab.Accept{State: "M", Verb: "DATA", Guard: "every RCPT was refused"}),
		},
		places: map[string]judgedPlace{
			"rcpt-before-ehlo":   {state: "I", line: rcptLine},
			"data-before-ehlo":   {state: "I", line: "DATA"},
			"rset-before-ehlo":   {state: "I", line: "RSET"},
			"vrfy-before-ehlo":   {state: "I", line: "VRFY postmaster", level: "the row's MUST is about VRFY at all (4.5.1); that it needs no session is a SHOULD (4.1.4)", apart: true},
			"help-before-ehlo":   {state: "I", line: "HELP"},
			"quit-before-ehlo":   {state: "I", line: "QUIT"},
			"rset-with-argument": {state: "E", line: "RSET now"},
			"noop-with-argument": {state: "E", line: "NOOP smtpprobe"},
			"unknown-command":    {state: "E", line: "ZZPROBE", level: "that the code is 500 is the row's SHOULD; that the connection stays open is a MUST (3.8)", apart: true},
			"ehlo-twice":         {state: "E", line: ehloLine},
			"ehlo-after-helo":    {state: "H", line: ehloLine},
			"helo-single-line":   {state: "I", line: "HELO probe.example"},
			"ehlo-no-argument":   {state: "E", line: "EHLO", level: "the row's MUST is that the state stays; the code is grammar", apart: true},
		},
		nowhere: map[string]string{
			"data-after-rcpt-refused":   "the table's row wants a RCPT that was refused before, which is a server's own choice",
			"ehlo-rejected-keeps-state": "what the refusal leaves is judged, whatever its code",
		},
		changes: orderChanges(),
	}
}

func orderChanges() map[string]map[string]string {
	return map[string]map[string]string{
		"refuse-second-hello":      is("ehlo-twice", "overstrict", "ehlo-after-helo", "overstrict", "ehlo-no-argument", "deviant"),
		"refuse-before-hello/rset": is("rset-before-ehlo", "overstrict"),
		"refuse-before-hello/vrfy": is("vrfy-before-ehlo", "overstrict"),
		"refuse-before-hello/help": is("help-before-ehlo", "overstrict"),
		"replace-503/502":          is("rcpt-before-ehlo", "deviant", "data-before-ehlo", "deviant"),
		"helo-lists-keywords":      is("helo-single-line", "lenient"),
		"stay-after-quit":          is("quit-before-ehlo", "lenient"),
		"silent-quit":              is("quit-before-ehlo", "broken"),
		"forget-at-refused/ehlo":   is("ehlo-rejected-keeps-state", "overstrict"),
	}
}

func ungreetedRows() []row {
	rcpt, data := at("I", "RCPT"), at("I", "DATA")
	all := []row{
		{check: "rcpt-before-ehlo", name: "503", verdict: probe.Strict, says: conforms()},
		{check: "rcpt-before-ehlo", name: "502", lapses: notImplemented(), verdict: probe.Deviant, says: violates()},
		{check: "rcpt-before-ehlo", name: "250", lapses: []lab.Lapse{lab.Accept{State: "I", Verb: "RCPT"}.Lapse()}, verdict: probe.Lenient, says: violates()},
		{check: "rcpt-before-ehlo", name: "550 everywhere", lapses: []lab.Lapse{lab.RefuseByPolicy("RCPT")}, verdict: probe.Inconclusive, reason: "same answer"},
		{check: "data-before-ehlo", name: "503", verdict: probe.Strict, says: conforms()},
		{check: "data-before-ehlo", name: "554", lapses: answers(data, "554 5.5.1 No recipients"), verdict: probe.Strict, says: conforms()},
		{check: "data-before-ehlo", name: "502", lapses: notImplemented(), verdict: probe.Deviant, says: unregulated()},
		{check: "data-before-ehlo", name: "354", lapses: []lab.Lapse{lab.Accept{State: "I", Verb: "DATA"}.Lapse()}, extensions: without("PIPELINING"), verdict: probe.Lenient, says: conforms()},
		{check: "data-before-ehlo", name: "550 of policy", lapses: answers(data, "550 5.7.1 Not you"), verdict: probe.Inconclusive, reason: "policy"},
	}
	all = append(all, endings("rcpt-before-ehlo", rcpt, probe.Must)...)
	for _, r := range endings("data-before-ehlo", data, probe.May) {
		if r.name != "450" { // no card says that 450 to DATA is of the moment only; see "550 of policy"
			all = append(all, r)
		}
	}
	for _, verb := range []string{"RSET", "VRFY", "HELP"} {
		id, level := map[string]string{"RSET": "rset-before-ehlo", "VRFY": "vrfy-before-ehlo", "HELP": "help-before-ehlo"}[verb], probe.Should
		if verb == "RSET" {
			level = probe.Must
		}
		all = append(
			all,
			row{check: id, name: "served", verdict: probe.Correct, says: conforms()},
			row{check: id, name: "503", lapses: []lab.Lapse{lab.RefuseBeforeHello(verb)}, verdict: probe.Overstrict, says: fault(level)},
		)
		all = append(all, endings(id, at("I", verb), level)...)
		if verb == "RSET" {
			continue
		}
		all = append(
			all,
			row{check: id, name: "not implemented", lapses: answers(at("I", verb), "502 5.5.1 Not here"), verdict: probe.Inconclusive, reason: "not implemented"},
			row{check: id, name: "503 after EHLO as well", lapses: answers(lab.Place{Verb: verb}, "503 5.5.1 Never"), verdict: probe.Inconclusive, reason: "same answer"},
		)
	}
	const quit = "quit-before-ehlo"
	place := at("I", "QUIT")
	return append(
		all,
		row{check: quit, name: "221 and close", verdict: probe.Correct, says: conforms()},
		row{check: quit, name: "221 and still open", lapses: []lab.Lapse{lab.StayAfterQuit()}, verdict: probe.Lenient, says: violates()},
		row{check: quit, name: "503", lapses: answers(place, "503 5.5.1 EHLO first"), verdict: probe.Overstrict, says: violates()},
		row{check: quit, name: "a close without a word", lapses: hangsUp(place, ""), verdict: probe.Dropped, says: violates()},
		row{check: quit, name: "neither word nor close", lapses: []lab.Lapse{lab.SilentQuit()}, verdict: probe.Broken, says: violates()},
		row{check: "vrfy-before-ehlo", name: "550 about the mailbox", lapses: answers(at("I", "VRFY"), "550 5.1.1 No such mailbox"), verdict: probe.Correct, says: conforms()},
		row{check: "vrfy-before-ehlo", name: "550 of policy", lapses: answers(at("I", "VRFY"), "550 5.7.1 Not you"), verdict: probe.Inconclusive, reason: "policy"},
	)
}

func insideRows() []row {
	const data, unknown = "data-after-rcpt-refused", "unknown-command"
	place := at("M", "DATA")
	accept := lab.Accept{State: "M", Verb: "DATA", Guard: "every RCPT was refused"}.Lapse()
	all := []row{
		{check: data, name: "554", verdict: probe.Strict, says: conforms()},
		{check: data, name: "502", lapses: answers(place, "502 5.5.1 No"), verdict: probe.Deviant, says: unregulated()},
		{check: data, name: "354 although PIPELINING is offered", lapses: []lab.Lapse{accept}, verdict: probe.Lenient, says: deviates()},
		{check: data, name: "354", lapses: []lab.Lapse{accept}, extensions: without("PIPELINING"), verdict: probe.Lenient, says: conforms()},
		{check: data, name: "words without a code", lapses: answers(place, "Hello there"), verdict: probe.Broken, says: unregulated()},
		{check: data, name: "451", lapses: answers(place, "451 4.3.0 Later"), verdict: probe.Inconclusive, reason: "451"},
		// "INCONCLUSIVE RCPT accepted or DATA 421."
		{check: data, name: "421", lapses: hangsUp(place, "421 4.7.0 Too many errors"), verdict: probe.Inconclusive, reason: "limit"},
		{check: data, name: "a close without a word", lapses: hangsUp(place, ""), verdict: probe.Inconclusive, reason: "limit"},
		{check: data, name: "any recipient accepted", lapses: []lab.Lapse{lab.AcceptAnyRecipient()}, verdict: probe.NotApplicable, reason: "not refused"},

		{check: "rset-with-argument", name: "501", verdict: probe.Strict, says: conforms()},
		{check: "rset-with-argument", name: "500", box: onLine("RSET now", keep, "500 5.5.2 What?"), verdict: probe.Deviant, says: deviates()},
		{check: "rset-with-argument", name: "250", lapses: []lab.Lapse{lab.Accept{State: "E", Verb: "RSET", Guard: "argument"}.Lapse()}, verdict: probe.Lenient, says: deviates()},
		{check: "noop-with-argument", name: "250", verdict: probe.Correct, says: conforms()},
		{check: "noop-with-argument", name: "501 as RFC 821 had it", box: onLine("NOOP smtpprobe", keep, "501 5.5.4 No argument"), verdict: probe.Overstrict, says: deviates()},

		{check: unknown, name: "500", verdict: probe.Strict, says: conforms()},
		{check: unknown, name: "502", box: onLine("ZZPROBE", keep, "502 5.5.1 Not implemented"), verdict: probe.Deviant, says: conforms()},
		{check: unknown, name: "503", box: onLine("ZZPROBE", keep, "503 5.5.1 What?"), verdict: probe.Deviant, says: deviates()},
		{check: unknown, name: "250", box: onLine("ZZPROBE", keep, "250 2.0.0 Of course"), verdict: probe.Lenient, says: deviates()},
		{check: unknown, name: "500 and close", box: onLine("ZZPROBE", hangUp, "500 5.5.2 Goodbye"), verdict: probe.Strict, says: conforms()},
		{check: unknown, name: "502 and close", box: onLine("ZZPROBE", hangUp, "502 5.5.1 Goodbye"), verdict: probe.Dropped, says: violates()},
	}
	return slices.Concat(
		all, endingsOf("rset-with-argument", "RSET now", probe.Should), endingsOf("noop-with-argument", "NOOP smtpprobe", probe.Should),
		endingsOf(unknown, "ZZPROBE", probe.Must),
	)
}

func againRows() []row {
	const twice, after, helo, bare, keeps = "ehlo-twice", "ehlo-after-helo", "helo-single-line", "ehlo-no-argument", "ehlo-rejected-keeps-state"
	all := []row{
		{check: twice, name: "250", verdict: probe.Correct, says: conforms()},
		{check: twice, name: "503 as RFC 1869 had it", lapses: []lab.Lapse{lab.RefuseSecondHello()}, verdict: probe.Overstrict, says: violates()},
		{check: after, name: "250", verdict: probe.Correct, says: conforms()},
		{check: after, name: "503", lapses: []lab.Lapse{lab.RefuseSecondHello()}, verdict: probe.Overstrict, says: violates()},
		{check: after, name: "250 without keywords", lapses: answers(at("H", "EHLO"), "250 receiver.example"), verdict: probe.Overstrict, says: violates()},

		{check: helo, name: "250", verdict: probe.Correct, says: conforms()},
		{check: helo, name: "250 of two lines", lapses: answers(at("I", "HELO"), "250-receiver.example\r\n250 Pleased to meet you"), verdict: probe.Inconclusive, reason: "MAIL after HELO"},
		{check: helo, name: "the list of keywords", lapses: []lab.Lapse{lab.HeloListsKeywords()}, verdict: probe.Lenient, says: violates()},
		{check: helo, name: "502", lapses: answers(at("I", "HELO"), "502 5.5.1 EHLO, please"), verdict: probe.Overstrict, says: violates()},
		{check: helo, name: "550", lapses: answers(at("I", "HELO"), "550 5.7.1 Not you"), verdict: probe.Inconclusive, reason: "policy"},

		{check: bare, name: "501", verdict: probe.Strict, says: conforms()},
		{check: bare, name: "500", box: onLine("EHLO", keep, "500 5.5.2 What?"), verdict: probe.Deviant, says: conforms()},
		{check: bare, name: "503", box: onLine("EHLO", keep, "503 5.5.1 Again?"), verdict: probe.Deviant, says: deviates()},
		{check: bare, name: "250", lapses: []lab.Lapse{lab.Accept{State: "E", Verb: "EHLO", Guard: "argument missing/bad"}.Lapse()}, verdict: probe.Lenient, says: deviates()},

		{check: keeps, name: "501, and RCPT is 250", verdict: probe.Correct, says: conforms()},
		{check: keeps, name: "the transaction is gone", lapses: []lab.Lapse{lab.ForgetAtRefused("EHLO")}, verdict: probe.Overstrict, says: violates()},
		{check: keeps, name: "250", box: onLine("EHLO", keep, "250 receiver.example"), verdict: probe.Inconclusive, reason: "not refused"},
	}
	return slices.Concat(
		all, endings(twice, at("E", "EHLO"), probe.Must), endings(after, at("H", "EHLO"), probe.Must),
		endings(helo, at("I", "HELO"), probe.Must), endingsOf(bare, "EHLO", probe.Should), rejectedEHLO(keeps),
	)
}

// rejectedEHLO are the endings of a disturbance, which is no verdict of 450.
func rejectedEHLO(id string) []row {
	return notDropped(endingsOf(id, "EHLO", probe.Must)[:3])
}
