package checks

import (
	"slices"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// pipelining: groups of commands in one segment, offered or not.
func pipelining() []probe.Check {
	group := probe.Lines(probe.Test, probe.CommandMAIL, "RSET", "RSET")
	after := probe.Script{
		probe.Line("late mail", probe.CommandMAIL).When(probe.Test, probe.IfAccepted),
		probe.Line("late", probe.CommandRCPT).When("late mail", probe.IfAccepted),
		probe.Line("rset", "RSET").When("late", probe.IfAccepted),
	}
	return []probe.Check{
		{
			ID: "pipeline-group", Title: "MAIL, RCPT and RSET as one group, as offered",
			Group: probe.GroupPipelining, Profile: probe.Quick, Polarity: probe.Service, Level: probe.Must,
			Refs: []probe.Ref{"RFC 2920 3.2(1)", "RFC 2920 3.2(7)", "RFC 2920 3.2(9)"},
			Norm: "A server that offers PIPELINING must answer every command of a group, in order, with the same " +
				"codes as one by one, and must not wait for more input before it does.",
			Needs: probe.Needs{Offered: []string{"PIPELINING"}, Mail: true, Postmaster: true, Checks: []string{probe.RcptRefused}},
			Start: probe.Hello, Errors: 1,
			Script: probe.Script{
				probe.Lines(probe.Test, probe.CommandMAIL, probe.CommandBad, "RSET", probe.CommandMAIL, "RSET"),
				listen("surplus", probe.Step{For: probe.Drain}),
			},
			Judge: groupServed(),
			Habit: probe.Habit{
				Name: "pipelines where it is offered",
				Must: "wait for each reply, also where pipelining is offered",
			},
			Bites: "A sender that pipelines because it was offered: replies that are missing or out of order shift " +
				"all that follow, and a 250 is taken for the wrong command.",
			Fix: "Count replies and match them by order alone; where a receiver fails this check, do not pipeline " +
				"to it.",
		},
		{
			ID: "pipeline-unadvertised", Title: "a group although PIPELINING is not offered",
			Group: probe.GroupPipelining, Profile: probe.Quick, Level: probe.None, Ordering: true,
			Refs: []probe.Ref{"RFC 5321 4.3.1", "RFC 2920 3.1"},
			Norm: "A client must wait for each reply unless PIPELINING was offered. No RFC tells a server what to " +
				"do with one that does not.",
			Needs: probe.Needs{Unoffered: []string{"PIPELINING"}, Mail: true, Postmaster: true},
			Start: probe.Hello, Own: true, Errors: 1,
			Script: append(probe.Script{group, listen("surplus", probe.Step{For: probe.Drain})}, after...),
			Judge:  groupRefused(),
			Habit: probe.Habit{
				Name: "pipelines without being offered",
				Must: "pipeline only where the latest reply to EHLO offers it",
			},
			Bites: "A sender that pipelines without looking for PIPELINING in the reply to EHLO.",
			Fix:   "Pipeline only after an EHLO whose reply lists PIPELINING, the latest one counts.",
		},
		{
			ID: "pipeline-after-helo", Title: "a group in a HELO session",
			Group: probe.GroupPipelining, Profile: probe.Quick, Level: probe.None, Ordering: true,
			Refs: []probe.Ref{"RFC 5321 4.3.1", "RFC 2920 3.1"},
			Norm: "HELO offers no extensions, so a client must wait for each reply. No RFC tells a server what to " +
				"do with one that does not.",
			Needs: probe.Needs{Helo: true, Postmaster: true}, Start: probe.Helo, Own: true, Errors: 1,
			Script: append(probe.Script{
				group, listen("surplus", probe.Step{For: probe.Drain}),
			}, after...),
			Judge: groupRefused(),
			Habit: probe.Habit{Name: "pipelines after HELO", Must: "wait for each reply after HELO"},
			Bites: "A sender that falls back to HELO and goes on pipelining.",
			Fix:   "Do not pipeline after HELO.",
		},
		{
			ID: "pipeline-ehlo-head", Title: "a command in the same segment behind EHLO",
			Group: probe.GroupPipelining, Profile: probe.Standard, Level: probe.None, Ordering: true,
			Refs: []probe.Ref{"RFC 2920 3.1"},
			Norm: "EHLO may only be the last command of a group: what follows depends on its reply. No RFC tells " +
				"a server what to do with a client that does not wait.",
			Needs: probe.Needs{Unoffered: pipeconnect()}, Start: probe.Greeted, Own: true, Errors: 1,
			Script: probe.Script{
				probe.Lines(probe.Test, probe.CommandEHLO, "NOOP"),
				listen("surplus", probe.Step{For: probe.Drain}),
			},
			Judge: ehloHead(),
			Habit: probe.Habit{
				Name: "commands behind EHLO in the same segment",
				Must: "wait for the reply to EHLO before the next command",
			},
			Bites: "A sender that sends EHLO and MAIL together to save a round trip.",
			Fix:   "Wait for the reply to EHLO before the next command.",
		},
	}
}

// refusedIn is the first well-formed refusal among the replies; 421 is the end
// of the connection rather than a refusal.
func refusedIn(replies []smtp.Reply) (smtp.Reply, bool) {
	i := slices.IndexFunc(replies, func(r smtp.Reply) bool {
		return r.Fault == "" && r.Refused() && r.Code != 421
	})
	if i < 0 {
		return smtp.Reply{}, false
	}
	return replies[i], true
}

// surplusAfter is the finding for replies beyond those of the group.
func surplusAfter(ev probe.Evidence) (probe.Finding, bool) {
	if extra := ev.Walk.Find("surplus").Replies; len(extra) > 0 {
		return probe.Found(probe.Broken, extra[0], "a reply too many"), true
	}
	return probe.Finding{}, false
}

func groupServed() probe.Judge {
	return probe.Judge{Find: findGroupServed, Meanings: []probe.Meaning{
		{Verdict: probe.Correct, When: "five replies, in order, with the codes of the same commands one by one"},
		{Verdict: probe.Overstrict, When: "five replies, but other codes"},
		{Verdict: probe.Broken, When: "fewer or more replies, or in another order, twice"},
		{Verdict: probe.Dropped, When: "the connection was closed, or 421, twice"},
		{Verdict: probe.Inconclusive, When: "the recipient that cannot exist was answered otherwise when asked alone"},
		{Verdict: probe.NotApplicable, When: "PIPELINING is not offered"},
	}}
}

func findGroupServed(ev probe.Evidence) probe.Finding {
	serial := ev.Checks[probe.RcptRefused]
	bad := serial.Find(probe.Disturb).Reply()
	switch {
	case bad.Code == 0 || bad.Fault != "" || ev.Facts.MailAgain.Code == 0:
		return probe.Unknown("the replies to the same commands one by one are not known")
	case serial.Find(probe.IsOpen).TimedOut: // some pause after errors
		return probe.Unknown("what follows a refused RCPT is not answered in time when it is alone, either")
	case bad.Code == 421 || serial.ClosedAfter(probe.Disturb): // whoever hangs up on errors does it in a group as well
		return probe.Unknown("the connection is closed behind the refused RCPT when it is alone, too: " + probe.Brief(bad))
	}
	return groupAsAlone(ev, []int{250, bad.Code, 250, ev.Facts.MailAgain.Code, 250}, 1, bad)
}

func groupRefused() probe.Judge {
	return probe.Judge{Find: findGroupRefused, Meanings: []probe.Meaning{
		{Verdict: probe.Strict, When: "554, 503 or 500 in place of any reply, or a refusal about the protocol at the next RCPT"},
		{Verdict: probe.Deviant, When: "refused with some other code that is about the protocol"},
		{Verdict: probe.Dropped, When: "the connection is closed, twice; this counts as enforced"},
		{Verdict: probe.Lenient, When: "every command of the group is served"},
		{Verdict: probe.Broken, When: "replies are missing, or too many, and the session goes on"},
		{Verdict: probe.Inconclusive, When: "the refusal is one of policy, or fits neither the group nor the recipient"},
		{Verdict: probe.NotApplicable, When: "a precondition does not hold (PIPELINING is offered, HELO is refused)"},
	}}
}

const refusesGroup smtp.Codes = "500,503,554"

func findGroupRefused(ev probe.Evidence) probe.Finding {
	o := ev.Walk.Find(probe.Test)
	if f, unusable := surplusAfter(ev); unusable {
		return f
	}
	if r, refused := refusedIn(o.Replies); refused && len(o.Surplus) == 0 {
		return groupRefusal(ev, r, ev.Facts.Mail)
	}
	if f, unusable := ev.Fate(probe.Test); unusable {
		return f
	}
	return lateRefusal(ev)
}

// groupRefusal reads a refusal inside a group. With a code that no card names it
// is the close that decides, where the connection ended behind it.
func groupRefusal(ev probe.Evidence, r, legal smtp.Reply) probe.Finding {
	f := ev.Classify(r, legal, refusesGroup)
	if f.Verdict == probe.Deviant && ev.Walk.Find(probe.Test).Closed {
		f.Verdict, f.Reason = probe.Dropped, "the connection was closed after "+probe.Brief(r)
	}
	return f
}

// lateRefusal reads what follows a group that was served: some receivers
// remember the offence and refuse the next MAIL or RCPT.
func lateRefusal(ev probe.Evidence) probe.Finding {
	served := probe.Found(probe.Lenient, ev.Walk.Find(probe.Test).Reply(), "")
	mail, rcpt := ev.Walk.Find("late mail"), ev.Walk.Find("late")
	if r, refused := refusedIn(mail.Replies); refused {
		f := ev.Classify(r, ev.Facts.Mail, refusesGroup)
		if f.Verdict.Known() {
			f.Reason = "refused late, at the next MAIL"
		}
		return f
	}
	if ev.Walk.ClosedAfter(probe.Test) || mail.Closed {
		return probe.Found(probe.Dropped, served.Reply, "the connection was closed after the group")
	}
	if f, unusable := ev.Fate("late"); unusable {
		return f
	}
	late, legal := rcpt.Reply(), ev.Facts.Postmaster
	served.Control = legal
	switch {
	case !late.Refused() || smtp.SameAnswer(late, legal):
		return served
	case late.Enhanced().Subject == smtp.SubjectProtocol, !late.Enhanced().Present() && refusesGroup.Has(late.Code):
		f := probe.Found(probe.Strict, late, "refused late, at the next RCPT")
		f.Control = legal
		return f
	}
	f := probe.Found(probe.Inconclusive, late, "the group was served, but then RCPT was answered otherwise than alone: "+probe.Brief(legal))
	f.Control = legal
	return f
}

func ehloHead() probe.Judge {
	return probe.Judge{Find: findEHLOHead, Meanings: []probe.Meaning{
		{Verdict: probe.Strict, When: "554, 503 or 500, in place of the reply to EHLO or behind it"},
		{Verdict: probe.Deviant, When: "refused with some other code that is about the protocol"},
		{Verdict: probe.Dropped, When: "the connection is closed, twice; this counts as enforced"},
		{Verdict: probe.Lenient, When: "250 and 250: both are served"},
		{Verdict: probe.Broken, When: "the reply to NOOP never comes, twice: the command was lost"},
		{Verdict: probe.NotApplicable, When: "EHLO offers PIPECONNECT"},
	}}
}

func findEHLOHead(ev probe.Evidence) probe.Finding {
	o := ev.Walk.Find(probe.Test)
	if f, unusable := surplusAfter(ev); unusable {
		return f
	}
	if r, refused := refusedIn(o.Replies); refused && len(o.Surplus) == 0 {
		// The card names 554 and 503. The 500 with which OpenSMTPD refuses every
		// group is named for the other two; there is no reason in RFC 2920 3.1,
		// which tells servers nothing, to read the same reply otherwise here.
		return groupRefusal(ev, r, smtp.Reply{})
	}
	if f, unusable := ev.Fate(probe.Test); unusable {
		return f
	}
	return probe.Found(probe.Lenient, o.Replies[1], "")
}
