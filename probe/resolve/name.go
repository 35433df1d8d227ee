package resolve

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// Limits of RFC 1035 section 2.3.4, in octets. The 255 octets of a name on the
// wire leave 253 for what is written with dots.
const (
	maxLabel = 63
	maxName  = 253
)

// A Name is a domain name in both of its forms, without a trailing dot and in
// lower case.
type Name struct {
	Unicode string // as people write it
	ASCII   string // as the DNS has it: letters, digits, hyphens and dots only
}

// ParseName reads a domain as a person types it: fully qualified, in either
// form, with or without one trailing dot. Internationalised names are converted
// by the lookup rules of IDNA2008. The error is one line, quotes what was typed
// and says what would be right.
func ParseName(input string) (Name, error) {
	name, err := parseName(input)
	if err != nil {
		return Name{}, err
	}
	if !strings.Contains(name.ASCII, ".") {
		return Name{}, fmt.Errorf("%s has no dot: give the full domain name, such as example.com", quote(input))
	}
	return name, nil
}

// ParseHost reads the name of one host. Unlike a domain it may be a single
// label, as in a network with names of its own.
func ParseHost(input string) (Name, error) {
	return parseName(input)
}

func parseName(input string) (Name, error) {
	if err := mistaken(input); err != nil {
		return Name{}, err
	}
	ascii := strings.ToLower(input)
	if !plainASCII(ascii) {
		var err error
		// idna accepts the empty label, the empty name and addresses:
		// checkName follows in any case.
		if ascii, err = idna.Lookup.ToASCII(input); err != nil {
			return Name{}, fmt.Errorf("%s is not a domain name by IDNA2008: %w", quote(input), err)
		}
	}
	ascii = strings.TrimSuffix(ascii, ".")
	if err := checkName(ascii); err != nil {
		return Name{}, fmt.Errorf("%s is not a domain name: %w", quote(input), err)
	}
	name := Name{Unicode: ascii, ASCII: ascii}
	if u, err := idna.Lookup.ToUnicode(ascii); err == nil && u != "" {
		name.Unicode = u
	}
	return name, nil
}

// mistaken recognises what people give in place of a domain name.
func mistaken(input string) error {
	q := quote(input)
	_, isAddress := parseAddress(input)
	switch {
	case input == "":
		return errors.New(`"" is empty: give a domain name such as example.com`)
	case !utf8.ValidString(input):
		return fmt.Errorf("%s is not valid UTF-8: give a domain name such as example.com", q)
	case strings.ContainsFunc(input, unicode.IsControl):
		return fmt.Errorf("%s contains a control character: a domain name has none", q)
	case strings.ContainsFunc(input, unicode.IsSpace):
		return fmt.Errorf("%s contains a space: a domain name has none", q)
	case isAddress:
		return fmt.Errorf("%s is an address: a domain name such as example.com is needed here", q)
	case strings.Contains(input, "/"):
		return fmt.Errorf("%s is a URL or a path: use the host name in it, such as example.com", q)
	case strings.Contains(input, "@"):
		return fmt.Errorf("%s is an e-mail address: use the part after the @, %s", q, quote(input[strings.LastIndex(input, "@")+1:]))
	case strings.Contains(input, ":"):
		return fmt.Errorf("%s contains a colon: a domain name has neither a port nor a scheme", q)
	}
	return nil
}

// plainASCII reports whether a name needs no IDNA: real names such as
// "mx--1.example.com" are refused by its lookup rules.
func plainASCII(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		if strings.HasPrefix(label, "xn--") {
			return false
		}
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}

// checkName holds a name in lower case against RFC 5321 section 4.1.2 and the
// limits of RFC 1035.
func checkName(ascii string) error {
	if len(ascii) > maxName {
		return fmt.Errorf("it has %d octets, and %d are allowed", len(ascii), maxName)
	}
	labels := strings.Split(ascii, ".")
	for _, label := range labels {
		if err := checkLabel(label); err != nil {
			return err
		}
	}
	if last := labels[len(labels)-1]; strings.Trim(last, "0123456789") == "" {
		return fmt.Errorf("its last label %s has digits only", quote(last))
	}
	return nil
}

func checkLabel(label string) error {
	switch {
	case label == "":
		return errors.New("one of its labels is empty")
	case len(label) > maxLabel:
		return fmt.Errorf("its label %s has %d octets, and %d are allowed", quote(label), len(label), maxLabel)
	case label[0] == '-' || label[len(label)-1] == '-':
		return fmt.Errorf("its label %s begins or ends with a hyphen", quote(label))
	case strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "":
		return fmt.Errorf("its label %s has other characters than letters, digits and hyphens", quote(label))
	}
	return nil
}

// parseAddress reads an address in the forms of RFC 5321 section 4.1.3 and
// those that people type: bare or in brackets, with or without "IPv6:".
func parseAddress(s string) (netip.Addr, bool) {
	if inner, ok := strings.CutPrefix(s, "["); ok {
		if s, ok = strings.CutSuffix(inner, "]"); !ok {
			return netip.Addr{}, false
		}
		if len(s) > 5 && strings.EqualFold(s[:5], "IPv6:") {
			s = s[5:]
		}
	}
	addr, err := netip.ParseAddr(s)
	return addr, err == nil
}

// Platform returns the registrable domain of a host by the public suffix list:
// whoever holds it operates the host. A host without one, such as an address
// or a single label, is returned as it is. The result is in lower case and has
// no trailing dot.
func Platform(host string) string {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if _, ok := parseAddress(host); ok {
		return host
	}
	domain, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil {
		return host
	}
	return domain
}

// quote shows what somebody gave us within quotes, escaped and cut to a length
// that fits a line.
func quote(s string) string {
	const most = 80
	if len(s) <= most {
		return strconv.Quote(s)
	}
	cut := most
	for cut > most-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return strconv.Quote(s[:cut]) + "..."
}
