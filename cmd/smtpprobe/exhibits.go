package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe/lab"
)

// exhibit is one receiver of the lab, and the domain whose mail it takes.
type exhibit struct {
	domain   string
	note     string
	receiver lab.Receiver
}

// exhibits are the receivers that demo probes and lab keeps running: a strict
// one, and others with faults that receivers in the wild have.
func exhibits() []exhibit {
	named := func(domain, note string, lapses ...lab.Lapse) exhibit {
		return exhibit{domain, note, lab.Receiver{Host: "mx." + domain, Lapses: lapses}}
	}
	tolerant := named("tolerant.example", "takes commands in almost any order",
		lab.Accept{State: "I", Verb: "MAIL"}.Lapse(), lab.Accept{State: "I", TLS: true, Verb: "MAIL"}.Lapse(),
		lab.AcceptNestedMail(), lab.Accept{State: "E", TLS: true, Verb: "STARTTLS"}.Lapse(),
		lab.AcceptEarlyTalk(), lab.AcceptGroups(), lab.AcceptInsideGroup("EHLO"))
	tolerant.receiver.GreetDelay = lab.NoGreetDelay
	return []exhibit{
		named("strict.example", "does what the reference says"),
		tolerant,
		named("leaky.example", "keeps across EHLO and TLS what it must forget",
			lab.KeepAcrossHello(), lab.Accept{State: "M", Verb: "STARTTLS"}.Lapse(), lab.KeepTransactionAcrossTLS(),
			lab.KeepHelloAcrossTLS(), lab.InjectAcrossTLS()),
		named("oldcodes.example", "refuses with 502 what should be 503", lab.Replace("502 5.5.1 Command not implemented")),
		named("listed.example", "refuses this client by policy, so that nothing can be told", lab.RefuseByPolicy("MAIL")),
	}
}

// zoneOf is a DNS zone in which every domain has one exchanger, at the address.
func zoneOf(all []exhibit, address func(i int) string) lab.Zone {
	var b strings.Builder
	for i, e := range all {
		fmt.Fprintf(&b, "%[1]s. 60 IN MX 10 mx.%[1]s.\n", e.domain)
		fmt.Fprintf(&b, "mx.%s. 60 IN A %s\n", e.domain, address(i))
	}
	return lab.Zone{Records: b.String()}
}

// gallery is the lab at work: its receivers, and the zone that names them.
type gallery struct {
	servers []*lab.Server
	zone    *lab.ZoneServer
}

func (g *gallery) Close() error {
	var errs []error
	for _, s := range g.servers {
		errs = append(errs, s.Close())
	}
	if g.zone != nil {
		errs = append(errs, g.zone.Close())
	}
	return errors.Join(errs...)
}

// inMemory starts the receivers on networks without sockets, one for each
// address of RFC 5737, and the zone on loopback. Dial reaches the receivers.
func inMemory(all []exhibit) (g *gallery, dial func(ctx context.Context, network, address string) (net.Conn, error), err error) {
	g = &gallery{}
	address := func(i int) string { return fmt.Sprintf("192.0.2.%d", i+1) }
	networks := map[string]*lab.Memory{}
	for i, e := range all {
		network := lab.NewMemory()
		server, failed := e.receiver.Serve(network)
		if failed != nil {
			return nil, nil, errors.Join(fmt.Errorf("lab receiver %s: %w", e.domain, failed), g.Close())
		}
		g.servers = append(g.servers, server)
		networks[address(i)] = network
	}
	if g.zone, err = lab.StartZone("127.0.0.1:0", zoneOf(all, address)); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("lab zone: %w", err), g.Close())
	}
	return g, func(ctx context.Context, network, address string) (net.Conn, error) {
		host, _, bad := net.SplitHostPort(address)
		if bad != nil || networks[host] == nil {
			return nil, fmt.Errorf("the lab has no receiver at %s", address)
		}
		return networks[host].DialContext(ctx, network, address)
	}, nil
}

// onLoopback starts the receivers on ports of 127.0.0.1, and the zone.
func onLoopback(all []exhibit) (*gallery, error) {
	g := &gallery{}
	for _, e := range all {
		server, err := e.receiver.Listen("127.0.0.1:0")
		if err != nil {
			return nil, errors.Join(fmt.Errorf("lab receiver %s: %w", e.domain, err), g.Close())
		}
		g.servers = append(g.servers, server)
	}
	zone, err := lab.StartZone("127.0.0.1:0", zoneOf(all, func(int) string { return "127.0.0.1" }))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lab zone: %w", err), g.Close())
	}
	g.zone = zone
	return g, nil
}
