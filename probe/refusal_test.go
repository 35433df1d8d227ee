package probe_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe"
)

// want is what a judge has to say.
type want struct {
	verdict     probe.Verdict
	conformance probe.Conformance
	reason      string // a part of it
	code        int    // of the reply that decided; 0: none is asked for
}

func (w want) check(t *testing.T, got probe.Result) {
	t.Helper()
	if got.Verdict != w.verdict || got.Conformance != w.conformance {
		t.Errorf("got %s, %q (%s), want %s, %q", got.Verdict, got.Conformance, got.Reason, w.verdict, w.conformance)
	}
	if !strings.Contains(got.Reason, w.reason) {
		t.Errorf("got the reason %q, want one with %q", got.Reason, w.reason)
	}
	if w.code != 0 && got.Reply.Code != w.code {
		t.Errorf("got the reply %s, want %d", probe.Brief(got.Reply), w.code)
	}
	if !got.Verdict.Known() && got.Reason == "" {
		t.Error("got no reason, want one")
	}
}

// served is RCPT in its legal place behind the tested one, as B1 heard it.
const served = `
	C: MAIL FROM:<>
	S: 250 2.1.0 Ok
	C: RCPT TO:<postmaster@example.com>
	S: 250 2.1.5 Ok
	C: RSET
	S: 250 2.0.0 Ok`

// The classifier of catalogue section 3, for RCPT before MAIL: MUST, 503.
func TestRefusesReadsTheReply(t *testing.T) {
	const (
		rcpt = "--\nC: RCPT TO:<postmaster@example.com>\nS: "
		must = probe.Violates
	)
	legal := func(reply string) string { return strings.Replace(served, "250 2.1.5 Ok", reply, 1) }
	tests := []struct {
		name, reply, control string
		want                 want
	}{
		{"503 5.5.1", "503 5.5.1 need MAIL", served, want{probe.Strict, probe.Conforms, "", 503}},
		{"503 alone", "503", served, want{probe.Strict, probe.Conforms, "", 503}},
		{"503 without an enhanced code", "503 need MAIL", served, want{probe.Strict, probe.Conforms, "", 503}},
		{"503 with an odd one", "503 5.5.0 need MAIL", served, want{probe.Strict, probe.Conforms, "", 503}},
		{"503 with another odd one", "503 5.0.0 need MAIL", served, want{probe.Strict, probe.Conforms, "", 503}},
		{"503 in several lines", "503-5.5.1 need\nS: 503 5.5.1 MAIL", served, want{probe.Strict, probe.Conforms, "", 503}},
		{"503 5.7.0 is policy", "503 5.7.0 access denied", served, want{probe.Inconclusive, "", "policy", 503}},
		{"502", "502 5.5.1 need MAIL", served, want{probe.Deviant, must, "", 502}},
		{"500", "500 5.5.2 what", served, want{probe.Deviant, must, "", 500}},
		{"501", "501 5.5.4 what", served, want{probe.Deviant, must, "", 501}},
		{"550 about the protocol", "550 5.5.1 need MAIL", served, want{probe.Deviant, must, "", 550}},
		{"554 without a subject", "554 no", served, want{probe.Deviant, must, "", 554}},
		{"554 about the mailbox", "554 5.1.1 no", served, want{probe.Deviant, must, "", 554}},
		{"554 5.7.1 is policy", "554 5.7.1 blocked", served, want{probe.Inconclusive, "", "policy", 554}},
		{"530 is policy", "530 Must issue a STARTTLS command first", served, want{probe.Inconclusive, "", "policy", 530}},
		{"530 5.7.0 is policy", "530 5.7.0 Must issue a STARTTLS command first", served, want{probe.Inconclusive, "", "policy", 530}},
		{"535 5.7.8 is policy", "535 5.7.8 log in", served, want{probe.Inconclusive, "", "policy", 535}},
		{"450 is of the moment", "450 later", served, want{probe.Inconclusive, "", "transient", 450}},
		{"450 4.7.1 is, or policy", "450 4.7.1 later", served, want{probe.Inconclusive, "", "", 450}},
		{"451 is", "451 4.3.0 later", served, want{probe.Inconclusive, "", "transient", 451}},
		{"452 is", "452 4.2.2 full", served, want{probe.Inconclusive, "", "transient", 452}},
		{"454 is", "454 4.3.0 later", served, want{probe.Inconclusive, "", "transient", 454}},
		{"471 is", "471 later", served, want{probe.Inconclusive, "", "transient", 471}},
		{"450 4.5.1 is about the protocol", "450 4.5.1 need MAIL", served, want{probe.Deviant, must, "", 450}},
		{"451 4.5.0 is about the protocol", "451 4.5.0 need MAIL", served, want{probe.Deviant, must, "", 451}},
		{"455 is not of the moment", "455 4.5.1 need MAIL", served, want{probe.Deviant, must, "", 455}},
		{"250", "250 2.1.5 Ok", served, want{probe.Lenient, must, "", 250}},
		{"251", "251 2.1.5 forwarded", served, want{probe.Lenient, must, "", 251}},
		{"354", "354 go ahead", served, want{probe.Lenient, must, "", 354}},
		{"250 where the legal one is refused", "250 2.1.5 Ok", legal("550 5.1.1 no"), want{probe.Lenient, must, "", 250}},
		{"the same answer", "550 5.1.1 no such user", legal("550 5.1.1 no such user"), want{probe.Inconclusive, "", "policy", 550}},
		{"the same 503", "503 5.5.1 access denied", legal("503 5.5.1 access denied"), want{probe.Inconclusive, "", "policy", 503}},
		{
			"the same but for a number, an address and a URL", "550 5.7.1 q1: 192.0.2.1 blocked, see https://help.example/q1",
			legal("550 5.7.1 q2: 192.0.2.1 blocked, see https://help.example/q2"),
			want{probe.Inconclusive, "", "policy", 550},
		},
		{"the same but for the enhanced code", "550 5.5.1 no", legal("550 5.1.1 no"), want{probe.Deviant, must, "", 550}},
		{"the same but for the words", "550 5.1.1 need MAIL", legal("550 5.1.1 no such user"), want{probe.Deviant, must, "", 550}},
		{"the same but for the code", "503 5.5.1 no", legal("550 5.5.1 no"), want{probe.Strict, probe.Conforms, "", 503}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.check(t, judge(t, rcptBeforeMail(), heard{}, rcpt+tt.reply+tt.control))
		})
	}
}

