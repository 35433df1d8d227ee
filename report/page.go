package report

import (
	"bufio"
	"strings"
)

// page writes lines that fit the width. Its writer keeps the first error, which
// is looked at when all is written.
type page struct {
	*bufio.Writer
	Style
}

// line writes one line that fits already.
func (p page) line(text string) {
	_, _ = p.WriteString(text + "\n") // the error comes back when all is flushed
}

// heading begins a section.
func (p page) heading(text string) {
	p.line("")
	for _, line := range wrap(text, p.Width) {
		p.line(p.paint(bold, line))
	}
}

// grid draws a table.
func (p page) grid(g grid) error {
	lines, err := g.lines(p.Style)
	if err != nil {
		return err
	}
	p.line("")
	for _, l := range lines {
		p.line(l)
	}
	return nil
}

// text writes a paragraph.
func (p page) text(text string) { p.hang("", text) }

// items writes a list that is broken only between its items.
func (p page) items(items []string) {
	line := ""
	for i, item := range items {
		if i < len(items)-1 {
			item += ", "
		}
		if line != "" && width(strings.TrimRight(line+item, " ")) > p.Width {
			p.line(strings.TrimRight(line, " "))
			line = ""
		}
		line += item
	}
	p.line(line)
}

// hang writes a paragraph whose first line follows the lead and whose other
// lines are indented as far.
func (p page) hang(lead, text string) {
	indent := width(lead)
	for _, line := range wrap(text, p.Width-indent) {
		p.line(strings.TrimRight(lead+line, " "))
		lead = strings.Repeat(" ", indent)
	}
}
