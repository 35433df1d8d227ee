package checks

import (
	"slices"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
)

// framing: how sessions end and where commands end.
func framing() []probe.Check {
	return slices.Concat(sessionEnds(), lineEnds(), lineForms(), pathForms())
}

// sessionEnds are QUIT, and what comes behind it.
func sessionEnds() []probe.Check {
	return []probe.Check{
		{
			ID: "quit-closes", Title: "QUIT is answered 221, then the connection closes",
			Group: probe.GroupFraming, Profile: probe.Quick, Polarity: probe.Service, Level: probe.Must,
			Refs:  []probe.Ref{"RFC 5321 4.1.1.10", "RFC 5321 3.8"},
			Norm:  "The server must answer QUIT with 221 and then close the connection.",
			Start: probe.Hello, Final: true,
			Script: probe.Script{test("QUIT"), listen("end", probe.Step{For: probe.CloseWait})},
			Judge:  quitCloses(),
			Habit: probe.Habit{
				Name: "waits for the receiver to close after QUIT",
				Must: "close the connection once QUIT is answered",
			},
			Misleads: true,
			Bites:    "A sender that waits for the receiver to close after QUIT and so keeps connections open.",
			Fix:      "Close the connection yourself once the 221 is read.",
		},
		{
			ID: "quit-mid-transaction", Title: "QUIT inside a transaction",
			Group: probe.GroupFraming, Profile: probe.Standard, Polarity: probe.Service, Level: probe.Must,
			Refs: []probe.Ref{"RFC 5321 4.1.1.10"},
			Norm: "QUIT may come at any time. Inside a transaction it aborts what is not complete; the server must " +
				"answer it with 221 and then close the connection.",
			Needs: probe.Needs{Mail: true}, Start: probe.Hello, Own: true, Final: true, Worst: 1,
			Script: probe.Script{mail, test("QUIT"), listen("end", probe.Step{For: probe.CloseWait})},
			Judge:  quitCloses(),
			Habit:  probe.Habit{Name: "QUIT inside a transaction", Must: "send RSET before QUIT where a transaction is open"},
			Bites:  "A sender that gives up in the middle of a message, after all recipients were refused, and leaves.",
			Fix:    "Send RSET before QUIT, or close the connection once the reply to QUIT is read, whatever it is.",
		},
		{
			ID: "command-after-quit", Title: "a command behind the 221 to QUIT",
			Group: probe.GroupFraming, Profile: probe.Standard, Level: probe.Must,
			Refs:  []probe.Ref{"RFC 5321 4.1.1.10", "RFC 5321 3.8"},
			Norm:  "Behind the 221 the server must close the connection; no other command is served on it.",
			Start: probe.Hello, Own: true, Final: true, Worst: 1,
			Script: probe.Script{
				probe.Line("quit", "QUIT").Wanting("221"), listen("goodbye", probe.Step{For: probe.Goodbye}),
				unread(probe.Test, "NOOP\r\n").When("goodbye", probe.IfSilent),
				listen("after", probe.Step{For: probe.LineWait, Replies: 1}).When("goodbye", probe.IfSilent),
			},
			Judge: closedAfterQuit(),
			Habit: probe.Habit{Name: "commands after QUIT", Must: "send nothing after QUIT"},
			Bites: "A connection pool that hands out a connection on which QUIT was said, as long as nobody closes it.",
			Fix:   "Take a connection out of the pool before QUIT is sent on it.",
		},
		{
			ID: "pipelined-after-quit", Title: "QUIT with a command behind it in the same segment",
			Group: probe.GroupFraming, Profile: probe.Standard, Level: probe.Must,
			Refs: []probe.Ref{"RFC 5321 4.1.1.10", "RFC 2920 3.1"},
			Norm: "QUIT may stand only last in a group. The server must answer it with 221 and close the " +
				"connection; what was sent behind it is not served.",
			Start: probe.Hello, Own: true, Final: true, Worst: 2,
			Script: probe.Script{
				chunk(probe.Test, "QUIT\r\nNOOP\r\n", 1), listen("end", probe.Step{For: probe.CloseWait, Replies: 1}),
			},
			Judge: quitEndsGroup(),
			Habit: probe.Habit{Name: "commands behind QUIT in the same segment", Must: "send nothing behind QUIT"},
			Bites: "A sender that writes a whole session in one piece and has something behind QUIT.",
			Fix:   "Send QUIT last, and nothing behind it.",
		},
	}
}

// unread writes octets to which no reply is due yet.
func unread(name, text string) probe.Step {
	return probe.Step{Act: probe.Send, Name: name, Text: text}
}

