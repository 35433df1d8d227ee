package main

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/bulk"
	"github.com/smtpprobe/smtpprobe/probe/resolve"
	"github.com/smtpprobe/smtpprobe/report"
)

// resolved is what became of the targets: domains as the report shows them, and
// receivers, each once.
type resolved struct {
	domains    []report.Domain
	receivers  []probe.Receiver
	choices    [][]string // of each target: the identities of its receivers, the best first
	unanswered string     // which nameserver answered nothing; empty: none
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
	var all resolved
	place := map[string]int{}
	for _, a := range answers {
		if d := a.domain; d != nil {
			all.domains = append(all.domains, shown(*d))
			if d.Unanswered {
				all.unanswered = cmp.Or(all.unanswered, d.Reason)
			}
		}
		var choice []string
		for _, rcv := range a.receivers {
			id := identity(rcv)
			choice = append(choice, id)
			if i, seen := place[id]; seen {
				join(&all.receivers[i], rcv)
				continue
			}
			place[id] = len(all.receivers)
			all.receivers = append(all.receivers, rcv)
		}
		if len(choice) > 0 {
			all.choices = append(all.choices, choice)
		}
	}
	return all
}

// identity tells receivers apart: one address and port is one receiver, whatever
// its names; where a proxy looks the address up, the name stands for it.
func identity(r probe.Receiver) string {
	return net.JoinHostPort(cmp.Or(r.Address, r.Host), strconv.Itoa(int(r.Port)))
}

// join adds the domains of a receiver that is there already.
func join(r *probe.Receiver, same probe.Receiver) {
	for _, d := range same.Domains {
		if !slices.Contains(r.Domains, d) {
			r.Domains = append(r.Domains, d)
		}
	}
}

// answer is what became of one target. The domain is nil where the target is a
// host or an address, and there is no trouble with it.
type answer struct {
	domain    *resolve.Domain
	receivers []probe.Receiver // the best first
}

func (p *probeFlags) ask(ctx context.Context, r *resolve.Resolver, t target) answer {
	switch {
	case t.err != nil:
		return answer{domain: &resolve.Domain{Domain: t.text, Status: resolve.Invalid, Reason: t.err.Error()}}
	case t.addr.IsValid():
		return answer{receivers: []probe.Receiver{p.receiver(t.addr.String(), t.addr, p.portOf(t), nil)}}
	case t.host != "":
		return p.askHost(ctx, r, t)
	}
	d := r.Domain(ctx, t.domain)
	return answer{domain: &d, receivers: p.exchangesOf(d)}
}

// exchangesOf are the receivers of a domain, the best first.
func (p *probeFlags) exchangesOf(d resolve.Domain) []probe.Receiver {
	var all []probe.Receiver
	for _, x := range d.Exchanges {
		if p.first && len(all) > 0 && x.Preference > d.Exchanges[0].Preference {
			break
		}
		for _, addr := range x.Addresses {
			all = append(all, p.receiver(x.Host, addr, p.defaultPort(), &d))
		}
	}
	return all
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
		a.domain = &resolve.Domain{
			Domain: t.text, ASCII: x.Host, Status: x.Status, Reason: x.Reason, Unanswered: x.Unanswered, Notes: x.Notes,
		}
	}
	return a
}

func (p *probeFlags) portOf(t target) uint16 { return cmp.Or(t.port, p.defaultPort()) }

// receiver is one address and port; the domain is nil where none was looked up.
func (p *probeFlags) receiver(host string, addr netip.Addr, port uint16, d *resolve.Domain) probe.Receiver {
	r := probe.Receiver{
		Host: host, Port: port, Platform: resolve.Platform(host),
		Public: !addr.IsValid() || resolve.Special(addr) == "",
	}
	owner := cmp.Or(p.domain, host)
	if addr.IsValid() {
		r.Address = addr.String()
		if owner == r.Address {
			owner = addressLiteral(addr)
		}
	}
	if d != nil {
		owner, r.Domains = d.ASCII, []string{d.Domain}
	}
	r.Recipient = "postmaster@" + owner
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

func shown(d resolve.Domain) report.Domain {
	s := report.Domain{
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
			Reason: bulk.LeftOut(r.Platform),
		})
	}
	return kept, skipped
}
