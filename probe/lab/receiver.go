package lab

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// DefaultGreetDelay is how long a strict receiver listens for early talk before
// it greets.
const DefaultGreetDelay = 20 * time.Millisecond

// NoGreetDelay makes a receiver greet at once: it cannot notice early talk.
const NoGreetDelay time.Duration = -1

// defaultIdleTimeout is how long a receiver waits for a client (RFC 5321 section
// 4.5.3.2.7: at least five minutes).
const defaultIdleTimeout = 5 * time.Minute

// DefaultExtensions are the EHLO keywords of a receiver that names none.
func DefaultExtensions() []string {
	return []string{
		"PIPELINING", "SIZE 10240000", "8BITMIME", "ENHANCEDSTATUSCODES", "DSN", "CHUNKING", "BINARYMIME", "STARTTLS",
		"AUTH PLAIN",
	}
}

// Receiver describes a receiver of the lab. Its zero value is strict and offers
// DefaultExtensions. A recipient is accepted unless its domain lies under
// .invalid, which never exists (RFC 2606 section 2).
type Receiver struct {
	// Host is the name in the greeting; empty for "receiver.example".
	Host string
	// Extensions are the keyword lines of its EHLO reply. Nil stands for
	// DefaultExtensions, an empty list for none.
	Extensions []string
	// Lapses are what it does differently from a strict receiver, in the order
	// in which they get to change an answer.
	Lapses []Lapse
	// GreetDelay is how long it listens before it greets; 0 stands for
	// DefaultGreetDelay. See NoGreetDelay.
	GreetDelay time.Duration
	// IdleTimeout is how long it waits for a client; 0 stands for five minutes.
	IdleTimeout time.Duration
	// ImplicitTLS makes it speak TLS from the first octet (RFC 8314), as on port
	// 465.
	ImplicitTLS bool
}

// Server is a receiver at work.
type Server struct {
	receiver Receiver
	listener net.Listener
	config   *tls.Config
	book     book
	ctx      context.Context
	cancel   context.CancelFunc
	running  sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool
}

// Listen starts the receiver on a loopback address such as "127.0.0.1:0". Any
// other address is an error, since nothing of the lab is meant for a network.
func (r Receiver) Listen(address string) (*Server, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", address, err)
	}
	if ip, bad := netip.ParseAddr(host); bad != nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("listen on %q: want a loopback address such as 127.0.0.1:0", address)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", address, err)
	}
	return r.Serve(listener)
}

// Serve starts the receiver on a listener, such as a Memory, which it closes
// when it is closed or cannot be started.
func (r Receiver) Serve(listener net.Listener) (*Server, error) {
	r = r.complete()
	certificate, err := selfSigned(r.Host)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	s := &Server{
		receiver: r, listener: listener, conns: make(map[net.Conn]bool),
		config: &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS10},
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.running.Go(s.accept)
	return s, nil
}

// complete puts the defaults where nothing was said.
func (r Receiver) complete() Receiver {
	if r.Host == "" {
		r.Host = "receiver.example"
	}
	if r.Extensions == nil {
		r.Extensions = DefaultExtensions()
	}
	if r.GreetDelay == 0 {
		r.GreetDelay = DefaultGreetDelay
	}
	if r.IdleTimeout <= 0 {
		r.IdleTimeout = defaultIdleTimeout
	}
	return r
}

// Addr returns the address to dial, "127.0.0.1:2525".
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Ledger returns what has been received until now.
func (s *Server) Ledger() Ledger { return s.book.read() }

// Settle waits until all sessions that are open have ended by themselves, so
// that the ledger misses nothing that is still on its way. It returns the
// context's error where that takes too long.
func (s *Server) Settle(ctx context.Context) error {
	select {
	case <-s.book.settled():
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for %d sessions to end: %w", s.Ledger().Open, ctx.Err())
	}
}

// Close stops listening, cuts all connections and waits until their goroutines
// have ended. It may be called more than once.
func (s *Server) Close() error {
	s.cancel()
	err := s.listener.Close()
	s.mu.Lock()
	for conn := range s.conns {
		_ = conn.Close() // the dialogue hears of it by its next read or write
	}
	s.mu.Unlock()
	s.running.Wait()
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close the receiver at %s: %w", s.Addr(), err)
	}
	return nil
}

// accept takes connections until the listener is closed.
func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		switch {
		case err == nil:
			s.begin(conn)
		case errors.Is(err, net.ErrClosed) || !pause(s.ctx, 50*time.Millisecond):
			return
		}
	}
}

// begin starts the dialogue on a connection.
func (s *Server) begin(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		_ = conn.Close() // nobody is there to hear of a failure
		return
	}
	s.conns[conn] = true
	s.running.Go(func() {
		newDialogue(s, conn).run()
		_ = conn.Close() // it may have been closed by either side already
		s.mu.Lock()
		delete(s.conns, conn)
		s.mu.Unlock()
	})
}

// pause waits, and reports whether it could wait to the end.
func pause(ctx context.Context, wait time.Duration) bool {
	if wait <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
