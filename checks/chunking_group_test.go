package checks_test

import (
	"slices"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
)

const (
	oneChunk  = "BDAT 6\r\nNOOP\r\n"
	longChunk = "BDAT 12\r\nNOOP\r\nNOOP\r\n"
)

// chunkingGroup is 6.7.
func chunkingGroup() group {
	malformed := func(line string) judgedPlace {
		return judgedPlace{state: "E", line: line, level: "the grammar of RFC 3030 is a SHOULD here; the row leaves it open, since closing is defensible", apart: true}
	}
	return group{
		rows: slices.Concat(chunkOrderRows(), swallowRows(), chunkFormRows(), chunkAndDataRows()),
		mutants: map[string]mutant{
			"bdat-without-mail":     derived(lab.Accept{State: "E", Verb: "BDAT", Guard: "well formed"}),
			"bdat-without-rcpt":     derived(lab.Accept{State: "M", Verb: "BDAT"}),
			"data-after-bdat":       derived(lab.Accept{State: "X", Verb: "DATA"}),
			"data-after-binarymime": derived(acceptBinaryData()),
		},
		places: map[string]judgedPlace{
			"bdat-without-mail":         {state: "E", line: "BDAT 12"},
			"bdat-without-rcpt":         {state: "M", line: "BDAT 6"},
			"bdat-malformed/no-size":    malformed("BDAT"),
			"bdat-malformed/bad-size":   malformed("BDAT x"),
			"bdat-malformed/bad-marker": malformed("BDAT 0 FIRST"),
			"data-after-bdat":           {state: "X", line: "DATA"},
		},
		nowhere: map[string]string{
			"bdat-rejected-swallows": "two chunks, each with a row of its own",
			"bdat-unadvertised":      "the row is of a receiver without CHUNKING",
			"data-after-binarymime":  "the row wants BODY=BINARYMIME before it",
		},
		changes: chunkingChanges(),
	}
}

func acceptBinaryData() lab.Accept {
	return lab.Accept{State: "M", Verb: "DATA", Guard: "BODY=BINARYMIME was given"}
}

// onOctets answers one write of the client, as onLine does a line.
func onOctets(octets string, f fate, replies ...string) *middlebox {
	return behind("", octets, f, replies...)
}

// behind answers one write of the client that comes right behind another one;
// behind any where that is empty.
func behind(first, then string, f fate, replies ...string) *middlebox {
	return &middlebox{client: func(p *passage, octets string) fate {
		n := len(p.said)
		if octets != then || first != "" && (n < 2 || p.said[n-2] != first) {
			return forward
		}
		if len(replies) > 0 {
			p.say(replies...)
		}
		return f
	}}
}

func chunkOrderRows() []row {
	const mail, rcpt = "bdat-without-mail", "bdat-without-rcpt"
	const noReset = "503 5.5.1 Not now"
	var all []row
	for id, place := range map[string]lab.Place{mail: at("E", "BDAT"), rcpt: at("M", "BDAT")} {
		all = append(
			all,
			row{check: id, name: "refused", verdict: probe.Strict, says: conforms()},
			row{check: id, name: "503", lapses: answers(place, "503 5.5.1 No"), verdict: probe.Strict, says: conforms()},
			row{check: id, name: "554", lapses: answers(place, "554 5.5.1 No valid recipients"), verdict: probe.Strict, says: conforms()},
			row{check: id, name: "554 and close", lapses: hangsUp(place, "554 5.5.1 No valid recipients"), verdict: probe.Strict, says: conforms()},
			row{check: id, name: "502", lapses: answers(place, "502 5.5.1 No"), verdict: probe.Deviant, says: violates()},
			row{check: id, name: "250", lapses: []lab.Lapse{lab.Accept{State: place.State, Verb: "BDAT"}.Lapse()}, verdict: probe.Lenient, says: violates()},
			row{check: id, name: "521 and close", lapses: hangsUp(place, "521 5.5.1 Go away"), verdict: probe.Dropped, says: violates()},
			row{check: id, name: "octets taken for commands", lapses: []lab.Lapse{lab.KeepChunksUnswallowed()}, verdict: probe.Broken, says: violates()},
			row{check: id, name: "550 of policy", lapses: answers(place, "550 5.7.1 Not you"), verdict: probe.Inconclusive, reason: "policy"},
			row{check: id, name: "CHUNKING not offered", extensions: without("CHUNKING", "BINARYMIME"), verdict: probe.NotApplicable, reason: "CHUNKING is not offered"},
		)
		all = append(all, endings(id, place, probe.Must)...)
	}
	return append(
		all,
		// A receiver that waits for more octets than were announced.
		row{check: mail, name: "NOOP behind it swallowed", box: behind(longChunk, "NOOP\r\n", keep), verdict: probe.Inconclusive, reason: "tarpit"},
		row{check: mail, name: "NOOP behind it refused", box: behind(longChunk, "NOOP\r\n", keep, "500 5.5.2 What?"), verdict: probe.Inconclusive, reason: "NOOP behind the chunk"},
		// "BROKEN ... or RSET does not recover".
		row{check: rcpt, name: "RSET behind it refused", box: behind(oneChunk, "RSET\r\n", keep, noReset), verdict: probe.Broken, says: violates()},
		row{check: rcpt, name: "RSET behind it not answered", box: behind(oneChunk, "RSET\r\n", keep), verdict: probe.Inconclusive, reason: "tarpit"},
		row{check: rcpt, name: "RSET without effect", box: secondMail(noReset), verdict: probe.Broken, says: violates()},
		row{check: rcpt, name: "MAIL behind RSET refused by policy", box: secondMail("450 4.7.1 Slowly"), verdict: probe.Inconclusive, reason: "450"},
		row{check: rcpt, name: "a close at RSET", box: behind(oneChunk, "RSET\r\n", hangUp), verdict: probe.Inconclusive, reason: "limit"},
	)
}

