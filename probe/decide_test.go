package probe_test

import (
	"strings"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe"
)

// A try of RCPT before MAIL, with its matched control.
const (
	rcptLine = "C: RCPT TO:<postmaster@example.com>\n"
	strict   = "--\n" + rcptLine + "S: 503 5.5.1 need MAIL" + served
	deviant  = "--\n" + rcptLine + "S: 502 5.5.1 need MAIL" + served
	lenient  = "--\n" + rcptLine + "S: 250 2.1.5 Ok" + served
	closed   = "--\n" + rcptLine + "*: closed by the server"
	silent   = "--\n" + rcptLine + "+30s\n*: timed out: after 30s"
	limited  = "-- 1\n" + rcptLine + "*: closed by the server"
	policy   = "--\n" + rcptLine + "S: 550 5.7.1 blocked" + served
	unbegun  = "*: closed by the server"
)

// behind is a try in a session that had played another check before.
func behind(try string) string { return strings.Replace(try, "--", "-- 0 1", 1) }

func TestDecideJoinsTries(t *testing.T) {
	tests := []struct {
		name  string
		tries []string
		want  want
		again bool
	}{
		{"strict once", []string{strict}, want{probe.Strict, probe.Conforms, "", 503}, false},
		{"deviant once", []string{deviant}, want{probe.Deviant, probe.Violates, "", 502}, false},
		{"lenient once", []string{lenient}, want{probe.Lenient, probe.Violates, "", 250}, false},
		{"policy once", []string{policy}, want{probe.Inconclusive, "", "policy", 550}, false},
		{"dropped once", []string{closed}, want{probe.Inconclusive, "", "once", 0}, true},
		{"dropped twice", []string{closed, closed}, want{probe.Dropped, probe.Violates, "", 0}, false},
		{"broken once", []string{silent}, want{probe.Inconclusive, "", "once", 0}, true},
		{"broken twice", []string{silent, silent}, want{probe.Broken, probe.Violates, "", 0}, false},
		{"dropped, then strict", []string{closed, strict}, want{probe.Inconclusive, "", "disagree", 0}, false},
		{"strict, then lenient", []string{strict, lenient}, want{probe.Inconclusive, "", "disagree", 0}, false},
		{"dropped, then broken", []string{closed, silent}, want{probe.Inconclusive, "", "disagree", 0}, false},
		{"limit, tried again", []string{limited}, want{probe.Inconclusive, "", "limit", 0}, true},
		{"limit, then strict", []string{limited, strict}, want{probe.Strict, probe.Conforms, "", 503}, false},
		{"limit, then dropped", []string{limited, closed}, want{probe.Inconclusive, "", "once", 0}, true},
		{"limit, then dropped twice", []string{limited, closed, closed}, want{probe.Dropped, probe.Violates, "", 0}, false},
		{"limit twice", []string{limited, limited}, want{probe.Inconclusive, "", "limit", 0}, true},
		{"limit thrice is the end", []string{limited, limited, limited}, want{probe.Inconclusive, "", "limit", 0}, false},
		{"dropped, then never begun", []string{closed, unbegun}, want{probe.Inconclusive, "", "once", 0}, true},
		{"dropped, then never begun twice", []string{closed, unbegun, unbegun}, want{probe.Inconclusive, "", "once", 0}, false},
		{"strict, then policy", []string{strict, policy}, want{probe.Strict, probe.Conforms, "", 503}, false},
		{"policy, then strict", []string{policy, strict}, want{probe.Strict, probe.Conforms, "", 503}, false},
		{"never begun", []string{unbegun}, want{probe.Inconclusive, "", "", 0}, false},
		{"strict behind another check", []string{behind(strict)}, want{probe.Strict, probe.Conforms, "", 503}, false},
		{"lenient behind another check", []string{behind(lenient)}, want{probe.Inconclusive, "", "once", 0}, true},
		{"lenient behind another check, then of its own", []string{behind(lenient), lenient}, want{probe.Lenient, probe.Violates, "", 250}, false},
		{"lenient behind another check, then strict", []string{behind(lenient), strict}, want{probe.Strict, probe.Conforms, "", 503}, false},
		{"policy behind another check", []string{behind(policy)}, want{probe.Inconclusive, "", "policy", 550}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rec := heard{}.record(t)
			for _, text := range tt.tries {
				rec.Tries[probe.RcptBeforeMail] = append(rec.Tries[probe.RcptBeforeMail], dialogue(t, helloed+text))
			}
			c := rcptBeforeMail()
			got := probe.Decide(&c, catalogue(), rec)
			tt.want.check(t, got)
			if got.Again != tt.again {
				t.Errorf("got another try asked for %v, want %v", got.Again, tt.again)
			}
		})
	}
}