// 221 to anything but QUIT is a refusal (catalogue section 7): the receiver says
// goodbye and serves nothing.
func TestRefusesTakesNoGoodbyeForService(t *testing.T) {
	got := judge(t, rcptBeforeMail(), heard{}, `
		--
		C: RCPT TO:<postmaster@example.com>
		S: 221 2.7.0 Error: I can break rules, too. Goodbye.
		*: closed by the server`)
	if got.Verdict == probe.Lenient {
		t.Errorf("got %s, want anything but that", got.Verdict)
	}
}

// Where its own session has no control, the baselines give it.
func TestRefusesTakesTheControlFromTheBaselines(t *testing.T) {
	const refused = "--\nC: RCPT TO:<postmaster@example.com>\nS: 550 5.1.1 <postmaster@example.com>: no such user\n*: closed by the server"
	noPostmaster := map[probe.Baseline]string{probe.B1: refusesRcptB1}
	t.Run("the same answer", func(t *testing.T) {
		got := judge(t, rcptBeforeMail(), heard{baselines: noPostmaster}, refused)
		want{probe.Inconclusive, "", "policy", 550}.check(t, got)
		if got.Control.Code != 550 {
			t.Errorf("got the control %s, want B1's 550", probe.Brief(got.Control))
		}
	})
	t.Run("another answer", func(t *testing.T) {
		got := judge(t, rcptBeforeMail(), heard{baselines: noPostmaster}, "--\nC: RCPT TO:<postmaster@example.com>\nS: 503 5.5.1 need MAIL\n*: closed by the server")
		want{probe.Strict, probe.Conforms, "", 503}.check(t, got)
	})
	t.Run("its own session's first", func(t *testing.T) {
		got := judge(t, rcptBeforeMail(), heard{baselines: noPostmaster}, "--\nC: RCPT TO:<postmaster@example.com>\nS: 550 5.1.1 <postmaster@example.com>: no such user"+served)
		want{probe.Deviant, probe.Violates, "", 550}.check(t, got)
		if got.Control.Code != 250 {
			t.Errorf("got the control %s, want its own session's 250", probe.Brief(got.Control))
		}
	})
	// "If the connection died, take ctl.legal from B0/B1": by 421 it died as well.
	t.Run("where its own session ended at the control", func(t *testing.T) {
		for _, end := range []string{"S: 421 4.7.0 too many errors\n*: closed by the server", "*: closed by the server", "S: 250-2.1.5\n*: closed by the server", "+30s\n*: timed out: after 30s"} {
			got := judge(t, rcptBeforeMail(), heard{}, "--\nC: RCPT TO:<postmaster@example.com>\nS: 503 5.5.1 need MAIL\nC: MAIL FROM:<>\nS: 250 2.1.0 Ok\nC: RCPT TO:<postmaster@example.com>\n"+end)
			want{probe.Strict, probe.Conforms, "", 503}.check(t, got)
			if got.Control.Code != 250 {
				t.Errorf("got the control %s, want B1's 250", probe.Brief(got.Control))
			}
		}
	})
	t.Run("the reply to MAIL for a check of MAIL", func(t *testing.T) {
		c := probe.Check{
			ID: "mail-before-ehlo", Level: probe.None, Needs: probe.Needs{Mail: true}, Start: probe.Greeted,
			Script: probe.Script{probe.Line(probe.Test, probe.CommandMAIL), ehlo, probe.Line(probe.Control, probe.CommandMAIL), rset},
			Judge:  probe.Refuses("503", probe.LegalMail),
		}
		got := judge(t, c, heard{}, "--\nC: MAIL FROM:<>\nS: 503 5.5.1 EHLO first\n*: closed by the server")
		want{probe.Strict, probe.Unregulated, "", 503}.check(t, got)
		if got.Control.Code != 250 {
			t.Errorf("got the control %s, want B0's 250", probe.Brief(got.Control))
		}
	})
}

