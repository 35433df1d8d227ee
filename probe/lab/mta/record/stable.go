package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"syscall"
)

// reason says how a connection failed without addresses and ports, which change every time.
func reason(err error) string {
	var op *net.OpError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "closed by the receiver"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "reset by the receiver"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "timed out"
	case errors.As(err, &op):
		return op.Op + ": " + op.Err.Error()
	}
	return err.Error()
}

// changing is what differs between two recordings of the same receiver, and what is written
// in its place, which is always of the same form: dates, the challenge of CRAM-MD5, and the
// sentences that chasquid draws lots for.
var changing = []struct {
	said   *regexp.Regexp
	always string
}{
	{
		regexp.MustCompile(`[A-Z][a-z]{2}, [ 0-9]?[0-9] [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} ([+-][0-9]{4}|GMT|UTC)`),
		"Thu, 01 Jan 1970 00:00:00 ${1}",
	},
	{
		regexp.MustCompile(`^334 [0-9A-Za-z+/]{16,}=*`),
		"334 PDAuMEBsYWIuZXhhbXBsZT4=",
	},
	{
		regexp.MustCompile(`^250 Hello my friend, welcome to chasqui's [^\r\n]*!`),
		"250 Hello my friend, welcome to chasqui's general store!",
	},
	{
		regexp.MustCompile(`^250 2\.0\.0 (As your mind turns inward|Thinking of Maud|Your mind releases|Who was that Maud)[^\r\n]*`),
		"250 2.0.0 Who was that Maud person anyway?",
	},
}

// stable replaces what changes in a line.
func stable(line string) string {
	for _, c := range changing {
		line = c.said.ReplaceAllString(line, c.always)
	}
	return line
}

// long is how many of the same octet are counted and not written out.
const long = 100

// escape makes octets readable. A backslash of theirs is doubled, so that nothing written
// here can be mistaken for them.
func escape(raw string) string {
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if n := len(raw[i:]) - len(strings.TrimLeft(raw[i:], string(rune(c)))); n >= long && c > ' ' && c <= '~' {
			fmt.Fprintf(&b, `\{%c*%d}`, c, n)
			i += n - 1
			continue
		}
		switch {
		case c == '\\':
			b.WriteString(`\\`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\n':
			b.WriteString(`\n`)
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\x%02X`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
