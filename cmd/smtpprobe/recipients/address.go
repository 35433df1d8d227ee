package recipients

import (
	"bytes"
	"unicode/utf8"

	"github.com/smtpprobe/smtpprobe/probe/resolve"
)

// domainOf is the domain of the address in a cell, as it is written there: an
// address alone, or in angle brackets behind a name. It reports whether there is
// one address; whether its domain is one remains to be seen.
func domainOf(cell []byte) (domain []byte, ok bool) {
	if len(cell) > 0 && cell[len(cell)-1] == '>' {
		open := bytes.LastIndexByte(cell, '<')
		if open < 0 {
			return nil, false
		}
		cell = cell[open+1 : len(cell)-1]
	}
	const scheme = "mailto:"
	if len(cell) > len(scheme) && bytes.EqualFold(cell[:len(scheme)], []byte(scheme)) {
		cell = cell[len(scheme):]
	}
	at := bytes.LastIndexByte(cell, '@')
	if at < 1 || !isLocal(cell[:at]) {
		return nil, false
	}
	domain = cell[at+1:]
	return domain, len(domain) > 0 && !bytes.ContainsAny(domain, " \t\x00,;\"<>()")
}

// isLocal reports whether there may be one local part before the @, so that no
// part of another address is taken for a domain. Beyond that nobody but its
// receiver knows.
func isLocal(local []byte) bool {
	if len(local) > 2 && local[0] == '"' && local[len(local)-1] == '"' {
		return true
	}
	for _, c := range local {
		switch {
		case c <= ' ', c == 0x7f:
			return false
		case c == '(', c == ')', c == '<', c == '>', c == '[', c == ']', c == ':', c == ';', c == '@', c == '\\', c == ',', c == '"':
			return false
		}
	}
	return true
}

// lower appends a domain in lower case. What is no UTF-8 is taken as Latin-1.
func lower(to, domain []byte) []byte {
	latin := !utf8.Valid(domain)
	for _, c := range domain {
		switch {
		case c >= 'A' && c <= 'Z':
			to = append(to, c+'a'-'A')
		case latin && c >= utf8.RuneSelf:
			to = utf8.AppendRune(to, rune(c))
		default:
			to = append(to, c)
		}
	}
	return to
}

// parseDomain is the domain as the DNS has it.
func parseDomain(written string) (string, bool) {
	name, err := resolve.ParseName(written)
	return name.ASCII, err == nil // whose words would quote the list
}
