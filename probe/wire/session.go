package wire

import (
	"context"
	"net"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// Session is one connection. One goroutine uses it at a time; Leave ends it.
type Session struct {
	receiver *Receiver
	guard    *guard
	raw      net.Conn // the TCP connection
	pump     *pump
	begun    time.Time
	timer    *time.Timer // of the wait for octets

	events    probe.Transcript
	cutter    smtp.Cutter
	assembler smtp.Assembler
	unread    []byte // octets that came and were not yet looked at
	more      bool   // the latest read was full, so more may be waiting
	received  int    // octets of the server that were looked at
	lines     int    // lines of the server
	replies   int    // complete replies so far
	alike     run
	last      smtp.Reply
	allotted  int // recipients that the ceiling has counted for this session
	shifted   bool
	ended     probe.Note
	played    bool
	left      bool
}

// What one session reads from a receiver that floods: replies of the greatest
// size, and some, and more lines than any reply to EHLO has.
const (
	maxSession = 3 * smtp.MaxReply
	maxLines   = 8 << 10
	maxAlike   = 256 // lines of one reply that a transcript keeps
)

func newSession(r *Receiver, g *guard, conn net.Conn, begun time.Time) *Session {
	s := &Session{receiver: r, guard: g, raw: conn, begun: begun}
	s.note(probe.NoteConnected, "")
	s.pump = startPump(conn)
	return s
}

// Play puts a script on the wire and returns what happened, from its first step
// to its last or to where it ended. It never blocks past the waits of the
// receiver's configuration and ends at once with the context.
func (s *Session) Play(ctx context.Context, script probe.Script) probe.Transcript {
	start := len(s.events)
	if !s.played {
		start, s.played = 0, true // the first script has the note of the connection
	}
	if s.left {
		s.note(probe.NoteLeft, "")
		return append(probe.Transcript(nil), s.events[start:]...)
	}
	defer s.watch(ctx)()
	played := course{script: script, begun: start}
	for i, step := range script {
		ended, holds := played.next(i, s.events)
		if ended {
			break
		}
		if !holds {
			continue
		}
		if ctx.Err() != nil {
			s.note(probe.NoteInterrupted, "")
			break
		}
		if s.ended != "" {
			s.note(s.ended, "")
			break
		}
		played.last, played.from = i, len(s.events)
		s.do(ctx, step)
	}
	if len(script) > 0 {
		s.drain() // what came behind the last reply belongs to this script
	}
	return append(probe.Transcript(nil), s.events[start:]...)
}

// course is where a script stands while it is played.
type course struct {
	script probe.Script
	begun  int // the first event
	last   int // the step that was played last
	from   int // its first event; 0 while there was none
	latest [1]probe.Step
}

// next reports whether the script ended with the step that was played last, and
// whether the condition of step i holds. It reads again what came of all steps
// before only for a condition, and where that may look otherwise by now: octets
// that came between two steps belong to the earlier one.
func (c *course) next(i int, events probe.Transcript) (ended, holds bool) {
	switch free := c.script[i].If == probe.Always; {
	case free && c.from == 0:
		return false, true
	case free && c.script[c.last].Act == probe.Send && len(events) > c.from && events[c.from].From == probe.FromClient:
		c.latest[0] = c.script[c.last]
		c.latest[0].If = probe.Always // it did hold
		return probe.ReplayAll(c.latest[:], events[c.from:]).Ends(), true
	}
	walk := probe.ReplayAll(c.script[:i], events[c.begun:])
	return walk.Ends(), walk.Holds(c.script[i])
}

// watch lets the end of the context end a write; what it returns ends the watch.
func (s *Session) watch(ctx context.Context) func() bool {
	return context.AfterFunc(ctx, func() {
		s.raw.SetWriteDeadline(time.Unix(1, 0)) //nolint:errcheck // a closed connection ends the write as well
	})
}

func (s *Session) do(ctx context.Context, step probe.Step) {
	switch step.Act {
	case probe.Greet:
		s.read(ctx, 1)
	case probe.Send:
		s.send(ctx, step)
	case probe.Handshake:
		s.handshake(ctx)
	case probe.Listen:
		s.listen(ctx, step)
	}
}

func (s *Session) send(ctx context.Context, step probe.Step) {
	early := s.guard.waitsForGreeting()
	if !s.drain() {
		return
	}
	if early && s.received > 0 {
		s.note(probe.NoteEarlyGreeted, "")
		s.note(probe.NoteHeld, "it would not be early any more")
		return
	}
	if len(s.guard.pending) == 0 && s.started() {
		s.guard.taint("the receiver began a reply that no command asked for")
	}
	octets := s.guard.values.Fill(step.Text)
	if err := s.allot(octets); err != nil {
		s.note(probe.NoteHeld, err.Error())
		return
	}
	if err := s.guard.allow(octets); err != nil {
		s.note(probe.NoteHeld, err.Error())
		return
	}
	s.events = append(s.events, probe.Event{At: time.Since(s.begun), From: probe.FromClient, Text: octets})
	if err := s.pump.write(ctx, octets, s.receiver.config.Reply); err != nil {
		// The reason why a write fails is in what the receiver did: read it.
		s.guard.taint("the connection does not take octets any more")
	}
	s.read(ctx, step.Replies)
}

// read reads replies until there are n, or the first that does not come.
func (s *Session) read(ctx context.Context, n int) {
	for want := s.replies + n; s.replies < want && s.ended == ""; {
		wait := s.receiver.config.Reply
		if s.guard.waitsForGreeting() {
			wait = max(2*wait, leastGreeting)
		}
		before := s.replies
		if !s.await(ctx, wait, func() bool { return s.replies > before }) {
			return
		}
	}
}

// listen takes whatever comes for a while, or until the replies are there that
// end it.
func (s *Session) listen(ctx context.Context, step probe.Step) {
	before := s.replies
	enough := func() bool { return step.Replies > 0 && s.replies-before >= step.Replies }
	if s.hear(ctx, step.For, enough) == expired {
		s.note(probe.NoteListened, "for "+step.For.String())
	}
}

// await hears until done says so; it notes a wait that was in vain.
func (s *Session) await(ctx context.Context, d time.Duration, done func() bool) bool {
	switch s.hear(ctx, d, done) {
	case heard:
		return true
	case expired:
		s.rest()
		s.note(probe.NoteTimedOut, "after "+d.String())
		s.guard.taint("a reply did not come in time")
	}
	return false
}

// ending says how a wait ended.
type ending uint8

const (
	heard ending = iota
	expired
	over // the connection or the context ended; it is noted
)

func (s *Session) hear(ctx context.Context, d time.Duration, done func() bool) ending {
	if s.timer == nil {
		s.timer = time.NewTimer(d)
	} else {
		s.timer.Reset(d)
	}
	defer s.timer.Stop()
	for {
		s.digest(done)
		switch {
		case done():
			return heard
		case s.guard.silent: // S1: nothing else matters any more
			s.note(probe.NoteHeld, s.guard.over)
			return over
		case s.full():
			s.flooded()
			return over
		case s.ended != "":
			return over
		}
		select {
		case c := <-s.pump.octets:
			s.take(c)
		case <-s.timer.C:
			return expired
		case <-ctx.Done():
			s.note(probe.NoteInterrupted, "")
			s.guard.taint("interrupted")
			return over
		}
	}
}

// drain looks at what came unasked, without waiting. It reports whether the
// connection is still there; where it is not, that is noted.
func (s *Session) drain() bool {
	for s.ended == "" && !s.full() {
		s.digest(func() bool { return false })
		c, ok := s.pump.poll(s.more)
		if !ok {
			s.more = false
			return true
		}
		s.take(c)
	}
	if s.full() {
		s.flooded()
	}
	return false
}

// full reports whether the receiver said more than anybody reads.
func (s *Session) full() bool { return s.received > maxSession || s.lines > maxLines }

// started reports whether the receiver began a line, or a reply, that it did
// not finish yet.
func (s *Session) started() bool { return s.cutter.Pending() > 0 || s.assembler.Open() }

func (s *Session) take(c chunkRead) {
	if len(s.unread) == 0 {
		s.unread = c.octets
	} else {
		s.unread = append(s.unread, c.octets...)
	}
	s.more = len(c.octets) == readSize
	if c.end != "" {
		s.digest(func() bool { return false })
		s.rest()
		s.ended = c.end
		s.note(c.end, "")
		s.guard.taint("the connection is closed")
	}
}

// flooded ends a session whose receiver never stops talking.
func (s *Session) flooded() {
	s.unread = nil
	s.ended = probe.NoteFlooded
	s.note(probe.NoteFlooded, "")
	s.guard.taint("the receiver does not stop talking")
}

func (s *Session) note(n probe.Note, text string) {
	s.events = append(s.events, probe.Event{At: time.Since(s.begun), From: probe.FromProbe, Note: n, Text: text})
}

// Begin is the note that stands before a check which this session plays next,
// after a number of others.
func (s *Session) Begin(others int) probe.Event {
	return probe.Begin(time.Since(s.begun), probe.Before{Errors: s.guard.errors, Checks: others})
}

// Usable reports whether the session may play another check.
func (s *Session) Usable() bool {
	return s.drain() && !s.started() && s.guard.idle()
}

// Errors is the number of error replies of the session.
func (s *Session) Errors() int { return s.guard.errors }

// Commands is the number of command lines that were written.
func (s *Session) Commands() int { return s.guard.commands }
