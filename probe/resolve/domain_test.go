package resolve_test

import (
	"strings"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe/resolve"
)

func TestDomain(t *testing.T) {
	server := startNameserver(t, records, zoneFaults())
	r := newResolver(t, nil, server.Addr())
	const mx1 = "mx1.example.com ok 192.0.2.1 2001:db8::1"
	const mx2 = "mx2.example.com ok 192.0.2.9 192.0.2.2 192.0.2.5"
	for _, test := range []struct {
		domain string
		want   []string
		reason string // a part of it
	}{
		{"plain.example.com", []string{"ok", "10 " + mx1, "20 " + mx2}, ""},
		{"Plain.Example.com.", []string{"ok", "10 " + mx1, "20 " + mx2}, ""},
		{"both.example.com", []string{"ok", "10 " + mx1}, ""},
		{"mx--a.example.com", []string{"ok", "10 " + mx1}, ""},
		{"exämple.com", []string{"ok", "10 " + mx1}, ""},

		{"implicit.example.com", []string{"ok implicit", "0 implicit.example.com ok 192.0.2.3 2001:db8::3"}, ""},
		{"six.example.com", []string{"ok implicit", "0 six.example.com ok 2001:db8::6"}, ""},
		{
			"empty.example.com",
			[]string{"no-address implicit", "0 empty.example.com no-address"},
			"the domain has no MX record and no address",
		},
		{"gone.example.com", []string{"nxdomain"}, "gone.example.com does not exist (NXDOMAIN)"},

		{"null.example.com", []string{"null-mx"}, "null MX"},
		{"null5.example.com", []string{"null-mx [null-mx-preference 5]"}, "null MX"},
		{"mixed.example.com", []string{"ok [null-mx-mixed ]", "10 " + mx1}, ""},
		{"mixed7.example.com", []string{"ok [null-mx-preference 7] [null-mx-mixed ]", "10 " + mx1}, ""},
		{"aliasnull.example.com", []string{"null-mx [cname aliasnull.example.com -> null.example.com]"}, "null MX"},

		{"alias.example.com", []string{"ok [cname alias.example.com -> plain.example.com]", "10 " + mx1, "20 " + mx2}, ""},
		{
			"aliasimp.example.com",
			[]string{"ok implicit [cname aliasimp.example.com -> implicit.example.com]", "0 implicit.example.com ok 192.0.2.3 2001:db8::3"},
			"",
		},
		{
			"slowly.example.com", // each alias has to be asked for by itself
			[]string{
				"ok [cname slowly.example.com -> step.example.com -> alias.example.com -> plain.example.com]",
				"10 " + mx1, "20 " + mx2,
			},
			"",
		},
		{
			"lost.example.com",
			[]string{"nxdomain [cname lost.example.com -> gone.example.net]"},
			"lost.example.com is an alias (CNAME) of gone.example.net, which does not exist (NXDOMAIN)",
		},
		{
			"ring.example.com",
			[]string{"dns-error [cname ring.example.com -> gnir.example.com -> ring.example.com] [cname-chain ]"},
			"the aliases (CNAME) lead in a circle: ring.example.com -> gnir.example.com -> ring.example.com",
		},
		{
			"self.example.com",
			[]string{"dns-error [cname self.example.com -> self.example.com] [cname-chain ]"},
			"in a circle",
		},
		{
			"c2.example.com", // eight hops
			[]string{
				"ok [cname c2.example.com -> c3.example.com -> c4.example.com -> c5.example.com -> c6.example.com" +
					" -> c7.example.com -> c8.example.com -> c9.example.com -> plain.example.com]",
				"10 " + mx1, "20 " + mx2,
			},
			"",
		},
		{
			"c1.example.com", // nine
			[]string{
				"dns-error [cname c1.example.com -> c2.example.com -> c3.example.com -> c4.example.com -> c5.example.com -> c6.example.com" +
					" -> c7.example.com -> c8.example.com -> c9.example.com -> plain.example.com] [cname-chain ]",
			},
			"more than 8 aliases",
		},

		{
			"mxalias.example.com",
			[]string{"ok", "10 www.example.com ok 192.0.2.9 192.0.2.2 192.0.2.5 [mx-target-cname www.example.com -> mx2.example.com]"},
			"",
		},
		{
			"mxring.example.com",
			[]string{
				"ok",
				"10 ring.example.com dns-error [cname-chain ] [mx-target-cname ring.example.com -> gnir.example.com -> ring.example.com]",
				"20 " + mx1,
			},
			"",
		},
		{"literal.example.com", []string{"ok", "10 192.0.2.1 unusable-mx [mx-target-ip-literal ]", "20 " + mx1}, ""},
		{
			"onlylit.example.com", // its own address is no way out
			[]string{"unusable-mx", "10 192.0.2.1 unusable-mx [mx-target-ip-literal ]"},
			"none leads to an address that can be probed: the MX record names an address",
		},
		{
			"dangling.example.com",
			[]string{"ok", "10 gone.example.com nxdomain [mx-target-dangling gone.example.com]", "20 " + mx1},
			"",
		},
		{
			"forsale.example.com",
			[]string{
				"unusable-mx",
				"10 mail.example.org nxdomain [mx-target-dangling mail.example.org] [mx-target-takeover-risk example.org]",
			},
			"mail.example.org does not exist (NXDOMAIN)",
		},
		{
			"intern.example.com", // nobody can register anything below a name that is no top-level domain
			[]string{"unusable-mx", "10 mail.corp.test nxdomain [mx-target-dangling mail.corp.test]"},
			"",
		},
		{
			"noaddr.example.com",
			[]string{"unusable-mx", "10 empty.example.com no-address [mx-target-no-address ]"},
			"empty.example.com has no address",
		},
		{
			"bad.example.com",
			[]string{
				"ok",
				"10 mx_3.example.com ok 192.0.2.33 [mx-target-bad-name mx_3]",
				`20 a\ b.example.com ok 192.0.2.34 [mx-target-bad-name a\ b]`,
			},
			"",
		},
		{
			"twice.example.com",
			[]string{"ok", "10 " + mx1 + " [mx-target-duplicate also with preference 30]", "20 " + mx2},
			"",
		},

		{"servfail.example.com", []string{"dns-error"}, "answers SERVFAIL to MX servfail.example.com"},
		{"refused.example.com", []string{"dns-error"}, "answers REFUSED to MX refused.example.com"},
		{"other.example.com", []string{"dns-error"}, "answers another question than MX other.example.com"},
		{"referral.example.com", []string{"dns-error"}, "refers to others instead of answering MX referral.example.com"},
		{"halfmx.example.com", []string{"ok", "10 sick.example.com dns-error", "20 " + mx1}, ""},
		{
			"sickmx.example.com", // one exchange is not known, so nobody can say that none is usable
			[]string{
				"dns-error",
				"10 sick.example.com dns-error",
				"20 gone.example.com nxdomain [mx-target-dangling gone.example.com]",
			},
			"answers SERVFAIL to A sick.example.com",
		},
		{
			"halfv6.example.com",
			[]string{
				"ok",
				"10 sick6.example.com ok 192.0.2.85 [partial-addresses the nameserver " + server.Addr() +
					" answers SERVFAIL to AAAA sick6.example.com]",
			},
			"",
		},
		{"sicker.example.com", []string{"dns-error", "10 sick4.example.com dns-error"}, "answers SERVFAIL to A sick4.example.com"},

		{"cut.example.com", []string{"ok", "10 " + mx1}, ""},
		{"old.example.com", []string{"ok", "10 " + mx1}, ""},

		{"user@example.com", []string{"invalid"}, "use the part after the @"},
		{"example", []string{"invalid"}, "has no dot"},
	} {
		t.Run(test.domain, func(t *testing.T) {
			d := r.Domain(t.Context(), test.domain)
			if got, want := render(d), strings.Join(test.want, "\n"); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if !strings.Contains(d.Reason, test.reason) || (d.Reason == "") != (d.Status == resolve.OK) {
				t.Errorf("got reason %q, want %q in it", d.Reason, test.reason)
			}
			if strings.Contains(d.Reason, "\n") {
				t.Errorf("got reason %q, want one line", d.Reason)
			}
			for _, e := range d.Exchanges {
				if (e.Reason == "") != (e.Status == resolve.OK) {
					t.Errorf("got status %s of %s with reason %q", e.Status, e.Host, e.Reason)
				}
			}
		})
	}
}
