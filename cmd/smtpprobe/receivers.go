package main

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"sync"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/resolve"
	"github.com/smtpprobe/smtpprobe/report"
)

// resolved is what became of the targets: domains as the report shows them, and
// receivers, each once.
type resolved struct {
	domains    []report.Domain
	receivers  []probe.Receiver
	spare      map[string][]probe.Receiver // with --first: whom to try where the first cannot be reached
	unanswered bool                        // no nameserver answered anything
}

// lookups is how many targets are resolved at once.
const lookups = 8

// find resolves all targets and joins their addresses to receivers: one address
// and port is probed once, with the postmaster of the first domain that names
// it.
func (p *probeFlags) find(ctx context.Context, r *resolve.Resolver, targets []target) resolved {
	answers := make([]answer, len(targets))
	var wg sync.WaitGroup
	slots := make(chan struct{}, lookups)
	for i, t := range targets {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			answers[i] = p.ask(ctx, r, t)
		})
	}
	wg.Wait()
	all := resolved{spare: map[string][]probe.Receiver{}}
	byAddress := map[netip.AddrPort]int{}
	for _, a := range answers {
		if a.domain != nil {
			all.domains = append(all.domains, *a.domain)
		}
		all.unanswered = all.unanswered || a.unanswered
		for _, rcv := range a.receivers {
			addr, _ := netip.ParseAddr(rcv.Address)
			key := netip.AddrPortFrom(addr, rcv.Port)
			if i, seen := byAddress[key]; seen && addr.IsValid() {
				join(&all.receivers[i], rcv)
				continue
			}
			byAddress[key] = len(all.receivers)
			all.receivers = append(all.receivers, rcv)
			all.spare[identity(rcv)] = a.spare
		}
	}
	return all
}

// join adds the domains of a receiver that is there already.
func join(r *probe.Receiver, same probe.Receiver) {
	for _, d := range same.Domains {
		if !slices.Contains(r.Domains, d) {
			r.Domains = append(r.Domains, d)
		}
	}
}

// answer is what became of one target.
type answer struct {
	domain     *report.Domain
	receivers  []probe.Receiver
	spare      []probe.Receiver
	unanswered bool
}

// best leaves the first receiver, where only that is wanted, and the others of
// its preference as spare ones.
func (p *probeFlags) best(a answer) answer {
	if p.first && len(a.receivers) > 1 {
		a.receivers, a.spare = a.receivers[:1], a.receivers[1:]
	}
	return a
}

func (p *probeFlags) ask(ctx context.Context, r *resolve.Resolver, t target) answer {
	switch {
	case t.err != nil:
		return answer{domain: &report.Domain{Domain: t.text, Status: string(resolve.Invalid), Reason: t.err.Error()}}
	case t.addr.IsValid():
		return answer{receivers: []probe.Receiver{p.receiver(t.addr.String(), t.addr, p.portOf(t), nil)}}
	case t.host != "":
		return p.askHost(ctx, r, t)
	}
	d := r.Domain(ctx, t.domain)
	a := answer{domain: shown(d), unanswered: d.Unanswered}
	for _, x := range d.Exchanges {
		if p.first && len(a.receivers) > 0 && x.Preference > d.Exchanges[0].Preference {
			break
		}
		for _, addr := range x.Addresses {
			a.receivers = append(a.receivers, p.receiver(x.Host, addr, p.portOf(t), &d))
		}
	}
	return p.best(a)
}

// askHost looks a host up that was named with its port. Trouble with it is shown
// like that of a domain: there is no other row for it.
func (p *probeFlags) askHost(ctx context.Context, r *resolve.Resolver, t target) answer {
	if p.proxy != "" {
		return answer{receivers: []probe.Receiver{p.receiver(t.host, netip.Addr{}, p.portOf(t), nil)}}
	}
	x := r.Host(ctx, t.host)
	var a answer
	for _, addr := range x.Addresses {
		a.receivers = append(a.receivers, p.receiver(x.Host, addr, p.portOf(t), nil))
	}
	if len(a.receivers) == 0 {
		a.unanswered = x.Unanswered
		a.domain = &report.Domain{Domain: t.text, ASCII: x.Host, Status: string(x.Status), Reason: x.Reason, Notes: shownNotes(x.Notes)}
	}
	return p.best(a)
}

func (p *probeFlags) portOf(t target) uint16 { return cmp.Or(t.port, p.defaultPort()) }

// receiver is one address and port; the domain is nil where none was looked up.
func (p *probeFlags) receiver(host string, addr netip.Addr, port uint16, d *resolve.Domain) probe.Receiver {
	r := probe.Receiver{
		Host: host, Port: port, Platform: resolve.Platform(host),
		Public: !addr.IsValid() || resolve.Special(addr) == "",
	}
	owner := host
	if addr.IsValid() {
		r.Address = addr.String()
		if owner == r.Address {
			owner = addressLiteral(addr)
		}
	}
	if d != nil {
		owner, r.Domains = d.ASCII, []string{d.Domain}
	}
	r.Recipient = "postmaster@" + cmp.Or(p.domain, owner)
	if p.rcpt != "" {
		r.Recipient = bare(p.rcpt)
	}
	return r
}

// addressLiteral is an address as it stands in a mailbox (RFC 5321 4.1.3).
func addressLiteral(a netip.Addr) string {
	if a.Is4() {
		return "[" + a.String() + "]"
	}
	return "[IPv6:" + a.WithZone("").String() + "]"
}

func shown(d resolve.Domain) *report.Domain {
	s := &report.Domain{
		Domain: d.Domain, ASCII: d.ASCII, Status: string(d.Status), Reason: d.Reason,
		ImplicitMX: d.ImplicitMX, Notes: shownNotes(d.Notes),
	}
	for _, x := range d.Exchanges {
		e := report.Exchange{Preference: x.Preference, Host: x.Host, Notes: shownNotes(x.Notes)}
		for _, a := range x.Addresses {
			e.Addresses = append(e.Addresses, a.String())
		}
		s.Exchanges = append(s.Exchanges, e)
	}
	return s
}

func shownNotes(notes []resolve.NoteEntry) []report.Note {
	var all []report.Note
	for _, n := range notes {
		all = append(all, report.Note{ID: string(n.Note), Text: n.String()})
	}
	return all
}

// limitPlatforms leaves the first addresses of each platform and returns the
// rest as reports that say why they were skipped.
func limitPlatforms(receivers []probe.Receiver, most int) ([]probe.Receiver, []probe.Report) {
	count := map[string]int{}
	var kept []probe.Receiver
	var skipped []probe.Report
	for _, r := range receivers {
		if count[r.Platform]++; count[r.Platform] <= most {
			kept = append(kept, r)
			continue
		}
		skipped = append(skipped, probe.Report{
			Receiver: r, Status: probe.StatusSkipped,
			Reason: "one of more addresses of " + r.Platform + " than --max-per-platform allows",
		})
	}
	return kept, skipped
}
