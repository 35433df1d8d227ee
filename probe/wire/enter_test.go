package wire_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/ceiling"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/wire"
)

// street is a number of receivers behind one network, in one bubble.
type street struct {
	*testing.T
	listener *listener
	network  *lab.Memory
	config   wire.Config
}

func inStreet(t *testing.T, config wire.Config, c conducts, play func(s *street)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		network := lab.NewMemory()
		config.Dial, config.Values = network.DialContext, values("<>")
		s := &street{T: t, network: network, config: config, listener: serve(network, c)}
		play(s)
		s.listener.stop()
	})
}

// house is the way to a receiver of the platform at an address of its own.
func (s *street) house(n int, platform string, public bool) *wire.Receiver {
	s.Helper()
	r, err := wire.NewReceiver(probe.Receiver{
		Host: fmt.Sprintf("mx%d.%s", n, platform), Address: fmt.Sprintf("198.51.100.%d", n), Port: 25,
		Platform: platform, Public: public,
	}, s.config)
	if err != nil {
		s.Fatal(err)
	}
	return r
}

// visit opens a session, stays for a while and leaves.
func (s *street) visit(way *wire.Receiver, stay time.Duration) (begun, ended time.Time) {
	s.Helper()
	session, err := way.Open(context.Background())
	if err != nil {
		s.Fatal(err)
	}
	begun = time.Now()
	session.Play(context.Background(), probe.Script{greets(), listens(stay)})
	session.Leave(context.Background())
	return begun, time.Now()
}

// TestPaceOfAPlatform: two receivers of one platform one after the other do not
// touch without the pause; those of two platforms do.
func TestPaceOfAPlatform(t *testing.T) {
	const pace = 10 * time.Second
	inStreet(t, wire.Config{Pace: pace, Turns: &wire.Turns{}}, replies(hi, bye), func(s *street) {
		_, ended := s.visit(s.house(1, "example.com", true), time.Minute)
		other, _ := s.visit(s.house(2, "example.net", true), 0)
		if gap := other.Sub(ended); gap != 0 {
			t.Errorf("got a session with another platform %s after the first, want at once", gap)
		}
		same, _ := s.visit(s.house(3, "example.com", true), 0)
		if gap := same.Sub(ended); gap < pace || gap > pace+pace/5+1 {
			t.Errorf("got a session with the same platform %s after the end of the first, want %s and at most a fifth more", gap, pace)
		}
	})
}

// TestPaceOfAnAddress: an address that two platforms share is one server.
func TestPaceOfAnAddress(t *testing.T) {
	const pace = 10 * time.Second
	inStreet(t, wire.Config{Pace: pace, Turns: &wire.Turns{}}, replies(hi, bye), func(s *street) {
		_, ended := s.visit(s.house(1, "example.com", true), 0)
		again, _ := s.visit(s.house(1, "example.net", true), 0)
		if gap := again.Sub(ended); gap < pace {
			t.Errorf("got a session with the same address %s after the first, want %s", gap, pace)
		}
	})
}

// TestPaceBetweenBeginnings: of several receivers of a platform at once the
// sessions begin with the pause between them.
func TestPaceBetweenBeginnings(t *testing.T) {
	const pace, lanes, each = time.Second, 5, 4
	inStreet(t, wire.Config{Pace: pace, Turns: &wire.Turns{}}, replies(hi, bye), func(s *street) {
		begun := make(chan time.Time, lanes*each)
		for n := range lanes {
			way := s.house(n, "example.com", true)
			go func() {
				for range each {
					at, _ := s.visit(way, 5*time.Second)
					begun <- at
				}
			}()
		}
		var at []time.Time
		for range lanes * each {
			at = append(at, <-begun)
		}
		slices.SortFunc(at, time.Time.Compare)
		for i := 1; i < len(at); i++ {
			if gap := at[i].Sub(at[i-1]); gap < pace {
				t.Errorf("session %d began %s after the one before, want %s", i+1, gap, pace)
			}
		}
		if took := at[len(at)-1].Sub(at[0]); took > lanes*each*5*time.Second/2 {
			t.Errorf("got %d sessions of five seconds within %s: they were not side by side", len(at), took)
		}
	})
}

// full is a ceiling that has room for so many sessions with example.com.
func full(t *testing.T, room int) *ceiling.Ceiling {
	t.Helper()
	c := ceiling.New()
	for c.Room("example.com", room+1) == nil {
		if err := c.Session("example.com"); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// TestCeilingMarks: who does not wait gets an error that says until when.
func TestCeilingMarks(t *testing.T) {
	for _, public := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			network := lab.NewMemory()
			l := serve(network, replies(hi, bye))
			s := &street{T: t, network: network, listener: l, config: wire.Config{
				Dial: network.DialContext, Values: values("<>"), Ceiling: full(t, 2),
			}}
			way := s.house(1, "example.com", public)
			for range 2 {
				s.visit(way, 0)
			}
			ready := way.Ready(t.Context(), 1)
			session, err := way.Open(t.Context())
			if public {
				if !errors.Is(err, wire.ErrCeiling) || !strings.Contains(err.Error(), "possible again at 2000-01-01T01:01:00Z") {
					t.Errorf("got %v, want the ceiling, and until when", err)
				}
				if !errors.Is(ready, wire.ErrCeiling) {
					t.Errorf("got %v for whether it is ready, want the ceiling", ready)
				}
			} else if err != nil || ready != nil {
				t.Errorf("got %v, %v for an address that is not public, want a session", err, ready)
			} else {
				session.Leave(t.Context())
			}
			l.stop()
		})
	}
}

