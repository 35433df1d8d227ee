package lab

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// window is the number of octets that one direction holds before a write waits
// for the reader.
const window = 64 << 10

// memoryConn is one end of a connection in memory.
type memoryConn struct {
	in, out       *flow
	local, remote net.Addr
	mu            sync.Mutex
	reset         bool // SetLinger(0) was asked for
}

func memoryPipe(clientAddr, serverAddr net.Addr) (client, server *memoryConn) {
	up, down := newFlow(), newFlow()
	client = &memoryConn{in: down, out: up, local: clientAddr, remote: serverAddr}
	server = &memoryConn{in: up, out: down, local: serverAddr, remote: clientAddr}
	return client, server
}

// Read returns io.EOF once the peer has closed its half and all is read.
func (c *memoryConn) Read(p []byte) (int, error) {
	n, err := c.in.read(p)
	return n, c.wrap("read", err)
}

func (c *memoryConn) Write(p []byte) (int, error) {
	n, err := c.out.write(p)
	return n, c.wrap("write", err)
}

// Close closes both directions. What was written can still be read by the peer,
// unless SetLinger(0) was called.
func (c *memoryConn) Close() error {
	c.mu.Lock()
	reset := c.reset
	c.mu.Unlock()
	if reset {
		c.out.fail(syscall.ECONNRESET)
	}
	c.out.endWriting(net.ErrClosed)
	c.in.endReading(reset)
	return nil
}

// CloseWrite closes the own half; the peer reads io.EOF behind what was written.
func (c *memoryConn) CloseWrite() error {
	c.out.endWriting(syscall.EPIPE)
	return nil
}

// SetLinger with 0 makes Close reset the connection, as on a net.TCPConn.
func (c *memoryConn) SetLinger(seconds int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reset = seconds == 0
	return nil
}

func (c *memoryConn) LocalAddr() net.Addr  { return c.local }
func (c *memoryConn) RemoteAddr() net.Addr { return c.remote }

func (c *memoryConn) SetDeadline(t time.Time) error {
	c.in.limit(&c.in.reading, t)
	c.out.limit(&c.out.writing, t)
	return nil
}

func (c *memoryConn) SetReadDeadline(t time.Time) error {
	c.in.limit(&c.in.reading, t)
	return nil
}

func (c *memoryConn) SetWriteDeadline(t time.Time) error {
	c.out.limit(&c.out.writing, t)
	return nil
}

func (c *memoryConn) wrap(op string, err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err // io.Reader's callers compare EOF as it is
	}
	return &net.OpError{Op: op, Net: "tcp", Source: c.local, Addr: c.remote, Err: err}
}

// flow is one direction of a connection: a bounded buffer between a writer and
// a reader.
type flow struct {
	mu      sync.Mutex
	changed *sync.Cond
	octets  []byte
	noWrite error // why the writer cannot write any more
	noRead  error // why the reader cannot read any more, what is left included
	ended   bool  // nothing will be added: EOF behind what is left
	busy    bool  // a write has not ended; the next one waits, so that they do not mix
	reading limit
	writing limit
}

// limit is a deadline. It is known by its number, since a timer that was
// stopped may have fired already.
type limit struct {
	number int
	timer  *time.Timer
	passed bool
}

func newFlow() *flow {
	f := &flow{}
	f.changed = sync.NewCond(&f.mu)
	return f
}

func (f *flow) read(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		switch {
		case f.noRead != nil:
			return 0, f.noRead
		case f.reading.passed:
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		case len(f.octets) > 0:
			n := copy(p, f.octets)
			f.octets = f.octets[n:]
			f.changed.Broadcast()
			return n, nil
		case f.ended:
			return 0, io.EOF
		}
		f.changed.Wait()
	}
}

func (f *flow) write(p []byte) (written int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.busy && f.noWrite == nil && !f.writing.passed {
		f.changed.Wait()
	}
	if !f.busy {
		f.busy = true
		defer func() { f.busy = false; f.changed.Broadcast() }()
	}
	for {
		room := window - len(f.octets)
		switch {
		case f.noWrite != nil:
			return written, f.noWrite
		case f.writing.passed:
			return written, os.ErrDeadlineExceeded
		case len(p) == 0:
			return written, nil
		case room > 0:
			n := min(room, len(p))
			f.octets = append(f.octets, p[:n]...)
			p, written = p[n:], written+n
			f.changed.Broadcast()
			continue
		}
		f.changed.Wait()
	}
}

// endWriting ends the flow behind what was written. The first reason stays,
// but for a close, which is what its caller wants to hear.
func (f *flow) endWriting(why error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = true
	if f.noWrite == nil || errors.Is(why, net.ErrClosed) {
		f.noWrite = why
	}
	f.writing.stop()
	f.changed.Broadcast()
}

// endReading tells the writer that nobody reads any more.
func (f *flow) endReading(reset bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.noRead, f.octets = net.ErrClosed, nil
	if f.noWrite == nil {
		f.noWrite = syscall.EPIPE
		if reset {
			f.noWrite = syscall.ECONNRESET
		}
	}
	f.reading.stop()
	f.changed.Broadcast()
}

// fail takes from the reader what it has not read yet.
func (f *flow) fail(why error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.octets = nil
	if f.noRead == nil {
		f.noRead = why
	}
	f.changed.Broadcast()
}

func (f *flow) limit(l *limit, t time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l.stop()
	l.passed = !t.IsZero() && time.Until(t) <= 0
	if !t.IsZero() && !l.passed {
		number := l.number
		l.timer = time.AfterFunc(time.Until(t), func() { f.expire(l, number) })
	}
	f.changed.Broadcast()
}

func (f *flow) expire(l *limit, number int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if l.number == number {
		l.passed = true
		f.changed.Broadcast()
	}
}

// stop forgets the deadline. The caller holds the flow's lock.
func (l *limit) stop() {
	l.number++
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
}
