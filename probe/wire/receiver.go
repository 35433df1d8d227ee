package wire

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/time/rate"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/ceiling"
)

// Errors of Open that say more about the path than about the receiver.
var (
	// ErrStopped: two connections in a row were turned away; no more are made.
	ErrStopped = errors.New("two connections in a row were turned away")
	// ErrCeiling: the ceiling allows no session now. The error says until when.
	ErrCeiling = errors.New("the ceiling is reached")
	// ErrRefused: the receiver's host refused the TCP connection.
	ErrRefused = errors.New("connection refused")
	// ErrNoRoute: there is no way to the address from here.
	ErrNoRoute = errors.New("no route")
	// ErrNoHost: a router on the way says that the host cannot be reached.
	ErrNoHost = errors.New("host unreachable")
	// ErrNoAnswer: the TCP connection was not answered in time.
	ErrNoAnswer = errors.New("no answer")
	// ErrProxy: the proxy is not there, or refused.
	ErrProxy = errors.New("proxy")
)

// Dial opens a TCP connection to "host:port".
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Config is how a receiver is talked to. An empty EHLO name stands for the
// literal of each socket's own address. Waits of zero take the defaults of
// catalogue section 4; a pace of zero is none.
type Config struct {
	Values   probe.Values
	Dial     Dial
	Pace     time.Duration // between the ends and beginnings of sessions
	Sessions int           // at once
	Reply    time.Duration // wait for one reply
	Connect  time.Duration // wait for a TCP connection, and for a handshake
	Rate     *rate.Limiter // of new connections, over all receivers that share it; nil: none

	Turns   *Turns           // the pace between receivers; nil: each has its own
	Ceiling *ceiling.Ceiling // for receivers with a public address; nil: none
	Wait    bool             // until the ceiling allows; else it is an error
}

// Waits by default (catalogue section 4). RFC 5321 4.5.3.2 asks minutes of a
// client that has mail to deliver; a probe has none.
const (
	defaultReply   = 30 * time.Second
	defaultConnect = 15 * time.Second
	leastGreeting  = 10 * time.Second
	waitReset      = 10 * time.Second // for the reply to RSET when leaving (S8)
	waitQuit       = 5 * time.Second  // for the reply to QUIT when leaving
)

// Receiver is the way to one receiver. It paces the sessions (S11) and holds
// what is counted over all of them.
type Receiver struct {
	config   Config
	host     string // for SNI
	address  string // or the host, where a proxy looks it up
	target   string // address:port
	platform string
	tally    *tally

	slots chan struct{}
}

// NewReceiver prepares the way to a receiver and opens nothing. The error names
// a value that must not reach the wire.
func NewReceiver(r probe.Receiver, c Config) (*Receiver, error) {
	values := c.Values
	if values.EHLO == "" {
		values.EHLO = "[127.0.0.1]" // stands for the literal of each socket
	}
	if err := ValidValues(values); err != nil {
		return nil, err
	}
	c.Sessions = max(1, c.Sessions)
	if c.Reply <= 0 {
		c.Reply = defaultReply
	}
	if c.Connect <= 0 {
		c.Connect = defaultConnect
	}
	if c.Turns == nil {
		c.Turns = &Turns{}
	}
	if !r.Public {
		c.Ceiling = nil
	}
	address := cmp.Or(r.Address, r.Host)
	return &Receiver{
		config: c, host: r.Host, tally: &tally{public: r.Public},
		address: address, target: net.JoinHostPort(address, strconv.Itoa(int(r.Port))),
		platform: cmp.Or(r.Platform, r.Host),
		slots:    make(chan struct{}, c.Sessions),
	}, nil
}

// Open waits for its turn and opens a session. The error wraps one of this
// package's where it is about the path or the ceiling, or is the context's.
func (r *Receiver) Open(ctx context.Context) (*Session, error) {
	select {
	case r.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s, err := r.open(ctx)
	if err != nil {
		r.release()
		return nil, err
	}
	return s, nil
}

func (r *Receiver) open(ctx context.Context) (*Session, error) {
	ahead, err := r.enter(ctx)
	if err != nil {
		return nil, err
	}
	s, err := r.dial(ctx)
	if err != nil {
		r.giveBack(ahead)
		return nil, err
	}
	s.allotted = ahead
	return s, nil
}

func (r *Receiver) dial(ctx context.Context) (*Session, error) {
	if err := allowed(ctx, r.config.Rate); err != nil {
		return nil, err
	}
	begun := time.Now()
	dialCtx, cancel := context.WithTimeout(ctx, r.config.Connect)
	defer cancel()
	conn, err := r.config.Dial(dialCtx, "tcp", r.target)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		r.tally.greeted(421) // a connection that is refused counts like one turned away
		return nil, named(err)
	}
	values := r.config.Values
	if values.EHLO == "" {
		values.EHLO = literal(conn.LocalAddr())
	}
	g, err := newGuard(values, r.tally)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return newSession(r, g, conn, begun), nil
}

// literal is the socket's own address as EHLO takes it where a host has no name
// (RFC 5321 4.1.3, 4.1.4).
func literal(a net.Addr) string {
	ap, err := netip.ParseAddrPort(a.String())
	switch addr := ap.Addr().Unmap(); {
	case err != nil:
		return "[127.0.0.1]"
	case addr.Is4():
		return "[" + addr.String() + "]"
	default:
		return "[IPv6:" + addr.WithZone("").String() + "]"
	}
}

// release is called when a session has ended: its place is free, and the pace
// counts from here.
func (r *Receiver) release() {
	r.config.Turns.ended(r.config.Pace, r.address, r.platform)
	<-r.slots
}

// named gives a failed dial the name that the status of the report needs.
func named(err error) error {
	var timeout net.Error
	switch {
	case errors.Is(err, ErrProxy):
		return err
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w: %w", ErrRefused, err)
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%w: %w", ErrNoRoute, err)
	case errors.Is(err, syscall.EHOSTUNREACH):
		return fmt.Errorf("%w: %w", ErrNoHost, err)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("%w: %w", ErrNoAnswer, err)
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return err
}
