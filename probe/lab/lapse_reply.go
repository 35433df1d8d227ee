package lab

import (
	"regexp"
	"slices"
)

// replyLapses are those about what replies say, whatever they answer.
func replyLapses() []Lapse {
	return []Lapse{SayPlainly(), List("BINARYMIME"), List("SIZE=1000")}
}

// SayPlainly leaves the enhanced codes out of all replies, though they are
// offered.
func SayPlainly() Lapse {
	enhanced := regexp.MustCompile(`(?m)^(\d{3}[ -])[245]\.\d{1,3}\.\d{1,3} `)
	return onAnswer("say-plainly", "leaves out the enhanced codes, though they are offered", func(x *exchange) {
		for i, reply := range x.replies {
			x.replies[i] = enhanced.ReplaceAllString(reply, "$1")
		}
	})
}

// OfferNothing answers EHLO without a keyword, and knows none.
func OfferNothing() Lapse {
	return onAnswer("offer-nothing", "answers EHLO without a keyword, and knows none", func(x *exchange) {
		if x.verb == "EHLO" && x.code() == 250 {
			x.replies = []string{"250 " + x.before.Host + "\r\n"}
			x.after.Offered, x.after.Supported = nil, nil
		}
	})
}

// List adds a line to the reply to EHLO, and knows nothing of what it promises.
func List(line string) Lapse {
	return onAnswer(name("list", codeWord(line)), "lists in the reply to EHLO what it does not know", func(x *exchange) {
		if x.verb == "EHLO" && x.code() == 250 {
			x.replies = []string{listing(x.before.Host, append(slices.Clone(x.after.Offered), line))}
		}
	})
}
