package resolve

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/dns"
	"golang.org/x/net/publicsuffix"
)

// maxAddresses of one exchange are used.
const maxAddresses = 50

// An Exchange is one host that takes mail for a domain.
type Exchange struct {
	Preference int    // the lowest is tried first; 0 for an implicit MX
	Host       string // in lower case and without a trailing dot
	// Addresses are those to probe, IPv4 first, otherwise in the order in which
	// the nameserver gave them (RFC 5321 section 5.1).
	Addresses []netip.Addr
	// Refused are the special addresses, which are not to be probed.
	Refused []netip.Addr
	Notes   []NoteEntry
	// Status is OK where there is an address to probe. UnusableMX is a host
	// that has none but refused ones, or an address in the place of a host.
	Status     Status
	Reason     string // why the status is not OK
	Unanswered bool   // as in Domain
}

func (e *Exchange) note(n Note, detail string) {
	e.Notes = append(e.Notes, NoteEntry{n, detail})
}

// Host finds the addresses of one host that a user named, without asking for
// MX records. An address is its own and is never refused, since the user named
// it; nor is "localhost", for which no nameserver is asked (RFC 6761 section
// 6.3): it is 127.0.0.1, or ::1 where IPv4 is not wanted.
func (r *Resolver) Host(ctx context.Context, host string) Exchange {
	if addr, ok := parseAddress(host); ok {
		return Exchange{Host: addr.String(), Addresses: []netip.Addr{addr}, Status: OK}
	}
	name, err := ParseHost(host)
	if err != nil {
		return Exchange{Host: host, Status: Invalid, Reason: err.Error()}
	}
	if name.ASCII == "localhost" {
		loopback := netip.AddrFrom4([4]byte{127, 0, 0, 1})
		if !slices.Contains(r.families, dns.TypeA) {
			loopback = netip.IPv6Loopback()
		}
		return Exchange{Host: name.ASCII, Addresses: []netip.Addr{loopback}, Status: OK}
	}
	e := Exchange{Host: name.ASCII}
	if a := r.addresses(ctx, &e); len(a.chain) > 0 {
		e.note(CNAME, a.path())
	}
	return e
}

// target looks up one exchange that an MX record names and holds it against
// RFC 5321 section 5.1.
func (r *Resolver) target(ctx context.Context, e *Exchange) {
	if _, ok := parseAddress(e.Host); ok {
		e.note(TargetLiteral, "")
		e.Status, e.Reason = UnusableMX, "the MX record names an address instead of a host"
		return
	}
	if bad := badLabel(e.Host); bad != "" {
		e.note(TargetBadName, bad)
	}
	a := r.addresses(ctx, e)
	if len(a.chain) > 0 {
		e.note(TargetCNAME, a.path())
	}
	switch {
	case e.Status == NXDomain:
		e.note(TargetDangling, display(a.name))
		if domain := r.unregistered(ctx, display(a.name)); domain != "" {
			e.note(TargetTakeoverRisk, domain)
		}
	case e.Status == NoAddress && len(r.families) == 2:
		e.note(TargetNoAddress, "")
	}
}

// badLabel returns the first label of a host that breaks the grammar of RFC
// 5321 section 4.1.2, if there is one.
func badLabel(host string) string {
	for label := range strings.SplitSeq(host, ".") {
		if checkLabel(label) != nil {
			return label
		}
	}
	return ""
}

// addresses asks for the addresses of an exchange and fills in all but the
// notes about MX records.
func (r *Resolver) addresses(ctx context.Context, e *Exchange) answer {
	answers := make([]answer, len(r.families))
	var group sync.WaitGroup
	for i, family := range r.families {
		group.Go(func() { answers[i] = r.lookup(ctx, e.Host, family) })
	}
	group.Wait()
	a, partial := merge(answers)
	e.Status, e.Reason, e.Unanswered = a.status(), a.reason, a.unanswered
	switch a.outcome {
	case found:
		if partial != "" {
			e.note(PartialAddresses, partial)
		}
		r.sortOut(e, a.records)
	case noData:
		e.Reason = e.Host + " has " + r.noAddress()
	case badAlias:
		e.note(CNAMEChain, "")
	}
	return a
}

