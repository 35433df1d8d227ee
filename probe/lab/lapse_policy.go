package lab

import "github.com/smtpprobe/smtpprobe/probe/oracle"

// Greylist answers every recipient that a strict receiver takes with 450.
func Greylist() Lapse {
	return onAnswer("greylist", "answers every recipient in its place with 450 4.7.1", func(x *exchange) {
		if x.verb == "RCPT" && x.code() == 250 {
			after := x.after
			x.refuse("450 4.7.1 Greylisted, try again in five minutes")
			// The recipient was tried, so the transaction remembers it.
			x.after.AnyRcpt = after.AnyRcpt
		}
	})
}

// RefuseClient opens with 554 and waits for QUIT.
func RefuseClient() Lapse {
	return onAnswer("refuse-client", "greets with 554 and waits for QUIT", func(x *exchange) {
		if x.verb == Greeting {
			x.take(x.before.Greet(oracle.ChoiceRefuseHost))
		}
	})
}

// NeverTakesMail opens with 521 (RFC 7504) and waits for QUIT.
func NeverTakesMail() Lapse {
	return onAnswer("never-takes-mail", "greets with 521 and waits for QUIT", func(x *exchange) {
		if x.verb == Greeting {
			x.take(x.before.Greet(oracle.ChoiceNeverMail))
		}
	})
}

// RefuseByPolicy answers a verb with 550 5.7.1 wherever it stands, out of order
// too, as receivers do whose policy is asked before the order of commands.
func RefuseByPolicy(verb string) Lapse {
	return onAnswer(name("refuse-by-policy", verb), "answers the verb with 550 5.7.1, out of order too", func(x *exchange) {
		if x.verb == verb {
			x.refuse("550 5.7.1 Your address is on a list")
		}
	})
}

// DemandTLS answers MAIL, RCPT and DATA in clear with 530, wherever they stand.
func DemandTLS() Lapse {
	return onAnswer("demand-tls", "answers MAIL, RCPT and DATA in clear with 530 5.7.0, out of order too", func(x *exchange) {
		if !x.before.TLS && (x.verb == "MAIL" || x.verb == "RCPT" || x.verb == "DATA") {
			x.refuse("530 5.7.0 Must issue a STARTTLS command first")
		}
	})
}

// DemandLogin answers 530 to everything before a login but what leads to one.
func DemandLogin() Lapse {
	return onAnswer("demand-login", "answers 530 5.7.0 to everything before a login", func(x *exchange) {
		switch x.verb {
		case Greeting, Response, "EHLO", "HELO", "STARTTLS", "AUTH", "QUIT":
		default:
			if !x.before.Auth && x.before.State != oracle.StateAuth {
				x.refuse("530 5.7.0 Authentication required")
			}
		}
	})
}

// OneRecipient takes a second RCPT in no transaction of the null sender: a bounce
// goes to one.
func OneRecipient() Lapse {
	return Lapse{
		Name: "one-recipient", Note: "refuses the second RCPT behind the null sender", begin: func() hooks {
			asked := 0
			return hooks{answer: func(x *exchange) {
				switch {
				case x.verb != "RCPT":
					asked = 0
				case transaction(x.before.State):
					if asked++; asked > 1 {
						x.refuse("550 5.7.1 A bounce has one recipient")
					}
				}
			}}
		},
	}
}

// RefuseNullSender refuses MAIL FROM:<>.
func RefuseNullSender() Lapse {
	return onAnswer("refuse-null-sender", "refuses the null sender with 550 5.7.1", func(x *exchange) {
		if x.verb == "MAIL" && x.code() == 250 && nullSender(x.line) {
			x.refuse("550 5.7.1 The null sender is not taken here")
		}
	})
}

// AcceptAnyRecipient takes recipients that cannot exist.
func AcceptAnyRecipient() Lapse {
	return onAnswer("accept-any-recipient", "takes recipients that cannot exist", func(x *exchange) {
		if choice, is := x.answer.Row.Choice(); is && choice == oracle.ChoiceRefuseRcpt {
			x.accept()
		}
	})
}