// secondMail answers the MAIL behind a chunk and RSET.
func secondMail(reply string) *middlebox {
	return &middlebox{client: func(p *passage, octets string) fate {
		n := len(p.said)
		if n < 3 || octets != mailLine+"\r\n" || p.said[n-3] != oneChunk {
			return forward
		}
		p.say(reply)
		return keep
	}}
}

func swallowRows() []row {
	const id, no, ok, two = "bdat-rejected-swallows", "503 5.5.1 No", "250 2.0.0 OK", oneChunk + oneChunk
	return []row{
		{check: id, name: "554 and 503", verdict: probe.Correct, says: conforms()},
		{check: id, name: "450 and 450", box: onOctets(two, keep, "450 4.3.0 Later", "450 4.3.0 Later"), verdict: probe.Correct, says: conforms()},
		{check: id, name: "octets taken for commands", lapses: []lab.Lapse{lab.KeepChunksUnswallowed(), lab.AcceptInsideGroup("NOOP")}, verdict: probe.Broken, says: violates()},
		{check: id, name: "the second accepted", box: onOctets(two, keep, no, ok), verdict: probe.Broken, says: violates()},
		{check: id, name: "three replies", box: onOctets(two, keep, no, no, no), verdict: probe.Broken, says: violates()},
		{check: id, name: "one reply", box: onOctets(two, keep, no), verdict: probe.Broken, says: violates()},
		{check: id, name: "RSET refused", box: behind(two, "RSET\r\n", keep, "503 5.5.1 Not now"), verdict: probe.Broken, says: violates()},
		{check: id, name: "a close without a word", box: onOctets(two, hangUp), verdict: probe.Dropped, says: violates()},
		{check: id, name: "two refusals and a close", box: onOctets(two, hangUp, no, no), verdict: probe.Inconclusive, reason: "limit"},
		{check: id, name: "one refusal and a close", box: onOctets(two, hangUp, no), verdict: probe.Inconclusive, reason: "limit"},
		{check: id, name: "421", box: onOctets(two, hangUp, "421 4.5.0 Goodbye"), verdict: probe.Dropped, says: conforms()},
		{check: id, name: "the first accepted", box: onOctets(two, keep, ok, no), verdict: probe.Inconclusive, reason: "the first chunk"},
		{check: id, name: "a chunk for nobody accepted", lapses: []lab.Lapse{lab.Accept{State: "M", Verb: "BDAT"}.Lapse()}, verdict: probe.NotApplicable, reason: "not refused"},
		{check: id, name: "PIPELINING not offered", extensions: without("PIPELINING"), verdict: probe.NotApplicable, reason: "PIPELINING is not offered"},
	}
}

