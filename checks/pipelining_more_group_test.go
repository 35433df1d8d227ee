package checks_test

import (
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
)

// groupsOfferedGroup are the checks of 6.6 in receivers that offer PIPELINING,
// those of split lines, and the two that came with them.
func groupsOfferedGroup() group {
	rows := append(servedGroupRows(), syncRows()...)
	rows = append(append(rows, dataGroupRows()...), splitRows()...)
	return group{
		rows: append(append(rows, vrfyRows()...), earlyGroupRows()...),
		mutants: map[string]mutant{
			"pipeline-sync-command-mid-group/noop": {lapse: lab.AcceptInsideGroup("NOOP")},
			"pipeline-sync-command-mid-group/vrfy": {lapse: lab.AcceptInsideGroup("VRFY")},
			"pipeline-data-group":                  {lapse: lab.AcceptDataInGroup()},
			"early-talk-group":                     {lapse: lab.AcceptEarlyTalk()},
		},
		places: map[string]judgedPlace{
			"split-line/mid-verb": {state: "E", line: "NOOP"},
			"split-line/cr-lf":    {state: "E", line: "NOOP"},
			"vrfy-reply":          {state: "E", line: "VRFY postmaster"},
		},
		nowhere: map[string]string{
			"pipeline-error-no-flush": "four commands, each with a row of its own",
			"pipeline-long-group":     "fourteen commands, each with a row of its own",
			"pipeline-data-group":     "three commands, each with a row of its own",
		},
		changes: groupsOfferedChanges(),
	}
}

// groupsOfferedDeviations are the lines of the lapses that came with the group.
func groupsOfferedDeviations() []deviation {
	return []deviation{
		{lapse: lab.AcceptDataInGroup(), is: is("pipeline-data-group", "lenient")},
		{lapse: lab.LimitGroup(8), is: is("pipeline-long-group", "inconclusive")},
		{lost: askedTooOften(), lapse: lab.TakeSegments(), is: is("split-line/mid-verb", "broken", "split-line/cr-lf", "broken")},
		{lapse: lab.ConfirmNobody(), is: is("vrfy-reply", "lenient")},
	}
}

const okReply, noReply, seqReply = "250 2.0.0 OK", "550 5.1.1 No such mailbox here", "503 5.5.1 MAIL first"

// times repeats a reply.
func times(n int, reply string) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = reply
	}
	return all
}

