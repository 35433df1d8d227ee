package oracle_test

import (
	"slices"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe/oracle"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

func TestGreetings(t *testing.T) {
	tests := []struct {
		name  string
		told  []oracle.Choice
		want  string
		state oracle.State
		noop  int // the reply to NOOP after it
		quit  int
	}{
		{"accepting", nil, "220 receiver.example ESMTP", "I", 250, 221},
		{"refusing", []oracle.Choice{oracle.ChoiceRefuseHost}, "554 No mail is taken here", "J", 503, 221},
		{"no mail at all", []oracle.Choice{oracle.ChoiceNeverMail}, "521 No mail is taken here", "J", 521, 221},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			answer, s := oracle.New().Greet(tt.told...)
			if answer.Reply[0] != tt.want || s.State != tt.state {
				t.Errorf("got %q and state %s, want %q and %s", answer.Reply, s.State, tt.want, tt.state)
			}
			if noop, next := s.Step("NOOP"); noop.Code != tt.noop || next.State != tt.state {
				t.Errorf("got %d to NOOP and state %s, want %d and %s", noop.Code, next.State, tt.noop, tt.state)
			}
			if quit, next := s.Step("QUIT"); quit.Code != tt.quit || next.State != "Z" || !quit.Close {
				t.Errorf("got %d to QUIT and state %s, want %d and Z", quit.Code, next.State, tt.quit)
			}
		})
	}
}

func TestEHLOListsWhatIsSupportedNow(t *testing.T) {
	s := oracle.New("STARTTLS", "REQUIRETLS", "SIZE 1000")
	s.Host = "mx1.example.com"
	_, s = s.Greet()
	plain, s := s.Step(helloLine)
	want := []string{"250-mx1.example.com", "250-STARTTLS", "250 SIZE 1000"}
	if !slices.Equal(plain.Reply, want) {
		t.Errorf("got %q, want %q", plain.Reply, want)
	}
	_, s = s.Step("STARTTLS")
	s = s.Handshake()
	if s.State != "I" || !s.TLS || s.GreetedBy != "" || s.Offered != nil {
		t.Errorf("got %+v, want a greeted session inside TLS that knows nothing of the client", s)
	}
	inside, s := s.Step(helloLine)
	want = []string{"250-mx1.example.com", "250-REQUIRETLS", "250 SIZE 1000"}
	if !slices.Equal(inside.Reply, want) {
		t.Errorf("got %q inside TLS, want %q", inside.Reply, want)
	}
	helo, _ := s.Step("HELO client.example")
	if want := []string{"250 mx1.example.com"}; !slices.Equal(helo.Reply, want) {
		t.Errorf("got %q, want %q", helo.Reply, want)
	}
}

func TestExtensionVerbsThatAreNotSupported(t *testing.T) {
	for _, line := range []string{"STARTTLS", "STARTTLS now", "AUTH PLAIN", "AUTH", "BDAT 6", "BDAT", "BDAT 6 LAST"} {
		t.Run(line, func(t *testing.T) {
			_, s := oracle.New().Greet()
			for range 2 { // before and after EHLO
				answer, next := s.Step(line)
				if answer.Code != 502 || next.State != s.State || answer.Swallow != 0 {
					t.Errorf("got %d, state %s and %d octets swallowed, want 502, %s and none", answer.Code, next.State, answer.Swallow, s.State)
				}
				_, s = s.Step(helloLine)
			}
		})
	}
}

func TestParametersThatAreNotOffered(t *testing.T) {
	_, s := oracle.New("8BITMIME", "BINARYMIME").Greet()
	s = walk(t, s, "E", helloLine)
	tests := []struct {
		line string
		want int
	}{
		{"MAIL FROM:<> BODY=8BITMIME", 250},
		{"MAIL FROM:<> BODY=7bit", 250},
		{"MAIL FROM:<> BODY=9BIT", 501},
		{"MAIL FROM:<> BODY=BINARYMIME", 555}, // without CHUNKING
		{"MAIL FROM:<> SIZE=1000", 555},
		{"MAIL FROM:<> SMTPUTF8", 555},
		{"MAIL FROM:<> RET=HDRS", 555},
		{"MAIL FROM:<> ENVID=smtpprobe", 555},
		{"MAIL FROM:<> REQUIRETLS", 555},
		{"MAIL FROM:<> NOTIFY=NEVER", 555},
		{"MAIL FROM:<> AUTH=<>", 555},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			if answer, _ := s.Step(tt.line); answer.Code != tt.want {
				t.Errorf("got %d, want %d", answer.Code, tt.want)
			}
		})
	}
}

func TestSMTPUTF8LetsOctetsThrough(t *testing.T) {
	_, s := oracle.New("SMTPUTF8").Greet()
	const line = "MAIL FROM:<\xc3\xbc@client.example> SMTPUTF8"
	if answer, _ := s.Step(line); answer.Code != 500 {
		t.Errorf("got %d before EHLO, want 500", answer.Code)
	}
	if answer, _ := walk(t, s, "E", helloLine).Step(line); answer.Code != 250 {
		t.Errorf("got %d where it is offered, want 250", answer.Code)
	}
}

