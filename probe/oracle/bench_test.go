package oracle_test

import (
	"testing"

	"github.com/smtpprobe/smtpprobe/probe/oracle"
)

// BenchmarkSession steps through a session of ten commands, one of them out of
// order.
func BenchmarkSession(b *testing.B) {
	commands := []string{
		"EHLO client.example", "MAIL FROM:<>", "RCPT TO:<postmaster@receiver.example>", "RSET", "RCPT TO:<postmaster@receiver.example>",
		"NOOP", "VRFY postmaster", "MAIL FROM:<>", "RSET", "QUIT",
	}
	b.ReportAllocs()
	for b.Loop() {
		_, s := oracle.New("PIPELINING", "SIZE 10240000", "ENHANCEDSTATUSCODES").Greet()
		for _, c := range commands {
			_, s = s.Step(c)
		}
		if s.State != oracle.StateClosed {
			b.Fatalf("ends in %s, want %s", s.State, oracle.StateClosed)
		}
	}
}
