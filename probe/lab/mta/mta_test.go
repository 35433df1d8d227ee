//go:build mta

// Package mta_test holds the verdicts of smtpprobe about real mail servers against
// matrix.psv, which was worked out by hand and not by the tool. It builds the tool and runs
// it as a user would, with a zone of its own for the lookup of the exchangers. The servers
// are those of mta.sh; it starts and stops none, and it fails where one of them is missing.
package mta_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
)

// receivers are the servers of mta.sh, each on its own loopback address.
var receivers = []struct{ name, address string }{
	{"postfix", "127.0.0.11"},
	{"exim", "127.0.0.12"},
	{"opensmtpd6", "127.0.0.13"},
	{"opensmtpd7", "127.0.0.14"},
	{"postfix-strict", "127.0.0.15"},
	{"postscreen", "127.0.0.16"},
	{"exim-nosync", "127.0.0.17"},
	{"sendmail", "127.0.0.18"},
	{"chasquid", "127.0.0.19"},
	{"gosmtp", "127.0.0.20"},
}

const (
	port = "2525"
	// hermit answers otherwise while it has another connection of the same client.
	hermit = "postscreen"
	// unsecured has no TLS to be had: OpenSMTPD 6.8 fails every handshake.
	unsecured = "opensmtpd6"
)

// oneRun is the most that one run of the tool may take; the slowest takes about two minutes.
const oneRun = 6 * time.Minute

// TestRealReceivers probes every receiver with every check: slowly as a user would, with four
// sessions at once, inside TLS, and with every check in a session of its own. Every run is
// held against the same matrix.
func TestRealReceivers(t *testing.T) {
	b := bench{t.TempDir(), startZone(t), readMatrix(t)}
	for _, r := range receivers {
		greets(t, r.name, r.address)
	}
	b.build(t)
	t.Run("each", func(t *testing.T) {
		for _, r := range receivers {
			t.Run(r.name, func(t *testing.T) {
				t.Parallel()
				t.Run("matrix", func(t *testing.T) { b.hold(t, b.ask(t, r.name)[0]) })
				t.Run("a session a check", func(t *testing.T) { b.apart(t, r.name, r.address) })
				if r.name == hermit {
					return
				}
				// Without a pace, or the sessions would hardly overlap.
				t.Run("four sessions at once", func(t *testing.T) { b.hold(t, b.ask(t, r.name, "--sessions", "4", "--pace", "0")[0]) })
				if r.name != unsecured {
					t.Run("inside TLS", func(t *testing.T) { b.compare(t, b.ask(t, r.name, "--tls", "starttls", "--pace", "0")[0]) })
				}
			})
		}
	})
	t.Run("together", b.table)
}

// A bench is what every run needs.
type bench struct {
	folder string // with the tool in it
	zone   string // the address of the nameserver
	matrix matrix
}

// startZone serves a domain for each receiver: postfix.example has the exchanger
// mx.postfix.example, and no address of its own to fall back on.
func startZone(t *testing.T) string {
	t.Helper()
	var records strings.Builder
	for _, r := range receivers {
		fmt.Fprintf(&records, "%[1]s.example. MX 10 mx.%[1]s.example.\n", r.name)
		fmt.Fprintf(&records, "mx.%s.example. A %s\n", r.name, r.address)
	}
	zone, err := lab.StartZone("127.0.0.1:0", lab.Zone{Records: records.String()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := zone.Close(); err != nil {
			t.Errorf("close the zone: %v", err)
		}
	})
	return zone.Addr()
}

// greets fails the test unless the receiver, and nobody else, greets on its address.
func greets(t *testing.T, name, address string) {
	t.Helper()
	conn, err := net.DialTimeout("tcp", net.JoinHostPort(address, port), 10*time.Second)
	if err != nil {
		t.Fatalf("%s is not up: %v; start the bench with probe/lab/mta/mta.sh up, or run make mta (Debian 12, root)", name, err)
	}
	defer conn.Close()
	if err = conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	greeting, err := reader.ReadString('\n')
	for err == nil && strings.HasPrefix(greeting, "220-") { // of two lines, and QUIT comes behind the second
		greeting, err = reader.ReadString('\n')
	}
	if want := "220 " + name + ".lab.example "; !strings.HasPrefix(greeting, want) {
		t.Fatalf("%s is not on %s:%s: got greeting %q (%v), want %q", name, address, port, greeting, err, want)
	}
	if _, err = conn.Write([]byte("QUIT\r\n")); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func (b bench) binary() string { return filepath.Join(b.folder, "smtpprobe") }

func (b bench) build(t *testing.T) {
	t.Helper()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", b.binary(), "github.com/smtpprobe/smtpprobe/cmd/smtpprobe")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", build, err, out)
	}
}

