package probe_test

import (
	"testing"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// found decides a check whose judge finds this, whatever was said.
func found(t *testing.T, level probe.Level, allowed smtp.Codes, f probe.Finding) probe.Result {
	t.Helper()
	c := dataBeforeMail()
	c.Level, c.Allowed = level, allowed
	c.Judge = probe.Judge{Find: func(probe.Evidence) probe.Finding { return f }}
	return judge(t, c, heard{}, "--\nC: DATA\nS: 503 5.5.1 no")
}

// Only a MUST can be violated, a SHOULD is deviated from, what is MAY or none is
// an observation (catalogue section 3).
func TestConformanceFollowsFromTheLevel(t *testing.T) {
	const (
		conforms, deviates, violates, unregulated = probe.Conforms, probe.Deviates, probe.Violates, probe.Unregulated
	)
	levels := []probe.Level{probe.Must, probe.Should, probe.May, probe.None}
	tests := []struct {
		verdict probe.Verdict
		want    [4]probe.Conformance
	}{
		{probe.Strict, [4]probe.Conformance{conforms, conforms, conforms, unregulated}},
		{probe.Correct, [4]probe.Conformance{conforms, conforms, conforms, unregulated}},
		{probe.Deviant, [4]probe.Conformance{violates, deviates, unregulated, unregulated}},
		{probe.Lenient, [4]probe.Conformance{violates, deviates, unregulated, unregulated}},
		{probe.Overstrict, [4]probe.Conformance{violates, deviates, unregulated, unregulated}},
		{probe.Dropped, [4]probe.Conformance{violates, deviates, unregulated, unregulated}},
		{probe.Broken, [4]probe.Conformance{violates, deviates, unregulated, unregulated}},
		{probe.Inconclusive, [4]probe.Conformance{"", "", "", ""}},
		{probe.NotApplicable, [4]probe.Conformance{"", "", "", ""}},
	}
	for _, tt := range tests {
		for i, level := range levels {
			t.Run(tt.verdict.String()+" "+level.String(), func(t *testing.T) {
				got := found(t, level, "", probe.Found(tt.verdict, reply(t, "502 no"), "for a test"))
				if got.Verdict != tt.verdict || got.Conformance != tt.want[i] {
					t.Errorf("got %s %q, want %s %q", got.Verdict, got.Conformance, tt.verdict, tt.want[i])
				}
			})
		}
	}
}

// What the RFC allows besides conforms; a close is never allowed, but 421 always
// is (RFC 5321 3.8, 4.3.2).
func TestConformanceOfAllowedCodes(t *testing.T) {
	tests := []struct {
		name    string
		level   probe.Level
		allowed smtp.Codes
		verdict probe.Verdict
		reply   string
		want    probe.Conformance
	}{
		{"an allowed refusal", probe.Must, "502,504", probe.Deviant, "502 no", probe.Conforms},
		{"one that is not", probe.Must, "502,504", probe.Deviant, "550 no", probe.Violates},
		{"an allowed acceptance", probe.Should, "354", probe.Lenient, "354 go", probe.Conforms},
		{"a class", probe.Must, "2yz", probe.Lenient, "251 ok", probe.Conforms},
		{"an allowed refusal of service", probe.Must, "502", probe.Overstrict, "502 no", probe.Conforms},
		{"an allowed code and a close", probe.Must, "502", probe.Dropped, "502 no", probe.Violates},
		{"an allowed code and a reply too many", probe.Must, "502", probe.Broken, "502 no", probe.Violates},
		{"421", probe.Must, "", probe.Dropped, "421 bye", probe.Conforms},
		{"421 of a SHOULD", probe.Should, "", probe.Dropped, "421 bye", probe.Conforms},
		{"421 and no rule", probe.None, "", probe.Dropped, "421 bye", probe.Unregulated},
		{"421 and a reply too many", probe.Must, "", probe.Broken, "421 bye", probe.Violates},
		{"allowed and no rule", probe.None, "502", probe.Deviant, "502 no", probe.Unregulated},
		{"allowed and unknown", probe.Must, "502", probe.Inconclusive, "502 no", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := found(t, tt.level, tt.allowed, probe.Found(tt.verdict, reply(t, tt.reply), "for a test"))
			if got.Conformance != tt.want {
				t.Errorf("got %q, want %q", got.Conformance, tt.want)
			}
		})
	}
	t.Run("a close without a reply", func(t *testing.T) {
		if got := found(t, probe.Must, "502", probe.Finding{Verdict: probe.Dropped, Reason: "closed"}); got.Conformance != probe.Violates {
			t.Errorf("got %q, want %q", got.Conformance, probe.Violates)
		}
	})
}

func TestConformanceThatTheJudgeSays(t *testing.T) {
	f := probe.Found(probe.Lenient, reply(t, "354 go"), "PIPELINING is offered")
	f.Says = probe.Deviates
	if got := found(t, probe.May, "354", f); got.Conformance != probe.Deviates {
		t.Errorf("got %q, want %q", got.Conformance, probe.Deviates)
	}
	f.Verdict = probe.Inconclusive
	if got := found(t, probe.May, "354", f); got.Conformance != "" {
		t.Errorf("got %q where nothing is known, want nothing", got.Conformance)
	}
}

