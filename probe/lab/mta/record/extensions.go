package main

import "strconv"

var extensions = []exchange{
	{"param-unknown/mail", parameter("ZZPROBE=1")},
	{"param-unknown/rcpt", recipientParameter("ZZPROBE=1")},
	{"size-unadvertised", unless("SIZE", parameter("SIZE=1000"))},
	{"size-over-limit", where("SIZE", sizeOverLimit)},
	{"body-8bitmime-unadvertised", unless("8BITMIME", parameter("BODY=8BITMIME"))},
	{"body-binarymime-unadvertised", func(r *recording) {
		if r.offered.has("BINARYMIME") && r.offered.has("CHUNKING") {
			r.notPlayed("BINARYMIME is offered, and CHUNKING")
			return
		}
		parameter("BODY=BINARYMIME")(r)
	}},
	{"smtputf8-unadvertised", unless("SMTPUTF8", parameter("SMTPUTF8"))},
	{"non-ascii-address", func(r *recording) {
		s := r.start().say(mail, "RSET")
		s.undo(s.command("MAIL FROM:<smtpprobe-\xc3\xbc@" + ehloName + ">"))
		s.legal(mailFrom).legal(mail).leave()
	}},
	{"dsn-unadvertised/ret", unless("DSN", parameter("RET=HDRS"))},
	{"dsn-unadvertised/envid", unless("DSN", parameter("ENVID=smtpprobe"))},
	{"dsn-unadvertised/notify", unless("DSN", recipientParameter("NOTIFY=NEVER"))},
	{"dsn-bad-value", where("DSN", func(r *recording) {
		s := r.start()
		s.undo(s.command(mail + " RET=XYZ"))
		s.undo(s.command(mail + " RET=HDRS" + " RET=HDRS"))
		s.legal(mail + " RET=HDRS").legal(mail).leave()
	})},
	{"requiretls-in-clear", parameter("REQUIRETLS")},
	{"params-after-helo", func(r *recording) {
		s := r.greeted().say(helo)
		s.undo(s.command(mail + " SIZE=1000"))
		s.legal(mail).leave()
	}},
}

// parameter plays MAIL with a parameter between two plain ones.
func parameter(words string) func(*recording) {
	return func(r *recording) {
		s := r.start().say(mail, "RSET")
		s.undo(s.command(mail + " " + words))
		s.legal(mail).leave()
	}
}

// legal plays a MAIL that should be accepted, and once more after a RSET where it is not: with
// some receivers the parameters of a refused MAIL stay behind.
func (s *session) legal(line string) *session {
	if code, _ := s.command(line); code/100 != 2 {
		s.say("RSET", line)
	}
	return s.say("RSET")
}

// recipientParameter plays RCPT with a parameter, then the same without.
func recipientParameter(words string) func(*recording) {
	return func(r *recording) { r.start().say(mail, rcpt+" "+words, rcpt, "RSET").leave() }
}

func sizeOverLimit(r *recording) {
	most, err := strconv.ParseUint(r.offered["SIZE"], 10, 64)
	if err != nil || most == 0 {
		r.notPlayed("SIZE is offered without a limit")
		return
	}
	parameter("SIZE=" + strconv.FormatUint(most+1, 10))(r)
}
