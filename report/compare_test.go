package report_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/report"
)

// habitual are the checks of the samples, some with a habit, two with the same.
func habitual(r report.Run) report.Run {
	must := map[string]probe.Habit{
		"rcpt-before-mail": {Name: "RCPT before MAIL", Must: "send RCPT only behind MAIL"},
		"data-before-mail": {Name: "DATA to nobody", Must: "count its recipients"}, "data-without-rcpt": {Name: "DATA to nobody", Must: "count its recipients"},
		"rset-clears":         {Name: "no MAIL after RSET", Must: "send MAIL after RSET"},
		"pipeline-after-helo": {Name: "pipelines after HELO", Must: "wait after HELO"},
	}
	r.Order = slices.Clone(r.Order)
	for i := range r.Order {
		r.Order[i].Habit = must[r.Order[i].ID]
	}
	return r
}

// TestCompareSaysWhatASenderMustDo counts by hand: the samples have a lenient
// receiver, one of which nearly nothing is known, two strict ones, and one that
// was not reached.
func TestCompareSaysWhatASenderMustDo(t *testing.T) {
	var out bytes.Buffer
	if err := report.CompareTable(&out, habitual(severalDomains()), report.Style{Width: 120}, false); err != nil {
		t.Fatal(err)
	}
	_, said, _ := strings.Cut(out.String(), "What a sender must do to get along with all of them\n")
	want := `A sender must send RCPT only behind MAIL: 3 of 3 receivers refuse otherwise.
A sender must count its recipients: 2 of 3 receivers refuse otherwise.
A sender must send MAIL after RSET: 2 of 3 receivers forget the transaction otherwise.
A sender must wait after HELO: 2 of 3 receivers close the connection otherwise.
`
	if said != want {
		t.Errorf("got\n%s\nwant\n%s", said, want)
	}
	lines := strings.Split(out.String(), "\n")
	first := slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, " 1 mail.d3.example.org") })
	last := slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, " 4 mail.d1.example.org") })
	if first < 0 || last < first {
		t.Errorf("got\n%s\nwant the strict receiver first and the lenient one behind it", out.String())
	}
}

// TestCompareTablesAreInert holds that no table shows what a server said raw.
func TestCompareTablesAreInert(t *testing.T) {
	hostile := habitual(severalDomains())
	r := &hostile.Receivers[0]
	r.Host, r.Reason, r.Status = "mx\x1b[2J.example", "\x07 \u202e", probe.StatusBlocked
	r.Results[1].Reason = "\x1b]0;owned\x07"
	was := r.Results[1]
	was.Verdict = probe.Strict
	var out bytes.Buffer
	for _, all := range []bool{true, false} {
		if err := report.CompareTable(&out, hostile, report.Style{}, all); err != nil {
			t.Fatal(err)
		}
	}
	again := report.Rejudged{
		Changes: []report.Rejudgement{{Receiver: r.Receiver, Old: was, New: r.Results[1]}},
		Stay:    []report.Stay{{Receiver: r.Receiver, Why: "\x1b[31m", Checks: []string{"\x07"}}},
	}
	if err := report.RejudgedTable(&out, again, report.Style{}); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(out.String(), "\x1b\x07\u202e") {
		t.Errorf("got raw octets in\n%q", out.String())
	}
	for line := range strings.Lines(out.String()) {
		if n := len([]rune(line)); n > 81 {
			t.Errorf("got %d columns, want 80 at most: %s", n, line)
		}
	}
}

// TestJoinKeepsTheDomainsOfAReceiver joins two runs that came to one receiver by a
// domain each: none of the two is without one.
func TestJoinKeepsTheDomainsOfAReceiver(t *testing.T) {
	first, second := oneDomain(), oneDomain()
	second.Domains = slices.Clone(second.Domains)
	second.Domains[0].Domain, second.Domains[0].ASCII = "other.example", "other.example"
	second.Receivers = slices.Clone(second.Receivers)
	for i := range second.Receivers {
		second.Receivers[i].Domains = []string{"other.example"}
	}
	second.Incomplete = true
	joined := report.Join([]report.Run{first, second}, checks())
	if len(joined.Receivers) != len(first.Receivers) || !joined.Incomplete {
		t.Fatalf("got %d receivers, incomplete %v; want %d, and incomplete as one of the runs is", len(joined.Receivers), joined.Incomplete, len(first.Receivers))
	}
	var out bytes.Buffer
	if err := report.JUnit(&out, joined); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "no receiver of it was probed") {
		t.Error("a domain whose receivers were probed is said to have none")
	}
}
