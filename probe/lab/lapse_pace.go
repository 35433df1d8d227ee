package lab

import (
	"strconv"
	"time"
)

// Tarpit waits before every reply, the greeting included.
func Tarpit(wait time.Duration) Lapse {
	return onAnswer(name("tarpit", wait.String()), "waits before every reply", func(x *exchange) { x.pause += wait })
}

// TarpitErrors waits after every error reply, which also delays what follows.
func TarpitErrors(wait time.Duration) Lapse {
	return onAnswer(name("tarpit-errors", wait.String()), "waits after every error, which delays the next reply", func(x *exchange) {
		if x.failed() {
			x.hold += wait
		}
	})
}

// Late waits before the replies to one verb, or before the greeting.
func Late(verb string, wait time.Duration) Lapse {
	return onAnswer(name("late", verb, wait.String()), "waits before the replies to this verb", func(x *exchange) {
		if x.verb == verb {
			x.pause += wait
		}
	})
}

// Drip sends the greeting octet by octet.
func Drip(interval time.Duration) Lapse {
	return onAnswer(name("drip", interval.String()), "sends the greeting octet by octet", func(x *exchange) {
		if x.verb == Greeting {
			x.interval = interval
		}
	})
}

// Silence says nothing from the greeting on, and never closes.
func Silence() Lapse {
	return onAnswer("silence", "says nothing from the greeting on", func(x *exchange) {
		x.replies, x.end, x.after = nil, stay, x.unchanged()
	})
}

// Swallow does not answer one verb, though it executes it.
func Swallow(verb string) Lapse {
	return onAnswer(name("swallow", verb), "executes this verb without a reply", func(x *exchange) {
		if x.verb == verb {
			x.replies = nil
		}
	})
}

// SwallowAt neither answers nor executes a verb at one place.
func SwallowAt(p Place) Lapse {
	return onAnswer(name("swallow", string(p.State), p.Verb), "loses this verb at one place", func(x *exchange) {
		if p.holds(x) {
			x.replies, x.end, x.after = nil, stay, x.unchanged()
		}
	})
}

// SwallowNth neither answers nor executes the nth command, from 1.
func SwallowNth(n int) Lapse {
	return onAnswer(name("swallow-nth", strconv.Itoa(n)), "loses one command of the session", func(x *exchange) {
		if x.nth == n {
			x.replies, x.end, x.after = nil, stay, x.unchanged()
		}
	})
}

// Repeat answers one verb twice.
func Repeat(verb string) Lapse {
	return onAnswer(name("repeat", verb), "answers this verb twice", func(x *exchange) {
		if x.verb == verb {
			x.replies = append(x.replies, x.replies...)
		}
	})
}
