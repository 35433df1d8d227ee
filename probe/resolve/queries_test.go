package resolve_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe/resolve"
)

func TestDomainShowsBothForms(t *testing.T) {
	server := startNameserver(t, records, zoneFaults())
	d := newResolver(t, nil, server.Addr()).Domain(t.Context(), "EXÄMPLE.com.")
	if d.Domain != "exämple.com" || d.ASCII != "xn--exmple-cua.com" {
		t.Errorf("got %q and %q, want exämple.com and xn--exmple-cua.com", d.Domain, d.ASCII)
	}
	if d := newResolver(t, nil, server.Addr()).Domain(t.Context(), "a b"); d.Domain != "a b" || d.ASCII != "" {
		t.Errorf("got %q and %q, want what was given and nothing", d.Domain, d.ASCII)
	}
}

// TestDomainAsks holds what goes to the nameserver against what must: the MX
// query comes first, and no address is asked for where that would be a guess.
func TestDomainAsks(t *testing.T) {
	server := startNameserver(t, records, zoneFaults())
	r := newResolver(t, func(o *resolve.Options) { o.IPv6 = false }, server.Addr())
	for _, test := range []struct {
		domain string
		want   []string
	}{
		{"both.example.com", []string{"udp MX both.example.com.", "udp A mx1.example.com."}},
		{"implicit.example.com", []string{"udp MX implicit.example.com.", "udp A implicit.example.com."}},
		{"gone.example.com", []string{"udp MX gone.example.com."}},
		{"null.example.com", []string{"udp MX null.example.com."}},
		{"servfail.example.com", []string{"udp MX servfail.example.com.", "udp MX servfail.example.com."}},
		{"refused.example.com", []string{"udp MX refused.example.com.", "udp MX refused.example.com."}},
		{"onlylit.example.com", []string{"udp MX onlylit.example.com."}},
		{"cut.example.com", []string{"udp MX cut.example.com.", "tcp MX cut.example.com.", "udp A mx1.example.com."}},
		{"old.example.com", []string{"udp MX old.example.com.", "udp MX old.example.com.", "udp A mx1.example.com."}},
		{
			"forsale.example.com",
			[]string{"udp MX forsale.example.com.", "udp A mail.example.org.", "udp SOA example.org."},
		},
		{"a..b", nil},
	} {
		t.Run(test.domain, func(t *testing.T) {
			server.seen()
			r.Domain(t.Context(), test.domain)
			queries := server.seen()
			if got := questions(queries); !slices.Equal(got, test.want) {
				t.Errorf("got queries %q, want %q", got, test.want)
			}
			for i, q := range queries {
				if retry := test.domain == "old.example.com" && i == 1; q.EDNS == retry {
					t.Errorf("query %d: got EDNS0 %t, want %t", i, q.EDNS, !retry)
				}
			}
		})
	}
}

func TestDomainUsesAFreshIDEachTime(t *testing.T) {
	server := startNameserver(t, records, zoneFaults())
	r := newResolver(t, nil, server.Addr())
	for range 8 {
		r.Domain(t.Context(), "servfail.example.com")
	}
	ids := make(map[uint16]bool)
	queries := server.seen()
	for _, q := range queries {
		ids[q.ID] = true
	}
	// Of 16 random ids two may be the same, but hardly more.
	if len(queries) != 16 || len(ids) < 14 {
		t.Errorf("got %d ids in %d queries, want 16 in 16", len(ids), len(queries))
	}
}

func TestDomainFamilies(t *testing.T) {
	server := startNameserver(t, records, zoneFaults())
	for _, test := range []struct {
		domain string
		v4, v6 bool
		want   string
		reason string
	}{
		{"both.example.com", true, false, "ok\n10 mx1.example.com ok 192.0.2.1", ""},
		{"both.example.com", false, true, "ok\n10 mx1.example.com ok 2001:db8::1", ""},
		{
			"six.example.com", true, false, "no-address implicit\n0 six.example.com no-address",
			"the domain has no MX record and no IPv4 address (IPv6 was not asked for)",
		},
		{
			"noaddr.example.com", false, true, "unusable-mx\n10 empty.example.com no-address",
			"empty.example.com has no IPv6 address (IPv4 was not asked for)",
		},
	} {
		t.Run(fmt.Sprintf("%s v4=%t v6=%t", test.domain, test.v4, test.v6), func(t *testing.T) {
			r := newResolver(t, func(o *resolve.Options) { o.IPv4, o.IPv6 = test.v4, test.v6 }, server.Addr())
			d := r.Domain(t.Context(), test.domain)
			if got := render(d); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
			if !strings.Contains(d.Reason, test.reason) {
				t.Errorf("got reason %q, want %q in it", d.Reason, test.reason)
			}
		})
	}
}
