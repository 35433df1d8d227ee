package lab_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/probe/lab"
)

// patience is how long a test waits for what must come. Only a failing test
// waits that long.
const patience = 20 * time.Second

// start runs a receiver on a loopback socket until the test is over.
func start(t *testing.T, r lab.Receiver) *lab.Server {
	t.Helper()
	server, err := r.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, server) })
	return server
}

func stop(t *testing.T, server *lab.Server) {
	t.Helper()
	if err := server.Close(); err != nil {
		t.Errorf("got %v on closing, want no error", err)
	}
}

// dial connects to a receiver on a socket.
func dial(t *testing.T, server *lab.Server) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// converse starts a receiver and holds one conversation with it.
func converse(t *testing.T, r lab.Receiver, script string) lab.Ledger {
	t.Helper()
	server := start(t, r)
	hold(t, dial(t, server), script)
	return server.Ledger()
}

// hold leads a conversation by a script, one step a line:
//
//	> text    sends a line
//	>> "raw"  sends octets, with the escapes of a Go string
//	< text    wants a line; "..." at its end stands for any rest
//	<< "raw"  wants octets
//	TLS       does a handshake
//	NO-TLS    does a handshake that must fail
//	SILENCE   wants nothing for a moment
//	CLOSED    wants the end of the connection and nothing before it
//	RESET     wants a reset and nothing before it
func hold(t *testing.T, conn net.Conn, script string) net.Conn {
	t.Helper()
	c := &client{t: t, conn: conn, reader: bufio.NewReader(conn)}
	for step := range strings.Lines(strings.TrimSpace(script)) {
		step = strings.TrimSpace(step)
		mark, text, _ := strings.Cut(step, " ")
		switch mark {
		case "":
		case ">":
			c.send(text + "\r\n")
		case ">>":
			c.send(c.unquote(text))
		case "<":
			c.want(text)
		case "<<":
			c.wantOctets(c.unquote(text))
		case "TLS":
			c.secure()
		case "NO-TLS":
			c.insecure()
		case "SILENCE":
			c.silence()
		case "CLOSED":
			c.closed(false)
		case "RESET":
			c.closed(true)
		default:
			t.Fatalf("got step %q, want one that the script knows", step)
		}
	}
	return c.conn
}

type client struct {
	t      *testing.T
	conn   net.Conn
	reader *bufio.Reader
}

func (c *client) send(octets string) {
	c.t.Helper()
	c.deadline(patience)
	if _, err := io.WriteString(c.conn, octets); err != nil {
		c.t.Fatalf("got %v on sending %q, want it sent", err, octets)
	}
}

func (c *client) want(text string) {
	c.t.Helper()
	c.deadline(patience)
	got, err := c.reader.ReadString('\n')
	start, open := strings.CutSuffix(text, "...")
	if open && strings.HasPrefix(got, start) || got == text+"\r\n" {
		return
	}
	c.t.Fatalf("got %q and %v, want %q", got, err, text)
}

func (c *client) wantOctets(want string) {
	c.t.Helper()
	c.deadline(patience)
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c.reader, got); string(got) != want {
		c.t.Fatalf("got %q and %v, want %q", got[:n], err, want)
	}
}

func (c *client) secure() {
	c.t.Helper()
	conn, err := c.handshake()
	if err != nil {
		c.t.Fatalf("got %v, want a handshake", err)
	}
	c.conn, c.reader = conn, bufio.NewReader(conn)
}

func (c *client) insecure() {
	c.t.Helper()
	if _, err := c.handshake(); err == nil {
		c.t.Fatalf("got a handshake, want none")
	}
}

func (c *client) handshake() (*tls.Conn, error) {
	c.t.Helper()
	if n := c.reader.Buffered(); n > 0 {
		c.t.Fatalf("got %d octets in clear before the handshake, want none", n)
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	conn := tls.Client(c.conn, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12})
	return conn, conn.HandshakeContext(ctx)
}

func (c *client) silence() {
	c.t.Helper()
	c.deadline(50 * time.Millisecond)
	if got, err := c.reader.Peek(1); !errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatalf("got %q and %v, want silence", got, err)
	}
}

// closed wants the end, orderly or by a reset, which has many faces.
func (c *client) closed(byReset bool) {
	c.t.Helper()
	c.deadline(patience)
	rest, err := io.ReadAll(c.reader)
	timedOut := errors.Is(err, os.ErrDeadlineExceeded)
	if len(rest) > 0 || timedOut || (err != nil) != byReset {
		c.t.Fatalf("got %q and %v, want the end of the connection, by a reset: %v", rest, err, byReset)
	}
}

func (c *client) deadline(wait time.Duration) {
	if err := c.conn.SetDeadline(time.Now().Add(wait)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) unquote(text string) string {
	c.t.Helper()
	octets, err := strconv.Unquote(text)
	if err != nil {
		c.t.Fatalf("got %v for %s, want a Go string", err, text)
	}
	return octets
}
