package lab

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"github.com/smtpprobe/smtpprobe/probe/oracle"
)

// handshakePatience is longer than a probe waits for a reply, 30 s, and shorter
// than it waits for a greeting, so that it is never chance who gives up first.
const handshakePatience = 45 * time.Second

// handshake is what follows a 220 to STARTTLS. Hooks change it.
type handshake struct {
	before   oracle.Session // when STARTTLS came
	after    oracle.Session // inside TLS
	leftover []byte         // plaintext that was received behind STARTTLS
	feed     bool           // give it to TLS, which breaks the handshake
	inject   bool           // execute it inside TLS
	fail     bool           // fail whatever the client does
	greeting string         // sent inside TLS, with its line end
	late     time.Duration  // how long after the handshake
}

// startTLS keeps the promise of a 220.
func (d *dialogue) startTLS(x *exchange) ending {
	h := &handshake{before: x.before, after: x.after.Handshake()}
	for _, hooks := range d.hooks {
		if hooks.handshake != nil {
			hooks.handshake(h)
		}
	}
	if x.clear {
		d.session, d.pending = x.unchanged(), h
		return stay
	}
	h.leftover = d.in.forget()
	return d.goSecure(h)
}

// awaitTLS looks for a ClientHello; anything else is answered in clear.
func (d *dialogue) awaitTLS() (end ending, done bool) {
	const record = 0x16 // handshake (RFC 8446 section 5.1)
	first, spoke, err := d.in.speaks(d.in.patience)
	if err != nil {
		return leave, true
	}
	if !spoke || first != record {
		return stay, false
	}
	h := d.pending
	h.leftover, h.feed = d.in.forget(), true // the ClientHello itself
	d.pending = nil
	return d.goSecure(h), true
}

func (d *dialogue) goSecure(h *handshake) ending {
	if !d.secure(h) {
		return leave
	}
	d.session = h.after
	d.note(func(t *Tally) { t.Handshakes++ })
	if !pause(d.server.ctx, h.late) {
		return leave
	}
	if _, err := d.out.WriteString(h.greeting); err != nil {
		return leave
	}
	if err := d.out.Flush(); err != nil {
		return leave
	}
	return stay
}

// secure does the handshake and goes on inside TLS.
func (d *dialogue) secure(h *handshake) bool {
	config := d.server.config
	if h.fail {
		config = config.Clone()
		config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return nil, errors.New("this receiver fails every handshake")
		}
	}
	socket := d.socket
	if h.feed {
		socket = &prefixed{Conn: d.socket, octets: h.leftover}
	}
	ctx, cancel := context.WithTimeout(d.server.ctx, handshakePatience)
	defer cancel()
	// The deadlines of the conversation in clear do not hold any more.
	if err := d.socket.SetDeadline(time.Time{}); err != nil {
		return false
	}
	conn := tls.Server(socket, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		return false
	}
	var inside net.Conn = conn
	if h.inject {
		inside = &prefixed{Conn: conn, octets: h.leftover}
	}
	d.use(inside, d.in.left)
	return true
}

// prefixed is a connection from which some octets are read first.
type prefixed struct {
	net.Conn
	octets []byte
}

func (p *prefixed) Read(to []byte) (int, error) {
	if len(p.octets) == 0 {
		return p.Conn.Read(to)
	}
	n := copy(to, p.octets)
	p.octets = p.octets[n:]
	return n, nil
}

// CloseWrite ends the own half of TLS.
func (p *prefixed) CloseWrite() error {
	if half, ok := p.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
