package report

import "strings"

// row is one row of the comparison: what it is called, and which receiver's
// cells it shows. A domain without a receiver has no cells.
type row struct {
	label string
	cells int // index into the cells of a column, or noCells
}

const noCells = -1

// compare draws the columns in as many blocks as it takes, with the strictness
// at the end of each, since the rows are sorted by it. The first block tells
// everything about the rows, the others only what was measured.
func (p page) compare(columns []column, rows []row, all []numbered) error {
	drawn := make([]drawing, len(columns))
	for i, c := range columns {
		drawn[i] = p.draw(c, all)
	}
	last := p.draw(column{"strict", strictCell}, all)
	// A quarter of the width: at 80 columns the headline checks fit beside it.
	least := p.Width/4 + 2
	for {
		n, room := fitting(drawn, p.Width-2-least-gap-last.width)
		if err := p.block(append(drawn[:n:n], last), rows, least+room); err != nil {
			return err
		}
		drawn, rows = drawn[n:], short(all)
		if len(drawn) == 0 || len(rows) == 0 {
			return nil
		}
	}
}

func strictCell(n numbered) string {
	if !n.Measured() {
		return ""
	}
	return fraction(n.Strictness())
}

// short are the rows of the receivers that have cells, with their hosts alone.
func short(all []numbered) []row {
	var rows []row
	for i, n := range all {
		if n.Measured() {
			rows = append(rows, row{n.heading(), i})
		}
	}
	return rows
}

// drawing is a column whose title and cells are text.
type drawing struct {
	header []string
	cells  []string
	width  int
}

// draw makes a column as narrow as its cells and the parts of its title allow.
func (p page) draw(c column, all []numbered) drawing {
	d := drawing{}
	for _, n := range all {
		cell := c.cell(n)
		d.cells = append(d.cells, cell)
		d.width = max(d.width, width(cell))
	}
	for _, part := range splitAfter(c.title, betweenWords+insideWords) {
		d.width = max(d.width, width(strings.TrimRight(part, " ")))
	}
	d.header = trimmed(fill(c.title, d.width, betweenWords+insideWords))
	return d
}

// fitting is the number of columns that fit into the room, at least one, and
// the room that is left.
func fitting(columns []drawing, room int) (n, left int) {
	for n < len(columns) && (n == 0 || columns[n].width+gap <= room) {
		room -= columns[n].width + gap
		n++
	}
	return n, max(room, 0)
}

func (p page) block(columns []drawing, rows []row, label int) error {
	g := grid{header: []string{p.paint(bold, "receiver")}}
	for _, c := range columns {
		g.header = append(g.header, p.lines(bold, c.header))
	}
	for _, r := range rows {
		lines := hanging(r.label, label)
		g.ruled = g.ruled || len(lines) > 1
		cells := []string{strings.Join(lines, "\n")}
		for _, c := range columns {
			cell := ""
			if r.cells != noCells {
				cell = c.cells[r.cells]
			}
			cells = append(cells, cell)
		}
		g.rows = append(g.rows, cells)
	}
	return p.grid(g)
}

// hanging wraps text so that its further lines are set apart from the first.
func hanging(text string, limit int) []string {
	lines := wrap(text, limit)
	if len(lines) == 1 {
		return lines
	}
	rest := strings.TrimLeft(text[len(lines[0]):], " ")
	lines = lines[:1]
	for _, l := range wrap(rest, limit-2) {
		lines = append(lines, "  "+l)
	}
	return lines
}
