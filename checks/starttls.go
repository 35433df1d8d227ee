package checks

import (
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
)

// starttls: what TLS must make a receiver forget.
func starttls() []probe.Check {
	start := probe.Line(probe.StepSTARTTLS, "STARTTLS").Wanting("220")
	handshake := probe.Step{Act: probe.Handshake, Name: probe.StepHandshake}
	upgrade := probe.Needs{Mail: true, Upgrade: true, Secured: true}
	tlsMail := upgrade
	tlsMail.Checks = []string{"mail-before-ehlo"}
	survives := upgrade
	survives.Postmaster, survives.Checks = true, []string{probe.RcptBeforeMail}
	survives.Secured = false // a refusal of STARTTLS in a transaction needs no handshake
	survives.Given = []probe.Given{
		{Check: "starttls-mid-transaction", Step: "mail", Codes: butTLSFirst, Else: mailNeedsTLS},
		// After a 4yz the next session may get the 220.
		{Check: "starttls-mid-transaction", Step: probe.Test, Codes: "220,4yz", Else: "STARTTLS is refused inside a transaction"},
	}
	return []probe.Check{
		{
			ID: "starttls-inside-tls", Title: "STARTTLS inside TLS",
			Group: probe.GroupStartTLS, Profile: probe.Quick, Level: probe.None, Ordering: true,
			Refs: []probe.Ref{"RFC 3207 4.2"},
			Norm: "A client must not send STARTTLS when TLS is active. No RFC says which reply it gets; any clean " +
				"refusal will do.",
			Start: probe.TunnelHello, Errors: 1,
			Script: probe.Script{test("STARTTLS"), control("NOOP").When(probe.Test, probe.IfRefused)},
			Judge:  probe.Refuses("503,502,500,554,454", probe.LegalNothing),
			Habit:  probe.Habit{Name: "STARTTLS inside TLS", Must: "send no STARTTLS inside TLS"},
			Bites:  "A sender that does not know that its connection is inside TLS already: a proxy, or implicit TLS.",
			Fix:    "Do not send STARTTLS on a connection that is inside TLS.",
		},
		{
			ID: "tls-mail-without-ehlo", Title: "MAIL inside TLS without a new EHLO",
			Group: probe.GroupStartTLS, Profile: probe.Quick, Level: probe.Must, Ordering: true,
			Refs: []probe.Ref{"RFC 3207 4.2"},
			Norm: "After the handshake the session is as new: the server must forget the EHLO that came before " +
				"it. Whether MAIL is then refused depends on whether this receiver refuses MAIL before EHLO at all.",
			Needs: tlsMail, Start: probe.Hello, Own: true, Errors: 1,
			Script: probe.Script{
				start, handshake, test(probe.CommandMAIL),
				ehlo, control(probe.CommandMAIL), rset,
			},
			Judge: mailInsideTLS(),
			Habit: probe.Habit{Name: "no EHLO after STARTTLS", Must: "send EHLO again after STARTTLS"},
			Bites: "A sender that goes on after the handshake where it was: no EHLO after STARTTLS, a frequent " +
				"fault of mail libraries.",
			Fix: "Send EHLO again after every TLS handshake, and use only what that reply offers.",
		},
		{
			ID: "tls-transaction-survives", Title: "MAIL in clear, RCPT inside TLS",
			Group: probe.GroupStartTLS, Profile: probe.Standard, Level: probe.Must, Ordering: true,
			Refs: []probe.Ref{"RFC 3207 4.2", "RFC 3207 6"},
			Norm: "Whatever the client said in clear must be forgotten after the handshake; a transaction that " +
				"survives mixes an envelope that anybody could have changed with a protected session.",
			Needs: survives, Start: probe.Hello, Own: true, Errors: 2,
			Script: probe.Script{
				mail, probe.Line(probe.StepSTARTTLS, "STARTTLS").Wanting("220"), handshake,
				test(probe.CommandRCPT), ehlo, probe.Line("again", probe.CommandRCPT), rset,
			},
			Judge: transactionInsideTLS(),
			Habit: probe.Habit{Name: "no MAIL after STARTTLS", Must: "start again with EHLO and MAIL after STARTTLS"},
			Bites: "A sender that starts TLS in the middle of a transaction and goes on with RCPT.",
			Fix:   "Start TLS before the first MAIL, and begin anew with EHLO after it.",
		},
		{
			ID: "starttls-injection", Title: "a command in clear behind STARTTLS",
			Group: probe.GroupStartTLS, Profile: probe.Quick, Level: probe.Must, Ordering: true,
			Refs: []probe.Ref{"RFC 3207 4.2", "RFC 3207 6", "RFC 2920 3.2(9)"},
			Norm: "Nothing that came in clear may act inside TLS. Octets behind STARTTLS must be discarded, or the " +
				"session refused (the fault is known as CVE-2011-0411).",
			Needs: probe.Needs{Upgrade: true}, Start: probe.Hello, Own: true, Repeat: true, Worst: 1,
			Script: probe.Script{
				{Act: probe.Send, Name: probe.Test, Text: "STARTTLS\r\nNOOP\r\n", Replies: 1},
				listen("clear", probe.Step{For: probe.Drain}).When(probe.Test, probe.IfAccepted),
				probe.Step{Act: probe.Handshake, Name: probe.StepHandshake}.When(probe.Test, probe.IfAccepted),
				listen("injected", probe.Step{For: probe.Injected}).When(probe.Test, probe.IfAccepted),
				probe.Line(probe.Control, probe.CommandEHLO).When(probe.Test, probe.IfAccepted),
				listen("surplus", probe.Step{For: probe.Drain}).When(probe.Test, probe.IfAccepted),
			},
			Judge: injection(),
			Habit: probe.Habit{
				Name: "commands behind STARTTLS in the same segment",
				Must: "wait for the reply to STARTTLS before anything else",
			},
			Bites: "Nobody's sender: an attacker between sender and receiver who adds commands in clear that the " +
				"receiver then takes for the sender's own.",
			Fix: "Senders: let STARTTLS be the last command of a segment, and wait for its 220. Receivers: " +
				"discard what was read ahead of the handshake.",
		},
	}
}