func servedGroupRows() []row {
	const flush, long = "pipeline-error-no-flush", "pipeline-long-group"
	onLong := func(f fate, lines ...string) *middlebox { return onLines(14, f, lines...) }
	behind := func(n int, reply string) []string { return append(times(n, okReply), reply) }
	return []row{
		{check: flush, name: "four replies", verdict: probe.Correct, says: conforms()},
		{check: flush, name: "502 to RCPT, as alone", lapses: notImplemented(), verdict: probe.Correct, says: conforms()},
		{check: flush, name: "another code of the class for RCPT", box: onGroup("RCPT", keep, "554 5.5.1 No", okReply, okReply, okReply), verdict: probe.Correct, says: conforms()},
		{check: flush, name: "MAIL refused behind it", box: onGroup("RCPT", keep, seqReply, okReply, seqReply, okReply), verdict: probe.Overstrict, says: violates()},
		{check: flush, name: "input flushed after an error", lapses: []lab.Lapse{lab.FlushAfterError()}, verdict: probe.Broken, says: violates()},
		{check: flush, name: "out of order", box: onGroup("RCPT", keep, okReply, seqReply, okReply, okReply), verdict: probe.Broken, says: violates()},
		{check: flush, name: "five replies", box: onGroup("RCPT", keep, seqReply, okReply, okReply, okReply, okReply), verdict: probe.Broken, says: violates()},
		{check: flush, name: "554 and close", lapses: []lab.Lapse{lab.RefuseGroups()}, verdict: probe.Dropped, says: violates()},
		{check: flush, name: "a close without a word", box: onGroup("RCPT", hangUp), verdict: probe.Dropped, says: violates()},
		{check: flush, name: "RCPT between 4yz and 5yz", box: onGroup("RCPT", keep, "450 4.7.1 Greylisted", okReply, okReply, okReply), verdict: probe.Inconclusive, reason: "RCPT"},
		{check: flush, name: "450 to MAIL", box: onGroup("RCPT", keep, seqReply, okReply, "450 4.7.1 Slowly", okReply), verdict: probe.Inconclusive, reason: "450"},
		{check: flush, name: "a close on every error", lapses: []lab.Lapse{lab.HangUpOnErrors("500 5.5.2 Go away")}, verdict: probe.Inconclusive, reason: "alone"},
		{check: flush, name: "RCPT accepted before MAIL", lapses: []lab.Lapse{lab.Accept{State: "E", Verb: "RCPT"}.Lapse()}, verdict: probe.Inconclusive, reason: "nothing in the group fails"},
		{check: flush, name: "PIPELINING not offered", extensions: without("PIPELINING"), verdict: probe.NotApplicable, reason: "PIPELINING is not offered"},

		{check: long, name: "fourteen replies", verdict: probe.Correct, says: conforms()},
		{check: long, name: "one refused", box: onLong(keep, append(behind(12, seqReply), okReply)...), verdict: probe.Overstrict, says: violates()},
		{check: long, name: "thirteen replies", box: onLong(keep, times(13, okReply)...), verdict: probe.Broken, says: violates()},
		{check: long, name: "fifteen replies", box: onLong(keep, times(15, okReply)...), verdict: probe.Broken, says: violates()},
		{check: long, name: "a close in the middle", box: onLong(hangUp, times(7, okReply)...), verdict: probe.Dropped, says: violates()},
		{check: long, name: "554 to the group, and close", lapses: []lab.Lapse{lab.RefuseGroups()}, verdict: probe.Dropped, says: violates()},
		// "DROPPED with 421/554 too many non-mail commands -> INCONCLUSIVE(limit)."
		{check: long, name: "421 in the middle", lapses: []lab.Lapse{lab.LimitGroup(8)}, verdict: probe.Inconclusive, reason: "limit"},
		{check: long, name: "554 in the middle, and close", box: onLong(hangUp, behind(9, "554 5.5.0 Too many non-mail commands")...), verdict: probe.Inconclusive, reason: "limit"},
		{check: long, name: "452 in the middle", box: onLong(keep, append(behind(12, "452 4.5.3 Too many transactions"), okReply)...), verdict: probe.Inconclusive, reason: "452"},
		{check: long, name: "LIMITS", extensions: append(without(), "LIMITS MAILMAX=6"), verdict: probe.NotApplicable, reason: "LIMITS"},
	}
}

// onLines answers a segment of so many lines, and does with the session what the
// fate says.
func onLines(n int, f fate, lines ...string) *middlebox {
	return &middlebox{client: func(p *passage, octets string) fate {
		if strings.Count(octets, "\r\n") != n {
			return forward
		}
		if len(lines) > 0 {
			p.say(lines...)
		}
		return f
	}}
}

// onMiddle answers a group with the verb in the middle.
func onMiddle(verb string, f fate, lines ...string) *middlebox {
	return &middlebox{client: func(p *passage, octets string) fate {
		if !strings.HasPrefix(octets, "MAIL") || !strings.Contains(octets, "\r\n"+verb) {
			return forward
		}
		if len(lines) > 0 {
			p.say(lines...)
		}
		return f
	}}
}

