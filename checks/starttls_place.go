package checks

import (
	"slices"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// starttlsOutOfPlace: STARTTLS where it does not belong, or not as it should be.
func starttlsOutOfPlace() []probe.Check {
	return slices.Concat(starttlsTooEarly(), starttlsAtFault(), starttlsInTransaction(), starttlsUnkept())
}

// starttlsTooEarly are STARTTLS before an EHLO has offered it.
func starttlsTooEarly() []probe.Check {
	return []probe.Check{
		{
			ID: "starttls-before-ehlo", Title: "STARTTLS before EHLO or HELO",
			Group: probe.GroupStartTLS, Profile: probe.Standard, Level: probe.None, Ordering: true,
			Refs: []probe.Ref{"RFC 3207 4", "RFC 5321 4.1.4"},
			Norm: "STARTTLS is an extension, which a client may use after EHLO has offered it. No RFC tells a server " +
				"what to do with STARTTLS as the first command.",
			Needs: probe.Needs{Upgrade: true}, Start: probe.Greeted, Own: true, Errors: 1, Worst: 2,
			Script: probe.Script{
				test("STARTTLS"), ehlo.When(probe.Test, probe.IfRefused), control("NOOP").When("ehlo again", probe.IfAccepted),
			},
			Judge: refusesUpgrade(),
			Habit: probe.Habit{Name: "STARTTLS before EHLO", Must: "send EHLO before STARTTLS"},
			Bites: "A sender that is told to use TLS always and starts with STARTTLS, without looking at what is offered.",
			Fix:   "Say EHLO first, and send STARTTLS only when its reply lists it.",
		},
		{
			ID: "starttls-after-helo", Title: "STARTTLS in a HELO session",
			Group: probe.GroupStartTLS, Profile: probe.Standard, Level: probe.None, Ordering: true,
			Refs: []probe.Ref{"RFC 3207 4", "RFC 5321 4.1.1.1"},
			Norm: "HELO offers no extensions, and STARTTLS is one. No RFC tells a server what to do with a client that " +
				"uses it all the same.",
			Needs: probe.Needs{Upgrade: true}, Start: probe.Helo, Own: true, Errors: 1, Worst: 2,
			Script: probe.Script{test("STARTTLS"), control("NOOP").When(probe.Test, probe.IfRefused)},
			Judge:  refusesUpgrade(),
			Habit:  probe.Habit{Name: "STARTTLS after HELO", Must: "send EHLO, not HELO, before STARTTLS"},
			Bites:  "A sender that falls back to HELO, and still wants TLS because its settings say so.",
			Fix:    "Say EHLO where TLS is wanted; a server that knows only HELO has no STARTTLS.",
		},
	}
}

// starttlsAtFault are STARTTLS that was not offered, and STARTTLS with more
// behind it than the verb.
func starttlsAtFault() []probe.Check {
	return []probe.Check{
		{
			ID: "starttls-unadvertised", Title: "STARTTLS although it is not offered",
			Group: probe.GroupStartTLS, Profile: probe.Standard, Level: probe.Should,
			Refs: []probe.Ref{"RFC 5321 4.2.4", "RFC 5321 4.1.1.1"},
			Norm: "A command that a server does not have should be answered 500 or 502. One that works must be in the " +
				"reply to EHLO.",
			Needs: probe.Needs{Clear: true, Unoffered: []string{"STARTTLS"}}, Start: probe.Hello, Own: true, Errors: 1,
			Script: probe.Script{test("STARTTLS"), control("NOOP").When(probe.Test, probe.IfRefused)},
			// The card names 454, which elsewhere is a fault of the moment.
			Judge: countsAsDeviant(probe.Refuses("500,502,503", probe.LegalNothing), "454"),
			Habit: probe.Habit{
				Name: "STARTTLS without being offered",
				Must: "send STARTTLS only where the latest reply to EHLO offers it",
			},
			Bites: "A sender that is told to use TLS always and sends STARTTLS to a server without it.",
			Fix:   "Look for STARTTLS in the reply to EHLO; where TLS is a must and is not offered, do not send.",
		},
		{
			// RFC 3207 4 lists 501 among the replies and obliges nobody to give it:
			// no level.
			ID: "starttls-with-parameter", Title: "STARTTLS with an argument",
			Group: probe.GroupStartTLS, Profile: probe.Quick, Level: probe.None,
			Refs:  []probe.Ref{"RFC 3207 4"},
			Norm:  "STARTTLS takes no argument. The RFC lists 501 as the reply to one, and no requirement to give it.",
			Needs: probe.Needs{Upgrade: true}, Start: probe.Hello, Errors: 1,
			Script: probe.Script{test("STARTTLS smtpprobe"), control("NOOP").When(probe.Test, probe.IfRefused)},
			Judge:  patient(probe.Refuses("501", probe.LegalNothing)),
			Habit:  probe.Habit{Name: "STARTTLS with a parameter", Must: "send STARTTLS alone"},
			Bites:  "A sender that puts its own name, or that of the server, behind STARTTLS.",
			Fix:    "Send STARTTLS alone; the name of the server belongs into the TLS handshake (SNI).",
		},
	}
}

// starttlsInTransaction is STARTTLS behind MAIL.
func starttlsInTransaction() []probe.Check {
	needs := sees()
	needs.Upgrade = true
	return []probe.Check{
		{
			ID: "starttls-mid-transaction", Title: "STARTTLS inside a transaction",
			Group: probe.GroupStartTLS, Profile: probe.Standard, Level: probe.None, Ordering: true,
			Refs: []probe.Ref{"RFC 3207 4", "RFC 3207 4.2", "RFC 5321 4.1.4"},
			Norm: "No RFC says what a server does with STARTTLS while a transaction is open. It may refuse it and keep " +
				"the transaction, or accept it and forget the transaction.",
			Needs: needs, Start: probe.Hello, Own: true, Errors: 1, Worst: 2,
			Script: probe.Script{
				mail, test("STARTTLS"), probe.Line("still", probe.CommandRCPT).When(probe.Test, probe.IfRefused),
				rset.When(probe.Test, probe.IfRefused),
			},
			Judge: refusesUpgradeInTransaction(),
			Habit: probe.Habit{Name: "STARTTLS inside a transaction", Must: "send STARTTLS before the first MAIL"},
			Bites: "A sender that remembers TLS only after MAIL, for instance because the sender's domain demands it.",
			Fix:   "Start TLS before the first MAIL, and begin anew with EHLO after it.",
		},
	}
}

// starttlsUnkept is a client that says STARTTLS and goes on in clear.
func starttlsUnkept() []probe.Check {
	return []probe.Check{
		{
			ID: "starttls-broken-handshake", Title: "a command in clear in place of the handshake",
			Group: probe.GroupStartTLS, Profile: probe.Full, Level: probe.None, Ordering: true,
			Refs: []probe.Ref{"RFC 3207 4", "RFC 3207 6"},
			Norm: "After the 220 the client must begin the handshake. No RFC tells a server what to do with one that " +
				"goes on in clear; one that serves it has lost the TLS that it promised.",
			Needs: probe.Needs{Upgrade: true}, Start: probe.Hello, Own: true, Repeat: true,
			Script: probe.Script{
				test("STARTTLS").Wanting("220"),
				{Act: probe.Send, Name: "in clear", Text: probe.CommandEHLO + "\r\n"},
				listen("answer", probe.Step{For: probe.ShakeWait, Replies: 1}),
			},
			Judge: refusesClear(),
			Habit: probe.Habit{
				Name: "commands in clear after the 220 to STARTTLS",
				Must: "send nothing but the TLS handshake after the 220 to STARTTLS",
			},
			Bites: "A sender whose TLS library fails without a word, so that the next command goes out in clear.",
			Fix: "After the 220 send nothing but the handshake, and close the connection where that fails. Receivers: " +
				"close it too.",
		},
	}
}

// countsAsDeviant judges as j does, but for codes that the card of the check
// names as a refusal: the general reading would take them for policy, or for a
// fault of the moment.
func countsAsDeviant(j probe.Judge, codes smtp.Codes) probe.Judge {
	find := j.Find
	j.Find = func(ev probe.Evidence) probe.Finding {
		f := find(ev)
		legal := f.Control.Code != 0 && smtp.SameAnswer(f.Reply, f.Control)
		if f.Verdict == probe.Inconclusive && codes.Has(f.Reply.Code) && !legal && !ev.Walk.ClosedAfter(probe.Test) {
			f.Verdict, f.Reason = probe.Deviant, ""
		}
		return f
	}
	return j
}

// refusesUpgrade judges STARTTLS at a wrong place, where it was answered 220 in
// its legal one (B2). So a 530 is about the place as well, as the card has it;
// a 4yz is not.
func refusesUpgrade() probe.Judge {
	return countsAsDeviant(patient(probe.Refuses("503", probe.LegalNothing)), "530")
}

func refusesUpgradeInTransaction() probe.Judge {
	return probe.Judge{Find: findUpgradeInTransaction, Meanings: []probe.Meaning{
		{Verdict: probe.Strict, When: "refused with 503, and the transaction is kept"},
		{Verdict: probe.Deviant, When: "refused with another 5yz code, or refused and the transaction is gone"},
		{Verdict: probe.Lenient, When: "220: the handshake may begin; what becomes of the transaction is the affair of tls-transaction-survives"},
		{Verdict: probe.Dropped, When: "the connection was closed, or 421, on the first error of a session, twice"},
		{Verdict: probe.Broken, When: "no reply, or more than one, or a malformed one, twice"},
		{Verdict: probe.Inconclusive, When: "refused for the moment or by policy, or MAIL is refused"},
		{Verdict: probe.NotApplicable, When: "STARTTLS is not offered, or MAIL is refused in clear"},
	}}
}

func findUpgradeInTransaction(ev probe.Evidence) probe.Finding {
	if f, demanded := demandsTLS(ev); demanded {
		return f
	}
	f := refusesUpgrade().Find(ev)
	if f.Verdict != probe.Strict || !ev.Walk.Find("still").Ran {
		return f
	}
	// A reply to RCPT that does not come, or tells nothing, takes nothing back:
	// the check is about the refusal.
	if _, unusable := ev.Fate("still"); unusable {
		return f
	}
	if open, _ := ev.Opened("still"); open == probe.Closed {
		f.Verdict, f.Reason = probe.Deviant, "refused, but the transaction is gone"
	}
	return f
}

// demandsTLS reports a MAIL that was refused because it came in clear.
func demandsTLS(ev probe.Evidence) (probe.Finding, bool) {
	if mail := ev.Walk.Find("mail"); mail.Refused() && mail.Reply().Code == 530 {
		return probe.Absent(mailNeedsTLS + ": " + probe.Brief(mail.Reply())), true
	}
	return probe.Finding{}, false
}

// butTLSFirst are all codes but 530, which asks for TLS (RFC 3207 4).
const butTLSFirst smtp.Codes = "2yz,3yz,4yz,50z,51z,52z,534,535,54z,55z"

const mailNeedsTLS = "MAIL is refused in clear, so no transaction can be open before TLS"

func refusesClear() probe.Judge {
	return probe.Judge{Find: findRefusesClear, Meanings: []probe.Meaning{
		{Verdict: probe.Strict, When: "the connection is closed, with a TLS alert or without, or EHLO is answered 554"},
		{Verdict: probe.Deviant, When: "EHLO is refused with some other code"},
		{Verdict: probe.Lenient, When: "EHLO is answered in clear, twice: after its 220 the receiver goes on without TLS"},
		{Verdict: probe.Dropped, When: "421 in place of an answer, twice; this counts as enforced"},
		{Verdict: probe.Broken, When: "nothing happens for half a minute, or the reply is malformed, twice"},
		{Verdict: probe.Inconclusive, When: "STARTTLS is not answered 220, or the receiver is slow with all replies"},
	}}
}

func findRefusesClear(ev probe.Evidence) probe.Finding {
	if f, unusable := ev.Fate(probe.Test); unusable {
		return f
	}
	if promised := ev.Walk.Find(probe.Test).Reply(); promised.Code != 220 {
		return probe.Unknown("STARTTLS was answered " + probe.Brief(promised))
	}
	in := ev.Walk.Find("answer")
	promise := ev.Walk.Find(probe.Test).Reply()
	switch {
	case alert(in):
		return probe.Found(probe.Strict, promise, "a TLS alert")
	case in.Closed && len(in.Replies) == 0 && !in.Partial:
		return probe.Found(probe.Strict, promise, "the connection was closed")
	}
	if f, unusable := ev.Fate("answer"); unusable {
		return f
	}
	if len(in.Replies) == 0 {
		return unanswered(ev, in)
	}
	f := ev.Classify(in.Reply(), smtp.Reply{}, "554")
	if f.Verdict == probe.Lenient {
		f.Reason = "EHLO is answered in clear after the 220"
	}
	return f
}

// unanswered reads the silence behind EHLO in clear. A receiver that needs as
// long for a harmless reply may only be slow; a third of the wait, as elsewhere.
func unanswered(ev probe.Evidence, in probe.Outcome) probe.Finding {
	if ev.Facts.Slowest > probe.ShakeWait/3 {
		return probe.Unknown("tarpit: the slowest harmless reply took " + ev.Facts.Slowest.Round(1e8).String() + " as well")
	}
	if in.Partial {
		return probe.Finding{Verdict: probe.Broken, Reason: "a reply that stopped in the middle"}
	}
	return probe.Finding{Verdict: probe.Broken, Reason: "the connection hangs: neither a reply nor its end in " + probe.ShakeWait.String()}
}
