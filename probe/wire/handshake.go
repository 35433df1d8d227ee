package wire

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
)

// tlsConfig takes any certificate: opportunistic TLS between mail servers is
// not verified, and a probe of the order of commands sends nothing secret. TLS
// 1.0 is allowed because receivers that speak nothing newer exist. With no
// verification the root store is never loaded.
func tlsConfig(host string) *tls.Config {
	return &tls.Config{
		DynamicRecordSizingDisabled: true, // one write, one record
		ServerName:                  host,
		MinVersion:                  tls.VersionTLS10, //nolint:gosec // see above
		InsecureSkipVerify:          true,             //nolint:gosec // see above
	}
}

// handshake makes a TLS session of the connection; its failure is a result. The
// plaintext that came before it is entered first: it cannot have come inside TLS.
func (s *Session) handshake(ctx context.Context) {
	for _, c := range s.pump.stop() {
		s.take(c)
	}
	s.digest(func() bool { return false })
	if s.ended != "" {
		s.pump = startPump(s.pump.conn)
		return
	}
	if s.started() {
		s.guard.taint("the receiver spoke where a handshake was due")
	}
	if err := s.guard.shake(); err != nil {
		s.note(probe.NoteHeld, err.Error())
		s.pump = startPump(s.pump.conn)
		return
	}
	conn := tls.Client(s.raw, tlsConfig(s.receiver.host))
	if err := s.shake(ctx, conn); err != nil {
		if ctx.Err() != nil {
			s.note(probe.NoteInterrupted, "")
		} else {
			s.note(probe.NoteUnsecured, s.why(err))
		}
		s.guard.taint("the TLS handshake failed")
		s.guard.silent = true // nothing in clear after a handshake was begun
		s.pump = startPump(s.raw)
		return
	}
	s.guard.secured()
	s.note(probe.NoteSecured, describe(conn.ConnectionState()))
	s.pump = startPump(conn)
}

// shake runs the handshake by a deadline of the connection: the library's own
// way with a context closes the connection, which is to be reset.
func (s *Session) shake(ctx context.Context, conn *tls.Conn) error {
	if err := s.raw.SetDeadline(time.Now().Add(s.receiver.config.Connect)); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() {
		s.raw.SetDeadline(time.Unix(1, 0)) //nolint:errcheck // a closed connection ends the handshake as well
	})
	err := conn.Handshake()
	if stop() && err == nil {
		return s.raw.SetDeadline(time.Time{})
	}
	return err
}

// why says in our own words why a handshake failed where the words of the
// library would change from release to release.
func (s *Session) why(err error) string {
	var record tls.RecordHeaderError
	var op *net.OpError
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Sprintf("no answer within %s", s.receiver.config.Connect)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the receiver closed the connection"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the receiver reset the connection"
	case errors.As(err, &record):
		return "the receiver's answer is not TLS"
	case errors.As(err, &op) && op.Op == "remote error":
		return "the receiver sent the alert: " + strings.TrimPrefix(op.Err.Error(), "tls: ")
	case errors.As(err, &op):
		err = op.Err // without the addresses of the socket
	}
	return err.Error()
}

// describe is what a handshake came to: version, cipher, and the certificate
// that nobody verified.
func describe(state tls.ConnectionState) string {
	text := tls.VersionName(state.Version) + ", " + tls.CipherSuiteName(state.CipherSuite)
	if len(state.PeerCertificates) > 0 {
		text += ", " + certificate(state.PeerCertificates[0])
	}
	return text
}

func certificate(c *x509.Certificate) string {
	return fmt.Sprintf("certificate of %q by %q until %s",
		c.Subject.CommonName, c.Issuer.CommonName, c.NotAfter.UTC().Format(time.DateOnly))
}

// Leave ends the session by S8: RSET where a transaction may be open, QUIT, and
// the end of the connection. After a 354, or where anything is in doubt, it ends
// without a word.
func (s *Session) Leave(ctx context.Context) {
	if s.left {
		return
	}
	s.left = true
	defer s.receiver.release()
	if s.Usable() && ctx.Err() == nil {
		s.takeLeave(ctx)
		s.drain()
	}
	for _, c := range s.pump.stop() { // a 354 may come at the last moment (S1)
		s.take(c)
	}
	s.digest(func() bool { return false })
	if s.guard.silent || !s.guard.quit {
		s.abort()
		return
	}
	s.note(probe.NoteLeft, "")
	s.pump.conn.SetDeadline(time.Now().Add(time.Second)) //nolint:errcheck // a dead connection is closed all the same
	s.pump.conn.Close()
	s.raw.Close()
}

func (s *Session) takeLeave(ctx context.Context) {
	if s.guard.open {
		s.say(ctx, "RSET\r\n", waitReset)
	}
	if !s.Usable() {
		return
	}
	s.say(ctx, "QUIT\r\n", waitQuit)
	if s.last.Class() == 2 && s.last.Code != 221 && s.last.Fault == "" && s.ended == "" && ctx.Err() == nil {
		// Is it an odd answer, or one to the command before? Then 221 follows.
		before := s.replies
		s.shifted = s.hear(ctx, probe.Drain, func() bool { return s.replies > before }) == heard && s.last.Code == 221
	}
}

// Shifted reports, of a session that was left, whether QUIT got the reply to an
// earlier command: somebody on the way said something twice, or swallowed a
// command, and no reply of the session can be trusted.
func (s *Session) Shifted() bool { return s.shifted }

func (s *Session) say(ctx context.Context, octets string, wait time.Duration) {
	if !s.drain() || s.guard.allow(octets) != nil {
		return
	}
	s.events = append(s.events, probe.Event{At: time.Since(s.begun), From: probe.FromClient, Text: octets})
	if s.pump.write(ctx, octets, wait) != nil {
		return
	}
	before := s.replies
	s.await(ctx, min(wait, s.receiver.config.Reply), func() bool { return s.replies > before })
}

// abort resets the TCP connection, inside TLS without a word either: whatever
// the receiver waits for, it does not get it (S1).
func (s *Session) abort() {
	s.note(probe.NoteAborted, "")
	if c, ok := s.raw.(interface{ SetLinger(seconds int) error }); ok {
		c.SetLinger(0) //nolint:errcheck // a dead connection needs no reset
	}
	s.raw.Close()
}
