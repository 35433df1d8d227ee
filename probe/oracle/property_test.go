package oracle_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe/oracle"
	"pgregory.net/rapid"
)

// commands are lines of all kinds, good, bad and out of order.
func commands() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{
			helloLine, "EHLO", "HELO client.example", mailLine, "MAIL FROM:<<<", "MAIL FROM:<> BODY=BINARYMIME", rcptLine, "RCPT TO:<>",
			"DATA", "DATA now", "BDAT 6", "BDAT 6 LAST", "BDAT x", "RSET", "RSET now", "NOOP", "VRFY postmaster", "EXPN list", "HELP",
			"STARTTLS", "AUTH PLAIN", "AUTH PLAIN =", "ZZPROBE", "", ".", "*", "NOOP\x00", "\xff",
		}),
		rapid.StringMatching(`(MAIL|RCPT|DATA|BDAT|AUTH|EHLO|NOOP|[A-Z]{0,5})( .{0,20})?`),
	)
}

func extensions() *rapid.Generator[[]string] {
	return rapid.SliceOfDistinct(rapid.SampledFrom(everything), rapid.ID)
}

// TestReferenceHoldsItsRules walks the reference through any sequence of
// commands and looks at every step.
func TestReferenceHoldsItsRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, s := oracle.New(extensions().Draw(t, "extensions")...).Greet()
		recipients := 0 // an account of accepted recipients that the machine does not keep
		for _, line := range rapid.SliceOf(commands()).Draw(t, "lines") {
			before := s
			answer, next := s.Step(line)
			if !reflect.DeepEqual(s, before) {
				t.Fatalf("got %+v changed by a step, want a value", s)
			}
			recipients = account(recipients, before, line, answer)
			if next.State == oracle.StateData && before.State != oracle.StateData && recipients == 0 {
				t.Fatalf("got 354 to %q in %s without an accepted recipient", line, before.State)
			}
			if next.Accepted != recipients {
				t.Fatalf("got %d accepted recipients after %q, want %d", next.Accepted, line, recipients)
			}
			checkStep(t, before, line, answer, next)
			s = next
			if s.State == oracle.StateHandshake {
				s, recipients = s.Handshake(), 0
			}
		}
	})
}

// account keeps the book of recipients by the replies alone.
func account(recipients int, before oracle.Session, line string, answer oracle.Answer) int {
	verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
	switch {
	case before.State == oracle.StateData:
		if line == "." {
			return 0
		}
	case before.State == oracle.StateAuth:
	case verb == "RCPT" && answer.Code == 250:
		return recipients + 1
	case slices.Contains([]string{"EHLO", "HELO", "MAIL", "RSET"}, verb) && answer.Code == 250:
		return 0
	case verb == "BDAT" && strings.Contains(strings.ToUpper(line), "LAST") && answer.Code == 250:
		return 0
	}
	return recipients
}

func checkStep(t *rapid.T, before oracle.Session, line string, answer oracle.Answer, next oracle.Session) {
	if !strings.Contains("WJIEHMRBXDATZ", string(next.State)) || len(next.State) != 1 {
		t.Fatalf("got state %q after %q, want one of the table", next.State, line)
	}
	inCommands := strings.Contains("IEHMRBX", string(before.State))
	verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
	if inCommands && answer.Code >= 400 && next.State != before.State {
		if next.State != oracle.StateIndeterminate || verb != "BDAT" && verb != "DATA" {
			t.Fatalf("got state %s after %d to %q in %s, want a refused command to change nothing", next.State, answer.Code, line, before.State)
		}
	}
	if inCommands && strings.TrimRight(strings.ToUpper(line), " \t") == "RSET" {
		idle := next.State == "I" || next.State == "E" || next.State == "H"
		if answer.Code != 250 || !idle || next.Accepted != 0 || next.AnyRcpt || next.BinaryMIME {
			t.Fatalf("got %d and %+v after RSET, want 250 and no transaction", answer.Code, next)
		}
	}
	if (answer.Code == 0) != (len(answer.Reply) == 0) {
		t.Fatalf("got code %d with the reply %q to %q", answer.Code, answer.Reply, line)
	}
	if inCommands && answer.Code == 0 {
		t.Fatalf("got no reply to %q in %s, want one to every command", line, before.State)
	}
	for i, text := range answer.Reply {
		if len(text) < 4 || (text[3] == '-') != (i < len(answer.Reply)-1) {
			t.Fatalf("got reply %q, want a code and a mark on every line", answer.Reply)
		}
	}
	if followed, standing := before.Follow(line, answer.Code, answer.Close); standing != oracle.Strict || followed.State != next.State {
		t.Fatalf("got %s and state %s from the judge for the reference's own %d to %q, want strict and %s", standing, followed.State, answer.Code, line, next.State)
	}
}

// TestJudgeFollowsAnything proves that no reply, however odd, leads the judge
// out of the table, and that a refusal never opens anything.
func TestJudgeFollowsAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, _ := oracle.Watch().FollowGreeting(220, false)
		for _, line := range rapid.SliceOf(commands()).Draw(t, "lines") {
			code := rapid.OneOf(
				rapid.SampledFrom([]int{0, 220, 221, 250, 251, 334, 354, 421, 450, 500, 501, 502, 503, 521, 530, 550, 554, 555}),
				rapid.IntRange(-1, 1000),
			).Draw(t, "code")
			closed := rapid.Bool().Draw(t, "closed")
			before := s
			next, standing := s.Follow(line, code, closed)
			if !strings.Contains("WJIEHMRBXDATZ", string(next.State)) || len(next.State) != 1 {
				t.Fatalf("got state %q, want one of the table", next.State)
			}
			if closed && next.State != oracle.StateClosed {
				t.Fatalf("got state %s after a close, want Z", next.State)
			}
			if code >= 400 && (next.State == oracle.StateMail || next.State == oracle.StateRcpt) && next.State != before.State {
				t.Fatalf("got state %s after %d to %q in %s, want a refusal to open nothing", next.State, code, line, before.State)
			}
			if conforms := before.Row(line).Conforms(code, closed); conforms && standing != oracle.Strict && standing != oracle.Conformant {
				t.Fatalf("got %s for a reply that conforms: %d to %q in %s", standing, code, line, before.State)
			}
			s = next
			if s.State == oracle.StateHandshake {
				s = s.Handshake()
			}
		}
	})
}

// TestChoicesAreOnlyMadeWhenTold compares the reference with one that was told
// of every choice: without being told, no `?` row ever answers.
func TestChoicesAreOnlyMadeWhenTold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, s := oracle.New(extensions().Draw(t, "extensions")...).Greet()
		for _, line := range rapid.SliceOf(commands()).Draw(t, "lines") {
			s.Ahead = rapid.Bool().Draw(t, "ahead")
			var answer oracle.Answer
			answer, s = s.Step(line)
			if _, is := answer.Row.Choice(); is {
				t.Fatalf("got the row %q for %q, want no choice that was not told", answer.Row.Guard, line)
			}
		}
	})
}
