package oracle_test

import (
	"testing"

	"github.com/smtpprobe/smtpprobe/probe/oracle"
)

func TestFollowReadsReplies(t *testing.T) {
	afterHandshake := in(t, "T").Handshake()
	rejected, _ := oracle.Watch().FollowGreeting(554, false)
	tests := []struct {
		name   string
		from   oracle.Session
		line   string
		code   int
		closed bool
		want   oracle.Standing
		next   oracle.State
	}{
		{"the mandatory 503", in(t, "E"), rcptLine, 503, false, oracle.Strict, "E"},
		{"any other refusal of it", in(t, "E"), rcptLine, 502, false, oracle.OtherRefusal, "E"},
		{"501 only where the path is bad too", in(t, "E"), rcptLine, 501, false, oracle.OtherRefusal, "E"},
		{"501 to a bad path", in(t, "E"), "RCPT TO:<>", 501, false, oracle.Conformant, "E"},
		{"RCPT without MAIL taken", in(t, "E"), rcptLine, 250, false, oracle.Lenient, "R"},
		{"251 too", in(t, "E"), rcptLine, 251, false, oracle.Lenient, "R"},
		{"RCPT taken between chunks", in(t, "B"), rcptLine, 250, false, oracle.Lenient, "B"},
		{"a nested MAIL may be taken", in(t, "R"), mailLine, 250, false, oracle.Conformant, "M"},
		{"MAIL before EHLO may be taken", in(t, "I"), mailLine, 250, false, oracle.Conformant, "M"},
		{"MAIL inside TLS may be taken", afterHandshake, mailLine, 250, false, oracle.Conformant, "M"},
		{"DATA without MAIL may be taken", in(t, "E"), "DATA", 354, false, oracle.Conformant, "D"},
		{"DATA without recipients, the other code", in(t, "M"), "DATA", 554, false, oracle.Conformant, "M"},
		{"DATA after a chunk must not", in(t, "B"), "DATA", 354, false, oracle.Lenient, "D"},
		{"DATA after a chunk", in(t, "B"), "DATA", 503, false, oracle.Strict, "X"},
		{"a refused chunk", in(t, "R"), "BDAT 6", 452, false, oracle.Conformant, "X"},
		{"a refused last chunk", in(t, "R"), "BDAT 6 LAST", 554, false, oracle.Conformant, "E"},
		{"a chunk without MAIL taken", in(t, "E"), "BDAT 6", 250, false, oracle.Lenient, "B"},
		{"a last chunk without MAIL taken", in(t, "E"), "BDAT 0 LAST", 250, false, oracle.Lenient, "E"},
		{"RCPT after a failed chunk taken", in(t, "X"), rcptLine, 250, false, oracle.Conformant, "R"},
		{"STARTTLS in a transaction", in(t, "M"), "STARTTLS", 220, false, oracle.Conformant, "T"},
		{"STARTTLS inside TLS", afterHandshake, "STARTTLS", 220, false, oracle.Lenient, "T"},
		{"AUTH in a transaction taken", in(t, "M"), "AUTH PLAIN", 334, false, oracle.Lenient, "A"},
		{"policy at MAIL", in(t, "E"), mailLine, 550, false, oracle.Conformant, "E"},
		{"greylisting", in(t, "M"), rcptLine, 450, false, oracle.Conformant, "M"},
		{"TLS demanded", in(t, "E"), mailLine, 530, false, oracle.Conformant, "E"},
		{"EHLO refused by policy", in(t, "I"), helloLine, 550, false, oracle.Conformant, "I"},
		{"EHLO twice refused as RFC 1869 had it", in(t, "E"), helloLine, 503, false, oracle.OtherRefusal, "E"},
		{"an argument of RSET taken", in(t, "M"), "RSET now", 250, false, oracle.Lenient, "E"},
		{"RSET not taken", in(t, "M"), "RSET", 503, false, oracle.OtherRefusal, "M"},
		{"221 to QUIT", in(t, "E"), "QUIT", 221, true, oracle.Strict, "Z"},
		{"221 to QUIT, not closed yet", in(t, "E"), "QUIT", 221, false, oracle.Strict, "Z"},
		{"221 to anything else", in(t, "E"), "NOOP", 221, true, oracle.OtherRefusal, "Z"},
		{"421 is conformant anywhere", in(t, "M"), "NOOP", 421, true, oracle.Conformant, "Z"},
		{"421 without a close", in(t, "M"), "NOOP", 421, false, oracle.Conformant, "Z"},
		{"the limit of errors", in(t, "E"), "DATA", 554, true, oracle.Conformant, "Z"},
		{"521 and close where BDAT is unknown", walk(t, greeted(), "E", helloLine), "BDAT 0", 521, true, oracle.Conformant, "Z"},
		{"521 without a close", walk(t, greeted(), "E", helloLine), "BDAT 0", 521, false, oracle.OtherRefusal, "E"},
		{"an unknown verb", in(t, "E"), "ZZPROBE", 500, false, oracle.Strict, "E"},
		{"an unknown verb and a close", in(t, "E"), "ZZPROBE", 500, true, oracle.OtherRefusal, "Z"},
		{"a close after an acceptance", in(t, "E"), mailLine, 250, true, oracle.Broken, "Z"},
		{"no reply", in(t, "E"), "NOOP", 0, false, oracle.Broken, "E"},
		{"a close without a word", in(t, "E"), "NOOP", 0, true, oracle.Broken, "Z"},
		{"no reply code", in(t, "E"), "NOOP", 999, false, oracle.Broken, "E"},
		{"1yz is no final reply", in(t, "E"), "NOOP", 150, false, oracle.Broken, "E"},
		{"a group refused", ahead(in(t, "H")), mailLine, 554, true, oracle.Conformant, "Z"},
		{"a group refused, not closed", ahead(in(t, "H")), mailLine, 503, false, oracle.Conformant, "H"},
		{"no group, so no such refusal", in(t, "H"), mailLine, 503, false, oracle.OtherRefusal, "H"},
		{"text", in(t, "D"), "Subject: x", 0, false, oracle.Strict, "D"},
		{"a reply in the middle of the text", in(t, "D"), "Subject: x", 500, false, oracle.Broken, "D"},
		{"a close in the middle of the text", in(t, "D"), "Subject: x", 0, true, oracle.Broken, "Z"},
		{"a message taken", in(t, "D"), ".", 250, false, oracle.Strict, "E"},
		{"a message refused", in(t, "D"), ".", 554, false, oracle.Conformant, "E"},
		{"a message to nobody taken", accept(t, in(t, "M"), "DATA"), ".", 250, false, oracle.Lenient, "E"},
		{"a message to nobody refused", accept(t, in(t, "M"), "DATA"), ".", 550, false, oracle.Conformant, "E"},
		{"AUTH that succeeds", in(t, "A"), "AGEAYg==", 235, false, oracle.Conformant, "E"},
		{"AUTH that goes on", in(t, "A"), "AGEAYg==", 334, false, oracle.Conformant, "A"},
		{"AUTH that took the star for data", in(t, "A"), "*", 334, false, oracle.Lenient, "A"},
		{"AUTH that took the star for a login", in(t, "A"), "*", 235, false, oracle.Lenient, "E"},
		{"plaintext discarded", in(t, "T"), "NOOP", 0, false, oracle.Strict, "T"},
		{"plaintext answered in clear", in(t, "T"), "NOOP", 250, false, oracle.Lenient, "T"},
		{"plaintext that broke the handshake", in(t, "T"), "NOOP", 0, true, oracle.Conformant, "Z"},
		{"served although refused", rejected, "NOOP", 250, false, oracle.Lenient, "J"},
		{"still refused", rejected, "NOOP", 503, false, oracle.Strict, "J"},
		{"still refused, with the greeting's code", rejected, "MAIL FROM:<>", 554, false, oracle.Conformant, "J"},
		{"closed before QUIT", rejected, "NOOP", 554, true, oracle.OtherRefusal, "Z"},
		{"early talk refused", oracle.Watch(), helloLine, 554, true, oracle.Strict, "Z"},
		{"early talk buffered", oracle.Watch(), helloLine, 220, false, oracle.Conformant, "I"},
		{"silence after the end", in(t, "Z"), "NOOP", 0, true, oracle.Strict, "Z"},
		{"service after the end", in(t, "Z"), "NOOP", 250, false, oracle.Lenient, "Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			next, standing := tt.from.Follow(tt.line, tt.code, tt.closed)
			if standing != tt.want || next.State != tt.next {
				t.Errorf("got %s and state %s, want %s and %s", standing, next.State, tt.want, tt.next)
			}
		})
	}
}

