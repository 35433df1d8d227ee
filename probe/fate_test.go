package probe_test

import (
	"strings"
	"testing"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
)

func TestRefusesReadsTheEndOfTheConnection(t *testing.T) {
	const rcpt = "C: RCPT TO:<postmaster@example.com>\n"
	tests := []struct {
		name, try string
		want      want
	}{
		{"closed", "--\n" + rcpt + "*: closed by the server", want{probe.Dropped, probe.Violates, "closed", 0}},
		{"reset", "--\n" + rcpt + "*: reset by the server", want{probe.Dropped, probe.Violates, "", 0}},
		{"421", "--\n" + rcpt + "S: 421 4.3.2 bye\n*: closed by the server", want{probe.Dropped, probe.Conforms, "421", 421}},
		{"421 and not closed", "--\n" + rcpt + "S: 421 4.3.2 bye" + served, want{probe.Dropped, probe.Conforms, "421", 421}},
		{"closed after an error", "-- 1\n" + rcpt + "*: closed by the server", want{probe.Inconclusive, "", "limit", 0}},
		{"421 after an error", "-- 1\n" + rcpt + "S: 421 4.7.0 too many errors\n*: closed by the server", want{probe.Inconclusive, "", "limit", 421}},
		{"503 and closed is the 503", "--\n" + rcpt + "S: 503 5.5.1 need MAIL\n*: closed by the server", want{probe.Strict, probe.Conforms, "", 503}},
		{"so it is after an error", "-- 1\n" + rcpt + "S: 503 5.5.1 need MAIL\n*: closed by the server", want{probe.Strict, probe.Conforms, "", 503}},
		{"so it is where the next command finds out", "--\n" + rcpt + "S: 503 5.5.1 need MAIL\nC: MAIL FROM:<>\n*: closed by the server", want{probe.Strict, probe.Conforms, "", 503}},
		{"554 and closed, not named by the card", "--\n" + rcpt + "S: 554 5.5.0 error\n*: closed by the server", want{probe.Dropped, probe.Violates, "554", 554}},
		{"521 and closed", "--\n" + rcpt + "S: 521 5.5.0 error\n*: reset by the server", want{probe.Dropped, probe.Violates, "521", 521}},
		{"554 and closed at the next command", "--\n" + rcpt + "S: 554 5.5.0 error\nC: MAIL FROM:<>\n*: closed by the server", want{probe.Dropped, probe.Violates, "554", 554}},
		{"554 and closed after an error", "-- 1\n" + rcpt + "S: 554 5.5.0 error\n*: closed by the server", want{probe.Inconclusive, "", "limit", 554}},
		{"554 5.7.1 and closed is policy", "--\n" + rcpt + "S: 554 5.7.1 blocked\n*: closed by the server", want{probe.Inconclusive, "", "policy", 554}},
		{"451 and closed is of the moment", "--\n" + rcpt + "S: 451 4.3.0 later\n*: closed by the server", want{probe.Inconclusive, "", "transient", 451}},
		{"250 and closed is the 250", "--\n" + rcpt + "S: 250 2.1.5 Ok\n*: closed by the server", want{probe.Lenient, probe.Violates, "", 250}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.check(t, judge(t, rcptBeforeMail(), heard{}, tt.try))
		})
	}
	t.Run("554 and closed, named by the card", func(t *testing.T) {
		got := judge(t, dataBeforeMail(), heard{}, "--\nC: DATA\nS: 554 5.5.1 error\n*: closed by the server")
		want{probe.Strict, probe.Conforms, "", 554}.check(t, got)
	})
	t.Run("closed in the legal place too", func(t *testing.T) {
		b1 := helloed + "C: MAIL FROM:<>\nS: 250 2.1.0 Ok\nC: RSET\nS: 250 2.0.0 Ok\nC: MAIL FROM:<>\nS: 250 2.1.0 Ok\n" + rcpt + "*: closed by the server"
		got := judge(t, rcptBeforeMail(), heard{baselines: map[probe.Baseline]string{probe.B1: b1}}, "--\n"+rcpt+"*: closed by the server")
		want{probe.Inconclusive, "", "", 0}.check(t, got)
	})
	t.Run("421 in the legal place too", func(t *testing.T) {
		b1 := helloed + "C: MAIL FROM:<>\nS: 250 2.1.0 Ok\nC: RSET\nS: 250 2.0.0 Ok\nC: MAIL FROM:<>\nS: 250 2.1.0 Ok\n" + rcpt + "S: 421 4.3.2 bye\n*: closed by the server"
		got := judge(t, rcptBeforeMail(), heard{baselines: map[probe.Baseline]string{probe.B1: b1}}, "--\n"+rcpt+"S: 421 4.3.2 bye\n*: closed by the server")
		want{probe.Inconclusive, "", "", 0}.check(t, got)
	})
}

