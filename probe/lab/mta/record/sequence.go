package main

var sequence = []exchange{
	// Before EHLO or HELO.
	{"mail-before-ehlo", func(r *recording) {
		s := r.greeted()
		s.undo(s.command(mail))
		s.say(ehlo, mail, "RSET").leave()
	}},
	{"rcpt-before-ehlo", func(r *recording) {
		s := r.greeted()
		s.undo(s.command(rcpt))
		s.say(ehlo, mail, rcpt, "RSET").leave()
	}},
	{"data-before-ehlo", func(r *recording) { r.greeted().say("DATA", ehlo, mail, "RSET").leave() }},
	{"noop-before-ehlo", beforeEHLO("NOOP")},
	{"rset-before-ehlo", beforeEHLO("RSET")},
	{"vrfy-before-ehlo", beforeEHLO(vrfy)},
	{"help-before-ehlo", beforeEHLO("HELP")},
	{"quit-before-ehlo", func(r *recording) {
		r.greeted().leave()
		r.control("after EHLO")
		r.start().leave()
	}},

	// Inside a session.
	{"rcpt-before-mail", func(r *recording) {
		s := r.start()
		s.undo(s.command(rcpt))
		s.say(mail, rcpt, "RSET").leave()
	}},
	{"data-before-mail", func(r *recording) { r.start().say("DATA", mail, "RSET").leave() }},
	{"data-without-rcpt", func(r *recording) { r.start().say(mail, "DATA", "RSET").leave() }},
	{"data-after-rcpt-refused", dataAfterRefused},
	{"nested-mail", func(r *recording) { r.start().say(mail, mail, "RSET", mail, "RSET").leave() }},
	{"ehlo-twice", func(r *recording) { r.start().say(ehlo, mail, "RSET").leave() }},
	{"ehlo-after-helo", func(r *recording) {
		r.greeted().say(helo, ehlo, mail, "RSET").leave()
		r.control("EHLO at once")
		r.start().leave()
	}},
	{"helo-single-line", func(r *recording) {
		r.greeted().say(helo, mail, "RSET").leave()
		r.control("EHLO in its place")
		r.start().say(mail, "RSET").leave()
	}},
	// No third EHLO: the one of the start is the control.
	{"ehlo-no-argument", func(r *recording) { r.start().say("EHLO", mail, "RSET").leave() }},
	{"ehlo-rejected-keeps-state", func(r *recording) { r.start().say(mail, "EHLO", rcpt, "RSET").leave() }},
	{"rset-with-argument", func(r *recording) { r.start().say("RSET now", "RSET", mail, "RSET").leave() }},
	{"noop-with-argument", func(r *recording) { r.start().say("NOOP smtpprobe", "NOOP", mail, "RSET").leave() }},
	{"unknown-command", func(r *recording) { r.start().say(unknown, "NOOP", mail, "RSET").leave() }},
}

// beforeEHLO plays a command that needs no session before EHLO and after it.
func beforeEHLO(line string) func(*recording) {
	return func(r *recording) { r.greeted().say(line, ehlo, line).leave() }
}

// dataAfterRefused goes no further where the recipient is not refused: then DATA might
// deliver.
func dataAfterRefused(r *recording) {
	s := r.start().say(mail)
	if code, _ := s.command(rcptBad); code/100 == 4 || code/100 == 5 {
		s.say("DATA", "RSET", mail, "RSET").leave()
		return
	}
	s.say("RSET").leave()
	r.note("\n-- not played: the recipient is not refused")
}
