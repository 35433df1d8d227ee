package checks

import (
	"slices"

	"github.com/smtpprobe/smtpprobe/probe"
)

// sequence: commands at the wrong place of a session.
func sequence() []probe.Check {
	return slices.Concat(beforeHello(), insideSession(), helloAgain())
}

// beforeHello are commands before EHLO or HELO.
func beforeHello() []probe.Check {
	return []probe.Check{
		{
			ID: "mail-before-ehlo", Title: "MAIL before EHLO or HELO",
			Group: probe.GroupSequence, Profile: probe.Quick, Level: probe.None, Ordering: true,
			Refs: []probe.Ref{"RFC 5321 4.1.4", "RFC 5321 4.1.1.1"},
			Norm: "A client must open a session that carries mail with EHLO or HELO. A server may refuse MAIL " +
				"before that with 503, and may as well serve it.",
			Needs: probe.Needs{Mail: true}, Start: probe.Greeted, Errors: 1,
			Script: probe.Script{test(probe.CommandMAIL), ehlo, control(probe.CommandMAIL), rset},
			Judge:  mailUngreeted(),
			Habit: probe.Habit{
				Name: "no EHLO before MAIL",
				Must: "send EHLO, and wait for its reply, before the first MAIL of a connection",
			},
			Bites: "A sender that reuses a connection after a reset, or loses track of a failed EHLO, and goes " +
				"straight to MAIL.",
			Fix: "Send EHLO (or HELO) and wait for its 250 before the first MAIL of every connection.",
		},
		{
			ID: "noop-before-ehlo", Title: "NOOP before EHLO or HELO",
			Group: probe.GroupSequence, Profile: probe.Quick, Polarity: probe.Service, Level: probe.Must,
			Refs: []probe.Ref{"RFC 5321 4.1.4", "RFC 5321 4.1.1.9"},
			Norm: "NOOP may be used at any time, without a session; a server should process it normally and not " +
				"answer 503.",
			Start: probe.Greeted, Worst: 2,
			Script: ungreeted("NOOP"),
			Judge:  probe.Serves("250", probe.LegalNothing),
			Habit:  probe.Habit{Name: "NOOP before EHLO", Must: "send EHLO before NOOP"},
			Bites:  "A connection pool that asks with NOOP whether a connection is alive before it has said EHLO.",
			Fix:    "Say EHLO first, or take a refused NOOP as a sign of life.",
		},
		{
			ID: "rcpt-before-ehlo", Title: "RCPT before EHLO or HELO",
			Group: probe.GroupSequence, Profile: probe.Standard, Level: probe.Must, Ordering: true,
			Refs:  []probe.Ref{"RFC 5321 3.3", "RFC 5321 4.1.4"},
			Norm:  "RCPT without a previous MAIL must be answered 503, in a session that was never opened as well.",
			Needs: probe.Needs{Mail: true, Postmaster: true}, Start: probe.Greeted, Errors: 1,
			Script: probe.Script{test(probe.CommandRCPT), ehlo, mail, control(probe.CommandRCPT), rset},
			Judge:  patient(probe.Refuses("503", probe.LegalRcpt)),
			Habit: probe.Habit{
				Name: "no EHLO and no MAIL before RCPT",
				Must: "begin every connection with EHLO and every message with MAIL",
			},
			Bites: "A sender that takes up a connection where another one left it, without EHLO and MAIL of its " +
				"own: a pool that hands out connections which were closed and opened again.",
			Fix: "Begin every connection with EHLO and every message with MAIL.",
		},
		{
			ID: "data-before-ehlo", Title: "DATA before EHLO or HELO",
			Group: probe.GroupSequence, Profile: probe.Standard, Level: probe.May, Ordering: true,
			Refs: []probe.Ref{"RFC 5321 3.3", "RFC 5321 4.1.4", "RFC 2920 3.2(3)"},
			Norm: "With no MAIL and no RCPT the server may answer DATA with 503 or 554, in a session that was " +
				"never opened as well. A 354 is tolerated.",
			Needs: probe.Needs{Mail: true}, Start: probe.Greeted, Errors: 1,
			Script: probe.Script{test("DATA"), ehlo, control(probe.CommandMAIL), rset},
			Judge:  refusesData(), Allowed: "354",
			Habit: probe.Habit{
				Name: "DATA without EHLO, MAIL and RCPT",
				Must: "send DATA only behind an accepted EHLO, MAIL and RCPT",
			},
			Bites: "A sender that writes a message without looking at any reply: a script that pipes a whole " +
				"session into a socket.",
			Fix: "Read the reply to each command, and go on to DATA only behind a RCPT that was accepted.",
		},
		{
			ID: "rset-before-ehlo", Title: "RSET before EHLO or HELO",
			Group: probe.GroupSequence, Profile: probe.Quick, Polarity: probe.Service, Level: probe.Must,
			Refs: []probe.Ref{"RFC 5321 4.1.4", "RFC 5321 4.1.1.5"},
			Norm: "RSET may be used at any time. Without an argument it must be answered 250, and the server must " +
				"not close the connection because of it.",
			Start: probe.Greeted, Worst: 2,
			Script: ungreeted("RSET"),
			Judge:  probe.Serves("250", probe.LegalNothing),
			Habit:  probe.Habit{Name: "RSET before EHLO", Must: "send EHLO before RSET"},
			Bites:  "A library that sends RSET to bring a fresh or reused connection into a known state, before EHLO.",
			Fix:    "Say EHLO first; a fresh connection has nothing to reset.",
		},
		{
			ID: "vrfy-before-ehlo", Title: "VRFY before EHLO or HELO",
			Group: probe.GroupSequence, Profile: probe.Quick, Polarity: probe.Service, Level: probe.Should,
			Refs: []probe.Ref{"RFC 5321 4.1.4", "RFC 5321 4.1.1.6"},
			Norm: "VRFY may be used at any time, without a session; a server should process it normally and not " +
				"answer 503. Whether it verifies anybody is another matter.",
			Start: probe.Greeted, Worst: 2,
			Script: ungreeted("VRFY postmaster"),
			Judge:  servesAnyhow("250,251,252,550,551,553"),
			Habit:  probe.Habit{Name: "VRFY before EHLO", Must: "send EHLO before VRFY"},
			Bites:  "A monitoring script that asks with VRFY whether a server is alive, and says no EHLO.",
			Fix:    "Say EHLO before VRFY, or do without VRFY: hardly a server verifies anybody.",
		},
		{
			ID: "help-before-ehlo", Title: "HELP before EHLO or HELO",
			Group: probe.GroupSequence, Profile: probe.Quick, Polarity: probe.Service, Level: probe.Should,
			Refs: []probe.Ref{"RFC 5321 4.1.4", "RFC 5321 4.1.1.8"},
			Norm: "HELP may be used at any time, without a session; a server should process it normally and not " +
				"answer 503.",
			Start: probe.Greeted, Worst: 2,
			Script: ungreeted("HELP"),
			Judge:  servesAnyhow("211,214,250"),
			Habit:  probe.Habit{Name: "HELP before EHLO", Must: "send EHLO before HELP"},
			Bites:  "A script that asks with HELP what kind of server it has reached, and says no EHLO.",
			Fix:    "Say EHLO first: its reply tells what the server offers, which HELP does not.",
		},
		{
			ID: "quit-before-ehlo", Title: "QUIT before EHLO or HELO",
			Group: probe.GroupSequence, Profile: probe.Quick, Polarity: probe.Service, Level: probe.Must,
			Refs: []probe.Ref{"RFC 5321 4.1.1.10", "RFC 5321 4.1.4"},
			Norm: "QUIT may come at any time, also as the first command. The server must answer it with 221 and " +
				"then close the connection.",
			Start: probe.Greeted, Own: true, Final: true, Worst: 1,
			Script: probe.Script{test("QUIT"), listen("end", probe.Step{For: probe.CloseWait})},
			Judge:  quitCloses(),
			Habit:  probe.Habit{Name: "QUIT before EHLO", Must: "send EHLO before QUIT, or close the connection without it"},
			Bites:  "A load balancer or a monitor that connects, reads the greeting and takes its leave.",
			Fix:    "Take any answer to such a QUIT for a sign of life, and close the connection yourself.",
		},
	}
}

