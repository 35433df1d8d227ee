package main

// resets are the checks of what ends a transaction and what leaves it alone. Whether one is
// open is seen from the answer to RCPT, to be read beside the one of B1.
var resets = []exchange{
	{"rset-clears", func(r *recording) {
		s := r.start().say(mail, "RSET")
		s.undo(s.command(rcpt))
		s.say(mail, "RSET").leave()
	}},
	{"ehlo-clears", func(r *recording) { r.start().say(mail, ehlo, rcpt, "RSET", mail, "RSET").leave() }},
	{"helo-clears", func(r *recording) { r.start().say(mail, helo, rcpt, "RSET", mail, "RSET").leave() }},
	{"mail-rejected-no-transaction", func(r *recording) {
		s := r.start()
		if code, _ := s.command("MAIL FROM:<<<"); code/100 == 2 {
			s.say("RSET").leave()
			r.note("\n-- not played to the end: the path is accepted")
			return
		}
		s.undo(s.command(rcpt))
		s.say(mail, "RSET").leave()
	}},
	{"noop-keeps-transaction", keeps("NOOP")},
	{"help-keeps-transaction", keeps("HELP")},
	{"vrfy-keeps-transaction", keeps(vrfy)},
	{"unknown-keeps-transaction", keeps(unknown)},
	{"rcpt-refused-keeps-transaction", func(r *recording) { r.start().say(mail, rcptBad, rcpt, "RSET").leave() }},
	// The recipient comes after DATA, and no second DATA after the recipient.
	{"data-rejected-keeps-transaction", func(r *recording) { r.start().say(mail, "DATA", rcpt, "RSET").leave() }},
	{"null-sender-transaction", func(r *recording) { r.start().say(mail, rcpt, "RSET").leave() }},
}

// keeps plays a side command in a transaction, and outside one on a connection of its own, as
// a refused one costs an error each time.
func keeps(side string) func(*recording) {
	return func(r *recording) {
		r.start().say(mail, side, rcpt, "RSET").leave()
		r.control("outside a transaction")
		r.start().say(side, mail, "RSET").leave()
	}
}
