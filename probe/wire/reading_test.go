package wire_test

import (
	"strconv"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
)

// lineEnds is what a server takes for the end of a line.
type lineEnds uint8

const (
	strictEnds lineEnds = iota // CR LF
	laxEnds                    // CR LF, CR, LF and NUL
	nulGone                    // CR LF, CR and LF; a NUL is passed over
)

// reading is one way in which a server may read the octets of a connection.
type reading struct {
	*trial
	ends     lineEnds
	swallows bool // the octets behind BDAT are a chunk; otherwise they are lines

	line     string
	skipLF   bool
	chunk    int    // octets of a chunk that are still to come
	payload  string // of the chunk so far
	commands []*said

	named, quit, bads, auths int
}

// said is one command line.
type said struct {
	verb     string
	sender   string // of MAIL; empty for the null one
	answered bool
}

// unanswered are the commands that wait for a reply; only the book knows.
func (r *reading) unanswered() []*said {
	for i, c := range r.commands {
		if !c.answered {
			return r.commands[i:]
		}
	}
	return nil
}

// feed takes the octets of one read.
func (r *reading) feed(octets string) {
	for i := range len(octets) {
		b := octets[i]
		if r.skipLF && b == '\n' {
			r.skipLF = false
			continue
		}
		r.skipLF = false
		switch {
		case r.chunk > 0:
			r.chunk--
			r.payload += string(b)
			if r.chunk == 0 {
				r.inert()
			}
		case r.ends == nulGone && b == 0:
		case r.isEnd(b):
			r.end(b)
		default:
			r.line += string([]byte{b})
		}
	}
	if r.chunk > 0 {
		r.fault("the octets of a chunk are not in the write of its BDAT (S3)")
	}
}

func (r *reading) isEnd(b byte) bool {
	switch r.ends {
	case strictEnds:
		return b == '\n' && strings.HasSuffix(r.line, "\r")
	case laxEnds:
		return b == '\r' || b == '\n' || b == 0
	}
	return b == '\r' || b == '\n'
}

func (r *reading) end(b byte) {
	line := r.line
	if r.ends == strictEnds {
		line = strings.TrimSuffix(line, "\r")
	}
	r.skipLF = r.ends != strictEnds && b == '\r'
	r.line = ""
	c := &said{verb: verbIn(line)}
	r.context(line, c)
	r.form(line, c)
	r.commands = append(r.commands, c)
}

// inert holds S3: a chunk is NOOP lines, so that a server that takes it for
// commands does nothing.
func (r *reading) inert() {
	if want := strings.Repeat("NOOP\r\n", len(r.payload)/6+1)[:len(r.payload)]; r.payload != want {
		r.fault("chunk of %q, want %q (S3)", r.payload, want)
	}
	r.payload = ""
}

// context holds the rules about what came before.
func (r *reading) context(line string, c *said) {
	switch {
	case r.quit > 0 && !strings.HasPrefix(c.verb, "NOOP") && !strings.HasPrefix(c.verb, "ZZ") && strings.Trim(line, "\r\n\x00") != "":
		r.fault("%.200q after QUIT (S8)", line)
	case line == "*" && !r.asked:
		r.fault("* without a 334 (S7)")
	}
	if c.verb == "DATA" || c.verb == "BDAT" {
		r.gate(c.verb)
	}
}

// gate is S2 and S3.
func (r *reading) gate(verb string) {
	switch {
	case r.accepted > 0:
		r.fault("%s after an accepted recipient (S2)", verb)
	case r.named > 0:
		r.fault("%s after a RCPT of the real recipient (S2)", verb)
	}
	for _, c := range r.unanswered() {
		if c.verb == "RCPT" && r == r.book && r.bounces() {
			r.fault("%s while a RCPT waits under a sender that is not null (S2)", verb)
		}
	}
}

