package wire

import (
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// digest turns octets into lines and replies until done says so; what is left
// stays for later.
func (s *Session) digest(done func() bool) {
	for len(s.unread) > 0 && !done() && !s.full() {
		line, finished, rest := s.cutter.Next(s.unread)
		s.received += len(s.unread) - len(rest)
		s.unread = rest
		if !finished {
			if s.cutter.Pending() > smtp.MaxReply {
				s.rest()
				s.flooded()
			}
			return
		}
		s.enter(line)
	}
}

func (s *Session) enter(line smtp.Line) {
	s.lines++
	s.record(line)
	s.guard.sight(line.Octets)
	if reply, ok := s.assembler.Add(line); ok {
		s.replies++
		s.last = reply
		s.guard.heard(reply)
	}
}

// record writes a line into the transcript. Of a reply with very many lines the
// first are kept, and the rest of those that are not its last are counted as cut
// from the last one that is.
func (s *Session) record(line smtp.Line) {
	if len(line.Octets) > 4 && line.Octets[3] == '-' && line.Octets[:4] == s.alike.prefix {
		s.alike.lines++
	} else {
		s.alike = run{prefix: line.Octets[:min(4, len(line.Octets))]}
	}
	if s.alike.lines >= maxAlike {
		s.events[s.alike.last].Cut += len(line.Octets) + line.Cut
		return
	}
	s.alike.last = len(s.events)
	s.events = append(s.events, probe.Event{
		At: time.Since(s.begun), From: probe.FromServer, Text: line.Octets, Cut: line.Cut,
	})
}

// run is a run of lines that go on with the same code.
type run struct {
	prefix string // the code and its hyphen
	lines  int
	last   int // the event of the last line that was kept
}

// rest enters a line that was begun and will not be finished.
func (s *Session) rest() {
	if line, ok := s.cutter.Rest(); ok {
		s.enter(line)
	}
}
