package wire_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"sync"
	"time"
)

// secure makes a TLS session of the connection; first is what came of it so far.
func (c *conversation) secure(first string) {
	tap := &tap{Conn: c.raw, first: first + c.kept, log: c.log}
	c.kept = ""
	conn := tls.Server(tap, &tls.Config{
		Certificates: []tls.Certificate{certificate()}, DynamicRecordSizingDisabled: true,
	})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_ = c.raw.SetDeadline(time.Time{})
	if err := conn.HandshakeContext(ctx); err != nil {
		c.over = true
		c.log.add(endOf(err), err.Error())
		return
	}
	c.log.add(secured, "")
	c.conn, c.below = conn, tap
}

func endOf(err error) kind {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fin
	}
	return reset
}

// tap logs what comes below TLS, and can hold back what goes.
type tap struct {
	net.Conn
	first  string
	log    *ledger
	corked bool
	held   []byte
}

func (t *tap) Write(p []byte) (int, error) {
	if t.corked {
		t.held = append(t.held, p...)
		return len(p), nil
	}
	return t.Conn.Write(p)
}

// uncork writes in one segment what was held back.
func (t *tap) uncork() error {
	t.corked = false
	_, err := t.Conn.Write(t.held)
	t.held = nil
	return err
}

func (t *tap) Read(p []byte) (int, error) {
	if t.first != "" {
		n := copy(p, t.first)
		t.first = t.first[n:]
		return n, nil
	}
	n, err := t.Conn.Read(p)
	if n > 0 {
		t.log.add(sealed, string(p[:n]))
	}
	return n, err
}

// certificate is one that nobody would trust.
var certificate = sync.OnceValue(func() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mx.example.net"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
})
