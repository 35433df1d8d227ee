package checks_test

import (
	"slices"
	"strings"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
)

var (
	line512  = "NOOP " + strings.Repeat("x", 505)
	overlong = "NOOP " + strings.Repeat("x", 4000)
)

// framingGroup is 6.10 but for quit-closes, which has a table of its own.
func framingGroup() group {
	tolerance := "that a path has a certain form is grammar, and most servers are lenient: an observation (card)"
	return group{
		rows: slices.Concat(sessionEndRows(), lineEndRows(), emptyLineRows(), lineFormRows(), pathFormRows()),
		places: map[string]judgedPlace{
			"quit-mid-transaction": {state: "M", line: "QUIT"},
			"nul-byte":             {state: "E", line: "NOOP\x00ZZ"},
			"empty-line":           {state: "E", line: "", level: "that a command has a verb is grammar (4.1.1), a SHOULD here; the row leaves it open", apart: true},
			"line-512":             {state: "E", line: line512, level: "the row is about the argument; the length is a MUST (4.5.3.1.4)", apart: true},
			"trailing-space":       {state: "E", line: "RSET  ", level: "the row's MUST is about RSET; white space is a SHOULD (4.1.1)", apart: true},
			"lowercase-verbs":      {state: "I", line: "eHlO probe.example"},

			"mail-syntax/space-after-colon": {state: "E", line: "MAIL FROM: <>", level: tolerance, apart: true},
			"mail-syntax/no-brackets":       {state: "E", line: "MAIL FROM:smtpprobe@probe.example", level: tolerance, apart: true},
		},
		nowhere: map[string]string{
			"command-after-quit":   "the reference has closed by then",
			"pipelined-after-quit": "the same",
			"bare-lf-command":      "a line that is not ended has no row",
			"bare-cr-command":      "the number of replies is judged, whatever their codes",
			"line-overlong":        "the same",
		},
		changes: framingChanges(),
	}
}

// lineDeviations are the lapses of the lab about lines and the form of BDAT.
func lineDeviations() []deviation {
	return []deviation{
		{lapse: lab.RefuseLongLines(500), is: is("line-512", "overstrict")},
		{lapse: lab.SplitLongLines(2048), is: is("line-overlong", "broken")},
		{lapse: lab.RefuseTrailingSpace(), is: is("trailing-space", "overstrict")},
		{lapse: lab.UpperCaseOnly(), is: is("lowercase-verbs", "overstrict")},
		{lapse: lab.TakeBareCR(), is: is("bare-cr-command", "lenient")},
		{lapse: lab.CutAtNUL(), is: is("nul-byte", "lenient")},
		{lapse: lab.PassOverEmptyLines(), is: is("empty-line", "lenient")},
		{lapse: lab.TolerateSenders(), is: is("mail-syntax/space-after-colon", "lenient", "mail-syntax/no-brackets", "lenient")},
		{lapse: lab.TolerateChunks(), is: is(
			"bdat-malformed/no-size", "lenient", "bdat-malformed/bad-size", "lenient", "bdat-malformed/bad-marker", "lenient",
		)},
	}
}

