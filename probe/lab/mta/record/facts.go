package main

import (
	"fmt"
	"strings"
)

// facts are what the preconditions of the exchanges ask about.
type facts struct {
	offered keywords // by the EHLO reply in clear
	inTLS   keywords // by the one inside TLS, nil where no TLS session works
}

// keywords are the keywords of an EHLO reply in upper case, each with its parameters.
type keywords map[string]string

func (k keywords) has(word string) bool {
	_, found := k[word]
	return found
}

// survey asks for the facts in sessions of their own, which are not recorded.
func survey(address string) (facts, error) {
	r := &recording{address: address}
	s := r.greeted()
	_, lines := s.command(ehlo)
	s.leave()
	known := facts{offered: listed(lines)}
	if known.offered.has("STARTTLS") {
		if s := r.startTLS(); !s.over {
			_, lines := s.command(ehlo)
			known.inTLS = listed(lines)
			s.leave()
		}
	}
	if r.err != nil {
		return known, r.err
	}
	if len(known.offered) == 0 {
		return known, fmt.Errorf("no list of keywords after EHLO:\n%s", r.text.String())
	}
	return known, nil
}

// listed are the keywords in the lines of an EHLO reply.
func listed(lines []string) keywords {
	found := make(keywords)
	for _, line := range lines[min(1, len(lines)):] {
		if len(line) > 4 {
			word, parameters, _ := strings.Cut(strings.TrimSpace(line[4:]), " ")
			found[strings.ToUpper(word)] = parameters
		}
	}
	return found
}

// notPlayed shows what the receiver offers and says why there is no exchange.
func (r *recording) notPlayed(format string, args ...any) {
	r.start().leave()
	r.note("\n-- not played: "+format, args...)
}

// needs says whether all keywords are offered in clear, and if not notes which is missing.
func (r *recording) needs(words ...string) bool {
	for _, word := range words {
		if !r.offered.has(word) {
			r.notPlayed("%s is not offered", word)
			return false
		}
	}
	return true
}

// lacks is the opposite of needs for one keyword.
func (r *recording) lacks(word string) bool {
	if r.offered.has(word) {
		r.notPlayed("%s is offered", word)
		return false
	}
	return true
}

// where the keyword is offered, the exchange is played.
func where(word string, play func(*recording)) func(*recording) {
	return func(r *recording) {
		if r.needs(word) {
			play(r)
		}
	}
}

// unless the keyword is offered, the exchange is played.
func unless(word string, play func(*recording)) func(*recording) {
	return func(r *recording) {
		if r.lacks(word) {
			play(r)
		}
	}
}