func syncRows() []row {
	var all []row
	for verb, served := range map[string]string{"NOOP": okReply, "VRFY": "252 2.5.0 Cannot verify"} {
		id := "pipeline-sync-command-mid-group/" + strings.ToLower(verb)
		on := func(f fate, lines ...string) *middlebox { return onMiddle(verb, f, lines...) }
		add := func(name string, lapses []lab.Lapse, box *middlebox, v probe.Verdict, reason string) {
			r := row{check: id, name: name, lapses: lapses, box: box, verdict: v, reason: reason}
			if v.Known() {
				r.says = unregulated()
			}
			all = append(all, r)
		}
		add("554 at the second, and close", nil, nil, probe.Strict, "")
		add("554 at the first, and close, as Postfix", nil, on(hangUp, "554 5.5.0 Error: SMTP protocol synchronization"), probe.Strict, "")
		add("503", nil, on(keep, okReply, "503 5.5.0 Slowly", okReply), probe.Strict, "")
		add("504", nil, on(keep, okReply, "504 5.5.0 Slowly", okReply), probe.Deviant, "")
		add("521 and close", nil, on(hangUp, "521 Go away"), probe.Dropped, "")
		add("a close without a word", nil, on(hangUp), probe.Dropped, "")
		add("421", nil, on(hangUp, okReply, "421 4.5.0 Goodbye"), probe.Dropped, "")
		add("three replies", []lab.Lapse{lab.AcceptInsideGroup(verb)}, nil, probe.Lenient, "")
		add("two replies", nil, on(keep, okReply, served), probe.Broken, "")
		add("four replies", nil, on(keep, okReply, served, okReply, okReply), probe.Broken, "")
		add("550 of policy", nil, on(keep, okReply, "550 5.7.1 Not you", okReply), probe.Inconclusive, "policy")
		all = append(
			all,
			row{check: id, name: "PIPELINING not offered", extensions: without("PIPELINING"), verdict: probe.NotApplicable, reason: "PIPELINING is not offered"},
			row{check: id, name: "an invitation to talk early, which is another matter", extensions: append(without(), "PIPECONNECT"), verdict: probe.Strict, says: unregulated()},
		)
	}
	const vrfy = "pipeline-sync-command-mid-group/vrfy"
	without := answers(lab.Place{Verb: "VRFY"}, "502 5.5.1 No VRFY")
	return append(
		all,
		// VRFY is refused as it is alone: the group is served.
		row{check: vrfy, name: "502 as alone", lapses: append(without, lab.AcceptInsideGroup("VRFY")), verdict: probe.Lenient, says: unregulated()},
		row{check: vrfy, name: "502 as alone, and at another place", lapses: without, box: onMiddle("VRFY", keep, "502 5.5.1 No VRFY", okReply, okReply), verdict: probe.Broken, says: unregulated()},
		row{check: vrfy, name: "252 at another place", box: onMiddle("VRFY", keep, "252 2.5.0 Cannot VRFY user", okReply, okReply), lapses: answers(lab.Place{Verb: "VRFY"}, "252 2.5.0 Cannot VRFY user"), verdict: probe.Broken, says: unregulated()},
	)
}

// dataGrouped is the group of DATA, and what then comes. The recipient that cannot
// exist may be named four times to a receiver (S5) and four checks do, so that
// the second try, without which nothing is dropped or broken, is by hand.
func dataGrouped(then ...string) []string {
	return append([]string{`C: MAIL FROM:<>\r\nRCPT TO:<smtpprobe@smtpprobe.invalid>\r\nDATA`}, then...)
}

