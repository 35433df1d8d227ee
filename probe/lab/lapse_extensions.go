package lab

import "github.com/smtpprobe/smtpprobe/probe/oracle"

func extensionLapses() []Lapse {
	return []Lapse{AcceptParameters(), AcceptBadValues(), AcceptOversize(), AcceptEightBit(), AcceptAnyMechanism(), CancelAsFailure()}
}

// taken makes the lapse of a receiver that accepts what a strict one refuses by
// one of these guards of the oracle's table, in any state that has a row for it.
func taken(called, note string, guards ...string) Lapse {
	return onAnswer(called, note, func(x *exchange) {
		for _, guard := range guards {
			if !x.refused && x.nth > 0 && x.answer.Row.Guard == guard {
				x.accept()
				return
			}
		}
	})
}

// AcceptParameters takes all parameters of MAIL and RCPT, offered or not, after
// HELO too.
func AcceptParameters() Lapse {
	return taken("accept-parameters", "takes all parameters of MAIL and RCPT, offered or not", "unknown/unoffered parameter", "any parameter")
}

// AcceptBadValues takes values that the parameter's own RFC forbids.
func AcceptBadValues() Lapse {
	return taken("accept-bad-values", "takes any value of a parameter that it offers", "same parameter given twice, or bad value of an offered one")
}

// AcceptOversize takes a declared size above its own maximum.
func AcceptOversize() Lapse {
	return taken("accept-oversize", "takes a declared size above its own maximum", "SIZE above the advertised maximum")
}

// AcceptEightBit takes octets beyond ASCII in commands without SMTPUTF8.
func AcceptEightBit() Lapse {
	return taken("accept-eight-bit", "takes octets beyond ASCII in commands without SMTPUTF8", "8-bit, SMTPUTF8 not offered")
}

// AcceptAnyMechanism begins an AUTH exchange for mechanisms that it does not
// offer.
func AcceptAnyMechanism() Lapse {
	return taken("accept-any-mechanism", "begins an AUTH exchange whatever the mechanism", "mechanism not offered")
}

// CancelAsFailure answers the end of an AUTH exchange as a wrong password.
func CancelAsFailure() Lapse {
	return onAnswer("cancel-as-failure", `answers "*" in an AUTH exchange with 535, as a wrong password`, func(x *exchange) {
		if x.before.State == oracle.StateAuth && x.line == "*" {
			x.replies = []string{"535 5.7.8 Authentication credentials invalid\r\n"}
		}
	})
}
