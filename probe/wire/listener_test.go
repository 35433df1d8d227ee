package wire_test

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

// entry is one thing that happened on a connection, as its listener saw it. The
// order of the entries is the order of what happened.
type entry struct {
	kind   kind
	octets string
}

type kind uint8

const (
	wrote   kind = iota // the listener is about to write these octets
	read                // octets came, in clear or as the content of TLS
	sealed              // octets came while TLS was wanted or on: handshake and records
	secured             // a TLS handshake was done
	hungUp              // the listener ended its own half, or all
	fin                 // the client closed
	reset               // the client reset the connection
)

// turn is one write of a listener, what comes before it and what after.
type turn struct {
	pause  time.Duration // what comes meanwhile is read and kept
	secure bool          // take what was heard for a ClientHello
	octets string
	apart  string // written behind octets in a record of its own, in the same segment
	end    end
}

type end uint8

const (
	stay      end = iota
	half          // close the own half (FIN)
	slam          // reset the connection (RST)
	goneQuiet     // say nothing any more
)

// conduct says what a listener does about what it heard. What it heard first is
// nothing: it may greet.
type conduct func(heard string) []turn

// conducts gives each connection a conduct of its own.
type conducts func(connection int) conduct

// listener is a scripted receiver. It obeys its conduct and nothing else, keeps
// a log of every octet, and knows nothing of the guard.
type listener struct {
	net.Listener

	mu      sync.Mutex
	logs    []*ledger
	talking sync.WaitGroup
}

type ledger struct {
	mu      sync.Mutex
	entries []entry
}

func (l *ledger) add(k kind, octets string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, entry{k, octets})
}

// heard are the octets that came in clear or as the content of TLS.
func (l *ledger) heard() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	for _, e := range l.entries {
		if e.kind == read {
			b.WriteString(e.octets)
		}
	}
	return b.String()
}

// reads are the octets of each read on its own.
func (l *ledger) reads() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var reads []string
	for _, e := range l.entries {
		if e.kind == read {
			reads = append(reads, e.octets)
		}
	}
	return reads
}

func (l *ledger) has(k kind) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.entries {
		if e.kind == k {
			return true
		}
	}
	return false
}

// serve answers every connection of l with a conduct of its own.
func serve(l net.Listener, c conducts) *listener {
	s := &listener{Listener: l}
	s.talking.Go(func() {
		for n := 0; ; n++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			log := &ledger{}
			s.mu.Lock()
			s.logs = append(s.logs, log)
			s.mu.Unlock()
			s.talking.Go(func() { talk(conn, log, c(n)) })
		}
	})
	return s
}

// stop ends the listening, waits until every connection has ended, and returns
// their logs in the order of the connections.
func (s *listener) stop() []*ledger {
	s.Close()
	s.talking.Wait()
	return s.logs
}

// patience bounds what a listener waits for; a client that is there this long
// has hung.
const patience = 5 * time.Minute

type conversation struct {
	raw, conn net.Conn
	below     *tap // what TLS is on; nil: there is none
	log       *ledger
	kept      string // came during a pause
	over      bool
}

func talk(raw net.Conn, log *ledger, does conduct) {
	c := &conversation{raw: raw, conn: raw, log: log}
	defer raw.Close()
	heard := ""
	for !c.over {
		for _, t := range does(heard) {
			if c.take(t, heard); c.over {
				break
			}
		}
		if !c.over {
			heard = c.next()
		}
	}
}

func (c *conversation) take(t turn, heard string) {
	if t.pause > 0 {
		c.listen(t.pause)
	}
	if t.secure && !c.over {
		c.secure(heard)
	}
	if t.octets != "" && !c.over {
		c.log.add(wrote, t.octets+t.apart)
		_ = c.conn.SetWriteDeadline(time.Now().Add(patience))
		if err := c.write(t.octets, t.apart); err != nil {
			t.end = goneQuiet
		}
	}
	if c.over {
		return
	}
	switch t.end {
	case half:
		c.log.add(hungUp, "")
		if closer, ok := c.raw.(interface{ CloseWrite() error }); ok {
			_ = closer.CloseWrite()
		}
		c.listen(patience)
		c.over = true
	case slam:
		c.log.add(hungUp, "")
		if l, ok := c.raw.(interface{ SetLinger(int) error }); ok {
			_ = l.SetLinger(0)
		}
		c.over = true
	case goneQuiet:
		c.listen(patience)
		c.over = true
	}
}

func (c *conversation) write(records ...string) error {
	if c.below == nil {
		_, err := io.WriteString(c.conn, strings.Join(records, ""))
		return err
	}
	c.below.corked = true
	for _, r := range records {
		if _, err := io.WriteString(c.conn, r); err != nil {
			return err
		}
	}
	return c.below.uncork()
}

// next waits for octets, or takes those that came during a pause. Those are
// answered after another one: the client may write at what was just written.
func (c *conversation) next() string {
	if c.kept != "" {
		c.listen(time.Millisecond + tick)
	} else {
		_ = c.conn.SetReadDeadline(time.Now().Add(patience))
		c.read()
	}
	heard := c.kept
	c.kept = ""
	return heard
}

// listen reads for a while, whatever comes.
func (c *conversation) listen(d time.Duration) {
	_ = c.conn.SetReadDeadline(time.Now().Add(d))
	for !c.over && c.read() {
		continue
	}
}

// read reads once and reports whether more may come before the deadline.
func (c *conversation) read() bool {
	buffer := make([]byte, 1<<17)
	n, err := c.conn.Read(buffer)
	if n > 0 {
		c.kept += string(buffer[:n])
		c.log.add(read, string(buffer[:n]))
	}
	switch {
	case err == nil:
		return true
	case errors.Is(err, os.ErrDeadlineExceeded):
		return false
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		c.log.add(fin, "")
	default:
		c.log.add(reset, err.Error())
	}
	c.over = true
	return false
}
