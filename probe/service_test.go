package probe_test

import (
	"strings"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe"
)

// The classifier of catalogue section 3, for NOOP before EHLO: P, MUST, 250.
func TestServes(t *testing.T) {
	legal := func(reply string) string {
		return "\nC: EHLO client.example\nS: 250 mx.example.com\nC: NOOP\nS: " + reply
	}
	const noop = "--\nC: NOOP\n"
	ok := legal("250 2.0.0 Ok")
	tests := []struct {
		name, try string
		want      want
	}{
		{"250", noop + "S: 250 2.0.0 Ok" + ok, want{probe.Correct, probe.Conforms, "", 250}},
		{"250 in several lines", noop + "S: 250-2.0.0 Ok\nS: 250 2.0.0 indeed" + ok, want{probe.Correct, probe.Conforms, "", 250}},
		{"250 and closed is the 250", noop + "S: 250 2.0.0 Ok\n*: closed by the server", want{probe.Correct, probe.Conforms, "", 250}},
		{"503", noop + "S: 503 5.5.1 EHLO first" + ok, want{probe.Overstrict, probe.Violates, "", 503}},
		{"500", noop + "S: 500 5.5.2 what" + ok, want{probe.Overstrict, probe.Violates, "", 500}},
		{"503 everywhere", noop + "S: 503 5.5.1 no" + legal("503 5.5.1 no"), want{probe.Inconclusive, "", "", 503}},
		{"503 everywhere, but for other words", noop + "S: 503 5.5.1 EHLO first" + legal("503 5.5.1 no"), want{probe.Overstrict, probe.Violates, "", 503}},
		{"450", noop + "S: 450 4.3.0 later" + ok, want{probe.Inconclusive, "", "", 450}},
		{"451 4.5.0, any 4yz", noop + "S: 451 4.5.0 later" + ok, want{probe.Inconclusive, "", "", 451}},
		{"421", noop + "S: 421 4.3.2 bye\n*: closed by the server", want{probe.Dropped, probe.Conforms, "421", 421}},
		{"closed", noop + "*: closed by the server", want{probe.Dropped, probe.Violates, "", 0}},
		{"554 and closed", noop + "S: 554 5.5.0 error\n*: closed by the server", want{probe.Dropped, probe.Violates, "554", 554}},
		{"closed after an error", strings.Replace(noop, "--", "-- 1", 1) + "*: closed by the server", want{probe.Inconclusive, "", "limit", 0}},
		{"421 after an error", strings.Replace(noop, "--", "-- 2", 1) + "S: 421 4.7.0 enough\n*: closed by the server", want{probe.Inconclusive, "", "limit", 421}},
		{"no reply", noop + "+30s\n*: timed out: after 30s", want{probe.Broken, probe.Violates, "no reply", 0}},
		{"two replies", noop + "S: 250 2.0.0 Ok\nS: 250 2.0.0 Ok" + ok, want{probe.Broken, probe.Violates, "too many", 0}},
		{"malformed", noop + "S: Ok" + ok, want{probe.Broken, probe.Violates, "malformed", 0}},
		{"half a reply, then closed", noop + "S: 250-2.0.0 Ok\n*: closed by the server", want{probe.Broken, probe.Violates, "middle", 0}},
		{"never begun", "", want{probe.Inconclusive, "", "", 0}},
		{"closed before it was sent", "--\n*: closed by the server", want{probe.Inconclusive, "", "", 0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.check(t, judge(t, noopBeforeEHLO(), heard{}, tt.try))
		})
	}
}

// A set of codes may name a class, and more than one.
func TestServesWithAnyOfItsCodes(t *testing.T) {
	c := noopBeforeEHLO()
	c.Judge = probe.Serves("2yz,550", probe.LegalNothing)
	for reply, verdict := range map[string]probe.Verdict{
		"250 a": probe.Correct, "252 a": probe.Correct, "550 a": probe.Correct, "551 a": probe.Overstrict, "354 a": probe.Overstrict,
	} {
		got := judge(t, c, heard{}, "--\nC: NOOP\nS: "+reply)
		if got.Verdict != verdict {
			t.Errorf("%s: got %s, want %s", reply, got.Verdict, verdict)
		}
	}
}

func TestServesTakesTheControlFromTheBaselines(t *testing.T) {
	c := probe.Check{
		ID: "rcpt-in-tls", Polarity: probe.Service, Level: probe.Must, Start: probe.Hello,
		Script: probe.Script{mail, probe.Line(probe.Test, probe.CommandRCPT), rset},
		Judge:  probe.Serves("250", probe.LegalRcpt),
	}
	const refused = "--\nC: MAIL FROM:<>\nS: 250 2.1.0 Ok\nC: RCPT TO:<postmaster@example.com>\nS: 550 5.1.1 <postmaster@example.com>: no such user"
	got := judge(t, c, heard{baselines: map[probe.Baseline]string{probe.B1: refusesRcptB1}}, refused)
	want{probe.Inconclusive, "", "", 550}.check(t, got)
	got = judge(t, c, heard{}, refused)
	want{probe.Overstrict, probe.Violates, "", 550}.check(t, got)
}
