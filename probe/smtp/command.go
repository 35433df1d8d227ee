package smtp

import (
	"strconv"
	"strings"
)

// Command is one command line taken apart by the grammar of RFC 5321 section
// 4.1. Taking a line apart says nothing about whether the command may be given
// now; that is the oracle's business.
type Command struct {
	// Verb is what stands before the first space, in upper case, as verbs are
	// not case sensitive (RFC 5321 section 2.4). It is empty where the line
	// does not begin with a letter.
	Verb string
	// Argument is what follows the verb and one space, without trailing white
	// space, which is no argument (RFC 5321 section 4.1.1).
	Argument string
	// Path is the path of MAIL FROM: or RCPT TO: as it stood on the line, with
	// its angle brackets. It is empty for other verbs.
	Path string
	// PathValid says whether the keyword and the path of MAIL or RCPT are
	// those of RFC 5321 sections 4.1.1.2, 4.1.1.3 and 4.1.2, the octets above
	// 127 of RFC 6531 section 3.3 included.
	PathValid bool
	// Parameters are the ESMTP parameters of MAIL and RCPT, in their order.
	Parameters []Parameter
}

// Parameter is one ESMTP parameter of MAIL or RCPT (RFC 5321 section 4.1.2).
type Parameter struct {
	// Keyword is in upper case, as keywords are not case sensitive.
	Keyword string
	// Value is what follows the equals sign.
	Value string
	// HasValue tells `SIZE=` from `SIZE`.
	HasValue bool
}

// Chunk is the argument of BDAT (RFC 3030 section 2).
type Chunk struct {
	// Size is the number of octets that follow the command line.
	Size int64
	// Last says that no chunk comes after this one.
	Last bool
}

// ParseCommand takes one command line apart. The line is given without its line
// end; any octets are allowed in it, and nothing in it is an error here.
func ParseCommand(line string) Command {
	verb, argument := splitVerb(line)
	c := Command{Verb: verb, Argument: strings.TrimRight(argument, " \t")}
	switch verb {
	case "MAIL":
		c.parsePath("FROM:", validReversePath)
	case "RCPT":
		c.parsePath("TO:", validForwardPath)
	}
	return c
}

// Verb is the verb of a command line, as ParseCommand finds it.
func Verb(line string) string {
	verb, _ := splitVerb(line)
	return verb
}

// Hello reports whether the argument is one that EHLO and HELO take: a domain
// or an address literal and nothing behind it. The grammar of HELO names only a
// domain, but RFC 5321 section 4.1.1.1 tells a client without a name to give
// its address literal, so that one is taken after HELO too.
func (c Command) Hello() bool {
	return ValidDomainName(c.Argument) || ValidAddressLiteral(c.Argument)
}

// Chunk returns the argument of BDAT, and whether it is well formed: a decimal
// size, and nothing or the word LAST behind it (RFC 3030 section 2).
func (c Command) Chunk() (Chunk, bool) {
	size, marker, marked := strings.Cut(c.Argument, " ")
	if !digits(size) {
		return Chunk{}, false
	}
	n, err := strconv.ParseInt(size, 10, 64)
	if err != nil {
		return Chunk{}, false
	}
	if marked && !strings.EqualFold(marker, "LAST") {
		return Chunk{}, false
	}
	return Chunk{Size: n, Last: marked}, true
}

// splitVerb cuts the line behind its verb. The verb ends at a space or at a
// control character, so that `NOOP`, NUL, `x` is a NOOP with a bad character
// and not a verb of its own. Only one space belongs to the separation.
func splitVerb(line string) (verb, argument string) {
	if line == "" || !letter(line[0]) {
		return "", line
	}
	end := 0
	for end < len(line) && line[end] > ' ' && line[end] != 0x7f {
		end++
	}
	return upper(line[:end]), strings.TrimPrefix(line[end:], " ")
}

// parsePath splits the argument of MAIL or RCPT into path and parameters. The
// keyword is not case sensitive; no space may follow its colon (RFC 5321
// section 3.3).
func (c *Command) parsePath(keyword string, valid func(string) bool) {
	if len(c.Argument) < len(keyword) || !strings.EqualFold(c.Argument[:len(keyword)], keyword) {
		return
	}
	path, rest := splitPath(c.Argument[len(keyword):])
	c.Path = path
	c.PathValid = valid(path) && (rest == "" || rest[0] == ' ')
	for word := range strings.SplitSeq(rest, " ") {
		if word == "" {
			continue
		}
		name, value, has := strings.Cut(word, "=")
		c.Parameters = append(c.Parameters, Parameter{Keyword: upper(name), Value: value, HasValue: has})
	}
}

// splitPath cuts behind the closing bracket of a path, which may stand quoted
// inside the local-part, or, where there are no brackets, at the first space.
func splitPath(text string) (path, rest string) {
	if !strings.HasPrefix(text, "<") {
		if end := strings.IndexByte(text, ' '); end > 0 {
			return text[:end], text[end:]
		}
		return text, ""
	}
	quoted := false
	for i := 1; i < len(text); i++ {
		switch {
		case quoted && text[i] == '\\':
			i++
		case text[i] == '"':
			quoted = !quoted
		case text[i] == '>' && !quoted:
			return text[:i+1], text[i+1:]
		}
	}
	return text, ""
}

// upper folds ASCII only: a verb or keyword with other octets is unknown
// whatever their case.
func upper(word string) string {
	for i := range len(word) {
		if 'a' <= word[i] && word[i] <= 'z' {
			return folded(word)
		}
	}
	return word
}

func folded(word string) string {
	octets := []byte(word)
	for i, b := range octets {
		if 'a' <= b && b <= 'z' {
			octets[i] = b - 'a' + 'A'
		}
	}
	return string(octets)
}

func letter(b byte) bool { return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' }

func digit(b byte) bool { return '0' <= b && b <= '9' }

// digits reports whether the word is one or more decimal digits.
func digits(word string) bool {
	for i := range len(word) {
		if !digit(word[i]) {
			return false
		}
	}
	return word != ""
}