func TestChunksAreSwallowedWhateverTheAnswer(t *testing.T) {
	for _, state := range []oracle.State{"I", "E", "H", "M", "R", "B", "X"} {
		t.Run(string(state), func(t *testing.T) {
			answer, _ := in(t, state).Step("BDAT 12")
			accepted, _ := in(t, state).Accept("BDAT 12")
			if answer.Swallow != 12 || accepted.Swallow != 12 {
				t.Errorf("got %d and %d octets swallowed, want 12", answer.Swallow, accepted.Swallow)
			}
			if malformed, _ := in(t, state).Step("BDAT 12 FIRST"); malformed.Swallow != 0 {
				t.Errorf("got %d octets swallowed behind a malformed BDAT, want none", malformed.Swallow)
			}
		})
	}
}

func TestAcceptTakesAnythingAnywhere(t *testing.T) {
	tests := []struct {
		state    oracle.State
		line     string
		code     int
		next     oracle.State
		accepted int
	}{
		{"I", mailLine, 250, "M", 0},
		{"E", rcptLine, 250, "R", 1},
		{"R", rcptLine, 250, "R", 2},
		{"B", rcptLine, 250, "B", 2},
		{"R", mailLine, 250, "M", 0},
		{"I", "DATA", 354, "D", 0},
		{"R", "DATA", 354, "D", 1},
		{"E", "BDAT 6", 250, "B", 0},
		{"E", "BDAT 6 LAST", 250, "E", 0},
		{"I", "STARTTLS", 220, "T", 0},
		{"M", "AUTH PLAIN", 334, "A", 0},
		{"E", "EHLO", 250, "E", 0},
		{"E", "HELO", 250, "H", 0},
		{"I", "ZZPROBE", 250, "I", 0},
		{"M", "RSET now", 250, "E", 0},
		{"E", "QUIT now", 221, "Z", 0},
		{"E", "VRFY", 252, "E", 0},
		{"E", "HELP", 214, "E", 0},
		{"E", "MAIL FROM:<<<", 250, "M", 0},
	}
	for _, tt := range tests {
		t.Run(string(tt.state)+" "+tt.line, func(t *testing.T) {
			answer, next := in(t, tt.state).Accept(tt.line)
			if answer.Code != tt.code || next.State != tt.next || next.Accepted != tt.accepted {
				t.Errorf("got %d, state %s, %d accepted, want %d, %s, %d", answer.Code, next.State, next.Accepted, tt.code, tt.next, tt.accepted)
			}
		})
	}
	if answer, next := in(t, "D").Accept("."); answer.Code != 250 || next.State != "E" {
		t.Errorf("got %d and state %s for a dot, want the reference's own 250 and E", answer.Code, next.State)
	}
}

func TestIdle(t *testing.T) {
	answer, next := in(t, "M").Idle()
	if answer.Code != 421 || next.State != "Z" || !answer.Close {
		t.Errorf("got %d and state %s, want 421 and Z", answer.Code, next.State)
	}
}

func TestOnlyThreeVerbsMayStandInsideAGroup(t *testing.T) {
	for _, verb := range []string{"MAIL", "RCPT", "RSET", "ZZPROBE", ""} {
		if oracle.EndsGroup(verb) {
			t.Errorf("got %q only last in a group, want it anywhere", verb)
		}
	}
	for _, verb := range []string{"EHLO", "HELO", "DATA", "VRFY", "EXPN", "NOOP", "QUIT", "HELP", "STARTTLS", "AUTH", "BDAT"} {
		if !oracle.EndsGroup(verb) {
			t.Errorf("got %q anywhere in a group, want it only last", verb)
		}
	}
}

func TestAJudgeLearnsWhatIsSupported(t *testing.T) {
	s, _ := oracle.Watch().FollowGreeting(220, false)
	if _, standing := s.Follow("STARTTLS", 503, false); standing != oracle.Strict {
		t.Errorf("got %s, want strict: before the first EHLO reply all counts as supported", standing)
	}
	s, _ = s.Follow(helloLine, 250, false)
	s = s.Offer(smtp.Capabilities{"PIPELINING"})
	if got := s.Row("STARTTLS").Guard; got != "not supported" {
		t.Errorf("got the row for %q, want the one for a verb that is not supported", got)
	}
	s, _ = s.Follow(helloLine, 250, false)
	s = s.Offer(smtp.Capabilities{"STARTTLS"})
	if !s.Supported.Has("PIPELINING") || s.Offered.Has("PIPELINING") || !s.Offered.Has("STARTTLS") {
		t.Errorf("got %v supported and %v offered, want both keywords supported and the last reply offered", s.Supported, s.Offered)
	}
	s, _ = oracle.Watch().Offer(nil).FollowGreeting(220, false)
	if got := s.Row("STARTTLS").Guard; got != "not supported" {
		t.Errorf("got the row for %q after an empty EHLO reply, want nothing supported", got)
	}
}
