package smtp

import (
	"slices"
	"strconv"
	"strings"
)

// Capabilities are the keyword lines of an EHLO reply in their order (RFC 5321
// 4.1.1.1), without the first line, each as it was sent.
type Capabilities []string

// ParseCapabilities reads the reply to EHLO. Of anything but a well-formed 250
// nothing is known: nil.
func ParseCapabilities(r Reply) Capabilities {
	if r.Code != 250 || r.Fault != "" {
		return nil
	}
	caps := Capabilities{}
	for i, l := range r.Lines {
		if _, _, text := splitLine(l.Text()); i > 0 && strings.TrimSpace(text) != "" {
			caps = append(caps, strings.TrimSpace(text))
		}
	}
	return caps
}

// Has reports whether the keyword is offered; keywords are not case sensitive
// (RFC 5321 2.4).
func (c Capabilities) Has(keyword string) bool {
	return c.find(keyword) >= 0
}

// Without are all but the keyword; nil stays nil.
func (c Capabilities) Without(keyword string) Capabilities {
	return slices.DeleteFunc(slices.Clone(c), func(line string) bool {
		word, _, _ := strings.Cut(line, " ")
		return strings.EqualFold(word, keyword)
	})
}

// Params are the parameters of a keyword; nil where it is not offered.
func (c Capabilities) Params(keyword string) []string {
	i := c.find(keyword)
	if i < 0 {
		return nil
	}
	return strings.Fields(c[i])[1:]
}

// MailMax is the number of MAIL commands that a session may have by LIMITS
// MAILMAX, whether they are accepted or not (RFC 9422 4.1); 0 where none is named.
func (c Capabilities) MailMax() int { return c.limit("MAILMAX=") }

// RcptMax is the number of RCPT commands that a transaction may have by LIMITS
// RCPTMAX (RFC 9422 4.2); 0 where none is named.
func (c Capabilities) RcptMax() int { return c.limit("RCPTMAX=") }

func (c Capabilities) limit(name string) int {
	for _, p := range c.Params("LIMITS") {
		if number, ok := strings.CutPrefix(p, name); ok {
			if n, err := strconv.Atoi(number); err == nil && n > 0 {
				return n
			}
		}
	}
	return 0
}

func (c Capabilities) find(keyword string) int {
	return slices.IndexFunc(c, func(line string) bool {
		word, _, _ := strings.Cut(line, " ")
		return strings.EqualFold(word, keyword)
	})
}
