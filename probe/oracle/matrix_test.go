package oracle_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe/oracle"
)

const (
	helloLine = "EHLO client.example"
	mailLine  = "MAIL FROM:<>"
	rcptLine  = "RCPT TO:<postmaster@example.com>"
)

// everything is what the reference of these tests supports.
var everything = []string{
	"PIPELINING", "SIZE 1000", "8BITMIME", "ENHANCEDSTATUSCODES", "DSN", "CHUNKING", "BINARYMIME", "STARTTLS", "AUTH PLAIN LOGIN",
}

// in returns a session that has been walked to a state.
func in(t *testing.T, state oracle.State) oracle.Session {
	t.Helper()
	walks := map[oracle.State][]string{
		"I": {},
		"E": {helloLine},
		"H": {"HELO client.example"},
		"M": {helloLine, mailLine},
		"R": {helloLine, mailLine, rcptLine},
		"B": {helloLine, mailLine, rcptLine, "BDAT 6"},
		"X": {helloLine, mailLine, "BDAT 6"},
		"D": {helloLine, mailLine, rcptLine, "DATA"},
		"A": {helloLine, "AUTH PLAIN"},
		"T": {helloLine, "STARTTLS"},
		"Z": {"QUIT"},
	}
	_, s := oracle.New(everything...).Greet()
	return walk(t, s, state, walks[state]...)
}

// walk gives lines to the reference and ends in the named state.
func walk(t *testing.T, s oracle.Session, want oracle.State, lines ...string) oracle.Session {
	t.Helper()
	for _, line := range lines {
		_, s = s.Step(line)
	}
	if s.State != want {
		t.Fatalf("got state %s after %q, want %s", s.State, lines, want)
	}
	return s
}

