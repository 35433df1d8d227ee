package checks_test

import (
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
)

// greetingRows are those of 6.1. No level: whatever a receiver does about early
// talk is unregulated.
func greetingRows() []row {
	const id = "early-talk"
	return []row{
		{check: id, name: "554 in place of the greeting", verdict: probe.Strict, says: unregulated()},
		{check: id, name: "554 and close", box: onEarlyTalk(true, "554 5.5.0 Speak when you are spoken to"), verdict: probe.Strict, says: unregulated()},
		{check: id, name: "521 and close", box: onEarlyTalk(true, "521 Go away"), verdict: probe.Strict, says: unregulated()},
		{check: id, name: "503 in place of the greeting", box: onEarlyTalk(false, "503 5.5.1 Too early"), verdict: probe.Strict, says: unregulated()},
		// "REJECTS-OTHERWISE 220 then 5xx to the EHLO", with the codes of a strict
		// greeting as well.
		{check: id, name: "220 and then 554", box: onEarlyTalk(true, "220 receiver.example", "554 5.5.0 Synchronisation"), verdict: probe.Deviant, says: unregulated()},
		{check: id, name: "220 and then 550", box: onEarlyTalk(false, "220 receiver.example", "550 5.5.0 Too early"), verdict: probe.Deviant, says: unregulated()},
		// "Any other 4xx/5xx greeting: REJECTS-OTHERWISE, with close DROPPED": the
		// greeting of B0 was 220 moments before.
		{check: id, name: "550 in place of the greeting", box: onEarlyTalk(false, "550 Too early"), verdict: probe.Deviant, says: unregulated()},
		{check: id, name: "450 in place of the greeting", box: onEarlyTalk(false, "450 4.3.2 Too early"), verdict: probe.Deviant, says: unregulated()},
		{check: id, name: "550 and close", box: onEarlyTalk(true, "550 Too early"), verdict: probe.Dropped, says: unregulated()},
		{check: id, name: "421 and close", box: onEarlyTalk(true, "421 4.5.0 Too early"), verdict: probe.Dropped, says: unregulated()},
		{check: id, name: "a close without a word", lapses: []lab.Lapse{lab.HangUpOnErrors("")}, verdict: probe.Dropped, says: unregulated()},
		{check: id, name: "a close behind the greeting", box: onEarlyTalk(true, "220 receiver.example"), verdict: probe.Dropped, says: unregulated()},
		{check: id, name: "250 after the greeting", lapses: []lab.Lapse{lab.AcceptEarlyTalk()}, verdict: probe.Lenient, says: unregulated()},
		{check: id, name: "a teaser that runs into the reply", box: onEarlyTalk(false, "220-receiver.example", "250-receiver.example", "250 SIZE"), verdict: probe.Lenient, says: unregulated()},
		{check: id, name: "a teaser that runs into 521", box: onEarlyTalk(true, "220-receiver.example", "521 5.5.1 Protocol error"), verdict: probe.Strict, says: unregulated()},
		{check: id, name: "a teaser that runs into 550", box: onEarlyTalk(true, "220-receiver.example", "550 5.5.1 Protocol error"), verdict: probe.Dropped, says: unregulated()},
		{check: id, name: "220 and silence", box: onEarlyTalk(false, "220 receiver.example"), verdict: probe.Broken, says: unregulated()},
		{check: id, name: "the reply before the greeting", box: onEarlyTalk(false, "250 receiver.example", "220 receiver.example"), verdict: probe.Broken, says: unregulated()},
		{check: id, name: "far away and lenient", box: &middlebox{delay: 20 * time.Millisecond}, greets: time.Second, lapses: []lab.Lapse{lab.AcceptEarlyTalk()}, verdict: probe.Lenient, says: unregulated()},
		{check: id, name: "far away and strict", box: &middlebox{delay: 20 * time.Millisecond}, greets: time.Second, verdict: probe.Strict, says: unregulated()},
		{check: id, name: "a greeting that crosses our EHLO", box: &middlebox{delay: 20 * time.Millisecond}, greets: lab.NoGreetDelay, verdict: probe.Inconclusive, reason: "greeting"},
		{check: id, name: "accepted only once", box: refusesFromSecond("554 5.5.0 Not again"), lapses: []lab.Lapse{lab.AcceptEarlyTalk()}, verdict: probe.Inconclusive, reason: "disagree"},
		{check: id, name: "blocked by then", lapses: []lab.Lapse{lab.RefuseClient()}, verdict: probe.Inconclusive, reason: "554"},
		{check: id, name: "an invitation to talk early", extensions: append(without(), "PIPECONNECT"), verdict: probe.NotApplicable, reason: "PIPECONNECT"},
		{check: id, name: "the older invitation", extensions: append(without(), "X_PIPE_CONNECT"), verdict: probe.NotApplicable, reason: "X_PIPE_CONNECT"},
	}
}

// onEarlyTalk answers who talks before the greeting with these lines, and closes
// or stays silent. Others are served.
func onEarlyTalk(closes bool, lines ...string) *middlebox {
	return &middlebox{opens: func(p *passage) bool {
		if p.hear(10*time.Millisecond) == "" {
			return false
		}
		p.say(lines...)
		for said := "EHLO"; !closes && said != ""; {
			said = p.hear(time.Hour) // and is silent
		}
		return true
	}}
}

// refusesFromSecond lets the first early talker through and answers the others
// with this reply.
func refusesFromSecond(reply string) *middlebox {
	met := false
	return &middlebox{opens: func(p *passage) bool {
		if said := p.hear(10 * time.Millisecond); said == "" || grouped(said) {
			return false
		}
		if !met {
			met = true
			return false
		}
		p.say(reply)
		return true
	}}
}
