package checks

import (
	"slices"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// groupsOffered: groups where PIPELINING is offered, and a line in two segments.
func groupsOffered() []probe.Check {
	return slices.Concat(groupsInOrder(), groupsOutOfOrder(), splitLines())
}

// groupsInOrder are groups that a server which offers PIPELINING must serve.
func groupsInOrder() []probe.Check {
	long := make([]string, 0, 14)
	for range 7 {
		long = append(long, probe.CommandMAIL, "RSET")
	}
	return []probe.Check{
		{
			ID: "pipeline-error-no-flush", Title: "a refused command at the head of a group",
			Group: probe.GroupPipelining, Profile: probe.Quick, Polarity: probe.Service, Level: probe.Must,
			Refs: []probe.Ref{"RFC 2920 3.2(9)", "RFC 2920 1"},
			Norm: "A server that offers PIPELINING must not throw away what it has received, not when it refuses a " +
				"command either: what stands behind the refused one is answered as ever.",
			Needs: probe.Needs{Offered: []string{"PIPELINING"}, Mail: true, Checks: []string{probe.RcptBeforeMail}},
			Start: probe.Hello, Errors: 1,
			Script: probe.Script{
				probe.Lines(probe.Test, probe.CommandRCPT, "RSET", probe.CommandMAIL, "RSET"),
				listen("surplus", probe.Step{For: probe.Drain}),
			},
			Judge: nothingFlushed(),
			Habit: probe.Habit{
				Name: "pipelines past a refused command",
				Must: "wait for the reply to a command that may be refused before the next one",
			},
			Bites: "A sender that pipelines: after the first refused recipient the replies to all other commands are " +
				"missing, and it waits for them until it gives up.",
			Fix: "Do not pipeline to a receiver that fails this check.",
		},
		{
			ID: "pipeline-long-group", Title: "fourteen commands as one group",
			Group: probe.GroupPipelining, Profile: probe.Full, Polarity: probe.Service, Level: probe.Must,
			Refs: []probe.Ref{"RFC 2920 3.2(1)", "RFC 2920 3.2(7)", "RFC 2920 3.2(9)"},
			Norm: "A server that offers PIPELINING must answer every command of a group, in order, however many they " +
				"are. It may limit the commands of a session.",
			Needs: probe.Needs{Offered: []string{"PIPELINING"}, Mail: true}, Start: probe.Hello, Own: true, Worst: 7,
			Script: probe.Script{
				probe.Lines(probe.Test, long...),
				listen("surplus", probe.Step{For: probe.Drain}),
			},
			Judge: longGroupServed(),
			Habit: probe.Habit{Name: "pipelines groups of a hundred commands", Must: "pipeline groups of a few commands only"},
			Bites: "A mailing list that names hundreds of recipients in one group.",
			Fix:   "Send groups of a few commands, and wait for their replies before the next one.",
		},
	}
}

// groupsOutOfOrder are groups that no client should send, or that must be
// refused in part.
func groupsOutOfOrder() []probe.Check {
	sync := func(variant, command string) probe.Check {
		return probe.Check{
			ID: "pipeline-sync-command-mid-group/" + variant, Title: command + " in the middle of a group",
			Group: probe.GroupPipelining, Profile: probe.Standard, Level: probe.None, Ordering: true,
			Refs: []probe.Ref{"RFC 2920 3.1", "RFC 2920 3.2(1)"},
			Norm: command + " may only be the last command of a group. No RFC tells a server what to do with one in " +
				"the middle; where it answers, it must do so in order.",
			Needs: probe.Needs{Offered: []string{"PIPELINING"}, Mail: true},
			Start: probe.Hello, Own: true, Errors: 1,
			Habit: probe.Habit{Name: "pipelines past NOOP or VRFY", Must: "let NOOP and VRFY be the last command of a group"},
			Bites: "A sender that writes a whole session at once because PIPELINING is offered, and does not know " +
				"that some commands end a group.",
			Fix: "Let EHLO, DATA, VRFY, EXPN, NOOP and QUIT be the last command of a group, and wait for its reply.",
		}
	}
	noop, vrfy := sync("noop", "NOOP"), sync("vrfy", "VRFY")
	noop.Script = probe.Script{
		probe.Lines(probe.Test, probe.CommandMAIL, "NOOP", "RSET"), listen("surplus", probe.Step{For: probe.Drain}),
	}
	noop.Judge = syncRefused()
	vrfy.Worst = 2 // one that has no VRFY refuses it alone and in the group
	vrfy.Script = probe.Script{
		control("VRFY postmaster"),
		probe.Lines(probe.Test, probe.CommandMAIL, "VRFY postmaster", "RSET"), listen("surplus", probe.Step{For: probe.Drain}),
	}
	vrfy.Judge = syncRefused()
	return []probe.Check{noop, vrfy, dataGroup()}
}

func dataGroup() probe.Check {
	return probe.Check{
		ID: "pipeline-data-group", Title: "MAIL, a refused RCPT and DATA as one group",
		Group: probe.GroupPipelining, Profile: probe.Standard, Level: probe.Should, Ordering: true,
		Refs: []probe.Ref{"RFC 2920 3.2(3)", "RFC 2920 3.1", "RFC 5321 3.3"},
		Norm: "A server that offers PIPELINING should accept DATA only where a recipient was accepted. It may refuse " +
			"it with 503 or 554.",
		Needs: probe.Needs{Offered: []string{"PIPELINING"}, Mail: true, Given: []probe.Given{
			badRefused("5yz"),
			{
				Check: "data-after-rcpt-refused", Step: probe.Test, Codes: "4yz,5yz",
				Else: "DATA after every RCPT was refused is accepted one by one as well",
			},
		}},
		Start: probe.Hello, Errors: 2,
		Script: probe.Script{
			// The null sender always, whoever the operator is: nobody can be told
			// of a failure.
			probe.Lines(probe.Test, "MAIL FROM:<>", probe.CommandBad, "DATA"),
			listen("surplus", probe.Step{For: probe.Drain}), rset,
		},
		Judge: dataGroupRefused(),
		// Pipelining up to DATA is allowed (RFC 2920 3.1); going on without looking is not.
		Habit: probe.Habit{Name: "sends the text without reading the replies before it", Must: "read the replies to RCPT and DATA before it sends the text"},
		Bites: "A sender that pipelines up to DATA: where every recipient was refused and DATA is accepted, it has to " +
			"send an empty message to nobody.",
		Fix: "Read all replies of the group before the text; with no accepted recipient and 354 end the connection.",
	}
}

// splitLines are one command in two segments.
func splitLines() []probe.Check {
	split := func(variant, title, half, rest string) probe.Check {
		return probe.Check{
			ID: "split-line/" + variant, Title: title,
			Group: probe.GroupPipelining, Profile: probe.Quick, Polarity: probe.Service, Level: probe.Must,
			Refs: []probe.Ref{"RFC 5321 2.4", "RFC 5321 2.3.8"},
			Norm: "A command ends with CR LF and nothing else. A server must not act before it has come, however the " +
				"network cuts the line.",
			Start: probe.Hello, Worst: 1,
			Script: probe.Script{
				{Act: probe.Send, Name: "half", Text: half},
				listen("gap", probe.Step{For: probe.Gap, Replies: 1}),
				{Act: probe.Send, Name: probe.Test, Text: rest, Replies: 1},
				listen("surplus", probe.Step{For: probe.Drain}), control("NOOP"),
			},
			Judge: lineAwaited(),
			Habit: probe.Habit{Name: "writes a command in pieces", Must: "write each command at once, its line end included"},
			Bites: "A sender that writes a command in pieces: verb, argument and line end each on their own, as simple " +
				"network code often does.",
			Fix: "Write each command, line end included, at once.",
		}
	}
	return []probe.Check{
		split("mid-verb", "a command that is cut in the middle of its verb", "NO", "OP\r\n"),
		split("cr-lf", "a command that is cut between CR and LF", "NOOP\r", "\n"),
	}
}

func nothingFlushed() probe.Judge {
	return probe.Judge{Find: findNothingFlushed, Meanings: []probe.Meaning{
		{Verdict: probe.Correct, When: "four replies, in order, with the codes of the same commands one by one"},
		{Verdict: probe.Overstrict, When: "four replies, but other codes"},
		{Verdict: probe.Broken, When: "fewer or more replies, or in another order, twice: the input was thrown away at the error"},
		{Verdict: probe.Dropped, When: "the connection was closed, or 421, twice"},
		{Verdict: probe.Inconclusive, When: "RCPT before MAIL is not refused, or ends the connection, or was answered otherwise when asked alone"},
		{Verdict: probe.NotApplicable, When: "PIPELINING is not offered"},
	}}
}

func findNothingFlushed(ev probe.Evidence) probe.Finding {
	before := ev.Checks[probe.RcptBeforeMail].Find(probe.Test).Reply()
	switch {
	case before.Code == 0 || before.Fault != "":
		return probe.Unknown("the replies to the same commands one by one are not known")
	case before.Code == 421 || ev.Checks[probe.RcptBeforeMail].ClosedAfter(probe.Test):
		return probe.Unknown("RCPT before MAIL ends the connection when asked alone, too: " + probe.Brief(before))
	case !before.Refused():
		return probe.Found(probe.Inconclusive, before, "RCPT before MAIL is accepted, so nothing in the group fails")
	}
	return groupAsAlone(ev, []int{before.Code, 250, ev.Facts.Mail.Code, 250}, 0, before)
}

// groupAsAlone compares the replies to a group with those to the same commands
// one by one. Of RCPT, the command at the index, only the class is compared:
// greylisting and the like may change the code from one time to the next.
func groupAsAlone(ev probe.Evidence, alone []int, rcpt int, rcptAlone smtp.Reply) probe.Finding {
	if f, unusable := ev.Fate(probe.Test); unusable {
		return f
	}
	if f, unusable := surplusAfter(ev); unusable {
		return f
	}
	replies := ev.Walk.Find(probe.Test).Replies
	codes := make([]int, len(replies))
	for i, r := range replies {
		codes[i] = r.Code
	}
	f := probe.Found(probe.Correct, replies[rcpt], "")
	f.Control = rcptAlone
	switch {
	case slices.Equal(codes, alone):
	case slices.Equal(slices.Sorted(slices.Values(codes)), slices.Sorted(slices.Values(alone))):
		f.Verdict, f.Reason = probe.Broken, "the replies are out of order"
	case slices.Equal(slices.Delete(slices.Clone(codes), rcpt, rcpt+1), slices.Delete(slices.Clone(alone), rcpt, rcpt+1)):
		if codes[rcpt]/100 != rcptAlone.Class() {
			f.Verdict, f.Reason = probe.Inconclusive, "RCPT was answered otherwise when asked alone: "+probe.Brief(rcptAlone)
		}
	default:
		f.Verdict, f.Reason = probe.Overstrict, "not the codes of the same commands one by one"
		if r, refused := refusedIn(slices.Delete(slices.Clone(replies), rcpt, rcpt+1)); refused {
			f.Reply = r
			f = unlessAlone(ev, f)
		}
	}
	return f
}

// unlessAlone takes an overstrict finding back where its refusal is one of the
// moment or of policy, or MAIL behind RSET gets the same answer one by one.
func unlessAlone(ev probe.Evidence, f probe.Finding) probe.Finding {
	switch again := ev.Facts.MailAgain; {
	case passing(f.Reply):
		f.Verdict, f.Reason = probe.Inconclusive, "transient or policy: "+probe.Brief(f.Reply)
	case again.Code != 0 && smtp.SameAnswer(f.Reply, again):
		f.Verdict, f.Reason = probe.Inconclusive, "MAIL behind RSET gets the same answer one by one, "+probe.Brief(again)
	}
	return f
}

// passing reports a refusal that says nothing of a service rule.
func passing(r smtp.Reply) bool {
	return r.Class() == 4 || r.Code == 530 || r.Enhanced().Subject == smtp.SubjectPolicy
}

func longGroupServed() probe.Judge {
	return probe.Judge{Find: findLongGroupServed, Meanings: []probe.Meaning{
		{Verdict: probe.Correct, When: "fourteen times 250"},
		{Verdict: probe.Overstrict, When: "fourteen replies, of which one is a refusal"},
		{Verdict: probe.Broken, When: "fewer or more replies, twice"},
		{Verdict: probe.Dropped, When: "the connection was closed, or 421, twice, and not for the number of commands"},
		{Verdict: probe.Inconclusive, When: "421, or 554 and a close, behind commands that were served: a limit; or a refusal of the moment or of policy"},
		{Verdict: probe.NotApplicable, When: "PIPELINING is not offered, or LIMITS allows fewer MAIL commands"},
	}}
}

func findLongGroupServed(ev probe.Evidence) probe.Finding {
	o := ev.Walk.Find(probe.Test)
	served := 0
	for _, r := range o.Replies {
		if r.Code != 250 || r.Fault != "" {
			break
		}
		served++
	}
	// What follows served commands is about their number: "too many non-mail
	// commands". At the head of the group it is about the group.
	if served > 0 && served < len(o.Replies) {
		if end := o.Replies[served]; end.Fault == "" && (end.Code == 421 || end.Code == 554 && o.Closed) {
			return probe.Found(probe.Inconclusive, end, "limit: "+probe.Brief(end))
		}
	}
	if f, unusable := ev.Fate(probe.Test); unusable {
		return f
	}
	if f, unusable := surplusAfter(ev); unusable {
		return f
	}
	if served == len(o.Replies) {
		return probe.Found(probe.Correct, o.Reply(), "")
	}
	f := probe.Found(probe.Overstrict, o.Replies[served], "")
	return unlessAlone(ev, f)
}
