package lab

import (
	"slices"
	"strings"
	"time"

	"github.com/smtpprobe/smtpprobe/probe/oracle"
)

// onHandshake makes a lapse that only changes what follows a 220 to STARTTLS.
func onHandshake(name, note string, change func(*handshake)) Lapse {
	return Lapse{Name: name, Note: note, begin: func() hooks { return hooks{handshake: change} }}
}

// KeepTransactionAcrossTLS accepts STARTTLS inside a transaction, and the
// transaction goes on inside TLS.
func KeepTransactionAcrossTLS() Lapse {
	return Lapse{
		Name: "keep-transaction-across-tls", Note: "accepts STARTTLS in a transaction, which goes on inside TLS",
		begin: func() hooks {
			return hooks{
				answer: func(x *exchange) {
					if x.verb == "STARTTLS" && transaction(x.before.State) && !x.before.TLS && x.before.Offered.Has("STARTTLS") {
						x.accept()
					}
				},
				handshake: func(h *handshake) { h.after = survive(h.before, h.after) },
			}
		},
	}
}

// KeepHelloAcrossTLS goes on inside TLS as if EHLO had been given there.
func KeepHelloAcrossTLS() Lapse {
	return onHandshake("keep-hello-across-tls", "remembers the plaintext EHLO inside TLS", func(h *handshake) {
		if h.before.GreetedBy == "" {
			return
		}
		state := h.after
		_, greeted := h.after.Step(h.before.GreetedBy + " client.example")
		h.after = survive(state, greeted)
	})
}

// InjectAcrossTLS executes inside TLS what was received in clear behind
// STARTTLS (CVE-2011-0411).
func InjectAcrossTLS() Lapse {
	return onHandshake("inject-across-tls", "executes inside TLS what came in clear behind STARTTLS", func(h *handshake) {
		h.inject = true
	})
}

// FeedHandshake gives what was received in clear behind STARTTLS to TLS, so
// that the handshake fails.
func FeedHandshake() Lapse {
	return onHandshake("feed-handshake", "fails the handshake when octets follow STARTTLS", func(h *handshake) { h.feed = true })
}

// FailHandshakes fails every handshake.
func FailHandshakes() Lapse {
	return onHandshake("fail-handshakes", "says 220 to STARTTLS and fails every handshake", func(h *handshake) { h.fail = true })
}

// AnswerInClear goes on in clear after the 220, until a handshake begins.
func AnswerInClear() Lapse {
	return onAnswer("answer-in-clear", "says 220 to STARTTLS and still answers in clear", func(x *exchange) {
		if x.after.State == oracle.StateHandshake {
			x.clear = true
		}
	})
}

// GreetInsideTLS sends a second greeting inside TLS.
func GreetInsideTLS() Lapse {
	return onHandshake("greet-inside-tls", "sends a second greeting inside TLS", func(h *handshake) {
		h.greeting = "220 " + h.after.Host + " ESMTP\r\n"
	})
}

// GreetInsideTLSAfter does the same after a while, as a TLS proxy before a slow
// receiver.
func GreetInsideTLSAfter(wait time.Duration) Lapse {
	return onHandshake(name("greet-inside-tls", wait.String()), "sends a second greeting inside TLS, late", func(h *handshake) {
		h.greeting, h.late = "220 "+h.after.Host+" ESMTP\r\n", wait
	})
}

// ListSTARTTLSInsideTLS goes on listing STARTTLS inside TLS, which RFC 3207
// section 4.2 forbids.
func ListSTARTTLSInsideTLS() Lapse {
	return onAnswer("list-starttls-inside-tls", "lists STARTTLS inside TLS", func(x *exchange) {
		if x.verb == "EHLO" && x.code() == 250 && x.before.TLS {
			x.replies = []string{listing(x.before.Host, append(slices.Clone(x.after.Offered), "STARTTLS"))}
		}
	})
}

// listing is an accepting reply to EHLO.
func listing(host string, keywords []string) string {
	lines := append([]string{host}, keywords...)
	last := len(lines) - 1
	return "250-" + strings.Join(lines[:last], "\r\n250-") + "\r\n250 " + lines[last] + "\r\n"
}
