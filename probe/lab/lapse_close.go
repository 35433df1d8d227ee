package lab

import (
	"slices"
	"strconv"
)

// HangUp closes at a place: without a reply, or with this one, such as "421
// 4.7.0 Go away", in place of the right one.
func HangUp(p Place, reply string) Lapse {
	return onAnswer(name("hang-up", string(p.State), p.Verb, codeWord(reply)), "closes at this place", func(x *exchange) {
		if p.holds(x) {
			x.hangUp(reply)
		}
	})
}

// HangUpOnErrors closes in place of every error reply, without a reply or with
// this one.
func HangUpOnErrors(reply string) Lapse {
	return CloseAfterErrors(1, reply)
}

// CloseAfterErrors answers the nth error of a session with a close: without a
// reply, or with this one in place of the right one, which then nobody learns.
func CloseAfterErrors(n int, reply string) Lapse {
	return onAnswer(name("close-after-errors", strconv.Itoa(n), codeWord(reply)), "closes at this error of a session, in place of the right reply", func(x *exchange) {
		if x.failed() && x.errors+1 >= n {
			x.hangUp(reply)
		}
	})
}

// CloseAfterCommands closes at the nth command of a session, from 1: without a
// reply, or with this one in place of the right one, as postscreen does at its 21st.
func CloseAfterCommands(n int, reply string) Lapse {
	return onAnswer(name("close-after-commands", strconv.Itoa(n), codeWord(reply)), "closes at this command of a session", func(x *exchange) {
		if x.nth >= n {
			x.hangUp(reply)
		}
	})
}

// CloseAfterNonMail closes at the nth command of a session that is none of MAIL,
// RCPT, DATA, BDAT, AUTH and QUIT, as Exim does at its eleventh.
func CloseAfterNonMail(n int, reply string) Lapse {
	return Lapse{
		Name: name("close-after-non-mail", strconv.Itoa(n), codeWord(reply)),
		Note: "closes at this command of a session that is not mail",
		begin: func() hooks {
			seen := 0
			return hooks{answer: func(x *exchange) {
				if x.nth == 0 || slices.Contains([]string{"MAIL", "RCPT", "DATA", "BDAT", "AUTH", "QUIT"}, x.verb) {
					return
				}
				if seen++; seen >= n {
					x.hangUp(reply)
				}
			}}
		},
	}
}

// ResetAt resets the connection at the nth command, from 1.
func ResetAt(n int) Lapse {
	return onAnswer(name("reset-at", strconv.Itoa(n)), "resets the connection at this command of a session", func(x *exchange) {
		if x.nth == n {
			x.replies, x.end = nil, reset
		}
	})
}

func (x *exchange) hangUp(reply string) {
	x.replies, x.flood = nil, ""
	if reply != "" {
		x.replies = []string{reply + "\r\n"}
	}
	x.end = leave
}
