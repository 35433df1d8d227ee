package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe/lab"
)

func TestExchangersAtOneAddressAreProbedOnce(t *testing.T) {
	t.Parallel()
	server := receiver(t)
	ns := zone(t, lab.Zone{Records: `
shop.example. MX 10 mx1.shop.example.
shop.example. MX 20 mx2.shop.example.
shop.example. MX 30 mx3.shop.example.
mx1.shop.example. A 127.0.0.1
mx2.shop.example. A 127.0.0.1
mx3.shop.example. A 127.0.0.1`})
	d := probed(t, exitRan, "--resolver", ns, "--allow-private", "--port", portOf(t, server.Addr()), "shop.example")
	equal(t, "receivers", d.statuses(), []string{"127.0.0.1 ok"})
	r := d.Receivers[0]
	if r.Host != "mx1.shop.example" || r.Recipient != "postmaster@shop.example" {
		t.Errorf("got host %s and recipient %s, want the best exchanger and the domain's postmaster", r.Host, r.Recipient)
	}
	if got := server.Ledger().Connections; got != r.Sessions {
		t.Errorf("the receiver counted %d connections, the report %d sessions", got, r.Sessions)
	}
	if got := len(d.Domains[0].Exchanges); got != 3 {
		t.Errorf("got %d exchanges in the row of the domain, want all 3", got)
	}
}

func TestDomainsThatShareAReceiverAreProbedOnce(t *testing.T) {
	t.Parallel()
	server := receiver(t)
	port := portOf(t, server.Addr())
	ns := zone(t, lab.Zone{Records: `
one.example. MX 10 mx.shared.example.
two.example. MX 10 mx.shared.example.
three.example. MX 10 other.shared.example.
mx.shared.example. A 127.0.0.1
other.shared.example. A 127.0.0.1`})
	d := probed(t, exitRan, "--resolver", ns, "--allow-private", "--port", port,
		"one.example", "two.example", "three.example", "127.0.0.1:"+port)
	equal(t, "receivers", d.statuses(), []string{"127.0.0.1 ok"})
	r := d.Receivers[0]
	equal(t, "domains of the receiver", r.Domains, []string{"one.example", "two.example", "three.example"})
	if want := "RCPT TO:<postmaster@one.example>\\r\\n"; !slices.Contains(r.said(), want) {
		t.Errorf("got %q on the wire, want %q among it", r.said(), want)
	}
	for _, line := range r.said() {
		if strings.Contains(line, "two.example") || strings.Contains(line, "three.example") {
			t.Errorf("got %q on the wire, want only the first domain's postmaster", line)
		}
	}
	if got := server.Ledger().Connections; got != r.Sessions {
		t.Errorf("the receiver counted %d connections, the report %d sessions", got, r.Sessions)
	}
}

func TestADomainNamedTwiceIsOneRow(t *testing.T) {
	t.Parallel()
	server := receiver(t)
	ns := zone(t, lab.Zone{Records: "one.example. MX 10 mx.one.example.\nmx.one.example. A 127.0.0.1"})
	d := probed(t, exitRan, "--resolver", ns, "--allow-private", "--port", portOf(t, server.Addr()), "one.example", "ONE.example.", "one.example")
	equal(t, "domains", d.domains(), []string{"one.example ok"})
	equal(t, "receivers", d.statuses(), []string{"127.0.0.1 ok"})
}

func TestHostsNeedNoMXLookup(t *testing.T) {
	t.Parallel()
	server := receiver(t)
	port := portOf(t, server.Addr())
	var mu sync.Mutex
	var asked []lab.ZoneQuery
	ns := zone(t, lab.Zone{
		Records: "mx.shop.example. A 127.0.0.1\nmx.shop.example. MX 10 wrong.shop.example.",
		OnQuery: func(q lab.ZoneQuery) {
			mu.Lock()
			defer mu.Unlock()
			asked = append(asked, q)
		},
	})
	for _, c := range []struct{ name, target, host, recipient string }{
		{"address and port", "127.0.0.1:" + port, "127.0.0.1", "postmaster@[127.0.0.1]"},
		{"bracketed address and port", "[127.0.0.1]:" + port, "127.0.0.1", "postmaster@[127.0.0.1]"},
		{"bare address", "127.0.0.1", "127.0.0.1", "postmaster@[127.0.0.1]"},
		{"bracketed address", "[127.0.0.1]", "127.0.0.1", "postmaster@[127.0.0.1]"},
		{"localhost", "localhost:" + port, "localhost", "postmaster@localhost"},
		{"a host of the DNS", "mx.shop.example:" + port, "mx.shop.example", "postmaster@mx.shop.example"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := probed(t, exitRan, "--resolver", ns, "--allow-private", "--port", port, c.target)
			equal(t, "receivers", d.statuses(), []string{"127.0.0.1 ok"})
			r := d.Receivers[0]
			if r.Host != c.host || r.Recipient != c.recipient || fmt.Sprint(r.Port) != port {
				t.Errorf("got %s port %d and %s, want %s port %s and %s", r.Host, r.Port, r.Recipient, c.host, port, c.recipient)
			}
			if want := "RCPT TO:<" + c.recipient + ">\\r\\n"; !slices.Contains(r.said(), want) {
				t.Errorf("got %q on the wire, want %q among it", r.said(), want)
			}
		})
	}
	mu.Lock()
	defer mu.Unlock()
	for _, q := range asked {
		if q.Type == "MX" || q.Name != "mx.shop.example." {
			t.Errorf("the nameserver was asked for %s %s, want only the addresses of mx.shop.example", q.Type, q.Name)
		}
	}
}