// insideSession are commands at the wrong place behind EHLO.
func insideSession() []probe.Check {
	return []probe.Check{
		{
			ID: probe.RcptBeforeMail, Title: "RCPT before MAIL",
			Group: probe.GroupSequence, Profile: probe.Quick, Level: probe.Must, Ordering: true,
			Refs: []probe.Ref{"RFC 5321 3.3", "RFC 5321 4.1.4"},
			Norm: "If RCPT appears without a previous MAIL, the server must answer 503 \"Bad sequence of " +
				"commands\": the one place where the code itself is mandatory.",
			Needs: probe.Needs{Mail: true, Postmaster: true}, Start: probe.Hello, Errors: 1,
			Script: probe.Script{test(probe.CommandRCPT), mail, control(probe.CommandRCPT), rset},
			Judge:  patient(probe.Refuses("503", probe.LegalRcpt)),
			Habit:  probe.Habit{Name: "RCPT before MAIL", Must: "send RCPT only behind a MAIL that was accepted"},
			Bites: "A sender that goes on to RCPT although its MAIL was refused, or was never sent: often the " +
				"second message of a connection after an error.",
			Fix: "Read the reply to MAIL before RCPT; after a refused MAIL start the next message with a MAIL of " +
				"its own.",
		},
		{
			ID: "data-before-mail", Title: "DATA before MAIL",
			Group: probe.GroupSequence, Profile: probe.Quick, Level: probe.May, Ordering: true,
			Refs: []probe.Ref{"RFC 5321 3.3", "RFC 5321 4.1.4", "RFC 2920 3.2(3)"},
			Norm: "With no MAIL and no RCPT the server may answer DATA with 503 or 554. A 354 is tolerated, but a " +
				"server that offers PIPELINING should not give it.",
			Needs: probe.Needs{Mail: true}, Start: probe.Hello, Errors: 1,
			Script: probe.Script{test("DATA"), control(probe.CommandMAIL), rset},
			Judge:  refusesData(), Allowed: "354",
			Habit: probe.Habit{Name: "DATA before MAIL", Must: "send DATA only behind a MAIL and a RCPT that were accepted"},
			Bites: "A sender that does not notice that its transaction is gone (after RSET, a second EHLO, or TLS) " +
				"and goes on to DATA.",
			Fix: "Start again with MAIL after every RSET, EHLO and STARTTLS.",
		},
		{
			ID: "data-without-rcpt", Title: "DATA without RCPT",
			Group: probe.GroupSequence, Profile: probe.Quick, Level: probe.May, Ordering: true,
			Refs: []probe.Ref{"RFC 5321 3.3", "RFC 5321 4.1.4", "RFC 2920 3.2(3)"},
			Norm: "With MAIL and no RCPT the server may answer DATA with 503 or 554. A 354 is tolerated, but a " +
				"server that offers PIPELINING should not give it.",
			Needs: probe.Needs{Mail: true}, Start: probe.Hello, Errors: 1,
			Script: probe.Script{control(probe.CommandMAIL).Wanting("250"), test("DATA"), rset},
			Judge:  refusesData(), Allowed: "354",
			Habit: dataToNobody(),
			Bites: "A sender that goes on to DATA although no recipient was given or every one was refused.",
			Fix:   "Count the accepted recipients; with none, send RSET instead of DATA.",
		},
		{
			ID: "nested-mail", Title: "a second MAIL inside a transaction",
			Group: probe.GroupSequence, Profile: probe.Quick, Level: probe.None, Ordering: true,
			Refs: []probe.Ref{"RFC 5321 4.1.4", "RFC 5321 3.3", "RFC 5321 4.1.1.2"},
			Norm: "A client must not send MAIL while a transaction is open. A server may answer 503 and keep the " +
				"transaction, or 250 and start a new one: the RFC's texts allow both.",
			Needs: probe.Needs{Mail: true}, Start: probe.Hello, Errors: 1,
			Script: probe.Script{control(probe.CommandMAIL).Wanting("250"), test(probe.CommandMAIL), rset},
			Judge:  refusesNested(),
			Habit: probe.Habit{
				Name: "a second MAIL inside a transaction",
				Must: "send RSET before the next MAIL where a transaction is still open",
			},
			Bites: "A sender that begins the next message after an error without ending the transaction before it: " +
				"the most frequent cause of 503 in practice.",
			Fix: "Send RSET after any error inside a transaction, and wait for its 250 before the next MAIL.",
		},
		{
			ID: "data-after-rcpt-refused", Title: "DATA after every RCPT was refused",
			Group: probe.GroupSequence, Profile: probe.Standard, Level: probe.May, Ordering: true,
			Refs: []probe.Ref{"RFC 5321 3.3", "RFC 5321 4.1.4", "RFC 2920 3.2(3)", "RFC 2920 1"},
			Norm: "Where no recipient was accepted, the server may answer DATA with 503 or 554. A 354 is tolerated, " +
				"but a server that offers PIPELINING should not give it: a sender that pipelines would send its " +
				"message to nobody.",
			Needs: probe.Needs{Mail: true, Given: []probe.Given{badRefused("4yz,5yz")}}, Start: probe.Hello, Errors: 2,
			Script: probe.Script{
				control(probe.CommandMAIL).Wanting("250"), probe.Line("bad", probe.CommandBad).Wanting("4yz,5yz"), test("DATA"), rset,
			},
			Judge: refusesDataLater(), Allowed: "354",
			Habit: dataToNobody(),
			Bites: "A sender that sends DATA without looking at the replies to its RCPTs, and takes the refusal of " +
				"DATA for the reason why the mail failed.",
			Fix: "Count the accepted recipients; with none, send RSET instead of DATA, and report what RCPT was " +
				"answered.",
		},
		{
			ID: "rset-with-argument", Title: "RSET with an argument",
			Group: probe.GroupSequence, Profile: probe.Full, Level: probe.Should,
			Refs:  []probe.Ref{"RFC 5321 4.1.1", "RFC 5321 4.3.2"},
			Norm:  "RSET takes no argument; a server should refuse one with 501.",
			Start: probe.Hello, Errors: 1,
			Script: probe.Script{test("RSET now"), control("NOOP")},
			Judge:  patient(probe.Refuses("501", probe.LegalNothing)),
			Habit:  probe.Habit{Name: "RSET with an argument", Must: "send RSET alone"},
			Bites:  "A sender that puts a note or an identifier behind RSET.",
			Fix:    "Send RSET alone.",
		},
		{
			ID: "noop-with-argument", Title: "NOOP with an argument",
			Group: probe.GroupSequence, Profile: probe.Full, Polarity: probe.Service, Level: probe.Should,
			Refs:  []probe.Ref{"RFC 5321 4.1.1.9"},
			Norm:  "NOOP may have an argument, which a server should ignore.",
			Start: probe.Hello, Worst: 1,
			Script: probe.Script{test("NOOP smtpprobe"), control("NOOP")},
			Judge:  probe.Serves("250", probe.LegalNothing),
			Habit:  probe.Habit{Name: "NOOP with an argument", Must: "send NOOP alone"},
			Bites:  "A sender that marks its keepalives with a text behind NOOP.",
			Fix:    "Send NOOP alone.",
		},
		{
			ID: "unknown-command", Title: "a command that does not exist",
			Group: probe.GroupSequence, Profile: probe.Quick, Level: probe.Must,
			Refs: []probe.Ref{"RFC 5321 4.2.4", "RFC 5321 3.8"},
			Norm: "A server should answer a command that it does not know with 500, and must not close the " +
				"connection because it does not understand one.",
			Start: probe.Hello, Errors: 1,
			Script: probe.Script{test("ZZPROBE"), control("NOOP")},
			Judge:  refusesUnknown(), Allowed: "502",
			Habit: probe.Habit{
				Name: "commands that EHLO does not offer",
				Must: "send only commands that the latest reply to EHLO offers",
			},
			Bites: "A sender that tries an extension command (XCLIENT, BDAT, a vendor's own) without having seen " +
				"its keyword, and loses the connection by it.",
			Fix: "Send only commands whose keyword the latest reply to EHLO lists.",
		},
	}
}

