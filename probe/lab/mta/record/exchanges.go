package main

import "time"

const (
	ehloName = "probe.lab.example"
	ehlo     = "EHLO " + ehloName
	helo     = "HELO " + ehloName
	mail     = "MAIL FROM:<>"
	mailFrom = "MAIL FROM:<smtpprobe@" + ehloName + ">"
	rcpt     = "RCPT TO:<postmaster@lab.example>"
	rcptBad  = "RCPT TO:<smtpprobe@smtpprobe.invalid>"
	vrfy     = "VRFY postmaster"
	unknown  = "ZZPROBE"
)

// exchange is one recording: how to play it.
type exchange struct {
	name string
	play func(*recording)
}

// groups are the files of a receiver: the controls and the checks, each check with its
// matched control, which is the same command in its legal place, or a plain MAIL where that
// place needs a recipient. Section 6 of the catalogue has the cards.
var groups = []struct {
	name      string
	exchanges []exchange
}{
	{"controls", controls},
	{"greeting", greetings},
	{"sequence", sequence},
	{"transaction-reset", resets},
	{"starttls", starttls},
	{"pipelining", pipelining},
	{"chunking", chunking},
	{"extensions", extensions},
	{"auth", auth},
	{"framing", framing},
	{"replies", replies},
}

var controls = []exchange{
	{"B0", func(r *recording) { r.start().say(mail, "RSET", "NOOP").leave() }},
	{"B1", func(r *recording) { r.start().say(mail, rcpt, rcptBad, "RSET").leave() }},
	{"B2", where("STARTTLS", func(r *recording) { r.startTLS().say(ehlo, mail, "RSET").leave() })},
	{"B3", func(r *recording) { r.greeted().say(helo, mail, "RSET").leave() }},
}

var replies = []exchange{
	{"vrfy-reply", func(r *recording) { r.start().say(vrfy, mail, "RSET").leave() }},
}

// greeted is a connection after its greeting.
func (r *recording) greeted() *session {
	s := r.connect()
	s.greeting()
	return s
}

// start is a connection after EHLO.
func (r *recording) start() *session { return r.greeted().say(ehlo) }

// startTLS is a connection after the handshake, with no new EHLO yet.
func (r *recording) startTLS() *session {
	s := r.start()
	if code, _ := s.command("STARTTLS"); code == 220 {
		s.handshake()
	} else {
		s.leave()
	}
	return s
}

// control announces the legal counterpart on a connection of its own.
func (r *recording) control(what string) { r.note("\n-- control: %s", what) }

// say plays commands one after the other, each with its reply.
func (s *session) say(lines ...string) *session {
	for _, line := range lines {
		if !s.over {
			s.command(line)
		}
	}
	return s
}

// undo clears what a command should not have been able to open. It takes the results of
// command as they are.
func (s *session) undo(code int, _ []string) {
	if code/100 == 2 {
		s.say("RSET")
	}
}

// settled looks for replies that nobody asked for. Where there are any, nothing but QUIT is
// said, since who answers what is no longer known.
func (s *session) settled(window time.Duration) *session {
	if s.drain(window) > 0 {
		s.leave()
	}
	return s
}
