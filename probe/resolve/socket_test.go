package resolve_test

import (
	"net"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/smtpprobe/smtpprobe/probe/resolve"
)

// ports is a nameserver that notes from which ports it is asked, and says that
// every domain takes no mail. It passes over the first so many questions.
type ports struct {
	mu    sync.Mutex
	asked map[int]int
	mute  int
}

func (p *ports) ServeDNS(w dns.ResponseWriter, query *dns.Msg) {
	p.mu.Lock()
	p.asked[w.RemoteAddr().(*net.UDPAddr).Port]++
	p.mute--
	silent := p.mute >= 0
	p.mu.Unlock()
	if silent {
		return
	}
	reply := new(dns.Msg).SetReply(query)
	reply.RecursionAvailable = true
	reply.Answer = []dns.RR{&dns.MX{Hdr: dns.RR_Header{Name: query.Question[0].Name, Rrtype: dns.TypeMX, Class: dns.ClassINET, Ttl: 60}, Mx: "."}}
	_ = w.WriteMsg(reply)
}

// look asks for so many domains, one after the other, and returns how often each
// port was asked from.
func look(t *testing.T, n, mute int) map[int]int {
	t.Helper()
	p := &ports{asked: map[int]int{}, mute: mute}
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: conn, Handler: p}
	ended := make(chan struct{})
	go func() {
		_ = server.ActivateAndServe() // it ends with its connection
		close(ended)
	}()
	t.Cleanup(func() {
		conn.Close()
		<-ended
	})
	r, err := resolve.New(resolve.Options{Nameservers: []string{conn.LocalAddr().String()}, IPv4: true, Timeout: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		if d := r.Domain(t.Context(), "none.example"); d.Status != resolve.NullMX {
			t.Fatalf("got %s (%s), want %s", d.Status, d.Reason, resolve.NullMX)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

// TestPortsAreGivenUp: a socket takes a few questions and not many.
func TestPortsAreGivenUp(t *testing.T) {
	asked := look(t, 64, 0)
	if len(asked) < 4 || len(asked) > 8 {
		t.Errorf("64 questions came from %d ports, want a new one after some", len(asked))
	}
	for port, n := range asked {
		if n > 16 {
			t.Errorf("%d questions came from port %d, want at most 16", n, port)
		}
	}
}

// TestUnansweredPortIsGivenUp: the answer to a question that was given up must not
// come to the next one.
func TestUnansweredPortIsGivenUp(t *testing.T) {
	if asked := look(t, 1, 1); len(asked) != 2 {
		t.Errorf("the question that was passed over, and the next one, came from %d ports, want two", len(asked))
	}
}
