package wire

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
)

// tlsConfig takes any certificate: opportunistic TLS between mail servers is
// not verified, and a probe of the order of commands sends nothing secret. TLS
// 1.0 is allowed because receivers that speak nothing newer exist. With no
// verification the root store is never loaded.
func tlsConfig(host string) *tls.Config {
	return &tls.Config{
		ServerName:         host,
		MinVersion:         tls.VersionTLS10, //nolint:gosec // see above
		InsecureSkipVerify: true,             //nolint:gosec // see above
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
		s.pump = startPump(s.raw)
		return
	}
	if s.guard.over != "" {
		s.note(probe.NoteHeld, s.guard.over)
		s.pump = startPump(s.raw)
		return
	}
	wait := s.receiver.config.Connect
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	conn := tls.Client(s.raw, tlsConfig(s.receiver.host))
	if err := conn.HandshakeContext(ctx); err != nil {
		s.note(probe.NoteUnsecured, s.why(ctx, err))
		s.guard.taint("the TLS handshake failed")
		s.guard.silent = true // nothing in clear after a handshake was begun
		s.pump = startPump(s.raw)
		return
	}
	s.guard.secured()
	s.note(probe.NoteSecured, describe(conn.ConnectionState()))
	s.pump = startPump(conn)
}

// why says in our own words why a handshake failed where the words of the
// library would change from release to release.
func (s *Session) why(ctx context.Context, err error) string {
	var record tls.RecordHeaderError
	var alert tls.AlertError
	switch {
	case ctx.Err() != nil:
		return fmt.Sprintf("no answer within %s", s.receiver.config.Connect)
	case endOf(err) == probe.NoteClosed:
		return "the receiver closed the connection"
	case errors.As(err, &record):
		return "the receiver's answer is not TLS"
	case errors.As(err, &alert):
		return "alert: " + alert.Error()
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
	}
	s.pump.stop()
	if s.guard.silent || !s.guard.quit {
		s.abort()
		return
	}
	s.note(probe.NoteLeft, "")
	s.pump.conn.SetDeadline(time.Now().Add(time.Second)) //nolint:errcheck // a dead connection is closed all the same
	s.pump.conn.Close()                                  //nolint:errcheck // there is nothing left to lose
	s.raw.Close()                                        //nolint:errcheck // closed by the line above unless TLS failed to
}

func (s *Session) takeLeave(ctx context.Context) {
	if s.guard.open {
		s.say(ctx, "RSET\r\n", waitReset)
	}
	if s.Usable() {
		s.say(ctx, "QUIT\r\n", waitQuit)
	}
}

func (s *Session) say(ctx context.Context, octets string, wait time.Duration) {
	if !s.drain() || s.guard.allow(octets) != nil {
		return
	}
	s.events = append(s.events, probe.Event{At: time.Since(s.begun), From: probe.FromClient, Text: octets})
	if s.pump.write(octets, wait) != nil {
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
	s.raw.Close() //nolint:errcheck // there is nothing left to lose
}
