package smtp_test

import (
	"strings"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

func TestEscape(t *testing.T) {
	tests := []struct{ octets, want string }{
		{"", ""},
		{"250 ok", "250 ok"},
		{"NOOP\r\n", `NOOP\r\n`},
		{`a\b`, `a\\b`},
		{`a\r`, `a\\r`},
		{"\x00\t\x1b[31m", `\x00\x09\x1b[31m`},
		{" ~", " ~"},
		{"\x7f\x80\xff", `\x7f\x80\xff`},
		{"\xc3\xbc", `\xc3\xbc`},
	}
	for _, tt := range tests {
		t.Run(tt.want, func(t *testing.T) {
			if got := smtp.Escape(tt.octets); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if got, err := smtp.Unescape(tt.want); got != tt.octets || err != nil {
				t.Errorf("got %q, %v back, want %q", got, err, tt.octets)
			}
		})
	}
}

func TestUnescapeRefusesWhatEscapeDoesNotWrite(t *testing.T) {
	for _, text := range []string{`\`, `a\`, `\t`, `\x`, `\x4`, `\xg0`, `\x+1`, `\x_1`, `\x 1`, `\[5`, `\0`, `a\\\`, `\X41`, `\xé`} {
		t.Run(text, func(t *testing.T) {
			got, err := smtp.Unescape(text)
			if err == nil {
				t.Fatalf("got %q, want an error", got)
			}
			if !strings.Contains(err.Error(), "want") {
				t.Errorf("got %q, want it to say what would be right", err)
			}
		})
	}
}

// FuzzEscape holds what a transcript hangs on: any octets come back, and what
// is shown cannot move a cursor or end a line.
func FuzzEscape(f *testing.F) {
	for _, octets := range []string{"", `\`, `\\`, `\x41`, "\r\n", "\x00\xff", "\x1b[2J", "\u202e"} {
		f.Add(octets)
	}
	f.Fuzz(func(t *testing.T, octets string) {
		shown := smtp.Escape(octets)
		for i := range len(shown) {
			if shown[i] < ' ' || shown[i] > '~' {
				t.Fatalf("got %q, want printable ASCII only", shown)
			}
		}
		if back, err := smtp.Unescape(shown); back != octets || err != nil {
			t.Errorf("got %q, %v back, want %q", back, err, octets)
		}
	})
}

// FuzzUnescape reads any text: an error, or octets that survive being shown.
func FuzzUnescape(f *testing.F) {
	for _, text := range []string{"", `\`, `\x`, `\x4`, `\\x41`, `\xAB`, `\r\n`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		octets, err := smtp.Unescape(text)
		if err != nil {
			return
		}
		if back, err := smtp.Unescape(smtp.Escape(octets)); back != octets || err != nil {
			t.Errorf("got %q, %v back, want %q", back, err, octets)
		}
	})
}
