package checks_test

import (
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
)

// onGroup answers a group that begins with the verb, and does with the session
// what the fate says. The receiver behind it never hears of the group.
func onGroup(verb string, f fate, lines ...string) *middlebox {
	return &middlebox{client: func(p *passage, octets string) fate {
		if !strings.HasPrefix(octets, verb) || !grouped(octets) {
			return forward
		}
		if len(lines) > 0 {
			p.say(lines...)
		}
		return f
	}}
}

// groupRows are those of 6.6 with the group that is offered, and that behind
// EHLO.
func groupRows() []row {
	const offered, head = "pipeline-group", "pipeline-ehlo-head"
	const ok, no = "250 2.0.0 OK", "550 5.1.1 No such mailbox here"
	return []row{
		{check: offered, name: "five replies", verdict: probe.Correct, says: conforms()},
		{check: offered, name: "any recipient accepted", lapses: []lab.Lapse{lab.AcceptAnyRecipient()}, verdict: probe.Correct, says: conforms()},
		{check: offered, name: "RCPT refused by policy", lapses: []lab.Lapse{lab.RefuseByPolicy("RCPT")}, verdict: probe.Correct, says: conforms()},
		// "Compare class only."
		{check: offered, name: "another code of the class for RCPT", box: onGroup("MAIL", keep, ok, "554 5.7.1 Not here", ok, ok, ok), verdict: probe.Correct, says: conforms()},
		{check: offered, name: "MAIL refused the second time", box: onGroup("MAIL", keep, ok, no, ok, "503 5.5.1 Slowly", ok), verdict: probe.Overstrict, says: violates()},
		{check: offered, name: "input flushed after an error", lapses: []lab.Lapse{lab.FlushAfterError()}, verdict: probe.Broken, says: violates()},
		{check: offered, name: "out of order", lapses: []lab.Lapse{lab.Reorder()}, verdict: probe.Broken, says: violates()},
		{check: offered, name: "one reply swallowed", box: onGroup("MAIL", keep, no, ok, ok, ok), verdict: probe.Broken, says: violates()},
		{check: offered, name: "six replies", box: onGroup("MAIL", keep, ok, no, ok, ok, ok, ok), verdict: probe.Broken, says: violates()},
		{check: offered, name: "no reply before more input", box: onGroup("MAIL", keep), verdict: probe.Broken, says: violates()},
		{check: offered, name: "554 and close", lapses: []lab.Lapse{lab.RefuseGroups()}, verdict: probe.Dropped, says: violates()},
		{check: offered, name: "a close without a word", box: onGroup("MAIL", hangUp), verdict: probe.Dropped, says: violates()},
		{check: offered, name: "RCPT between 4yz and 5yz", box: onGroup("MAIL", keep, ok, "450 4.7.1 Greylisted", ok, ok, ok), verdict: probe.Inconclusive, reason: "RCPT"},
		// Of a service rule no 4yz says anything.
		{check: offered, name: "450 to the second MAIL", box: onGroup("MAIL", keep, ok, no, ok, "450 4.7.1 Slowly", ok), verdict: probe.Inconclusive, reason: "450"},
		{check: offered, name: "PIPELINING not offered", extensions: without("PIPELINING"), verdict: probe.NotApplicable, reason: "PIPELINING is not offered"},

		{check: head, name: "554 and close", verdict: probe.Strict, says: unregulated()},
		{check: head, name: "503 in place of the 250", box: onGroup("EHLO", keep, "503 5.5.0 Slowly", ok), verdict: probe.Strict, says: unregulated()},
		{check: head, name: "250 and then 554", box: onGroup("EHLO", hangUp, "250 receiver.example", "554 5.5.0 Slowly"), verdict: probe.Strict, says: unregulated()},
		{check: head, name: "502 in place of the 250", box: onGroup("EHLO", keep, "502 5.5.0 Slowly", ok), verdict: probe.Deviant, says: unregulated()},
		{check: head, name: "a close without a word", box: onGroup("EHLO", hangUp), verdict: probe.Dropped, says: unregulated()},
		{check: head, name: "521 and close", box: onGroup("EHLO", hangUp, "521 Go away"), verdict: probe.Dropped, says: unregulated()},
		{check: head, name: "250 and close", box: onGroup("EHLO", hangUp, "250 receiver.example"), verdict: probe.Dropped, says: unregulated()},
		{check: head, name: "250 and 250", lapses: []lab.Lapse{lab.AcceptInsideGroup("EHLO")}, verdict: probe.Lenient, says: unregulated()},
		{check: head, name: "NOOP lost", box: onGroup("EHLO", keep, "250 receiver.example"), verdict: probe.Broken, says: unregulated()},
		{check: head, name: "an invitation to talk early", extensions: append(without(), "PIPECONNECT"), verdict: probe.NotApplicable, reason: "PIPECONNECT"},
	}
}

