//nolint:dupword // commands come twice on purpose
package wire_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/wire"
)

// TestInterrupted: the end of the context ends every wait at once, is noted, and
// nothing more is written.
func TestInterrupted(t *testing.T) {
	for name, c := range map[string]struct {
		replies []string
		script  probe.Script
		want    string
	}{
		"in the greeting":   {[]string{""}, probe.Script{greets(), sends("NOOP\r\n")}, ""},
		"in a reply":        {[]string{hi, "250-"}, probe.Script{greets(), sends("NOOP\r\n"), sends("NOOP\r\n")}, "NOOP\r\n"},
		"in a group":        {[]string{hi, fine}, probe.Script{greets(), sends("NOOP\r\nNOOP\r\n"), sends("NOOP\r\n")}, "NOOP\r\nNOOP\r\n"},
		"while listening":   {[]string{hi}, probe.Script{greets(), listens(time.Hour), sends("NOOP\r\n")}, ""},
		"in a handshake":    {[]string{hi, "220 go\r\n"}, probe.Script{greets(), sends("STARTTLS\r\n"), shakes(), sends("NOOP\r\n")}, "STARTTLS\r\n"},
		"in implicit TLS":   {[]string{""}, probe.Script{shakes(), greets()}, ""},
		"in the RSET of S8": {[]string{hi, fine}, probe.Script{greets(), sends("MAIL FROM:<>\r\n")}, "MAIL FROM:<>\r\nRSET\r\n"},
		"in the QUIT of S8": {[]string{hi}, probe.Script{greets()}, "QUIT\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			inMemory(t, wire.Config{}, replies(c.replies...), func(s *stage) {
				ctx, cancel := context.WithCancel(context.Background())
				time.AfterFunc(time.Second, cancel)
				session := s.open()
				begun := time.Now()
				transcript := session.Play(ctx, c.script)
				session.Leave(ctx)
				if took := time.Since(begun); took < time.Second || took > time.Second+grace {
					t.Errorf("got an end after %v, want it one second after the beginning", took)
				}
				leaving := strings.Contains(name, "S8")
				if walk := probe.ReplayAll(c.script, transcript); !leaving && !transcript.Has(probe.NoteInterrupted) {
					t.Errorf("got notes %q and %q, want %q", notesOf(transcript), walk.Failure(), probe.NoteInterrupted)
				}
				heard, _, _ := strings.Cut(s.log().heard(), "\x16\x03")
				if heard != c.want {
					t.Errorf("got %q written, want %q", heard, c.want)
				}
			})
		})
	}
}

// TestInterruptedBeforeTheSession: neither the pace nor a dial outlives the
// context.
func TestInterruptedBeforeTheSession(t *testing.T) {
	hangs := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	for name, c := range map[string]struct {
		config wire.Config
		first  bool // a session before it, which is still there
		left   bool // or was left
		want   error
	}{
		"in the dial":         {wire.Config{Dial: hangs}, false, false, context.Canceled},
		"in the pace":         {wire.Config{Pace: time.Hour}, true, true, context.Canceled},
		"waiting for a place": {wire.Config{}, true, false, context.Canceled},
		"no answer":           {wire.Config{Dial: hangs, Connect: time.Second}, false, false, wire.ErrNoAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			inMemory(t, c.config, replies(hi, bye), func(s *stage) {
				if c.first {
					session := s.open()
					session.Play(context.Background(), probe.Script{greets()})
					if c.left {
						session.Leave(context.Background())
					} else {
						defer session.Leave(context.Background())
					}
				}
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				if errors.Is(c.want, context.Canceled) {
					time.AfterFunc(time.Second, cancel)
				}
				begun := time.Now()
				session, err := s.way.Open(ctx)
				if session != nil {
					session.Leave(ctx)
				}
				if took := time.Since(begun); !errors.Is(err, c.want) || took != time.Second {
					t.Errorf("got %v after %v, want %v after a second", err, took, c.want)
				}
			})
		})
	}
}

// TestWriteThatBlocks: a server that does not read holds up a write neither past
// its deadline nor past the context.
func TestWriteThatBlocks(t *testing.T) {
	for name, c := range map[string]struct {
		interrupted bool
		want        time.Duration
	}{"until the deadline": {false, 40 * time.Second}, "until the context ends": {true, time.Second}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				network := lab.NewMemory()
				way := wayTo(t, network.Addr(), wire.Config{Dial: network.DialContext, Reply: 20 * time.Second})
				s, err := way.Open(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				conn, err := network.Accept()
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				if _, err := conn.Write([]byte(hi)); err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				if c.interrupted {
					time.AfterFunc(time.Second, cancel)
				}
				begun := time.Now()
				s.Play(ctx, probe.Script{greets(), sends("NOOP " + strings.Repeat("x", 1<<20) + "\r\n")})
				if took := time.Since(begun); took > c.want+grace {
					t.Errorf("got an end after %v, want at most %v", took, c.want)
				}
				s.Leave(ctx)
			})
		})
	}
}