func TestPrivateAddressesOfTheDNSAreNotConnectedTo(t *testing.T) {
	t.Parallel()
	server := receiver(t)
	port := portOf(t, server.Addr())
	ns := zone(t, lab.Zone{Records: `
inside.example. MX 10 mx.inside.example.
mx.inside.example. A 127.0.0.1
mx.inside.example. AAAA ::1
bare.example. A 127.0.0.1
mapped.example. MX 10 mx.mapped.example.
mx.mapped.example. AAAA ::ffff:127.0.0.1
localhost.example. MX 10 localhost.
localhost. A 127.0.0.1`})
	for _, target := range []string{
		"inside.example", "bare.example", "mapped.example", "localhost.example", "mx.inside.example:" + port, "bare.example:" + port,
	} {
		t.Run(target, func(t *testing.T) {
			d := probed(t, exitNothing, "--resolver", ns, "--port", port, target)
			equal(t, "receivers", d.statuses(), nil)
			if len(d.Domains) != 1 || d.Domains[0].Status == "ok" || d.Domains[0].Reason == "" {
				t.Errorf("got the domains %+v, want one that says why it has no receiver", d.Domains)
			}
		})
	}
	if got := server.Ledger().Connections; got != 0 {
		t.Errorf("the receiver counted %d connections, want none", got)
	}
	t.Run("allowed", func(t *testing.T) {
		d := probed(t, exitRan, "--resolver", ns, "--port", port, "--allow-private", "-4", "bare.example:"+port, "inside.example")
		equal(t, "receivers", d.statuses(), []string{"127.0.0.1 ok"})
	})
}

func TestDomainsWithoutReceivers(t *testing.T) {
	t.Parallel()
	server := receiver(t)
	ns := zone(t, lab.Zone{
		Records: `
good.example. MX 10 mx.good.example.
mx.good.example. A 127.0.0.1
null.example. MX 0 .
none.example. TXT "there is no address"
dangling.example. MX 10 gone.dangling.example.
literal.example. MX 10 192.0.2.1.`,
		Faults: map[string]lab.ZoneFault{"fails.example": lab.ZoneServfail, "refuses.example": lab.ZoneRefused},
	})
	flags := []string{"--resolver", ns, "--allow-private", "--port", portOf(t, server.Addr())}
	rows := []struct{ domain, status string }{
		{"null.example", "null-mx"},
		{"gone.example", "nxdomain"},
		{"none.example", "no-address"},
		{"fails.example", "dns-error"},
		{"refuses.example", "dns-error"},
		{"dangling.example", "unusable-mx"},
		{"literal.example", "unusable-mx"},
	}
	var all, statuses []string
	for _, row := range rows {
		t.Run(row.domain, func(t *testing.T) {
			d := probed(t, exitNothing, append(flags, row.domain)...)
			equal(t, "domains", d.domains(), []string{row.domain + " " + row.status})
			if d.Domains[0].Reason == "" {
				t.Error("got no reason, want one")
			}
			equal(t, "receivers", d.statuses(), nil)
		})
		t.Run(row.domain+" among good ones", func(t *testing.T) {
			d := probed(t, exitRan, append(flags, row.domain, "good.example")...)
			equal(t, "domains", d.domains(), []string{row.domain + " " + row.status, "good.example ok"})
			equal(t, "receivers", d.statuses(), []string{"127.0.0.1 ok"})
		})
		all, statuses = append(all, row.domain), append(statuses, row.domain+" "+row.status)
	}
	t.Run("all of them", func(t *testing.T) {
		d := probed(t, exitNothing, append(flags, all...)...)
		equal(t, "domains", d.domains(), statuses)
	})
}

func TestInternationalDomains(t *testing.T) {
	t.Parallel()
	server := receiver(t)
	const ascii = "xn--bcher-kva.example"
	ns := zone(t, lab.Zone{Records: ascii + ". MX 10 mx.one.example.\nmx.one.example. A 127.0.0.1"})
	for _, target := range []string{"bücher.example", "BÜCHER.example", ascii} {
		t.Run(target, func(t *testing.T) {
			d := probed(t, exitRan, "--resolver", ns, "--allow-private", "--port", portOf(t, server.Addr()), target)
			equal(t, "domains", d.domains(), []string{"bücher.example ok"})
			if got := d.Domains[0].ASCII; got != ascii {
				t.Errorf("ascii: got %q, want %q", got, ascii)
			}
			equal(t, "domains of the receiver", d.Receivers[0].Domains, []string{"bücher.example"})
			if want := "RCPT TO:<postmaster@" + ascii + ">\\r\\n"; !slices.Contains(d.Receivers[0].said(), want) {
				t.Errorf("got %q on the wire, want %q among it", d.Receivers[0].said(), want)
			}
		})
	}
}

func TestFamilies(t *testing.T) {
	t.Parallel()
	servers, port := street(t, 1)
	ns := zone(t, lab.Zone{Records: `
both.example. MX 10 mx.both.example.
mx.both.example. A 127.0.0.1
mx.both.example. AAAA ::1`})
	flags := []string{"--resolver", ns, "--allow-private", "--port", port, "both.example"}
	t.Run("-4", func(t *testing.T) {
		equal(t, "receivers", probed(t, exitRan, append(flags, "-4")...).statuses(), []string{"127.0.0.1 ok"})
	})
	t.Run("-6", func(t *testing.T) {
		before := servers[1].Ledger().Connections
		// Nobody listens on ::1, if this machine has it at all.
		d := probed(t, exitNothing, append(flags, "-6")...)
		if len(d.Receivers) != 1 || netip.MustParseAddr(d.Receivers[0].Address) != netip.IPv6Loopback() {
			t.Errorf("got the receivers %q, want ::1 alone", d.statuses())
		}
		if got := servers[1].Ledger().Connections; got != before {
			t.Errorf("the receiver at 127.0.0.1 counted %d connections more, want none", got-before)
		}
	})
}
