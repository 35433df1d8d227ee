package page

import (
	"regexp"

	"github.com/smtpprobe/smtpprobe/probe"
)

// section is one of an RFC as checks name it, such as "RFC 2920 3.2(3)".
var section = regexp.MustCompile(`^RFC ([0-9]+)(?: ([0-9]+(?:\.[0-9]+)*))?`)

// link is where the section can be read; empty where the reference is not one.
// It is there to be followed: nothing is loaded from it.
func link(ref probe.Ref) string {
	parts := section.FindStringSubmatch(string(ref))
	switch {
	case parts == nil:
		return ""
	case parts[2] == "":
		return "https://www.rfc-editor.org/rfc/rfc" + parts[1]
	}
	return "https://www.rfc-editor.org/rfc/rfc" + parts[1] + "#section-" + parts[2]
}
