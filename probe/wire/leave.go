package wire

import (
	"context"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
)

// Leave ends the session by S8: RSET where a transaction may be open, QUIT, and
// the end of the connection. After a 354, or where anything is in doubt, it ends
// without a word. It returns what was said meanwhile.
func (s *Session) Leave(ctx context.Context) probe.Transcript {
	if s.left {
		return nil
	}
	begun := len(s.events)
	s.leave(ctx)
	return append(probe.Transcript(nil), s.events[begun:]...)
}

func (s *Session) leave(ctx context.Context) {
	s.left = true
	defer s.receiver.release()
	defer func() { s.receiver.giveBack(s.allotted - s.counted()) }()
	defer s.watch(ctx)()
	if s.Usable() && ctx.Err() == nil {
		s.takeLeave(ctx)
		s.drain()
	}
	for _, c := range s.pump.stop() { // a 354 may come at the last moment (S1)
		s.take(c)
	}
	s.digest(func() bool { return false })
	if s.guard.silent || !s.guard.quit {
		s.abort()
		return
	}
	s.note(probe.NoteLeft, "")
	s.pump.conn.SetDeadline(time.Now().Add(time.Second)) //nolint:errcheck // a dead connection is closed all the same
	s.pump.conn.Close()
	s.raw.Close()
}

func (s *Session) takeLeave(ctx context.Context) {
	if s.guard.open {
		s.say(ctx, "RSET\r\n", waitReset)
	}
	if !s.Usable() {
		return
	}
	answered := s.say(ctx, "QUIT\r\n", waitQuit)
	if answered && s.last.Code != 0 && s.last.Code != 221 && s.last.Code != 421 && s.last.Fault == "" && s.ended == "" && ctx.Err() == nil {
		// Is it an odd answer, or one to the command before? Then 221 follows.
		before := s.replies
		s.shifted = s.hear(ctx, probe.Drain, func() bool { return s.replies > before }) == heard && s.last.Code == 221
	}
}

// Shifted reports, of a session that was left, whether QUIT got the reply to an
// earlier command: somebody on the way said something twice, or swallowed a
// command, and no reply of the session can be trusted.
func (s *Session) Shifted() bool { return s.shifted }

// say sends a command and reports whether a reply came in time.
func (s *Session) say(ctx context.Context, octets string, wait time.Duration) bool {
	if !s.drain() || s.guard.allow(octets) != nil {
		return false
	}
	s.events = append(s.events, probe.Event{At: time.Since(s.begun), From: probe.FromClient, Text: octets})
	if s.pump.write(ctx, octets, wait) != nil {
		return false
	}
	before := s.replies
	s.await(ctx, min(wait, s.receiver.config.Reply), func() bool { return s.replies > before })
	return s.replies > before
}

// abort resets the TCP connection, inside TLS without a word either: whatever
// the receiver waits for, it does not get it (S1).
func (s *Session) abort() {
	s.note(probe.NoteAborted, "")
	if c, ok := s.raw.(interface{ SetLinger(seconds int) error }); ok {
		c.SetLinger(0) //nolint:errcheck // a dead connection needs no reset
	}
	s.raw.Close()
}
