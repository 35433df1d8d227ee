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
