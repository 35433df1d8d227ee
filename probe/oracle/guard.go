package oracle

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// guard says whether a row's condition holds. The guard of a choice says only
// whether the choice is open to the server at all.
type guard func(Session, line) bool

// line is what a row is looked up for: a command line, or an event.
type line struct {
	text    string
	command smtp.Command
	event   string // such as "(dot)"; empty for a command line
}

func (l line) argument() string { return l.command.Argument }

// faulty reports that the argument is wrong by itself, wherever the command
// stands: `501(bad)` is conformant only then.
func (l line) faulty() bool {
	switch l.command.Verb {
	case "MAIL", "RCPT":
		return !l.command.PathValid
	case "DATA", "STARTTLS":
		return l.argument() != ""
	case "EXPN", "AUTH":
		return l.argument() == ""
	}
	return false
}

// guards maps every guard of the table, without its question mark, to its
// meaning.
func guards() map[string]guard {
	all := map[string]guard{"-": always}
	for _, part := range []map[string]guard{framing(), choices(), arguments(), transactions(), exchanges(), events()} {
		for text, g := range part {
			all[text] = g
		}
	}
	return all
}

func always(Session, line) bool { return true }

// framing is about the line as octets.
func framing() map[string]guard {
	return map[string]guard{
		"no verb (empty line, leading space, non-letter)": func(_ Session, l line) bool { return l.command.Verb == "" },
		"verb not known": func(_ Session, l line) bool { return !Known(l.command.Verb) },
		"control character (NUL, lone CR, lone LF)": func(_ Session, l line) bool {
			return strings.ContainsFunc(l.text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
		},
		"8-bit, SMTPUTF8 not offered": func(s Session, l line) bool {
			eight := slices.ContainsFunc([]byte(l.text), func(b byte) bool { return b > 0x7f })
			return eight && !s.Offered.Has("SMTPUTF8")
		},
		// 512 octets with the line end is the least that a server must take
		// (RFC 5321 section 4.5.3.1.4).
		string(ChoiceLongLine): func(_ Session, l line) bool { return len(l.text)+len("\r\n") > 512 },
	}
}

// choices are open to a server whatever the line, or but for some verbs.
func choices() map[string]guard {
	but := func(verbs ...string) func(line) bool {
		return func(l line) bool { return !slices.Contains(verbs, l.command.Verb) }
	}
	notInClear := but("NOOP", "EHLO", "STARTTLS", "QUIT")
	notUnknown := but("AUTH", "EHLO", "HELO", "NOOP", "RSET", "QUIT", "STARTTLS")
	return map[string]guard{
		"server must go down":    always,
		string(ChoiceErrorLimit): always,
		string(ChoiceAhead):      func(s Session, l line) bool { return s.aheadOf(l.command.Verb) },
		"TLS privacy/authentication judged insufficient (tls=1); not QUIT": func(s Session, l line) bool {
			return s.TLS && l.command.Verb != "QUIT"
		},
		string(ChoiceTLSFirst): func(s Session, l line) bool { return !s.TLS && notInClear(l) },
		"server demands AUTH first (auth=0); not AUTH/EHLO/HELO/NOOP/RSET/QUIT/STARTTLS": func(s Session, l line) bool {
			return !s.Auth && notUnknown(l)
		},
		"argument acceptable, refused by policy": func(_ Session, l line) bool { return l.command.Hello() },
		"parameter temporarily impossible":       hasParameter,
		string(ChoiceRefuseMail):                 always,
		string(ChoiceRefuseRcpt):                 always,
		string(ChoiceTooManyRcpt):                func(s Session, _ line) bool { return s.Accepted >= 100 },
		"mechanism needs TLS (tls=0)":            func(s Session, _ line) bool { return !s.TLS },
	}
}

// arguments are about what stands behind the verb. Those that name the rest
// ("acceptable") hold always, as the rows above them did not.
func arguments() map[string]guard {
	present := func(_ Session, l line) bool { return l.argument() != "" }
	absent := func(_ Session, l line) bool { return l.argument() == "" }
	return map[string]guard{
		"argument":                 present,
		"no argument":              absent,
		"any argument":             always,
		"with or without argument": always,
		"argument missing/bad":     func(_ Session, l line) bool { return !l.command.Hello() },
		"argument acceptable":      always,
		"acceptable":               always,
		"syntax error in path":     func(_ Session, l line) bool { return !l.command.PathValid },
		"any parameter":            hasParameter,
		"unknown/unoffered parameter": func(s Session, l line) bool {
			return slices.ContainsFunc(l.command.Parameters, func(p smtp.Parameter) bool { return !s.offersParameter(l.command.Verb, p) })
		},
		"same parameter given twice, or bad value of an offered one": func(_ Session, l line) bool {
			return repeated(l.command.Parameters) || slices.ContainsFunc(l.command.Parameters, badValue)
		},
		"SIZE above the advertised maximum": func(s Session, l line) bool { return s.tooLarge(l.command.Parameters) },
		"not supported": func(s Session, l line) bool {
			keyword := l.command.Verb
			if keyword == "BDAT" {
				keyword = "CHUNKING"
			}
			return !s.supports(keyword)
		},
		"malformed (no size, bad size, bad end marker)": func(_ Session, l line) bool {
			_, ok := l.command.Chunk()
			return !ok
		},
		"well formed":  always,
		"n (not LAST)": func(_ Session, l line) bool { c, _ := l.command.Chunk(); return !c.Last },
		"n LAST":       func(_ Session, l line) bool { c, _ := l.command.Chunk(); return c.Last },
	}
}

// transactions are about what the session has seen.
func transactions() map[string]guard {
	return map[string]guard{
		"tls=1":                     func(s Session, _ line) bool { return s.TLS },
		"auth=1":                    func(s Session, _ line) bool { return s.Auth },
		"greeting=554":              func(s Session, _ line) bool { return s.Greeting != 521 },
		"greeting=521":              func(s Session, _ line) bool { return s.Greeting == 521 },
		"BODY=BINARYMIME was given": func(s Session, _ line) bool { return s.BinaryMIME },
		"no RCPT was sent":          func(s Session, _ line) bool { return !s.AnyRcpt },
		"every RCPT was refused":    func(s Session, _ line) bool { return s.AnyRcpt && s.Accepted == 0 },
		"CRLF.CRLF, accepted=0":     func(s Session, _ line) bool { return s.Accepted == 0 },
		"CRLF.CRLF, accepted>0":     func(s Session, _ line) bool { return s.Accepted > 0 },
	}
}

// exchanges are about AUTH and the answers to its challenges.
func exchanges() map[string]guard {
	encoded := func(text string) bool {
		_, err := base64.StdEncoding.Strict().DecodeString(text)
		return err == nil && !strings.ContainsAny(text, "\r\n")
	}
	valid := func(_ Session, l line) bool { return encoded(l.text) }
	return map[string]guard{
		"no mechanism": func(_ Session, l line) bool { return l.argument() == "" },
		"mechanism not offered": func(s Session, l line) bool {
			mechanism, _, _ := strings.Cut(l.argument(), " ")
			return !slices.ContainsFunc(s.Offered.Params("AUTH"), func(m string) bool { return strings.EqualFold(m, mechanism) })
		},
		"initial response not base64": func(_ Session, l line) bool {
			_, initial, given := strings.Cut(l.argument(), " ")
			return given && initial != "=" && !encoded(initial) // "=" is the empty response (RFC 4954 section 4)
		},
		"initial response":    func(_ Session, l line) bool { return strings.Contains(l.argument(), " ") },
		"no initial response": always,
		"longer than the server's AUTH buffer (12288 is enough)": func(_ Session, l line) bool { return len(l.text) > 12288 },
		`single "*"`:                      func(_ Session, l line) bool { return l.text == "*" },
		"not base64":                      func(_ Session, l line) bool { return !encoded(l.text) },
		"valid base64, more steps needed": valid,
		"valid base64, exchange succeeds": valid,
		"valid base64":                    valid,
	}
}

// events have no line, or a line that is no command: the event is the condition.
func events() map[string]guard {
	all := make(map[string]guard)
	for _, text := range []string{
		string(ChoiceRefuseHost), string(ChoiceNeverMail), "overload", "accepting", "client octets arrive before the greeting",
		"any line but a lone dot", "connection lost before CRLF.CRLF",
		"plaintext received after the STARTTLS line, before the handshake", "handshake completes",
		"handshake fails or the octets are not TLS", "no input for >= 5 minutes",
	} {
		all[text] = always
	}
	return all
}
