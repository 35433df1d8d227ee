package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/report"
	"github.com/smtpprobe/smtpprobe/report/schematest"
)

// nowhere is a nameserver that is not there, for runs that must not ask one:
// nothing of these tests may reach the nameserver of the machine.
const nowhere = "127.0.0.1:1"

// serve starts a receiver on an address and stops it with the test.
func serve(t *testing.T, address string, r lab.Receiver) *lab.Server {
	t.Helper()
	server, err := r.Listen(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// receiver starts a receiver on a port of its own. It greets at once, which
// saves time and matters to no check that these tests run.
func receiver(t *testing.T, lapses ...lab.Lapse) *lab.Server {
	t.Helper()
	return serve(t, "127.0.0.1:0", lab.Receiver{Lapses: lapses, GreetDelay: lab.NoGreetDelay})
}

// street starts strict receivers on the same port of 127.0.0.1, 127.0.0.2 and
// so on, as MX records name no ports. Of Linux, all of 127.0.0.0/8 is loopback.
// The number of a house that is left out is not listened on.
func street(t *testing.T, houses ...int) (map[int]*lab.Server, string) {
	t.Helper()
	return streetOf(t, func(int) []lab.Lapse { return nil }, houses...)
}

// streetOf starts receivers that have the lapses of their houses.
func streetOf(t *testing.T, lapses func(n int) []lab.Lapse, houses ...int) (map[int]*lab.Server, string) {
	t.Helper()
	const attempts = 20
	for range attempts {
		if servers, port, ok := tryStreet(t, lapses, houses); ok {
			return servers, port
		}
	}
	t.Fatal("no port is free on all of the addresses")
	return nil, ""
}

func tryStreet(t *testing.T, lapses func(n int) []lab.Lapse, houses []int) (map[int]*lab.Server, string, bool) {
	t.Helper()
	servers := map[int]*lab.Server{}
	port := "0"
	for _, n := range houses {
		server, err := lab.Receiver{Lapses: lapses(n), GreetDelay: lab.NoGreetDelay}.Listen(net.JoinHostPort(house(n), port))
		if err != nil {
			for _, s := range servers {
				_ = s.Close() // another port is tried
			}
			return nil, "", false
		}
		servers[n] = server
		port = portOf(t, server.Addr())
	}
	for _, s := range servers {
		t.Cleanup(func() { _ = s.Close() })
	}
	return servers, port, true
}

func house(n int) string { return net.IPv4(127, 0, 0, byte(n)).String() }

func portOf(t *testing.T, address string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// zone serves DNS records and returns the address of their nameserver.
func zone(t *testing.T, z lab.Zone) string {
	t.Helper()
	server, err := lab.StartZone("127.0.0.1:0", z)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server.Addr()
}

// ran is how one call of the program went.
type ran struct {
	code     int
	out, err string
}

// call runs the command line in this process.
func call(t *testing.T, args ...string) ran {
	t.Helper()
	r := callWith(t.Context(), "", args...)
	if r.out != "" && asksJSON(args) {
		schematest.Valid(t, fmt.Sprintf("smtpprobe %q", args), []byte(r.out))
	}
	return r
}

// asksJSON reports whether the arguments ask for JSON.
func asksJSON(args []string) bool {
	i := slices.Index(args, "--format")
	return i >= 0 && i+1 < len(args) && (args[i+1] == "json" || args[i+1] == "ndjson")
}

func callWith(ctx context.Context, in string, args ...string) ran {
	var out, errs bytes.Buffer
	code := execute(ctx, args, strings.NewReader(in), &out, &errs)
	return ran{code, out.String(), errs.String()}
}

// probed runs one quick check and reads the JSON; the flags and targets follow.
func probed(t *testing.T, want int, args ...string) document {
	t.Helper()
	r := call(t, append([]string{
		"--format", "json", "--transcript", "--pace", "0", "--check", "rcpt-before-mail", "--ehlo", "probe.example",
	}, args...)...)
	if r.code != want {
		t.Errorf("smtpprobe %q: got exit code %d, want %d; standard error: %s", args, r.code, want, r.err)
	}
	return r.document(t)
}

// The document, as far as these tests read it.
type document struct {
	Schema    string
	Domains   []domainRow
	Receivers []receiverRow
}

type domainRow struct {
	Domain, ASCII, Status, Reason string
	Exchanges                     []struct {
		Host      string
		Addresses []string
	}
}

type receiverRow struct {
	Host, Address, Platform, Recipient, Status, Reason, Banner string
	Port                                                       int
	Domains, Capabilities                                      []string
	Sessions                                                   int
	Results                                                    []resultRow
	Controls                                                   []struct{ Transcript []eventRow }
}

type resultRow struct {
	Check, Verdict, Conformance, Reason string
	TLS                                 bool
	Transcript                          []eventRow
}

type eventRow struct{ From, Text string }

func (r ran) document(t *testing.T) document {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(r.out))
	var d document
	if err := decoder.Decode(&d); err != nil {
		t.Fatalf("standard output is no JSON: %v\n%s\nstandard error: %s", err, r.out, r.err)
	}
	if decoder.More() {
		t.Errorf("standard output holds more than one document:\n%s", r.out)
	}
	if d.Schema != report.Schema {
		t.Errorf("schema: got %q, want %q", d.Schema, report.Schema)
	}
	return d
}

// said are the lines that the probe wrote to a receiver, each once.
func (r receiverRow) said() []string {
	var lines []string
	add := func(transcript []eventRow) {
		for _, e := range transcript {
			if e.From == "client" && !slices.Contains(lines, e.Text) {
				lines = append(lines, e.Text)
			}
		}
	}
	for _, c := range r.Controls {
		add(c.Transcript)
	}
	for _, res := range r.Results {
		add(res.Transcript)
	}
	return lines
}

// statuses are the addresses of the receivers with what became of each.
func (d document) statuses() []string {
	var all []string
	for _, r := range d.Receivers {
		all = append(all, r.Address+" "+r.Status)
	}
	return all
}

func (d document) domains() []string {
	var all []string
	for _, row := range d.Domains {
		all = append(all, row.Domain+" "+row.Status)
	}
	return all
}

func equal(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}