// TestMatrix is the catalogue's matrix of section 7, written down by hand: one
// row a line, one column a state of I E H M R B X, code and next state in each
// cell.
func TestMatrix(t *testing.T) {
	const states = "IEHMRBX"
	matrix := []struct{ line, cells string }{
		{"EHLO", "501>I|501>E|501>H|501>M|501>R|501>B|501>X"},
		{"EHLO client_1.example", "501>I|501>E|501>H|501>M|501>R|501>B|501>X"},
		{helloLine, "250>E|250>E|250>E|250>E|250>E|250>E|250>E"},
		{"EHLO [192.0.2.1]", "250>E|250>E|250>E|250>E|250>E|250>E|250>E"},
		{"HELO", "501>I|501>E|501>H|501>M|501>R|501>B|501>X"},
		{"HELO client.example", "250>H|250>H|250>H|250>H|250>H|250>H|250>H"},
		{mailLine, "503>I|250>M|250>M|503>M|503>R|503>B|503>X"},
		{"mail from:<a@client.example> ", "503>I|250>M|250>M|503>M|503>R|503>B|503>X"},
		{"MAIL FROM:<<<", "503>I|501>E|501>H|503>M|503>R|503>B|503>X"},
		{"MAIL FROM: <>", "503>I|501>E|501>H|503>M|503>R|503>B|503>X"},
		{"MAIL FROM:<> ZZPROBE=1", "503>I|555>E|555>H|503>M|503>R|503>B|503>X"},
		{"MAIL FROM:<> SIZE=1 size=2", "503>I|501>E|555>H|503>M|503>R|503>B|503>X"},
		{"MAIL FROM:<> RET=XYZ", "503>I|501>E|555>H|503>M|503>R|503>B|503>X"},
		{"MAIL FROM:<> SIZE=1001", "503>I|552>E|555>H|503>M|503>R|503>B|503>X"},
		{"MAIL FROM:<> SIZE=1000", "503>I|250>M|555>H|503>M|503>R|503>B|503>X"},
		{rcptLine, "503>I|503>E|503>H|250>R|250>R|503>B|503>X"},
		{"RCPT TO:<postmaster>", "503>I|503>E|503>H|250>R|250>R|503>B|503>X"},
		{"RCPT TO:<>", "503>I|503>E|503>H|501>M|501>R|503>B|503>X"},
		{"RCPT TO:<postmaster@example.com> ZZPROBE=1", "503>I|503>E|503>H|555>M|555>R|503>B|503>X"},
		{"RCPT TO:<postmaster@example.com> NOTIFY=NEVER", "503>I|503>E|503>H|250>R|250>R|503>B|503>X"},
		{"DATA", "503>I|503>E|503>H|503>M|354>D|503>X|503>X"},
		{"DATA now", "503>I|503>E|503>H|503>M|501>R|503>X|503>X"},
		{"BDAT 6", "503>I|503>E|503>H|554>X|250>B|250>B|503>X"},
		{"BDAT 6 LAST", "503>I|503>E|503>H|554>X|250>E|250>E|503>X"},
		{"BDAT", "501>I|501>E|501>H|501>X|501>X|501>X|501>X"},
		{"BDAT x", "501>I|501>E|501>H|501>X|501>X|501>X|501>X"},
		{"BDAT 0 FIRST", "501>I|501>E|501>H|501>X|501>X|501>X|501>X"},
		{"STARTTLS", "503>I|220>T|503>H|503>M|503>R|503>B|503>X"},
		{"STARTTLS now", "501>I|501>E|501>H|501>M|501>R|501>B|501>X"},
		{"AUTH", "503>I|501>E|503>H|503>M|503>R|503>B|503>X"},
		{"AUTH ZZ-PROBE", "503>I|504>E|503>H|503>M|503>R|503>B|503>X"},
		{"AUTH PLAIN ***", "503>I|501>E|503>H|503>M|503>R|503>B|503>X"},
		{"AUTH PLAIN =", "503>I|535>E|503>H|503>M|503>R|503>B|503>X"},
		{"AUTH PLAIN AGEAYg==", "503>I|535>E|503>H|503>M|503>R|503>B|503>X"},
		{"AUTH PLAIN", "503>I|334>A|503>H|503>M|503>R|503>B|503>X"},
		{"RSET", "250>I|250>E|250>H|250>E|250>E|250>E|250>E"},
		{"RSET  ", "250>I|250>E|250>H|250>E|250>E|250>E|250>E"},
		{"RSET now", "501>I|501>E|501>H|501>M|501>R|501>B|501>X"},
		{"NOOP", "250>I|250>E|250>H|250>M|250>R|250>B|250>X"},
		{"NOOP now", "250>I|250>E|250>H|250>M|250>R|250>B|250>X"},
		{"VRFY", "501>I|501>E|501>H|501>M|501>R|501>B|501>X"},
		{"VRFY postmaster", "252>I|252>E|252>H|252>M|252>R|252>B|252>X"},
		{"EXPN list", "502>I|502>E|502>H|502>M|502>R|502>B|502>X"},
		{"HELP", "214>I|214>E|214>H|214>M|214>R|214>B|214>X"},
		{"QUIT", "221>Z|221>Z|221>Z|221>Z|221>Z|221>Z|221>Z"},
		{"QUIT now", "501>I|501>E|501>H|501>M|501>R|501>B|501>X"},
		{"ZZPROBE", "500>I|500>E|500>H|500>M|500>R|500>B|500>X"},
		{"", "500>I|500>E|500>H|500>M|500>R|500>B|500>X"},
		{" NOOP", "500>I|500>E|500>H|500>M|500>R|500>B|500>X"},
		{"NOOP\x00ZZ", "501>I|501>E|501>H|501>M|501>R|501>B|501>X"},
		{"NOOP a\rNOOP b", "501>I|501>E|501>H|501>M|501>R|501>B|501>X"},
		{"NOOP\n", "501>I|501>E|501>H|501>M|501>R|501>B|501>X"},
		{"MAIL FROM:<\xc3\xbc@client.example>", "500>I|500>E|500>H|500>M|500>R|500>B|500>X"},
	}
	for _, tt := range matrix {
		for i, cell := range strings.Split(tt.cells, "|") {
			state := oracle.State(states[i])
			t.Run(string(state)+" "+tt.line, func(t *testing.T) {
				s := in(t, state)
				answer, next := s.Step(tt.line)
				if got := strconv.Itoa(answer.Code) + ">" + string(next.State); got != cell {
					t.Errorf("got %s, want %s", got, cell)
				}
				if answer.Close != (next.State == oracle.StateClosed) {
					t.Errorf("got close %v in state %s, want a close only with the end of the session", answer.Close, next.State)
				}
				if followed, standing := s.Follow(tt.line, answer.Code, answer.Close); standing != oracle.Strict || followed.State != next.State {
					t.Errorf("got %s and state %s from the judge, want strict and %s", standing, followed.State, next.State)
				}
			})
		}
	}
}

