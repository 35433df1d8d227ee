// Command lookup asks a nameserver for the MX records of many domains, one after
// the other: by probe/resolve, or by the least that miekg/dns takes, a loop on one
// connection that is kept.
//
// The domains take no mail, so that looking one up is one query either way.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/miekg/dns"

	"github.com/smtpprobe/smtpprobe/probe/resolve"
)

func main() {
	server := flag.String("server", "", "nameserver, address:port")
	n := flag.Int("n", 1, "look-ups")
	bare := flag.Bool("bare", false, "by miekg/dns alone")
	flag.Parse()
	ask := resolved
	if *bare {
		ask = looped
	}
	if err := ask(*server, *n); err != nil {
		fmt.Fprintln(os.Stderr, "lookup:", err)
		os.Exit(1)
	}
}

func domain(i int) string { return fmt.Sprintf("d%d.null.example", i) }

func resolved(server string, n int) error {
	r, err := resolve.New(resolve.Options{Nameservers: []string{server}, IPv4: true})
	if err != nil {
		return err
	}
	for i := range n {
		if d := r.Domain(context.Background(), domain(i)); d.Status != resolve.NullMX {
			return fmt.Errorf("%s: %s %s, want a null MX", d.Domain, d.Status, d.Reason)
		}
	}
	return nil
}

func looped(server string, n int) error {
	client := dns.Client{Net: "udp"}
	conn, err := client.Dial(server)
	if err != nil {
		return err
	}
	defer conn.Close()
	for i := range n {
		query := new(dns.Msg).SetQuestion(domain(i)+".", dns.TypeMX)
		in, _, err := client.ExchangeWithConn(query, conn)
		if err != nil {
			return err
		}
		if len(in.Answer) != 1 {
			return fmt.Errorf("%s: %d records, want one", domain(i), len(in.Answer))
		}
	}
	return nil
}
