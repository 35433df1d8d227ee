package manual

import "strings"

// roff is a page as it grows.
type roff struct{ strings.Builder }

func (r *roff) line(text string) { r.WriteString(text + "\n") }

func (r *roff) section(title string) { r.line(".SH " + title) }

// item is a term with its explanation.
func (r *roff) item(term, text string) {
	r.line(".TP\n" + term)
	r.text(text)
}

func (r *roff) text(text string) { r.line(escape(strings.TrimSpace(text))) }

// paragraphs writes text as people write it for a terminal: lines that are
// indented stand as they are, an empty line ends a paragraph.
func (r *roff) paragraphs(text string) {
	fixed, begun, gap := false, false, false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\r\n")
		if line == "" {
			gap = begun
			continue
		}
		indented := strings.HasPrefix(line, "  ") || strings.HasPrefix(line, "\t")
		if fixed && !indented {
			r.line(".EE")
			fixed = false
		}
		if gap && !fixed {
			r.line(".PP")
		} else if gap {
			r.line("")
		}
		if indented && !fixed {
			r.line(".EX")
			fixed = true
		}
		r.line(escape(strings.ReplaceAll(line, "\t", "  ")))
		begun, gap = true, false
	}
	if fixed {
		r.line(".EE")
	}
}

func bold(text string) string { return `\fB` + escape(text) + `\fR` }

func italic(text string) string { return `\fI` + escape(text) + `\fR` }

// escape keeps roff from reading anything into a text: a backslash is one, a
// dash is what can be typed, and no line is a request.
func escape(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
