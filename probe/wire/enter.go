package wire

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/ceiling"
)

const (
	// allotment is how many recipients a session that waits for the ceiling takes
	// ahead, so that it never waits with a connection open: more than the checks
	// of one session get accepted by any receiver that was met so far.
	allotment = 4
	// askAgain is how long it waits before it asks for them again: what other
	// sessions give back is there before the ceiling's own time.
	askAgain = 5 * time.Second
)

// Ready waits, where the configuration says so, until the ceiling has room for so
// many sessions; else the error wraps ErrCeiling where there is no room for one.
func (r *Receiver) Ready(ctx context.Context, sessions int) error {
	if r.config.Ceiling == nil {
		return nil
	}
	if !r.config.Wait {
		return reached(r.config.Ceiling.Room(r.platform, 1))
	}
	return r.await(ctx, func() error { return r.config.Ceiling.Room(r.platform, sessions) })
}

// enter waits until a session may begin, and enters it where it is counted. It
// returns the recipients that were taken ahead.
func (r *Receiver) enter(ctx context.Context) (ahead int, err error) {
	err = r.await(ctx, func() (full error) {
		if r.tally.stopped() {
			return ErrStopped
		}
		if ended := r.config.Turns.wait(ctx, r.config.Pace, r.address, r.platform); ended != nil {
			return ended
		}
		if r.tally.stopped() { // while this one waited
			return ErrStopped
		}
		ahead, full = r.count()
		return full
	})
	return ahead, err
}

// await tries until the ceiling allows, or once where nobody waits.
func (r *Receiver) await(ctx context.Context, try func() error) error {
	for {
		err := try()
		var full *ceiling.Reached
		if !errors.As(err, &full) || !r.config.Wait {
			return reached(err)
		}
		if err := await(ctx, min(time.Until(full.Again), askAgain)); err != nil {
			return err
		}
	}
}

// count enters a session and, where it must not wait for them later, recipients.
func (r *Receiver) count() (ahead int, err error) {
	c := r.config.Ceiling
	if c == nil {
		return 0, nil
	}
	if r.config.Wait {
		if err := c.Recipients(r.address, allotment); err != nil {
			return 0, err
		}
		ahead = allotment
	}
	if err := c.Session(r.platform); err != nil {
		c.Return(r.address, ahead)
		return 0, err
	}
	return ahead, nil
}

func (r *Receiver) giveBack(recipients int) {
	if r.config.Ceiling != nil {
		r.config.Ceiling.Return(r.address, recipients)
	}
}

// reached gives the ceiling's error the name of this package.
func reached(err error) error {
	var full *ceiling.Reached
	if errors.As(err, &full) {
		return fmt.Errorf("%w: %w", ErrCeiling, err)
	}
	return err
}

// allot takes as many recipients as the octets name and the session does not have
// yet. Those that were refused can be named again.
func (s *Session) allot(octets string) error {
	c := s.receiver.config.Ceiling
	n := s.counted() + strings.Count(octets, "RCPT TO:") - s.allotted
	if c == nil || n <= 0 {
		return nil
	}
	if err := c.Recipients(s.receiver.address, n); err != nil {
		return fmt.Errorf("%s: %w", probe.QuotaSpent, err)
	}
	s.allotted += n
	return nil
}

// counted is the number of recipients that were accepted, or may yet be.
func (s *Session) counted() int {
	n := s.guard.accepted
	for _, c := range s.guard.pending {
		if c.verb == "RCPT" {
			n++
		}
	}
	return n
}
