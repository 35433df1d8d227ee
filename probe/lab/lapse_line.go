package lab

import (
	"strconv"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe/oracle"
)

// lineLapses are those about lines as octets, and about the form of BDAT.
func lineLapses() []Lapse {
	return []Lapse{
		RefuseLongLines(500), SplitLongLines(2048), RefuseTrailingSpace(), UpperCaseOnly(), TakeBareCR(), CutAtNUL(),
		PassOverEmptyLines(), TolerateSenders(), TolerateChunks(),
	}
}

// RefuseLongLines refuses command lines of more octets than this, the line end
// included. Less than 512 is too few (RFC 5321 section 4.5.3.1.4).
func RefuseLongLines(octets int) Lapse {
	return onAnswer(name("refuse-long-lines", strconv.Itoa(octets)), "refuses lines of more octets than this", func(x *exchange) {
		if len(x.line)+len("\r\n") > octets {
			x.refuse("500 5.5.2 Line too long")
		}
	})
}

// SplitLongLines takes the rest of a line of more octets than this for another
// command.
func SplitLongLines(octets int) Lapse {
	return onAnswer(name("split-long-lines", strconv.Itoa(octets)), "takes the rest of a long line for another command", func(x *exchange) {
		if len(x.line)+len("\r\n") > octets {
			x.replies = append(x.replies, "500 5.5.2 Command not recognized\r\n")
		}
	})
}

// RefuseTrailingSpace refuses white space before the line end.
func RefuseTrailingSpace() Lapse {
	return onAnswer("refuse-trailing-space", "refuses white space before the line end", func(x *exchange) {
		if strings.HasSuffix(x.line, " ") {
			x.refuse("501 5.5.4 No argument allowed")
		}
	})
}

// UpperCaseOnly knows verbs in upper case only.
func UpperCaseOnly() Lapse {
	return onAnswer("upper-case-only", "knows verbs in upper case only", func(x *exchange) {
		if x.verb != "" && strings.HasPrefix(strings.ToUpper(x.line), x.verb) && !strings.HasPrefix(x.line, x.verb) {
			x.refuse("500 5.5.2 Command not recognized")
		}
	})
}

// TakeBareCR takes a lone CR for a line end.
func TakeBareCR() Lapse {
	return onAnswer("take-bare-cr", "takes a lone CR for a line end", func(x *exchange) {
		if n := strings.Count(x.line, "\r"); n > 0 {
			x.replies, x.after, x.end = nil, x.unchanged(), stay
			for range n + 1 {
				x.replies = append(x.replies, "250 2.0.0 OK\r\n")
			}
		}
	})
}

// CutAtNUL takes a NUL for the end of the line.
func CutAtNUL() Lapse {
	return onAnswer("cut-at-nul", "takes a NUL for the end of the line", func(x *exchange) {
		if line, _, found := strings.Cut(x.line, "\x00"); found {
			x.take(x.before.Step(line))
		}
	})
}

// PassOverEmptyLines says nothing to an empty line.
func PassOverEmptyLines() Lapse {
	return onAnswer("pass-over-empty-lines", "says nothing to an empty line", func(x *exchange) {
		if x.nth > 0 && x.line == "" && x.before.State != oracle.StateAuth {
			x.replies, x.after, x.end = nil, x.unchanged(), stay
		}
	})
}

// TolerateSenders takes a space behind MAIL FROM: and an address without angle
// brackets.
func TolerateSenders() Lapse {
	return onAnswer("tolerate-senders", "takes a space behind MAIL FROM: and an address without angle brackets", func(x *exchange) {
		if x.verb == "MAIL" && x.answer.Row.Guard == "syntax error in path" && !strings.Contains(x.line, "<<") {
			x.accept()
		}
	})
}

// TolerateChunks accepts BDAT in whatever form, with no octets behind it.
func TolerateChunks() Lapse {
	return onAnswer("tolerate-chunks", "accepts BDAT without a size, and with anything behind it", func(x *exchange) {
		if x.verb == "BDAT" && strings.HasPrefix(x.answer.Row.Guard, "malformed") {
			x.replies = []string{"250 2.0.0 OK\r\n"}
		}
	})
}
