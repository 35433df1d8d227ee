package probe_test

import (
	"strings"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe"
)

// before is the reply to RCPT before MAIL, the closed baseline of IS-OPEN.
func before(reply string) []string {
	return []string{helloed + "--\nC: RCPT TO:<postmaster@example.com>\nS: " + reply}
}

// withB1 is B1 with another reply to RCPT.
func withB1(reply string) string {
	return strings.Replace(plainB1, "250 2.1.5 Ok", reply, 1)
}

// IS-OPEN of catalogue section 3 and design idea 5: its baselines are pmReply
// (open) and the receiver's own reply to RCPT before MAIL (closed, whatever its
// code); a reply that is neither is read by section 3.
func TestIsOpen(t *testing.T) {
	const (
		served, need = "250 2.1.5 Ok", "503 5.5.1 need MAIL"
		nobody       = "550 5.1.1 <postmaster@example.com>: no such user"
	)
	tests := []struct {
		name, legal, before, now string
		want                     probe.Openness
	}{
		{"accepted", served, need, "250 2.1.5 Ok", probe.Open},
		{"accepted with other words", served, need, "251 2.1.5 forwarded", probe.Open},
		{"accepted where the legal one is not", nobody, need, "250 2.1.5 Ok", probe.Open},
		{"refused as in the legal place", nobody, need, nobody, probe.Open},
		{"as there but for the address", nobody, need, "550 5.1.1 <POSTMASTER@example.com>: no such user", probe.Open},
		{"refused as before MAIL", served, need, need, probe.Closed},
		{"as before MAIL, whatever the code", served, "550 5.5.1 need MAIL", "550 5.5.1 need MAIL", probe.Closed},
		{"as before MAIL, with a mailbox code and an address", served, "554 <postmaster@example.com>: no MAIL", "554 <postmaster@example.com>: no MAIL", probe.Closed},
		{"as before MAIL, with a subject of policy", served, "550 5.7.1 no", "550 5.7.1 no", probe.Closed},
		{"as before MAIL, 502", nobody, "502 5.5.1 need MAIL", "502 5.5.1 need MAIL", probe.Closed},
		{"503 with other words", served, need, "503 5.5.1 bad sequence", probe.Closed},
		{"503 though it was 502 before MAIL", served, "502 5.5.1 need MAIL", "503 5.5.1 bad sequence", probe.Closed},
		{"503 that is like the legal 503", "503 5.5.1 access denied", need, "503 5.5.1 access denied", probe.Open},
		{"503 that is like neither 503", "503 5.5.1 access denied", need, "503 5.5.1 what", probe.Unsure},
		{"subject 1: it looked at the recipient", served, need, "550 5.1.1 no such user", probe.Open},
		{"subject 7: a list may say so in any state", served, need, "554 5.7.1 relaying denied", probe.Unsure},
		{"4yz of subject 7: greylisted, in any state", served, need, "450 4.7.1 greylisted", probe.Unsure},
		{"450 with an address", served, need, "450 <postmaster@example.com>: greylisted", probe.Open},
		{"451 with an address", served, need, "451 <postmaster@example.com>: greylisted", probe.Open},
		{"550 with an address", served, need, "550 <postmaster@example.com>: no such user", probe.Open},
		{"551 with an address", served, need, "551 try <postmaster@example.org>", probe.Open},
		{"553 with an address", served, need, "553 <postmaster@example.com>: no", probe.Open},
		{"554 with an address", served, need, "554 <postmaster@example.com>: no", probe.Open},
		// "enhanced subject 1/7 or a mailbox code (...) with address text"
		{"450 of subject 2 with an address", served, need, "450 4.2.0 <postmaster@example.com>: Recipient address rejected: Greylisted", probe.Open},
		{"550 of subject 2 with an address", served, need, "550 5.2.1 <postmaster@example.com>: mailbox disabled", probe.Open},
		{"450 without an address", served, need, "450 later", probe.Unsure},
		{"550 without an address", served, need, "550 no", probe.Unsure},
		{"452 with an address is no mailbox code", served, need, "452 <postmaster@example.com>: full", probe.Unsure},
		{"502 with other words", served, "502 5.5.1 need MAIL", "502 5.5.1 what", probe.Unsure},
		{"500", served, need, "500 5.5.2 what", probe.Unsure},
		{"501 of subject 5", served, need, "501 5.5.4 what", probe.Unsure},
		{"both baselines alike", nobody, nobody, nobody, probe.Unsure},
		{"both baselines alike, accepted now", nobody, nobody, "250 2.1.5 Ok", probe.Unsure},
		{"both baselines alike, 503 now", nobody, nobody, need, probe.Unsure},
		{"both baselines 503, and alike", "503 5.5.1 no", "503 5.5.1 no", "503 5.5.1 no", probe.Unsure},
		{"RCPT before MAIL is accepted", served, served, "250 2.1.5 Ok", probe.Unsure},
		{"RCPT before MAIL is accepted, 503 now", served, served, need, probe.Unsure},
		{"RCPT before MAIL is accepted and the legal one is not", nobody, served, nobody, probe.Unsure},
		{"RCPT before MAIL was never tried", served, "", need, probe.Unsure},
		{"RCPT before MAIL was malformed", served, "what?", need, probe.Unsure},
		{"the legal one is not known", "", need, need, probe.Unsure},
		{"the legal one was malformed", "220-what\nS: 250 Ok", need, "250 Ok", probe.Unsure},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := heard{baselines: map[probe.Baseline]string{probe.B1: withB1(tt.legal)}}
			if tt.legal == "" {
				h.baselines[probe.B1] = ""
			}
			if tt.before != "" {
				h.tries = map[string][]string{probe.RcptBeforeMail: before(tt.before)}
			}
			now := "\nC: RCPT TO:<postmaster@example.com>\nS: " + tt.now
			clears := judge(t, rsetClears(), h, "--\nC: MAIL FROM:<>\nS: 250 2.1.0 Ok\nC: RSET\nS: 250 2.0.0 Ok"+now)
			want := map[probe.Openness]probe.Verdict{
				probe.Open: probe.Lenient, probe.Closed: probe.Correct, probe.Unsure: probe.Inconclusive,
			}[tt.want]
			if clears.Verdict != want || (want == probe.Inconclusive && clears.Reason == "") {
				t.Errorf("a state that must be cleared: got %s (%s), want %s", clears.Verdict, clears.Reason, want)
			}
			keeps := judge(t, noopKeeps(), h, "--\nC: NOOP\nS: 250 2.0.0 Ok\nC: MAIL FROM:<>\nS: 250 2.1.0 Ok\nC: NOOP\nS: 250 2.0.0 Ok"+now)
			want = map[probe.Openness]probe.Verdict{
				probe.Open: probe.Correct, probe.Closed: probe.Overstrict, probe.Unsure: probe.Inconclusive,
			}[tt.want]
			if keeps.Verdict != want || (want == probe.Inconclusive && keeps.Reason == "") {
				t.Errorf("a state that must be kept: got %s (%s), want %s", keeps.Verdict, keeps.Reason, want)
			}
		})
	}
}