// TestCeilingWaits: who waits gets a session when there is room, and waits no
// longer than its context.
func TestCeilingWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := lab.NewMemory()
		l := serve(network, replies(hi, bye))
		s := &street{T: t, network: network, listener: l, config: wire.Config{
			Dial: network.DialContext, Values: values("<>"), Ceiling: full(t, 0), Wait: true,
		}}
		way := s.house(1, "example.com", true)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begun := time.Now()
		if _, err := way.Open(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != time.Minute {
			t.Errorf("got %v after %s, want the end of the context after a minute", err, time.Since(begun))
		}
		if err := s.config.Ceiling.Recipients("198.51.100.1", 50); err != nil {
			t.Errorf("got %v, want nothing taken by who only waited", err)
		}
		s.config.Ceiling.Return("198.51.100.1", 50)
		if err := way.Ready(t.Context(), 100); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took < time.Hour || took > 61*time.Minute+10*time.Second {
			t.Errorf("got room after %s, want after an hour", took)
		}
		at, _ := s.visit(way, 0)
		if took := time.Since(at); took > time.Second {
			t.Errorf("got a session %s after there was room, want at once", took)
		}
		l.stop()
	})
}

// naming is a script that names the recipient n times, each in a line of its own.
func naming(n int) probe.Script {
	script := probe.Script{greets(), sends("EHLO {ehlo}\r\n"), sends("MAIL FROM:<>\r\n")}
	for range n {
		script = append(script, sends("RCPT TO:{rcpt}\r\n"))
	}
	return script
}

// TestRecipientsOfAnAddress: fifty recipients that are accepted in five minutes
// are enough; those that are refused cost nothing, and nothing else is held back.
func TestRecipientsOfAnAddress(t *testing.T) {
	const each, sessions = 5, 12
	for name, c := range map[string]struct {
		reply          string
		public, wait   bool
		named, minutes int
	}{
		"accepted":              {"250 2.1.5 ok\r\n", true, false, 50, 0},
		"accepted, and waiting": {"250 2.1.5 ok\r\n", true, true, each * sessions, 5},
		"refused":               {"550 5.1.1 no\r\n", true, false, each * sessions, 0},
		"refused, and waiting":  {"550 5.1.1 no\r\n", true, true, each * sessions, 0},
		"of one's own":          {"250 2.1.5 ok\r\n", false, false, each * sessions, 0},
		"of one's own, waiting": {"250 2.1.5 ok\r\n", false, true, each * sessions, 0},
	} {
		t.Run(name, func(t *testing.T) {
			all := []string{hi, "250 mx.example.net\r\n", "250 2.1.0 ok\r\n"}
			for range each {
				all = append(all, c.reply)
			}
			config := wire.Config{Ceiling: ceiling.New(), Wait: c.wait}
			inStreet(t, config, replies(append(all, "250 2.0.0 reset\r\n", bye)...), func(s *street) {
				way := s.house(1, "example.com", c.public)
				named, held, begun := 0, "", time.Now()
				for range sessions {
					session, err := way.Open(s.Context())
					if err != nil {
						t.Fatal(err)
					}
					for _, e := range session.Play(s.Context(), naming(each)) {
						if e.From == probe.FromClient && strings.HasPrefix(e.Text, "RCPT") {
							named++
						}
						if e.Note == probe.NoteHeld {
							held = e.Text
						}
					}
					session.Leave(s.Context())
				}
				if named != c.named {
					t.Errorf("got %d recipients named, want %d", named, c.named)
				}
				if (held != "") != (c.named < each*sessions) || held != "" && !strings.HasPrefix(held, probe.QuotaSpent) {
					t.Errorf("got %q for what was held back", held)
				}
				if took := time.Since(begun) / time.Minute; int(took) != c.minutes {
					t.Errorf("got it done in %s, want %d minutes", time.Since(begun), c.minutes)
				}
			})
		})
	}
}

// TestDialThatFailsKeepsNoRecipients: what was taken ahead is given back.
func TestDialThatFailsKeepsNoRecipients(t *testing.T) {
	c := ceiling.New()
	config := wire.Config{Ceiling: c, Wait: true, Values: values("<>"), Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("lost")
	}}
	way := (&street{T: t, config: config}).house(1, "example.com", true)
	if _, err := way.Open(t.Context()); err == nil {
		t.Error("got a session, want none")
	}
	if err := c.Recipients("198.51.100.1", 50); err != nil {
		t.Errorf("got %v, want all of the room", err)
	}
}
