package resolve_test

import (
	"net/netip"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe/resolve"
)

// TestSpecial takes both ends of every block and, where these are public, their
// neighbours outside.
func TestSpecial(t *testing.T) {
	for _, test := range []struct {
		want  string
		addrs []string
	}{
		{"this network", []string{"0.0.0.0", "0.255.255.255"}},
		{"private", []string{"10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255"}},
		{"shared address space (carrier-grade NAT)", []string{"100.64.0.0", "100.127.255.255"}},
		{"loopback", []string{"127.0.0.0", "127.255.255.255", "::1"}},
		{"link-local", []string{"169.254.0.0", "169.254.255.255", "fe80::", "fe80::1%eth0", "febf:ffff::"}},
		{"IETF protocol assignments", []string{"192.0.0.0", "192.0.0.255", "2001:1::", "2001:1ff:ffff::"}},
		{"documentation", []string{"192.0.2.1", "198.51.100.1", "203.0.113.255", "2001:db8::", "2001:db8:ffff::", "3fff::", "3fff:fff:ffff::"}},
		{"6to4 relay anycast", []string{"192.88.99.0", "192.88.99.255"}},
		{"benchmarking", []string{"198.18.0.0", "198.19.255.255", "2001:2::1"}},
		{"multicast", []string{"224.0.0.0", "239.255.255.255", "ff02::1", "ffff::"}},
		{"reserved", []string{"240.0.0.0", "255.255.255.254"}},
		{"broadcast", []string{"255.255.255.255"}},
		{"unspecified", []string{"::"}},
		{"IPv4-mapped", []string{"::ffff:0:0", "::ffff:127.0.0.1", "::ffff:192.88.98.1", "::ffff:255.255.255.255"}},
		{"NAT64 of private", []string{"64:ff9b::10.0.0.1"}},
		{"NAT64 of loopback", []string{"64:ff9b::127.0.0.1"}},
		{"local NAT64", []string{"64:ff9b:1::", "64:ff9b:1:ffff::"}},
		{"discard-only", []string{"100::", "100::ffff:ffff:ffff:ffff"}},
		{"Teredo", []string{"2001::", "2001:0:ffff::"}},
		{"6to4 of private", []string{"2002:a00:1::1", "2002:c0a8:1::"}},
		{"unique local", []string{"fc00::", "fdff:ffff::"}},
		{"site-local", []string{"fec0::", "feff:ffff::"}},
		{"not global unicast", []string{"::2", "::192.88.98.1", "1fff:ffff::", "4000::", "5f00::", "fbff::", "100:0:0:1::"}},
		{"", []string{
			"1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
			"169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0", "192.88.98.255",
			"192.88.100.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "198.51.99.255", "198.51.101.0",
			"203.0.112.255", "203.0.114.0", "223.255.255.255", "2000::", "2001:200::", "2001:db7:ffff::", "2001:db9::",
			"2003::", "3ffe:ffff::", "3fff:1000::", "64:ff9b::192.88.98.1", "2002:c058:6201::",
		}},
	} {
		for _, addr := range test.addrs {
			t.Run(addr, func(t *testing.T) {
				if got := resolve.Special(netip.MustParseAddr(addr)); got != test.want {
					t.Errorf("got %q, want %q", got, test.want)
				}
			})
		}
	}
	if got := resolve.Special(netip.Addr{}); got == "" {
		t.Error("got a public address, want the zero one to be none")
	}
}
