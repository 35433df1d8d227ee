//go:build !race

package wire_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/wire"
)

// echo is a connection that answers every write with the same reply, and makes
// nothing of its own while it does.
type echo struct {
	reply   []byte
	replies chan struct{}
	closed  chan struct{}
}

func (c *echo) Read(p []byte) (int, error) {
	select {
	case <-c.replies:
		return copy(p, c.reply), nil
	case <-c.closed:
		return 0, io.EOF
	}
}

func (c *echo) Write(p []byte) (int, error) {
	c.replies <- struct{}{}
	if bytes.HasPrefix(p, []byte("QUIT")) {
		close(c.closed)
	}
	return len(p), nil
}

func (c *echo) Close() error                     { return nil }
func (c *echo) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
func (c *echo) RemoteAddr() net.Addr             { return c.LocalAddr() }
func (c *echo) SetDeadline(time.Time) error      { return nil }
func (c *echo) SetReadDeadline(time.Time) error  { return nil }
func (c *echo) SetWriteDeadline(time.Time) error { return nil }

// played is the number of objects that a script of n NOOPs makes, the transcript
// among them.
func played(t *testing.T, n int) float64 {
	t.Helper()
	c := &echo{reply: []byte("250 2.0.0 OK\r\n"), replies: make(chan struct{}, 1), closed: make(chan struct{})}
	c.replies <- struct{}{} // the greeting
	way, err := wire.NewReceiver(probe.Receiver{Host: "receiver.example", Port: 25}, wire.Config{
		Values: values("<>"),
		Dial:   func(context.Context, string, string) (net.Conn, error) { return c, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := way.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Play(t.Context(), probe.Script{{Act: probe.Greet, Name: "greeting"}})
	script := make(probe.Script, n)
	for i := range script {
		script[i] = probe.Line("noop", "NOOP").Wanting("250")
	}
	made := testing.AllocsPerRun(20, func() {
		if got := len(s.Play(t.Context(), script)); got != 2*n {
			t.Fatalf("%d events, want a command and a reply %d times", got, n)
		}
	})
	s.Leave(t.Context())
	return made
}

// TestAllocationsARoundTrip: what one more command costs, and that the hundredth
// costs no more than the tenth.
func TestAllocationsARoundTrip(t *testing.T) {
	const most = 10
	few, some, many := played(t, 4), played(t, 14), played(t, 114)
	if one := (some - few) / 10; one > most {
		t.Errorf("%.1f objects a round trip, want at most %d", one, most)
	}
	if one := (many - some) / 100; one > most {
		t.Errorf("%.1f objects a round trip in a long script, want at most %d", one, most)
	}
}
