package main

import "time"

var starttls = []exchange{
	{"starttls-before-ehlo", where("STARTTLS", func(r *recording) {
		r.greeted().clearSTARTTLS("STARTTLS").say(ehlo, mail, "RSET").leave()
		r.control("after EHLO")
		r.startTLS().say(ehlo).leave()
	})},
	{"starttls-after-helo", where("STARTTLS", func(r *recording) {
		r.greeted().say(helo).clearSTARTTLS("STARTTLS").say(mail, "RSET").leave()
		r.control("after EHLO")
		r.startTLS().say(ehlo).leave()
	})},
	{"starttls-unadvertised", unless("STARTTLS", func(r *recording) {
		r.start().clearSTARTTLS("STARTTLS").say(mail, "RSET").leave()
	})},
	{"starttls-with-parameter", where("STARTTLS", func(r *recording) {
		r.start().clearSTARTTLS("STARTTLS smtpprobe").say("NOOP", mail, "RSET").leave()
		r.control("without the parameter")
		r.startTLS().say(ehlo).leave()
	})},
	{"starttls-mid-transaction", where("STARTTLS", func(r *recording) {
		// Where it is refused, the RCPT shows whether the transaction is still there.
		r.start().say(mail).clearSTARTTLS("STARTTLS").say(rcpt, "RSET").leave()
		r.control("outside a transaction")
		r.startTLS().say(ehlo).leave()
	})},
	{"starttls-inside-tls", where("STARTTLS", func(r *recording) {
		r.startTLS().say(ehlo).clearSTARTTLS("STARTTLS").say(mail, "RSET").leave()
	})},
	{"tls-no-second-greeting", where("STARTTLS", func(r *recording) {
		s := r.startTLS()
		s.drain(briefWindow)
		s.say(ehlo)
		s.settled(drainWindow).say(mail, "RSET").leave()
	})},
	{"tls-mail-without-ehlo", where("STARTTLS", func(r *recording) {
		s := r.startTLS()
		s.undo(s.command(mail))
		s.say(ehlo, mail, "RSET").leave()
	})},
	{"tls-transaction-survives", where("STARTTLS", tlsTransactionSurvives)},
	{"starttls-injection", where("STARTTLS", starttlsInjection)},
	{"starttls-broken-handshake", where("STARTTLS", brokenHandshake)},
}

// clearSTARTTLS says STARTTLS where no handshake is to follow. After a 220 it gives the
// receiver time to see that the connection is gone: for postscreen the client would still
// have two of them, and a second one gets another greeting.
func (s *session) clearSTARTTLS(line string) *session {
	if code, _ := s.command(line); code == 220 {
		s.end("closed by the probe, as a 220 allows nothing but a handshake")
		time.Sleep(briefWindow)
	}
	return s
}

func tlsTransactionSurvives(r *recording) {
	s := r.start().say(mail)
	if code, _ := s.command("STARTTLS"); code != 220 {
		// Refused: whether the transaction is still there.
		s.say(rcpt, "RSET").leave()
		return
	}
	s.handshake()
	s.undo(s.command(rcpt))
	s.say(ehlo)
	s.undo(s.command(rcpt))
	s.say(mail, "RSET").leave()
}

func starttlsInjection(r *recording) {
	if !injected(r) {
		return
	}
	r.note("\n-- once more, since something came of the injected line")
	injected(r)
}

// injected plays NOOP in the segment of STARTTLS and says whether it was answered.
func injected(r *recording) bool {
	s := r.start()
	s.write("STARTTLS\r\nNOOP\r\n")
	code, _ := s.reply(replyWait)
	if code != 220 {
		s.drain(drainWindow)
		s.leave()
		return false
	}
	if s.drain(drainWindow) > 0 {
		s.end("closed by the probe: answered in clear behind the 220")
		return true
	}
	s.handshake()
	answered := s.drain(listenWindow) > 0
	if s.command(ehlo); s.drain(drainWindow) > 0 {
		answered = true
	}
	s.leave()
	return answered
}

// brokenHandshake writes a command where a handshake is due, and nothing after that.
func brokenHandshake(r *recording) {
	s := r.start()
	if code, _ := s.command("STARTTLS"); code != 220 {
		s.leave()
		return
	}
	s.write(ehlo + "\r\n")
	s.drain(brokenWindow)
	s.end("closed by the probe")
	r.control("the handshake")
	r.startTLS().say(ehlo).leave()
}