// merge makes one answer of those for A and AAAA. Addresses win over a lookup
// that failed, which partial then describes. That a name does not exist, or has
// no address, counts only where no other answer leaves that open.
func merge(answers []answer) (merged answer, partial string) {
	by := make(map[outcome][]answer)
	for _, a := range answers {
		by[a.outcome] = append(by[a.outcome], a)
	}
	order := []outcome{interrupted, found, noName, failed, badAlias, noData}
	if len(by[noData]) > 0 {
		order = []outcome{interrupted, found, failed, badAlias, noData}
	}
	for _, o := range order {
		if len(by[o]) > 0 {
			return join(by[o]), join(by[failed]).reason
		}
	}
	return answer{}, ""
}

// join makes one answer of those with the same outcome.
func join(answers []answer) answer {
	var joined answer
	var reasons []string
	for i, a := range answers {
		if i == 0 {
			joined = a
			joined.records = nil
		}
		joined.records = append(joined.records, a.records...)
		joined.unanswered = joined.unanswered && a.unanswered
		reasons = append(reasons, a.reason)
	}
	joined.reason = several(reasons)
	return joined
}

// sortOut fills in the addresses of an exchange, each once.
func (r *Resolver) sortOut(e *Exchange, records []dns.RR) {
	var why []string
	for _, addr := range addressesOf(records) {
		what := Special(addr)
		switch {
		case len(e.Addresses)+len(e.Refused) == maxAddresses:
			if last := len(e.Notes) - 1; last < 0 || e.Notes[last].Note != TooManyAddresses {
				e.note(TooManyAddresses, fmt.Sprintf("%d are used", maxAddresses))
			}
		case what == "" || r.allowPrivate:
			e.Addresses = append(e.Addresses, addr)
		default:
			e.Refused = append(e.Refused, addr)
			why = append(why, fmt.Sprintf("%s (%s)", addr, what))
		}
	}
	if len(why) > 0 {
		e.note(TargetSpecial, strings.Join(why, ", "))
	}
	if len(e.Addresses) == 0 {
		e.Status = UnusableMX
		e.Reason = e.Host + " has no address but special ones, which are not connected to unless that is allowed (--allow-private)"
	}
}

func addressesOf(records []dns.RR) []netip.Addr {
	var list []netip.Addr
	for _, rr := range records {
		var addr netip.Addr
		switch record := rr.(type) {
		case *dns.A:
			addr, _ = netip.AddrFromSlice(record.A.To4())
		case *dns.AAAA:
			addr, _ = netip.AddrFromSlice(record.AAAA.To16())
		}
		if addr.IsValid() && !slices.Contains(list, addr) {
			list = append(list, addr)
		}
	}
	return list
}

// noAddress says what a name lacks, without claiming more than was asked.
func (r *Resolver) noAddress() string {
	switch {
	case len(r.families) == 2:
		return "no address"
	case r.families[0] == dns.TypeA:
		return "no IPv4 address (IPv6 was not asked for)"
	default:
		return "no IPv6 address (IPv4 was not asked for)"
	}
}

// unregistered returns the registrable domain of a host that does not exist,
// if that does not exist either and a registry could sell it. Under a top-level
// domain that the public suffix list does not know nothing can be registered.
func (r *Resolver) unregistered(ctx context.Context, host string) string {
	domain, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil {
		return ""
	}
	suffix, icann := publicsuffix.PublicSuffix(host)
	if !icann && !strings.Contains(suffix, ".") {
		return ""
	}
	if domain != host && r.lookup(ctx, domain, dns.TypeSOA).outcome != noName {
		return ""
	}
	return domain
}
