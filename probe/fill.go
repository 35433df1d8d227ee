package probe

import (
	"slices"
	"strconv"
	"strings"
)

// Placeholders that a receiver's own EHLO reply fills in.
const (
	AnyMechanism = "{mechanism}" // an AUTH mechanism that is offered
	Challenging  = "{challenge}" // one that answers with a challenge when nothing else is said
	Oversize     = "{oversize}"  // an octet more than the maximum of SIZE
)

// challenging are the mechanisms whose exchange begins with a challenge where
// the client gives no initial response (RFC 4616, RFC 2195, and LOGIN by habit).
func challenging() []string { return []string{"PLAIN", "LOGIN", "CRAM-MD5"} }

// Fill puts what this receiver offers into a script. Where it offers nothing
// that fits, the second value says what is missing.
func (f Facts) Fill(s Script) (filled Script, missing string) {
	filled = s
	for i := range s {
		text := s[i].Text
		if !strings.Contains(text, "{") {
			continue
		}
		for _, mark := range []string{AnyMechanism, Challenging, Oversize} {
			if strings.Contains(text, mark) {
				value, without := f.value(mark)
				if without != "" {
					return s, without
				}
				text = strings.ReplaceAll(text, mark, value)
			}
		}
		if text != s[i].Text {
			if &filled[0] == &s[0] {
				filled = slices.Clone(s)
			}
			filled[i].Text = text
		}
	}
	return filled, ""
}

// value is what a placeholder stands for.
func (f *Facts) value(mark string) (value, missing string) {
	switch mark {
	case AnyMechanism:
		return f.anyMechanism()
	case Challenging:
		return f.challenging()
	}
	return f.oversize()
}

func (f Facts) challenging() (value, missing string) {
	for _, m := range challenging() {
		if slices.Contains(f.mechanisms(), m) {
			return m, ""
		}
	}
	return "", "AUTH offers none of " + strings.Join(challenging(), ", ")
}

func (f Facts) anyMechanism() (value, missing string) {
	if m, without := f.challenging(); without == "" {
		return m, ""
	}
	for _, m := range f.mechanisms() {
		return m, ""
	}
	return "", "AUTH offers no mechanism"
}

// mechanisms are those of AUTH that can stand in a command (RFC 4422 3.1).
func (f Facts) mechanisms() []string {
	var all []string
	for _, m := range f.Offered.Params("AUTH") {
		m = strings.ToUpper(m)
		if len(m) <= 20 && strings.Trim(m, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == "" && !strings.Contains(m, "_") {
			all = append(all, m)
		}
	}
	return all
}

// oversize is one more than the advertised maximum; 0 is no maximum (RFC 1870 4).
func (f Facts) oversize() (value, missing string) {
	params := f.Offered.Params("SIZE")
	if len(params) == 0 {
		return "", "SIZE names no maximum"
	}
	n, err := strconv.ParseUint(params[0], 10, 63)
	if err != nil || n == 0 {
		return "", "SIZE names no maximum"
	}
	return strconv.FormatUint(n+1, 10), ""
}

// mails is the number of MAIL commands of a script.
func (s Script) mails() int {
	n := 0
	for _, step := range s {
		for _, verb := range step.Verbs() {
			if verb == "MAIL" {
				n++
			}
		}
	}
	return n
}

// recipients is the greatest number of RCPT commands of a script that stand behind
// one MAIL.
func (s Script) recipients() int {
	most, n := 0, 0
	for _, step := range s {
		for _, verb := range step.Verbs() {
			switch verb {
			case "MAIL":
				n = 0
			case "RCPT":
				n++
			}
			most = max(most, n)
		}
	}
	return most
}