// No verdict without the same command in its legal place: "ctl.baseline lacks
// what rule.needs" is inconclusive (catalogue section 3, design idea 5).
func TestRefusesWithoutAnyControlIsInconclusive(t *testing.T) {
	const refused = "--\nC: RCPT TO:<postmaster@example.com>\nS: 503 5.5.1 need MAIL\n*: closed by the server"
	unasked := helloed + "C: MAIL FROM:<>\nS: 250 2.1.0 Ok\nC: RSET\nS: 250 2.0.0 Ok\nC: MAIL FROM:<>\nS: 250 2.1.0 Ok\nC: RCPT TO:<postmaster@example.com>\n"
	for name, b1 := range map[string]string{
		"B1 was never run":           "",
		"B1 was closed at RCPT":      unasked + "*: closed by the server",
		"B1 timed out at RCPT":       unasked + "+30s\n*: timed out: after 30s",
		"B1 did not come to RCPT":    helloed + "C: MAIL FROM:<>\nS: 451 4.3.0 later",
		"B1 got a malformed reply":   unasked + "S: hello",
		"B1 was closed at its start": "*: connected\n*: closed by the server",
	} {
		t.Run(name, func(t *testing.T) {
			got := judge(t, rcptBeforeMail(), heard{baselines: map[probe.Baseline]string{probe.B1: b1}}, refused)
			want{probe.Inconclusive, "", "", 0}.check(t, got)
		})
	}
}

func TestRefusesShowsItsControl(t *testing.T) {
	got := judge(t, rcptBeforeMail(), heard{}, "--\nC: RCPT TO:<postmaster@example.com>\nS: 503 5.5.1 need MAIL"+served)
	if got.Control.Code != 250 || got.Reply.Code != 503 || got.Check.ID != probe.RcptBeforeMail {
		t.Errorf("got %d beside %d for %q, want 503 beside 250 for %q", got.Reply.Code, got.Control.Code, got.Check.ID, probe.RcptBeforeMail)
	}
	if got.Transcript == nil {
		t.Error("got no transcript, want that of the try")
	}
}

// Every verdict that a judge may give has a meaning in words, and no other.
func TestJudgesMeanWhatTheySay(t *testing.T) {
	n, p, d := []probe.Verdict{probe.Strict, probe.Deviant, probe.Lenient}, []probe.Verdict{probe.Correct, probe.Overstrict}, []probe.Verdict{probe.Correct, probe.Lenient, probe.Overstrict}
	for name, tt := range map[string]struct {
		j    probe.Judge
		want []probe.Verdict
	}{
		"Refuses": {probe.Refuses("503", probe.LegalNothing), n},
		"Serves":  {probe.Serves("250", probe.LegalNothing), p},
		"Clears":  {probe.Clears(), d},
		"Keeps":   {probe.Keeps("250"), p},
	} {
		t.Run(name, func(t *testing.T) {
			got := map[probe.Verdict]bool{}
			for _, m := range tt.j.Meanings {
				if got[m.Verdict] || m.When == "" {
					t.Errorf("got %s twice or without words, want each once", m.Verdict)
				}
				got[m.Verdict] = true
			}
			for _, v := range append(slices.Clone(tt.want), probe.Dropped, probe.Broken, probe.Inconclusive) {
				if !got[v] {
					t.Errorf("got no meaning of %s, want one", v)
				}
				delete(got, v)
			}
			for v := range got {
				t.Errorf("got a meaning of %s, want none: it never is one", v)
			}
		})
	}
}

// TestRefusesTakesNoLimitForAnAnswer holds that the words of a limit behind an error,
// and the end of the connection, are neither the reply to the command nor its control.
func TestRefusesTakesNoLimitForAnAnswer(t *testing.T) {
	const rcpt = "--\nC: RCPT TO:<postmaster@example.com>\nS: 503 5.5.1 denied\n"
	refused := heard{baselines: map[probe.Baseline]string{probe.B1: strings.Replace(plainB1, "250 2.1.5 Ok", "503 5.5.1 denied", 1)}}
	got := judge(t, rcptBeforeMail(), refused, rcpt+"C: MAIL FROM:<>\nS: 250 2.1.0 Ok\nC: RCPT TO:<postmaster@example.com>\nS: 502 5.5.1 Too many errors\n*: closed by the server")
	want{probe.Inconclusive, "", "policy", 503}.check(t, got)
}
