package resolve_test

import (
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/resolve"
)

func TestNewRefuses(t *testing.T) {
	for _, test := range []struct {
		name    string
		options resolve.Options
		want    string
	}{
		{"a name", resolve.Options{Nameservers: []string{"dns.example.com"}, IPv4: true}, `nameserver "dns.example.com" is not an address`},
		{"a bad port", resolve.Options{Nameservers: []string{"192.0.2.53:99999"}, IPv4: true}, `"192.0.2.53:99999"`},
		{"port 0", resolve.Options{Nameservers: []string{"192.0.2.53:0"}, IPv4: true}, `"192.0.2.53:0"`},
		{"nothing", resolve.Options{Nameservers: []string{""}, IPv4: true}, `""`},
		{"no family", resolve.Options{Nameservers: []string{"192.0.2.53"}}, "neither IPv4 nor IPv6"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := resolve.New(test.options)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q in it", err, test.want)
			}
		})
	}
}

func TestNewAccepts(t *testing.T) {
	for _, s := range []string{"192.0.2.53", "192.0.2.53:5353", "2001:db8::53", "[2001:db8::53]", "[2001:db8::53]:5353", "fe80::1%eth0"} {
		t.Run(s, func(t *testing.T) {
			if _, err := resolve.New(resolve.Options{Nameservers: []string{s}, IPv4: true}); err != nil {
				t.Errorf("got %v, want no error", err)
			}
		})
	}
}

// silentPort returns an address of this machine on which nobody answers: a
// socket is bound there that is never read.
func silentPort(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn.LocalAddr().String()
}