// known are the two baselines of IS-OPEN on an ordinary receiver.
func known() heard {
	return heard{tries: map[string][]string{probe.RcptBeforeMail: before("503 5.5.1 need MAIL")}}
}

const opened = "--\nC: MAIL FROM:<>\nS: 250 2.1.0 Ok\n"

func TestClearsReadsTheDisturbance(t *testing.T) {
	const rset, rcpt = opened + "C: RSET\n", "S: 250 2.0.0 Ok\nC: RCPT TO:<postmaster@example.com>\n"
	tests := []struct {
		name, try string
		want      want
	}{
		{"cleared", rset + rcpt + "S: 503 5.5.1 need MAIL", want{probe.Correct, probe.Conforms, "", 503}},
		{"survived", rset + rcpt + "S: 250 2.1.5 Ok", want{probe.Lenient, probe.Violates, "survived", 250}},
		{"refused", rset + "S: 502 5.5.1 what", want{probe.Overstrict, probe.Violates, "RSET", 502}},
		{"refused for the moment", rset + "S: 451 4.3.0 later", want{probe.Inconclusive, "", "", 451}},
		{"closed instead", rset + "*: closed by the server", want{probe.Dropped, probe.Violates, "", 0}},
		{"421 instead", rset + "S: 421 4.3.2 bye\n*: closed by the server", want{probe.Dropped, probe.Conforms, "421", 421}},
		// "DROPPED: ... also 521/554 followed by close", for D-rules the same.
		{"554 and closed", rset + "S: 554 5.5.0 error\n*: closed by the server", want{probe.Dropped, probe.Violates, "554", 554}},
		{"not answered", rset + "+30s\n*: timed out: after 30s", want{probe.Broken, probe.Violates, "", 0}},
		{"answered twice", rset + "S: 250 2.0.0 Ok\n" + rcpt + "S: 503 5.5.1 need MAIL", want{probe.Broken, probe.Violates, "too many", 0}},
		{"malformed", rset + "S: Ok", want{probe.Broken, probe.Violates, "malformed", 0}},
		// IS-OPEN: "anything else -> unknown -> INCONCLUSIVE", and this is an end
		// at the question, not at what it asks about.
		{"RCPT closed", rset + rcpt + "*: closed by the server", want{probe.Inconclusive, "", "closed", 0}},
		{"RCPT 421", rset + rcpt + "S: 421 4.3.2 bye", want{probe.Inconclusive, "", "421", 421}},
		{"RCPT not answered", rset + rcpt + "+30s\n*: timed out: after 30s", want{probe.Broken, probe.Violates, "", 0}},
		{"RCPT answered twice", rset + rcpt + "S: 503 5.5.1 need MAIL\nS: 250 2.1.5 Ok", want{probe.Broken, probe.Violates, "too many", 0}},
		{"RCPT malformed", rset + rcpt + "S: 503-a\nS: 250 b", want{probe.Broken, probe.Violates, "malformed", 0}},
		{"RCPT closed after an error before", strings.Replace(rset, "--", "-- 1", 1) + rcpt + "*: closed by the server", want{probe.Inconclusive, "", "limit", 0}},
		{"RCPT held", rset + "S: 250 2.0.0 Ok\n*: not sent: enough", want{probe.Inconclusive, "", "enough", 0}},
		{"MAIL refused", "--\nC: MAIL FROM:<>\nS: 451 4.3.0 later", want{probe.Inconclusive, "", "MAIL", 0}},
		{"closed behind MAIL", opened + "*: closed by the server", want{probe.Inconclusive, "", "MAIL", 0}},
		{"never begun", "", want{probe.Inconclusive, "", "", 0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.check(t, judge(t, rsetClears(), known(), tt.try))
		})
	}
	t.Run("shows RCPT and its control", func(t *testing.T) {
		got := judge(t, rsetClears(), known(), rset+rcpt+"S: 503 5.5.1 need MAIL")
		if got.Reply.Code != 503 || got.Control.Code != 250 {
			t.Errorf("got %d beside %d, want 503 beside 250", got.Reply.Code, got.Control.Code)
		}
	})
}