// lineEnds are lines that end, or break, where they must not.
func lineEnds() []probe.Check {
	return []probe.Check{
		{
			ID: "bare-lf-command", Title: "a command that ends in a lone LF",
			Group: probe.GroupFraming, Profile: probe.Quick, Level: probe.Must,
			Refs: []probe.Ref{"RFC 5321 2.3.8", "RFC 5321 4.1.1.4"},
			Norm: "CR LF ends a line, and nothing else: a server must not take a lone LF for a line end. It may " +
				"wait for the CR LF, or refuse the line.",
			Start: probe.Hello, Own: true, Errors: 1,
			Script: probe.Script{
				unread(probe.Test, "NOOP\n"), listen("first", probe.Step{For: probe.LineWait, Replies: 1}),
				listen("behind", probe.Step{For: probe.Drain}).When("first", probe.IfRefused), // for a close
				probe.Line("end of line", "").When("first", probe.IfSilent),
				listen("surplus", probe.Step{For: probe.Surplus}).When("first", probe.IfSilent),
				control("NOOP"),
			},
			Judge: ignoresBareLF(),
			Habit: probe.Habit{Name: "lines that end in a lone LF", Must: "end every line with CR LF"},
			Bites: "A script that prints commands with the line ends of Unix: it works with some receivers and " +
				"hangs with others.",
			Fix: "End every line with CR LF.",
		},
		{
			ID: "bare-cr-command", Title: "a lone CR inside a command",
			Group: probe.GroupFraming, Profile: probe.Standard, Level: probe.Must,
			Refs: []probe.Ref{"RFC 5321 2.3.8", "RFC 5321 4.1.1.4"},
			Norm: "CR LF ends a line, and nothing else: a server must not take a lone CR for a line end. Whether it " +
				"then serves the line or refuses it is its own choice.",
			Start: probe.Hello, Own: true, Errors: 1,
			Script:   probe.Script{test("NOOP a\rNOOP b"), listen("surplus", probe.Step{For: probe.Surplus}), control("NOOP")},
			Judge:    ignoresBareCR(),
			Habit:    probe.Habit{Name: "a lone CR inside a command", Must: "let no CR into a command"},
			Misleads: true,
			Bites: "A sender that passes on a name or an address with a CR in it: what stands behind the CR becomes " +
				"a command of its own.",
			Fix: "Refuse CR and LF in everything that goes into a command.",
		},
		{
			ID: "nul-byte", Title: "a NUL inside a command",
			Group: probe.GroupFraming, Profile: probe.Standard, Level: probe.Must,
			Refs: []probe.Ref{"RFC 5321 4.1.2", "RFC 5321 2.4"},
			Norm: "A command with a character that does not belong there must be refused, with 501, or with 500. A " +
				"server that cuts the line at the NUL, or leaves the NUL out, reads another command than was sent.",
			Start: probe.Hello, Own: true, Errors: 1,
			Script: probe.Script{test("NOOP\x00ZZ"), control("NOOP")},
			Judge:  patient(probe.Refuses("500,501", probe.LegalNothing)), Allowed: "550",
			Habit: probe.Habit{Name: "a NUL inside a command", Must: "let no NUL into a command"},
			Bites: "A sender that writes the padding of a fixed buffer with its command.",
			Fix:   "Write the command and its CR LF, and not the buffer in which they stand.",
		},
		{
			ID: "empty-line", Title: "an empty line",
			Group: probe.GroupFraming, Profile: probe.Standard, Level: probe.Should,
			Refs:  []probe.Ref{"RFC 5321 4.1.1", "RFC 5321 4.2"},
			Norm:  "Every command begins with a verb, and gets exactly one reply: an empty line should get 500.",
			Start: probe.Hello, Errors: 1, Worst: 2,
			Script: probe.Script{
				unread(probe.Test, "\r\n"), listen("reply", probe.Step{For: probe.LineWait, Replies: 1}), control("NOOP"),
			},
			Judge: refusesEmptyLine(), Allowed: "501",
			Habit: probe.Habit{Name: "empty lines between commands", Must: "send no empty line"},
			Bites: "A sender that ends its lines with two CRs and an LF, or writes one CR LF too many: from the first error on " +
				"it reads each reply as that to the next command.",
			Fix: "Write one CR LF behind each command, and read one reply to each.",
		},
	}
}

