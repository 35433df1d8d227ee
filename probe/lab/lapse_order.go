package lab

import (
	"strings"

	"github.com/smtpprobe/smtpprobe/probe/oracle"
)

// Place says where a lapse happens. What is empty stands for any.
type Place struct {
	State oracle.State
	Verb  string // in upper case, or Greeting, Dot or Response
}

// holds reports whether an exchange is at the place. Any verb means any
// command, not the opening.
func (p Place) holds(x *exchange) bool {
	if p.Verb == "" && x.nth == 0 {
		return false
	}
	return (p.State == "" || p.State == x.before.State) && (p.Verb == "" || p.Verb == x.verb)
}

// name makes the name of a lapse of its parts: words of lower-case letters and
// digits. Of a reply, only the code is named.
func name(parts ...string) string {
	var words []string
	for _, part := range parts {
		word := strings.Join(strings.FieldsFunc(strings.ToLower(part), func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < '0' || r > '9')
		}), "-")
		if word != "" {
			words = append(words, word)
		}
	}
	return strings.Join(words, "/")
}

// codeWord is the first word of a reply.
func codeWord(reply string) string {
	word, _, _ := strings.Cut(reply, " ")
	return word
}

// AcceptNestedMail takes MAIL inside a transaction and begins a new one.
func AcceptNestedMail() Lapse {
	return onAnswer("accept-nested-mail", "takes MAIL inside a transaction and begins a new one", func(x *exchange) {
		if x.verb == "MAIL" && transaction(x.before.State) && !x.refused {
			x.accept()
		}
	})
}

// KeepAcrossHello keeps the transaction across EHLO and HELO.
func KeepAcrossHello() Lapse {
	return onAnswer("keep-across-hello", "keeps the transaction across an accepted EHLO or HELO", func(x *exchange) {
		if hello(x.verb) && x.code() == 250 {
			x.after = survive(x.before, x.after)
		}
	})
}

// RefuseSecondHello refuses EHLO and HELO after the first with 503 and keeps
// the transaction, as RFC 1869 section 4.2 once had it.
func RefuseSecondHello() Lapse {
	return onAnswer("refuse-second-hello", "answers a second EHLO or HELO with 503 and keeps the transaction", func(x *exchange) {
		if hello(x.verb) && x.before.GreetedBy != "" {
			x.refuse("503 5.5.1 Duplicate EHLO or HELO")
		}
	})
}

// RefuseBeforeHello refuses a verb that needs no session before there is one.
func RefuseBeforeHello(verb string) Lapse {
	return onAnswer(name("refuse-before-hello", verb), "answers the verb with 503 before EHLO or HELO", func(x *exchange) {
		if x.verb == verb && x.before.State == oracle.StateGreeted {
			x.refuse("503 5.5.1 EHLO or HELO first")
		}
	})
}

// ForgetAt ends the transaction with a verb that must not touch it.
func ForgetAt(verb string) Lapse {
	return onAnswer(name("forget-at", verb), "ends the transaction with a verb that must not touch it", func(x *exchange) {
		if x.verb == verb {
			x.forgetTransaction()
		}
	})
}

// ForgetAtRefused ends the transaction with a verb that it refuses, and must
// therefore not touch it (RFC 5321 section 4.1.4).
func ForgetAtRefused(verb string) Lapse {
	return onAnswer(name("forget-at-refused", verb), "ends the transaction with a refusal of this verb", func(x *exchange) {
		if x.verb == verb && x.failed() {
			x.forgetTransaction()
		}
	})
}

// OpenAtRefusedMail refuses MAIL and opens a transaction all the same.
func OpenAtRefusedMail() Lapse {
	return onAnswer("open-at-refused-mail", "refuses MAIL and opens a transaction all the same", func(x *exchange) {
		if x.verb == "MAIL" && x.failed() && (x.before.State == oracle.StateEHLO || x.before.State == oracle.StateHELO) {
			_, x.after = x.before.Accept("MAIL FROM:<>")
		}
	})
}

// NullSenderOpensNothing accepts MAIL FROM:<> and takes it for no sender.
func NullSenderOpensNothing() Lapse {
	return onAnswer("null-sender-opens-nothing", "accepts the null sender and opens no transaction", func(x *exchange) {
		if x.verb == "MAIL" && x.code() == 250 && nullSender(x.line) {
			x.after = x.unchanged()
		}
	})
}

// Replace answers with another reply wherever a strict receiver refuses with
// 503, as servers do that know one code for every error of order.
func Replace(reply string) Lapse {
	return onAnswer(name("replace-503", codeWord(reply)), "answers every error of order with "+reply, func(x *exchange) {
		if x.answer.Code == 503 && x.code() == 503 {
			x.replies = []string{reply + "\r\n"}
		}
	})
}

// ReplyAt answers with this reply at a place; nothing changes by it.
func ReplyAt(p Place, reply string) Lapse {
	return onAnswer(name("reply", codeWord(reply), string(p.State), p.Verb), "answers this place with "+reply, func(x *exchange) {
		if p.holds(x) {
			x.refuse(reply)
		}
	})
}

// HeloListsKeywords answers HELO as if it were EHLO (RFC 5321 section 3.2
// forbids it).
func HeloListsKeywords() Lapse {
	return onAnswer("helo-lists-keywords", "answers HELO with the list of keywords", func(x *exchange) {
		if x.verb == "HELO" && x.code() == 250 {
			x.replies = []string{listing(x.before.Host, x.before.Supported)}
		}
	})
}

// StayAfterQuit answers QUIT with 221 and goes on.
func StayAfterQuit() Lapse {
	return onAnswer("stay-after-quit", "answers QUIT with 221 and goes on as if nothing had been", func(x *exchange) {
		if x.answer.Code == 221 {
			x.after, x.end = x.unchanged(), stay
		}
	})
}

// SilentQuit neither answers QUIT nor closes.
func SilentQuit() Lapse {
	return onAnswer("silent-quit", "neither answers QUIT nor closes", func(x *exchange) {
		if x.answer.Code == 221 {
			x.replies, x.after, x.end = nil, x.unchanged(), stay
		}
	})
}

// KeepChunksUnswallowed takes the octets of a refused BDAT for commands.
func KeepChunksUnswallowed() Lapse {
	return onAnswer("chunks-as-commands", "takes the octets of a refused BDAT for commands", func(x *exchange) {
		if x.verb == "BDAT" && x.failed() {
			x.swallow = 0
		}
	})
}

// TakeBareLF takes a lone LF for a line end.
func TakeBareLF() Lapse {
	return Lapse{Name: "take-bare-lf", Note: "takes a lone LF for a line end", begin: func() hooks { return hooks{bareLF: true} }}
}

func hello(verb string) bool { return verb == "EHLO" || verb == "HELO" }
