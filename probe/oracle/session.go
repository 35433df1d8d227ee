package oracle

import (
	"slices"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// State is a state of the reference state machine. The letters are those of the
// table.
type State string

// The states.
const (
	StateConnected     State = "W" // connected, greeting not sent
	StateRejected      State = "J" // the greeting was 554 or 521
	StateGreeted       State = "I" // greeted, no EHLO or HELO; also right after a TLS handshake
	StateEHLO          State = "E" // idle after EHLO
	StateHELO          State = "H" // idle after HELO
	StateMail          State = "M" // MAIL accepted, no recipient accepted
	StateRcpt          State = "R" // at least one recipient accepted
	StateChunk         State = "B" // at least one BDAT chunk accepted, LAST not seen
	StateIndeterminate State = "X" // after a failed BDAT or a mix of BDAT and DATA (RFC 3030 section 2)
	StateData          State = "D" // message text after 354
	StateAuth          State = "A" // AUTH exchange, 334 outstanding
	StateHandshake     State = "T" // 220 to STARTTLS sent, TLS handshake running
	StateClosed        State = "Z" // 221 or 421 sent, or the connection is gone
)

func (s State) valid() bool { return len(s) == 1 && strings.Contains("WJIEHMRBXDATZ", string(s)) }

// takesCommands reports the states for which the rows of all states count.
func (s State) takesCommands() bool { return len(s) == 1 && strings.Contains("IEHMRBX", string(s)) }

// Known reports whether the verb, in upper case, is one that the reference
// recognises.
func Known(verb string) bool {
	switch verb {
	case "EHLO", "HELO", "MAIL", "RCPT", "DATA", "BDAT", "RSET", "NOOP", "QUIT", "VRFY", "EXPN", "HELP", "STARTTLS", "AUTH":
		return true
	}
	return false
}

// EndsGroup reports whether the verb may stand only last in a group of
// pipelined commands: every one but MAIL, RCPT and RSET (RFC 2920 section 3.1;
// extension verbs by their own default, HELO and HELP by analogy). A verb that
// is not known says nothing.
func EndsGroup(verb string) bool {
	return Known(verb) && verb != "MAIL" && verb != "RCPT" && verb != "RSET"
}

// Session is what the reference knows of one connection. It is a value: a step
// returns a new one and leaves the old one as it was.
type Session struct {
	State     State
	TLS       bool
	Auth      bool
	Greeting  int    // 220, 554 or 521; 0 before the greeting
	GreetedBy string // "EHLO" or "HELO"; empty before either was accepted

	// Offered are the keywords of the last EHLO reply; none in I and H.
	Offered smtp.Capabilities
	// Supported are the keywords that an EHLO would list, in clear or inside
	// TLS.
	Supported smtp.Capabilities

	AnyRcpt    bool // a RCPT was sent in this transaction
	Accepted   int  // recipients accepted in this transaction
	BinaryMIME bool // MAIL of this transaction had BODY=BINARYMIME

	// Ahead says that octets behind the next line have already been received.
	Ahead bool
	// Host is how the reference names itself.
	Host string

	// watching marks a judge's session, which knows of the supported keywords
	// only what EHLO replies have said.
	watching bool
}

// New returns the session of the reference receiver on a connection that has
// just been made, with the EHLO keyword lines that it supports, such as
// "PIPELINING" or "SIZE 1000000".
func New(supported ...string) Session {
	return Session{State: StateConnected, Supported: slices.Clone(supported), Host: "receiver.example"}
}

// Watch returns the session of a judge, who follows what another receiver
// answers. Every extension counts as supported until Offer tells of the first
// EHLO reply.
func Watch() Session { return Session{State: StateConnected, watching: true} }

// Offer tells a judge's session the keyword lines of the EHLO reply that was
// followed last.
func (s Session) Offer(keywords smtp.Capabilities) Session {
	s.Offered = slices.Clone(keywords)
	supported := make(smtp.Capabilities, 0, len(s.Supported)+len(keywords))
	supported = append(supported, s.Supported...)
	for _, line := range keywords {
		if word, _, _ := strings.Cut(line, " "); !supported.Has(word) {
			supported = append(supported, line)
		}
	}
	s.Supported = supported
	return s
}

// Handshake returns the session after a TLS handshake: the state after the
// greeting, and nothing known of the client (RFC 3207 section 4.2).
func (s Session) Handshake() Session {
	s = s.clear()
	s.State, s.TLS, s.Auth, s.GreetedBy, s.Offered = StateGreeted, true, false, "", nil
	return s
}

func (s Session) supports(keyword string) bool {
	return s.watching && s.Supported == nil || s.Supported.Has(keyword)
}

// aheadOf reports octets behind the line of a verb where there must be none.
func (s Session) aheadOf(verb string) bool {
	return s.Ahead && (!s.Offered.Has("PIPELINING") || EndsGroup(verb))
}

// listing is what an EHLO reply lists now. STARTTLS must not be listed inside
// TLS (RFC 3207 section 4.2), REQUIRETLS only there (RFC 8689 section 2).
func (s Session) listing() smtp.Capabilities {
	if s.watching {
		return nil
	}
	var list smtp.Capabilities
	for _, line := range s.Supported {
		word, _, _ := strings.Cut(strings.ToUpper(line), " ")
		if word == "STARTTLS" && s.TLS || word == "REQUIRETLS" && !s.TLS {
			continue
		}
		list = append(list, line)
	}
	return list
}

// clear ends the transaction.
func (s Session) clear() Session {
	s.AnyRcpt, s.Accepted, s.BinaryMIME = false, 0, false
	return s
}

// line makes of a client's line what it is in this state: a command, or an
// event.
func (s Session) line(text string) line {
	switch s.State {
	case StateConnected, StateHandshake:
		return line{text: text, event: "(octets)"}
	case StateData:
		if text == "." {
			return line{text: text, event: "(dot)"}
		}
		return line{text: text, event: "(line)"}
	case StateAuth:
		return line{text: text, event: "(line)"}
	}
	return line{text: text, command: smtp.ParseCommand(text)}
}

// enter goes where a reply to the line leads: to a state, or to one of the
// relative places.
func (s Session) enter(next string, l line, code int) Session {
	s.Ahead = false
	s = s.countRcpt(l, code)
	if code == 235 {
		s.Auth = true
	}
	switch next {
	case same:
	case stuck:
		if strings.Contains("MRBX", string(s.State)) {
			s.State = StateIndeterminate
		}
	case idle:
		s = s.clear()
		s.State = s.resting()
	case string(StateEHLO):
		s = s.clear()
		s.State, s.GreetedBy, s.Offered = StateEHLO, "EHLO", s.listing()
	case string(StateHELO):
		s = s.clear()
		s.State, s.GreetedBy, s.Offered = StateHELO, "HELO", nil
	case string(StateMail):
		s = s.clear()
		s.State, s.BinaryMIME = StateMail, binaryMIME(l.command.Parameters)
	case string(StateGreeted), string(StateRejected):
		s.State, s.Greeting = State(next), code
	default:
		s.State = State(next)
	}
	return s
}

// resting is the state between transactions.
func (s Session) resting() State {
	switch s.GreetedBy {
	case "EHLO":
		return StateEHLO
	case "HELO":
		return StateHELO
	}
	return StateGreeted
}

// countRcpt notes a recipient that was tried inside a transaction, or accepted
// anywhere.
func (s Session) countRcpt(l line, code int) Session {
	if l.command.Verb != "RCPT" {
		return s
	}
	accepted := code/100 == 2
	if accepted {
		s.Accepted++
	}
	s.AnyRcpt = s.AnyRcpt || accepted || s.State == StateMail || s.State == StateRcpt
	return s
}