// helloAgain are EHLO and HELO at another place than the beginning.
func helloAgain() []probe.Check {
	return []probe.Check{
		{
			ID: "ehlo-twice", Title: "EHLO a second time",
			Group: probe.GroupSequence, Profile: probe.Quick, Polarity: probe.Service, Level: probe.Must,
			Refs: []probe.Ref{"RFC 5321 4.1.4"},
			Norm: "EHLO may be sent again later in a session. If it is acceptable the server must act as on RSET " +
				"and answer 250. The 503 of RFC 1869 is history since RFC 2821.",
			Start: probe.Hello, Worst: 1,
			Script: probe.Script{test(probe.CommandEHLO)},
			Judge:  probe.Serves("250", probe.LegalNothing),
			Habit:  probe.Habit{Name: "EHLO more than once", Must: "send EHLO once after the greeting and once after STARTTLS"},
			Bites: "A library that says EHLO again before each message, or after a failed login, and gets 503 for " +
				"an answer.",
			Fix: "Say EHLO once after the greeting and once after STARTTLS; to begin anew use RSET.",
		},
		{
			ID: "ehlo-after-helo", Title: "EHLO in a session that HELO opened",
			Group: probe.GroupSequence, Profile: probe.Standard, Polarity: probe.Service, Level: probe.Must,
			Refs: []probe.Ref{"RFC 5321 4.1.4", "RFC 5321 4.1.1.1"},
			Norm: "A client may change from HELO to EHLO; the server must act as on any other EHLO and list what it " +
				"offers.",
			Start: probe.Helo, Worst: 1,
			Script: probe.Script{test(probe.CommandEHLO)},
			Judge:  servesEHLO(),
			Habit:  probe.Habit{Name: "EHLO after HELO", Must: "begin with EHLO, and send HELO only where that is refused"},
			Bites:  "A sender that began with HELO and tries EHLO later, to find out about STARTTLS.",
			Fix:    "Begin with EHLO, and fall back to HELO only when EHLO is refused.",
		},
		{
			ID: "helo-single-line", Title: "HELO is served, and not answered like EHLO",
			Group: probe.GroupSequence, Profile: probe.Standard, Polarity: probe.Service, Level: probe.Must,
			Refs:  []probe.Ref{"RFC 5321 4.5.1", "RFC 5321 4.1.1.1", "RFC 5321 3.2"},
			Norm:  "A server must serve HELO, and must not return the list of extensions for it.",
			Start: probe.Greeted, Worst: 1,
			Script: probe.Script{test(probe.CommandHELO).Wanting("250"), control(probe.CommandMAIL), rset},
			Judge:  answersHELO(),
			Habit:  probe.Habit{Name: "HELO in place of EHLO", Must: "send EHLO, and read replies to their last line"},
			Bites: "An old device that knows only HELO: where it is refused the device sends nothing; where it is " +
				"answered with many lines, the device reads the second one as the reply to MAIL.",
			Fix: "Speak EHLO, and read replies of several lines to their last one.",
		},
		{
			ID: "ehlo-no-argument", Title: "EHLO without a name",
			Group: probe.GroupSequence, Profile: probe.Standard, Level: probe.Should,
			Refs: []probe.Ref{"RFC 5321 4.1.1.1", "RFC 5321 4.1.4"},
			Norm: "EHLO must name the client. A server should refuse one that does not with 501; 500, 502, 504 and " +
				"550 are named for it too.",
			Start: probe.Hello, Errors: 1,
			Script: probe.Script{test("EHLO"), control("NOOP")},
			Judge:  patient(probe.Refuses("501", probe.LegalNothing)), Allowed: "500,502,504,550",
			Habit: probe.Habit{Name: "EHLO without a name", Must: "name itself in EHLO"},
			Bites: "A sender on a host whose name is not configured: it says EHLO with an empty name.",
			Fix:   "Give the sender a host name, or let it say its address literal, [192.0.2.1].",
		},
		{
			ID: "ehlo-rejected-keeps-state", Title: "a refused EHLO leaves the transaction alone",
			Group: probe.GroupSequence, Profile: probe.Standard, Polarity: probe.Keeping, Level: probe.Must,
			Refs:  []probe.Ref{"RFC 5321 4.1.4"},
			Norm:  "Where EHLO is not acceptable, the server must stay in the state in which it was.",
			Needs: sees(), Start: probe.Hello, Errors: 1, Worst: 2,
			Script: probe.Script{mail, disturb("EHLO"), isOpen().When(probe.Disturb, probe.IfRefused), rset},
			Judge:  probe.KeepsRefused(),
			Habit: probe.Habit{
				Name: "goes on with a message after a refused EHLO",
				Must: "begin the message again with RSET and MAIL after a refused EHLO",
			},
			Bites: "A sender that says a faulty EHLO between MAIL and RCPT, and goes on as if nothing had been.",
			Fix:   "After any refused EHLO send RSET, and begin the message again with MAIL.",
		},
	}
}

// dataToNobody is one habit, whether no recipient was named or every one was refused.
func dataToNobody() probe.Habit {
	return probe.Habit{Name: "DATA without an accepted recipient", Must: "send DATA only behind a RCPT that was accepted"}
}
