package checks

import (
	"slices"

	"github.com/smtpprobe/smtpprobe/probe"
)

// transaction: what ends a transaction, and what must not.
func transaction() []probe.Check {
	return slices.Concat(clearing(), keeping(), opening())
}

// clearing are the commands that end a transaction, and those that open none.
func clearing() []probe.Check {
	return []probe.Check{
		{
			ID: "rset-clears", Title: "RSET ends the transaction",
			Group: probe.GroupTransaction, Profile: probe.Quick, Polarity: probe.Clearing, Level: probe.Must,
			Ordering: true,
			Refs:     []probe.Ref{"RFC 5321 4.1.1.5"},
			Norm: "RSET discards the sender, the recipients and the text. It must be answered 250 and must not " +
				"close the connection.",
			Needs: sees(), Start: probe.Hello, Errors: 1,
			Script: probe.Script{mail, disturb("RSET"), isOpen(), control(probe.CommandMAIL), rset},
			Judge:  probe.Clears(),
			Habit:  probe.Habit{Name: "no MAIL after RSET", Must: "start again with MAIL after RSET"},
			Bites:  "A sender that relies on the envelope after RSET, or sends RCPT for the next message without MAIL.",
			Fix:    "Start again with MAIL after every RSET.",
		},
		{
			ID: "ehlo-clears", Title: "EHLO ends the transaction",
			Group: probe.GroupTransaction, Profile: probe.Quick, Polarity: probe.Clearing, Level: probe.Must,
			Ordering: true,
			Refs:     []probe.Ref{"RFC 5321 4.1.4"},
			Norm: "EHLO may be sent again later in a session. If it is acceptable, the server must clear all " +
				"buffers as if RSET had been sent.",
			Needs: sees(), Start: probe.Hello, Errors: 1,
			Script: probe.Script{control(probe.CommandMAIL).Wanting("250"), disturb(probe.CommandEHLO), isOpen(), rset},
			Judge:  probe.Clears(),
			Habit:  probe.Habit{Name: "no MAIL after a second EHLO", Must: "start again with MAIL after every EHLO"},
			Bites:  "A sender that says EHLO again to reset a session, or goes on with an old envelope after it.",
			Fix:    "Reset with RSET, and start again with MAIL after every EHLO.",
		},
		{
			ID: "helo-clears", Title: "HELO ends the transaction",
			Group: probe.GroupTransaction, Profile: probe.Standard, Polarity: probe.Clearing, Level: probe.Must,
			Ordering: true,
			Refs:     []probe.Ref{"RFC 5321 4.1.1.1", "RFC 5321 4.1.4"},
			Norm: "A 250 to EHLO or HELO confirms that no transaction is in progress and all buffers are clear. " +
				"4.1.4 says so of EHLO only, 4.1.1.1 of both.",
			Needs: sees(), Start: probe.Hello, Errors: 1,
			Script: probe.Script{control(probe.CommandMAIL).Wanting("250"), disturb(probe.CommandHELO), isOpen(), rset},
			Judge:  probe.Clears(),
			Habit: probe.Habit{
				Name: "no MAIL after HELO inside a transaction",
				Must: "start again with MAIL after every HELO",
			},
			Bites: "A sender that falls back to HELO in the middle of a message and goes on with the old envelope.",
			Fix:   "Start again with MAIL after every HELO.",
		},
		{
			ID: "mail-rejected-no-transaction", Title: "a refused MAIL opens no transaction",
			Group: probe.GroupTransaction, Profile: probe.Standard, Polarity: probe.Clearing, Level: probe.Must,
			Refs: []probe.Ref{"RFC 5321 4.1.4", "RFC 5321 3.3"},
			Norm: "A command whose argument is not acceptable must be refused, and the server must stay in the " +
				"state in which it was: RCPT behind a refused MAIL is RCPT without MAIL.",
			Needs: sees(), Start: probe.Hello, Errors: 2,
			Script: probe.Script{
				disturb("MAIL FROM:<<<"), probe.Line(probe.IsOpen, probe.CommandRCPT).When(probe.Disturb, probe.IfRefused), rset,
				control(probe.CommandMAIL), probe.Line("end", "RSET").Wanting("250"),
			},
			Judge: probe.RefusedOpensNothing(),
			Habit: probe.Habit{Name: "RCPT after a refused MAIL", Must: "end the message where MAIL was refused"},
			Bites: "A sender that does not read the reply to MAIL: its RCPTs are then refused with 503, and the log " +
				"shows the wrong error.",
			Fix: "Read the reply to MAIL before RCPT; after a refusal end the message there, and report that reply.",
		},
	}
}

