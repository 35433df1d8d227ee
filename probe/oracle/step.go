package oracle

import "slices"

// Answer is what the reference does with a line or an event.
type Answer struct {
	// Row is the row of the table that answers.
	Row Row
	// Reply are the lines of the reply without their line ends; none where the
	// answer is silence.
	Reply []string
	// Code is the reply code, 0 where there is no reply.
	Code int
	// Swallow is the number of octets to read and throw away before the reply
	// is sent: the chunk of a BDAT, refused or not (RFC 3030 section 2).
	Swallow int64
	// Close says that the connection is closed after the reply.
	Close bool
}

// Step returns what the reference answers to a client's line, given without its
// line end, and the session after it. It makes a server's own choices only where
// told to.
func (s Session) Step(text string, told ...Choice) (Answer, Session) {
	return s.take(s.line(text), told)
}

// Greet sends the greeting: 220, unless told to refuse.
func (s Session) Greet(told ...Choice) (Answer, Session) {
	return s.take(line{event: "(timer)"}, told)
}

// Idle ends a session whose client has been silent for too long (RFC 5321
// section 4.5.3.2.7).
func (s Session) Idle() (Answer, Session) {
	return s.take(line{event: "(idle)"}, nil)
}

// Row returns the row that certainly answers a client's line in this state.
func (s Session) Row(text string) Row { return s.Rows(text)[0] }

// Rows returns the row that certainly answers a client's line and, behind it,
// the rows of the server's own choices that were passed on the way.
func (s Session) Rows(text string) []Row { return s.rows(s.line(text), nil) }

func (s Session) rows(l line, told []Choice) []Row {
	rows := s.passed(l, told)
	if len(rows) == 0 {
		return []Row{nothing()}
	}
	last := len(rows) - 1
	return slices.Concat(rows[last:], rows[:last])
}

// nothing is the row for what the table does not foresee, a line in a state
// that does not exist: the session cannot go on.
func nothing() Row {
	return Row{
		State: afterAll, Command: "ANY", Guard: "-", Ideal: "421 4.3.0", Conformant: "421", Next: string(StateClosed),
		code: 421, enhanced: "4.3.0", alternatives: []alternative{{codes: "421"}},
	}
}

func (s Session) take(l line, told []Choice) (Answer, Session) {
	row := s.rows(l, told)[0]
	next := s.enter(row.Next, l, row.code)
	answer := Answer{Row: row, Code: row.code, Reply: s.reply(row, next), Swallow: s.swallow(l), Close: next.State == StateClosed}
	return answer, next
}

// swallow is the size of a chunk that follows the line.
func (s Session) swallow(l line) int64 {
	if l.command.Verb != "BDAT" || !s.State.takesCommands() || !s.supports("CHUNKING") {
		return 0
	}
	chunk, _ := l.command.Chunk()
	return chunk.Size
}

// Accept returns what a receiver without order would do: the accepting reply to
// the verb of the line and the transition that such a reply implies, whatever
// the state and the argument. A line that is no command is answered as ever.
func (s Session) Accept(text string) (Answer, Session) {
	l := s.line(text)
	if l.event != "" {
		return s.take(l, nil)
	}
	row := s.rows(l, nil)[0]
	row.code, row.enhanced = acceptance(l.command.Verb)
	next := s.enter(s.accepted(l, row.code), l, row.code)
	return Answer{Row: row, Code: row.code, Reply: s.reply(row, next), Swallow: s.swallow(l), Close: next.State == StateClosed}, next
}

// acceptance is the reply by which a verb is accepted.
func acceptance(verb string) (code int, enhanced string) {
	switch verb {
	case "EHLO", "HELO":
		return 250, ""
	case "MAIL":
		return 250, "2.1.0"
	case "RCPT":
		return 250, "2.1.5"
	case "DATA":
		return 354, ""
	case "QUIT":
		return 221, "2.0.0"
	case "STARTTLS":
		return 220, "2.0.0"
	case "AUTH":
		return 334, ""
	case "VRFY":
		return 252, "2.5.0"
	case "HELP":
		return 214, "2.0.0"
	}
	return 250, "2.0.0"
}

