package main

import (
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe/lab"
)

func TestWordsOfTheUserOnTheWire(t *testing.T) {
	t.Parallel()
	server := receiver(t)
	ns := zone(t, lab.Zone{Records: "shop.example. MX 10 mx.shop.example.\nmx.shop.example. A 127.0.0.1"})
	const domain = "shop.example"
	port := portOf(t, server.Addr())
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"--ehlo name", []string{"--ehlo", "me.example", domain}, "EHLO me.example"},
		{"--ehlo literal", []string{"--ehlo", "[192.0.2.25]", domain}, "EHLO [192.0.2.25]"},
		{"--from mailbox", []string{"--from", "me@me.example", domain}, "MAIL FROM:<me@me.example>"},
		{"--from path", []string{"--from", "<me@me.example>", domain}, "MAIL FROM:<me@me.example>"},
		{"--from null sender", []string{"--from", "<>", domain}, "MAIL FROM:<>"},
		{"--rcpt mailbox", []string{"--rcpt", "me@me.example", domain}, "RCPT TO:<me@me.example>"},
		{"--rcpt path", []string{"--rcpt", "<me@me.example>", "127.0.0.1"}, "RCPT TO:<me@me.example>"},
		{"--domain for an address", []string{"--domain", "me.example", "127.0.0.1"}, "RCPT TO:<postmaster@me.example>"},
		{"--domain for a host", []string{"--domain", "me.example", "mx.shop.example:" + port}, "RCPT TO:<postmaster@me.example>"},
		{"--domain not for a domain", []string{"--domain", "me.example", domain}, "RCPT TO:<postmaster@shop.example>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := probed(t, exitRan, append([]string{"--resolver", ns, "--allow-private", "--port", port}, c.args...)...)
			verb, _, _ := strings.Cut(c.want, " ")
			for _, line := range d.Receivers[0].said() {
				if strings.HasPrefix(line, verb+" ") && line != c.want+"\\r\\n" {
					t.Errorf("got %q on the wire, want only %q", line, c.want)
				}
			}
			if !slices.Contains(d.Receivers[0].said(), c.want+"\\r\\n") {
				t.Errorf("got %q on the wire, want %q among it", d.Receivers[0].said(), c.want)
			}
		})
	}
	if l := server.Ledger(); l.Data+l.Chunks+l.Ends != 0 {
		t.Errorf("the receiver counted %d DATA, %d BDAT and %d ends of a message, want none", l.Data, l.Chunks, l.Ends)
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	plain := receiver(t)
	inside := serve(t, "127.0.0.1:0", lab.Receiver{ImplicitTLS: true})
	demanding := receiver(t, lab.DemandTLS())
	for _, c := range []struct {
		name    string
		server  *lab.Server
		mode    string
		inside  bool
		verdict string // of the check about TLS
	}{
		{"auto", plain, "auto", false, "strict"},
		{"auto where MAIL demands TLS", demanding, "auto", true, "strict"},
		{"none", plain, "none", false, "not-applicable"},
		{"starttls", plain, "starttls", true, "strict"},
		{"implicit", inside, "implicit", true, "strict"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := c.server.Ledger().Handshakes
			d := probed(t, exitRan, "--check", "starttls-inside-tls", "--tls", c.mode, c.server.Addr())
			equal(t, "receivers", d.statuses(), []string{"127.0.0.1 ok"})
			ordering, aboutTLS := d.Receivers[0].Results[0], d.Receivers[0].Results[1]
			if ordering.Verdict != "strict" || ordering.TLS != c.inside {
				t.Errorf("rcpt-before-mail: got %s, inside TLS %t; want strict, %t", ordering.Verdict, ordering.TLS, c.inside)
			}
			if aboutTLS.Verdict != c.verdict {
				t.Errorf("starttls-inside-tls: got %s (%s), want %s", aboutTLS.Verdict, aboutTLS.Reason, c.verdict)
			}
			if shaken := c.server.Ledger().Handshakes > before; c.mode == "none" && shaken {
				t.Error("the receiver saw a TLS handshake, want none")
			}
		})
	}
	t.Run("none where MAIL demands TLS", func(t *testing.T) {
		d := probed(t, exitNothing, "--tls", "none", demanding.Addr())
		equal(t, "receivers", d.statuses(), []string{"127.0.0.1 tls-required"})
	})
}

func TestSource(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	from := make(chan string, 10)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			from <- conn.RemoteAddr().(*net.TCPAddr).IP.String()
			conn.Close()
		}
	}()
	d := probed(t, exitNothing, "--source", house(9), listener.Addr().String())
	listener.Close()
	<-done
	close(from)
	equal(t, "receivers", d.statuses(), []string{"127.0.0.1 blocked"})
	seen := 0
	for address := range from {
		seen++
		if address != house(9) {
			t.Errorf("got a connection from %s, want %s", address, house(9))
		}
	}
	if seen == 0 {
		t.Error("got no connection")
	}
}
