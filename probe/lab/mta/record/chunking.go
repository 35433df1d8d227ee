package main

import "strings"

// chunk is BDAT with all that a chunk may hold here: octets that are not swallowed do no harm
// as a command, and are seen by its reply. No recipient is named in these exchanges.
const chunk = "BDAT 6\r\nNOOP\r\n"

var chunking = []exchange{
	{"bdat-without-mail", where("CHUNKING", func(r *recording) {
		s := r.start()
		s.raw("BDAT 12\r\n"+strings.Repeat("NOOP\r\n", 2), 1)
		s.settled(briefWindow).say("NOOP", "RSET", mail, "RSET").leave()
	})},
	{"bdat-without-rcpt", where("CHUNKING", func(r *recording) {
		s := r.start().say(mail)
		s.raw(chunk, 1)
		s.settled(briefWindow).say("RSET", mail, "RSET").leave()
	})},
	{"bdat-rejected-swallows", where("CHUNKING", func(r *recording) {
		s := r.start().say(mail)
		s.raw(chunk+chunk, 2)
		s.settled(briefWindow).say("RSET", mail, "RSET").leave()
	})},
	{"data-after-bdat", where("CHUNKING", func(r *recording) {
		s := r.start().say(mail)
		s.raw(chunk, 1)
		s.settled(briefWindow).say("DATA", "RSET", mail, "RSET").leave()
	})},
	{"bdat-malformed/no-size", where("CHUNKING", noPayload("BDAT"))},
	{"bdat-malformed/bad-size", where("CHUNKING", noPayload("BDAT x"))},
	{"bdat-malformed/bad-marker", where("CHUNKING", noPayload("BDAT 0 FIRST"))},
	{"bdat-unadvertised", unless("CHUNKING", noPayload("BDAT 0"))},
	{"data-after-binarymime", func(r *recording) {
		if r.needs("CHUNKING", "BINARYMIME") {
			r.start().say(mail+" BODY=BINARYMIME", "DATA", "RSET", mail, "RSET").leave()
		}
	}},
}

// noPayload plays a BDAT that no octets follow.
func noPayload(line string) func(*recording) {
	return func(r *recording) {
		s := r.start()
		s.command(line)
		s.settled(drainWindow).say("NOOP", "RSET", mail, "RSET").leave()
	}
}
