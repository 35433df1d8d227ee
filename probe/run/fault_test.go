package run_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/smtpprobe/smtpprobe/probe/lab"
)

// failing makes a way on which every dial fails so.
func failing(err error) way {
	return func(context.Context, int, *world) (net.Conn, error) { return nil, dialError(err) }
}

// dialError is a failed dial as package net tells it.
func dialError(err error) error {
	to := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 25}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &net.OpError{Op: "dial", Net: "tcp", Addr: to, Err: err}
	}
	return &net.OpError{Op: "dial", Net: "tcp", Addr: to, Err: os.NewSyscallError("connect", err)}
}

// unanswered is a way on which no dial is ever answered.
func unanswered(ctx context.Context, _ int, _ *world) (net.Conn, error) {
	<-ctx.Done()
	return nil, dialError(os.ErrDeadlineExceeded)
}

// after leads straight to the receiver n times, and then another way.
func after(n int, then way) way {
	return func(ctx context.Context, i int, w *world) (net.Conn, error) {
		if i <= n {
			return w.straight(ctx)
		}
		return then(ctx, i, w)
	}
}

// every leads straight to the receiver but for every nth time.
func every(n int, then way) way {
	return func(ctx context.Context, i int, w *world) (net.Conn, error) {
		if i%n != 0 {
			return w.straight(ctx)
		}
		return then(ctx, i, w)
	}
}

// once leads straight to the receiver but for the nth time.
func once(n int, then way) way {
	return func(ctx context.Context, i int, w *world) (net.Conn, error) {
		if i != n {
			return w.straight(ctx)
		}
		return then(ctx, i, w)
	}
}

// raw leads to a server of the test's own for each connection; it ends, at the
// latest, when the client has closed.
func raw(serve func(net.Conn)) way {
	return func(ctx context.Context, _ int, w *world) (net.Conn, error) {
		network := lab.NewMemory()
		defer network.Close()
		conn, err := network.DialContext(ctx, "tcp", "192.0.2.1:25")
		if err != nil {
			return nil, err
		}
		server, err := network.Accept()
		if err != nil {
			return nil, err
		}
		w.servers.Go(func() {
			defer server.Close()
			serve(server)
		})
		return conn, nil
	}
}

// says answers the connection with these octets, closes or not, and reads what
// comes until the client has gone.
func says(octets string, closes bool) way {
	return raw(func(c net.Conn) {
		if _, err := io.WriteString(c, octets); err != nil || closes {
			return
		}
		io.Copy(io.Discard, c) //nolint:errcheck // it ends with the connection
	})
}

// blackHole accepts and never answers.
var blackHole = says("", false)

// dripping sends an octet at a time and no line end, for ever.
func dripping(octets string, interval time.Duration) way {
	return raw(func(c net.Conn) {
		for i := 0; ; i = (i + 1) % len(octets) {
			time.Sleep(interval)
			if _, err := io.WriteString(c, octets[i:i+1]); err != nil {
				return
			}
		}
	})
}

// resetting is a connection that the receiver resets after so many octets in
// the one direction or the other; a negative number stands for never.
type resetting struct {
	net.Conn
	mu       sync.Mutex
	down, up int
	gone     bool
	met      *atomic.Bool // whether it came to that; nil: nobody asks
}

func resets(down, up int) way {
	return func(ctx context.Context, _ int, w *world) (net.Conn, error) {
		conn, err := w.straight(ctx)
		if err != nil {
			return nil, err
		}
		return &resetting{Conn: conn, down: down, up: up}, nil
	}
}

func (c *resetting) fail() error {
	c.gone = true
	if c.met != nil {
		c.met.Store(true)
	}
	if l, ok := c.Conn.(interface{ SetLinger(int) error }); ok {
		_ = l.SetLinger(0)
	}
	_ = c.Close()
	return &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
}

func (c *resetting) Read(p []byte) (int, error) {
	c.mu.Lock()
	gone, left := c.gone, c.down
	if !gone && left == 0 {
		defer c.mu.Unlock()
		return 0, c.fail()
	}
	c.mu.Unlock()
	if left > 0 {
		p = p[:min(len(p), left)]
	}
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return 0, &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	}
	if c.down > 0 {
		c.down -= n
	}
	return n, err
}

func (c *resetting) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return 0, &net.OpError{Op: "write", Net: "tcp", Err: os.NewSyscallError("write", syscall.EPIPE)}
	}
	if c.up >= 0 && len(p) > c.up {
		n, _ := c.Conn.Write(p[:c.up])
		c.fail() //nolint:errcheck // the writer of a segment that is lost hears nothing
		return n + len(p) - c.up, nil
	}
	if c.up >= 0 {
		c.up -= len(p)
	}
	return c.Conn.Write(p)
}

func (c *resetting) SetLinger(seconds int) error { return linger(c.Conn, seconds) }

func linger(c net.Conn, seconds int) error {
	if l, ok := c.(interface{ SetLinger(int) error }); ok {
		return l.SetLinger(seconds)
	}
	return nil
}