// groupRefusedRows are those of 6.6 with the group that was never offered: the
// same after EHLO and after HELO.
func groupRefusedRows() []row {
	bare := without("PIPELINING")
	var all []row
	for _, id := range []string{"pipeline-unadvertised", "pipeline-after-helo"} {
		takes := []lab.Lapse{lab.AcceptGroups()}
		add := func(name string, lapses []lab.Lapse, box *middlebox, v probe.Verdict, reason string) {
			r := row{check: id, name: name, extensions: bare, lapses: lapses, box: box, verdict: v, reason: reason}
			if v.Known() {
				r.says = unregulated()
			}
			all = append(all, r)
		}
		const ok = "250 2.0.0 OK"
		add("554 and close", nil, nil, probe.Strict, "")
		add("500 and close as OpenSMTPD", nil, onGroup("MAIL", hangUp, "500 5.5.1 Pipelining not supported"), probe.Strict, "")
		add("554 at the second", nil, onGroup("MAIL", hangUp, ok, "554 SMTP synchronization error"), probe.Strict, "")
		add("503 5.5.0 late at RCPT as Postfix", takes, lateReply("RCPT", "503 5.5.0 Improper use of SMTP command pipelining"), probe.Strict, "late")
		add("550 5.5.1 late at RCPT as postscreen", takes, lateReply("RCPT", "550 5.5.1 Protocol error"), probe.Strict, "late")
		add("502", nil, onGroup("MAIL", keep, "502 5.5.1 Slowly", "502 5.5.1 Slowly", "502 5.5.1 Slowly"), probe.Deviant, "")
		add("550 late at MAIL as Sendmail", takes, lateReply("MAIL", "550 5.0.0 Command rejected"), probe.Deviant, "late")
		add("a close without a word", nil, onGroup("MAIL", hangUp), probe.Dropped, "")
		add("a close behind the replies", nil, onGroup("MAIL", hangUp, ok, ok, ok), probe.Dropped, "")
		add("521 and close", nil, onGroup("MAIL", hangUp, "521 Go away"), probe.Dropped, "")
		add("421", nil, onGroup("MAIL", hangUp, "421 4.5.0 Goodbye"), probe.Dropped, "")
		add("three times 250", takes, nil, probe.Lenient, "")
		add("one reply swallowed", takes, swallowInGroup(), probe.Broken, "")
		add("four replies", takes, onGroup("MAIL", keep, ok, ok, ok, ok), probe.Broken, "")
		add("554 and a reply too many", nil, onGroup("MAIL", keep, "554 5.5.0 Slowly", ok, ok, ok), probe.Broken, "")
		add("550 of policy", nil, onGroup("MAIL", keep, "550 5.7.1 Not you", ok, ok), probe.Inconclusive, "policy")
		add("450 of policy, late at MAIL", takes, lateReply("MAIL", "450 4.7.1 Slowly"), probe.Inconclusive, "450")
		add("450 late at RCPT", takes, lateReply("RCPT", "450 4.3.2 Service currently unavailable"), probe.Inconclusive, "RCPT")
	}
	return append(
		all,
		row{check: "pipeline-unadvertised", name: "PIPELINING offered", verdict: probe.NotApplicable, reason: "PIPELINING is offered"},
		row{check: "pipeline-after-helo", name: "PIPELINING offered to EHLO", lapses: []lab.Lapse{lab.AcceptGroups()}, verdict: probe.Lenient, says: unregulated()},
		row{check: "pipeline-after-helo", name: "HELO refused", lapses: answers(lab.Place{Verb: "HELO"}, "502 5.5.1 EHLO, please"), verdict: probe.NotApplicable, reason: "HELO"},
	)
}

// lateReply answers the first of a verb behind a group.
func lateReply(verb, reply string) *middlebox {
	return &middlebox{client: func(p *passage, octets string) fate {
		last := len(p.said) - 1
		inGroup := false
		for _, before := range p.said[:last] {
			inGroup = inGroup || grouped(before)
		}
		if !inGroup || grouped(octets) || !strings.HasPrefix(octets, verb) {
			return forward
		}
		p.say(reply)
		return keep
	}}
}

// swallowInGroup loses one reply to a group, and no other.
func swallowInGroup() *middlebox {
	inGroup := false // of the sessions, which come one after the other
	return &middlebox{
		client: func(_ *passage, octets string) fate {
			inGroup = grouped(octets)
			return forward
		},
		server: func(_ *passage, octets string) string {
			if !inGroup {
				return octets
			}
			inGroup = false
			_, rest, _ := strings.Cut(octets, "\r\n")
			return rest
		},
	}
}
