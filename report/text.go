package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// tidy makes text of ours safe to show that may quote a server. Backslashes
// stay as they are, since what was quoted was escaped at that moment.
func tidy(text string) string {
	return strings.ReplaceAll(smtp.Escape(text), `\\`, `\`)
}

// name shows a domain name as people write it. One that holds anything but
// letters of any script, digits, dots, hyphens and underscores is escaped.
func name(domain string) string {
	odd := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) && !strings.ContainsRune(".-_", r)
	}
	if strings.ContainsFunc(domain, odd) {
		return tidy(domain)
	}
	return domain
}

// ShownName is how the domain of a target stands in every report.
func ShownName(domain string) string { return name(domain) }

// excerpt is text that somebody else wrote, escaped. Where it is longer than
// the limit, its end says how much was left out.
func excerpt(octets string, limit int) string {
	if len(octets) <= limit {
		return smtp.Escape(octets)
	}
	return smtp.Escape(octets[:limit]) + fmt.Sprintf("... (%d octets more)", len(octets)-limit)
}

// remark is text of ours that may quote a server, cut like an excerpt.
func remark(text string, limit int) string {
	if len(text) <= limit {
		return tidy(text)
	}
	return tidy(text[:limit]) + fmt.Sprintf("... (%d octets more)", len(text)-limit)
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// Where a line may be broken, the best places first: between words, then
// behind the punctuation of a name or a code, then anywhere.
const (
	betweenWords = " "
	insideWords  = "-./:,@"
)

// wrap breaks text into lines of at most limit columns and loses nothing but
// the spaces at the breaks.
func wrap(text string, limit int) []string {
	return trimmed(fill(text, limit, betweenWords, insideWords))
}

// wrapName breaks a name behind its punctuation.
func wrapName(text string, limit int) []string { return trimmed(fill(text, limit, insideWords)) }

func trimmed(lines []string) []string {
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return lines
}

// fill breaks text at the best places, and what does not fit between two of
// them at the next best. Spaces at the end of a line do not count.
func fill(text string, limit int, breaks ...string) []string {
	switch {
	case width(text) <= limit:
		return []string{text}
	case len(breaks) == 0:
		return chop(text, limit)
	}
	var lines []string
	line := ""
	for _, part := range splitAfter(text, breaks[0]) {
		switch {
		case width(strings.TrimRight(line+part, " ")) <= limit:
			line += part
		case width(strings.TrimRight(part, " ")) <= limit:
			lines, line = append(lines, line), part
		default:
			pieces := fill(line+part, limit, breaks[1:]...)
			last := len(pieces) - 1
			lines, line = append(lines, pieces[:last]...), pieces[last]
		}
	}
	return append(lines, line)
}

// splitAfter cuts text behind each run of the characters.
func splitAfter(text, characters string) []string {
	var parts []string
	start := 0
	for i := 1; i < len(text); i++ {
		if strings.IndexByte(characters, text[i-1]) >= 0 && strings.IndexByte(characters, text[i]) < 0 {
			parts, start = append(parts, text[start:i]), i
		}
	}
	return append(parts, text[start:])
}

// chop cuts text into pieces of at most limit columns wherever that falls.
func chop(text string, limit int) []string {
	var lines []string
	start, ascii := 0, isASCII(text)
	for i, r := range text {
		wide := i-start >= limit
		if !ascii {
			wide = i > start && width(text[start:i]+string(r)) > limit
		}
		if wide {
			lines, start = append(lines, text[start:i]), i
		}
	}
	return append(lines, text[start:])
}

// sentence gives text the full stop that it may lack.
func sentence(text string) string {
	text = strings.TrimSpace(text)
	if text == "" || strings.ContainsAny(text[len(text)-1:], ".!?") {
		return text
	}
	return text + "."
}

// plural is a number with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