// run runs the tool; a word without a hyphen in front of the first flag is the name of a
// receiver. It returns what the tool wrote to stdout, and fails unless it exits with 0.
func (b bench) run(t *testing.T, args ...string) []byte {
	t.Helper()
	all := []string{"--resolver", b.zone, "--port", port, "--allow-private", "--ehlo", "probe.lab.example"}
	flags := false
	for _, arg := range args {
		if flags = flags || strings.HasPrefix(arg, "-"); !flags {
			arg += ".example"
		}
		all = append(all, arg)
	}
	ctx, cancel := context.WithTimeout(t.Context(), oneRun)
	defer cancel()
	tool := exec.CommandContext(ctx, b.binary(), all...)
	tool.WaitDelay = 10 * time.Second
	var out, errs bytes.Buffer
	tool.Stdout, tool.Stderr = &out, &errs
	err := tool.Run()
	nothing := tool.ProcessState != nil && tool.ProcessState.ExitCode() == 3 && slices.Contains(args, "--check") // one check, not known
	if err != nil && !nothing {
		t.Fatalf("smtpprobe %s: %v, want exit 0 within %s\nstderr: %s\nstdout: %s", strings.Join(all, " "), err, oneRun, &errs, &out)
	}
	return out.Bytes()
}

// ask runs the tool and returns its answers in the order of the receivers, of which the
// domains named must each have led, by MX, to the one that was meant.
func (b bench) ask(t *testing.T, args ...string) []answer {
	t.Helper()
	if !slices.Contains(args, "--check") {
		args = append(args, "--profile", "full")
	}
	out := b.run(t, append(args, "--format", "json", "--transcript")...)
	var d document
	if err := json.Unmarshal(out, &d); err != nil {
		t.Fatalf("smtpprobe wrote no JSON: %v\n%s", err, out)
	}
	var asked []string
	for _, arg := range args {
		if strings.HasPrefix(arg, "-") {
			break
		}
		asked = append(asked, arg)
	}
	if len(d.Domains) != len(asked) || len(d.Receivers) != len(asked) {
		t.Fatalf("got %d domains and %d receivers, want %d of each\n%s", len(d.Domains), len(d.Receivers), len(asked), out)
	}
	for i, name := range asked {
		if got := d.Domains[i]; got.Domain != name+".example" || got.Status != "ok" || got.ImplicitMX ||
			len(got.Exchanges) != 1 || got.Exchanges[0].Host != "mx."+name+".example" || got.Exchanges[0].Preference != 10 {
			t.Errorf("%s: got domain %+v, want the exchanger mx.%s.example of preference 10", name, got, name)
		}
		got := d.Receivers[i]
		if got.Status != "ok" || got.name() != name || !strings.HasPrefix(got.Banner, name+".lab.example ") ||
			got.Recipient != "postmaster@"+name+".example" {
			t.Fatalf("%s: got %s, status %q (%s), banner %q, recipient %q; want status ok, and itself",
				name, got.Host, got.Status, got.Reason, got.Banner, got.Recipient)
		}
	}
	return d.Receivers
}

// table probes all receivers in one run and reads the table: it fits 80 columns, and says
// of each receiver the strictness that follows from the matrix.
func (b bench) table(t *testing.T) {
	var domains []string
	for _, r := range receivers {
		domains = append(domains, r.name)
	}
	table := string(b.run(t, append(domains, "--profile", "quick", "--format", "table", "--color", "never")...))
	t.Logf("the table of all:\n%s", table)
	for i, line := range strings.Split(table, "\n") {
		if n := utf8.RuneCountInString(line); n > 80 {
			t.Errorf("line %d: got %d columns, want 80 at most: %s", i+1, n, line)
		}
		if strings.ContainsFunc(line, func(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError }) {
			t.Errorf("line %d: got a control character: %q", i+1, line)
		}
	}
	for _, name := range domains {
		want := b.matrix.strictness(name, probe.Quick)
		if !slices.ContainsFunc(strings.Split(table, "\n"), func(line string) bool {
			return strings.Contains(line, " mx."+name+".example ") && strings.HasSuffix(strings.TrimSpace(line), " "+want)
		}) {
			t.Errorf("%s: no row that says %s", name, want)
		}
	}
}

// otherwise is what a receiver does inside TLS and not in clear. Postfix without PIPELINING
// takes a group of MAIL and RSET once EHLO was said, and refuses it in a session of HELO; inside
// TLS an EHLO came before the HELO, in clear.
var otherwise = map[string]string{"postfix-strict pipeline-after-helo": "lenient"}

// compare holds a run inside TLS against the matrix, which is of runs in clear: TLS does not
// make a receiver worse. What else differs is printed; so is what only TLS makes applicable.
func (b bench) compare(t *testing.T, inside answer) {
	if inside.TLS.Version == "" {
		t.Error("got no TLS version, want a run inside TLS")
	}
	for check, open := range b.matrix[inside.name()] {
		got := inside.of(check)
		switch {
		case got.Verdict == "":
			t.Errorf("%s: no result inside TLS", check)
		case got.Verdict == open.verdict && got.Conformance == open.conformance:
		case slices.Contains(races, check): // the channel is not what decides
		case got.Verdict == otherwise[inside.name()+" "+check]:
		case got.Verdict != open.verdict && open.verdict != "not-applicable" && slices.Contains([]string{"lenient", "broken", "overstrict", "deviant"}, got.Verdict):
			t.Errorf("%s: got %s inside TLS, which it is not in clear\n  matrix: %s\n%s", check, got.Verdict, open.line, got)
		default:
			t.Logf("%s: inside TLS it is not as in clear\n  matrix: %s\n  tool:   %s", check, open.line, got.words())
		}
	}
}
