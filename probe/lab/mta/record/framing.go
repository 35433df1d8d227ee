package main

import "strings"

var framing = []exchange{
	{"quit-closes", func(r *recording) { r.start().leave() }},
	{"quit-mid-transaction", func(r *recording) {
		r.start().say(mail).leave()
		r.control("outside a transaction")
		r.start().leave()
	}},
	{"command-after-quit", commandAfterQuit},
	{"pipelined-after-quit", pipelinedAfterQuit},
	{"bare-lf-command", bareLF},
	{"bare-cr-command", func(r *recording) {
		s := r.start()
		s.raw("NOOP a\rNOOP b\r\n", 1)
		s.settled(listenWindow).say("NOOP a").leave()
	}},
	{"line-512", func(r *recording) {
		r.start().say("NOOP x", "NOOP "+strings.Repeat("x", 505), mail, "RSET").leave()
	}},
	{"line-overlong", func(r *recording) {
		s := r.start()
		s.command("NOOP " + strings.Repeat("x", 4000))
		s.settled(listenWindow).say("NOOP").leave()
	}},
	{"nul-byte", func(r *recording) {
		s := r.start()
		s.command("NOOP\x00ZZ")
		s.settled(drainWindow).say("NOOP").leave()
	}},
	{"trailing-space", func(r *recording) { r.start().say("RSET  ", "RSET", mail, "RSET").leave() }},
	{"lowercase-verbs", func(r *recording) {
		r.greeted().say("eHlO "+ehloName, "mail from:<>", "rset", mail, "RSET").leave()
	}},
	{"mail-syntax/space-after-colon", loosely("MAIL FROM: <>", mail)},
	{"mail-syntax/no-brackets", loosely("MAIL FROM:smtpprobe@"+ehloName, mailFrom)},
	{"empty-line", emptyLine},
}

// loosely plays a MAIL that is not as the grammar has it, then its legal form.
func loosely(line, legal string) func(*recording) {
	return func(r *recording) {
		s := r.start()
		s.undo(s.command(line))
		s.legal(legal).leave()
	}
}

// commandAfterQuit says NOOP after the 221, where the connection is still open then.
func commandAfterQuit(r *recording) {
	s := r.start().say("QUIT")
	if s.drain(afterQuit); !s.over {
		s.write("NOOP\r\n")
		s.drain(closeWindow)
	}
	s.end("closed by the probe")
}

// pipelinedAfterQuit is played once more where a reset took the 221 with it.
func pipelinedAfterQuit(r *recording) {
	for range 2 {
		s := r.start()
		codes := s.raw("QUIT\r\nNOOP\r\n", 1)
		s.drain(closeWindow)
		s.end("closed by the probe")
		if len(codes) > 0 {
			return
		}
	}
}

// bareLF ends the line properly only if nothing came of the bare LF.
func bareLF(r *recording) {
	s := r.start()
	s.write("NOOP\n")
	if code, _ := s.reply(closeWindow); code == 0 {
		s.raw("\r\n", 1)
	}
	s.settled(drainWindow).say("NOOP").leave()
}

// emptyLine says NOOP in any case: where the empty line is passed over, the one reply is its.
func emptyLine(r *recording) {
	s := r.start()
	s.write("\r\n")
	if code, _ := s.reply(closeWindow); code != 0 {
		s.settled(drainWindow)
	}
	s.say("NOOP")
	s.settled(drainWindow).leave()
}
