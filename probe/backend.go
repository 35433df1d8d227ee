package probe

import (
	"strings"

	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// Backend is the name by which the machine behind the address calls itself in a
// session: the first word of its greeting, or else of its reply to EHLO or HELO
// (RFC 5321 4.2, 4.1.1.1). It is empty where that is no name of a host: several
// machines may stand behind one address, but "ESMTP ready" tells none of them
// from another.
func (t Transcript) Backend() string {
	said := "" // the command that the next reply is to; empty: the greeting
	for _, e := range t {
		switch e.From {
		case FromClient:
			said, _, _ = strings.Cut(strings.ToUpper(strings.TrimSpace(e.Text)), " ")
		case FromServer:
			if name := hostIn(e.line()); name != "" && (said == "" || said == "EHLO" || said == "HELO") {
				return name
			}
		}
	}
	return ""
}

// hostIn is the first word of a 2yz reply line where that can be a host's name.
func hostIn(l smtp.Line) string {
	text := l.Text()
	if len(text) < 4 || text[0] != '2' {
		return ""
	}
	word, _, _ := strings.Cut(text[4:], " ")
	if !strings.Contains(word, ".") || !smtp.ValidDomainName(word) && !smtp.ValidAddressLiteral(word) {
		return ""
	}
	return strings.ToLower(word)
}