func TestSeveralNameservers(t *testing.T) {
	good := startNameserver(t, records, nil)
	sick := startNameserver(t, records, map[string]lab.ZoneFault{"both.example.com": lab.ZoneServfail})
	shut := startNameserver(t, records, map[string]lab.ZoneFault{"both.example.com": lab.ZoneRefused})
	// For this one the domain does not exist, so nobody else is asked.
	other := startNameserver(t, "example.com. A 192.0.2.1", nil)
	const want = "ok\n10 mx1.example.com ok 192.0.2.1 2001:db8::1"
	for _, test := range []struct {
		name    string
		servers []string
		want    string
	}{
		{"SERVFAIL", []string{sick.Addr(), good.Addr()}, want},
		{"REFUSED", []string{shut.Addr(), sick.Addr(), good.Addr()}, want},
		{"the same again", []string{good.Addr(), good.Addr()}, want},
		{"NXDOMAIN is an answer", []string{other.Addr(), good.Addr()}, "nxdomain"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := render(newResolver(t, nil, test.servers...).Domain(t.Context(), "both.example.com")); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
	t.Run("silence", func(t *testing.T) {
		r := newResolver(t, func(o *resolve.Options) { o.Timeout = 2 * time.Second }, silentPort(t), good.Addr())
		if got := render(r.Domain(t.Context(), "null.example.com")); got != "null-mx" {
			t.Errorf("got\n%s\nwant\nnull-mx", got)
		}
	})
	t.Run("all fail", func(t *testing.T) {
		d := newResolver(t, nil, sick.Addr(), shut.Addr()).Domain(t.Context(), "both.example.com")
		want := "the nameserver " + sick.Addr() + " answers SERVFAIL to MX both.example.com; " +
			"the nameserver " + shut.Addr() + " answers REFUSED to MX both.example.com"
		if d.Status != resolve.DNSError || d.Unanswered || d.Reason != want {
			t.Errorf("got %s, unanswered %t, %q, want dns-error and %q", d.Status, d.Unanswered, d.Reason, want)
		}
	})
}

func TestUnanswered(t *testing.T) {
	silent := silentPort(t)
	gone := startNameserver(t, "", nil)
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, server string
		timeout      time.Duration
		want         string
	}{
		{"silent", silent, 50 * time.Millisecond, "the nameserver " + silent + " does not answer within 50ms"},
		{"not there", gone.Addr(), 20 * time.Second, "the nameserver " + gone.Addr() + " does not answer: connection refused"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newResolver(t, func(o *resolve.Options) { o.Timeout = test.timeout }, test.server)
			d := r.Domain(t.Context(), "example.com")
			if d.Status != resolve.DNSError || !d.Unanswered || d.Reason != test.want {
				t.Errorf("got %s, unanswered %t, %q, want dns-error, unanswered, %q", d.Status, d.Unanswered, d.Reason, test.want)
			}
			e := r.Host(t.Context(), "mx.example.com")
			if e.Status != resolve.DNSError || !e.Unanswered || e.Reason != test.want {
				t.Errorf("host: got %s, unanswered %t, %q, want dns-error, unanswered, %q", e.Status, e.Unanswered, e.Reason, test.want)
			}
		})
	}
	t.Run("exchanges only", func(t *testing.T) {
		server := startNameserver(t, "example.com. MX 10 mx.example.com.", map[string]lab.ZoneFault{"mx.example.com": lab.ZoneSilent})
		// The MX query must be answered in time, so the time is not so short.
		r := newResolver(t, func(o *resolve.Options) { o.Timeout = 2 * time.Second }, server.Addr())
		if got, want := render(r.Domain(t.Context(), "example.com")), "dns-error unanswered\n10 mx.example.com dns-error"; got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// datagrams answers each datagram on a UDP port of its own, and listens on no
// TCP port. An empty answer is not sent.
func datagrams(t *testing.T, answer func(query []byte) []byte) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
	go func() {
		defer close(done)
		buf := make([]byte, 4096)
		for {
			n, client, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if reply := answer(buf[:n]); len(reply) > 0 {
				_, _ = conn.WriteTo(reply, client)
			}
		}
	}()
	return conn.LocalAddr().String()
}

// TestRepliesThatMakeNoSense answers in octets that no proper nameserver sends.
// Nothing may be concluded from them, least of all that there is no MX record.
func TestRepliesThatMakeNoSense(t *testing.T) {
	// header makes a reply to a query: id, flags, and counts of questions and
	// answers. The question of the query follows its twelve octets.
	header := func(query []byte, flags byte, questions, answers byte) []byte {
		return []byte{query[0], query[1], 0x80 | flags, 0x80, 0, questions, 0, answers, 0, 0, 0, 0}
	}
	question := func(query []byte) []byte {
		end := 12
		for query[end] != 0 {
			end += int(query[end]) + 1
		}
		return query[12 : end+5]
	}
	record := []byte{0xc0, 12, 0, 15, 0, 1, 0, 0, 0, 60} // MX of the name asked for, up to its length
	const cut = 0x02
	for _, test := range []struct {
		name   string
		answer func(query []byte) []byte
		want   string
	}{
		{"a header alone", func(q []byte) []byte { return header(q, 0, 1, 0) }, "answers another question"},
		{"no question", func(q []byte) []byte { return header(q, 0, 0, 0) }, "answers another question"},
		{"the query itself", func(q []byte) []byte { return q }, "answers another question"},
		{"five octets", func(q []byte) []byte { return q[:5] }, "makes no sense"},
		{
			"a question that points at itself",
			func(q []byte) []byte { return append(header(q, 0, 1, 0), 0xc0, 12, 0, 15, 0, 1) },
			"makes no sense",
		},
		{
			"a record that is cut",
			func(q []byte) []byte { return append(append(header(q, 0, 1, 1), question(q)...), record...) },
			"makes no sense",
		},
		{
			"a record that is cut, with TC",
			func(q []byte) []byte { return append(append(header(q, cut, 1, 1), question(q)...), record...) },
			"cut its answer to MX both.example.com short and does not give it by TCP",
		},
		{
			"a record without data",
			func(q []byte) []byte {
				return append(append(append(header(q, 0, 1, 1), question(q)...), record...), 0, 0)
			},
			"answers MX both.example.com with a record without data",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := datagrams(t, test.answer)
			d := newResolver(t, func(o *resolve.Options) { o.Timeout = 20 * time.Second }, server).Domain(t.Context(), "both.example.com")
			if d.Status != resolve.DNSError || d.ImplicitMX || !strings.Contains(d.Reason, test.want) {
				t.Errorf("got %s, %q, want dns-error and %q", d.Status, d.Reason, test.want)
			}
			if d.Unanswered {
				t.Error("got unanswered, yet there was a reply")
			}
		})
	}
}

func TestHost(t *testing.T) {
	server := startNameserver(t, records+"mail. A 192.0.2.90\ninner.example.com. A 10.0.0.1\n", zoneFaults())
	r := newResolver(t, func(o *resolve.Options) { o.AllowPrivate = false }, server.Addr())
	allowed := newResolver(t, nil, server.Addr())
	for _, test := range []struct {
		name    string
		by      *resolve.Resolver
		host    string
		want    string
		queries []string // as a set: A and AAAA go out at once
	}{
		{
			"a name", allowed, "MX1.example.com.", "0 mx1.example.com ok 192.0.2.1 2001:db8::1",
			[]string{"udp A mx1.example.com.", "udp AAAA mx1.example.com."},
		},
		{
			"no MX is asked for", allowed, "plain.example.com", "0 plain.example.com no-address",
			[]string{"udp A plain.example.com.", "udp AAAA plain.example.com."},
		},
		{"a single label", allowed, "mail", "0 mail ok 192.0.2.90", []string{"udp A mail.", "udp AAAA mail."}},
		{
			"an alias", allowed, "www.example.com",
			"0 www.example.com ok 192.0.2.9 192.0.2.2 192.0.2.5 [cname www.example.com -> mx2.example.com]",
			// The alias's target has no AAAA record; that is made sure of by name.
			[]string{"udp A www.example.com.", "udp AAAA mx2.example.com.", "udp AAAA www.example.com."},
		},
		{
			"a special address by name", r, "inner.example.com",
			"0 inner.example.com unusable-mx !10.0.0.1 [mx-target-special-address 10.0.0.1 (private)]",
			[]string{"udp A inner.example.com.", "udp AAAA inner.example.com."},
		},
		{
			"no such name", r, "gone.example.com", "0 gone.example.com nxdomain",
			[]string{"udp A gone.example.com.", "udp AAAA gone.example.com."},
		},
		{"localhost", r, "LocalHost.", "0 localhost ok 127.0.0.1", nil},
		{"an address", r, "127.0.0.1", "0 127.0.0.1 ok 127.0.0.1", nil},
		{"an address in brackets", r, "[2001:db8::1]", "0 2001:db8::1 ok 2001:db8::1", nil},
		{"an address literal", r, "[IPv6:2001:db8::1]", "0 2001:db8::1 ok 2001:db8::1", nil},
		{"not a name", r, "a_b", "0 a_b invalid", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			server.seen()
			if got := renderExchange(test.by.Host(t.Context(), test.host)); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			queries := questions(server.seen())
			if slices.Sort(queries); !slices.Equal(queries, test.queries) {
				t.Errorf("got queries %q, want %q", queries, test.queries)
			}
		})
	}
	t.Run("localhost by IPv6", func(t *testing.T) {
		six := newResolver(t, func(o *resolve.Options) { o.IPv4 = false }, server.Addr())
		if got, want := renderExchange(six.Host(t.Context(), "localhost")), "0 localhost ok ::1"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestNotesHaveTexts(t *testing.T) {
	for _, n := range []resolve.Note{
		resolve.CNAME, resolve.CNAMEChain, resolve.NullMXPreference, resolve.NullMXMixed, resolve.TooManyExchanges,
		resolve.TooManyAddresses, resolve.PartialAddresses, resolve.TargetCNAME, resolve.TargetLiteral,
		resolve.TargetDangling, resolve.TargetTakeoverRisk, resolve.TargetNoAddress, resolve.TargetBadName,
		resolve.TargetSpecial, resolve.TargetDuplicate,
	} {
		t.Run(string(n), func(t *testing.T) {
			if n.Text() == "" || strings.Contains(n.Text(), "\n") {
				t.Errorf("got text %q, want one sentence", n.Text())
			}
		})
	}
	entry := resolve.NoteEntry{Note: resolve.NullMXPreference, Detail: "5"}
	if got, want := entry.String(), "a null MX must have preference 0: 5"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