func TestStrictnessCountsOrderingChecks(t *testing.T) {
	type row struct {
		ordering bool
		polarity probe.Polarity
		verdict  probe.Verdict
	}
	const n, p, clears, keeps, o = probe.Refusal, probe.Service, probe.Clearing, probe.Keeping, probe.Observation
	tests := []struct {
		name string
		rows []row
		want probe.Strictness
	}{
		{"nothing", nil, probe.Strictness{}},
		{"strict, deviant and dropped enforce", []row{{true, n, probe.Strict}, {true, n, probe.Deviant}, {true, n, probe.Dropped}}, probe.Strictness{Enforced: 3, Of: 3}},
		{"lenient does not", []row{{true, n, probe.Lenient}, {true, n, probe.Strict}}, probe.Strictness{Enforced: 1, Of: 2}},
		{"correct of a state that must be cleared does", []row{{true, clears, probe.Correct}, {true, clears, probe.Lenient}}, probe.Strictness{Enforced: 1, Of: 2}},
		{"dropped of one does", []row{{true, clears, probe.Dropped}}, probe.Strictness{Enforced: 1, Of: 1}},
		{"overstrict of one does not count", []row{{true, clears, probe.Overstrict}}, probe.Strictness{}},
		{"correct of another does not count", []row{{true, p, probe.Correct}, {true, keeps, probe.Correct}, {true, o, probe.Correct}}, probe.Strictness{}},
		{"broken, inconclusive and not applicable do not count", []row{{true, n, probe.Broken}, {true, n, probe.Inconclusive}, {true, n, probe.NotApplicable}}, probe.Strictness{}},
		{"other checks do not count", []row{{false, n, probe.Strict}, {false, n, probe.Lenient}, {false, clears, probe.Correct}}, probe.Strictness{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r probe.Report
			for _, row := range tt.rows {
				c := &probe.Check{Ordering: row.ordering, Polarity: row.polarity}
				r.Results = append(r.Results, probe.Result{Check: c, Verdict: row.verdict})
			}
			if got := r.Strictness(); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestReportCounts(t *testing.T) {
	c := &probe.Check{}
	r := probe.Report{Results: []probe.Result{
		{Check: c, Verdict: probe.Strict, Conformance: probe.Conforms},
		{Check: c, Verdict: probe.Lenient, Conformance: probe.Violates},
		{Check: c, Verdict: probe.Lenient, Conformance: probe.Deviates},
		{Check: c, Verdict: probe.Inconclusive},
	}}
	if got := r.Count(probe.Lenient); got != 2 {
		t.Errorf("got %d lenient, want 2", got)
	}
	if got := r.Violations(); got != 1 {
		t.Errorf("got %d violations, want 1", got)
	}
	if !r.Measured() {
		t.Error("got nothing measured, want something")
	}
	r.Results = []probe.Result{{Check: c}, {Check: c, Verdict: probe.NotApplicable}}
	if r.Measured() || r.Violations() != 0 {
		t.Error("got something measured, want nothing")
	}
}

// The words are part of the contract of the JSON report.
func TestWordsOfTheReport(t *testing.T) {
	verdicts := map[probe.Verdict]string{
		0: "inconclusive", probe.NotApplicable: "not-applicable", probe.Strict: "strict", probe.Deviant: "deviant",
		probe.Lenient: "lenient", probe.Dropped: "dropped", probe.Correct: "correct", probe.Overstrict: "overstrict",
		probe.Broken: "broken",
	}
	for v, want := range verdicts {
		if got, err := v.MarshalText(); string(got) != want || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	seen := map[probe.Verdict]bool{}
	for _, v := range probe.Verdicts() {
		seen[v] = true
	}
	if len(seen) != len(verdicts) || len(probe.Verdicts()) != len(verdicts) {
		t.Errorf("got %v, want each of the %d verdicts once", probe.Verdicts(), len(verdicts))
	}
	for l, want := range map[probe.Level]string{0: "none", probe.May: "MAY", probe.Should: "SHOULD", probe.Must: "MUST"} {
		if got, err := l.MarshalText(); string(got) != want || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	for p, want := range map[probe.Profile]string{0: "quick", probe.Standard: "standard", probe.Full: "full"} {
		if got, err := p.MarshalText(); string(got) != want || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	if got := len(probe.Groups()); got != 10 {
		t.Errorf("got %d groups, want 10", got)
	}
	for p, want := range map[probe.Party]string{probe.FromClient: "client", probe.FromServer: "server", probe.FromProbe: "probe"} {
		if got := p.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestBriefShowsAReplyOnOneLine(t *testing.T) {
	tests := []struct {
		name  string
		reply smtp.Reply
		want  string
	}{
		{"nothing", smtp.Reply{}, "nothing"},
		{"one line", reply(t, "503 5.5.1 need MAIL"), "503 5.5.1 need MAIL"},
		{"several lines", reply(t, "503-5.5.1 need", "503 5.5.1 MAIL"), "503 5.5.1 need 5.5.1 MAIL"},
		{"code alone", reply(t, "503"), "503"},
		{"control characters", reply(t, "503 \x1b[31mred\a"), `503 \x1b[31mred\x07`},
		{"octets above 127", reply(t, "503 \xc3\xbc"), `503 \xc3\xbc`},
		{"no code", reply(t, "what?"), `"what?"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := probe.Brief(tt.reply); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	for _, octet := range []string{"x", "\x00", "\xff"} {
		long := "503 "
		for range 3000 {
			long += octet
		}
		if got := probe.Brief(reply(t, long)); len(got) > len("503 ")+120 {
			t.Errorf("got %d octets, want at most 120 of the text", len(got))
		}
	}
}
