package main

const (
	ehloName = "probe.lab.example"
	ehlo     = "EHLO " + ehloName
	helo     = "HELO " + ehloName
	mail     = "MAIL FROM:<>"
	rcpt     = "RCPT TO:<postmaster@lab.example>"
	rcptBad  = "RCPT TO:<smtpprobe@smtpprobe.invalid>"
)

// exchange is one recording: how to play it.
type exchange struct {
	name string
	play func(*recording)
}

// exchanges are the baselines and the checks, each with its matched control: the same
// command in its legal place, or a plain MAIL where that place needs a recipient.
var exchanges = []exchange{
	{"B0", func(r *recording) { r.start().say(mail, "RSET", "NOOP").leave() }},
	{"B1", func(r *recording) { r.start().say(mail, rcpt, rcptBad, "RSET").leave() }},
	{"B2", func(r *recording) { r.startTLS().say(ehlo, mail, "RSET").leave() }},
	{"B3", func(r *recording) { r.greeted().say(helo, mail, "RSET").leave() }},

	{"mail-before-ehlo", func(r *recording) {
		s := r.greeted()
		s.undo(s.command(mail))
		s.say(ehlo, mail, "RSET").leave()
	}},
	{"noop-before-ehlo", func(r *recording) { r.greeted().say("NOOP", ehlo, "NOOP").leave() }},
	{"rcpt-before-mail", func(r *recording) {
		s := r.start()
		s.undo(s.command(rcpt))
		s.say(mail, rcpt, "RSET").leave()
	}},
	{"data-before-mail", func(r *recording) { r.start().say("DATA", mail, "RSET").leave() }},
	{"data-without-rcpt", func(r *recording) { r.start().say(mail, "DATA", "RSET").leave() }},
	{"nested-mail", func(r *recording) { r.start().say(mail, mail, "RSET", mail, "RSET").leave() }},
	{"rset-clears", func(r *recording) {
		s := r.start().say(mail, "RSET")
		s.undo(s.command(rcpt))
		s.say(mail, "RSET").leave()
	}},
	{"ehlo-clears", func(r *recording) { r.start().say(mail, ehlo, rcpt, "RSET", mail, "RSET").leave() }},
	{"noop-keeps-transaction", func(r *recording) { r.start().say(mail, "NOOP", rcpt, "RSET").leave() }},
	{"quit-closes", func(r *recording) { r.start().leave() }},

	{"starttls-injection", starttlsInjection},
	{"starttls-inside-tls", func(r *recording) {
		s := r.startTLS().say(ehlo)
		if code, _ := s.command("STARTTLS"); code == 220 {
			s.end("closed by the probe, as a 220 allows nothing but a handshake")
		}
		s.say(mail, "RSET").leave()
	}},
	{"tls-mail-without-ehlo", func(r *recording) {
		s := r.startTLS()
		s.undo(s.command(mail))
		s.say(ehlo, mail, "RSET").leave()
	}},
	{"tls-transaction-survives", tlsTransactionSurvives},

	{"pipeline-group", pipelineGroup},
	{"pipeline-unadvertised", func(r *recording) {
		if r.offered["PIPELINING"] {
			r.start().leave()
			r.note("\n-- not played: PIPELINING is offered")
			return
		}
		unasked(r.start())
		r.note("\n-- control: the same in single steps")
		r.start().say(mail, "RSET", "RSET").leave()
	}},
	{"pipeline-after-helo", func(r *recording) {
		unasked(r.greeted().say(helo))
		r.note("\n-- control: the same in single steps")
		r.greeted().say(helo, mail, "RSET", "RSET").leave()
	}},
	{"pipeline-ehlo-head", pipelineEHLOHead},
	{"early-talk", earlyTalk},
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

func pipelineGroup(r *recording) {
	if !r.offered["PIPELINING"] {
		r.start().leave()
		r.note("\n-- not played: PIPELINING is not offered")
		return
	}
	lines := []string{mail, rcptBad, "RSET", mail, "RSET"}
	r.note("\n-- control: the same in single steps")
	r.start().say(lines...).leave()
	s := r.start()
	if codes := s.group(lines...); len(codes) < len(lines) {
		s.say("NOOP")
		s.drain(drainWindow)
	}
	s.leave()
}

// unasked plays a group that nothing has allowed, and where it is served looks for a
// refusal that comes late.
func unasked(s *session) {
	served := 0
	for _, code := range s.group(mail, "RSET", "RSET") {
		if code == 250 {
			served++
		}
	}
	if served == 3 {
		s.say(mail, rcpt, "RSET")
	}
	s.leave()
}

func pipelineEHLOHead(r *recording) {
	if r.offered["PIPECONNECT"] || r.offered["X_PIPE_CONNECT"] {
		r.start().leave()
		r.note("\n-- not played: PIPECONNECT is offered")
		return
	}
	s := r.greeted()
	if codes := s.group(ehlo, "NOOP"); len(codes) == 1 {
		s.say("NOOP")
		s.drain(drainWindow)
	}
	s.leave()
	r.note("\n-- control: the same in single steps, and whether a transaction still opens")
	r.start().say("NOOP", mail, "RSET").leave()
}

// earlyTalk writes EHLO before the greeting, ten times, and keeps each different exchange
// once with the number of times it came.
func earlyTalk(r *recording) {
	const tries = 10
	var seen []string
	count := make(map[string]int)
	for i := 0; i < tries; i++ {
		text := early(r)
		if count[text] == 0 {
			seen = append(seen, text)
		}
		count[text]++
	}
	for _, text := range seen {
		r.note("\n-- %d of %d tries", count[text], tries)
		r.text.WriteString(text)
	}
}

// early plays one try. A try in which the greeting was there before the write proves
// nothing and is played again, at most twenty times.
func early(r *recording) string {
	for range 20 {
		one := &recording{address: r.address}
		s := one.dial()
		one.note("-- connected, nothing read")
		if s.readable() {
			s.end("closed by the probe")
			continue
		}
		s.write(ehlo + "\r\n")
		if s.greeting() == 220 {
			s.reply(replyWait)
			s.drain(drainWindow)
		} else {
			s.drain(closeWindow)
		}
		s.leave()
		r.err = one.err
		return one.text.String()
	}
	return "-- void: the greeting was always there before the write\n"
}
