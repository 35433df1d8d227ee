package checks_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/run"
	"github.com/smtpprobe/smtpprobe/probe/wire"
)

// asked is what came of probing one receiver.
type asked struct {
	report  probe.Report
	ledger  lab.Ledger // the receiver's own
	written [][]string // what the probe wrote, by connection and write; TLS as it is
}

// ask probes a receiver of the lab in memory, under a clock that does not make
// anybody wait, and returns the report and the receiver's own ledger.
func ask(t *testing.T, rcv lab.Receiver, change func(*run.Options)) (probe.Report, lab.Ledger) {
	t.Helper()
	a := askThrough(t, rcv, nil, change)
	return a.report, a.ledger
}

// askThrough is the same with a middlebox in front of the receiver, if there is
// one.
func askThrough(t *testing.T, rcv lab.Receiver, box *middlebox, change func(*run.Options)) asked {
	t.Helper()
	var a asked
	synctest.Test(t, func(t *testing.T) {
		network := lab.NewMemory()
		server, err := rcv.Serve(network)
		if err != nil {
			t.Fatalf("serve: %v", err)
		}
		defer server.Close()
		dial := wire.Dial(network.DialContext)
		if box != nil {
			front := lab.NewMemory()
			defer box.stand(front, dial)()
			dial = box.reach(front.DialContext)
		}
		var written tap
		o := run.Options{
			Catalogue: checks.All(), Selected: checks.All(), TLS: run.Auto, Timeout: time.Hour,
			Wire: wire.Config{
				Values: probe.Values{EHLO: "probe.example", From: "<>"},
				Dial:   written.dial(dial), Pace: time.Second,
			},
		}
		if change != nil {
			change(&o)
		}
		a.report = run.Receiver(t.Context(), probe.Receiver{
			Host: "receiver.example", Address: "192.0.2.1", Port: 25, Platform: "receiver.example",
			Recipient: "postmaster@receiver.example", Public: true,
		}, o)
		settled, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := server.Settle(settled); err != nil {
			t.Errorf("the sessions of the receiver: %v", err)
		}
		a.ledger, a.written = server.Ledger(), written.sessions
	})
	return a
}

// of is the result of a check.
func of(t *testing.T, r probe.Report, id string) probe.Result {
	t.Helper()
	for _, res := range r.Results {
		if res.Check.ID == id {
			return res
		}
	}
	t.Fatalf("no result of %s", id)
	return probe.Result{}
}

// show prints a transcript when a test fails.
func show(t *testing.T, res probe.Result) {
	t.Helper()
	for _, e := range res.Transcript {
		t.Logf("%9.1f ms %-6s %s", float64(e.At)/1e6, e.From, e)
	}
}

// without are the default extensions but for some.
func without(leave ...string) []string {
	var kept []string
	for _, k := range lab.DefaultExtensions() {
		drop := false
		for _, l := range leave {
			drop = drop || k == l
		}
		if !drop {
			kept = append(kept, k)
		}
	}
	return kept
}

// receivers are strict ones of several kinds, and the ways to talk to them.
func strictReceivers() map[string]struct {
	receiver lab.Receiver
	change   func(*run.Options)
} {
	inside := func(o *run.Options) { o.TLS = run.StartTLS }
	return map[string]struct {
		receiver lab.Receiver
		change   func(*run.Options)
	}{
		"in clear":                {lab.Receiver{}, nil},
		"inside TLS":              {lab.Receiver{}, inside},
		"TLS from the first":      {lab.Receiver{ImplicitTLS: true}, func(o *run.Options) { o.TLS = run.Implicit }},
		"TLS demanded":            {lab.Receiver{Lapses: []lab.Lapse{lab.DemandTLS()}}, nil},
		"no TLS wanted":           {lab.Receiver{}, func(o *run.Options) { o.TLS = run.Never }},
		"without PIPELINING":      {lab.Receiver{Extensions: without("PIPELINING")}, nil},
		"without PIPELINING, TLS": {lab.Receiver{Extensions: without("PIPELINING")}, inside},
		"without STARTTLS":        {lab.Receiver{Extensions: without("STARTTLS")}, nil},
		"without any extension":   {lab.Receiver{Extensions: []string{}}, nil},
		"four sessions at once":   {lab.Receiver{}, func(o *run.Options) { o.Wire.Sessions = 4 }},
	}
}

// demands reports the one result that finds a fault with a receiver which demands
// TLS: that no public exchanger may do so.
func demands(receiver string, res probe.Result) bool {
	return receiver == "TLS demanded" && res.Check.ID == "starttls-required-on-mx" && res.Verdict == probe.Deviant
}

// TestStrictReceiver holds that a receiver which does what the table says is
// never called lenient, broken or violating, whatever it offers.
func TestStrictReceiver(t *testing.T) {
	for name, c := range strictReceivers() {
		t.Run(name, func(t *testing.T) {
			report, ledger := ask(t, c.receiver, c.change)
			if report.Status != probe.StatusOK {
				t.Fatalf("got status %s (%s), want ok", report.Status, report.Reason)
			}
			for _, res := range report.Results {
				if demands(name, res) {
					continue
				}
				switch res.Verdict {
				case probe.Strict, probe.Correct, probe.NotApplicable:
				default:
					t.Errorf("%s: got %s (%s), want strict, correct or not-applicable", res.Check.ID, res.Verdict, res.Reason)
					show(t, res)
				}
				if res.Conformance == probe.Violates || res.Conformance == probe.Deviates {
					t.Errorf("%s: got %s, want no fault found", res.Check.ID, res.Conformance)
				}
			}
			if ledger.TextOctets != 0 || ledger.GoneInText != 0 {
				t.Errorf("the receiver read %d octets of message text, want none", ledger.TextOctets)
			}
		})
	}
}

// defaults are the extensions that a receiver of the lab offers.
func defaults() []string { return without() }

func codeOf(reply string) int {
	code, _, _ := strings.Cut(reply, " ")
	n, _ := strconv.Atoi(code) // no code is 0
	return n
}
