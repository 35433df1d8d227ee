package smtp

import (
	"strconv"
	"strings"
)

// Fault says why a reply is malformed. Empty where it is well formed.
type Fault string

// The faults that make a reply useless: nobody can say which code it carries.
// Lesser ones (a lone LF, octets above 127) are kept in the lines and do not
// stop anything.
const (
	NoCode     Fault = "a line without a reply code"
	MixedCodes Fault = "lines with different reply codes"
	BadCode    Fault = "a reply code that does not begin with 2, 3, 4 or 5"
	Endless    Fault = "a reply without an end"
	Unfinished Fault = "a reply that stopped in the middle"
)

// Reply is one reply by RFC 5321 4.2: one line, or several that begin with the
// code and a hyphen and a last one that does not.
type Reply struct {
	Lines []Line
	Code  int // of the last line that has one; 0 where none has
	Fault Fault
}

// Class is the first digit of the code, 0 where there is no code.
func (r Reply) Class() int { return r.Code / 100 }

// Refused reports a 4yz or 5yz code.
func (r Reply) Refused() bool { return r.Class() == 4 || r.Class() == 5 }

// Text is the text of all lines after their codes, joined by a space.
func (r Reply) Text() string {
	texts := make([]string, 0, len(r.Lines))
	for _, l := range r.Lines {
		_, _, text := splitLine(l.Text())
		texts = append(texts, text)
	}
	return strings.TrimSpace(strings.Join(texts, " "))
}

// Enhanced is the first enhanced status code of the reply (RFC 2034 4, RFC 3463
// 2), and its zero value where there is none.
func (r Reply) Enhanced() Enhanced {
	for _, l := range r.Lines {
		_, _, text := splitLine(l.Text())
		if e, ok := ParseEnhanced(text); ok {
			return e
		}
	}
	return Enhanced{}
}

// Enhanced is an enhanced status code, class.subject.detail.
type Enhanced struct{ Class, Subject, Detail int }

// The subjects that separate protocol from policy (RFC 3463 3.6 and 3.8).
const (
	SubjectProtocol = 5
	SubjectPolicy   = 7
)

// Present reports whether there is a code at all; its class is 2, 4 or 5.
func (e Enhanced) Present() bool { return e.Class != 0 }

func (e Enhanced) String() string {
	if !e.Present() {
		return ""
	}
	return strconv.Itoa(e.Class) + "." + strconv.Itoa(e.Subject) + "." + strconv.Itoa(e.Detail)
}

// ParseEnhanced reads the enhanced status code at the beginning of a text.
func ParseEnhanced(text string) (Enhanced, bool) {
	word, _, _ := strings.Cut(text, " ")
	parts := strings.Split(word, ".")
	if len(parts) != 3 || len(parts[0]) != 1 || !strings.Contains("245", parts[0]) {
		return Enhanced{}, false
	}
	var n [3]int
	for i, p := range parts {
		v, err := strconv.ParseUint(p, 10, 16)
		if err != nil || len(p) > 3 {
			return Enhanced{}, false
		}
		n[i] = int(v)
	}
	return Enhanced{Class: n[0], Subject: n[1], Detail: n[2]}, true
}

// splitLine splits a reply line without its end into code, separator and text.
// The separator is '-' where more lines follow, ' ' where none does, and 0
// where the line has no code.
func splitLine(line string) (code int, separator byte, text string) {
	if len(line) < 3 {
		return 0, 0, line
	}
	for i := range 3 {
		if line[i] < '0' || line[i] > '9' {
			return 0, 0, line
		}
	}
	code = int(line[0]-'0')*100 + int(line[1]-'0')*10 + int(line[2]-'0')
	switch {
	case len(line) == 3: // RFC 5321 4.2: a client must cope with a code alone
		return code, ' ', ""
	case line[3] == ' ' || line[3] == '-':
		return code, line[3], line[4:]
	}
	return 0, 0, line
}

// Split is the line without its end as code, separator and text. The separator is
// '-' where more lines follow, ' ' where none does, and 0 where there is no code.
func (l Line) Split() (code int, separator byte, text string) { return splitLine(l.Text()) }

// Assembler joins lines to replies. Its zero value is ready to use.
type Assembler struct {
	open Reply
	size int
}

// usualLines is room for the lines of most replies to EHLO.
const usualLines = 12

// Add takes the next line and returns the reply that it completes, if it
// completes one. A line without a code is a reply of its own unless it stands
// inside a reply of several lines.
func (a *Assembler) Add(line Line) (Reply, bool) {
	code, separator, _ := splitLine(line.Text())
	first := len(a.open.Lines) == 0
	if first && separator == '-' {
		a.open.Lines = make([]Line, 0, usualLines)
	}
	a.open.Lines = append(a.open.Lines, line)
	a.size += len(line.Octets) + line.Cut
	switch {
	case !line.Ended():
		a.fault(Unfinished)
	case separator == 0:
		a.fault(NoCode)
	case code < 200 || code > 599:
		a.fault(BadCode)
	case !first && a.open.Code != 0 && code != a.open.Code:
		a.fault(MixedCodes)
	}
	if separator != 0 {
		a.open.Code = code
	}
	switch {
	case !line.Ended():
	case a.size > MaxReply:
		a.fault(Endless)
	case separator == '-', separator == 0 && !first:
		return Reply{}, false
	}
	return a.take(), true
}

// Open reports whether a reply was begun and not finished.
func (a *Assembler) Open() bool { return len(a.open.Lines) > 0 }

// Rest returns the reply that was begun and not finished, if there is one.
func (a *Assembler) Rest() (Reply, bool) {
	if len(a.open.Lines) == 0 {
		return Reply{}, false
	}
	a.fault(Unfinished)
	return a.take(), true
}

// fault keeps the first fault: what follows one is often its consequence.
func (a *Assembler) fault(f Fault) {
	if a.open.Fault == "" {
		a.open.Fault = f
	}
}

func (a *Assembler) take() Reply {
	r := a.open
	a.open, a.size = Reply{}, 0
	return r
}

// Replies joins lines to replies; a last one may be Unfinished.
func Replies(lines []Line) []Reply {
	var a Assembler
	var replies []Reply
	for _, l := range lines {
		if r, ok := a.Add(l); ok {
			replies = append(replies, r)
		}
	}
	if r, ok := a.Rest(); ok {
		replies = append(replies, r)
	}
	return replies
}

// SameAnswer reports whether two replies say the same: the same code, the same
// enhanced code, and the same words once those are left out that name an
// address or a URL or carry a digit (a session's number, a time, an address).
func SameAnswer(a, b Reply) bool {
	return a.Code == b.Code && a.Enhanced() == b.Enhanced() && gist(a) == gist(b)
}

func gist(r Reply) string {
	var words []string
	for _, w := range strings.Fields(strings.ToLower(r.Text())) {
		if !strings.ContainsAny(w, "@0123456789") && !strings.Contains(w, "://") {
			words = append(words, w)
		}
	}
	return strings.Join(words, " ")
}
