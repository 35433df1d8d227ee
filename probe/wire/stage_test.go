package wire_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/wire"
)

// stage is a receiver of the test's conduct and the way to it.
type stage struct {
	*testing.T
	listener *listener
	way      *wire.Receiver
	settle   func() // waits until the listener knows of every connection
}

// inMemory gives a test a stage in a bubble, where time passes at once, and
// checks in the end that every goroutine of it has ended.
func inMemory(t *testing.T, config wire.Config, c conducts, play func(s *stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		network := lab.NewMemory()
		if config.Dial == nil {
			config.Dial = network.DialContext
		}
		s := &stage{T: t, listener: serve(network, c), settle: synctest.Wait}
		s.way = wayTo(t, network.Addr(), config)
		play(s)
		s.listener.stop()
	})
}

// onSockets gives a test a stage on a loopback socket.
func onSockets(t *testing.T, config wire.Config, c conducts, play func(s *stage)) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if config.Dial == nil {
		config.Dial = (&net.Dialer{}).DialContext
	}
	s := &stage{T: t, listener: serve(l, c), settle: func() {}}
	s.way = wayTo(t, l.Addr(), config)
	play(s)
	s.listener.stop()
}

func wayTo(t *testing.T, a net.Addr, config wire.Config) *wire.Receiver {
	t.Helper()
	address, _ := a.(*net.TCPAddr)
	if config.Values.EHLO == "" {
		config.Values = values("<>")
	}
	r, err := wire.NewReceiver(probe.Receiver{
		Host: "mx.example.net", Address: address.IP.String(), Port: address.AddrPort().Port(), Public: true,
	}, config)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (s *stage) open() *wire.Session {
	s.Helper()
	session, err := s.way.Open(context.Background())
	if err != nil {
		s.Fatal(err)
	}
	return session
}

// play plays one script in a session of its own and leaves.
func (s *stage) play(script probe.Script) probe.Transcript {
	s.Helper()
	session := s.open()
	defer session.Leave(context.Background())
	return session.Play(context.Background(), script)
}

// log waits until the first connection has ended and returns its log.
func (s *stage) log() *ledger {
	s.settle()
	logs := s.listener.stop()
	if len(logs) == 0 {
		s.Fatal("got no connection, want one")
	}
	return logs[0]
}

// replies are conducts that give one reply for each read of the listener, the
// greeting first; behind the last they say nothing any more.
func replies(r ...string) conducts {
	var all []turn
	for _, octets := range r {
		all = append(all, turn{octets: octets})
	}
	return turns(all...)
}

// turns are conducts that take one turn for each read of the listener.
func turns(all ...turn) conducts {
	return func(int) conduct {
		left := all
		return func(string) []turn {
			if len(left) == 0 {
				return nil
			}
			now := left[:1]
			left = left[1:]
			return now
		}
	}
}

// sends is a step that writes text and reads as many replies as it has lines.
func sends(text string) probe.Step {
	return probe.Step{Act: probe.Send, Text: text, Replies: strings.Count(text, "\r\n")}
}

func greets() probe.Step { return probe.Step{Act: probe.Greet} }

func listens(d time.Duration) probe.Step { return probe.Step{Act: probe.Listen, For: d} }

func shakes() probe.Step { return probe.Step{Act: probe.Handshake} }

// spoken are the octets of a party's events, one string an event.
func spoken(t probe.Transcript, p probe.Party) []string {
	var all []string
	for _, e := range t {
		if e.From == p {
			all = append(all, e.Text)
		}
	}
	return all
}

func notesOf(t probe.Transcript) []probe.Note {
	var all []probe.Note
	for _, e := range t {
		if e.From == probe.FromProbe {
			all = append(all, e.Note)
		}
	}
	return all
}