func TestKeepsReadsTheDisturbance(t *testing.T) {
	session := func(alone, inside string) string {
		return "--\nC: NOOP\nS: " + alone + "\nC: MAIL FROM:<>\nS: 250 2.1.0 Ok\nC: NOOP\n" + inside
	}
	const ok, rcpt = "250 2.0.0 Ok", "S: 250 2.0.0 Ok\nC: RCPT TO:<postmaster@example.com>\n"
	tests := []struct {
		name, try string
		want      want
	}{
		{"kept", session(ok, rcpt+"S: 250 2.1.5 Ok"), want{probe.Correct, probe.Conforms, "", 250}},
		{"lost", session(ok, rcpt+"S: 503 5.5.1 need MAIL"), want{probe.Overstrict, probe.Violates, "gone", 503}},
		{"refused inside only", session(ok, "S: 503 5.5.1 not now"), want{probe.Overstrict, probe.Violates, "inside", 503}},
		{"refused everywhere, and kept", session("502 5.5.1 disabled", "S: 502 5.5.1 disabled\nC: RCPT TO:<postmaster@example.com>\nS: 250 2.1.5 Ok"), want{probe.Correct, probe.Conforms, "", 250}},
		{"503 everywhere", session("503 5.5.1 never", "S: 503 5.5.1 never\nC: RCPT TO:<postmaster@example.com>\nS: 250 2.1.5 Ok"), want{probe.Inconclusive, "", "everywhere", 503}},
		{"refused otherwise inside", session("502 5.5.1 disabled", "S: 503 5.5.1 not now"), want{probe.Overstrict, probe.Violates, "", 503}},
		{"refused for the moment", session(ok, "S: 451 4.3.0 later"), want{probe.Inconclusive, "", "", 451}},
		{"closed", session(ok, "*: closed by the server"), want{probe.Dropped, probe.Violates, "", 0}},
		{"554 and closed", session(ok, "S: 554 5.5.0 error\n*: closed by the server"), want{probe.Dropped, probe.Violates, "554", 554}},
		{"421", session(ok, "S: 421 4.3.2 bye\n*: closed by the server"), want{probe.Dropped, probe.Conforms, "421", 421}},
		{"not answered", session(ok, "+30s\n*: timed out: after 30s"), want{probe.Broken, probe.Violates, "", 0}},
		{"answered twice", session(ok, "S: 250 2.0.0 Ok\nS: 250 2.0.0 Ok"), want{probe.Broken, probe.Violates, "too many", 0}},
		{"RCPT closed", session(ok, rcpt+"*: closed by the server"), want{probe.Inconclusive, "", "closed", 0}},
		{"RCPT closed after an error of its own", session("502 5.5.1 disabled", rcpt+"*: closed by the server"), want{probe.Inconclusive, "", "limit", 0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.check(t, judge(t, noopKeeps(), known(), tt.try))
		})
	}
}
