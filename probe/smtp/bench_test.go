package smtp_test

import (
	"testing"

	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// BenchmarkReplies reads a reply to EHLO of ten lines and nine replies of one.
func BenchmarkReplies(b *testing.B) {
	octets := []byte("250-receiver.example\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n" +
		"250-DSN\r\n250-CHUNKING\r\n250-BINARYMIME\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n")
	for range 9 {
		octets = append(octets, "503 5.5.1 Bad sequence of commands\r\n"...)
	}
	b.SetBytes(int64(len(octets)))
	b.ReportAllocs()
	var cutter smtp.Cutter
	var assembler smtp.Assembler
	for b.Loop() {
		replies := 0
		for rest := octets; len(rest) > 0; {
			var line smtp.Line
			line, _, rest = cutter.Next(rest)
			if _, ok := assembler.Add(line); ok {
				replies++
			}
		}
		if replies != 10 {
			b.Fatalf("%d replies, want 10", replies)
		}
	}
}
