package lab

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"

	"github.com/miekg/dns"
)

// A ZoneFault is what a zone does wrong when it is asked for a name.
type ZoneFault string

// The faults of a zone.
const (
	ZoneServfail      ZoneFault = "servfail"       // answers SERVFAIL
	ZoneRefused       ZoneFault = "refused"        // answers REFUSED
	ZoneSilent        ZoneFault = "silent"         // answers nothing
	ZoneTruncated     ZoneFault = "truncated"      // answers by UDP with the TC bit and no records
	ZoneOtherQuestion ZoneFault = "other-question" // answers a question that was not asked
	ZoneNoEDNS        ZoneFault = "no-edns"        // answers FORMERR to a query with EDNS0
	ZoneReferral      ZoneFault = "referral"       // names other nameservers and answers nothing
	ZoneFirstAlias    ZoneFault = "first-alias"    // answers with the first CNAME and not with what it leads to
)

// A Zone is the whole of the DNS as the lab knows it: a name that is not in it
// does not exist.
type Zone struct {
	// Records in the master file format of RFC 1035 section 5. The origin is
	// the root, and a record without a TTL gets 60 seconds. Wildcards are not
	// expanded and other files not included.
	Records string
	// Faults by name, such as "example.com", or by name and type, such as
	// "example.com AAAA", which wins.
	Faults map[string]ZoneFault
	// OnQuery is called for each query, if it is set, by several goroutines at
	// once.
	OnQuery func(ZoneQuery)
}

// A ZoneQuery is one query as it arrived.
type ZoneQuery struct {
	Network string // "udp" or "tcp"
	ID      uint16
	Name    string // as it was asked for, with its trailing dot
	Type    string // "MX"
	EDNS    bool   // whether it came with EDNS0
}

// A ZoneServer answers for a zone on one loopback address by UDP and TCP, as a
// recursive nameserver would answer its clients.
type ZoneServer struct {
	addr    string
	records map[string][]dns.RR // by canonical name; empty for a name that is only part of others
	faults  map[string]ZoneFault
	onQuery func(ZoneQuery)
	servers []*dns.Server
	serving sync.WaitGroup
	close   func() error
}

// StartZone serves a zone on a loopback address such as "127.0.0.1:5353"; an
// empty host stands for 127.0.0.1 and port 0 for one that is free. Any other
// address is an error, since the zone would answer the whole network. The error
// names the line where the records cannot be read.
func StartZone(addr string, z Zone) (*ZoneServer, error) {
	s := &ZoneServer{faults: make(map[string]ZoneFault), onQuery: z.OnQuery}
	var err error
	if s.records, err = parseZone(z.Records); err != nil {
		return nil, err
	}
	for key, fault := range z.Faults {
		name, rrtype, _ := strings.Cut(key, " ")
		s.faults[faultKey(name, rrtype)] = fault
	}
	packets, listener, err := listenZone(addr)
	if err != nil {
		return nil, err
	}
	s.addr = packets.LocalAddr().String()
	s.close = sync.OnceValue(s.shutdown)
	err = errors.Join(
		s.start(&dns.Server{PacketConn: packets, Handler: s.handler("udp")}),
		s.start(&dns.Server{Listener: listener, Handler: s.handler("tcp")}),
	)
	if err != nil {
		return nil, errors.Join(err, s.Close(), packets.Close(), listener.Close())
	}
	return s, nil
}

// Addr returns the address of the zone, "127.0.0.1:5353".
func (s *ZoneServer) Addr() string { return s.addr }

// Close stops the zone and waits until its last query is answered. It may be
// called more than once.
func (s *ZoneServer) Close() error { return s.close() }

func (s *ZoneServer) shutdown() error {
	var errs []error
	for _, server := range s.servers {
		errs = append(errs, server.Shutdown())
	}
	s.serving.Wait()
	return errors.Join(errs...)
}

// start serves and returns once the server has started or failed.
func (s *ZoneServer) start(server *dns.Server) error {
	started := make(chan struct{})
	ended := make(chan error, 1)
	server.NotifyStartedFunc = func() { close(started) }
	s.serving.Go(func() { ended <- server.ActivateAndServe() })
	select {
	case <-started:
		s.servers = append(s.servers, server)
		return nil
	case err := <-ended:
		return fmt.Errorf("serve the zone: %w", err)
	}
}

// listenZone opens one port for both UDP and TCP.
func listenZone(addr string) (net.PacketConn, net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, nil, fmt.Errorf("zone address %q: %w", addr, err)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, nil, fmt.Errorf("zone address %q is not a loopback address: use one such as 127.0.0.1:0", addr)
	}
	// A free port of UDP may be taken in TCP: then another one is tried.
	const attempts = 20
	for range attempts {
		var packets net.PacketConn
		if packets, err = net.ListenPacket("udp", net.JoinHostPort(host, port)); err != nil {
			break
		}
		var listener net.Listener
		if listener, err = net.Listen("tcp", packets.LocalAddr().String()); err == nil {
			return packets, listener, nil
		}
		_ = packets.Close()
		if port != "0" {
			break
		}
	}
	return nil, nil, fmt.Errorf("serve the zone on %s: %w", addr, err)
}