func mailInsideTLS() probe.Judge {
	j := probe.Refuses("503", probe.LegalMail)
	j.Meanings = append([]probe.Meaning{
		{Verdict: probe.Lenient, When: "accepted; a violation only where the same receiver refuses MAIL before EHLO in clear, since then the old EHLO survived TLS"},
	}, j.Meanings...)
	find := j.Find
	j.Find = func(ev probe.Evidence) probe.Finding {
		f := find(ev)
		control := ev.Walk.Find(probe.Control)
		if f.Verdict.Known() && control.Ran && control.Refused() && f.Verdict != probe.Lenient {
			return probe.Unknown("MAIL after EHLO inside TLS is refused too: " + probe.Brief(control.Reply()))
		}
		switch f.Verdict {
		case probe.Lenient:
			f.Says, f.Reason = survival(ev)
		case probe.Deviant, probe.Dropped:
			// The rule is that the old EHLO is forgotten, and it was. Which code
			// refuses MAIL without EHLO no RFC says (RFC 5321 4.1.4).
			f.Says = probe.Unregulated
		}
		return f
	}
	return j
}

// survival says whether an accepted MAIL proves that the EHLO in clear survived
// the handshake: it does where the receiver refuses MAIL without EHLO.
func survival(ev probe.Evidence) (probe.Conformance, string) {
	ungreeted := ev.Checks["mail-before-ehlo"].Find(probe.Test)
	switch {
	case ev.Facts.Channel != probe.Clear || !ungreeted.Ran || len(ungreeted.Replies) == 0:
		return probe.Unregulated, "whether the old EHLO survived is not known"
	case ungreeted.Accepted():
		return probe.Conforms, "this receiver serves MAIL without EHLO in clear as well, so nothing had to survive"
	case ev.Classify(ungreeted.Reply(), ev.Facts.Mail, "503").Verdict == probe.Inconclusive:
		return probe.Unregulated, "MAIL before EHLO in clear was refused for other reasons, so whether the old EHLO survived is not known"
	}
	return probe.Violates, "the EHLO in clear survived TLS: without it MAIL is refused"
}

func transactionInsideTLS() probe.Judge {
	return probe.Judge{Find: findTransactionInsideTLS, Meanings: []probe.Meaning{
		{Verdict: probe.Strict, When: "RCPT inside TLS is refused with 503"},
		{Verdict: probe.Deviant, When: "RCPT inside TLS is refused as without a transaction, but with another code"},
		{Verdict: probe.Lenient, When: "RCPT inside TLS is answered as inside a transaction: it survived"},
		{Verdict: probe.Dropped, When: "the connection was closed, or 421, twice"},
		{Verdict: probe.Broken, When: "no reply, or more than one, or a malformed one, twice"},
		{Verdict: probe.Inconclusive, When: "the handshake failed, or RCPT does not show whether a transaction is open"},
		{Verdict: probe.NotApplicable, When: "STARTTLS is refused inside a transaction, or not offered"},
	}}
}

func findTransactionInsideTLS(ev probe.Evidence) probe.Finding {
	if f, demanded := demandsTLS(ev); demanded {
		return f
	}
	if start := ev.Walk.Find(probe.StepSTARTTLS); start.Refused() {
		if start.Reply().Class() == 4 {
			return probe.Found(probe.Inconclusive, start.Reply(), "transient: "+probe.Brief(start.Reply()))
		}
		f := probe.Found(probe.NotApplicable, start.Reply(), "STARTTLS is refused inside a transaction: "+probe.Brief(start.Reply()))
		return f
	}
	if f, unusable := ev.Fate(probe.Test); unusable {
		return f
	}
	if f, over := survived(ev, probe.Test); over {
		return f
	}
	// A receiver that asks for EHLO first may still have the transaction.
	if f, unusable := ev.Fate("again"); unusable {
		return f
	}
	if f, over := survived(ev, "again"); over {
		return f
	}
	f := probe.Found(probe.Strict, ev.Walk.Find(probe.Test).Reply(), "")
	f.Control = ev.Facts.Postmaster
	if f.Reply.Code != 503 {
		f.Verdict = probe.Deviant
	}
	return f
}

