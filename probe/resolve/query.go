package resolve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

const (
	rounds   = 2    // how often the nameservers are asked in turn before a question is given up
	maxHops  = 8    // CNAME records followed for one name
	ednsSize = 1232 // octets of a UDP reply that pass unfragmented, as agreed for DNS flag day 2020
)

// outcome of a lookup.
type outcome int

const (
	failed      outcome = iota // no nameserver gave an answer: nothing is known
	found                      // there are records
	noData                     // the name exists and has no such record
	noName                     // the name does not exist (NXDOMAIN)
	badAlias                   // the CNAME records lead nowhere
	interrupted                // the context ended
)

// An answer is the end of one lookup.
type answer struct {
	outcome    outcome
	name       string   // the name at the end of the aliases, with a trailing dot
	chain      []string // all names from the one asked for to the last, if there were aliases
	records    []dns.RR // those asked for, of name
	reason     string
	unanswered bool // with failed: no nameserver sent any reply
}

// status gives an outcome the name that users see.
func (a answer) status() Status {
	switch a.outcome {
	case found:
		return OK
	case noData:
		return NoAddress
	case noName:
		return NXDomain
	case interrupted:
		return Interrupted
	default:
		return DNSError
	}
}

// path shows the aliases that were followed.
func (a answer) path() string {
	names := make([]string, len(a.chain))
	for i, name := range a.chain {
		names[i] = display(name)
	}
	return strings.Join(names, " -> ")
}

// display shows a name from the DNS without its trailing dot.
func display(name string) string {
	if name == "." {
		return name
	}
	return strings.TrimSuffix(name, ".")
}

// lookup finds the records of one type, following aliases. A nameserver may
// answer with all of them at once or with the first only.
func (r *Resolver) lookup(ctx context.Context, host string, qtype uint16) answer {
	a := answer{name: dns.CanonicalName(host)}
	for {
		asked := a.name
		in, err := r.ask(ctx, asked, qtype)
		if err != nil {
			a.outcome, a.reason, a.unanswered = err.outcome, err.reason, err.unanswered
			return a
		}
		if reason := a.follow(in.Answer, qtype); reason != "" {
			a.outcome, a.reason = badAlias, reason
			return a
		}
		a.records = owned(in.Answer, a.name, qtype)
		switch {
		case len(a.records) > 0:
			a.outcome = found
		case in.Rcode == dns.RcodeNameError:
			a.outcome, a.reason = noName, a.missing()
		case a.name == asked:
			a.outcome = noData
		default:
			continue // The reply says nothing about the last alias's target: ask for it.
		}
		return a
	}
}

// follow goes along the aliases in a reply, up to a name that has what was
// asked for or is no alias. It returns what is wrong with them, if anything.
func (a *answer) follow(section []dns.RR, qtype uint16) string {
	for len(owned(section, a.name, qtype)) == 0 {
		aliases := owned(section, a.name, dns.TypeCNAME)
		if len(aliases) == 0 {
			return ""
		}
		if len(a.chain) == 0 {
			a.chain = []string{a.name}
		}
		alias, ok := aliases[0].(*dns.CNAME)
		if !ok {
			return ""
		}
		target := dns.CanonicalName(alias.Target)
		looped := slices.Contains(a.chain, target)
		a.chain = append(a.chain, target)
		switch {
		case looped:
			return "the aliases (CNAME) lead in a circle: " + a.path()
		case len(a.chain)-1 > maxHops:
			return fmt.Sprintf("more than %d aliases (CNAME) follow each other: %s", maxHops, a.path())
		}
		a.name = target
	}
	return ""
}

func (a *answer) missing() string {
	if len(a.chain) == 0 {
		return display(a.name) + " does not exist (NXDOMAIN)"
	}
	return fmt.Sprintf("%s is an alias (CNAME) of %s, which does not exist (NXDOMAIN)", display(a.chain[0]), display(a.name))
}

// owned picks the records of one name and type.
func owned(section []dns.RR, name string, rrtype uint16) []dns.RR {
	var records []dns.RR
	for _, rr := range section {
		h := rr.Header()
		if h.Rrtype == rrtype && h.Class == dns.ClassINET && dns.CanonicalName(h.Name) == name {
			records = append(records, rr)
		}
	}
	return records
}

// unknown is why a question has no answer.
type unknown struct {
	outcome    outcome // failed or interrupted
	reason     string
	unanswered bool
}

// ask puts a question to the nameservers in turn until one says that there are
// records, that there are none, or that the name does not exist.
func (r *Resolver) ask(ctx context.Context, name string, qtype uint16) (*dns.Msg, *unknown) {
	reasons := make([]string, len(r.nameservers))
	unanswered := true
	for range rounds {
		for i, server := range r.nameservers {
			in, err := r.askServer(ctx, server, name, qtype)
			if err == nil {
				return in, nil
			}
			if ctx.Err() != nil {
				return nil, &unknown{outcome: interrupted, reason: "stopped before the nameserver answered"}
			}
			reasons[i] = err.Error()
			unanswered = unanswered && errors.Is(err, errSilent)
		}
	}
	return nil, &unknown{outcome: failed, reason: strings.Join(reasons, "; "), unanswered: unanswered}
}