func sessionEndRows() []row {
	const mid, after, piped = "quit-mid-transaction", "command-after-quit", "pipelined-after-quit"
	const quit, noop, both, bye = "QUIT\r\n", "NOOP\r\n", "QUIT\r\nNOOP\r\n", "221 2.0.0 Bye"
	m, e := at("M", "QUIT"), at("E", "QUIT")
	stays := []lab.Lapse{lab.StayAfterQuit()}
	return []row{
		{check: mid, name: "221 and close", verdict: probe.Correct, says: conforms()},
		{check: mid, name: "221 and still open", lapses: stays, verdict: probe.Lenient, says: violates()},
		{check: mid, name: "503", lapses: answers(m, "503 5.5.1 Not now"), verdict: probe.Overstrict, says: violates()},
		{check: mid, name: "a close without a word", lapses: hangsUp(m, ""), verdict: probe.Dropped, says: violates()},
		{check: mid, name: "neither word nor close", lapses: []lab.Lapse{lab.SilentQuit()}, verdict: probe.Broken, says: violates()},

		{check: after, name: "221 and close", verdict: probe.Strict, says: conforms()},
		{check: after, name: "NOOP served", lapses: stays, verdict: probe.Lenient, says: violates()},
		// "LENIENT any reply."
		{check: after, name: "NOOP refused", lapses: stays, box: behind(quit, noop, keep, "503 5.5.1 Too late"), verdict: probe.Lenient, says: violates()},
		{check: after, name: "a close at NOOP", lapses: stays, box: behind(quit, noop, hangUp), verdict: probe.Strict, says: conforms()},
		{check: after, name: "neither word nor close", lapses: stays, box: behind(quit, noop, keep), verdict: probe.Deviant, says: violates()},
		{check: after, name: "QUIT not answered", lapses: []lab.Lapse{lab.SilentQuit()}, verdict: probe.Broken, says: violates()},
		{check: after, name: "221 twice", lapses: []lab.Lapse{lab.Repeat("QUIT")}, verdict: probe.Broken, says: violates()},
		{check: after, name: "a close at QUIT", lapses: hangsUp(e, ""), verdict: probe.Dropped, says: violates()},
		{check: after, name: "250 to QUIT", lapses: answers(e, "250 2.0.0 Bye"), verdict: probe.Inconclusive, reason: "not answered 221"},

		{check: piped, name: "221 and close", verdict: probe.Strict, says: conforms()},
		{check: piped, name: "221 and 250", lapses: stays, verdict: probe.Lenient, says: violates()},
		{check: piped, name: "221 and 503", box: onOctets(both, hangUp, bye, "503 5.5.1 Too late"), verdict: probe.Deviant, says: violates()},
		{check: piped, name: "221 and still open", box: onOctets(both, keep, bye), verdict: probe.Deviant, says: violates()},
		{check: piped, name: "554 and close", box: onOctets(both, hangUp, "554 5.5.0 One at a time"), verdict: probe.Deviant, says: conforms()},
		{check: piped, name: "502", box: onOctets(both, hangUp, "502 5.5.1 What?"), verdict: probe.Deviant, says: violates()},
		{check: piped, name: "250", box: onOctets(both, hangUp, "250 2.0.0 Bye"), verdict: probe.Broken, says: violates()},
		{check: piped, name: "neither word nor close", box: onOctets(both, keep), verdict: probe.Broken, says: violates()},
		{check: piped, name: "421", box: onOctets(both, hangUp, "421 4.5.0 Goodbye"), verdict: probe.Dropped, says: conforms()},
		{check: piped, name: "221 twice", box: onOctets(both, hangUp, bye, bye), verdict: probe.Broken, says: violates()},
		{check: piped, name: "550 of policy", box: onOctets(both, hangUp, "550 5.7.1 Not you"), verdict: probe.Inconclusive, reason: "policy"},
		{check: piped, name: "a close without a word", box: onOctets(both, hangUp), verdict: probe.Inconclusive, reason: "221 lost"},
	}
}

