package report_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
	"github.com/smtpprobe/smtpprobe/report"
	"github.com/smtpprobe/smtpprobe/report/schematest"
)

// TestDiffSaysWhatChangedAndNothingElse changes one thing of a run at a time.
func TestDiffSaysWhatChangedAndNothingElse(t *testing.T) {
	first := func(change func(*probe.Report)) func(*report.Run) {
		return func(r *report.Run) { change(&r.Receivers[0]) }
	}
	verdict := func(change func(*probe.Result)) func(*report.Run) {
		return first(func(r *probe.Report) { change(&r.Results[1]) })
	}
	tests := []struct {
		name    string
		change  func(*report.Run)
		changes string // "kind subject old>new", by semicolons
		apart   string // words of what stands apart
	}{
		{"nothing", func(*report.Run) {}, "", ""},
		{"a verdict", verdict(func(r *probe.Result) { r.Verdict = probe.Lenient }), "verdict rcpt-before-mail strict>lenient", ""},
		{"not applicable any more", verdict(func(r *probe.Result) { r.Verdict = probe.NotApplicable }), "verdict rcpt-before-mail strict>not-applicable", ""},
		{"a code", verdict(func(r *probe.Result) { r.Reply = say("550 5.5.1 no") }), "", ""},
		{"conformance", verdict(func(r *probe.Result) { r.Conformance = probe.Violates }), "", ""},
		{"inconclusive", verdict(func(r *probe.Result) { r.Verdict = probe.Inconclusive }), "", "flaky or inconclusive in one of the runs: 1 check of mail.d1"},
		{"another rule", verdict(func(r *probe.Result) {
			c := *r.Check
			c.Rev++
			r.Check, r.Verdict = &c, probe.Lenient
		}), "", "rejudge OLD first): rcpt-before-mail"},
		{"inside TLS", verdict(func(r *probe.Result) { r.TLS, r.Verdict = true, probe.Lenient }), "", "in clear in the other: mail.d1"},
		{"TLS switched off", verdict(func(r *probe.Result) { r.Verdict, r.Reason = probe.NotApplicable, probe.TLSOff }), "", "TLS was switched off"},
		{"not asked", first(func(r *probe.Report) { r.Results = slices.Delete(r.Results, 1, 2) }), "", "asked in one of the runs only: 1 check of mail.d1"},
		{"an observation of less", first(func(r *probe.Report) {
			c := *r.Results[1].Check
			c.Polarity = probe.Observation
			r.Results[1].Check, r.Results[1].Verdict = &c, probe.Deviant
			r.Results = r.Results[:8]
		}), "", "the runs did not ask the same"},
		{"software", first(func(r *probe.Report) { r.Software = "Exim" }), "software  Postfix>Exim", ""},
		{"banner", first(func(r *probe.Report) { r.Banner = "other Postfix" }), "", ""},
		{
			"capabilities", first(func(r *probe.Report) { r.Offered = smtp.Capabilities{"size 5", "pipelining"} }),
			"capability SIZE >SIZE 5; capability STARTTLS STARTTLS>", "",
		},
		{"capabilities inside TLS", first(func(r *probe.Report) { r.OfferedTLS = smtp.Capabilities{"AUTH PLAIN", "PIPELINING"} }), "capability AUTH >AUTH PLAIN", ""},
		{"nobody asked inside TLS", first(func(r *probe.Report) { r.OfferedTLS = nil }), "", ""},
		{"not reached", first(func(r *probe.Report) {
			r.Status, r.Offered, r.Software, r.Results = probe.StatusUnreachable, nil, "", nil
		}), "", "could not be measured, or not to the end, in one of the runs: mail.d1"},
		{"an address that moved", first(func(r *probe.Report) {
			r.Address, r.Results[1].Verdict = "198.51.100.77", probe.Lenient
		}), "verdict rcpt-before-mail strict>lenient", "the address moved, the host and the port are the same: mail.d1"},
		{"a host with another name", first(func(r *probe.Report) { r.Host = "other.example" }), "", ""},
		{"another port", first(func(r *probe.Report) { r.Port = 26 }), "", "only in the new run: mail.d1"},
		{"a receiver less", func(r *report.Run) { r.Receivers = r.Receivers[1:] }, "", "only in the old run: mail.d1"},
		{"an exchange more", func(r *report.Run) {
			r.Domains[0].Exchanges = append(slices.Clone(r.Domains[0].Exchanges), report.Exchange{Preference: 20, Host: "mx9.example"})
		}, "exchange mx9.example >preference 20", ""},
		{"an exchange less", func(r *report.Run) { r.Domains[0].Exchanges = nil }, "exchange mail.d1.example.org preference 10>", ""},
		{"a preference", func(r *report.Run) {
			r.Domains[0].Exchanges = []report.Exchange{{Preference: 5, Host: "MAIL.d1.example.org"}}
		}, "exchange mail.d1.example.org preference 10>preference 5", ""},
		{"addresses", func(r *report.Run) {
			r.Domains[0].Exchanges = []report.Exchange{{Preference: 10, Host: "mail.d1.example.org", Addresses: []string{"192.0.2.99"}}}
		}, "", ""},
		{"no DNS", func(r *report.Run) {
			r.Domains[0].Status, r.Domains[0].Exchanges = "dns-error", nil
		}, "", "the DNS gave no answer in one of the runs: d1.example.org"},
		{"a domain less", func(r *report.Run) { r.Domains = r.Domains[1:] }, "", "not asked for in the new run: d1.example.org"},
		{"a run without its end", func(r *report.Run) { r.Incomplete, r.Receivers = true, r.Receivers[:1] }, "", "only in the old run"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			old, today := strictFirst(), strictFirst()
			tt.change(&today)
			c := report.Diff(old, today)
			var got []string
			for _, x := range c.All {
				got = append(got, fmt.Sprintf("%s %s %s>%s", x.Kind, x.Subject, x.Old, x.New))
			}
			if said := strings.Join(got, "; "); said != tt.changes {
				t.Errorf("got the changes %q, want %q", said, tt.changes)
			}
			var out bytes.Buffer
			if err := report.DiffTable(&out, c, report.Style{Width: 200}); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(out.String(), tt.apart) || (tt.apart == "") != (len(c.Apart) == 0) {
				t.Errorf("got\n%s\nwant %q apart", out.String(), tt.apart)
			}
			var doc bytes.Buffer
			if err := report.DiffJSON(&doc, old, today, c); err != nil {
				t.Fatal(err)
			}
			schematest.Valid(t, "the changes", doc.Bytes())
			today.Changes = &c
			encodeRun(t, today, false)
			// The other way round the same things differ.
			if back := report.Diff(today, old); len(back.All) != len(c.All) {
				t.Errorf("got %d changes, and back %d", len(c.All), len(back.All))
			}
		})
	}
}

// strictFirst are several domains, the first with the strictest receiver.
func strictFirst() report.Run {
	r := severalDomains()
	r.Receivers = r.Receivers[:4]
	r.Receivers[0].Results, r.Receivers[1].Results = results(strict()), results(strict())
	r.Started = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	return r
}

// TestDiffIsInert holds that what a server says of itself stays text.
func TestDiffIsInert(t *testing.T) {
	old, today := strictFirst(), strictFirst()
	today.Receivers[0].Software = "\x1b[2J"
	today.Receivers[0].Offered = smtp.Capabilities{"X\x1b]0;owned\x07 \u202e"}
	today.Receivers[0].Results[1].Verdict, today.Receivers[0].Results[1].Reason = probe.Lenient, "\x1b[31m"
	c := report.Diff(old, today)
	var out bytes.Buffer
	if err := report.DiffTable(&out, c, report.Style{}); err != nil {
		t.Fatal(err)
	}
	if err := report.DiffJSON(&out, old, today, c); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(out.String(), "\x1b\x07\u202e") {
		t.Errorf("got raw octets in\n%q", out.String())
	}
}