func TestDecideRepeatsALenientVerdictWhereTheCheckSaysSo(t *testing.T) {
	c := rcptBeforeMail()
	c.Repeat = true
	rec := heard{}.record(t)
	rec.Tries[c.ID] = append(rec.Tries[c.ID], dialogue(t, helloed+lenient))
	got := probe.Decide(&c, catalogue(), rec)
	want{probe.Inconclusive, "", "once", 0}.check(t, got)
	if !got.Again {
		t.Error("got no other try asked for, want one")
	}
	rec.Tries[c.ID] = append(rec.Tries[c.ID], dialogue(t, helloed+lenient))
	want{probe.Lenient, probe.Violates, "", 250}.check(t, probe.Decide(&c, catalogue(), rec))
	want{probe.Strict, probe.Conforms, "", 503}.check(t, judge(t, c, heard{}, strict))
}

// "Where the B0 at the end fails, a result without a matched control in its own
// session becomes inconclusive."
func TestDecideDistrustsWhatCameBeforeAFailedB0(t *testing.T) {
	const (
		uncontrolled = "--\n" + rcptLine + "S: 503 5.5.1 need MAIL\n*: closed by the server"
		blocked      = "550 5.7.1 your address is blocked"
	)
	fails := map[string]string{
		"turned away":        "*: connected\nS: 554 5.7.1 go away",
		"closed":             "*: connected\n*: closed by the server",
		"greeted and closed": "*: connected\nS: 220 mx.example.com\nC: EHLO client.example\n*: closed by the server",
		"slow":               "*: connected\n+60s\n*: timed out: after 1m0s",
		"EHLO refused":       "*: connected\nS: 220 mx.example.com\nC: EHLO client.example\nS: 550 5.7.1 no",
		"RSET refused":       strings.Replace(plainB0, "250 2.0.0 Ok", "502 5.5.1 no", 1),
		"NOOP refused":       strings.Replace(plainB0, "C: NOOP\n\t\tS: 250 2.0.0 Ok", "C: NOOP\nS: 421 4.7.0 no", 1),
		// B0 expects 250 to MAIL, and this is how a block in the middle of a run
		// looks like.
		"MAIL refused": strings.Replace(plainB0, "250 2.1.0 Ok", blocked, 1),
		"MAIL 421":     strings.Replace(plainB0, "250 2.1.0 Ok", "421 4.7.0 too many connections", 1),
	}
	for name, b0 := range fails {
		t.Run(name, func(t *testing.T) {
			h := heard{baselines: map[probe.Baseline]string{probe.B0Again: b0}}
			if b0 == plainB0 {
				t.Fatal("got the plain B0, want another one")
			}
			want{probe.Inconclusive, "", "", 0}.check(t, judge(t, rcptBeforeMail(), h, uncontrolled))
			want{probe.Inconclusive, "", "", 0}.check(t, judge(t, rcptBeforeMail(), h, closed))
			want{probe.Strict, probe.Conforms, "", 503}.check(t, judge(t, rcptBeforeMail(), h, strict))
		})
	}
	t.Run("it did not fail", func(t *testing.T) {
		want{probe.Strict, probe.Conforms, "", 503}.check(t, judge(t, rcptBeforeMail(), heard{}, uncontrolled))
	})
	t.Run("it was never run", func(t *testing.T) {
		h := heard{baselines: map[probe.Baseline]string{probe.B0Again: ""}}
		want{probe.Strict, probe.Conforms, "", 503}.check(t, judge(t, rcptBeforeMail(), h, uncontrolled))
	})
	t.Run("its capabilities differ", func(t *testing.T) {
		h := heard{baselines: map[probe.Baseline]string{probe.B0Again: strings.Replace(plainB0, "S: 250-PIPELINING\n", "", 1)}}
		want{probe.Strict, probe.Conforms, "", 503}.check(t, judge(t, rcptBeforeMail(), h, uncontrolled))
	})
	t.Run("not applicable stays so", func(t *testing.T) {
		c := rcptBeforeMail()
		c.Needs.Offered = []string{"XNOTHING"}
		h := heard{baselines: map[probe.Baseline]string{probe.B0Again: fails["closed"]}}
		want{probe.NotApplicable, "", "XNOTHING", 0}.check(t, judge(t, c, h, uncontrolled))
	})
}

