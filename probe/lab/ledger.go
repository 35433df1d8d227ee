package lab

import (
	"maps"
	"sync"
)

// Tally counts what was received in one session, or in all.
type Tally struct {
	Commands     int            // command lines, whatever was answered
	Errors       int            // 4yz and 5yz replies sent
	Recipients   int            // recipients accepted
	Data         int            // DATA answered 354
	Chunks       int            // BDAT answered 2yz
	Ends         int            // ends of a message: lone dots, and last chunks accepted
	TextOctets   int64          // octets of message text, all that came after a 354
	ChunkOctets  int64          // octets of chunks, accepted or not
	EarlyTalk    int            // sessions in which the client spoke before the greeting
	RefusedGroup int            // groups that were refused
	Handshakes   int            // TLS handshakes that were completed
	Verbs        map[string]int // commands by verb; what is no verb of the reference stands under "other"
}

// Ledger is a receiver's own account of what it was sent since it was started.
type Ledger struct {
	Tally               // of all sessions
	Connections int     // accepted
	Open        int     // of these, not closed yet
	Sessions    []Tally // one a session in the order of their beginning, the first 10000
	GoneInText  int     // sessions that ended inside message text, which cancels it (RFC 5321 section 4.1.1.10)
}

const maxSessions = 10000

// book is the ledger while it is being written.
type book struct {
	mu       sync.Mutex
	ledger   Ledger
	sessions []*Tally
	over     chan struct{} // closed while no session is open
}

// open begins a session and returns its tally, to be changed by note only.
func (b *book) open() *Tally {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ledger.Connections++
	b.ledger.Open++
	if b.ledger.Open == 1 {
		b.over = make(chan struct{})
	}
	t := &Tally{}
	if len(b.sessions) < maxSessions {
		b.sessions = append(b.sessions, t)
	}
	return t
}

func (b *book) close(inText bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ledger.Open--
	if b.ledger.Open == 0 {
		close(b.over)
	}
	if inText {
		b.ledger.GoneInText++
	}
}

// settled returns a channel that is closed once no session is open.
func (b *book) settled() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over == nil { // nobody came yet
		b.over = make(chan struct{})
		close(b.over)
	}
	return b.over
}

// note enters something in a session's tally and in that of all.
func (b *book) note(session *Tally, enter func(*Tally)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	enter(session)
	enter(&b.ledger.Tally)
}

func (b *book) read() Ledger {
	b.mu.Lock()
	defer b.mu.Unlock()
	ledger := b.ledger
	ledger.Verbs = maps.Clone(ledger.Verbs)
	for _, session := range b.sessions {
		t := *session
		t.Verbs = maps.Clone(t.Verbs)
		ledger.Sessions = append(ledger.Sessions, t)
	}
	return ledger
}

func (t *Tally) command(verb string) {
	if t.Verbs == nil {
		t.Verbs = make(map[string]int)
	}
	t.Commands++
	t.Verbs[verb]++
}