func dataGroupRows() []row {
	const id = "pipeline-data-group"
	on := func(f fate, lines ...string) *middlebox {
		return onMiddle("RCPT TO:<smtpprobe@smtpprobe.invalid>\r\nDATA", f, lines...)
	}
	return []row{
		{check: id, name: "503", verdict: probe.Strict, says: conforms()},
		{check: id, name: "554", box: on(keep, okReply, noReply, "554 5.5.1 No valid recipients"), verdict: probe.Strict, says: conforms()},
		{check: id, name: "502", lapses: answers(at("M", "DATA"), "502 5.5.1 Not implemented"), verdict: probe.Deviant, says: unregulated()},
		{check: id, name: "354", lapses: []lab.Lapse{lab.AcceptDataInGroup()}, verdict: probe.Lenient, says: deviates()},
		{check: id, name: "a close without a word", try: dataGrouped("P: closed by the server"), verdict: probe.Dropped, says: deviates()},
		{check: id, name: "a close in place of the last reply", try: dataGrouped("S: "+okReply, "S: "+noReply, "P: closed by the server"), verdict: probe.Dropped, says: deviates()},
		{check: id, name: "502 and close", try: dataGrouped("S: "+okReply, "S: "+noReply, "S: 502 5.5.1 No", "P: closed by the server"), verdict: probe.Dropped, says: unregulated()},
		{check: id, name: "two replies", try: dataGrouped("S: "+okReply, "S: "+noReply, "P: timed out: after 30s"), verdict: probe.Broken, says: deviates()},
		{check: id, name: "354 in place of the reply to RCPT", try: dataGrouped("S: "+okReply, "S: 354 Go on", "P: not sent: the receiver asked for text", "S: "+seqReply), verdict: probe.Broken, says: deviates()},
		{check: id, name: "550 of policy", box: on(keep, okReply, noReply, "550 5.7.1 Not you"), verdict: probe.Inconclusive, reason: "policy"},
		{check: id, name: "MAIL refused", box: on(keep, "451 4.3.0 Later", seqReply, seqReply), verdict: probe.Inconclusive, reason: "MAIL"},
		{check: id, name: "RCPT accepted, and 354", box: on(keep, okReply, okReply, "354 Go on"), verdict: probe.Inconclusive, reason: "RCPT"},
		{check: id, name: "any recipient accepted", lapses: []lab.Lapse{lab.AcceptAnyRecipient()}, verdict: probe.NotApplicable, reason: "not refused"},
		{check: id, name: "354 one by one as well", lapses: []lab.Lapse{lab.Accept{State: "M", Verb: "DATA"}.Lapse()}, verdict: probe.NotApplicable, reason: "one by one"},
		{check: id, name: "PIPELINING not offered", extensions: without("PIPELINING"), verdict: probe.NotApplicable, reason: "PIPELINING is not offered"},
	}
}

// onHalf answers the first half of a line, which comes without its end.
func onHalf(half string, f fate, lines ...string) *middlebox {
	return &middlebox{client: func(p *passage, octets string) fate {
		if octets != half {
			return forward
		}
		if len(lines) > 0 {
			p.say(lines...)
		}
		return f
	}}
}

func splitRows() []row {
	var all []row
	for _, v := range []struct{ id, half, rest string }{{"split-line/mid-verb", "NO", "OP\r\n"}, {"split-line/cr-lf", "NOOP\r", "\n"}} {
		add := func(name string, lapses []lab.Lapse, box *middlebox, verdict probe.Verdict, says []probe.Conformance, reason string) {
			all = append(all, row{check: v.id, name: name, lapses: lapses, box: box, verdict: verdict, says: says, reason: reason})
		}
		rest := func(f fate, lines ...string) *middlebox { return onHalf(v.rest, f, lines...) }
		add("nothing, and then 250", nil, nil, probe.Correct, conforms(), "")
		add("504", nil, rest(keep, "504 5.5.4 What?"), probe.Overstrict, violates(), "")
		add("a segment taken for a line", []lab.Lapse{lab.TakeSegments()}, nil, probe.Broken, violates(), "before the line was ended")
		add("500", nil, rest(keep, "500 5.5.2 What?"), probe.Broken, violates(), "500")
		add("two replies", nil, rest(keep, "500 5.5.2 What?", okReply), probe.Broken, violates(), "")
		add("no reply", nil, rest(keep), probe.Broken, violates(), "")
		add("a close in the gap", nil, onHalf(v.half, hangUp), probe.Dropped, violates(), "before the line was ended")
		add("421 in the gap", nil, onHalf(v.half, hangUp, "421 4.3.2 Down"), probe.Dropped, conforms(), "421")
		add("a close behind it", nil, rest(hangUp), probe.Dropped, violates(), "")
		add("450", nil, rest(keep, "450 4.3.2 Busy"), probe.Inconclusive, nil, "450")
		all = append(all, row{check: v.id, name: "502 in one piece as well", try: []string{
			"C: " + strings.TrimSuffix(v.half, "\r"), "P: listened: for 500ms", "C: OP", "S: 502 5.5.1 No NOOP here", "P: listened: for 300ms",
			"C: NOOP", "S: 502 5.5.1 No NOOP here",
		}, verdict: probe.Inconclusive, reason: "same answer"})
	}
	return all
}

