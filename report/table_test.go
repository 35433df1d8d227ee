package report_test

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/olekukonko/tablewriter/pkg/twwidth"
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/report"
	"pgregory.net/rapid"
)

// draw is the table as text.
func draw(t rapid.TB, run report.Run, style report.Style) string {
	t.Helper()
	var out bytes.Buffer
	if err := report.Table(&out, run, style); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// hosts are names as they come from the DNS and from users, and worse.
var hosts = rapid.OneOf(
	rapid.StringMatching(`([a-z0-9-]{1,30}\.){1,6}example`),
	rapid.StringMatching(`[a-z]{150,250}`),
	rapid.StringMatching(`[例え测试بüß]{1,40}\.example`),
	rapid.String(),
)

var anyFinding = rapid.Custom(func(t *rapid.T) finding {
	return finding{
		rapid.SampledFrom(probe.Verdicts()).Draw(t, "verdict"),
		rapid.SampledFrom([]string{"", "250 Ok", "503 5.5.1 no", "421 4.7.0 bye", "nonsense"}).Draw(t, "reply"),
		rapid.OneOf(rapid.Just(""), rapid.String(), rapid.StringMatching(`[a-z]{0,600}`)).Draw(t, "reason"),
	}
})

var anyReport = rapid.Custom(func(t *rapid.T) probe.Report {
	r := reportOf(hosts.Draw(t, "host"), "2001:db8::1", hosts.Draw(t, "domain"))
	r.Status = rapid.SampledFrom([]probe.Status{
		probe.StatusOK, probe.StatusOK, probe.StatusOK, probe.StatusUnreachable, probe.StatusRefused, probe.StatusBlocked,
		probe.StatusNotSMTP, probe.StatusTLSRequired, probe.StatusTimedOut, probe.StatusSkipped, probe.StatusInterrupted,
	}).Draw(t, "status")
	r.Reason, r.Banner = rapid.String().Draw(t, "reason"), rapid.String().Draw(t, "banner")
	r.Results = results(rapid.SliceOfN(anyFinding, 0, len(checks())).Draw(t, "results"))
	return r
})

var anyRun = rapid.Custom(func(t *rapid.T) report.Run {
	var domains []report.Domain
	for _, name := range rapid.SliceOfN(hosts, 0, 3).Draw(t, "domains") {
		d := domainOf(name, hosts.Draw(t, "exchange"))
		d.Status = rapid.SampledFrom([]string{"ok", "null-mx", "nxdomain", "no-address", "dns-error", "unusable-mx", "invalid"}).Draw(t, "status")
		d.ASCII, d.ImplicitMX = hosts.Draw(t, "ascii"), rapid.Bool().Draw(t, "implicit")
		domains = append(domains, d)
	}
	run := runOf(domains, rapid.SliceOfN(anyReport, 0, 12).Draw(t, "receivers")...)
	run.Order = run.Order[:rapid.IntRange(0, len(run.Order)).Draw(t, "checks")]
	return run
})

func TestNoLineIsWiderThanTheScreen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		style := report.Style{
			Width: rapid.IntRange(60, 180).Draw(t, "width"), Color: rapid.Bool().Draw(t, "colour"),
			ASCII: rapid.Bool().Draw(t, "ascii"), Transcript: rapid.Bool().Draw(t, "transcript"),
		}
		for line := range strings.Lines(draw(t, anyRun.Draw(t, "run"), style)) {
			line = strings.TrimSuffix(line, "\n")
			if got := twwidth.WidthWithOptions(line, twwidth.Options{}); got > style.Width {
				t.Fatalf("got %d columns in %q, want at most %d", got, line, style.Width)
			}
			if style.ASCII && !style.Color && foreign(line, true) != "" {
				t.Fatalf("got %q, want ASCII", line)
			}
		}
	})
}

