package lab

import "strings"

// Garble sends these octets in place of the reply to a verb, or of the
// greeting. The command is executed.
func Garble(kind, verb, octets string) Lapse {
	return onAnswer(name("garble", verb, kind), "sends malformed octets in place of the reply to this verb", func(x *exchange) {
		if x.verb == verb {
			x.replies = []string{octets}
		}
	})
}

// Garbage are replies that are not what RFC 5321 section 4.2 wants, by name.
func Garbage() map[string]string {
	return map[string]string{
		"no-code":       "Hello there\r\n",
		"mixed-codes":   "250-one\r\n251 two\r\n",
		"octets":        "250 \x00\xff\x1b[31m\xc3\r\n",
		"empty-lines":   "\r\n\r\n",
		"lone-lf":       "250 OK\n",
		"code-alone":    "250\r\n",
		"short-code":    "25 OK\r\n",
		"bad-class":     "950 OK\r\n",
		"unfinished":    "250-one\r\n250-two\r\n",
		"split-by-echo": "500 no such command: \r\n\r\nNOOP\r\n",
	}
}

// Foreign opens in another protocol with these octets, such as
// "SSH-2.0-x\r\n", and then either closes or answers nothing.
func Foreign(octets string, closes bool) Lapse {
	return onAnswer(name("foreign", codeWord(strings.TrimSpace(octets))), "opens in another protocol", func(x *exchange) {
		x.replies, x.after, x.end = nil, x.unchanged(), stay
		if x.verb != Greeting {
			return
		}
		x.replies = []string{octets}
		if closes {
			x.end = leave
		}
	})
}

// FloodOfLines answers a verb, or opens, with a reply that has no last line.
func FloodOfLines(verb string) Lapse {
	return flood("flood-of-lines", verb, "sends a reply without a last line", "250-more\r\n")
}

// FloodOfOctets answers a verb, or opens, with a line that has no end.
func FloodOfOctets(verb string) Lapse {
	return flood("flood-of-octets", verb, "sends a line without an end", "250 more ")
}

// FloodOfReplies answers a verb, or the connection, again and again.
func FloodOfReplies(verb string) Lapse {
	return flood("flood-of-replies", verb, "sends one reply after the other", "250 OK\r\n")
}

// flood sends the same octets until the client goes, or 16 MiB are sent.
func flood(kind, verb, note, octets string) Lapse {
	return onAnswer(name(kind, verb), note, func(x *exchange) {
		if x.verb == verb {
			x.replies, x.flood, x.end = nil, strings.Repeat(octets, 100), leave
		}
	})
}
