package resolve_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/resolve"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// records has one domain for each rule of RFC 5321 section 5 and RFC 7505.
// All addresses are special ones, so the tests allow these unless they are
// about that.
const records = `
plain.example.com.    MX 20 mx2.example.com.
plain.example.com.    MX 10 MX1.Example.COM.
mx1.example.com.      A 192.0.2.1
mx1.example.com.      AAAA 2001:db8::1
mx2.example.com.      A 192.0.2.9
mx2.example.com.      A 192.0.2.2
mx2.example.com.      A 192.0.2.5

both.example.com.     MX 10 mx1.example.com.
both.example.com.     A 192.0.2.77

implicit.example.com. A 192.0.2.3
implicit.example.com. AAAA 2001:db8::3
six.example.com.      AAAA 2001:db8::6
empty.example.com.    TXT "no mail, no address"

null.example.com.     MX 0 .
null5.example.com.    MX 5 .
mixed.example.com.    MX 0 .
mixed.example.com.    MX 10 mx1.example.com.
mixed7.example.com.   MX 7 .
mixed7.example.com.   MX 10 mx1.example.com.

alias.example.com.    CNAME plain.example.com.
aliasimp.example.com. CNAME implicit.example.com.
aliasnull.example.com. CNAME null.example.com.
lost.example.com.     CNAME gone.example.net.
step.example.com.     CNAME alias.example.com.
ring.example.com.     CNAME gnir.example.com.
self.example.com.     CNAME self.example.com.
gnir.example.com.     CNAME ring.example.com.
c9.example.com.       CNAME plain.example.com.
c8.example.com.       CNAME c9.example.com.
c7.example.com.       CNAME c8.example.com.
c6.example.com.       CNAME c7.example.com.
c5.example.com.       CNAME c6.example.com.
c4.example.com.       CNAME c5.example.com.
c3.example.com.       CNAME c4.example.com.
c2.example.com.       CNAME c3.example.com.
c1.example.com.       CNAME c2.example.com.

www.example.com.      CNAME mx2.example.com.
mxalias.example.com.  MX 10 www.example.com.
mxring.example.com.   MX 10 ring.example.com.
mxring.example.com.   MX 20 mx1.example.com.
literal.example.com.  MX 10 192.0.2.1.
literal.example.com.  MX 20 mx1.example.com.
onlylit.example.com.  MX 10 192.0.2.1.
onlylit.example.com.  A 192.0.2.78
dangling.example.com. MX 10 gone.example.com.
dangling.example.com. MX 20 mx1.example.com.
forsale.example.com.  MX 10 mail.example.org.
forsale.example.com.  A 192.0.2.79
intern.example.com.   MX 10 mail.corp.test.
noaddr.example.com.   MX 10 empty.example.com.
bad.example.com.      MX 10 mx_3.example.com.
bad.example.com.      MX 20 a\ b.example.com.
mx_3.example.com.     A 192.0.2.33
a\ b.example.com.     A 192.0.2.34
twice.example.com.    MX 30 mx1.example.com.
twice.example.com.    MX 10 mx1.example.com.
twice.example.com.    MX 20 mx2.example.com.

servfail.example.com. MX 10 mx1.example.com.
servfail.example.com. A 192.0.2.80
refused.example.com.  A 192.0.2.81
other.example.com.    A 192.0.2.82
referral.example.com. A 192.0.2.83
halfmx.example.com.   MX 10 sick.example.com.
halfmx.example.com.   MX 20 mx1.example.com.
sickmx.example.com.   MX 10 sick.example.com.
sickmx.example.com.   MX 20 gone.example.com.
sick.example.com.     A 192.0.2.84
sick6.example.com.    A 192.0.2.85
halfv6.example.com.   MX 10 sick6.example.com.
sick4.example.com.    TXT "A fails, AAAA is empty"
sicker.example.com.   MX 10 sick4.example.com.

cut.example.com.      MX 10 mx1.example.com.
old.example.com.      MX 10 mx1.example.com.
slowly.example.com.   CNAME step.example.com.
xn--exmple-cua.com.   MX 10 mx1.example.com.
mx--a.example.com.    MX 10 mx1.example.com.
`

