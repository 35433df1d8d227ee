package main

import (
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// delayLine accepts connections whose octets come a round trip late. Each read is
// stamped when it arrives and handed on when its time has come, so that commands
// of one group wait together, as they would on a long way.
type delayLine struct {
	net.Listener
	delay   time.Duration
	in, out atomic.Int64
}

// Accept takes connections of this machine only: the listener is on all
// addresses since there is no other way to be on all of 127.0.0.0/8.
func (l *delayLine) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		tcp, ok := conn.(*net.TCPConn)
		if here, isTCP := conn.LocalAddr().(*net.TCPAddr); !ok || !isTCP || !here.IP.IsLoopback() {
			conn.Close()
			continue
		}
		c := &delayed{TCPConn: tcp, line: l}
		if l.delay > 0 {
			c.born, c.parcels, c.gone = time.Now(), make(chan parcel, 16), make(chan struct{})
			go c.receive()
		}
		return c, nil
	}
}

// delayed is a connection behind the line. Its methods are used by one goroutine
// at a time, but for Close.
type delayed struct {
	*net.TCPConn
	line     *delayLine
	born     time.Time
	parcels  chan parcel // nil: no delay
	open     parcel      // what is being read
	deadline time.Time
	gone     chan struct{}
	once     sync.Once
}

// parcel is what one read returned.
type parcel struct {
	due    time.Time
	octets []byte
	err    error
}

// receive stamps what arrives, until the connection ends.
func (c *delayed) receive() {
	buffer := make([]byte, 16<<10)
	for {
		n, err := c.TCPConn.Read(buffer)
		p := parcel{due: time.Now().Add(c.line.delay), octets: append([]byte(nil), buffer[:n]...), err: err}
		select {
		case c.parcels <- p:
		case <-c.gone:
			return
		}
		if err != nil {
			return
		}
	}
}

func (c *delayed) Read(to []byte) (int, error) {
	if c.parcels == nil {
		n, err := c.TCPConn.Read(to)
		c.line.in.Add(int64(n))
		return n, err
	}
	if len(c.open.octets) == 0 && c.open.err == nil {
		var expired <-chan time.Time
		if !c.deadline.IsZero() {
			timer := time.NewTimer(time.Until(c.deadline))
			defer timer.Stop()
			expired = timer.C
		}
		select {
		case c.open = <-c.parcels:
		case <-expired:
			return 0, os.ErrDeadlineExceeded
		case <-c.gone:
			return 0, net.ErrClosed
		}
		time.Sleep(time.Until(c.open.due))
	}
	n := copy(to, c.open.octets)
	c.open.octets = c.open.octets[n:]
	c.line.in.Add(int64(n))
	if n == 0 {
		return 0, c.open.err
	}
	return n, nil
}

// Write holds the first octets back for two round trips: on loopback a connection
// is made in no time, where a SYN takes one, and the greeting comes one later.
func (c *delayed) Write(octets []byte) (int, error) {
	if !c.born.IsZero() {
		time.Sleep(time.Until(c.born.Add(2 * c.line.delay)))
		c.born = time.Time{}
	}
	n, err := c.TCPConn.Write(octets)
	c.line.out.Add(int64(n))
	return n, err
}

// SetReadDeadline bounds the wait for octets, not the way of those that came.
func (c *delayed) SetReadDeadline(t time.Time) error {
	c.deadline = t
	if c.parcels != nil {
		return nil
	}
	return c.TCPConn.SetReadDeadline(t)
}

func (c *delayed) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

func (c *delayed) Close() error {
	c.once.Do(func() {
		if c.gone != nil {
			close(c.gone)
		}
	})
	return c.TCPConn.Close()
}