// keeping are the commands that leave a transaction alone.
func keeping() []probe.Check {
	return []probe.Check{
		{
			ID: "noop-keeps-transaction", Title: "NOOP leaves the transaction alone",
			Group: probe.GroupTransaction, Profile: probe.Standard, Polarity: probe.Keeping, Level: probe.Must,
			Refs:  []probe.Ref{"RFC 5321 4.1.1.9"},
			Norm:  "NOOP has no effect on the buffers or on any command that was entered before it.",
			Needs: sees(), Start: probe.Hello, Worst: 1,
			Script: probe.Script{control("NOOP"), mail, disturb("NOOP"), isOpenStill(), rset},
			Judge:  probe.Keeps("250"),
			Habit:  probe.Habit{Name: "NOOP inside a transaction", Must: "send no NOOP between MAIL and DATA"},
			Bites:  "A sender that keeps a slow transaction alive with NOOP.",
			Fix:    "Send no NOOP between MAIL and DATA.",
		},
		{
			ID: "help-keeps-transaction", Title: "HELP leaves the transaction alone",
			Group: probe.GroupTransaction, Profile: probe.Standard, Polarity: probe.Keeping, Level: probe.Must,
			Refs:  []probe.Ref{"RFC 5321 4.1.1.8"},
			Norm:  "HELP has no effect on the sender, the recipients or the text that were given before it.",
			Needs: sees(), Start: probe.Hello, Worst: 2,
			Script: probe.Script{control("HELP"), mail, disturb("HELP"), isOpenStill(), rset},
			Judge:  probe.Keeps("211,214,250"),
			Habit:  probe.Habit{Name: "HELP inside a transaction", Must: "send no HELP between MAIL and DATA"},
			Bites:  "A person who types a session by hand and asks for HELP in the middle of it.",
			Fix:    "Send no HELP between MAIL and DATA.",
		},
		{
			ID: "vrfy-keeps-transaction", Title: "VRFY leaves the transaction alone",
			Group: probe.GroupTransaction, Profile: probe.Standard, Polarity: probe.Keeping, Level: probe.Must,
			Refs:  []probe.Ref{"RFC 5321 4.1.1.6"},
			Norm:  "VRFY has no effect on the sender, the recipients or the text that were given before it.",
			Needs: sees(), Start: probe.Hello, Worst: 2,
			Script: probe.Script{control("VRFY postmaster"), mail, disturb("VRFY postmaster"), isOpenStill(), rset},
			Judge:  probe.Keeps("250,251,252,550,551,553"),
			Habit:  probe.Habit{Name: "VRFY inside a transaction", Must: "send no VRFY between MAIL and DATA"},
			Bites:  "A sender that asks with VRFY about a recipient between MAIL and RCPT.",
			Fix:    "Send no VRFY; the reply to RCPT tells more.",
		},
		{
			ID: "unknown-keeps-transaction", Title: "a command that does not exist leaves the transaction alone",
			Group: probe.GroupTransaction, Profile: probe.Standard, Polarity: probe.Keeping, Level: probe.Must,
			Refs:  []probe.Ref{"RFC 5321 4.1.4", "RFC 5321 4.2.4"},
			Norm:  "A command that is refused does not change the state of the session, one that does not exist no more than others.",
			Needs: sees(), Start: probe.Hello, Errors: 1, Worst: 2,
			Script: probe.Script{mail, disturb("ZZPROBE"), isOpenStill(), rset},
			Judge:  probe.KeepsRefused(),
			Habit: probe.Habit{
				Name: "commands that EHLO does not offer, inside a transaction",
				Must: "begin the message again with RSET and MAIL after an unknown command",
			},
			Bites: "A sender that tries an extension command between MAIL and RCPT and goes on when it is refused.",
			Fix:   "Send only commands whose keyword EHLO lists; after any other error begin the message anew.",
		},
		{
			ID: probe.RcptRefused, Title: "a refused RCPT leaves the transaction alone",
			Group: probe.GroupTransaction, Profile: probe.Standard, Polarity: probe.Keeping, Level: probe.Must,
			Refs: []probe.Ref{"RFC 5321 4.1.1.3", "RFC 5321 4.1.4"},
			Norm: "RCPT adds a recipient or refuses one. A refusal ends nothing: the recipients behind it are " +
				"looked at each for itself.",
			Needs: sees(), Start: probe.Hello, Errors: 1, Worst: 2,
			Script: probe.Script{mail, disturb(probe.CommandBad), isOpen().When(probe.Disturb, probe.IfRefused), rset},
			Judge:  probe.KeepsRefused(),
			Habit: probe.Habit{
				Name: "goes on after a refused recipient",
				Must: "send the message to each recipient in a transaction of its own",
			},
			Bites: "A sender with several recipients of which one does not exist: where the receiver drops the " +
				"transaction, the good ones are lost with the bad one.",
			Fix: "Send the message once for each recipient to a receiver that fails this check.",
		},
		{
			ID: "data-rejected-keeps-transaction", Title: "a refused DATA leaves the transaction alone",
			Group: probe.GroupTransaction, Profile: probe.Standard, Polarity: probe.Keeping, Level: probe.Must,
			Refs: []probe.Ref{"RFC 5321 4.1.4", "RFC 5321 3.3"},
			Norm: "Where DATA is refused with 503 the server must stay in the state in which it was, so that RCPT " +
				"may follow. A 554 says that the transaction failed, and no RFC says whether it is over.",
			Needs: dataRejected(), Start: probe.Hello, Errors: 1, Worst: 2,
			Script: probe.Script{mail, disturb("DATA"), isOpen().When(probe.Disturb, probe.IfRefused), rset},
			Judge:  keepsAfterData(),
			Habit: probe.Habit{
				Name: "goes on with RCPT after a refused DATA",
				Must: "begin the message again with RSET and MAIL after a refused DATA",
			},
			Bites: "A sender that sends DATA too early, is refused, and goes on with RCPT.",
			Fix:   "After a refused DATA send RSET, and begin the message again with MAIL.",
		},
	}
}

