package lab

import "github.com/smtpprobe/smtpprobe/probe/oracle"

// Accept is the lapse of a receiver that takes a verb where a strict one
// refuses it: at exactly this state, in clear or inside TLS, the command gets
// the reply that accepts it, and the transition that this reply implies.
type Accept struct {
	State oracle.State
	TLS   bool
	Verb  string // in upper case; empty for a line without a verb
	// Guard narrows it to lines that this guard of the oracle's table would
	// refuse, such as "argument". Empty for all.
	Guard string
}

// Lapse returns the lapse.
func (a Accept) Lapse() Lapse {
	note := "accepts the command in this state"
	if a.Guard != "" {
		note = "accepts the command in this state although it is one of these: " + a.Guard
	}
	return onAnswer(derived("accept", a.State, a.TLS, a.Verb, a.Guard), note, func(x *exchange) {
		if !x.refused && at(x, a.State, a.TLS, a.Verb) && (a.Guard == "" || x.answer.Row.Guard == a.Guard) {
			x.accept()
		}
	})
}

// Keep is the lapse of a receiver whose transaction survives a command: at
// exactly this state the command is answered as ever, and the transaction goes
// on. With the verb STARTTLS it survives the handshake, if STARTTLS is accepted
// there at all.
type Keep struct {
	State oracle.State
	TLS   bool
	Verb  string
}

// Lapse returns the lapse.
func (k Keep) Lapse() Lapse {
	return Lapse{Name: derived("keep", k.State, k.TLS, k.Verb, ""), Note: "keeps the transaction across the command in this state", begin: func() hooks {
		return hooks{
			answer: func(x *exchange) {
				if at(x, k.State, k.TLS, k.Verb) && x.after.State != oracle.StateHandshake && x.end == stay {
					x.after = survive(x.before, x.after)
				}
			},
			handshake: func(h *handshake) {
				if k.Verb == "STARTTLS" && h.before.State == k.State && h.before.TLS == k.TLS {
					h.after = survive(h.before, h.after)
				}
			},
		}
	}}
}

// Forget is the lapse of a receiver whose transaction ends with a command that
// must not touch it: at exactly this state the command is answered as ever, and
// there is no transaction any more.
type Forget struct {
	State oracle.State
	TLS   bool
	Verb  string
}

// Lapse returns the lapse.
func (f Forget) Lapse() Lapse {
	return onAnswer(derived("forget", f.State, f.TLS, f.Verb, ""), "ends the transaction with the command in this state", func(x *exchange) {
		if at(x, f.State, f.TLS, f.Verb) {
			x.forgetTransaction()
		}
	})
}

// forgetTransaction ends the transaction that there is after the command.
func (x *exchange) forgetTransaction() {
	if transaction(x.after.State) && x.end == stay {
		_, x.after = x.after.Accept("RSET")
	}
}

// onAnswer makes a lapse that only changes answers and remembers nothing.
func onAnswer(called, note string, answer func(*exchange)) Lapse {
	return Lapse{Name: called, Note: note, begin: func() hooks { return hooks{answer: answer} }}
}

func at(x *exchange, state oracle.State, tls bool, verb string) bool {
	return x.nth > 0 && x.before.State == state && x.before.TLS == tls && x.verb == verb
}

// derived names a lapse after its place.
func derived(kind string, state oracle.State, tls bool, verb, guard string) string {
	if verb == "" {
		verb = "no verb"
	}
	where := string(state)
	if tls {
		where += " tls"
	}
	return name(kind, where, verb, guard)
}

// survive carries the transaction of one session over into another.
func survive(from, into oracle.Session) oracle.Session {
	if !transaction(from.State) {
		return into
	}
	into.State, into.AnyRcpt, into.BinaryMIME = from.State, from.AnyRcpt, from.BinaryMIME
	into.Accepted = from.Accepted
	return into
}

// transaction reports the states inside a transaction.
func transaction(s oracle.State) bool {
	switch s {
	case oracle.StateMail, oracle.StateRcpt, oracle.StateChunk, oracle.StateIndeterminate:
		return true
	}
	return false
}