func lineEndRows() []row {
	const lf, cr, nul = "bare-lf-command", "bare-cr-command", "nul-byte"
	const half, crLine, end, ok, no = "NOOP\n", "NOOP a\rNOOP b", "\r\n", "250 2.0.0 OK", "500 5.5.2 What?"
	silent := func(replies ...string) *middlebox { return behind(half, end, keep, replies...) }
	all := []row{
		{check: lf, name: "silence, then 501", verdict: probe.Strict, says: conforms()},
		{check: lf, name: "silence, then 250", box: silent(ok), verdict: probe.Strict, says: conforms()},
		{check: lf, name: "550", box: onOctets(half, keep, "550 5.5.2 Bare LF"), verdict: probe.Strict, says: conforms()},
		{check: lf, name: "500 and close", box: onOctets(half, hangUp, no), verdict: probe.Strict, says: conforms()},
		{check: lf, name: "502", box: onOctets(half, keep, "502 5.5.1 What?"), verdict: probe.Deviant, says: violates()},
		{check: lf, name: "250", lapses: []lab.Lapse{lab.TakeBareLF()}, verdict: probe.Lenient, says: violates()},
		{check: lf, name: "a close without a word", box: onOctets(half, hangUp), verdict: probe.Dropped, says: violates()},
		{check: lf, name: "502 and close", box: onOctets(half, hangUp, "502 5.5.1 What?"), verdict: probe.Dropped, says: violates()},
		{check: lf, name: "421", box: onOctets(half, hangUp, "421 4.5.0 Goodbye"), verdict: probe.Dropped, says: conforms()},
		{check: lf, name: "silence, then two replies", box: silent(ok, no), verdict: probe.Broken, says: violates()},
		{check: lf, name: "silence for good", box: silent(), verdict: probe.Broken, says: violates()},
		{check: lf, name: "words without a code", box: onOctets(half, keep, "Hello there"), verdict: probe.Broken, says: violates()},
		{check: lf, name: "550 of policy", box: onOctets(half, keep, "550 5.7.1 Not you"), verdict: probe.Inconclusive, reason: "policy"},
		{check: lf, name: "450", box: onOctets(half, keep, "455 4.5.0 Later"), verdict: probe.Inconclusive, reason: "455"},
		{check: lf, name: "slower than the silence", lapses: []lab.Lapse{lab.TakeBareLF(), lab.Late("NOOP", 6*time.Second)}, verdict: probe.Inconclusive, reason: "tarpit"},

		{check: cr, name: "501", verdict: probe.Strict, says: conforms()},
		{check: cr, name: "250", box: onLine(crLine, keep, ok), verdict: probe.Strict, says: conforms()},
		{check: cr, name: "550 and close", box: onLine(crLine, hangUp, "550 5.5.2 Bare CR"), verdict: probe.Strict, says: conforms()},
		{check: cr, name: "two replies", lapses: []lab.Lapse{lab.TakeBareCR()}, verdict: probe.Lenient, says: violates()},
		{check: cr, name: "250 and 500", box: onLine(crLine, keep, ok, no), verdict: probe.Inconclusive, reason: "first NOOP"},
		{check: cr, name: "three replies", box: onLine(crLine, keep, ok, ok, no), verdict: probe.Broken, says: violates()},
		{check: cr, name: "no reply", box: onLine(crLine, keep), verdict: probe.Broken, says: violates()},
		{check: cr, name: "a close without a word", box: onLine(crLine, hangUp), verdict: probe.Dropped, says: violates()},
		{check: cr, name: "421", box: onLine(crLine, hangUp, "421 4.5.0 Goodbye"), verdict: probe.Dropped, says: conforms()},
		{check: cr, name: "slower than the silence", lapses: []lab.Lapse{lab.Late("NOOP", 3*time.Second)}, verdict: probe.Inconclusive, reason: "tarpit"},

		{check: nul, name: "501", verdict: probe.Strict, says: conforms()},
		{check: nul, name: "500", box: onLine("NOOP\x00ZZ", keep, no), verdict: probe.Strict, says: conforms()},
		{check: nul, name: "550", box: onLine("NOOP\x00ZZ", keep, "550 5.5.2 What?"), verdict: probe.Deviant, says: conforms()},
		{check: nul, name: "502", box: onLine("NOOP\x00ZZ", keep, "502 5.5.1 What?"), verdict: probe.Deviant, says: violates()},
		{check: nul, name: "cut at the NUL", lapses: []lab.Lapse{lab.CutAtNUL()}, verdict: probe.Lenient, says: violates()},
	}
	return append(all, endingsOf(nul, "NOOP\x00ZZ", probe.Must)...)
}

func emptyLineRows() []row {
	const id, end, noop = "empty-line", "\r\n", "NOOP\r\n"
	passes := []lab.Lapse{lab.PassOverEmptyLines()}
	return []row{
		{check: id, name: "500", verdict: probe.Strict, says: conforms()},
		{check: id, name: "500 and close", box: onOctets(end, hangUp, "500 5.5.2 What?"), verdict: probe.Strict, says: conforms()},
		{check: id, name: "501", box: onOctets(end, keep, "501 5.5.2 What?"), verdict: probe.Deviant, says: conforms()},
		{check: id, name: "503", box: onOctets(end, keep, "503 5.5.1 What?"), verdict: probe.Deviant, says: deviates()},
		{check: id, name: "passed over", lapses: passes, verdict: probe.Lenient, says: deviates()},
		{check: id, name: "250", box: onOctets(end, keep, "250 2.0.0 OK"), verdict: probe.Lenient, says: deviates()},
		{check: id, name: "a close without a word", box: onOctets(end, hangUp), verdict: probe.Dropped, says: deviates()},
		{check: id, name: "421", box: onOctets(end, hangUp, "421 4.5.0 Goodbye"), verdict: probe.Dropped, says: conforms()},
		{check: id, name: "503 and close", box: onOctets(end, hangUp, "503 5.5.1 What?"), verdict: probe.Dropped, says: deviates()},
		{check: id, name: "two replies", box: onOctets(end, keep, "500 5.5.2 What?", "500 5.5.2 What?"), verdict: probe.Broken, says: deviates()},
		{check: id, name: "an empty reply", box: onOctets(end, keep, ""), verdict: probe.Broken, says: deviates()},
		{check: id, name: "silence to NOOP as well", lapses: passes, box: behind(end, noop, keep), verdict: probe.Broken, says: deviates()},
		{check: id, name: "the reply only with that to NOOP", lapses: passes, box: behind(end, noop, keep, "500 5.5.2 What?", "250 2.0.0 OK"), verdict: probe.Broken, says: deviates()},
		{check: id, name: "450", box: onOctets(end, keep, "450 4.3.2 Busy"), verdict: probe.Inconclusive, reason: "450"},
		{check: id, name: "slower than the silence", lapses: append(passes, lab.Late("NOOP", 6*time.Second)), verdict: probe.Inconclusive, reason: "tarpit"},
	}
}