// opening is what opens a transaction.
func opening() []probe.Check {
	return []probe.Check{
		{
			ID: "null-sender-transaction", Title: "the null sender opens a transaction",
			Group: probe.GroupTransaction, Profile: probe.Quick, Polarity: probe.Service, Level: probe.Must,
			Refs: []probe.Ref{"RFC 5321 4.5.5", "RFC 5321 4.1.1.2", "RFC 1123 5.2.9"},
			Norm: "Bounces and other notices have the null sender, MAIL FROM:<>. A server must take it, and the " +
				"transaction that it opens is one like any other.",
			Needs: sees(), Start: probe.Hello, Worst: 1,
			Script: probe.Script{test("MAIL FROM:<>"), isOpen().When(probe.Test, probe.IfAccepted), rset},
			Judge:  opensWithNull(),
			Bites: "Nobody's sender, but everybody's bounces: where the null sender is refused, or counts as no " +
				"sender, they are lost.",
			Fix: "Senders: keep the null sender for notices. Receivers: take it.",
		},
	}
}

// dataRejected are the needs of a check that needs DATA to be refused.
func dataRejected() probe.Needs {
	n := sees()
	n.Given = []probe.Given{{
		Check: "data-without-rcpt", Step: probe.Test, Codes: "4yz,5yz", Else: "DATA without RCPT is not refused",
	}}
	return n
}

// keepsAfterData judges what a refused DATA leaves. After 554, which is named
// for a transaction that failed (RFC 5321 4.2.2), a closed one is no fault.
func keepsAfterData() probe.Judge {
	j := probe.KeepsRefused()
	find := j.Find
	j.Find = func(ev probe.Evidence) probe.Finding {
		f := find(ev)
		if refusal := ev.Walk.Find(probe.Disturb).Reply(); f.Verdict == probe.Overstrict && refusal.Code != 503 {
			f.Says, f.Reason = probe.Unregulated, f.Reason+" after "+probe.Brief(refusal)
		}
		return f
	}
	return j
}

// opensWithNull judges MAIL FROM:<> and the RCPT behind it.
func opensWithNull() probe.Judge {
	return probe.Judge{Find: findOpensWithNull, Meanings: []probe.Meaning{
		{Verdict: probe.Correct, When: "250, and RCPT is then answered as inside a transaction"},
		{Verdict: probe.Overstrict, When: "refused, or RCPT is then answered as without a transaction"},
		{Verdict: probe.Dropped, When: "the connection was closed, or 421, twice"},
		{Verdict: probe.Broken, When: "no reply, or more than one, or a malformed one, twice"},
		{Verdict: probe.Inconclusive, When: "refused by policy or for the moment, or RCPT does not show whether a transaction is open"},
	}}
}

func findOpensWithNull(ev probe.Evidence) probe.Finding {
	served := probe.Serves("250", probe.LegalNothing).Find(ev)
	if served.Verdict != probe.Correct {
		return served
	}
	if f, unusable := ev.Fate(probe.IsOpen); unusable {
		if f.Verdict == probe.Dropped {
			f.Verdict, f.Reason = probe.Inconclusive, "RCPT does not show whether a transaction is open: "+f.Reason
		}
		return f
	}
	f := probe.Found(probe.Correct, ev.Walk.Find(probe.IsOpen).Reply(), "")
	f.Control = ev.Facts.Postmaster
	switch open, why := ev.Opened(probe.IsOpen); open {
	case probe.Closed:
		f.Verdict, f.Reason = probe.Overstrict, "accepted, and RCPT is answered as if there had been no MAIL"
	case probe.Unsure:
		f.Verdict, f.Reason = probe.Inconclusive, why
	}
	return f
}