func TestAnswersBesideTheMatrix(t *testing.T) {
	bad := "RCPT TO:<smtpprobe@smtpprobe.invalid>"
	tests := []struct {
		name string
		from oracle.Session
		line string
		told []oracle.Choice
		want string // the first reply line
		next oracle.State
	}{
		{"DATA after a refused recipient", told(in(t, "M"), bad, oracle.ChoiceRefuseRcpt), "DATA", nil, "554 5.5.1 No valid recipients", "M"},
		{"DATA after a recipient with a bad path", told(in(t, "M"), "RCPT TO:<>"), "DATA", nil, "554 5.5.1 No valid recipients", "M"},
		{"a refused recipient", in(t, "M"), bad, []oracle.Choice{oracle.ChoiceRefuseRcpt}, "550 5.1.1 No such mailbox here", "M"},
		{"a refused recipient without MAIL", in(t, "E"), bad, []oracle.Choice{oracle.ChoiceRefuseRcpt}, "503 5.5.1 Bad sequence of commands", "E"},
		{"DATA after BINARYMIME", walk(t, in(t, "E"), "R", "MAIL FROM:<> BODY=BINARYMIME", rcptLine), "DATA", nil, "503 5.5.1 Bad sequence of commands", "X"},
		{"text", in(t, "D"), "Subject: x", nil, "", "D"},
		{"two dots", in(t, "D"), "..", nil, "", "D"},
		{"the end of a message", in(t, "D"), ".", nil, "250 2.0.0 OK", "E"},
		{"the end of a message to nobody", accept(t, in(t, "M"), "DATA"), ".", nil, "554 5.5.1 No valid recipients", "E"},
		{"a cancelled AUTH", in(t, "A"), "*", nil, "501 5.0.0 Authentication cancelled", "E"},
		{"an AUTH answer that is not base64", in(t, "A"), "a", nil, "501 5.5.2 Syntax error in the argument", "E"},
		{"an AUTH answer", in(t, "A"), "AGEAYg==", nil, "535 5.7.8 Authentication credentials invalid", "E"},
		{"an AUTH answer without an end", in(t, "A"), strings.Repeat("A", 12289), nil, "500 5.5.6 Authentication exchange line is too long", "E"},
		{"plaintext before the handshake", in(t, "T"), "NOOP", nil, "", "T"},
		{"after QUIT", in(t, "Z"), "NOOP", nil, "", "Z"},
		{"STARTTLS inside TLS", in(t, "T").Handshake(), "STARTTLS", nil, "503 5.5.1 Bad sequence of commands", "I"},
		{"MAIL inside TLS without EHLO", in(t, "T").Handshake(), mailLine, nil, "503 5.5.1 Bad sequence of commands", "I"},
		{"AUTH after authentication", authenticated(in(t, "E")), "AUTH PLAIN", nil, "503 5.5.1 Bad sequence of commands", "E"},
		{"a long line", in(t, "E"), "NOOP " + strings.Repeat("x", 506), []oracle.Choice{oracle.ChoiceLongLine}, "500 5.5.2 Command not recognized", "E"},
		{"a line of 512 octets is never too long", in(t, "E"), "NOOP " + strings.Repeat("x", 505), []oracle.Choice{oracle.ChoiceLongLine}, "250 2.0.0 OK", "E"},
		{"TLS demanded", in(t, "E"), mailLine, []oracle.Choice{oracle.ChoiceTLSFirst}, "530 5.7.0 Must issue a STARTTLS or AUTH command first", "E"},
		{"TLS demanded, not for NOOP", in(t, "E"), "NOOP", []oracle.Choice{oracle.ChoiceTLSFirst}, "250 2.0.0 OK", "E"},
		{"a group that was not offered", ahead(in(t, "H")), mailLine, []oracle.Choice{oracle.ChoiceAhead}, "554 5.5.0 Commands were sent ahead of their turn", "Z"},
		{"a group that was offered", ahead(in(t, "E")), mailLine, []oracle.Choice{oracle.ChoiceAhead}, "250 2.1.0 Sender OK", "M"},
		{"NOOP inside a group", ahead(in(t, "E")), "NOOP", []oracle.Choice{oracle.ChoiceAhead}, "554 5.5.0 Commands were sent ahead of their turn", "Z"},
		{"policy at MAIL", in(t, "E"), mailLine, []oracle.Choice{oracle.ChoiceRefuseMail}, "550 5.7.1 Refused by policy", "E"},
		{"policy is asked last", in(t, "E"), "MAIL FROM:<<<", []oracle.Choice{oracle.ChoiceRefuseMail}, "501 5.1.7 Syntax error in the sender's path", "E"},
		{"early talk", oracle.New(), helloLine, nil, "554 5.5.0 Commands were sent ahead of their turn", "J"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			answer, next := tt.from.Step(tt.line, tt.told...)
			got := ""
			if len(answer.Reply) > 0 {
				got = answer.Reply[0]
			}
			if got != tt.want || next.State != tt.next {
				t.Errorf("got %q and state %s, want %q and %s", got, next.State, tt.want, tt.next)
			}
			if (answer.Code == 0) != (tt.want == "") {
				t.Errorf("got code %d, want one exactly where there is a reply", answer.Code)
			}
		})
	}
}

func told(s oracle.Session, line string, choices ...oracle.Choice) oracle.Session {
	_, s = s.Step(line, choices...)
	return s
}

func accept(t *testing.T, s oracle.Session, line string) oracle.Session {
	t.Helper()
	answer, next := s.Accept(line)
	if answer.Code >= 400 {
		t.Fatalf("got %d to an accepted %q, want an acceptance", answer.Code, line)
	}
	return next
}

func authenticated(s oracle.Session) oracle.Session { s.Auth = true; return s }

func ahead(s oracle.Session) oracle.Session { s.Ahead = true; return s }
