// The gosmtp command is the receiver of mta.sh that is built on emersion/go-smtp: the library as
// it comes, with STARTTLS. It takes mail for postmaster at the domains given, throws it
// away and relays for nobody. It has a module of its own, so that the product does not
// depend on the library.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"flag"
	"io"
	"log"
	"math/big"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-smtp"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:2525", "where to listen, as `address:port`")
	name := flag.String("name", "localhost", "what to greet as and to certify, as a `host` name")
	domains := flag.String("domains", "localhost", "whose postmaster to take mail for, as `names` with commas")
	flag.Parse()
	// The log is what mta.sh counts in, so it holds nothing but what is said here.
	log.SetOutput(os.Stderr)

	certificate, err := selfSigned(*name)
	if err != nil {
		log.Fatalf("no certificate: %v", err)
	}
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	s := smtp.NewServer(backend(strings.Split(*domains, ",")))
	s.Domain = *name
	s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}}
	log.Printf("listening on %s as %s", l.Addr(), *name)
	log.Fatal(s.Serve(logged{l}))
}

// selfSigned makes a certificate that lives as long as this process.
func selfSigned(host string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: host},
		DNSNames:     []string{host},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().AddDate(10, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// logged writes a line for every connection; the library calls its backend at EHLO only.
type logged struct{ net.Listener }

func (l logged) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		log.Printf("connect from %s", c.RemoteAddr())
	}
	return c, err
}

// backend holds the domains whose postmaster takes mail.
type backend []string

func (b backend) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{domains: b}, nil }

// session is one client's. It needs no transaction of its own: the library calls Data only
// after Mail and Rcpt have agreed.
type session struct {
	domains []string
	from    string
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	box, domain, _ := strings.Cut(strings.ToLower(to), "@")
	switch {
	case !slices.Contains(s.domains, domain):
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "Relaying denied"}
	case box != "postmaster":
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such mailbox"}
	}
	return nil
}

// Data takes a message, by DATA or by BDAT, and keeps nothing of it but its length.
func (s *session) Data(r io.Reader) error {
	n, err := io.Copy(io.Discard, r)
	if err != nil {
		return err // it never ended, so the client never heard that it was taken
	}
	log.Printf("accepted from=%q octets=%d", s.from, n)
	return nil
}

func (s *session) Reset()        { s.from = "" }
func (s *session) Logout() error { return nil }