// After an error of its own script a check cannot tell a limit from an answer.
func TestRefusesCountsTheErrorsOfItsOwnScript(t *testing.T) {
	c := probe.Check{
		ID: "data-after-rcpt-refused", Level: probe.May, Needs: probe.Needs{Mail: true}, Start: probe.Hello,
		Script: probe.Script{mail, probe.Line("bad", probe.CommandBad).Wanting("4yz,5yz"), probe.Line(probe.Test, "DATA"), rset},
		Judge:  probe.Refuses("503,554", probe.LegalNothing),
	}
	const bad = "--\nC: MAIL FROM:<>\nS: 250 2.1.0 Ok\nC: RCPT TO:<smtpprobe@smtpprobe.invalid>\nS: 550 5.1.2 no\nC: DATA\n"
	want{probe.Inconclusive, "", "limit", 0}.check(t, judge(t, c, heard{}, bad+"*: closed by the server"))
	want{probe.Inconclusive, "", "limit", 421}.check(t, judge(t, c, heard{}, bad+"S: 421 4.7.0 too many errors\n*: closed by the server"))
	want{probe.Strict, probe.Conforms, "", 554}.check(t, judge(t, c, heard{}, bad+"S: 554 5.5.1 no valid recipients\nC: RSET\nS: 250 2.0.0 Ok"))
}

func TestRefusesReadsRepliesThatDoNotMatch(t *testing.T) {
	const rcpt = "--\nC: RCPT TO:<postmaster@example.com>\n"
	tests := []struct {
		name, try string
		want      want
	}{
		{"no code", rcpt + "S: what?", want{probe.Broken, probe.Violates, "malformed", 0}},
		{"an empty line", rcpt + "S:", want{probe.Broken, probe.Violates, "malformed", 0}},
		{"differing codes", rcpt + "S: 503-need\nS: 550 MAIL", want{probe.Broken, probe.Violates, "malformed", 0}},
		{"a class that is none", rcpt + "S: 650 need MAIL", want{probe.Broken, probe.Violates, "malformed", 650}},
		{"one too many", rcpt + "S: 503 5.5.1 need MAIL\nS: 250 2.1.5 Ok" + served, want{probe.Broken, probe.Violates, "too many", 0}},
		{"one too many at the end", rcpt + "S: 503 5.5.1 need MAIL\nS: 250 2.1.5 Ok", want{probe.Broken, probe.Violates, "too many", 0}},
		{"a malformed one too many", rcpt + "S: 503 5.5.1 need MAIL\nS: what?" + served, want{probe.Broken, probe.Violates, "", 0}},
		{"none", rcpt + "+30s\n*: timed out: after 30s", want{probe.Broken, probe.Violates, "no reply", 0}},
		{"half a one", rcpt + "S: 503-5.5.1 need\n+30s\n*: timed out: after 30s", want{probe.Broken, probe.Violates, "middle", 0}},
		{"half a line", rcpt + "S! 503 5.5.1\n+30s\n*: timed out: after 30s", want{probe.Broken, probe.Violates, "middle", 0}},
		{"one without an end", rcpt + "S: 503-5.5.1 need\n*: the receiver does not stop talking", want{probe.Broken, probe.Violates, "", 0}},
		// "A last line missing = BROKEN" (card reply-multiline-code): the reply
		// that was begun is malformed, and a malformed one comes before a close.
		{"closed inside a reply", rcpt + "S: 503-5.5.1 need\n*: closed by the server", want{probe.Broken, probe.Violates, "middle", 0}},
		{"closed inside a line", rcpt + "S! 503 5.5.1\n*: closed by the server", want{probe.Broken, probe.Violates, "middle", 0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.check(t, judge(t, rcptBeforeMail(), heard{}, tt.try))
		})
	}
}

