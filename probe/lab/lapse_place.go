package lab

import "github.com/smtpprobe/smtpprobe/probe/oracle"

// placeLapses are about STARTTLS, groups and replies at odd places.
func placeLapses() []Lapse {
	return []Lapse{
		AcceptUnoffered("STARTTLS"), Accept{State: oracle.StateEHLO, Verb: "STARTTLS", Guard: "argument"}.Lapse(), ForgetUpgrade(),
		AcceptDataInGroup(), LimitGroup(8), TakeSegments(), ConfirmNobody(),
	}
}

// AcceptUnoffered takes a verb that the reply to EHLO does not list.
func AcceptUnoffered(verb string) Lapse {
	return onAnswer(name("accept-unoffered", verb), "takes the verb although EHLO does not list it", func(x *exchange) {
		if x.verb == verb && x.before.GreetedBy == "EHLO" && !x.before.TLS && !x.before.Offered.Has(verb) {
			x.accept()
		}
	})
}

// ForgetUpgrade discards what stands behind STARTTLS, and goes on in clear when
// anything but a handshake follows its 220.
func ForgetUpgrade() Lapse {
	return onAnswer("forget-upgrade", "goes on in clear when no handshake follows the 220", func(x *exchange) {
		if x.after.State == oracle.StateHandshake {
			x.clear, x.forget = true, true
		}
	})
}

// AcceptDataInGroup gives 354 at the end of a group in which no recipient was
// accepted: it takes DATA before it has looked at the recipients.
func AcceptDataInGroup() Lapse {
	return Lapse{Name: "accept-data-in-group", Note: "takes DATA at the end of a group although no recipient was accepted", begin: func() hooks {
		grouped := false
		return hooks{answer: func(x *exchange) {
			if x.verb == "DATA" && grouped && x.before.State == oracle.StateMail && !x.refused {
				x.accept()
			}
			grouped = x.more
		}}
	}}
}

// LimitGroup ends the session at the nth command of one group.
func LimitGroup(n int) Lapse {
	return Lapse{Name: "limit-group", Note: "ends the session when a group is too long", begin: func() hooks {
		length := 0
		return hooks{answer: func(x *exchange) {
			length++
			if length >= n && x.nth > 0 {
				x.refuse("421 4.7.0 Too many non-mail commands")
				x.end = leave
			}
			if !x.more {
				length = 0
			}
		}}
	}}
}

// TakeSegments takes what comes in one segment for a line, ended or not.
func TakeSegments() Lapse {
	return Lapse{Name: "take-segments", Note: "takes a segment for a line", begin: func() hooks { return hooks{segments: true} }}
}

// ConfirmNobody answers VRFY as if it had verified somebody, whom it does not
// name.
func ConfirmNobody() Lapse {
	return onAnswer("confirm-nobody", "answers VRFY with 250 and names nobody", func(x *exchange) {
		if x.verb == "VRFY" && x.code() == 252 {
			x.replies = []string{"250 2.0.0 OK\r\n"}
		}
	})
}
