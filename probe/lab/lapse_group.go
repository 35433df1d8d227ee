package lab

// AcceptEarlyTalk answers what came before the greeting in its order.
func AcceptEarlyTalk() Lapse {
	return Lapse{Name: "accept-early-talk", Note: "greets, and answers what came before the greeting", begin: func() hooks {
		early := false
		return hooks{
			answer: func(x *exchange) {
				if x.verb == Greeting && x.refused {
					early, x.refused = true, false
					x.take(x.before.Greet())
				}
			},
			// What stands behind the first early command came early as well.
			refuses: func(x *exchange) bool { return !early || x.nth > 1 },
		}
	}}
}

// onGroup makes a lapse that only lets groups pass which a strict receiver
// refuses.
func onGroup(called, note string, refuses func(*exchange) bool) Lapse {
	return Lapse{Name: called, Note: note, begin: func() hooks { return hooks{refuses: refuses} }}
}

// AcceptGroups takes groups of MAIL, RCPT and RSET although PIPELINING is not
// offered.
func AcceptGroups() Lapse {
	return onGroup("accept-groups", "takes groups although PIPELINING is not offered", func(x *exchange) bool {
		return x.verb != "MAIL" && x.verb != "RCPT" && x.verb != "RSET"
	})
}

// AcceptInsideGroup takes a verb that may stand only last in a group when more
// follows it: with EHLO, a group with EHLO at its head.
func AcceptInsideGroup(verb string) Lapse {
	return onGroup(name("accept-inside-group", verb), "takes this verb although octets follow it", func(x *exchange) bool {
		return x.verb != verb
	})
}

// RefuseGroups refuses groups although PIPELINING is offered.
func RefuseGroups() Lapse {
	return onAnswer("refuse-groups", "refuses groups although PIPELINING is offered", func(x *exchange) {
		if x.more && x.before.Offered.Has("PIPELINING") {
			x.refuse("554 5.5.0 One command at a time")
			x.refused, x.end = true, leave
		}
	})
}

// FlushAfterError throws away what was received behind a refused command, which
// RFC 2920 section 3.2(9) forbids.
func FlushAfterError() Lapse {
	return onAnswer("flush-after-error", "throws away what came behind a refused command", func(x *exchange) {
		if x.failed() {
			x.forget = true
		}
	})
}

// Reorder sends the first two replies of a group in the wrong order.
func Reorder() Lapse {
	return Lapse{Name: "reorder", Note: "sends two replies of a group in the wrong order", begin: func() hooks {
		var held []string
		return hooks{answer: func(x *exchange) {
			switch {
			case held != nil:
				x.replies, held = append(x.replies, held...), nil
			case x.more && x.end == stay && !x.refused && x.nth > 0:
				x.replies, held = nil, x.replies
			}
		}}
	}}
}
