package checks_test

import (
	"maps"
	"slices"
	"time"

	"github.com/smtpprobe/smtpprobe/probe/lab"
)

// is makes the table readable: check, verdict, check, verdict.
func is(pairs ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

// envelope are the checks that need the reply to RCPT in its legal place.
func envelope() []string {
	return []string{
		"rcpt-before-mail", "rset-clears", "ehlo-clears", "noop-keeps-transaction", "tls-transaction-survives",
		"rcpt-before-ehlo", "ehlo-rejected-keeps-state", "helo-clears", "mail-rejected-no-transaction", "help-keeps-transaction",
		"vrfy-keeps-transaction", "unknown-keeps-transaction", "rcpt-refused-keeps-transaction", "data-rejected-keeps-transaction",
		"null-sender-transaction", "data-after-rcpt-refused", "starttls-required-on-mx", "pipeline-group", "pipeline-unadvertised", "pipeline-after-helo",
	}
}

// intoTLS are the checks that go through STARTTLS.
func intoTLS() []string {
	return []string{"starttls-inside-tls", "tls-mail-without-ehlo", "tls-transaction-survives", "starttls-injection"}
}

// askedTooOften are the checks for which the recipient that cannot exist may not
// be named once more where another check that names it is tried again (S5).
func askedTooOften() []string { return []string{"pipeline-data-group"} }

// deviations is the table of all lapses, by hand from the cards.
func deviations() []deviation {
	many := slices.Concat(octetDeviations(), verbDeviations(), numberedDeviations())
	for i := range many {
		many[i].many = true
	}
	all := slices.Concat(
		orderDeviations(), tlsDeviations(), policyDeviations(), paceDeviations(), groupDeviations(), closeDeviations(),
		extensionsDeviations(), lineDeviations(),
		startTLSPlaceDeviations(), groupsOfferedDeviations(), observeDeviations(), many,
	)
	for i := range all {
		for _, group := range groups() {
			for id, verdicts := range group.changes[all[i].name()] {
				all[i].is = maps.Clone(all[i].is) // several lines share one
				if all[i].is == nil {
					all[i].is = is()
				}
				all[i].is[id] = verdicts
			}
		}
	}
	return all
}

func orderDeviations() []deviation {
	return []deviation{
		{lapse: lab.AcceptNestedMail(), is: is("nested-mail", "lenient")},
		{lapse: lab.KeepAcrossHello(), is: is("ehlo-clears", "lenient")},
		{lapse: lab.RefuseSecondHello(), is: is("ehlo-clears", "overstrict")},
		{lapse: lab.RefuseBeforeHello("NOOP"), is: is("noop-before-ehlo", "overstrict")},
		{lapse: lab.RefuseBeforeHello("RSET")},
		{lapse: lab.ForgetAt("NOOP"), is: is("noop-keeps-transaction", "overstrict")},
		{lapse: lab.ForgetAt("HELP"), lost: askedTooOften()},
		{lapse: lab.ForgetAt("VRFY")},
		{lapse: lab.ForgetAtRefused("EHLO")},
		{lapse: lab.ForgetAtRefused("RCPT"), lost: askedTooOften()},
		{lapse: lab.ForgetAtRefused("DATA")},
		{lapse: lab.ForgetAtRefused("ZZPROBE")},
		{lapse: lab.OpenAtRefusedMail()},
		// Nobody sees a transaction where the run's own sender opens none.
		{lapse: lab.NullSenderOpensNothing(), is: is("nested-mail", "lenient", "auth-mid-transaction", "lenient", "starttls-mid-transaction", "lenient"), lost: []string{"*"}},
		{lapse: lab.RefuseBeforeHello("VRFY")},
		{lapse: lab.RefuseBeforeHello("HELP")},
		{lapse: lab.Replace("502 5.5.1 Command not implemented"), is: is(
			"mail-before-ehlo", "deviant", "rcpt-before-mail", "deviant", "data-before-mail", "deviant",
			"data-without-rcpt", "deviant", "nested-mail", "deviant", "tls-mail-without-ehlo", "deviant",
		)},
		{lapse: lab.ReplyAt(lab.Place{State: "M", Verb: "DATA"}, "550 5.7.1 Not now"), is: is("data-without-rcpt", "inconclusive", "data-after-rcpt-refused", "inconclusive")},
		{lapse: lab.HeloListsKeywords()},
		{lapse: lab.StayAfterQuit(), is: is("quit-closes", "lenient")},
		{lapse: lab.SilentQuit(), is: is("quit-closes", "broken")},
		{lapse: lab.KeepChunksUnswallowed()},
		{lapse: lab.TakeBareLF()},
	}
}

func tlsDeviations() []deviation {
	return []deviation{
		{lapse: lab.KeepTransactionAcrossTLS(), is: is("tls-transaction-survives", "lenient")},
		// Inside TLS nobody can tell a MAIL without EHLO from one after the EHLO in
		// clear.
		{lapse: lab.KeepHelloAcrossTLS(), is: is("tls-mail-without-ehlo", "lenient"), lost: []string{"mail-before-ehlo"}},
		{lapse: lab.InjectAcrossTLS(), is: is("starttls-injection", "lenient")},
		{lapse: lab.AnswerInClear(), is: is("starttls-injection", "broken")},
		{lapse: lab.FeedHandshake()},
		// Where all is inside TLS, there is nothing without handshakes.
		{lapse: lab.FailHandshakes(), lost: []string{"*"}},
		{lapse: lab.GreetInsideTLS(), is: is("tls-mail-without-ehlo", "broken|inconclusive"), lost: []string{"*"}},
		{lapse: lab.ListSTARTTLSInsideTLS()},
	}
}

func policyDeviations() []deviation {
	return []deviation{
		{lapse: lab.Greylist()},
		{lapse: lab.RefuseClient(), blind: true},
		{lapse: lab.NeverTakesMail(), blind: true},
		{box: deniesAll(), named: "554 and then 503 5.7.0 to everything", blind: true},
		{lapse: lab.RefuseByPolicy("MAIL"), blind: true},
		{lapse: lab.RefuseByPolicy("RCPT"), lost: envelope()},
		{lapse: lab.RefuseByPolicy("DATA"), lost: []string{"data-before-ehlo", "data-before-mail", "data-without-rcpt", "data-after-rcpt-refused"}},
		{lapse: lab.RefuseByPolicy("STARTTLS"), lost: []string{"*"}},
		{lapse: lab.RefuseByPolicy("HELO"), lost: []string{"pipeline-after-helo", "ehlo-after-helo", "helo-single-line", "helo-clears"}},
		{lapse: lab.RefuseByPolicy("QUIT"), is: is("quit-closes", "overstrict|inconclusive", "quit-before-ehlo", "overstrict|inconclusive")},
		{lapse: lab.DemandTLS()},
		{lapse: lab.RefuseNullSender(), blind: true},
		// Nothing of a transaction can be seen, and no command that 530 answers in its
		// legal place too accuses anybody.
		{lapse: lab.DemandLogin(), blind: true},
		{lapse: lab.OneRecipient(), lost: append(askedTooOften(), "rcpt-refused-keeps-transaction")},
		{lapse: lab.AcceptAnyRecipient(), is: is("data-after-rcpt-refused", "not-applicable", "rcpt-refused-keeps-transaction", "inconclusive")},
		{lapse: lab.ReplyAt(lab.Place{State: "M", Verb: "RCPT"}, "550 5.1.1 No such mailbox")},
	}
}

// deniesAll is Postfix to a client that it refuses at once.
func deniesAll() *middlebox {
	return &middlebox{opens: func(p *passage) bool {
		p.say("554 5.7.1 Service unavailable; client is blocked")
		for {
			switch p.hear(time.Hour) {
			case "":
				return true
			case "QUIT\r\n":
				p.say("221 2.0.0 Bye")
				return true
			}
			p.say("503 5.7.0 Error: access denied")
		}
	}}
}

func paceDeviations() []deviation {
	return []deviation{
		{lapse: lab.Tarpit(time.Second)},
		// The whole group of five is answered at once, after a minute.
		{lapse: lab.Tarpit(12 * time.Second), lost: []string{"*"}},
		{lapse: lab.Tarpit(40 * time.Second), blind: true},
		{lapse: lab.TarpitErrors(8 * time.Second)},
		// The legal command behind an error is not answered in time, and in the end
		// the time for one receiver is spent.
		{lapse: lab.TarpitErrors(40 * time.Second), lost: []string{"*"}},
		{lapse: lab.Late(lab.Greeting, 5*time.Second)},
		{lapse: lab.Late("NOOP", 5*time.Second)},
		{lapse: lab.Drip(100 * time.Millisecond)},
		{lapse: lab.Drip(10 * time.Second), blind: true},
		{lapse: lab.Silence(), blind: true},
	}
}

func groupDeviations() []deviation {
	return []deviation{
		{lapse: lab.AcceptEarlyTalk(), is: is("early-talk", "lenient")},
		{lapse: lab.AcceptGroups(), is: is("pipeline-unadvertised", "lenient", "pipeline-after-helo", "lenient")},
		{lapse: lab.AcceptInsideGroup("EHLO"), is: is("pipeline-ehlo-head", "lenient")},
		{lapse: lab.AcceptInsideGroup("NOOP")},
		{lapse: lab.AcceptInsideGroup("VRFY")},
		{lapse: lab.RefuseGroups(), is: is("pipeline-group", "dropped")},
		{lapse: lab.FlushAfterError(), is: is("pipeline-group", "broken")},
		// The 220 is held back where NOOP follows STARTTLS, and never comes.
		{lapse: lab.Reorder(), is: is("pipeline-group", "broken", "starttls-injection", "broken")},
	}
}

func closeDeviations() []deviation {
	silent := is(
		"early-talk", "dropped", "mail-before-ehlo", "dropped", "rcpt-before-mail", "dropped",
		"data-before-mail", "dropped", "data-without-rcpt", "dropped", "nested-mail", "dropped",
		"starttls-inside-tls", "dropped", "tls-mail-without-ehlo", "dropped",
		"pipeline-unadvertised", "dropped", "pipeline-after-helo", "dropped", "pipeline-ehlo-head", "dropped",
		// RCPT without a transaction is never answered, so nobody can see one, and
		// the recipient that cannot exist is not either.
		"rset-clears", "inconclusive", "ehlo-clears", "inconclusive", "noop-keeps-transaction", "inconclusive",
		"tls-transaction-survives", "inconclusive", "pipeline-group", "inconclusive",
		"rcpt-before-ehlo", "dropped", "data-before-ehlo", "dropped", "rset-with-argument", "dropped", "unknown-command", "dropped",
		"ehlo-no-argument", "dropped",
		// Nothing can be looked at behind a refusal that is a close.
		"data-after-rcpt-refused", "inconclusive", "ehlo-rejected-keeps-state", "inconclusive", "mail-rejected-no-transaction", "inconclusive",
		"unknown-keeps-transaction", "inconclusive", "rcpt-refused-keeps-transaction", "inconclusive", "data-rejected-keeps-transaction", "inconclusive",
		"helo-clears", "inconclusive", "help-keeps-transaction", "inconclusive", "vrfy-keeps-transaction", "inconclusive",
		"null-sender-transaction", "inconclusive",
	)
	// What is answered before the close can be told apart from an answer in a
	// transaction.
	last := maps.Clone(silent)
	for _, id := range []string{"noop-keeps-transaction", "help-keeps-transaction", "vrfy-keeps-transaction", "null-sender-transaction"} {
		last[id] = "correct|inconclusive"
	}
	// A refusal with a code that the card names for it stays one, close or not.
	named := maps.Clone(last)
	named["rset-clears"], named["ehlo-clears"], named["helo-clears"] = "correct|inconclusive", "correct|inconclusive", "correct|inconclusive"
	named["unknown-command"] = "strict"
	named["starttls-inside-tls"], named["tls-transaction-survives"] = "strict", "inconclusive|not-applicable"
	for _, id := range []string{"pipeline-unadvertised", "pipeline-after-helo", "pipeline-ehlo-head"} {
		named[id] = "strict"
	}
	// 521 is named for early talk only.
	other := maps.Clone(last)
	other["early-talk"], other["tls-transaction-survives"] = "strict", "inconclusive|not-applicable"
	other["rset-clears"], other["ehlo-clears"], other["helo-clears"] = "correct|inconclusive", "correct|inconclusive", "correct|inconclusive"
	return []deviation{
		{lapse: lab.HangUp(lab.Place{Verb: lab.Greeting}, ""), blind: true},
		{lapse: lab.HangUp(lab.Place{Verb: "MAIL"}, ""), blind: true},
		{lapse: lab.HangUp(lab.Place{Verb: "MAIL"}, "421 4.7.0 Go away"), blind: true},
		{lapse: lab.HangUpOnErrors(""), is: silent},
		{lapse: lab.HangUpOnErrors("500 5.5.2 Go away"), is: named},
		{lapse: lab.HangUpOnErrors("521 5.5.0 Go away"), is: other},
		{lapse: lab.HangUpOnErrors("421 4.5.0 Go away"), is: last},
		{lapse: lab.HangUpOnErrors("421 4.7.0 Go away"), named: "close-after-errors/1/421 of policy", is: last, lost: []string{"*"}},
		{lapse: lab.CloseAfterErrors(2, ""), lost: []string{"data-after-rcpt-refused", "mail-rejected-no-transaction"}},
		{lapse: lab.CloseAfterErrors(3, "421 4.7.0 Too many errors")},
		{lapse: lab.CloseAfterErrors(3, "")},
	}
}