// accepted is where an accepting reply leads that the table does not list at
// this place. The first digit decides (RFC 5321 section 4.2.1).
func (s Session) accepted(l line, code int) string {
	if l.event != "" {
		return s.acceptedEvent(l, code)
	}
	verb, class := l.command.Verb, code/100
	switch {
	case class == 2 && verb == "EHLO":
		return string(StateEHLO)
	case class == 2 && verb == "HELO":
		return string(StateHELO)
	case class == 2 && verb == "MAIL":
		return string(StateMail)
	case class == 2 && verb == "RCPT":
		if s.State == StateChunk {
			return same
		}
		return string(StateRcpt)
	case class == 3 && verb == "DATA":
		return string(StateData)
	case class == 2 && verb == "BDAT":
		if chunk, _ := l.command.Chunk(); chunk.Last {
			return idle
		}
		return string(StateChunk)
	case class == 2 && verb == "RSET":
		return idle
	case code == 221 && verb == "QUIT":
		return string(StateClosed)
	case class == 2 && verb == "STARTTLS":
		return string(StateHandshake)
	case class == 3 && verb == "AUTH":
		return string(StateAuth)
	}
	return same
}

// acceptedEvent is the same for a line that is no command.
func (s Session) acceptedEvent(l line, code int) string {
	switch {
	case s.State == StateData && l.event == "(dot)" && code/100 == 2:
		return idle
	case s.State == StateAuth && code/100 == 2:
		return idle
	case s.State == StateConnected && code/100 == 2:
		return string(StateGreeted)
	}
	return same
}

// Standing is how a reply stands beside the table.
type Standing string

// The standings.
const (
	Strict       Standing = "strict"        // the ideal code
	Conformant   Standing = "conformant"    // another code that the RFCs allow
	OtherRefusal Standing = "other refusal" // a 4yz or 5yz that they do not name here
	Lenient      Standing = "lenient"       // an acceptance that they do not name here
	Broken       Standing = "broken"        // no reply, no reply code, or a close without a word
)

// Follow is the judge's reading of another receiver's reply to a client's line:
// how it stands beside the table, and the session that the reply implies. The
// code is 0 for no reply, also where two came; closed says that the connection
// was closed after it. After an accepted EHLO tell Offer what the reply listed.
func (s Session) Follow(text string, code int, closed bool) (Session, Standing) {
	return s.follow(s.line(text), code, closed)
}

// FollowGreeting is the same for the greeting.
func (s Session) FollowGreeting(code int, closed bool) (Session, Standing) {
	return s.follow(line{event: "(timer)"}, code, closed)
}

func (s Session) follow(l line, code int, closed bool) (Session, Standing) {
	next, standing := s.judge(l, code, closed)
	if closed || code == 421 {
		next = string(StateClosed)
	}
	return s.enter(next, l, code), standing
}

func (s Session) judge(l line, code int, closed bool) (next string, standing Standing) {
	for i, row := range s.rows(l, nil) {
		next, conformant := row.outcome(code, closed)
		switch {
		case !conformant && code != 421:
		case i == 0 && code == row.code && (code != 0 || !closed || row.Next == string(StateClosed)):
			return next, Strict
		case conformant || i == 0:
			return next, Conformant
		}
	}
	switch {
	case code == 221 && l.command.Verb != "QUIT" && l.event == "":
		return string(StateClosed), OtherRefusal
	case l.event == "(line)" && s.State == StateData || code < 200 || code > 599:
		return same, Broken
	case code >= 400:
		return same, OtherRefusal
	case closed:
		return same, Broken
	}
	return s.accepted(l, code), Lenient
}
