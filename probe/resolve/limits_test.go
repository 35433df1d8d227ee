package resolve_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/resolve"
)

func TestDomainRefusesSpecialAddresses(t *testing.T) {
	const zone = `
inside.example.com. MX 10 mx1.example.com.
inside.example.com. MX 20 mx2.example.com.
mx1.example.com.    A 127.0.0.1
mx1.example.com.    A 192.88.98.1
mx2.example.com.    AAAA ::1
mx2.example.com.    A 10.0.0.1
only.example.com.   MX 10 mx2.example.com.
alone.example.com.  A 192.168.0.1
mapped.example.com. AAAA ::ffff:192.88.98.1
`
	server := startNameserver(t, zone, nil)
	strict := newResolver(t, func(o *resolve.Options) { o.AllowPrivate = false }, server.Addr())
	for _, test := range []struct{ domain, want, reason string }{
		{
			"inside.example.com",
			"ok\n10 mx1.example.com ok 192.88.98.1 !127.0.0.1 [mx-target-special-address 127.0.0.1 (loopback)]\n" +
				"20 mx2.example.com unusable-mx !10.0.0.1 !::1 [mx-target-special-address 10.0.0.1 (private), ::1 (loopback)]",
			"",
		},
		{
			"only.example.com",
			"unusable-mx\n10 mx2.example.com unusable-mx !10.0.0.1 !::1 [mx-target-special-address 10.0.0.1 (private), ::1 (loopback)]",
			"--allow-private",
		},
		{
			"alone.example.com",
			"unusable-mx implicit\n0 alone.example.com unusable-mx !192.168.0.1 [mx-target-special-address 192.168.0.1 (private)]",
			"--allow-private",
		},
		{
			"mapped.example.com",
			"unusable-mx implicit\n0 mapped.example.com unusable-mx !::ffff:192.88.98.1" +
				" [mx-target-special-address ::ffff:192.88.98.1 (IPv4-mapped)]",
			"--allow-private",
		},
	} {
		t.Run(test.domain, func(t *testing.T) {
			d := strict.Domain(t.Context(), test.domain)
			if got := render(d); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
			if !strings.Contains(d.Reason, test.reason) {
				t.Errorf("got reason %q, want %q in it", d.Reason, test.reason)
			}
		})
	}
	t.Run("allowed", func(t *testing.T) {
		d := newResolver(t, nil, server.Addr()).Domain(t.Context(), "only.example.com")
		if got, want := render(d), "ok\n10 mx2.example.com ok 10.0.0.1 ::1"; got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

func TestDomainShufflesEqualPreferences(t *testing.T) {
	var forward, backward []string
	for i := range 12 {
		forward = append(forward, fmt.Sprintf("mx%d.example.com. A 192.0.2.%d\nexample.com. MX %d mx%d.example.com.\n", i, i+1, 10*(i/6), i))
	}
	for _, s := range slices.Backward(forward) {
		backward = append(backward, s)
	}
	hosts := func(records []string, seed uint64) []string {
		server := startNameserver(t, strings.Join(records, ""), nil)
		d := newResolver(t, func(o *resolve.Options) { o.Seed = seed }, server.Addr()).Domain(t.Context(), "example.com")
		var names []string
		for i, e := range d.Exchanges {
			if want := 10 * (i / 6); e.Preference != want {
				t.Errorf("exchange %d: got preference %d, want %d", i, e.Preference, want)
			}
			names = append(names, e.Host)
		}
		return names
	}
	first := hosts(forward, 1)
	if got := hosts(backward, 1); !slices.Equal(got, first) {
		t.Errorf("same seed, other order of records: got %q, want %q", got, first)
	}
	if slices.IsSorted(first[:6]) && slices.IsSorted(first[6:]) {
		t.Errorf("got %q, want equal preferences mixed", first)
	}
	if got := hosts(forward, 2); slices.Equal(got, first) {
		t.Errorf("other seed: got the same order %q, want another", got)
	}
}

func TestDomainBoundsWhatTheNameserverSays(t *testing.T) {
	var zone strings.Builder
	for i := range 150 {
		fmt.Fprintf(&zone, "mx%d.example.net. A 192.0.2.1\nmany.example.com. MX %d mx%d.example.net.\n", i, i, i)
	}
	zone.WriteString("wide.example.com. MX 10 mx.example.org.\n")
	for i := range 120 {
		fmt.Fprintf(&zone, "mx.example.org. A 192.0.2.%d\n", i)
	}
	server := startNameserver(t, zone.String(), nil)
	r := newResolver(t, nil, server.Addr())

	d := r.Domain(t.Context(), "many.example.com")
	if len(d.Exchanges) != 100 || d.Exchanges[99].Preference != 99 || d.Status != resolve.OK {
		t.Errorf("got %s with %d exchanges, want ok with the first 100", d.Status, len(d.Exchanges))
	}
	if got, want := renderNotes(d.Notes), " [too-many-exchanges 100 of 150 are used]"; got != want {
		t.Errorf("got notes%s, want%s", got, want)
	}
	d = r.Domain(t.Context(), "wide.example.com")
	if got := len(d.Exchanges[0].Addresses); got != 50 {
		t.Errorf("got %d addresses, want 50", got)
	}
	if got, want := renderNotes(d.Exchanges[0].Notes), " [too-many-addresses 50 are used]"; got != want {
		t.Errorf("got notes%s, want%s", got, want)
	}
}

func TestDomainStopsWithItsContext(t *testing.T) {
	for _, test := range []struct {
		name, domain string
		faults       map[string]lab.ZoneFault
		want         string
	}{
		{
			"at the MX query", "plain.example.com",
			map[string]lab.ZoneFault{"plain.example.com": lab.ZoneSilent},
			"interrupted",
		},
		{
			"at an exchange", "twice.example.com",
			map[string]lab.ZoneFault{"mx1.example.com": lab.ZoneSilent, "mx2.example.com": lab.ZoneSilent},
			"interrupted\n10 mx1.example.com interrupted [mx-target-duplicate also with preference 30]\n20 mx2.example.com interrupted",
		},
		{
			"at an implicit MX", "six.example.com",
			map[string]lab.ZoneFault{"six.example.com AAAA": lab.ZoneSilent},
			"interrupted implicit\n0 six.example.com interrupted",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := startNameserver(t, records, test.faults)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			done := make(chan resolve.Domain, 1)
			go func() { done <- newResolver(t, nil, server.Addr()).Domain(ctx, test.domain) }()
			for q := range server.asked {
				if fault := test.faults[strings.TrimSuffix(q.Name, ".")]; fault != "" || q.Type == "AAAA" {
					break
				}
			}
			cancel()
			// One exchange would wait a minute; a lookup that heeds its context
			// is back long before half of that.
			select {
			case d := <-done:
				if got := render(d); got != test.want {
					t.Errorf("got\n%s\nwant\n%s", got, test.want)
				}
				if d.Reason == "" {
					t.Error("got no reason, want one")
				}
			case <-time.After(30 * time.Second):
				t.Fatal("the lookup goes on after its context has ended")
			}
		})
	}
}