// 421 is the one reply that nobody has to ask for (RFC 5321 3.8, card
// one-reply-per-command), and a reply that the card judges came first.
func TestRefusesTakesALate421ForTheEnd(t *testing.T) {
	got := judge(t, rcptBeforeMail(), heard{}, `
		--
		C: RCPT TO:<postmaster@example.com>
		S: 503 5.5.1 need MAIL
		S: 421 4.7.0 too many errors
		*: closed by the server`)
	want{probe.Strict, probe.Conforms, "", 503}.check(t, got)
}

// A receiver that is slow with everything is no broken one.
func TestRefusesTellsATarpitFromAHang(t *testing.T) {
	const silent = "--\nC: RCPT TO:<postmaster@example.com>\n+30s\n*: timed out: after 30s"
	slow := strings.Replace(plainB0, "C: NOOP", "C: NOOP\n+25s", 1)
	got := judge(t, rcptBeforeMail(), heard{baselines: map[probe.Baseline]string{probe.B0: slow}}, silent)
	want{probe.Inconclusive, "", "tarpit", 0}.check(t, got)
	got = judge(t, rcptBeforeMail(), heard{}, silent)
	want{probe.Broken, probe.Violates, "no reply", 0}.check(t, got)
}

// "setup failed before the tested step" is inconclusive.
func TestRefusesWithoutATestedCommandIsInconclusive(t *testing.T) {
	tests := []struct {
		name, try string
		c         probe.Check
	}{
		{"never begun", "C: NOOP\nS: 250 2.0.0 Ok", rcptBeforeMail()},
		{"nothing happened", "--", rcptBeforeMail()},
		{"held by the guard", "--\n*: not sent: a recipient was accepted", dataBeforeMail()},
		{"interrupted before", "--\n*: interrupted", dataBeforeMail()},
		{"interrupted behind", "--\nC: DATA\n*: interrupted", dataBeforeMail()},
		{"MAIL refused", "--\nC: MAIL FROM:<>\nS: 451 4.3.0 later", dataWithoutRcpt()},
		{"MAIL not answered", "--\nC: MAIL FROM:<>\n+30s\n*: timed out: after 30s", dataWithoutRcpt()},
		{"closed at MAIL", "--\nC: MAIL FROM:<>\n*: closed by the server", dataWithoutRcpt()},
		{"closed behind MAIL", "--\nC: MAIL FROM:<>\nS: 250 2.1.0 Ok\n*: closed by the server", dataWithoutRcpt()},
		{"closed before anything was sent", "--\n*: closed by the server", rcptBeforeMail()},
		{"reset before anything was sent", "--\n*: reset by the server", rcptBeforeMail()},
		{"said goodbye before anything was sent", "--\nS: 421 4.3.2 bye\n*: closed by the server", rcptBeforeMail()},
		{"said goodbye just before it was sent", "--\nS: 421 4.3.2 bye\nC: RCPT TO:<postmaster@example.com>\n*: closed by the server", rcptBeforeMail()},
		{"the transcript stops behind the command", "--\nC: RCPT TO:<postmaster@example.com>", rcptBeforeMail()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want{probe.Inconclusive, "", "", 0}.check(t, judge(t, tt.c, heard{}, tt.try))
		})
	}
}