// survived reads the RCPT at a step; the second value is false where no
// transaction is open.
func survived(ev probe.Evidence, name string) (probe.Finding, bool) {
	f := probe.Found(probe.Lenient, ev.Walk.Find(name).Reply(), "the transaction survived TLS")
	f.Control = ev.Facts.Postmaster
	switch open, why := ev.Opened(name); open {
	case probe.Closed:
		return f, false
	case probe.Unsure:
		f.Verdict, f.Reason = probe.Inconclusive, why
	}
	return f, true
}

func injection() probe.Judge {
	return probe.Judge{Find: findInjection, Meanings: []probe.Meaning{
		{Verdict: probe.Strict, When: "the octets behind STARTTLS are discarded, or fed to TLS so that the handshake fails, or STARTTLS is refused because of them"},
		{Verdict: probe.Lenient, When: "the command in clear is answered inside TLS, twice: vulnerable"},
		{Verdict: probe.Broken, When: "the command behind STARTTLS is answered in clear, after the 220"},
		{Verdict: probe.Dropped, When: "the connection is closed instead of the 220, twice; this counts as enforced"},
		{Verdict: probe.Inconclusive, When: "STARTTLS or the handshake fails without the injected command as well"},
	}}
}

func findInjection(ev probe.Evidence) probe.Finding {
	f := injected(ev)
	if why := ev.Facts.Failed[probe.B2]; why != "" && (f.Verdict == probe.Lenient || f.Verdict == probe.Broken) {
		return probe.Unknown("the session is out of step without the injected command as well: " + why)
	}
	return f
}

func injected(ev probe.Evidence) probe.Finding {
	o := ev.Walk.Find(probe.Test)
	if o.Refused() && o.Reply().Code != 421 && len(o.Surplus) == 0 {
		f := ev.Classify(o.Reply(), ev.Facts.Starttls, "5yz")
		if f.Verdict == probe.Deviant { // 4yz
			f.Verdict, f.Reason = probe.Inconclusive, "transient: "+probe.Brief(f.Reply)
		}
		return f
	}
	in := ev.Walk.Find("clear")
	fed := ev.Walk.Find(probe.StepHandshake).Failed != "" || in.Closed && len(in.Replies) == 0 || alert(in)
	switch {
	case o.Reply().Code == 220 && len(o.Surplus) > 0, len(in.Replies) > 0 && !alert(in):
		return probe.Found(probe.Broken, append(o.Surplus, in.Replies...)[0], "answered in clear, after the 220")
	case fed && ev.Facts.Secured == "":
		return probe.Unknown("the TLS handshake fails without the injected command as well: " + ev.Facts.Unsecured)
	case fed:
		return probe.Found(probe.Strict, o.Reply(), "the handshake fails, since the injected octets were fed to TLS")
	}
	if f, unusable := ev.Fate(probe.Test); unusable {
		if f.Verdict == probe.Dropped {
			f.Says = probe.Conforms // nothing in clear acts inside a TLS that never was
		}
		return f
	}
	return insideTLS(ev)
}

// alert reports whether what was heard is a TLS alert: the octets behind
// STARTTLS were taken for a handshake (RFC 8446 5.1, content type 21).
func alert(o probe.Outcome) bool {
	first := o.Fragment
	if len(o.Replies) > 0 {
		first = o.Replies[0].Lines[0].Octets
	}
	return strings.HasPrefix(first, "\x15\x03")
}

// insideTLS counts the replies inside TLS: EHLO is owed one, NOOP none.
func insideTLS(ev probe.Evidence) probe.Finding {
	if in := ev.Walk.Find("injected"); len(in.Replies) > 0 {
		return probe.Found(probe.Lenient, in.Replies[0], "the command in clear was executed inside TLS")
	}
	o := ev.Walk.Find(probe.Control)
	if extra := append(o.Surplus, ev.Walk.Find("surplus").Replies...); len(extra) > 0 {
		return probe.Found(probe.Lenient, o.Reply(), "two replies to one EHLO inside TLS: the command in clear was executed")
	}
	if f, unusable := ev.Fate(probe.Control); unusable {
		return f
	}
	if o.Reply().Code != 250 {
		return probe.Unknown("EHLO inside TLS was answered " + probe.Brief(o.Reply()))
	}
	return probe.Found(probe.Strict, o.Reply(), "discarded")
}
