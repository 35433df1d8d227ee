package run_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// minding is a connection to a receiver that minds what is said in clear: after
// each command line it may fall silent, or close behind the reply.
type minding struct {
	net.Conn
	minds func(said []string) mood // of the command lines so far, the newest last
	limit func(code int) bool      // close behind a reply with this code
	flood string                   // what comes for ever where it hangs; empty: nothing

	mu    sync.Mutex
	said  []string
	mood  mood
	blind bool   // inside TLS
	line  []byte // of the receiver's, not ended yet
	ended bool
	at    int // in the flood
}

type mood uint8

const (
	serves mood = iota
	hangs       // from now on nothing is answered
	closes      // behind the reply to this line
	cuts        // instead of the reply to this line
)

func mind(minds func([]string) mood) way {
	return func(ctx context.Context, _ int, w *world) (net.Conn, error) {
		conn, err := w.straight(ctx)
		if err != nil {
			return nil, err
		}
		return &minding{Conn: conn, minds: minds}, nil
	}
}

// closesBehind closes behind each reply with such a code.
func closesBehind(limit func(code int) bool) way {
	return func(ctx context.Context, _ int, w *world) (net.Conn, error) {
		conn, err := w.straight(ctx)
		if err != nil {
			return nil, err
		}
		return &minding{Conn: conn, limit: limit, minds: func([]string) mood { return serves }}, nil
	}
}

func (c *minding) Write(p []byte) (int, error) {
	c.mu.Lock()
	c.blind = c.blind || bytes.HasPrefix(p, []byte("\x16\x03"))
	if !c.blind {
		for line := range strings.SplitAfterSeq(string(p), "\r\n") {
			if line != "" && c.mood == serves {
				c.said = append(c.said, strings.TrimSuffix(line, "\r\n"))
				c.mood = c.minds(c.said)
			}
		}
	}
	c.mu.Unlock()
	return c.Conn.Write(p)
}

// Read hands the receiver's octets on one by one, so that the mood holds from
// one reply to the next.
func (c *minding) Read(p []byte) (int, error) {
	for {
		c.mu.Lock()
		ended, floods := c.ended, c.mood == hangs && !c.blind && c.flood != ""
		c.mu.Unlock()
		if ended {
			return 0, io.EOF
		}
		if floods {
			return c.pour(p)
		}
		n, err := c.Conn.Read(p[:1])
		c.mu.Lock()
		if c.mood == hangs && !c.blind && errors.Is(err, io.EOF) {
			// Who hangs does not close either. Deadlines still count.
			c.mu.Unlock()
			time.Sleep(50 * time.Millisecond)
			continue
		}
		drop := n > 0 && c.take(p[0])
		if c.mood == cuts && !c.blind {
			c.ended = true
		}
		c.mu.Unlock()
		if drop && err == nil {
			continue
		}
		return n, err
	}
}

// pour floods. The deadline that the probe sets to end a read still counts.
func (c *minding) pour(p []byte) (int, error) {
	if _, err := c.Conn.Read(nil); err != nil {
		return 0, err
	}
	n := copy(p, c.flood[c.at:])
	c.at = (c.at + n) % len(c.flood)
	return n, nil
}

// take looks at one octet and reports whether it never comes.
func (c *minding) take(octet byte) bool {
	if c.blind {
		return false
	}
	if c.mood == hangs || c.mood == cuts {
		return true
	}
	c.line = append(c.line, octet)
	if octet != '\n' {
		return false
	}
	last := len(c.line) > 3 && c.line[3] == ' '
	code := 0
	if len(c.line) > 2 {
		code = int(c.line[0]-'0')*100 + int(c.line[1]-'0')*10 + int(c.line[2]-'0')
	}
	c.line = nil
	if last && (c.mood == closes || c.limit != nil && c.limit(code)) {
		c.ended = true
	}
	return false
}

func (c *minding) SetLinger(seconds int) error { return linger(c.Conn, seconds) }