// zoneFaults go with records.
func zoneFaults() map[string]lab.ZoneFault {
	return map[string]lab.ZoneFault{
		"servfail.example.com MX": lab.ZoneServfail,
		"refused.example.com MX":  lab.ZoneRefused,
		"other.example.com MX":    lab.ZoneOtherQuestion,
		"referral.example.com MX": lab.ZoneReferral,
		"sick.example.com":        lab.ZoneServfail,
		"sick6.example.com AAAA":  lab.ZoneServfail,
		"sick4.example.com A":     lab.ZoneServfail,
		"cut.example.com":         lab.ZoneTruncated,
		"old.example.com":         lab.ZoneNoEDNS,
		"slowly.example.com":      lab.ZoneFirstAlias,
		"step.example.com":        lab.ZoneFirstAlias,
	}
}

// A nameserver is the lab's zone with a record of what it was asked.
type nameserver struct {
	*lab.ZoneServer
	mu      sync.Mutex
	queries []lab.ZoneQuery
	asked   chan lab.ZoneQuery // each query too, as far as there is room
}

func startNameserver(t *testing.T, text string, faults map[string]lab.ZoneFault) *nameserver {
	t.Helper()
	n := &nameserver{asked: make(chan lab.ZoneQuery, 100)}
	zone, err := lab.StartZone("127.0.0.1:0", lab.Zone{Records: text, Faults: faults, OnQuery: n.record})
	if err != nil {
		t.Fatal(err)
	}
	n.ZoneServer = zone
	t.Cleanup(func() { _ = zone.Close() })
	return n
}

func (n *nameserver) record(q lab.ZoneQuery) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.queries = append(n.queries, q)
	select {
	case n.asked <- q:
	default:
	}
}

// seen returns the queries since the last call.
func (n *nameserver) seen() []lab.ZoneQuery {
	n.mu.Lock()
	defer n.mu.Unlock()
	queries := n.queries
	n.queries = nil
	return queries
}

func questions(queries []lab.ZoneQuery) []string {
	var list []string
	for _, q := range queries {
		list = append(list, q.Network+" "+q.Type+" "+q.Name)
	}
	return list
}

// newResolver asks the nameservers given, for both families and with special
// addresses allowed, unless change says otherwise.
func newResolver(t *testing.T, change func(*resolve.Options), servers ...string) *resolve.Resolver {
	t.Helper()
	o := resolve.Options{Nameservers: servers, IPv4: true, IPv6: true, AllowPrivate: true, Timeout: time.Minute}
	if change != nil {
		change(&o)
	}
	r, err := resolve.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// render writes a domain in lines, without the reasons of its exchanges.
func render(d resolve.Domain) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s", d.Status)
	if d.ImplicitMX {
		b.WriteString(" implicit")
	}
	if d.Unanswered {
		b.WriteString(" unanswered")
	}
	b.WriteString(renderNotes(d.Notes))
	for _, e := range d.Exchanges {
		b.WriteString("\n" + renderExchange(e))
	}
	return b.String()
}

func renderExchange(e resolve.Exchange) string {
	s := fmt.Sprintf("%d %s %s", e.Preference, e.Host, e.Status)
	for _, addr := range e.Addresses {
		s += " " + addr.String()
	}
	for _, addr := range e.Refused {
		s += " !" + addr.String()
	}
	return s + renderNotes(e.Notes)
}

func renderNotes(notes []resolve.NoteEntry) string {
	s := ""
	for _, n := range notes {
		s += fmt.Sprintf(" [%s %s]", n.Note, n.Detail)
	}
	return s
}
