// Package resolve turns a domain into its mail exchangers and their addresses,
// by RFC 5321 section 5 and RFC 7505.
//
// It asks nameservers itself, because the standard resolver makes a domain that
// does not exist look like one that has no such record, and hides aliases. It
// never guesses: a lookup that failed is reported as failed and is not replaced
// by another record, a domain with broken MX records is not probed at its own
// address, and no search list is applied. It opens no SMTP connection, and it
// sets apart the loopback, private and other special addresses that the DNS
// names, so that nobody connects to them by mistake.
package resolve

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"
)

const (
	defaultTimeout = 5 * time.Second
	resolvConf     = "/etc/resolv.conf"
)

// Options say whom a Resolver asks and for what.
type Options struct {
	// Nameservers are asked in this order. Each is an address with or without
	// a port (53 without one), an IPv6 address with a port in brackets. Where
	// there are none, those of /etc/resolv.conf are asked.
	Nameservers []string
	// IPv4 and IPv6 say whether A and AAAA records are asked for.
	IPv4, IPv6 bool
	// AllowPrivate leaves the special addresses of Special among those to
	// probe.
	AllowPrivate bool
	// Timeout of one exchange with one nameserver. Zero stands for 5 s.
	Timeout time.Duration
	// Seed of the shuffle of exchanges of equal preference, which RFC 5321
	// section 5.1 demands. The same seed gives the same order again.
	Seed uint64
}

// A Resolver finds the mail exchangers of domains. It may be used by several
// goroutines at once.
type Resolver struct {
	nameservers  []string // each "address:port"
	families     []uint16 // dns.TypeA, dns.TypeAAAA
	allowPrivate bool
	timeout      time.Duration
	seed         uint64
	sockets      sockets
}

// New returns a resolver. The error names the nameserver that cannot be used,
// or says why the system's own are not known.
func New(o Options) (*Resolver, error) {
	r := &Resolver{allowPrivate: o.AllowPrivate, timeout: o.Timeout, seed: o.Seed}
	if r.timeout <= 0 {
		r.timeout = defaultTimeout
	}
	if o.IPv4 {
		r.families = append(r.families, dns.TypeA)
	}
	if o.IPv6 {
		r.families = append(r.families, dns.TypeAAAA)
	}
	if len(r.families) == 0 {
		return nil, errors.New("neither IPv4 nor IPv6 addresses are asked for: one of them is needed")
	}
	var err error
	if len(o.Nameservers) == 0 {
		r.nameservers, err = systemNameservers(resolvConf)
	} else {
		r.nameservers, err = nameservers(o.Nameservers)
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

func nameservers(given []string) ([]string, error) {
	var servers []string
	for _, s := range given {
		server, err := nameserver(s)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(servers, server) {
			servers = append(servers, server)
		}
	}
	return servers, nil
}

// nameserver gives one nameserver the form "address:port".
func nameserver(s string) (string, error) {
	if ap, err := netip.ParseAddrPort(s); err == nil && ap.Port() != 0 {
		return ap.String(), nil
	}
	if addr, ok := parseAddress(s); ok {
		return net.JoinHostPort(addr.String(), "53"), nil
	}
	return "", fmt.Errorf("nameserver %s is not an address: give one such as 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:53", quote(s))
}

// systemNameservers reads the nameservers of a file in the format of
// resolv.conf(5). Lines that hold no address are passed over, as the C library
// does; the search list and the options are left aside.
func systemNameservers(file string) ([]string, error) {
	config, err := dns.ClientConfigFromFile(file)
	if err != nil {
		return nil, fmt.Errorf("the system's nameservers are not known: %w; name one (--resolver)", err)
	}
	usable := slices.DeleteFunc(config.Servers, func(s string) bool {
		_, ok := parseAddress(s)
		return !ok
	})
	if len(usable) == 0 {
		return nil, fmt.Errorf("%s names no nameserver: name one (--resolver)", file)
	}
	return nameservers(usable)
}