// cellPattern is a verdict in a cell of the table by checks, in ASCII.
var cellPattern = regexp.MustCompile(`\| (?:[+~/!^X?-] (strict|deviant|lenient|dropped|correct|overstrict|broken|inconclusive|n/a))`)

func TestNoCellIsLostBetweenBlocks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		run := oneReceiver()
		run.Receivers = nil
		want := 0
		for i, found := range rapid.SliceOfN(rapid.SliceOfN(anyFinding, 1, len(checks())), 1, 8).Draw(t, "receivers") {
			found[0].verdict = probe.Strict // measured, hence a column
			r := reportOf(fmt.Sprintf("mx%d.example.com", i), "192.0.2.1", "example.com")
			r.Results = results(found)
			for i := range r.Results {
				r.Results[i].Reason = "because" // cannot look like a cell
			}
			run.Receivers = append(run.Receivers, r)
			want += len(found)
		}
		text := draw(t, run, report.Style{ASCII: true, Width: rapid.IntRange(60, 250).Draw(t, "width")})
		if got := len(cellPattern.FindAllString(text, -1)); got != want {
			t.Fatalf("got %d verdicts, want %d in\n%s", got, want, text)
		}
	})
}

func TestTableSaysWhatMattersInWords(t *testing.T) {
	on := func(port uint16, status probe.Status) report.Run {
		run := unreachable()
		for i := range run.Receivers {
			run.Receivers[i].Port, run.Receivers[i].Status = port, status
		}
		return run
	}
	oneSkipped := unreachable()
	oneSkipped.Receivers[1].Status = probe.StatusSkipped
	allSkipped := on(25, probe.StatusSkipped)
	refused := unreachable()
	refused.Receivers[1].Status = probe.StatusRefused
	implicit := oneReceiver()
	implicit.Domains[0].ImplicitMX = true
	inside := oneReceiver()
	inside.Receivers[0].Inside = true
	partial := oneReceiver()
	partial.Receivers[0].Status, partial.Receivers[0].Reason = probe.StatusInterrupted, "SIGINT"
	gone := report.Run{Domains: []report.Domain{{Domain: "gone.example", ASCII: "gone.example", Status: "nxdomain"}}}
	const blocked = "outbound port 25 is probably blocked here"
	tests := []struct {
		name, says string
		run        report.Run
		want       bool
	}{
		{"all unreachable on 25", blocked, unreachable(), true},
		{"all timed out on 25", blocked, on(25, probe.StatusTimedOut), true},
		{"the one that was tried", blocked, oneSkipped, true},
		{"none was tried", blocked, allSkipped, false},
		{"one refused, so packets pass", blocked, refused, false},
		{"another port", blocked, on(2525, probe.StatusUnreachable), false},
		{"measured", blocked, oneReceiver(), false},
		{"all inconclusive", "All is inconclusive", unsure(), true},
		{"something known", "All is inconclusive", oneDomain(), false},
		{"no receiver", "There was no receiver to probe.", gone, true},
		{"a domain that does not exist", "gone.example: does not exist", gone, true},
		{"implicit MX", "the domain is its own mail exchanger", implicit, true},
		{"inside TLS", "all checks inside TLS", inside, true},
		{"partly measured", "measured in part: the run was interrupted: SIGINT.", partial, true},
		{"both numbers", "strict 8 of 9", oneReceiver(), true},
		{"the server's own text", "554 5.7.1 Your address", oneDomain(), true},
		{"another address family's port", "[192.0.2.1] port 2525", on(2525, probe.StatusRefused), true},
		{"who must mend what", "Read the reply to MAIL before RCPT", oneReceiver(), true},
		{"what is tolerated", "mail-before-ehlo: accepted with 250", oneReceiver(), true},
		{"where receivers differ", "rcpt-before-mail: refused with 503 (1), refused with 502 (2)", oneDomain(), true},
		{"a state that is cleared", "rset-clears: the transaction is gone (1), the transaction survives (2)", oneDomain(), true},
		{"one reason for many checks", "- STARTTLS is not offered (2, 3): tls-mail-without-ehlo", oneDomain(), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := draw(t, tt.run, report.Style{Width: 180})
			if got := strings.Contains(text, tt.says); got != tt.want {
				t.Errorf("got %q: %v, want %v in\n%s", tt.says, got, tt.want, text)
			}
		})
	}
}