// parseZone reads the records and adds the names that exist only because there
// are names below them (RFC 8020).
func parseZone(text string) (map[string][]dns.RR, error) {
	records := map[string][]dns.RR{".": nil}
	parser := dns.NewZoneParser(strings.NewReader(text), ".", "zone")
	parser.SetDefaultTTL(60)
	for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
		name := dns.CanonicalName(rr.Header().Name)
		records[name] = append(records[name], rr)
		for _, zone := range ancestors(name) {
			if _, ok := records[zone]; !ok {
				records[zone] = nil
			}
		}
	}
	if err := parser.Err(); err != nil {
		return nil, fmt.Errorf("read the records of the zone: %w", err)
	}
	return records, nil
}

// ancestors returns a name and all that it is below, the root last.
func ancestors(name string) []string {
	var names []string
	for off, end := 0, name == "."; !end; off, end = dns.NextLabel(name, off) {
		names = append(names, name[off:])
	}
	return append(names, ".")
}

func faultKey(name, rrtype string) string {
	return dns.CanonicalName(name) + " " + rrtype
}

func (s *ZoneServer) fault(q dns.Question) ZoneFault {
	if f, ok := s.faults[faultKey(q.Name, dns.TypeToString[q.Qtype])]; ok {
		return f
	}
	return s.faults[faultKey(q.Name, "")]
}

// handler answers the queries of one network.
func (s *ZoneServer) handler(network string) dns.HandlerFunc {
	return func(w dns.ResponseWriter, query *dns.Msg) {
		q, opt := query.Question[0], query.IsEdns0()
		if s.onQuery != nil {
			s.onQuery(ZoneQuery{network, query.Id, q.Name, dns.TypeToString[q.Qtype], opt != nil})
		}
		fault := s.fault(q)
		if fault == ZoneSilent {
			return
		}
		reply := s.reply(query, fault)
		if opt != nil && fault != ZoneNoEDNS {
			reply.SetEdns0(dns.DefaultMsgSize, false)
		}
		if network == "udp" {
			size := dns.MinMsgSize
			if opt != nil {
				size = int(opt.UDPSize())
			}
			reply.Truncate(size)
			if fault == ZoneTruncated {
				reply.Truncated, reply.Answer, reply.Ns = true, nil, nil
			}
		}
		_ = w.WriteMsg(reply) // Whoever asked has gone, or will ask again.
	}
}

// reply makes the answer to a query, with the faults that show in its text.
func (s *ZoneServer) reply(query *dns.Msg, fault ZoneFault) *dns.Msg {
	reply := new(dns.Msg).SetReply(query)
	reply.RecursionAvailable = true
	q := query.Question[0]
	switch {
	case q.Qclass != dns.ClassINET || query.Opcode != dns.OpcodeQuery || fault == ZoneRefused:
		reply.Rcode = dns.RcodeRefused
	case fault == ZoneServfail:
		reply.Rcode = dns.RcodeServerFailure
	case fault == ZoneNoEDNS && query.IsEdns0() != nil:
		reply.Rcode = dns.RcodeFormatError
	case fault == ZoneReferral:
		reply.RecursionAvailable = false
		reply.Ns = []dns.RR{&dns.NS{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeNS, Class: dns.ClassINET}, Ns: "ns.invalid."}}
	default:
		s.answer(reply, q, fault == ZoneFirstAlias)
	}
	if fault == ZoneOtherQuestion {
		reply.Question = []dns.Question{{Name: "other.invalid.", Qtype: q.Qtype, Qclass: q.Qclass}}
	}
	return reply
}

// answer fills in the records of a name, following aliases as far as they go.
// The response code is about the last name (RFC 6604 section 3).
func (s *ZoneServer) answer(reply *dns.Msg, q dns.Question, firstOnly bool) {
	name := dns.CanonicalName(q.Name)
	for seen := map[string]bool{}; !seen[name]; {
		seen[name] = true
		records, exists := s.records[name]
		if !exists {
			reply.Rcode = dns.RcodeNameError
		}
		next := ""
		for _, rr := range records {
			alias, isAlias := rr.(*dns.CNAME)
			if rr.Header().Rrtype == q.Qtype || isAlias {
				reply.Answer = append(reply.Answer, rr)
			}
			if isAlias && q.Qtype != dns.TypeCNAME {
				next = dns.CanonicalName(alias.Target)
			}
		}
		if next == "" {
			break
		}
		if name = next; firstOnly {
			return
		}
	}
	if !s.has(name, q.Qtype) {
		reply.Ns = s.soa(name)
	}
}

func (s *ZoneServer) has(name string, rrtype uint16) bool {
	for _, rr := range s.records[name] {
		if rr.Header().Rrtype == rrtype {
			return true
		}
	}
	return false
}

// soa returns the SOA record of the zone that a name is in, which belongs in an
// answer that there is nothing (RFC 2308 section 2), if the records have one.
func (s *ZoneServer) soa(name string) []dns.RR {
	for _, zone := range ancestors(name) {
		for _, rr := range s.records[zone] {
			if rr.Header().Rrtype == dns.TypeSOA {
				return []dns.RR{rr}
			}
		}
	}
	return nil
}
