package main

import (
	"slices"
	"strings"
)

// AUTH never carries a response here: a challenge is answered with "*".
var auth = []exchange{
	{"auth-unadvertised", authUnadvertised},
	{"auth-before-ehlo", authBeforeEHLO},
	{"auth-mid-transaction", whereAuth(func(r *recording, mechanism string) {
		s := r.startAuth().say(mail)
		s.auth(mechanism)
		s.say("RSET")
		s.auth(mechanism)
		s.leave()
	})},
	{"auth-cancel", whereAuth(authCancel)},
	{"auth-unknown-mechanism", whereAuth(func(r *recording, mechanism string) {
		s := r.startAuth()
		s.auth("ZZ-PROBE")
		s.auth(mechanism)
		s.say(mail, "RSET").leave()
	})},
}

// auth names a mechanism, and gives up where a challenge comes.
func (s *session) auth(mechanism string) {
	if code, _ := s.command("AUTH " + mechanism); code == 334 {
		s.say("*")
	}
}

// startAuth is a session in which AUTH is offered: in clear, or else inside TLS.
func (r *recording) startAuth() *session {
	if r.offered.has("AUTH") {
		return r.start()
	}
	return r.startTLS().say(ehlo)
}

// harmless are the mechanisms of which it is known that they can be given up at once.
var harmless = []string{"PLAIN", "LOGIN", "CRAM-MD5"}

// whereAuth plays an exchange with an offered mechanism.
func whereAuth(play func(r *recording, mechanism string)) func(*recording) {
	return func(r *recording) {
		list, found := r.offered["AUTH"]
		if !found {
			list, found = r.inTLS["AUTH"]
		}
		offered := strings.Fields(list)
		if !found && r.inTLS != nil {
			r.startTLS().say(ehlo).leave()
		}
		if !found {
			r.notPlayed("AUTH is not offered")
			return
		}
		for _, mechanism := range harmless {
			if slices.Contains(offered, mechanism) {
				play(r, mechanism)
				return
			}
		}
		r.notPlayed("of AUTH only %s is offered", list)
	}
}

// authUnadvertised plays AUTH in clear and inside TLS, each where it is not offered.
func authUnadvertised(r *recording) {
	if r.lacks("AUTH") {
		s := r.start()
		s.auth("PLAIN")
		s.say(mail, "RSET").leave()
	}
	switch {
	case r.inTLS == nil:
	case r.inTLS.has("AUTH"):
		r.startTLS().say(ehlo).leave()
		r.note("\n-- not played inside TLS: AUTH is offered")
	default:
		r.note("\n-- inside TLS")
		s := r.startTLS().say(ehlo)
		s.auth("PLAIN")
		s.say(mail, "RSET").leave()
	}
}

// authBeforeEHLO plays AUTH as the first command in clear, and where it is offered only
// inside TLS as the first one after the handshake as well.
var authBeforeEHLO = whereAuth(func(r *recording, mechanism string) {
	s := r.greeted()
	s.auth(mechanism)
	s.say(ehlo)
	if r.offered.has("AUTH") {
		s.auth(mechanism)
		s.leave()
		return
	}
	s.leave()
	r.note("\n-- inside TLS")
	s = r.startTLS()
	s.auth(mechanism)
	s.say(ehlo)
	s.auth(mechanism)
	s.leave()
})

// authCancel stops where no challenge comes: "*" is no command.
func authCancel(r *recording, mechanism string) {
	s := r.startAuth()
	if code, _ := s.command("AUTH " + mechanism); code == 334 {
		s.say("*", "NOOP")
	}
	s.settled(drainWindow).say(mail, "RSET").leave()
}
