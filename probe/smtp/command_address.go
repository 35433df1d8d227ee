package smtp

import (
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of RFC 5321 section 4.5.3.1, in octets, and of a label (RFC 1035
// section 2.3.4).
const (
	maxLocalPart = 64
	maxDomain    = 255
	maxLabel     = 63
)

// ValidDomainName reports whether name is a Domain of RFC 5321 section 4.1.2:
// labels of ASCII letters, digits and inner hyphens with dots between them, no
// dot at the end, at most 255 octets. A single label is a Domain, and so are
// four numbers, which only look like an address.
func ValidDomainName(name string) bool { return validDomain(name, false) }

// ValidAddressLiteral reports whether text is an address literal of RFC 5321
// section 4.1.3: an IPv4 address, or an IPv6 address behind `IPv6:`, in square
// brackets. Other tags would have to be registered, and none is.
func ValidAddressLiteral(text string) bool {
	inner, open := strings.CutPrefix(text, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	if !open || !closed {
		return false
	}
	const tag = "IPv6:"
	if len(inner) > len(tag) && strings.EqualFold(inner[:len(tag)], tag) {
		return validIPv6(inner[len(tag):])
	}
	return validIPv4(inner)
}

// ValidMailbox reports whether address is a Mailbox of RFC 5321 section 4.1.2
// in ASCII: a dot-string or a quoted string, an at sign, and a domain or an
// address literal. A local-part has at most 64 octets (section 4.5.3.1.1).
func ValidMailbox(address string) bool { return validMailbox(address, false) }

func validMailbox(address string, international bool) bool {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return false
	}
	local, domain := address[:at], address[at+1:]
	return len(local) <= maxLocalPart &&
		(validDotString(local, international) || validQuotedString(local, international)) &&
		(validDomain(domain, international) || ValidAddressLiteral(domain))
}

// validReversePath takes what MAIL FROM: takes: the null path or a path.
func validReversePath(path string) bool { return path == "<>" || validPath(path) }

// validForwardPath takes what RCPT TO: takes: a path, or the postmaster without
// a domain (RFC 5321 section 4.1.1.3).
func validForwardPath(path string) bool {
	return strings.EqualFold(path, "<postmaster>") || validPath(path)
}

// validPath takes a mailbox in brackets, with or without the source route that
// receivers must still be able to read (RFC 5321 section 4.1.2, appendix C).
func validPath(path string) bool {
	inner, open := strings.CutPrefix(path, "<")
	inner, closed := strings.CutSuffix(inner, ">")
	if !open || !closed {
		return false
	}
	if strings.HasPrefix(inner, "@") {
		route, mailbox, found := strings.Cut(inner, ":")
		if !found || !validRoute(route) {
			return false
		}
		inner = mailbox
	}
	return validMailbox(inner, true)
}

func validRoute(route string) bool {
	for hop := range strings.SplitSeq(route, ",") {
		domain, at := strings.CutPrefix(hop, "@")
		if !at || !validDomain(domain, true) {
			return false
		}
	}
	return true
}

// validDomain takes a Domain; an international one may have well formed UTF-8
// in its labels (RFC 6531 section 3.3).
func validDomain(name string, international bool) bool {
	if name == "" || len(name) > maxDomain || international && !utf8.ValidString(name) {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			b := label[i]
			if !letter(b) && !digit(b) && b != '-' && (!international || b < utf8.RuneSelf) {
				return false
			}
		}
	}
	return true
}

// validDotString takes atoms with single dots between them (RFC 5321 section
// 4.1.2; atext is RFC 5322 section 3.2.3).
func validDotString(local string, international bool) bool {
	if international && !utf8.ValidString(local) {
		return false
	}
	for atom := range strings.SplitSeq(local, ".") {
		if atom == "" {
			return false
		}
		for i := range len(atom) {
			b := atom[i]
			if !atext(b) && (!international || b < utf8.RuneSelf) {
				return false
			}
		}
	}
	return true
}

// validQuotedString takes a quoted local-part, which may be empty.
func validQuotedString(local string, international bool) bool {
	if len(local) < 2 || local[0] != '"' || local[len(local)-1] != '"' || international && !utf8.ValidString(local) {
		return false
	}
	inner := local[1 : len(local)-1]
	for i := 0; i < len(inner); i++ {
		b := inner[i]
		switch {
		case b == '\\':
			i++
			if i == len(inner) || inner[i] < ' ' || inner[i] > '~' {
				return false
			}
		case b == '"' || b < ' ' || b == 0x7f:
			return false
		case b >= utf8.RuneSelf && !international:
			return false
		}
	}
	return true
}

func atext(b byte) bool {
	return letter(b) || digit(b) || strings.IndexByte("!#$%&'*+-/=?^_`{|}~", b) >= 0
}

// validIPv4 takes four numbers of one to three digits up to 255. Leading zeros
// are allowed by the grammar of RFC 5321 section 4.1.3.
func validIPv4(text string) bool {
	numbers := strings.Split(text, ".")
	if len(numbers) != 4 {
		return false
	}
	for _, number := range numbers {
		if len(number) > 3 || !digits(number) {
			return false
		}
		if n, err := strconv.Atoi(number); err != nil || n > 255 {
			return false
		}
	}
	return true
}

// validIPv6 takes an IPv6 address without a zone.
func validIPv6(text string) bool {
	address, err := netip.ParseAddr(text)
	return err == nil && address.Is6() && address.Zone() == ""
}