// lineForms are lines in an unusual form that must be served.
func lineForms() []probe.Check {
	return []probe.Check{
		{
			ID: "line-512", Title: "a command line of 512 octets",
			Group: probe.GroupFraming, Profile: probe.Standard, Polarity: probe.Service, Level: probe.Must,
			Refs: []probe.Ref{"RFC 5321 4.5.3.1.4", "RFC 5321 4.3.2"},
			Norm: "A server must take command lines of up to 512 octets, the CR LF included. \"Too long\" for one " +
				"that is not longer is a violation.",
			Start: probe.Hello, Worst: 2,
			Script: probe.Script{control("NOOP x"), test("NOOP " + strings.Repeat("x", 505))},
			Judge:  takesLongLine(),
			Habit:  probe.Habit{Name: "command lines of 512 octets", Must: "keep command lines well below 512 octets"},
			Bites:  "A sender with long addresses and parameters: MAIL with a long return path, SIZE, ENVID and AUTH.",
			Fix:    "Keep return paths and ENVIDs short for a receiver that fails this check.",
		},
		{
			ID: "line-overlong", Title: "a command line far above 512 octets gets one reply",
			Group: probe.GroupFraming, Profile: probe.Standard, Polarity: probe.Service, Level: probe.None,
			Refs: []probe.Ref{"RFC 5321 4.2", "RFC 5321 4.5.3.1.4"},
			Norm: "How long a line a server takes beyond 512 octets is its own choice. Served or refused, the line " +
				"gets exactly one reply, and its rest is no command.",
			Start: probe.Hello, Own: true, Worst: 2,
			Script: probe.Script{
				test("NOOP " + strings.Repeat("x", 4000)), listen("surplus", probe.Step{For: probe.Surplus}), control("NOOP"),
			},
			Judge: answersLongLine(),
			Habit: probe.Habit{Name: "command lines far beyond 512 octets", Must: "bound the length of its command lines"},
			Bites: "A sender that puts something long into a command, a token or a list: where the rest of the line " +
				"is taken for commands, all replies behind it are shifted.",
			Fix: "Bound the length of what goes into a command.",
		},
		{
			ID: "trailing-space", Title: "white space behind a command",
			Group: probe.GroupFraming, Profile: probe.Standard, Polarity: probe.Service, Level: probe.Should,
			Refs:  []probe.Ref{"RFC 5321 4.1.1"},
			Norm:  "A server should tolerate white space before the CR LF of a command.",
			Start: probe.Hello, Worst: 1,
			Script: probe.Script{test("RSET  "), control("RSET")},
			Judge:  probe.Serves("250", probe.LegalNothing),
			Habit: probe.Habit{
				Name: "white space at the end of a command",
				Must: "send no white space at the end of a command",
			},
			Bites: "A sender that builds its commands from parts, of which the last one may be empty.",
			Fix:   "Cut white space off the end of every command.",
		},
		{
			ID: "lowercase-verbs", Title: "commands in lower case, or in both",
			Group: probe.GroupFraming, Profile: probe.Quick, Polarity: probe.Service, Level: probe.Must,
			Refs:  []probe.Ref{"RFC 5321 2.4", "RFC 5321 4.1.1"},
			Norm:  "Verbs and keywords are not case sensitive: ehlo and eHlO are EHLO, and mail from: is MAIL FROM:.",
			Needs: probe.Needs{Mail: true}, Start: probe.Greeted, Worst: 2,
			Script: probe.Script{
				probe.Line(probe.Test, "eHlO {ehlo}").Wanting("250"), probe.Line("mail", "mail from:{from}").Wanting("250"),
				probe.Line("reset", "rset"), rset,
			},
			Judge: servesAnyCase(),
			Habit: probe.Habit{Name: "commands in lower case", Must: "write commands in upper case"},
			Bites: "A person who types a session by hand, and a script whose author did.",
			Fix:   "Write verbs and keywords in upper case.",
		},
	}
}

// pathForms are MAILs whose path stands in a form that many servers tolerate.
func pathForms() []probe.Check {
	form := func(variant, title, norm, command string, habit probe.Habit, bites, fix string) probe.Check {
		return probe.Check{
			ID: "mail-syntax/" + variant, Title: title,
			Group: probe.GroupFraming, Profile: probe.Standard, Level: probe.None,
			Refs:  []probe.Ref{"RFC 5321 3.3", "RFC 5321 4.1.2"},
			Norm:  norm + " The reply for such an error is 501. Most servers tolerate it.",
			Needs: probe.Needs{Mail: true}, Start: probe.Hello, Errors: 1, Worst: 2,
			Script: probe.Script{test(command), rset, control(probe.CommandMAIL), rset},
			Judge:  patient(probe.Refuses("501", probe.LegalMail)),
			Habit:  habit, Bites: bites, Fix: fix,
		}
	}
	return []probe.Check{
		form("space-after-colon", "a space behind MAIL FROM:",
			"No space may stand on either side of the colon.", "MAIL FROM: {from}",
			probe.Habit{Name: "a space behind MAIL FROM:", Must: "write the address right behind MAIL FROM:"},
			"A sender that writes MAIL FROM: and the address as a header field is written, with a space between.",
			"Write the path right behind the colon."),
		form("no-brackets", "MAIL with an address without angle brackets",
			"The path of MAIL stands in angle brackets.", "MAIL FROM:smtpprobe@{ehlo}",
			probe.Habit{Name: "an address without angle brackets", Must: "put addresses in angle brackets"},
			"A script that puts the bare address behind MAIL FROM:.",
			"Put the address in angle brackets."),
	}
}
