package checks_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe"
)

// sound holds what must be true of every run, whatever the receiver does.
func sound(t *testing.T, a asked) {
	t.Helper()
	for _, res := range a.report.Results {
		soundResult(t, res)
	}
	harmless(t, a)
}

// reporter is what a property and a test have in common.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

// soundResult holds that a result says what it may and nothing more.
func soundResult(t reporter, res probe.Result) {
	t.Helper()
	id, verdict, says := res.Check.ID, res.Verdict, res.Conformance
	meant := slices.ContainsFunc(res.Check.Judge.Meanings, func(m probe.Meaning) bool { return m.Verdict == verdict })
	switch {
	case !verdict.Known() && res.Reason == "":
		t.Errorf("%s: got %s without a reason", id, verdict)
	case !verdict.Known() && says != "":
		t.Errorf("%s: got %s and %s, want no conformance where nothing is known", id, verdict, says)
	case verdict.Known() && !meant:
		t.Errorf("%s: got %s (%s), which none of its meanings explains", id, verdict, res.Reason)
	case verdict.Known() && says == "":
		t.Errorf("%s: got %s without a conformance", id, verdict)
	}
	switch verdict {
	case probe.Strict, probe.Correct:
		if says == probe.Violates || says == probe.Deviates {
			t.Errorf("%s: got %s and %s", id, verdict, says)
		}
	}
	if says == probe.Violates && res.Check.Level != probe.Must {
		t.Errorf("%s: got violates, but its level is %s: only a MUST can be violated", id, res.Check.Level)
	}
	if verdict.Known() && len(res.Transcript) == 0 {
		t.Errorf("%s: got %s without a transcript", id, verdict)
	}
}

// harmless holds the safety contract of catalogue section 2 by what the
// receiver and the wire saw. What was written inside TLS only the receiver saw.
func harmless(t *testing.T, a asked) {
	t.Helper()
	if a.ledger.TextOctets != 0 || a.ledger.Ends != 0 {
		t.Errorf("the receiver read %d octets of message text and %d ends of a message, want none", a.ledger.TextOctets, a.ledger.Ends)
	}
	for i, session := range a.ledger.Sessions {
		if n := session.Verbs["QUIT"]; n > 1 {
			t.Errorf("session %d: the receiver heard %d QUITs, want one at most", i+1, n)
		}
		if session.Data > 0 && session.Recipients > 0 {
			t.Errorf("session %d: %d recipients were accepted, and DATA was answered 354", i+1, session.Recipients)
		}
	}
	bad := 0
	for i, session := range a.written {
		named := false
		for _, octets := range session {
			bad += strings.Count(octets, probe.BadRecipient)
			for line := range strings.SplitSeq(octets, "\r\n") {
				if named && (strings.HasPrefix(line, "DATA") || strings.HasPrefix(line, "BDAT")) {
					t.Errorf("connection %d: %q behind a RCPT that names a real recipient", i+1, line)
				}
				named = named || strings.Contains(line, "RCPT TO:<postmaster@")
			}
		}
	}
	if bad > 4 {
		t.Errorf("the recipient that cannot exist was named %d times, want four at most", bad)
	}
}

// modest holds the budgets that only a receiver which does what the table says
// can be held to: a lenient one accepts and a broken one is asked again.
func modest(t *testing.T, a asked) {
	t.Helper()
	for i, session := range a.ledger.Sessions {
		if session.Errors > 2 {
			t.Errorf("session %d: the receiver gave %d error replies (%v), want two at most", i+1, session.Errors, session.Verbs)
		}
	}
}
