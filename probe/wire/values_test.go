package wire_test

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/wire"
)

// TestValuesAreChecked: what a user sets reaches the wire, so it has to be what
// RFC 5321 4.1.2 allows.
func TestValuesAreChecked(t *testing.T) {
	good := values("<>")
	for name, change := range map[string]func(v *probe.Values){
		"EHLO with a line end":           func(v *probe.Values) { v.EHLO = "a.example\r\nDATA" },
		"EHLO with a space":              func(v *probe.Values) { v.EHLO = "a.example x" },
		"EHLO with a lone CR":            func(v *probe.Values) { v.EHLO = "a.example\r" },
		"EHLO that is a mailbox":         func(v *probe.Values) { v.EHLO = "root@a.example" },
		"From without brackets":          func(v *probe.Values) { v.From = "a@a.example" },
		"From empty":                     func(v *probe.Values) { v.From = "" },
		"From with a line end":           func(v *probe.Values) { v.From = "<a@a.example>\r\nDATA\r\n" },
		"From with a line end inside":    func(v *probe.Values) { v.From = "<\"a\r\nDATA\"@a.example>" },
		"Rcpt null":                      func(v *probe.Values) { v.Rcpt = "<>" },
		"Rcpt with a parameter":          func(v *probe.Values) { v.Rcpt = "<a@a.example> NOTIFY=NEVER" },
		"Rcpt of two":                    func(v *probe.Values) { v.Rcpt = "<a@a.example>,<b@a.example>" },
		"Rcpt with NUL":                  func(v *probe.Values) { v.Rcpt = "<a\x00@a.example>" },
		"Rcpt with a source route":       func(v *probe.Values) { v.Rcpt = "<@b.example:a@a.example>" },
		"Rcpt beyond ASCII":              func(v *probe.Values) { v.Rcpt = "<\xc3\xbc@a.example>" },
		"Rcpt with a broken quote":       func(v *probe.Values) { v.Rcpt = "<\"a\"b\"@a.example>" },
		"Rcpt longer than a path may be": func(v *probe.Values) { v.Rcpt = "<a@" + strings.Repeat("a.", 130) + "example>" },
		"Bad that exists":                func(v *probe.Values) { v.Bad = "<root@example.org>" },
		"Bad empty":                      func(v *probe.Values) { v.Bad = "" },
	} {
		t.Run(name, func(t *testing.T) {
			v := good
			change(&v)
			if _, err := wire.NewReceiver(probe.Receiver{Host: "192.0.2.1"}, wire.Config{Values: v}); err == nil {
				t.Errorf("got no error for %+v, want one", v)
			}
		})
	}
	if _, err := wire.NewReceiver(probe.Receiver{Host: "192.0.2.1"}, wire.Config{Values: good}); err != nil {
		t.Errorf("got %v for good values, want nil", err)
	}
}

// fromAddress is a connection with another address of its own.
type fromAddress struct {
	net.Conn
	local net.Addr
}

func (f fromAddress) LocalAddr() net.Addr { return f.local }

// TestEHLOByLiteral: without a name EHLO gives the socket's own address (RFC
// 5321 4.1.4), and the guard takes no other.
func TestEHLOByLiteral(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7:1": "[192.0.2.7]", "[2001:db8::7]:1": "[IPv6:2001:db8::7]", "[::ffff:192.0.2.7]:1": "[192.0.2.7]", "[fe80::7%eth0]:1": "[IPv6:fe80::7]",
	} {
		t.Run(address, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				network := lab.NewMemory()
				l := serve(network, replies(hi, fine, bye))
				dial := func(ctx context.Context, n, to string) (net.Conn, error) {
					conn, err := network.DialContext(ctx, n, to)
					return fromAddress{conn, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(address))}, err
				}
				v := values("<>")
				v.EHLO = ""
				r, err := wire.NewReceiver(probe.Receiver{Host: "192.0.2.1", Port: 25}, wire.Config{Values: v, Dial: dial})
				if err != nil {
					t.Fatal(err)
				}
				s, err := r.Open(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				s.Play(context.Background(), probe.Script{greets(), sends("EHLO {ehlo}\r\n"), sends("HELO [192.0.2.8]\r\n")})
				s.Leave(context.Background())
				if got := l.stop()[0].heard(); got != "EHLO "+want+"\r\nQUIT\r\n" {
					t.Errorf("got %q, want EHLO with %s", got, want)
				}
			})
		})
	}
}
