package bulk

import (
	"context"
	"fmt"

	"github.com/smtpprobe/smtpprobe/probe/resolve"
)

// patience is how many look-ups running may go unanswered before the nameserver
// is asked whether it is there. A list may well have so many dead domains in a
// row, whose look-ups a nameserver gives up later than we do.
const patience = 10

// unanswered is a target of which nothing is known.
type unanswered struct {
	found Found
	begun int // look-ups by the time that this one was heard of
}

// hear takes what became of a target. Where no nameserver sent any reply, nothing
// is known of the domain, and that is held back until it is certain that the
// nameserver is there at all: what is handed over is final.
func (s *Scan) hear(ctx context.Context, l lookup) {
	f := l.found
	switch {
	case f.Domain != nil && f.Domain.Status == resolve.Interrupted, ctx.Err() != nil:
		// not looked up to the end: whoever goes on with this list will
	case s.There != nil && f.Domain != nil && f.Domain.Unanswered:
		s.held = append(s.held, unanswered{f, s.begun})
		if len(s.held) >= patience && !s.asking {
			s.ask(ctx)
		}
	default:
		if f.Domain != nil && f.Domain.Status != resolve.Invalid {
			s.release(l.nth)
		}
		s.take(f)
	}
}

// ask asks whether a nameserver is there, beside the rest; nothing more is looked
// up until that is known.
func (s *Scan) ask(ctx context.Context) {
	s.asking = true
	go func() { s.there <- s.There(ctx) }()
}

// settle decides on what is held back.
func (s *Scan) settle(there bool) {
	switch {
	case there:
		s.release(s.begun + 1)
	case len(s.held) > 0:
		s.fail(fmt.Errorf("%w: %s", ErrGone, s.held[0].found.Domain.Reason))
		s.held = nil
	}
}

// release hands over what was held back by the time that the nth look-up began:
// that was answered, so the nameserver was still there.
func (s *Scan) release(nth int) {
	for len(s.held) > 0 && s.held[0].begun < nth {
		f := s.held[0].found
		s.held = s.held[1:]
		s.take(f)
	}
}

// take hands a domain over, and then sees to its receivers.
func (s *Scan) take(f Found) {
	if f.Domain != nil && !s.mute {
		s.check(s.Domain(*f.Domain))
	}
	if s.First {
		s.offer(f.Receivers)
		return
	}
	for _, r := range f.Receivers {
		s.admit(r, nil)
	}
}
