package main

import (
	"slices"
	"strconv"
	"strings"
)

var pipelining = []exchange{
	{"pipeline-group", where("PIPELINING", grouped(mail, rcptBad, "RSET", mail, "RSET"))},
	{"pipeline-error-no-flush", where("PIPELINING", grouped(rcpt, "RSET", mail, "RSET"))},
	{"pipeline-unadvertised", unless("PIPELINING", func(r *recording) {
		unasked(r.start())
		r.control("the same in single steps")
		r.start().say(mail, "RSET", "RSET").leave()
	})},
	{"pipeline-after-helo", func(r *recording) {
		unasked(r.greeted().say(helo))
		r.control("the same in single steps")
		r.greeted().say(helo, mail, "RSET", "RSET").leave()
	}},
	{"pipeline-ehlo-head", pipelineEHLOHead},
	{"pipeline-sync-command-mid-group/noop", grouped(mail, "NOOP", "RSET")},
	{"pipeline-sync-command-mid-group/vrfy", grouped(mail, vrfy, "RSET")},
	{"pipeline-data-group", where("PIPELINING", pipelineDataGroup)},
	{"pipeline-long-group", where("PIPELINING", pipelineLongGroup)},
	{"split-line/mid-verb", split("NO", "OP\r\n")},
	{"split-line/cr-lf", split("NOOP\r", "\n")},
}

// grouped plays lines in single steps and then as a group.
func grouped(lines ...string) func(*recording) {
	return func(r *recording) {
		r.control("the same in single steps")
		r.start().say(lines...).leave()
		r.note("\n-- the group")
		r.start().whole(lines)
	}
}

// whole plays a group and leaves. Where a reply is missing, a NOOP shows whether it was held
// back.
func (s *session) whole(lines []string) {
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
	if r.offered.has("PIPECONNECT") || r.offered.has("X_PIPE_CONNECT") {
		r.notPlayed("PIPECONNECT is offered")
		return
	}
	s := r.greeted()
	if codes := s.group(ehlo, "NOOP"); len(codes) == 1 {
		s.say("NOOP")
		s.drain(drainWindow)
	}
	s.leave()
	r.control("the same in single steps, and whether a transaction still opens")
	r.start().say("NOOP", mail, "RSET").leave()
}

// pipelineDataGroup plays DATA behind a recipient that the single steps show to be refused.
// After a 354 or with another recipient it would not be safe.
func pipelineDataGroup(r *recording) {
	lines := []string{mail, rcptBad, "DATA"}
	r.control("the same in single steps")
	s := r.start().say(mail)
	code, _ := s.command(rcptBad)
	if code/100 == 4 || code/100 == 5 {
		s.command("DATA")
		if s.over && strings.Contains(r.text.String(), "S: 354") {
			r.note("\n-- not played: DATA is answered 354 even in single steps")
			return
		}
	}
	s.say("RSET").leave()
	if code/100 != 5 {
		r.note("\n-- not played: the recipient is answered %d and not 5xx", code)
		return
	}
	r.note("\n-- the group")
	s = r.start()
	s.group(lines...)
	s.say("RSET").leave()
}

func pipelineLongGroup(r *recording) {
	const pairs = 7
	for _, word := range strings.Fields(r.offered["LIMITS"]) {
		most, found := strings.CutPrefix(word, "MAILMAX=")
		if n, err := strconv.Atoi(most); found && err == nil && n < pairs {
			r.notPlayed("MAILMAX is %d", n)
			return
		}
	}
	r.control("one pair in single steps")
	r.start().say(mail, "RSET").leave()
	r.note("\n-- the group")
	r.start().whole(slices.Repeat([]string{mail, "RSET"}, pairs))
}

// split plays NOOP in two segments: nothing may come in the gap, and one reply after it.
func split(head, rest string) func(*recording) {
	return func(r *recording) {
		s := r.start()
		s.write(head)
		s.drain(gap)
		s.raw(rest, 1)
		s.settled(drainWindow).say("NOOP").leave()
	}
}
