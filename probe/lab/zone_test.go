package lab_test

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"github.com/smtpprobe/smtpprobe/probe/lab"
)

const zoneRecords = `
example.com.        SOA   ns.example.com. hostmaster.example.com. 1 3600 600 86400 60
example.com.        MX    10 mx1.example.com.
example.com.        MX    20 mx2.example.com.
mx1.example.com.    A     127.0.0.1
a.deep.example.com. A     127.0.0.2
alias2.example.com. CNAME example.com.
alias.example.com.  CNAME alias2.example.com.
ring.example.com.   CNAME gnir.example.com.
lost.example.com.   CNAME gone.example.net.
gnir.example.com.   CNAME ring.example.com.
`

func startZone(t *testing.T, z lab.Zone) *lab.ZoneServer {
	t.Helper()
	running := goleak.IgnoreCurrent()
	server, err := lab.StartZone("127.0.0.1:0", z)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Errorf("got %v, want a clean end", err)
		}
		goleak.VerifyNone(t, running)
	})
	return server
}

func askZone(t *testing.T, server *lab.ZoneServer, network, name, rrtype string, edns bool) *dns.Msg {
	t.Helper()
	query := new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.StringToType[rrtype])
	if edns {
		query.SetEdns0(1232, false)
	}
	client := dns.Client{Net: network, Timeout: time.Minute}
	reply, _, err := client.Exchange(query, server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

// summary writes a reply as one line: response code, answers, authority.
func summary(m *dns.Msg) string {
	parts := []string{dns.RcodeToString[m.Rcode]}
	if m.Truncated {
		parts = append(parts, "TC")
	}
	for _, section := range [][]dns.RR{m.Answer, m.Ns} {
		for _, rr := range section {
			data := strings.Fields(strings.TrimPrefix(rr.String(), rr.Header().String()))
			parts = append(parts, dns.TypeToString[rr.Header().Rrtype]+" "+strings.Join(data[:min(2, len(data))], " "))
		}
	}
	return strings.Join(parts, ", ")
}

func TestZoneAnswers(t *testing.T) {
	server := startZone(t, lab.Zone{Records: zoneRecords})
	const soa = "SOA ns.example.com. hostmaster.example.com."
	for _, test := range []struct{ name, rrtype, want string }{
		{"example.com", "MX", "NOERROR, MX 10 mx1.example.com., MX 20 mx2.example.com."},
		{"EXAMPLE.Com", "MX", "NOERROR, MX 10 mx1.example.com., MX 20 mx2.example.com."},
		{"mx1.example.com", "A", "NOERROR, A 127.0.0.1"},
		{"mx1.example.com", "AAAA", "NOERROR, " + soa},
		{"mx2.example.com", "A", "NXDOMAIN, " + soa},
		{"deep.example.com", "A", "NOERROR, " + soa},
		{"com", "A", "NOERROR"},
		{".", "A", "NOERROR"},
		{"example.net", "A", "NXDOMAIN"},
		{"alias.example.com", "CNAME", "NOERROR, CNAME alias2.example.com."},
		{"alias.example.com", "MX", "NOERROR, CNAME alias2.example.com., CNAME example.com., MX 10 mx1.example.com., MX 20 mx2.example.com."},
		{"alias.example.com", "A", "NOERROR, CNAME alias2.example.com., CNAME example.com., " + soa},
		{"lost.example.com", "A", "NXDOMAIN, CNAME gone.example.net."},
		{"ring.example.com", "A", "NOERROR, CNAME gnir.example.com., CNAME ring.example.com., " + soa},
	} {
		t.Run(test.name+" "+test.rrtype, func(t *testing.T) {
			for _, network := range []string{"udp", "tcp"} {
				reply := askZone(t, server, network, test.name, test.rrtype, network == "udp")
				if got := summary(reply); got != test.want {
					t.Errorf("%s: got %s, want %s", network, got, test.want)
				}
				if !reply.RecursionAvailable {
					t.Errorf("%s: got RA clear, want it set", network)
				}
			}
		})
	}
}

func TestZoneFaults(t *testing.T) {
	server := startZone(t, lab.Zone{
		Records: zoneRecords + "typed.example.com. A 127.0.0.1\n",
		Faults: map[string]lab.ZoneFault{
			"servfail.example.com":   lab.ZoneServfail,
			"refused.example.com.":   lab.ZoneRefused,
			"Mx1.example.com":        lab.ZoneTruncated,
			"other.example.com":      lab.ZoneOtherQuestion,
			"example.com":            lab.ZoneNoEDNS,
			"referral.example.com":   lab.ZoneReferral,
			"alias.example.com":      lab.ZoneFirstAlias,
			"typed.example.com AAAA": lab.ZoneServfail,
		},
	})
	for _, test := range []struct{ network, name, rrtype, want string }{
		{"udp", "servfail.example.com", "MX", "SERVFAIL"},
		{"tcp", "servfail.example.com", "A", "SERVFAIL"},
		{"udp", "refused.example.com", "A", "REFUSED"},
		{"udp", "mx1.example.com", "A", "NOERROR, TC"},
		{"tcp", "mx1.example.com", "A", "NOERROR, A 127.0.0.1"},
		{"udp", "example.com", "MX", "FORMERR"},
		{"udp", "referral.example.com", "MX", "NOERROR, NS ns.invalid."},
		{"udp", "alias.example.com", "MX", "NOERROR, CNAME alias2.example.com."},
		{"udp", "typed.example.com", "AAAA", "SERVFAIL"},
		{"udp", "typed.example.com", "A", "NOERROR, A 127.0.0.1"},
	} {
		t.Run(test.network+" "+test.name+" "+test.rrtype, func(t *testing.T) {
			if got := summary(askZone(t, server, test.network, test.name, test.rrtype, true)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
	t.Run("without EDNS0", func(t *testing.T) {
		got, want := summary(askZone(t, server, "udp", "example.com", "MX", false)), "NOERROR, MX 10 mx1.example.com., MX 20 mx2.example.com."
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
	t.Run("other question", func(t *testing.T) {
		reply := askZone(t, server, "udp", "other.example.com", "A", true)
		if got := reply.Question[0].Name; got != "other.invalid." {
			t.Errorf("got a reply about %s, want other.invalid.", got)
		}
	})
}

func TestZoneTruncatesWhatIsTooLong(t *testing.T) {
	var records strings.Builder
	for i := range 100 {
		fmt.Fprintf(&records, "example.com. MX 10 mx%d.example.net.\n", i)
	}
	server := startZone(t, lab.Zone{Records: records.String()})
	for _, test := range []struct {
		network string
		edns    bool
		cut     bool
		size    int
	}{
		{"udp", false, true, dns.MinMsgSize},
		{"udp", true, true, 1232},
		{"tcp", true, false, dns.MaxMsgSize},
	} {
		t.Run(fmt.Sprintf("%s edns=%t", test.network, test.edns), func(t *testing.T) {
			reply := askZone(t, server, test.network, "example.com", "MX", test.edns)
			reply.Compress = true
			if reply.Truncated != test.cut || reply.Len() > test.size || (len(reply.Answer) == 100) == test.cut {
				t.Errorf("got TC %t, %d octets, %d answers, want TC %t and at most %d octets",
					reply.Truncated, reply.Len(), len(reply.Answer), test.cut, test.size)
			}
		})
	}
}

// TestZoneSilence sends a query that is not answered and one that is: when the
// second reply is here, the first query has been seen, and its answer would be.
func TestZoneSilence(t *testing.T) {
	var mu sync.Mutex
	var seen []lab.ZoneQuery
	server := startZone(t, lab.Zone{
		Records: zoneRecords,
		Faults:  map[string]lab.ZoneFault{"example.com": lab.ZoneSilent},
		OnQuery: func(q lab.ZoneQuery) {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, q)
		},
	})
	conn, err := net.Dial("tcp", server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	first := new(dns.Msg).SetQuestion("example.com.", dns.TypeMX)
	second := new(dns.Msg).SetQuestion("mx1.example.com.", dns.TypeA).SetEdns0(1232, false)
	dnsConn := dns.Conn{Conn: conn}
	for _, query := range []*dns.Msg{first, second} {
		if err = dnsConn.WriteMsg(query); err != nil {
			t.Fatal(err)
		}
	}
	reply, err := dnsConn.ReadMsg()
	if err != nil {
		t.Fatal(err)
	}
	if reply.Id != second.Id {
		t.Errorf("got a reply to query %d, want one to %d", reply.Id, second.Id)
	}
	mu.Lock()
	defer mu.Unlock()
	want := []lab.ZoneQuery{
		{Network: "tcp", ID: first.Id, Name: "example.com.", Type: "MX"},
		{Network: "tcp", ID: second.Id, Name: "mx1.example.com.", Type: "A", EDNS: true},
	}
	if !slices.Equal(seen, want) {
		t.Errorf("got queries %v, want %v", seen, want)
	}
}

func TestZoneClosesWhileAClientIsConnected(t *testing.T) {
	server := startZone(t, lab.Zone{Records: zoneRecords})
	conn, err := net.Dial("tcp", server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for range 2 {
		if err := server.Close(); err != nil {
			t.Errorf("got %v, want nil", err)
		}
	}
}

func TestStartZoneRefuses(t *testing.T) {
	taken := startZone(t, lab.Zone{}).Addr()
	for _, test := range []struct{ name, addr, records, want string }{
		{"bad records", "127.0.0.1:0", "example.com. MX ten mx.example.com.", "line: 1"},
		{"an included file", "127.0.0.1:0", "$INCLUDE /etc/hosts", "$INCLUDE"},
		{"all addresses", "0.0.0.0:0", "", "not a loopback address"},
		{"a public address", "192.0.2.1:0", "", "not a loopback address"},
		{"a name", "localhost:0", "", "not a loopback address"},
		{"no port", "127.0.0.1", "", "missing port"},
		{"a port that is taken", taken, "", "in use"},
	} {
		t.Run(test.name, func(t *testing.T) {
			server, err := lab.StartZone(test.addr, lab.Zone{Records: test.records})
			if err == nil {
				_ = server.Close()
				t.Fatalf("got no error, want %q", test.want)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %q, want %q in it", err, test.want)
			}
		})
	}
	t.Run("no host", func(t *testing.T) {
		server, err := lab.StartZone(":0", lab.Zone{})
		if err != nil {
			t.Fatal(err)
		}
		if got := server.Addr(); !strings.HasPrefix(got, "127.0.0.1:") || strings.HasSuffix(got, ":0") {
			t.Errorf("got %s, want a port of 127.0.0.1", got)
		}
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
}
