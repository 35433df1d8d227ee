package bulk_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/bulk"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/resolve"
	"github.com/smtpprobe/smtpprobe/probe/run"
	"github.com/smtpprobe/smtpprobe/probe/wire"
)

// TestOverTheLab: domains of a zone on receivers in memory, looked up and probed
// as in earnest.
func TestOverTheLab(t *testing.T) {
	const domains, receivers = 60, 12
	networks := map[string]*lab.Memory{}
	var servers []*lab.Server
	var records strings.Builder
	for i := range receivers {
		address := fmt.Sprintf("192.0.2.%d", i+1)
		networks[address] = lab.NewMemory()
		server, err := lab.Receiver{GreetDelay: lab.NoGreetDelay}.Serve(networks[address])
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		servers = append(servers, server)
		fmt.Fprintf(&records, "mx.p%d.example. A %s\n", i, address)
	}
	for i := range domains {
		fmt.Fprintf(&records, "d%d.example. MX 10 mx.p%d.example.\n", i, i%receivers)
	}
	zone, err := lab.StartZone("127.0.0.1:0", lab.Zone{Records: records.String()})
	if err != nil {
		t.Fatal(err)
	}
	defer zone.Close()
	resolver, err := resolve.New(resolve.Options{Nameservers: []string{zone.Addr()}, IPv4: true, IPv6: true, AllowPrivate: true})
	if err != nil {
		t.Fatal(err)
	}
	var selected []probe.Check
	for _, c := range checks.All() {
		if c.ID == "rcpt-before-mail" {
			selected = append(selected, c)
		}
	}
	o := run.Options{
		Catalogue: checks.All(), Selected: selected, TLS: run.Auto, Timeout: time.Minute,
		Wire: wire.Config{
			Values: probe.Values{EHLO: "probe.example", From: "<>"},
			Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
				host, _, _ := net.SplitHostPort(address)
				return networks[host].DialContext(ctx, network, address)
			},
		},
	}
	var reports []probe.Report
	rows := 0
	s := bulk.New(bulk.Options{
		Probe:     func(ctx context.Context, r probe.Receiver) probe.Report { return run.Receiver(ctx, r, o) },
		There:     resolver.There,
		Receivers: 8, Lookups: 8, PerPlatform: 10,
		Domain:   func(resolve.Domain) error { rows++; return nil },
		Receiver: func(r probe.Report) error { reports = append(reports, r); return nil },
	})
	var mu sync.Mutex
	asked := map[string]int{}
	err = s.Run(t.Context(), func(_ context.Context, yield func(bulk.Target) bool) error {
		for i := range domains {
			name := fmt.Sprintf("d%d.example", i)
			yield(bulk.Target{Name: name, Find: func(ctx context.Context) bulk.Found {
				mu.Lock()
				asked[name]++
				mu.Unlock()
				d := resolver.Domain(ctx, name)
				f := bulk.Found{Domain: &d}
				for _, x := range d.Exchanges {
					for _, a := range x.Addresses {
						f.Receivers = append(f.Receivers, probe.Receiver{
							Host: x.Host, Address: a.String(), Port: 25, Domains: []string{name},
							Platform: resolve.Platform(x.Host), Recipient: "postmaster@" + d.ASCII,
						})
					}
				}
				return f
			}})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "rows of domains", rows, domains)
	equal(t, "names looked up", len(asked), domains)
	equal(t, "receivers", len(reports), receivers)
	for _, r := range reports {
		if r.Status != probe.StatusOK || len(r.Results) != 1 || r.Results[0].Verdict != probe.Strict {
			t.Errorf("%s: got %s, %+v, want a strict receiver", r.Address, r.Status, r.Results)
		}
	}
	for i, s := range servers {
		l := s.Ledger()
		if l.Connections != reports[0].Sessions {
			t.Errorf("receiver %d counted %d connections, want the %d of one run", i, l.Connections, reports[0].Sessions)
		}
	}
}