func TestDecideSaysWhyNothingWasTried(t *testing.T) {
	c := rcptBeforeMail()
	tests := []struct {
		name string
		h    heard
		want string
	}{
		{"lost", heard{lost: map[string]string{c.ID: "its session ended before its turn"}, over: "blocked"}, "its session ended before its turn"},
		{"over", heard{over: "two connections in a row were turned away"}, "two connections in a row"},
		{"over before B1", heard{over: "interrupted", baselines: map[probe.Baseline]string{probe.B1: "", probe.B0Again: ""}}, "interrupted"},
		{"over before B0", heard{over: "connection refused", baselines: map[probe.Baseline]string{probe.B0: "", probe.B1: "", probe.B0Again: ""}}, "connection refused"},
		{"a failed control", heard{baselines: map[probe.Baseline]string{probe.B1: helloed + "C: MAIL FROM:<>\nS: 451 4.3.0 later"}}, "451"},
		{"nothing", heard{}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := probe.Decide(&c, catalogue(), tt.h.record(t))
			want{probe.Inconclusive, "", tt.want, 0}.check(t, got)
			if got.Again || got.Transcript != nil {
				t.Errorf("got another try asked for %v, transcript %v; want neither", got.Again, got.Transcript)
			}
		})
	}
}

// The baseline that a check needs is not known, and its own session has no
// control: nothing is known (catalogue section 3, "ctl.baseline lacks what
// rule.needs").
func TestDecideNeedsTheBaselineOfTheCheck(t *testing.T) {
	const refused = "--\nC: DATA\nS: 503 5.5.1 no\n*: closed by the server"
	for name, b0 := range map[string]string{
		"B0 timed out at MAIL": helloed + "C: MAIL FROM:<>\n+30s\n*: timed out: after 30s",
		"B0 was closed there":  helloed + "C: MAIL FROM:<>\n*: closed by the server",
	} {
		t.Run(name, func(t *testing.T) {
			got := judge(t, dataBeforeMail(), heard{baselines: map[probe.Baseline]string{probe.B0: b0}}, refused)
			want{probe.Inconclusive, "", "", 0}.check(t, got)
		})
	}
}

func TestDecideReadsTheLastTryOfANeededCheck(t *testing.T) {
	const cleared = opened + "C: RSET\nS: 250 2.0.0 Ok\n" + rcptLine + "S: 502 5.5.1 need MAIL"
	for name, tries := range map[string][]string{
		"the only one":    {helloed + deviant},
		"the last of two": {helloed + limited, helloed + deviant},
	} {
		t.Run(name, func(t *testing.T) {
			got := judge(t, rsetClears(), heard{tries: map[string][]string{probe.RcptBeforeMail: tries}}, cleared)
			want{probe.Correct, probe.Conforms, "", 502}.check(t, got)
		})
	}
	t.Run("a check that the catalogue has not", func(t *testing.T) {
		c, rec := rsetClears(), known().record(t)
		rec.Tries[c.ID] = append(rec.Tries[c.ID], dialogue(t, helloed+cleared))
		want{probe.Inconclusive, "", "before MAIL", 0}.check(t, probe.Decide(&c, []probe.Check{c}, rec))
	})
}

// TLS says whether the tested command was sent inside it.
func TestDecideSaysWhetherTheCommandWasInsideTLS(t *testing.T) {
	const inside = "C: STARTTLS\nS: 220 2.0.0 go\n*: TLS handshake done: TLS 1.3\n"
	if got := judge(t, dataBeforeMail(), heard{}, inside+"C: EHLO client.example\nS: 250 mx.example.com\n--\nC: DATA\nS: 503 5.5.1 no"); !got.TLS {
		t.Error("got a command in clear, want it inside TLS")
	}
	if got := judge(t, dataBeforeMail(), heard{}, "--\nC: DATA\nS: 503 5.5.1 no"); got.TLS {
		t.Error("got a command inside TLS, want it in clear")
	}
	c := dataBeforeMail()
	c.Script = probe.Script{probe.Line(probe.Test, "STARTTLS"), {Act: probe.Handshake, Name: probe.StepHandshake}}
	if got := judge(t, c, heard{}, "--\n"+inside); got.TLS {
		t.Error("got a command before the handshake inside TLS, want it in clear")
	}
	c.Script = probe.Script{probe.Line("starttls", "STARTTLS"), {Act: probe.Handshake, Name: probe.StepHandshake}, probe.Line(probe.Test, "DATA")}
	if got := judge(t, c, heard{}, "--\n"+inside+"C: DATA\nS: 503 5.5.1 no"); !got.TLS {
		t.Error("got a command behind the check's own handshake in clear, want it inside TLS")
	}
}

func TestCheckByID(t *testing.T) {
	all := catalogue()
	if got := probe.CheckByID(all, "RSET-Clears"); got != &all[4] {
		t.Errorf("got %v, want rset-clears", got)
	}
	if got := probe.CheckByID(all, "rset"); got != nil {
		t.Errorf("got %v, want none", got)
	}
}
