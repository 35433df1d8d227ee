package checks_test

import (
	"context"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/smtpprobe/smtpprobe/probe/wire"
)

// middlebox stands between the probe and a receiver of the lab, and does what
// no lapse of the lab does: it sees the client's segments as they were written,
// and the receiver's replies, and may answer, swallow or change either. All
// hooks may be nil. Those of one passage are not called at the same time, and
// must not sleep: a bubble's clock stands still while somebody waits for a lock.
type middlebox struct {
	// opens may take a session over before the receiver knows of it. It reports
	// whether it did; what it read meanwhile is in the passage and is forwarded.
	opens func(p *passage) bool
	// client sees each segment of the client, and says what becomes of it.
	client func(p *passage, octets string) fate
	// server sees what the receiver sends in clear, and returns what is sent on.
	server func(p *passage, octets string) string
	// delay is how long octets travel, one way.
	delay time.Duration
}

// fate is what becomes of a segment of the client.
type fate int

const (
	forward fate = iota // to the receiver
	keep                // from it
	hangUp              // and both connections are closed
)

// passage is one session through a middlebox.
type passage struct {
	number  int      // of the connection, from 1
	said    []string // segments of the client so far, the one at hand included
	replies int      // of the receiver so far, those at hand included
	client  net.Conn
	secure  bool // STARTTLS was answered 220: nothing can be read any more
	mu      sync.Mutex
}

// say writes replies to the client, a line each.
func (p *passage) say(lines ...string) {
	p.sayRaw(strings.Join(lines, "\r\n") + "\r\n")
}

// sayRaw writes octets to the client as they are.
func (p *passage) sayRaw(octets string) {
	_, _ = p.client.Write([]byte(octets)) // who is gone hears nothing
}

// hear waits for octets of the client, at most so long, and returns what came.
func (p *passage) hear(wait time.Duration) string {
	_ = p.client.SetReadDeadline(time.Now().Add(wait)) // memory takes any deadline
	defer p.client.SetReadDeadline(time.Time{})        //nolint:errcheck // the same
	buffer := make([]byte, 4096)
	n, _ := p.client.Read(buffer) // nothing came, or the client is gone: the same here
	if n > 0 {
		p.said = append(p.said, string(buffer[:n]))
	}
	return string(buffer[:n])
}

// reach is the way to the middlebox: a connection takes a round trip to be made.
func (m *middlebox) reach(front wire.Dial) wire.Dial {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		time.Sleep(2 * m.delay)
		return front(ctx, network, address)
	}
}

// stand puts the middlebox to work and returns what stops it.
func (m *middlebox) stand(front net.Listener, inner wire.Dial) (stop func()) {
	var running sync.WaitGroup
	running.Go(func() {
		for number := 1; ; number++ {
			client, err := front.Accept()
			if err != nil {
				return
			}
			running.Go(func() { m.pass(&passage{number: number, client: client}, inner) })
		}
	})
	return func() {
		_ = front.Close() // closing memory cannot fail
		running.Wait()
	}
}

func (m *middlebox) pass(p *passage, inner wire.Dial) {
	defer p.client.Close()
	if m.opens != nil && m.opens(p) {
		return
	}
	server, err := inner(context.Background(), "tcp", "192.0.2.1:25")
	if err != nil {
		return
	}
	defer server.Close()
	var back sync.WaitGroup
	back.Go(func() { m.back(p, server) })
	for _, early := range p.said {
		_, _ = server.Write([]byte(early))
	}
	m.there(p, server)
	_ = server.Close() // ends the way back
	back.Wait()
}

// there carries what the client writes.
func (m *middlebox) there(p *passage, server net.Conn) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := p.client.Read(buffer)
		if err != nil {
			return
		}
		time.Sleep(m.delay)
		switch octets := string(buffer[:n]); m.look(p, octets) {
		case hangUp:
			return
		case forward:
			if _, err := server.Write([]byte(octets)); err != nil {
				return
			}
		}
	}
}

func (m *middlebox) look(p *passage, octets string) fate {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.secure || m.client == nil {
		return forward
	}
	p.said = append(p.said, octets)
	return m.client(p, octets)
}

// back carries what the receiver writes; its end ends the passage.
func (m *middlebox) back(p *passage, server net.Conn) {
	defer p.client.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := server.Read(buffer)
		if n > 0 {
			time.Sleep(m.delay)
			_, _ = p.client.Write([]byte(m.change(p, string(buffer[:n])))) // the read below notices
		}
		if err != nil {
			return
		}
	}
}

func (m *middlebox) change(p *passage, octets string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.secure {
		return octets
	}
	if last := len(p.said) - 1; last >= 0 && strings.HasPrefix(p.said[last], "STARTTLS") && strings.HasPrefix(octets, "220") {
		p.secure = true
	}
	p.replies += replies(octets)
	if m.server == nil {
		return octets
	}
	return m.server(p, octets)
}

// replies counts the replies that end in the octets.
func replies(octets string) int {
	n := 0
	for line := range strings.Lines(octets) {
		if len(line) > 3 && line[3] == ' ' {
			n++
		}
	}
	return n
}

// grouped reports a segment with more than one command.
func grouped(octets string) bool { return strings.Count(octets, "\r\n") > 1 }

// tap notes what is written to connections.
type tap struct {
	mu       sync.Mutex
	sessions [][]string
}

func (t *tap) dial(inner wire.Dial) wire.Dial {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := inner(ctx, network, address)
		if err != nil {
			return nil, err
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		t.sessions = append(t.sessions, nil)
		return &tapped{Conn: conn, tap: t, number: len(t.sessions) - 1}, nil
	}
}

type tapped struct {
	net.Conn
	tap    *tap
	number int
}

func (c *tapped) Write(p []byte) (int, error) {
	c.tap.mu.Lock()
	c.tap.sessions[c.number] = append(c.tap.sessions[c.number], string(p))
	c.tap.mu.Unlock()
	return c.Conn.Write(p)
}

// SetLinger lets the probe reset the connection.
func (c *tapped) SetLinger(seconds int) error {
	if l, ok := c.Conn.(interface{ SetLinger(seconds int) error }); ok {
		return l.SetLinger(seconds)
	}
	return nil
}