// errSilent marks a nameserver that sent no reply at all.
var errSilent = errors.New("does not answer")

// askServer asks one nameserver: with EDNS0, without where that is not
// understood, and by TCP where the reply was cut. The error says what was wrong
// with the last reply.
func (r *Resolver) askServer(ctx context.Context, server, name string, qtype uint16) (*dns.Msg, error) {
	question := fmt.Sprintf("%s %s", dns.TypeToString[qtype], display(name))
	in, err := r.exchange(ctx, "udp", server, name, qtype, true)
	edns := err != nil || !slices.Contains([]int{dns.RcodeFormatError, dns.RcodeNotImplemented, dns.RcodeBadVers}, in.Rcode)
	if !edns {
		in, err = r.exchange(ctx, "udp", server, name, qtype, false)
	}
	if err == nil && in.Truncated {
		if in, err = r.exchange(ctx, "tcp", server, name, qtype, edns); errors.Is(err, errSilent) {
			return nil, fmt.Errorf("the nameserver %s cut its answer to %s short and does not give it by TCP", server, question)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the nameserver %s %w", server, err)
	}
	switch {
	case in.Rcode != dns.RcodeSuccess && in.Rcode != dns.RcodeNameError:
		return nil, fmt.Errorf("the nameserver %s answers %s to %s", server, rcode(in.Rcode), question)
	case in.Truncated:
		return nil, fmt.Errorf("the nameserver %s cuts its answer to %s short even by TCP", server, question)
	case !answers(in, name, qtype):
		return nil, fmt.Errorf("the nameserver %s answers another question than %s", server, question)
	case slices.ContainsFunc(in.Answer, empty):
		return nil, fmt.Errorf("the nameserver %s answers %s with a record without data", server, question)
	case referral(in):
		return nil, fmt.Errorf("the nameserver %s refers to others instead of answering %s: it does not resolve for us", server, question)
	}
	return in, nil
}

// answers reports whether a reply is one to this question.
func answers(in *dns.Msg, name string, qtype uint16) bool {
	if !in.Response || in.Opcode != dns.OpcodeQuery || len(in.Question) != 1 {
		return false
	}
	q := in.Question[0]
	return dns.CanonicalName(q.Name) == name && q.Qtype == qtype && q.Qclass == dns.ClassINET
}

// empty reports whether a record has no data, which the library lets pass. None
// of the types that we ask for can be empty.
func empty(rr dns.RR) bool { return rr.Header().Rdlength == 0 }

// referral reports whether a reply only names other nameservers. It looks like
// an answer without records otherwise, and would make a domain seem to have no
// MX record.
func referral(in *dns.Msg) bool {
	if in.Authoritative || in.RecursionAvailable || in.Rcode != dns.RcodeSuccess || len(in.Answer) > 0 {
		return false
	}
	is := func(rrtype uint16) func(dns.RR) bool {
		return func(rr dns.RR) bool { return rr.Header().Rrtype == rrtype }
	}
	return slices.ContainsFunc(in.Ns, is(dns.TypeNS)) && !slices.ContainsFunc(in.Ns, is(dns.TypeSOA))
}

func rcode(code int) string {
	if s, ok := dns.RcodeToString[code]; ok {
		return s
	}
	return fmt.Sprintf("RCODE %d", code)
}

// exchange sends one question to one nameserver and reads one reply. The end of
// the context closes the connection, as the library waits on regardless.
func (r *Resolver) exchange(ctx context.Context, network, server, name string, qtype uint16, edns bool) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	client := dns.Client{Net: network, Timeout: r.timeout}
	conn, err := r.sockets.take(ctx, &client, server)
	if err != nil {
		return nil, r.silence(ctx, err)
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	question := new(dns.Msg).SetQuestion(name, qtype) // with a fresh id
	if edns {
		question.SetEdns0(ednsSize, false)
	}
	in, _, err := client.ExchangeWithConnContext(ctx, question, conn.Conn)
	if stop() && err == nil {
		r.sockets.keep(conn, network)
	} else {
		conn.Close()
	}
	var malformed *dns.Error
	switch {
	case err == nil:
		return in, nil
	case in != nil && in.Id == question.Id && in.Truncated:
		return in, nil // It may end in the middle of a record.
	case in != nil || errors.As(err, &malformed):
		return nil, fmt.Errorf("sends a reply that makes no sense: %w", err)
	default:
		return nil, r.silence(ctx, err)
	}
}

// silence says how a nameserver failed to reply, without the addresses of a
// network error, which the message has already.
func (r *Resolver) silence(ctx context.Context, err error) error {
	var syscall *os.SyscallError
	var network net.Error
	switch {
	case ctx.Err() != nil, errors.As(err, &network) && network.Timeout():
		return fmt.Errorf("%w within %s", errSilent, r.timeout)
	case errors.As(err, &syscall):
		return fmt.Errorf("%w: %w", errSilent, syscall.Err)
	}
	return fmt.Errorf("%w: %w", errSilent, err)
}
