package main

import (
	"maps"
	"slices"
	"strings"
	"time"
)

var greetings = []exchange{
	{"greeting-refusal", func(r *recording) { r.notPlayed("the greeting is 220") }},
	{"early-talk", earlyTalk(ehlo)},
	{"early-talk-group", earlyTalk(ehlo, "NOOP")},
}

// How often early talk is tried: whether the greeting crosses it on the way is a race, but
// not where the receiver makes everybody wait for the greeting.
const (
	tries       = 30
	triesIfSlow = 2
	slow        = 2 * time.Second
	void        = -1
)

// earlyTalk writes lines before the greeting, many times, and keeps each different exchange
// once. Where the receiver refuses in place of the greeting, a try that was greeted is one in
// which the lines came too late: it proves nothing and is left out.
func earlyTalk(lines ...string) func(*recording) {
	return func(r *recording) {
		if r.offered.has("PIPECONNECT") || r.offered.has("X_PIPE_CONNECT") {
			r.notPlayed("PIPECONNECT is offered")
			return
		}
		greeted, refused := make(map[string]bool), make(map[string]bool)
		for left := tries; left > 0; left-- {
			begun := time.Now()
			switch text, code := early(r, lines); code {
			case void:
			case 220:
				greeted[text] = true
			default:
				refused[text] = true
			}
			if time.Since(begun) > slow {
				left = min(left, triesIfSlow)
			}
		}
		switch {
		case len(refused) > 0:
			r.note("\n-- all tries in which the lines came before the greeting")
			r.distinct(refused)
		case len(greeted) > 0:
			r.note("\n-- all tries")
			r.distinct(greeted)
		default:
			r.note("\n-- void: the greeting was always there before the write")
		}
	}
}

// distinct writes different tries in an order that is the same every time.
func (r *recording) distinct(texts map[string]bool) {
	for i, text := range slices.Sorted(maps.Keys(texts)) {
		if i > 0 {
			r.note("")
		}
		r.text.WriteString(text)
	}
}

// early plays one try. A try in which the greeting was there before the write proves
// nothing and is played again, at most twenty times.
func early(r *recording, lines []string) (text string, code int) {
	for range 20 {
		one := &recording{address: r.address}
		s := one.dial()
		one.note("-- connected, nothing read")
		if waiting, _ := s.peek(); waiting {
			s.end("closed by the probe")
			continue
		}
		s.write(strings.Join(lines, "\r\n") + "\r\n")
		code = s.greeting()
		if code == 220 {
			for range lines {
				s.reply(replyWait)
			}
			s.drain(drainWindow)
		} else {
			s.drain(closeWindow)
		}
		s.leave()
		if one.err != nil {
			r.err = one.err
		}
		return one.text.String(), code
	}
	return "", void
}