func vrfyRows() []row {
	const id = "vrfy-reply"
	place := at("E", "VRFY")
	return []row{
		{check: id, name: "252", verdict: probe.Correct, says: conforms()},
		{check: id, name: "250 with a mailbox", lapses: answers(place, "250 2.1.5 <postmaster@receiver.example>"), verdict: probe.Correct, says: conforms()},
		{check: id, name: "250 with postmaster alone", lapses: answers(place, "250 2.1.5 <Postmaster>"), verdict: probe.Correct, says: conforms()},
		{check: id, name: "551", lapses: answers(place, "551 5.7.0 User not local"), verdict: probe.Inconclusive, reason: "policy"},
		{check: id, name: "553", lapses: answers(place, "553 5.1.4 User ambiguous"), verdict: probe.Correct, says: conforms()},
		{check: id, name: "550", lapses: answers(place, "550 5.1.1 No such mailbox"), verdict: probe.Correct, says: conforms()},
		{check: id, name: "502", lapses: answers(place, "502 5.5.1 VRFY disabled"), verdict: probe.Overstrict, says: violates()},
		{check: id, name: "500", lapses: answers(place, "500 5.5.2 What?"), verdict: probe.Overstrict, says: violates()},
		{check: id, name: "250 with nobody", lapses: []lab.Lapse{lab.ConfirmNobody()}, verdict: probe.Lenient, says: violates()},
		{check: id, name: "a close without a word", lapses: hangsUp(place, ""), verdict: probe.Dropped, says: violates()},
		{check: id, name: "421", lapses: hangsUp(place, "421 4.3.2 Down"), verdict: probe.Dropped, says: conforms()},
		{check: id, name: "words without a code", lapses: answers(place, "maybe"), verdict: probe.Broken, says: violates()},
		{check: id, name: "450", lapses: answers(place, "450 4.3.2 Busy"), verdict: probe.Inconclusive, reason: "450"},
		{check: id, name: "550 of policy", lapses: answers(place, "550 5.7.1 Not you"), verdict: probe.Inconclusive, reason: "policy"},
	}
}

func earlyGroupRows() []row {
	const id = "early-talk-group"
	greets := "220 receiver.example"
	return []row{
		{check: id, name: "554 in place of the greeting", verdict: probe.Strict, says: unregulated()},
		{check: id, name: "521 and close", box: onEarlyTalk(true, "521 Go away"), verdict: probe.Strict, says: unregulated()},
		{check: id, name: "220, 250 and then 554", box: onEarlyTalk(true, greets, okReply, "554 5.5.0 Synchronisation"), verdict: probe.Deviant, says: unregulated()},
		{check: id, name: "220, 500 and close", box: onEarlyTalk(true, greets, "500 5.5.1 Pipelining not supported"), verdict: probe.Deviant, says: unregulated()},
		{check: id, name: "220 and then 554 twice", box: onEarlyTalk(false, greets, "554 5.5.0 No", "554 5.5.0 No"), verdict: probe.Deviant, says: unregulated()},
		{check: id, name: "a close without a word", lapses: []lab.Lapse{lab.HangUpOnErrors("")}, verdict: probe.Dropped, says: unregulated()},
		{check: id, name: "a close behind the greeting", box: onEarlyTalk(true, greets), verdict: probe.Dropped, says: unregulated()},
		{check: id, name: "three replies", lapses: []lab.Lapse{lab.AcceptEarlyTalk()}, verdict: probe.Lenient, says: unregulated()},
		{check: id, name: "NOOP lost", box: onEarlyTalk(false, greets, okReply), verdict: probe.Broken, says: unregulated()},
		{check: id, name: "the greeting last", box: onEarlyTalk(false, okReply, okReply, greets), verdict: probe.Broken, says: unregulated()},
		{check: id, name: "blocked by then", lapses: []lab.Lapse{lab.RefuseClient()}, verdict: probe.Inconclusive, reason: "554"},
		{check: id, name: "an invitation to talk early", extensions: append(without(), "PIPECONNECT"), verdict: probe.NotApplicable, reason: "PIPECONNECT"},
	}
}