// What came before the command cannot be its reply.
func TestRefusesTakesNoReplyFromBeforeTheCommand(t *testing.T) {
	for name, try := range map[string]string{
		"and none came behind": "--\nS: 250 2.0.0 Ok\nC: DATA\n+30s\n*: timed out: after 30s",
		"and it was closed":    "--\nS: 250 2.0.0 Ok\nC: DATA\n*: closed by the server",
		"and one came behind":  "--\nS: 250 2.0.0 Ok\nC: DATA\nS: 503 5.5.1 no",
	} {
		t.Run(name, func(t *testing.T) {
			if got := judge(t, dataBeforeMail(), heard{}, try); got.Verdict != probe.Broken && got.Verdict != probe.Inconclusive {
				t.Errorf("got %s on %s, want %s or %s", got.Verdict, probe.Brief(got.Reply), probe.Broken, probe.Inconclusive)
			}
		})
	}
}

// "the greeting arrived before our write ...: void, retry" (card early-talk):
// whatever came of the EHLO then, it was no early talk.
func TestEarlyTalkBehindTheGreetingIsVoid(t *testing.T) {
	c := probe.CheckByID(checks.All(), "early-talk")
	for name, rest := range map[string]string{
		"and EHLO was served":       "S: 250 mx.example.com\n+30s\n*: timed out: after 30s",
		"and EHLO was refused":      "S: 554 5.5.0 no\n*: closed by the server",
		"and EHLO was not answered": "+30s\n*: timed out: after 30s",
		"and it was closed":         "*: closed by the server",
	} {
		t.Run(name, func(t *testing.T) {
			rec := heard{}.record(t)
			try := dialogue(t, "*: connected\n--\nS: 220 mx.example.com\n*: the greeting was there before anything was sent\nC: EHLO client.example\n"+rest)
			for range 2 {
				rec.Tries[c.ID] = append(rec.Tries[c.ID], try)
				got := probe.Decide(c, checks.All(), rec)
				want{probe.Inconclusive, "", "", 0}.check(t, got)
				if !got.Again {
					t.Error("got no other try asked for, want one")
				}
			}
		})
	}
}

// After a 354 the engine resets the connection (S1); that is no part of the
// receiver's answer.
func TestRefusesReadsTheReplyBeforeWeLeft(t *testing.T) {
	for _, note := range []string{"reset by us", "closed by us", "not sent: DATA was accepted", "interrupted"} {
		t.Run(note, func(t *testing.T) {
			got := judge(t, dataBeforeMail(), heard{}, "--\nC: DATA\nS: 354 go ahead\n*: "+note)
			want{probe.Lenient, probe.Conforms, "", 354}.check(t, got)
		})
	}
}

// Of a group every reply counts.
func TestFateOfAGroup(t *testing.T) {
	c := probe.Check{ID: "group", Level: probe.None, Start: probe.Hello, Script: probe.Script{
		probe.Lines(probe.Test, probe.CommandMAIL, "RSET", "RSET"),
	}}
	c.Judge = probe.Judge{Find: func(ev probe.Evidence) probe.Finding {
		if f, unusable := ev.Fate(probe.Test); unusable {
			return f
		}
		return probe.Found(probe.Lenient, ev.Walk.Find(probe.Test).Reply(), "")
	}}
	const group = "--\nC: MAIL FROM:<>\\r\\nRSET\\r\\nRSET\nS: 250 a\n"
	tests := []struct {
		name, try string
		want      probe.Verdict
	}{
		{"all of them", group + "S: 503 b\nS: 250 c", probe.Lenient},
		{"one too many", group + "S: 250 b\nS: 250 c\nS: 250 d", probe.Broken},
		{"one too few", group + "S: 250 b\n+30s\n*: timed out: after 30s", probe.Broken},
		{"a malformed one", group + "S: what?\nS: 250 c", probe.Broken},
		{"closed before the last", group + "S: 554 b\n*: closed by the server", probe.Dropped},
		{"421 at the end", group + "S: 250 b\nS: 421 c\n*: closed by the server", probe.Dropped},
		{"421 instead of the others", group + "S: 421 b\n*: closed by the server", probe.Dropped},
		{"closed inside one", group + "S: 250-b\n*: closed by the server", probe.Broken},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := judge(t, c, heard{}, tt.try); got.Verdict != tt.want {
				t.Errorf("got %s (%s), want %s", got.Verdict, got.Reason, tt.want)
			}
		})
	}
}
