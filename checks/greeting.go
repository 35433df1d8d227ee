package checks

import (
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// greeting: the first words of a session.
func greeting() []probe.Check {
	return []probe.Check{
		{
			ID: "early-talk", Title: "EHLO before the greeting",
			Group: probe.GroupGreeting, Profile: probe.Full, Level: probe.None, Ordering: true,
			Refs: []probe.Ref{"RFC 5321 4.3.1", "RFC 5321 7.8"},
			Norm: "A client should wait for the greeting. No RFC tells a server what to do with a client that " +
				"does not; refusing it is self-defence.",
			Needs: probe.Needs{Unoffered: pipeconnect()}, Start: probe.Connected,
			Own: true, Risky: true, Repeat: true, Errors: 1,
			Script: probe.Script{
				{Act: probe.Send, Name: probe.Test, Text: probe.CommandEHLO + "\r\n", Replies: 1},
				behindGreeting("EHLO"),
				listen("surplus", probe.Step{For: probe.EarlyReplies}),
			},
			Judge: earlyTalk(),
			Habit: probe.Habit{Name: "EHLO before the greeting", Must: "wait for the whole greeting before EHLO"},
			Bites: "A sender that writes before it has read the 220: scripts that pipe commands into a socket, " +
				"and spam software, which is why receivers look for it.",
			Fix: "Read the whole greeting, up to the line \"220 \", before the first command.",
		},
		{
			ID: "early-talk-group", Title: "two commands before the greeting",
			Group: probe.GroupGreeting, Profile: probe.Full, Level: probe.None, Ordering: true,
			Refs: []probe.Ref{"RFC 5321 4.3.1", "RFC 5321 7.8", "RFC 2920 3.1"},
			Norm: "A client should wait for the greeting, and for the reply to EHLO. No RFC tells a server what to do " +
				"with a client that waits for neither; refusing it is self-defence.",
			Needs: probe.Needs{Unoffered: pipeconnect()}, Start: probe.Connected,
			Own: true, Risky: true, Repeat: true, Errors: 2,
			Script: probe.Script{
				{Act: probe.Send, Name: probe.Test, Text: probe.CommandEHLO + "\r\nNOOP\r\n", Replies: 1},
				behindGreeting("EHLO"), behindGreeting("NOOP"),
				listen("surplus", probe.Step{For: probe.EarlyReplies}),
			},
			Judge: earlyTalk(),
			Habit: probe.Habit{
				Name: "several commands before the greeting",
				Must: "wait for the greeting, and for the reply to EHLO, before the next command",
			},
			Bites: "A sender that writes its whole session at once, as spam software does.",
			Fix:   "Read the whole greeting before the first command, and the reply to EHLO before the second.",
		},
	}
}

// pipeconnect are the keywords by which Exim invites clients to talk early.
func pipeconnect() []string { return []string{"PIPECONNECT", "X_PIPE_CONNECT"} }

// behindGreeting reads the reply to a command that was written before the
// greeting, where that came and welcomes us: who refuses, and whose greeting runs
// into the reply to EHLO, has nothing more to say.
func behindGreeting(verb string) probe.Step {
	return probe.Step{Act: probe.Greet, Name: verb}.When(probe.Test, probe.IfAccepted)
}

// earlyTalk judges EHLO, and what is behind it, before the greeting.
func earlyTalk() probe.Judge {
	return probe.Judge{Find: findEarlyTalk, Meanings: []probe.Meaning{
		{Verdict: probe.Strict, When: "554, 521 or 503 in place of the greeting"},
		{Verdict: probe.Dropped, When: "the connection is closed before any service, twice; this counts as enforced"},
		{Verdict: probe.Deviant, When: "some other 4yz or 5yz code in place of the greeting, or a refusal of a command behind it"},
		{Verdict: probe.Lenient, When: "220 and then 250 to every command: read, kept and answered in order, twice"},
		{Verdict: probe.Broken, When: "220, and a command is never answered, or the replies come in the wrong order"},
		{Verdict: probe.Inconclusive, When: "the greeting and our EHLO crossed on the way"},
		{Verdict: probe.NotApplicable, When: "EHLO offers PIPECONNECT: talking early is invited"},
	}}
}

func findEarlyTalk(ev probe.Evidence) probe.Finding {
	o := ev.Walk.Find(probe.Test)
	if ev.Walk.GreetedFirst {
		return crossed()
	}
	if o.Ran && len(o.Replies) > 0 {
		first := o.Replies[0]
		switch {
		case first.Class() == 2 && o.FirstTook < min(ev.Walk.Connected, ev.Facts.Fastest):
			// Sooner than a round trip after our EHLO, it cannot be an answer to it.
			return crossed()
		// postscreen's teaser "220-" runs into the reply to EHLO: a greeting and
		// a reply in one, lines of two codes, and served all the same.
		case first.Fault == smtp.MixedCodes && first.Code == 250:
			return probe.Found(probe.Lenient, first, "the greeting ran into the reply to EHLO")
		// The teaser may run into a refusal as well.
		case first.Fault == smtp.MixedCodes && first.Refused() && teases(first), first.Fault == "" && first.Refused() && first.Code != 421:
			return earlyRefusal(ev, o)
		}
	}
	if f, unusable := ev.Fate(probe.Test); unusable {
		return f
	}
	if greeted := o.Replies[0]; greeted.Code != 220 {
		return probe.Found(probe.Broken, greeted, "the replies are in the wrong order")
	}
	var served, refused smtp.Reply
	for _, step := range ev.Walk.Outcomes {
		if step.Step.Act != probe.Greet {
			continue
		}
		if refused.Code != 0 && step.Closed {
			break // behind a refusal nothing more is due
		}
		if f, unusable := ev.Fate(step.Step.Name); unusable {
			return f
		}
		switch r := step.Reply(); {
		case r.Refused() && refused.Code == 0:
			refused = r
		case served.Code == 0:
			served = r
		}
	}
	if refused.Code != 0 {
		// The card names 554, 521 and 503 in place of the greeting only.
		return ev.Classify(refused, ev.Facts.Greeting, "")
	}
	return probe.Found(probe.Lenient, served, "")
}

// teases reports a reply that begins as a greeting.
func teases(r smtp.Reply) bool {
	code, _, _ := r.Lines[0].Split()
	return code == 220
}

// crossed is the finding where the greeting says nothing of our EHLO.
func crossed() probe.Finding {
	f := probe.Unknown("the greeting was on its way before the receiver could see our EHLO")
	f.Again = true
	return f
}

// earlyRefusal reads a refusal in place of the greeting. B0 was greeted with
// 220 moments before, so it is not about who we are.
func earlyRefusal(ev probe.Evidence, o probe.Outcome) probe.Finding {
	first := o.Replies[0]
	switch {
	case smtp.Codes("503,521,554").Has(first.Code):
		return probe.Found(probe.Strict, first, "")
	case o.Closed || ev.Walk.ClosedAfter(probe.Test):
		return probe.Found(probe.Dropped, first, "the connection was closed after "+probe.Brief(first))
	}
	return probe.Found(probe.Deviant, first, "")
}
