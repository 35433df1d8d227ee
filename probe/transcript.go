package probe

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// Party says whom an event comes from.
type Party uint8

// The parties. FromProbe marks what was neither sent nor received.
const (
	FromClient Party = iota
	FromServer
	FromProbe
)

var partyNames = [...]string{"client", "server", "probe"}

func (p Party) String() string { return partyNames[p] }

// Note says what an event of the probe is.
type Note string

// The notes. Their words stand in transcripts that users keep.
const (
	NoteConnected    Note = "connected"
	NoteUnconnected  Note = "no connection"
	NoteSecured      Note = "TLS handshake done"
	NoteUnsecured    Note = "TLS handshake failed"
	NoteClosed       Note = "closed by the server"
	NoteReset        Note = "reset by the server"
	NoteTimedOut     Note = "timed out"
	NoteListened     Note = "listened"
	NoteEarlyGreeted Note = "the greeting was there before anything was sent"
	NoteBegin        Note = "check begins"
	NoteHeld         Note = "not sent"
	NoteLeft         Note = "closed by us"
	NoteAborted      Note = "reset by us"
	NoteInterrupted  Note = "interrupted"
	NoteFlooded      Note = "the receiver does not stop talking"
	NoteShifted      Note = "replies and commands did not match when the session ended"
)

var notes = [...]Note{
	NoteConnected, NoteUnconnected, NoteSecured, NoteUnsecured, NoteClosed, NoteReset, NoteTimedOut,
	NoteListened, NoteEarlyGreeted, NoteBegin, NoteHeld, NoteLeft, NoteAborted, NoteInterrupted, NoteFlooded, NoteShifted,
}

// Event is one write of ours, one line of the server, or one note.
type Event struct {
	At   time.Duration // since the connection was asked for
	From Party
	Text string // the octets, or what there is to say beyond the note
	Cut  int    // octets that were received and left out before the line end
	Note Note   // of the probe's events
}

// Transcript is what happened on one connection, in order.
type Transcript []Event

// String shows the event on one line of printable ASCII, losing nothing:
// ParseEvent takes it back. A cut is shown as `\[N octets left out]`.
func (e Event) String() string {
	if e.From == FromProbe {
		if e.Text == "" {
			return string(e.Note)
		}
		return string(e.Note) + ": " + smtp.Escape(e.Text)
	}
	if e.Cut == 0 {
		return smtp.Escape(e.Text)
	}
	body := smtp.Line{Octets: e.Text}.Text()
	return smtp.Escape(body) + cutMark(e.Cut) + smtp.Escape(e.Text[len(body):])
}

func cutMark(octets int) string { return fmt.Sprintf(`\[%d octets left out]`, octets) }

// ParseEvent reads what String wrote.
func ParseEvent(at time.Duration, from, text string) (Event, error) {
	e := Event{At: at}
	switch from {
	case "client":
		e.From = FromClient
	case "server":
		e.From = FromServer
	case "probe":
		return parseNote(at, text)
	default:
		return Event{}, fmt.Errorf("event from %q: want client, server or probe", from)
	}
	if before, after, cut := cutAtMark(text); cut {
		number, tail, ok := strings.Cut(after, " octets left out]")
		n, err := strconv.Atoi(number)
		if !ok || err != nil || n < 1 {
			return Event{}, fmt.Errorf(`event %q: want \[N octets left out]`, text)
		}
		e.Cut, text = n, before+tail
	}
	octets, err := smtp.Unescape(text)
	if err != nil {
		return Event{}, fmt.Errorf("event %q: %w", text, err)
	}
	e.Text = octets
	return e, nil
}

// cutAtMark splits at the first `\[` that is not the end of an escaped
// backslash.
func cutAtMark(text string) (before, after string, found bool) {
	for i := 0; i+1 < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		if text[i+1] == '[' {
			return text[:i], text[i+2:], true
		}
		i++
	}
	return text, "", false
}

func parseNote(at time.Duration, text string) (Event, error) {
	for _, n := range notes {
		rest, ok := strings.CutPrefix(text, string(n))
		if !ok || (rest != "" && !strings.HasPrefix(rest, ": ")) {
			continue
		}
		detail, err := smtp.Unescape(strings.TrimPrefix(rest, ": "))
		if err != nil {
			return Event{}, fmt.Errorf("note %q: %w", text, err)
		}
		return Event{At: at, From: FromProbe, Note: n, Text: detail}, nil
	}
	return Event{}, fmt.Errorf("note %q: not one that a probe writes", text)
}

// Before is what a session had seen when a check began on it.
type Before struct {
	Errors int // error replies
	Checks int // other checks
}

// Begin is the note that stands before the first step of a check.
func Begin(at time.Duration, b Before) Event {
	text := fmt.Sprintf("after %d error replies and %d other checks", b.Errors, b.Checks)
	return Event{At: at, From: FromProbe, Note: NoteBegin, Text: text}
}

// Before reads the note of Begin; it is zero where there is none.
func (t Transcript) Before() Before {
	e, _ := t.Find(NoteBegin)
	errors, checks, _ := strings.Cut(strings.TrimPrefix(e.Text, "after "), " error replies and ")
	var b Before
	b.Errors, _ = strconv.Atoi(errors) // a note of another origin counts nothing
	b.Checks, _ = strconv.Atoi(strings.TrimSuffix(checks, " other checks"))
	return b
}

// Has reports whether the note stands in the transcript.
func (t Transcript) Has(n Note) bool {
	_, ok := t.Find(n)
	return ok
}

// Find returns the first event with the note.
func (t Transcript) Find(n Note) (Event, bool) {
	for _, e := range t {
		if e.From == FromProbe && e.Note == n {
			return e, true
		}
	}
	return Event{}, false
}

// spared reports whether something was not sent because the receiver had been asked
// often enough.
func (t Transcript) spared() bool {
	return slices.ContainsFunc(t, func(e Event) bool { return e.Note == NoteHeld && strings.HasPrefix(e.Text, QuotaSpent) })
}

// own are the events from the check's beginning on; nil where it never began.
func (t Transcript) own() Transcript {
	for i, e := range t {
		if e.From == FromProbe && e.Note == NoteBegin {
			return t[i+1:]
		}
	}
	return nil
}

// line is the event as a line of a reply.
func (e Event) line() smtp.Line { return smtp.Line{Octets: e.Text, Cut: e.Cut} }