// form holds what a line may look like, whatever came before.
func (r *reading) form(line string, c *said) {
	fields := strings.Split(line, " ")
	upper := strings.ToUpper(line)
	ok := false
	switch c.verb {
	case "":
		ok = strings.Trim(line, "\r\n\x00") == "" || line == "*"
	case "NOOP":
		ok = !strings.ContainsAny(line, "@<>:")
	case "RSET", "HELP":
		ok = !strings.ContainsAny(line, "@<>:\r\n\x00")
	case "DATA":
		ok = strings.TrimSpace(upper) == "DATA" && line == strings.TrimRight(line, "\r\n\t")
	case "EHLO", "HELO":
		arg := strings.TrimSpace(line[4:])
		ok = arg == "" || arg == r.values.EHLO
	case "VRFY":
		ok = strings.TrimSpace(line[4:]) == "postmaster"
	case "STARTTLS":
		ok = len(fields) <= 2 && !strings.ContainsAny(line, "@<>:\r\n\x00")
	case "QUIT":
		r.quit++
		ok = strings.TrimSpace(upper) == "QUIT" && r.quit == 1
	case "AUTH":
		r.auths++
		mechanism := strings.TrimSpace(line[4:])
		ok = r.auths <= 2 && mechanism != "" && len(mechanism) <= 20 &&
			strings.Trim(mechanism, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == ""
	case "MAIL":
		ok = r.mail(line, c)
	case "RCPT":
		ok = r.rcpt(line)
	case "BDAT":
		ok = r.bdat(fields)
	default:
		ok = r.harmless(c.verb, line)
	}
	if !ok {
		r.fault("%.200q is not a line that may be written (reading %d, chunks swallowed %v)", line, r.ends, r.swallows)
	}
}

// harmless are verbs that nobody has, and what is left of a NOOP that was cut
// in two, or that a chunk ends in.
func (r *reading) harmless(verb, line string) bool {
	switch {
	case strings.HasPrefix(verb, "ZZ"), r.ends == nulGone && strings.HasPrefix(verb, "NOOPZZ"):
		return verb == line
	case !r.swallows && verb[0] == 'N':
		return true
	}
	return r.ends != strictEnds && strings.HasPrefix("NOOP", verb) && verb == line
}

func (r *reading) mail(line string, c *said) bool {
	rest := strings.TrimPrefix(line[len("MAIL"):], " ")
	if len(rest) < 5 || !strings.EqualFold(rest[:5], "FROM:") {
		return false
	}
	rest = strings.TrimPrefix(rest[5:], " ")
	for _, path := range []string{
		"<>", r.values.From, "<<<", "smtpprobe@" + r.values.EHLO, "<smtpprobe-\xc3\xbc@" + r.values.EHLO + ">",
	} {
		params, ok := strings.CutPrefix(rest, path)
		if !ok || params != "" && params[0] != ' ' {
			continue
		}
		if path != "<>" {
			c.sender = path
		}
		return !strings.ContainsAny(params, "@<>:\r\n\x00") && !strings.Contains(strings.ToUpper(params), " AUTH=")
	}
	return false
}

func (r *reading) rcpt(line string) bool {
	rest, ok := strings.CutPrefix(line, "RCPT TO:")
	if !ok {
		return false
	}
	params, bad := strings.CutPrefix(rest, probe.BadRecipient)
	if bad {
		r.bads++
	} else {
		if params, ok = strings.CutPrefix(rest, r.values.Rcpt); !ok {
			return false
		}
		r.named++
	}
	return (params == "" || params[0] == ' ') && !strings.ContainsAny(params, "@<>:\r\n\x00")
}

func (r *reading) bdat(fields []string) bool {
	switch {
	case len(fields) == 1 || len(fields) == 2 && fields[1] == "x":
		return true
	case len(fields) == 3 && fields[1] == "0" && fields[2] == "FIRST":
		return true
	case len(fields) != 2:
		return false
	}
	n, err := strconv.Atoi(strings.TrimRight(fields[1], "\r\n\x00"))
	if err != nil || n < 0 {
		return false
	}
	if r.swallows {
		r.chunk = n
	}
	return true
}

// verbIn is the first word in upper case, as far as it is letters.
func verbIn(line string) string {
	end := strings.IndexFunc(line, func(c rune) bool { return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') })
	if end < 0 {
		end = len(line)
	}
	return strings.ToUpper(line[:end])
}
