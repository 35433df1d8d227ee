package checks

import (
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// greetingForm: what the greeting says, and what may follow one that refuses.
func greetingForm() []probe.Check {
	return []probe.Check{
		{
			ID: "greeting-format", Title: "the greeting names the server",
			Group: probe.GroupGreeting, Profile: probe.Quick, Polarity: probe.Observation, Level: probe.Should,
			Refs: []probe.Ref{"RFC 5321 4.2", "RFC 5321 4.3.1"},
			Norm: "The greeting is 220, a space and the server's domain or address literal; more text may follow, and more " +
				"lines, which begin with 220 too.",
			Start: probe.Hello,
			Judge: probe.Judge{Find: observed("greetings", greetingNames), Meanings: []probe.Meaning{
				{Verdict: probe.Correct, When: "every greeting of the run is 220 with a domain or an address literal"},
				{Verdict: probe.Deviant, When: "a greeting of 220 without one, or with a name that is no domain, such as one with an underscore"},
				{Verdict: probe.Broken, When: "a greeting that cannot be read: no code, or lines of different codes"},
				{Verdict: probe.Inconclusive, When: "not even the first control of the run was served"},
			}},
			Habit: probe.Habit{
				Name: "takes the receiver's name from the greeting",
				Must: "take the receiver's name from its MX record",
			},
			Bites: "A sender that reads the receiver's name from the greeting, for its log, or to notice that it talks to itself.",
			Fix:   "Take the name from the MX record, not from the greeting.",
		},
		{
			ID: "greeting-refusal", Title: "a receiver that refuses in its greeting waits for QUIT",
			Group: probe.GroupGreeting, Profile: probe.Standard, Polarity: probe.Service, Level: probe.Must,
			Refs: []probe.Ref{"RFC 5321 3.1", "RFC 7504 3"},
			Norm: "A server may greet with 554 in place of 220. It must then still wait for QUIT before it closes, and should " +
				"answer anything else with 503. One that never takes mail greets with 521, and may close.",
			Needs: probe.Needs{Greeting: "521,554"}, Start: probe.Connected, Own: true, Errors: 1,
			Script: probe.Script{
				{Act: probe.Greet, Name: probe.StepGreeting, Want: "521,554"},
				test("NOOP"), probe.Line("quit", "QUIT"),
			},
			Judge: probe.Judge{Find: findRefusal, Meanings: []probe.Meaning{
				{Verdict: probe.Correct, When: "NOOP is answered 503 or 554, or 521 behind a greeting of 521, and QUIT is answered 221"},
				{Verdict: probe.Overstrict, When: "NOOP is refused with another code, or QUIT is not answered 221"},
				{Verdict: probe.Lenient, When: "NOOP is served although the greeting refused"},
				{Verdict: probe.Dropped, When: "the connection is closed before QUIT, twice; behind 521 that is allowed"},
				{Verdict: probe.Broken, When: "no reply, or more than one, or a malformed one, twice"},
				{Verdict: probe.Inconclusive, When: "the greeting of this session did not refuse, or only for the moment"},
				{Verdict: probe.NotApplicable, When: "the greeting is 220"},
			}},
			Habit: probe.Habit{
				Name: "tries again after a refusal in the greeting",
				Must: "take a 5yz greeting for the answer, also where the connection is closed at once",
			},
			Bites: "A sender that is refused at once and says QUIT: where the receiver has closed by then, it logs a lost " +
				"connection in place of the refusal, and tries again.",
			Fix: "Read the whole greeting and take a 5yz for the answer, whatever becomes of the connection.",
		},
	}
}

// greetingNames looks at what opens a connection.
func greetingNames(session []probe.Exchange, i int, r smtp.Reply) probe.Finding {
	x := session[i]
	switch {
	case !x.Opens, r.Fault == smtp.Unfinished: // a close says nothing
		return spares()
	case r.Fault != "":
		return broken(string(r.Fault))
	case r.Code != 220:
		return spares()
	}
	_, _, text := r.Lines[0].Split()
	if name, _, _ := strings.Cut(text, " "); !smtp.ValidDomainName(name) && !smtp.ValidAddressLiteral(name) {
		return wrong("the greeting names no domain")
	}
	return keeps()
}

// findRefusal judges what follows a greeting that refuses.
func findRefusal(ev probe.Evidence) probe.Finding {
	greeting := ev.Walk.Find(probe.StepGreeting).Reply()
	f, unusable := ev.Fate(probe.Test)
	if unusable {
		if f.Verdict == probe.Inconclusive && closedAtOnce(ev.Walk) {
			f = probe.Found(probe.Dropped, greeting, "closed behind the greeting, without waiting for QUIT")
		}
		if f.Verdict == probe.Dropped && greeting.Code == 521 {
			f.Says = probe.Conforms
		}
		return f
	}
	reply, quit := ev.Walk.Find(probe.Test).Reply(), ev.Walk.Find("quit")
	f = probe.Found(probe.Overstrict, reply, "")
	switch {
	case reply.Class() == 2:
		f.Verdict = probe.Lenient
	case !smtp.Codes("503,554").Has(reply.Code) && reply.Code != greeting.Code:
		f.Reason = "NOOP is refused for another reason than its place"
	case quit.Reply().Code == 221:
		f.Verdict = probe.Correct
	case quit.Reply().Code != 0:
		f.Reason = "QUIT was answered " + probe.Brief(quit.Reply())
	case quit.Closed:
		f.Verdict, f.Reason = probe.Dropped, "closed behind NOOP, without waiting for QUIT"
		if greeting.Code == 521 {
			f.Says = probe.Conforms
		}
	default:
		f = probe.Unknown("no reply to QUIT")
	}
	return f
}

// closedAtOnce reports whether the connection ended behind the greeting, before
// or in place of the reply to the command behind it.
func closedAtOnce(w probe.Walk) bool {
	greeting, command := w.Find(probe.StepGreeting), w.Find(probe.Test)
	return greeting.Reply().Refused() && len(command.Replies) == 0 && (greeting.Closed || command.Closed)
}
