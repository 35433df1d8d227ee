package smtp

import (
	"fmt"
	"strconv"
	"strings"
)

// Escape shows octets as printable ASCII: `\\`, `\r`, `\n`, and `\xNN` for
// every other octet outside 0x20 to 0x7e. Unescape takes it back without loss.
func Escape(octets string) string {
	if !needsEscape(octets) {
		return octets
	}
	var b strings.Builder
	for i := range len(octets) {
		switch c := octets[i]; {
		case c == '\\':
			b.WriteString(`\\`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\n':
			b.WriteString(`\n`)
		case c < 0x20 || c > 0x7e:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func needsEscape(octets string) bool {
	for i := range len(octets) {
		if c := octets[i]; c < 0x20 || c > 0x7e || c == '\\' {
			return true
		}
	}
	return false
}

// Unescape takes back what Escape wrote. The error names the first escape that
// Escape does not write.
func Unescape(text string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			b.WriteByte(text[i])
			continue
		}
		rest := text[i+1:]
		switch {
		case strings.HasPrefix(rest, `\`):
			b.WriteByte('\\')
			i++
		case strings.HasPrefix(rest, "r"):
			b.WriteByte('\r')
			i++
		case strings.HasPrefix(rest, "n"):
			b.WriteByte('\n')
			i++
		case strings.HasPrefix(rest, "x") && len(rest) >= 3:
			v, err := strconv.ParseUint(rest[1:3], 16, 8)
			if err != nil {
				return "", fmt.Errorf(`escape %q: want two hexadecimal digits after \x`, text[i:i+4])
			}
			b.WriteByte(byte(v))
			i += 3
		default:
			return "", fmt.Errorf(`escape %q: want \\, \r, \n or \xNN`, text[i:min(i+2, len(text))])
		}
	}
	return b.String(), nil
}
