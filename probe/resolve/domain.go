package resolve

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"
	"golang.org/x/sync/errgroup"
)

const (
	maxExchanges = 100 // of one domain, far more than any sender tries
	atOnce       = 8   // exchanges of one domain looked up at the same time
)

// A Domain is what became of one target.
type Domain struct {
	Domain string // as people write it; as it was given where it is Invalid
	ASCII  string // as the DNS has it; empty where it is Invalid
	Status Status
	// Reason says in words why the status is not OK.
	Reason string
	// Unanswered is set with DNSError where no nameserver sent any reply: it is
	// the nameserver that is not there, and nothing is known of the domain.
	Unanswered bool
	// ImplicitMX is set where there is no MX record and the domain is its own
	// exchange (RFC 5321 section 5.1).
	ImplicitMX bool
	Notes      []NoteEntry
	// Exchanges are in the order in which a sender tries them, the unusable
	// ones included.
	Exchanges []Exchange
}

// Domain finds the exchanges of a domain. It does not fail: the status says
// what became of it.
func (r *Resolver) Domain(ctx context.Context, name string) Domain {
	parsed, err := ParseName(name)
	if err != nil {
		return Domain{Domain: name, Status: Invalid, Reason: err.Error()}
	}
	d := Domain{Domain: parsed.Unicode, ASCII: parsed.ASCII}
	mx := r.lookup(ctx, parsed.ASCII, dns.TypeMX)
	if len(mx.chain) > 0 {
		d.note(CNAME, mx.path())
	}
	switch mx.outcome {
	case found:
		r.explicit(ctx, &d, mx)
	case noData:
		r.implicit(ctx, &d, mx.name)
	default:
		d.Status, d.Reason, d.Unanswered = mx.status(), mx.reason, mx.unanswered
		if mx.outcome == badAlias {
			d.note(CNAMEChain, "")
		}
	}
	return d
}

func (d *Domain) note(n Note, detail string) {
	d.Notes = append(d.Notes, NoteEntry{n, detail})
}

// implicit makes the domain its own exchange, which RFC 5321 section 5.1
// allows only where the nameserver said that there is no MX record.
func (r *Resolver) implicit(ctx context.Context, d *Domain, name string) {
	d.ImplicitMX = true
	e := Exchange{Host: display(name)}
	r.addresses(ctx, &e)
	d.Exchanges = []Exchange{e}
	d.Status, d.Reason, d.Unanswered = e.Status, e.Reason, e.Unanswered
	if e.Status == NoAddress || e.Status == NXDomain {
		d.Status, d.Reason = NoAddress, "the domain has no MX record and "+r.noAddress()
	}
}

// explicit looks up the exchanges that the MX records name. The domain's own
// address is never used in their place (RFC 5321 section 5.1).
func (r *Resolver) explicit(ctx context.Context, d *Domain, mx answer) {
	d.Exchanges = d.exchanges(mx)
	if len(d.Exchanges) == 0 {
		d.Status, d.Reason = NullMX, "the domain says that it takes no mail (null MX, RFC 7505)"
		return
	}
	r.shuffle(d)
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i := range d.Exchanges {
		group.Go(func() error {
			r.target(ctx, &d.Exchanges[i])
			return nil
		})
	}
	_ = group.Wait() // its functions return no error
	d.conclude()
}

// exchanges reads the MX records: null MX records are noted and left out, and
// each host is named once, with its lowest preference value.
func (d *Domain) exchanges(mx answer) []Exchange {
	var list []Exchange
	null := false
	for _, rr := range mx.records {
		record, ok := rr.(*dns.MX)
		if !ok {
			continue
		}
		if record.Mx == "." {
			null = true
			if record.Preference != 0 {
				d.note(NullMXPreference, strconv.Itoa(int(record.Preference)))
			}
			continue
		}
		list = append(list, Exchange{
			Preference: int(record.Preference),
			Host:       display(dns.CanonicalName(record.Mx)),
		})
	}
	if null && len(list) > 0 {
		d.note(NullMXMixed, "")
	}
	list = unique(list)
	if len(list) > maxExchanges {
		d.note(TooManyExchanges, fmt.Sprintf("%d of %d are used", maxExchanges, len(list)))
		list = list[:maxExchanges]
	}
	return list
}

// unique sorts exchanges by preference and name and merges those of one name.
func unique(list []Exchange) []Exchange {
	slices.SortFunc(list, func(a, b Exchange) int {
		return cmp.Or(cmp.Compare(a.Preference, b.Preference), strings.Compare(a.Host, b.Host))
	})
	first := make(map[string]int)
	var merged []Exchange
	for _, e := range list {
		i, ok := first[e.Host]
		if !ok {
			first[e.Host] = len(merged)
			merged = append(merged, e)
			continue
		}
		merged[i].note(TargetDuplicate, fmt.Sprintf("also with preference %d", e.Preference))
	}
	return merged
}

// shuffle mixes the exchanges of equal preference. The order depends on the
// seed and the domain alone, whatever else is looked up.
func (r *Resolver) shuffle(d *Domain) {
	hash := fnv.New64a()
	hash.Write([]byte(d.ASCII))
	random := rand.New(rand.NewPCG(r.seed, hash.Sum64()))
	for from := 0; from < len(d.Exchanges); {
		to := from + 1
		for to < len(d.Exchanges) && d.Exchanges[to].Preference == d.Exchanges[from].Preference {
			to++
		}
		level := d.Exchanges[from:to]
		random.Shuffle(len(level), func(i, j int) { level[i], level[j] = level[j], level[i] })
		from = to
	}
}

// conclude derives the status of the domain from those of its exchanges. What
// is not known wins over what is: unusable is a domain only where every
// exchange is known to be.
func (d *Domain) conclude() {
	has := make(map[Status]bool)
	var failures, reasons []string
	unanswered := true
	for _, e := range d.Exchanges {
		has[e.Status] = true
		reasons = append(reasons, e.Reason)
		if e.Status == DNSError {
			failures = append(failures, e.Reason)
			unanswered = unanswered && e.Unanswered
		}
	}
	switch {
	case has[Interrupted]:
		d.Status, d.Reason = Interrupted, "stopped before all exchanges were looked up"
	case has[OK]:
		d.Status = OK
	case has[DNSError]:
		d.Status, d.Reason, d.Unanswered = DNSError, several(failures), unanswered
	default:
		d.Status = UnusableMX
		d.Reason = "the domain has MX records, but none leads to an address that can be probed: " + several(reasons)
	}
}

// several joins reasons, each once and not more of them than can be read.
func several(reasons []string) string {
	const most = 4
	slices.Sort(reasons)
	reasons = slices.Compact(reasons)
	if more := len(reasons) - most; more > 0 {
		reasons = append(reasons[:most], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(reasons, "; ")
}