func lineFormRows() []row {
	const short, long, space, lower = "line-512", "line-overlong", "trailing-space", "lowercase-verbs"
	const no = "500 5.5.2 What?"
	all := []row{
		{check: short, name: "250", verdict: probe.Correct, says: conforms()},
		{check: short, name: "500", lapses: []lab.Lapse{lab.RefuseLongLines(500)}, verdict: probe.Overstrict, says: violates()},
		{check: short, name: "no NOOP with an argument", box: onLine("NOOP x", keep, "501 5.5.4 No argument"), verdict: probe.Inconclusive, reason: "short NOOP"},

		{check: long, name: "250", verdict: probe.Correct, says: unregulated()},
		{check: long, name: "500", lapses: []lab.Lapse{lab.RefuseLongLines(1000)}, verdict: probe.Correct, says: unregulated()},
		{check: long, name: "the rest taken for a command", lapses: []lab.Lapse{lab.SplitLongLines(2048)}, verdict: probe.Broken, says: unregulated()},
		{check: long, name: "no reply", box: onLine(overlong, keep), verdict: probe.Broken, says: unregulated()},
		{check: long, name: "500 and close", box: onLine(overlong, hangUp, no), verdict: probe.Dropped, says: unregulated()},
		{check: long, name: "a close without a word", box: onLine(overlong, hangUp), verdict: probe.Dropped, says: unregulated()},
		{check: long, name: "NOOP behind it refused", box: behind(overlong+"\r\n", "NOOP\r\n", keep, no), verdict: probe.Inconclusive, reason: "NOOP behind"},
		{check: long, name: "slower than the silence", lapses: []lab.Lapse{lab.Late("NOOP", 3*time.Second)}, verdict: probe.Inconclusive, reason: "tarpit"},

		{check: space, name: "250", verdict: probe.Correct, says: conforms()},
		{check: space, name: "501", lapses: []lab.Lapse{lab.RefuseTrailingSpace()}, verdict: probe.Overstrict, says: deviates()},

		{check: lower, name: "three times 250", verdict: probe.Correct, says: conforms()},
		{check: lower, name: "500", lapses: []lab.Lapse{lab.UpperCaseOnly()}, verdict: probe.Overstrict, says: violates()},
		{check: lower, name: "500 to mail only", box: onLine("mail from:<>", keep, no), verdict: probe.Overstrict, says: violates()},
		{check: lower, name: "500 to rset only", box: onLine("rset", keep, no), verdict: probe.Overstrict, says: violates()},
		{check: lower, name: "550 of policy", box: onLine("mail from:<>", keep, "550 5.7.1 Not you"), verdict: probe.Inconclusive, reason: "policy"},
	}
	return slices.Concat(
		all, endingsOf(short, line512, probe.Must), endingsOf(space, "RSET  ", probe.Should), endingsOf(lower, "eHlO probe.example", probe.Must),
	)
}

func pathFormRows() []row {
	var all []row
	for id, line := range map[string]string{
		"mail-syntax/space-after-colon": "MAIL FROM: <>", "mail-syntax/no-brackets": "MAIL FROM:smtpprobe@probe.example",
	} {
		all = append(
			all,
			row{check: id, name: "501", verdict: probe.Strict, says: unregulated()},
			row{check: id, name: "553", box: onLine(line, keep, "553 5.1.7 No"), verdict: probe.Deviant, says: unregulated()},
			row{check: id, name: "250", lapses: []lab.Lapse{lab.TolerateSenders()}, verdict: probe.Lenient, says: unregulated()},
			row{check: id, name: "550 of policy", box: onLine(line, keep, "550 5.7.1 Not you"), verdict: probe.Inconclusive, reason: "policy"},
		)
		all = append(all, endingsOf(id, line, probe.None)...)
	}
	return all
}
