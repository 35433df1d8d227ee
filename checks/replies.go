package checks

import (
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
)

// replies: what replies say, whatever the order of commands.
func replies() []probe.Check {
	return []probe.Check{
		{
			ID: "vrfy-reply", Title: "VRFY is served, and does not claim what it did not verify",
			Group: probe.GroupReplies, Profile: probe.Standard, Polarity: probe.Service, Level: probe.Must,
			Refs: []probe.Ref{"RFC 5321 4.5.1", "RFC 5321 7.3", "RFC 5321 3.5.3"},
			Norm: "Every server must have VRFY. One that does not verify anybody must answer 252; 250 must name the " +
				"mailbox that was verified. A server without VRFY is not in full compliance.",
			Start: probe.Hello, Worst: 2,
			Script: probe.Script{test("VRFY postmaster"), control("NOOP")},
			Judge:  verifies(),
			Habit:  probe.Habit{Name: "asks with VRFY for a mailbox", Must: "do without VRFY"},
			Bites: "A sender that asks with VRFY whether a mailbox exists: it takes a bare 250 for a yes, and a 502 for " +
				"a broken server.",
			Fix: "Do without VRFY; the reply to RCPT tells more.",
		},
	}
}

// verifies judges VRFY. The card names 252, 251, 551 and 553; 550 is the reply to
// a mailbox that does not exist (RFC 5321 4.3.2, 3.5.3), so it is service too.
func verifies() probe.Judge {
	j := probe.Serves("250,251,252,550,551,553", probe.LegalNothing)
	find := j.Find
	j.Find = func(ev probe.Evidence) probe.Finding {
		f := find(ev)
		switch {
		case f.Verdict != probe.Correct:
		case f.Reply.Code == 250 && !namesMailbox(f.Reply.Text()):
			f.Verdict, f.Reason = probe.Lenient, "250 without a mailbox: it claims to have verified one"
		case f.Reply.Refused() && passing(f.Reply):
			f.Verdict, f.Reason = probe.Inconclusive, "policy: "+probe.Brief(f.Reply)
		}
		return f
	}
	j.Meanings = append([]probe.Meaning{
		{Verdict: probe.Lenient, When: "250 without a mailbox in it"},
	}, j.Meanings...)
	return j
}

// namesMailbox reports a text with a mailbox in it; postmaster may stand without
// a domain (RFC 5321 4.5.1).
func namesMailbox(text string) bool {
	return strings.Contains(text, "@") || strings.Contains(strings.ToLower(text), "<postmaster>")
}
