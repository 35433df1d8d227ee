//go:build mta

package mta_test

import (
	"context"
	"net"
	"slices"
	"strconv"
	"testing"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/run"
	"github.com/smtpprobe/smtpprobe/probe/wire"
)

// apart probes a receiver with every check in a session of its own. What a check says must
// not depend on what was said before it in the same session: the matrix holds here too.
func (b bench) apart(t *testing.T, name, address string) {
	catalogue := checks.All()
	for i := range catalogue {
		catalogue[i].Own = true
	}
	report := inProcess(t, name, address, catalogue, catalogue)
	for _, res := range report.Results {
		if !slices.Contains(races, res.Check.ID) { // they have one in any run
			b.same(t, name, res)
		}
	}
}

// same holds the verdict and the conformance of a result against its line.
func (b bench) same(t *testing.T, name string, res probe.Result) {
	t.Helper()
	want := b.matrix[name][res.Check.ID]
	if res.Verdict.String() == want.verdict && string(res.Conformance) == want.conformance {
		return
	}
	t.Errorf("%s: got %s|%s (%s), want %s|%s", res.Check.ID, res.Verdict, res.Conformance, res.Reason, want.verdict, want.conformance)
	for _, e := range res.Transcript {
		t.Logf("%9.1f %-6s %s", float64(e.At)/1e6, e.From, e)
	}
}

// inProcess probes a receiver without the command around it.
func inProcess(t *testing.T, name, address string, catalogue, selected []probe.Check) probe.Report {
	t.Helper()
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), oneRun)
	defer cancel()
	report := run.Receiver(ctx, probe.Receiver{
		Host: "mx." + name + ".example", Address: address, Port: uint16(number),
		Platform: name + ".example", Recipient: "postmaster@" + name + ".example",
	}, run.Options{
		Catalogue: catalogue, Selected: selected, TLS: run.Auto,
		Wire: wire.Config{
			Values: probe.Values{EHLO: "probe.lab.example", From: "<>"},
			Dial:   (&net.Dialer{}).DialContext,
		},
	})
	if report.Status != probe.StatusOK {
		t.Fatalf("got status %s (%s), want ok", report.Status, report.Reason)
	}
	return report
}