func TestConsequencesForASender(t *testing.T) {
	tests := []struct {
		name     string
		polarity probe.Polarity
		found    finding
		want     string // empty: nothing is said
	}{
		{"refused", probe.Refusal, finding{probe.Strict, "503 no", ""}, "x: refused with 503\n  A sender. Fix it."},
		{"refused otherwise", probe.Refusal, finding{probe.Deviant, "550 no", ""}, "x: refused with 550\n"},
		{"strict by silence", probe.Refusal, finding{probe.Strict, "", ""}, "x: not obeyed\n"},
		{"strict and served", probe.Refusal, finding{probe.Strict, "220 ready", "discarded"}, ""},
		{"closed", probe.Refusal, finding{probe.Dropped, "", ""}, "x: the connection is closed\n"},
		{"broken", probe.Service, finding{probe.Broken, "", ""}, "x: replies and commands no longer match\n"},
		{"accepted", probe.Refusal, finding{probe.Lenient, "250 ok", ""}, "receiver\nx: accepted with 250\n"},
		{"accepted without a code", probe.Refusal, finding{probe.Lenient, "", ""}, "receiver\nx: tolerated\n"},
		{"state seen by a refused recipient", probe.Refusal, finding{probe.Lenient, "550 5.1.1 no", ""}, "receiver\nx: tolerated\n"},
		{"survives", probe.Clearing, finding{probe.Lenient, "250 ok", ""}, "receiver\nx: the transaction survives\n"},
		{"cleared", probe.Clearing, finding{probe.Correct, "503 no", ""}, "x: the transaction is gone\n  A sender."},
		{"kept", probe.Keeping, finding{probe.Correct, "250 ok", ""}, ""},
		{"lost", probe.Keeping, finding{probe.Overstrict, "503 no", "the transaction was gone"}, "x: the transaction is disturbed\n"},
		{"served", probe.Service, finding{probe.Correct, "250 ok", ""}, ""},
		{"not served", probe.Service, finding{probe.Overstrict, "502 no", ""}, "x: refused with 502 although it is allowed\n"},
		{"observed", probe.Observation, finding{probe.Deviant, "220 _bad_ ESMTP", ""}, "x: the rule is not kept\n"},
		{"unknown", probe.Refusal, finding{probe.Inconclusive, "503 no", "why"}, ""},
		{"not applicable", probe.Refusal, finding{probe.NotApplicable, "", "why"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			run := oneReceiver()
			run.Order = []probe.Check{{ID: "x", Group: "sequence", Polarity: tt.polarity, Bites: "A sender", Fix: "Fix it."}}
			run.Receivers[0].Results = []probe.Result{{
				Check: &run.Order[0], Verdict: tt.found.verdict, Reply: say(tt.found.reply), Reason: tt.found.reason,
			}}
			text := draw(t, run, report.Style{})
			if tt.want == "" && strings.Contains(text, "\nx: ") || !strings.Contains(text, tt.want) {
				t.Errorf("got\n%s\nwant %q in it", text, tt.want)
			}
		})
	}
}

func TestComparisonPutsTheStrictestFirst(t *testing.T) {
	text := draw(t, severalDomains(), report.Style{Width: 200, ASCII: true})
	var got []string
	for _, m := range regexp.MustCompile(`(?m)^ \d ([a-z0-9-]+)`).FindAllStringSubmatch(text, -1) {
		got = append(got, m[1])
	}
	// One verdict alone (d2) does not beat eight of nine; what was not measured (mx) comes last.
	if want := []string{"mail", "d4-example-org", "mail", "mail", "mx"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v in\n%s", got, want, text)
	}
	order := []string{"mail.d3.", "d4-example-org.", "mail.d2.", "mail.d1.", "mx.d5.", "gone.example: does not exist", "takes no mail"}
	last := -1
	for _, name := range order {
		at := strings.Index(text, name)
		if at <= last {
			t.Errorf("got %q at %d, want it behind %d", name, at, last)
		}
		last = at
	}
}

