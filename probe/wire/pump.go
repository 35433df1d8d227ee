package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
)

// pump reads a connection in a goroutine of its own, so that the session can
// wait for octets, for time and for its context at once, and can look whether
// something came unasked before it writes. The session owns it: stop ends it.
type pump struct {
	conn   net.Conn
	octets chan chunkRead
	halt   chan struct{}
	done   chan struct{}
}

// chunkRead is what one read returned: octets, or how the connection ended.
type chunkRead struct {
	octets []byte
	end    probe.Note
}

// readSize is more than a long EHLO reply, and small enough for thousands of
// sessions.
const readSize = 2 << 10

func startPump(conn net.Conn) *pump {
	p := &pump{
		conn: conn, octets: make(chan chunkRead),
		halt: make(chan struct{}), done: make(chan struct{}),
	}
	go p.run()
	return p
}

func (p *pump) run() {
	defer close(p.done)
	buffer := make([]byte, readSize)
	for {
		n, err := p.conn.Read(buffer)
		c := chunkRead{octets: append([]byte(nil), buffer[:n]...), end: endOf(err)}
		if n == 0 && err == nil {
			continue
		}
		select {
		case p.octets <- c:
		case <-p.halt:
			if n == 0 {
				return
			}
			// stop waits for these octets: they came before it.
			p.octets <- c
		}
		if err != nil {
			return
		}
	}
}

func endOf(err error) probe.Note {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return probe.NoteClosed
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return probe.NoteReset
	case errors.Is(err, os.ErrDeadlineExceeded):
		return ""
	}
	return probe.NoteReset
}

// stop ends the goroutine and returns what it had read and nobody had taken.
// The connection stays open.
func (p *pump) stop() []chunkRead {
	close(p.halt)
	p.conn.SetReadDeadline(time.Unix(1, 0)) //nolint:errcheck // a closed connection ends the read as well
	var left []chunkRead
	for {
		select {
		case c := <-p.octets:
			left = append(left, c)
		case <-p.done:
			p.conn.SetReadDeadline(time.Time{}) //nolint:errcheck // as above
			return left
		}
	}
}

// Enough for octets that are there already, and little beside a round trip: the
// rest of a read that was full, and a second TLS record of one segment.
const (
	waitRest   = 20 * time.Millisecond
	waitRecord = time.Millisecond
)

// poll returns what is there. It waits only where there may be more that was
// received and not yet fetched.
func (p *pump) poll(more bool) (chunkRead, bool) {
	wait := time.Duration(0)
	if _, inside := p.conn.(*tls.Conn); inside {
		wait = waitRecord
	}
	if more {
		wait = waitRest
	}
	select {
	case c := <-p.octets:
		return c, true
	default:
	}
	if wait == 0 {
		return chunkRead{}, false
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case c := <-p.octets:
		return c, true
	case <-t.C:
		return chunkRead{}, false
	}
}

// write writes octets in one call: one segment, or one TLS record. It ends with
// the context, which the session watches, and leaves no deadline behind, which a
// handshake would run into.
func (p *pump) write(ctx context.Context, octets string, wait time.Duration) error {
	deadline := time.Now().Add(wait)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	if err := p.conn.SetWriteDeadline(deadline); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil { // whose deadline was just taken back
		return err
	}
	if _, err := io.WriteString(p.conn, octets); err != nil {
		return err
	}
	return p.conn.SetWriteDeadline(time.Time{})
}