func TestFollowKeepsTheFlags(t *testing.T) {
	s := in(t, "M")
	s, _ = s.Follow(rcptLine, 550, false)
	if !s.AnyRcpt || s.Accepted != 0 {
		t.Errorf("got %+v, want a recipient tried and none accepted", s)
	}
	s, _ = s.Follow(rcptLine, 250, false)
	if s.Accepted != 1 {
		t.Errorf("got %d accepted, want 1", s.Accepted)
	}
	s, _ = s.Follow(mailLine, 250, false)
	if s.AnyRcpt || s.Accepted != 0 {
		t.Errorf("got %+v, want a nested MAIL to clear the recipients", s)
	}
	a, _ := in(t, "A").Follow("AGEAYg==", 235, false)
	if _, standing := a.Follow("AUTH PLAIN", 503, false); !a.Auth || standing != oracle.Strict {
		t.Errorf("got auth %v and %s, want a login after which AUTH is out of place", a.Auth, standing)
	}
	if a.Handshake().Auth {
		t.Errorf("got a login that survived a handshake, want it forgotten")
	}
}

func TestGreetingsAreFollowed(t *testing.T) {
	tests := []struct {
		name   string
		code   int
		closed bool
		want   oracle.Standing
		next   oracle.State
	}{
		{"accepting", 220, false, oracle.Strict, "I"},
		{"refusing", 554, false, oracle.Conformant, "J"},
		{"refusing for ever", 521, true, oracle.Conformant, "Z"},
		{"overloaded", 421, true, oracle.Conformant, "Z"},
		{"refusing without waiting for QUIT", 554, true, oracle.OtherRefusal, "Z"},
		{"silent", 0, true, oracle.Broken, "Z"},
		{"another welcome", 250, false, oracle.Lenient, "I"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, standing := oracle.Watch().FollowGreeting(tt.code, tt.closed)
			if standing != tt.want || s.State != tt.next {
				t.Errorf("got %s and state %s, want %s and %s", standing, s.State, tt.want, tt.next)
			}
		})
	}
}

func TestConforms(t *testing.T) {
	tests := []struct {
		name   string
		row    oracle.Row
		code   int
		closed bool
		want   bool
	}{
		{"ideal", in(t, "E").Row(rcptLine), 503, false, true},
		{"not named", in(t, "E").Row(rcptLine), 550, false, false},
		{"421", in(t, "E").Row(rcptLine), 421, true, true},
		{"close", in(t, "E").Row(rcptLine), 503, true, false},
		{"a class", in(t, "X").Row(rcptLine), 471, false, true},
		{"text has no reply", in(t, "D").Row("x"), 0, false, true},
		{"text with a reply", in(t, "D").Row("x"), 250, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.row.Conforms(tt.code, tt.closed); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func greeted() oracle.Session {
	_, s := oracle.New().Greet()
	return s
}