func TestComparisonSaysWhichPipeliningApplied(t *testing.T) {
	text := draw(t, severalDomains(), report.Style{Width: 200, ASCII: true})
	for _, want := range []string{"/ 421 HELO", "! 250 EHLO", "EHLO is the check pipeline-unadvertised"} {
		if !strings.Contains(text, want) {
			t.Errorf("got no %q in\n%s", want, text)
		}
	}
}

func TestFewSelectedChecksHaveColumnsOfTheirOwn(t *testing.T) {
	run := severalDomains()
	run.Order = run.Order[4:5]
	text := draw(t, run, report.Style{Width: 120})
	for _, want := range []string{"nested-", "✓ 503", "! 250"} {
		if !strings.Contains(text, want) {
			t.Errorf("got no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "Groups:") {
		t.Errorf("got groups, want none in\n%s", text)
	}
}

func TestReceiversAreColumnsOfOneTargetAndRowsOfMany(t *testing.T) {
	named := func(hosts ...string) report.Run {
		run := oneReceiver()
		run.Domains, run.Receivers = nil, nil
		for _, h := range hosts {
			r := reportOf(h, "192.0.2.1", h)
			r.Results = results(strict())
			run.Receivers = append(run.Receivers, r)
		}
		return run
	}
	many := oneReceiver()
	for range 8 {
		many.Receivers = append(many.Receivers, many.Receivers[0])
	}
	both := named("mx.example.net")
	both.Domains = []report.Domain{domainOf("example.com")}
	idn := oneReceiver()
	idn.Domains[0].Domain, idn.Domains[0].ASCII = "b\u00fccher.example", "xn--bcher-kva.example"
	idn.Receivers[0].Domains = []string{"xn--bcher-kva.example"}
	tests := []struct {
		name string
		run  report.Run
		rows bool
	}{
		{"one domain", oneDomain(), false},
		{"one domain in two spellings", idn, false},
		{"more than a handful", many, true},
		{"several domains", severalDomains(), true},
		{"one host", named("mx.example.com"), false},
		{"one host at two addresses", named("mx.example.com", "mx.example.com"), false},
		{"two hosts", named("mx.example.com", "mx.example.net"), true},
		{"a domain and a host", both, true},
		{"nothing", report.Run{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := strings.Contains(draw(t, tt.run, report.Style{}), "\n receiver "); got != tt.rows {
				t.Errorf("got rows: %v, want %v", got, tt.rows)
			}
		})
	}
}

func TestDialogueShowsEveryOctet(t *testing.T) {
	run := oneReceiver()
	run.Receivers[0].Results[0].Transcript = probe.Transcript{
		{From: probe.FromProbe, Note: probe.NoteConnected},
		{From: probe.FromServer, Text: "220 mx \\r\\n\n"},
		{From: probe.FromClient, Text: "MAIL FROM:<>\r\nRSET\r\n", At: 12345000},
		{From: probe.FromClient, Text: "NO"},
		{From: probe.FromServer, Text: "250 a  b\r\n", Cut: 9},
	}
	text := draw(t, run, report.Style{Transcript: true})
	want := `
       0.0 *: connected
       0.0 S: 220 mx \\r\\n\n
      12.3 C: MAIL FROM:<>
           C: RSET
       0.0 C: NO\[no line end]
       0.0 S: 250 a  b\[9 octets left out]
`
	if !strings.Contains(text, want) {
		t.Errorf("got\n%s\nwant in it%s", text, want)
	}
}