func chunkFormRows() []row {
	var all []row
	place := at("E", "BDAT")
	for _, id := range []string{"bdat-malformed/no-size", "bdat-malformed/bad-size", "bdat-malformed/bad-marker"} {
		all = append(
			all,
			row{check: id, name: "501", verdict: probe.Strict, says: conforms()},
			row{check: id, name: "500", lapses: answers(place, "500 5.5.2 What?"), verdict: probe.Deviant, says: conforms()},
			row{check: id, name: "555", lapses: answers(place, "555 5.5.4 What?"), verdict: probe.Deviant, says: deviates()},
			row{check: id, name: "250", lapses: []lab.Lapse{lab.TolerateChunks()}, verdict: probe.Lenient, says: deviates()},
			// "DROPPED 421/521 + close: observation".
			row{check: id, name: "521 and close as Postfix", lapses: hangsUp(place, "521 5.5.4 Bad BDAT"), verdict: probe.Dropped, says: unregulated()},
			row{check: id, name: "554 and close", lapses: hangsUp(place, "554 5.5.4 Bad BDAT"), verdict: probe.Dropped, says: unregulated()},
		)
		all = append(all, endings(id, place, probe.Should)...)
	}
	const id = "bdat-unadvertised"
	unoffered := []row{
		{check: id, name: "502", verdict: probe.Strict, says: conforms()},
		{check: id, name: "500", lapses: answers(place, "500 5.5.2 What?"), verdict: probe.Strict, says: conforms()},
		{check: id, name: "501", lapses: answers(place, "501 5.5.4 No"), verdict: probe.Deviant, says: deviates()},
		{check: id, name: "250", lapses: []lab.Lapse{lab.Accept{State: "E", Verb: "BDAT"}.Lapse()}, verdict: probe.Lenient, says: deviates()},
		{check: id, name: "521 and close as Postfix", lapses: hangsUp(place, "521 5.5.1 No BDAT here"), verdict: probe.Dropped, says: conforms()},
	}
	unoffered = append(unoffered, endings(id, place, probe.Should)...)
	for i := range unoffered {
		unoffered[i].extensions = without("CHUNKING", "BINARYMIME")
	}
	return append(slices.Concat(all, unoffered), row{check: id, name: "offered", verdict: probe.NotApplicable, reason: "CHUNKING is offered"})
}

func chunkAndDataRows() []row {
	const mixed, binary = "data-after-bdat", "data-after-binarymime"
	x, m := at("X", "DATA"), at("M", "DATA")
	taken := lab.Accept{State: "M", Verb: "BDAT"}.Lapse()
	all := []row{
		{check: mixed, name: "503", verdict: probe.Strict, says: conforms()},
		{check: mixed, name: "503 behind a chunk that was taken", lapses: []lab.Lapse{taken}, verdict: probe.Strict, says: conforms()},
		{check: mixed, name: "554", lapses: answers(x, "554 5.5.1 No valid recipients"), verdict: probe.Strict, says: conforms()},
		{check: mixed, name: "502", lapses: notImplemented(), verdict: probe.Deviant, says: violates()},
		{check: mixed, name: "354", lapses: []lab.Lapse{lab.Accept{State: "X", Verb: "DATA"}.Lapse()}, verdict: probe.Lenient, says: violates()},
		{check: mixed, name: "354 behind a chunk that was taken", lapses: []lab.Lapse{taken, lab.Accept{State: "B", Verb: "DATA"}.Lapse()}, verdict: probe.Lenient, says: violates()},
		{check: mixed, name: "a close behind a chunk that was taken", lapses: []lab.Lapse{taken, lab.HangUp(at("B", "DATA"), "")}, verdict: probe.Dropped, says: violates()},
		{check: mixed, name: "a close behind a chunk that was refused", lapses: hangsUp(x, ""), verdict: probe.Inconclusive, reason: "limit"},
		{check: mixed, name: "words without a code", lapses: answers(x, "Hello there"), verdict: probe.Broken, says: violates()},
		{check: mixed, name: "550 of policy", lapses: answers(x, "550 5.7.1 Not you"), verdict: probe.Inconclusive, reason: "policy"},
		{check: mixed, name: "octets taken for commands", lapses: []lab.Lapse{lab.KeepChunksUnswallowed()}, verdict: probe.Inconclusive, reason: "taken for commands"},

		{check: binary, name: "503", verdict: probe.Strict, says: conforms()},
		{check: binary, name: "554", lapses: answers(m, "554 5.5.1 No valid recipients"), verdict: probe.Inconclusive, reason: "recipient"},
		{check: binary, name: "502", lapses: notImplemented(), verdict: probe.Deviant, says: violates()},
		{check: binary, name: "354", lapses: []lab.Lapse{acceptBinaryData().Lapse()}, verdict: probe.Lenient, says: violates()},
		{check: binary, name: "550 of policy", lapses: answers(m, "550 5.7.1 Not you"), verdict: probe.Inconclusive, reason: "policy"},
		{check: binary, name: "BINARYMIME not offered", extensions: without("BINARYMIME"), verdict: probe.NotApplicable, reason: "BINARYMIME is not offered"},
	}
	return append(all, endings(binary, m, probe.Must)...)
}
