package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// anyWord is an argument as people, scripts and enemies write it. With these
// flags nothing is connected to, and the only nameserver is not there.
func anyWord() *rapid.Generator[string] {
	odd := rapid.StringOfN(rapid.RuneFrom([]rune("a.:@/[]-\"'<>\\ \t\r\n\x00\x1b\x7f\u0085\u202eé1")), 0, 12, -1)
	return rapid.OneOf(odd, rapid.SampledFrom([]string{
		"", "-", "--", ".", "..", "a..b", "example.com", "example.com.", "EXAMPLE.COM", "bücher.example", "xn--a.example",
		"127.0.0.1", "127.0.0.1:1", "[127.0.0.1]:1", "[::1]", "::1", "[IPv6:::1]:25", "fe80::1%lo", "localhost:25", "localhost",
		"127.0.0.1:0", "127.0.0.1:99999", "a@b.example", "https://example.com/", "-1", "0", "1", "1s", "-1s", "9999999999999h",
		"18446744073709551616", "auto", "none", "implicit", "table", "json", "ndjson", "rcpt-before-mail", "nested-mail,nested-mail",
		"sequence", "full", "strict,lenient", "violates", "socks5://127.0.0.1:1", "socks5://u:p@127.0.0.1:1", "missing/file", "true",
	}))
}

func anyFlag() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{
		"--profile", "--check", "--skip", "--group", "--format", "--transcript", "--color", "--ascii", "--quiet", "-v", "-q", "--fail-on",
		"--port", "--tls", "--ehlo", "--from", "--rcpt", "--domain", "-4", "-6", "--first", "--allow-private", "--pace", "--sessions",
		"--receivers", "--platform-receivers", "--max-per-platform", "--timeout", "--reply-timeout", "--repeat", "--interval", "--source", "--nonsense", "-x", "--check=", "--port=", "-4x",
	})
}

// TestAnyCommandLine: whatever the arguments, there is an exit code of the
// contract, a refusal says nothing on standard output and one clean line for
// each thing that is wrong, and nothing panics.
func TestAnyCommandLine(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		args := []string{"--dry-run", "--resolver", nowhere}
		for range rapid.IntRange(0, 6).Draw(t, "length") {
			args = append(args, rapid.OneOf(anyFlag(), anyWord(), anyWord()).Draw(t, "argument"))
		}
		in := strings.Join(rapid.SliceOfN(anyWord(), 0, 5).Draw(t, "standard input"), "\n")
		var out, errs bytes.Buffer
		code := execute(t.Context(), args, strings.NewReader(in), &out, &errs)
		if !slices.Contains([]int{exitRan, exitUsage, exitNothing}, code) {
			t.Fatalf("got exit code %d, want one of the contract", code)
		}
		if code == exitUsage && out.Len() > 0 && !strings.Contains(out.String(), "Usage:") {
			t.Fatalf("got %q on standard output of a refusal, want nothing", out.String())
		}
		for name, text := range map[string]string{"standard output": out.String(), "standard error": errs.String()} {
			if found := raw(text); found != "" {
				t.Fatalf("%s holds %s raw: %q", name, found, text)
			}
		}
		for line := range strings.Lines(errs.String()) {
			if !strings.HasPrefix(line, "smtpprobe: ") && !slices.Contains(args, "-v") && !slices.Contains(args, "--verbose") {
				t.Fatalf("got the line %q on standard error, want it to begin with the name of the program", line)
			}
		}
	})
}
