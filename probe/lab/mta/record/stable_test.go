package main

import (
	"strings"
	"testing"
)

func TestEscape(t *testing.T) {
	for raw, want := range map[string]string{
		"a\\{x*9}\r\n":                    `a\\{x*9}\r\n`,
		"NOOP " + strings.Repeat("x", 99): "NOOP " + strings.Repeat("x", 99),
		strings.Repeat("x", 505) + "\r\n": `\{x*505}\r\n`,
		"\x00\xc3\xbc":                    `\x00\xC3\xBC`,
	} {
		if got := escape(raw); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestStable(t *testing.T) {
	for _, test := range [][2]string{
		{"220 a; Wed, 25 Nov 2026 13:36:31 GMT; b\r\n", "220 a; Thu, 01 Jan 1970 00:00:00 GMT; b\r\n"},
		{"220 a Wed,  5 Nov 2026 13:36:31 +0100\r\n", "220 a Thu, 01 Jan 1970 00:00:00 +0100\r\n"},
		{"334 PDE0NzYyNDk5MzkuNDUxODI4QHg+\r\n", "334 PDAuMEBsYWIuZXhhbXBsZT4=\r\n"},
		{"334 VXNlcm5hbWU6\r\n", "334 VXNlcm5hbWU6\r\n"},
		{"250 2.0.0 Thinking of Maud you forget everything else.\r\n", "250 2.0.0 Who was that Maud person anyway?\r\n"},
		{"250 2.0.0 Ok\r\n", "250 2.0.0 Ok\r\n"},
	} {
		if got := stable(test[0]); got != test[1] {
			t.Errorf("%q: got %q, want %q", test[0], got, test[1])
		}
	}
}
