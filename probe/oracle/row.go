package oracle

import (
	"strconv"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// Row is one row of the table. Its exported fields are the columns as written.
type Row struct {
	State      string // a State, or "*!" and "*" for the states that take commands
	Command    string // a verb, a class of lines (ANY, UNKNOWN, BADCHAR, LONGLINE) or an event in parentheses
	Guard      string // when the row holds; "?" in front where it is the server's own choice
	Ideal      string // the reply of the reference
	Conformant string // all replies that the RFCs allow
	Next       string // a State, or "same", "idle", "stuck"
	Level      string // of the refusal or acceptance as such: MUST, SHOULD, MAY, will, must, should, none, or "-"
	Ref        string // RFC sections

	holds        guard
	code         int    // of the ideal reply, 0 where there is none
	enhanced     string // of the ideal reply, empty where there is none
	alternatives []alternative
	faulty       bool // the argument of the line that was looked up is faulty as well
}

// alternative is one conformant reaction.
type alternative struct {
	codes smtp.Codes // a code or a class of codes; empty for a reaction without a reply
	word  string     // a reaction without a reply, such as "close"
	bad   bool       // only where the argument is faulty as well
	next  string     // overrides the row's next where not empty
}

// Choice is a server's own choice: the guard of a `?` row without its mark.
type Choice string

// Choices that the reference can be told to make.
const (
	ChoiceAhead       Choice = "ahead=1"
	ChoiceErrorLimit  Choice = "limit of errors or of idle commands reached"
	ChoiceLongLine    Choice = "line > server limit (limit >= 512)"
	ChoiceTLSFirst    Choice = "server (not publicly referenced) demands TLS first (tls=0); not NOOP/EHLO/STARTTLS/QUIT"
	ChoiceRefuseHost  Choice = "refusing this client"
	ChoiceNeverMail   Choice = "host never takes mail"
	ChoiceRefuseMail  Choice = "refused by policy/resources"
	ChoiceRefuseRcpt  Choice = "refused"
	ChoiceTooManyRcpt Choice = "implementation limit reached (>= 100 accepted)"
)

// Choice returns the choice that the row stands for, and whether it is one.
func (r Row) Choice() (Choice, bool) {
	choice, is := strings.CutPrefix(r.Guard, "? ")
	return Choice(choice), is
}

// Code is the code of the ideal reply, 0 where the ideal is no reply.
func (r Row) Code() int { return r.code }

// Conforms reports whether a receiver that answers with the code, 0 for no
// reply, and that closes the connection after it or not, does what the RFCs
// allow here. Code 421 is conformant anywhere (RFC 5321 sections 3.8, 4.3.2); a
// close after any other reply only where the row says so.
func (r Row) Conforms(code int, closed bool) bool {
	_, ok := r.outcome(code, closed)
	return ok || code == 421
}

// outcome returns where a conformant reaction leads: a state, "same", "idle"
// or "stuck".
func (r Row) outcome(code int, closed bool) (next string, conformant bool) {
	for _, a := range r.alternatives {
		if !a.matches(code, closed, r.Next) || a.bad && !r.faulty {
			continue
		}
		if a.next == string(StateClosed) && !closed {
			continue // `code>Z` counts only if the server closes after it,
		}
		target := a.next
		if target == "" {
			target = r.follows(code)
		}
		if target == string(StateClosed) {
			return target, true // and then wins.
		}
		if !conformant {
			next, conformant = target, true
		}
	}
	if closed && code != 0 {
		return "", false
	}
	return next, conformant
}

// follows is the next state after a conformant code without one of its own: the
// row's for codes of the ideal code's class, otherwise nothing changes.
func (r Row) follows(code int) string {
	if code/100 == r.code/100 {
		return r.Next
	}
	return same
}

func (a alternative) matches(code int, closed bool, next string) bool {
	if code != 0 {
		return a.codes.Has(code)
	}
	switch a.word {
	case "no reply", "discard":
		return !closed || next == string(StateClosed)
	case "no reply; transaction cancelled", "close", "TLS alert and close", "fail the handshake":
		return closed
	}
	return false
}

// The next states that depend on the session.
const (
	same  = "same"
	idle  = "idle"  // E, H or I by greetedBy
	stuck = "stuck" // X in M, R, B and X, otherwise same
)

// understand fills the fields that are read out of the columns.
func (r *Row) understand(known map[string]guard) (fault string) {
	first, rest, _ := strings.Cut(r.Ideal, " ")
	if code, err := strconv.Atoi(first); err == nil && len(first) == 3 {
		r.code = code
		if word, _, _ := strings.Cut(rest, " "); strings.Count(word, ".") == 2 {
			r.enhanced = word
		}
	} else if !silent(r.Ideal) {
		return "ideal reply " + strconv.Quote(r.Ideal)
	}
	for item := range strings.SplitSeq(r.Conformant, ",") {
		a, ok := understandAlternative(item)
		if !ok {
			return "conformant reply " + strconv.Quote(item)
		}
		r.alternatives = append(r.alternatives, a)
	}
	if !place(r.Next) {
		return "next state " + strconv.Quote(r.Next)
	}
	holds, ok := known[strings.TrimPrefix(r.Guard, "? ")]
	if !ok {
		return "guard " + strconv.Quote(r.Guard)
	}
	r.holds = holds
	return ""
}

func understandAlternative(item string) (alternative, bool) {
	if silent(item) {
		return alternative{word: item}, true
	}
	// The one alternative that is spelt out: a refusal to go on in clear.
	item = strings.TrimSuffix(item, " to all but QUIT")
	code, next, leads := strings.Cut(item, ">")
	code, bad := strings.CutSuffix(code, "(bad)")
	a := alternative{codes: smtp.Codes(code), bad: bad, next: next}
	return a, a.codes.Valid() && (!leads || place(next))
}

// silent reports the reactions of the table that are no reply.
func silent(word string) bool {
	switch word {
	case "no reply", "no reply; close", "no reply; transaction cancelled",
		"discard", "fail the handshake", "close", "TLS alert and close":
		return true
	}
	return false
}

// place reports whether the word is a state or one of the relative ones.
func place(word string) bool {
	return word == same || word == idle || word == stuck || State(word).valid()
}
