package report

import (
	"fmt"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/pkg/twwidth"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// gap is what stands between two columns of a grid: a space, a line, a space.
const gap = 3

// grid is a table whose cells are safe to show, wrapped and coloured. A cell
// may have several lines. The library breaks, formats and colours nothing.
type grid struct {
	header []string
	rows   [][]string
	ruled  bool // a line between any two rows
}

// lines draws the grid without an outer border and without the spaces at the
// ends of its lines. The library swallows the errors of a writer, so it gets
// one that has none.
func (g grid) lines(style Style) ([]string, error) {
	var drawn strings.Builder
	symbols := tw.StyleLight
	if style.ASCII {
		symbols = tw.StyleASCII
	}
	between := tw.Off
	if g.ruled {
		between = tw.On
	}
	table := tablewriter.NewTable(
		&drawn,
		tablewriter.WithHeaderAutoFormat(tw.Off),
		tablewriter.WithHeaderAutoWrap(tw.WrapNone),
		tablewriter.WithRowAutoWrap(tw.WrapNone),
		tablewriter.WithHeaderAlignment(tw.AlignLeft),
		tablewriter.WithRowAlignment(tw.AlignLeft),
		tablewriter.WithTrimSpace(tw.Off),
		tablewriter.WithEastAsian(tw.Off),
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Symbols:  tw.NewSymbols(symbols),
			Borders:  tw.BorderNone,
			Settings: tw.Settings{Separators: tw.Separators{BetweenRows: between}},
		})),
	)
	table.Header(g.header)
	for _, row := range g.rows {
		if err := table.Append(row); err != nil {
			return nil, fmt.Errorf("table row %q: %w", row[0], err)
		}
	}
	if err := table.Render(); err != nil {
		return nil, fmt.Errorf("table of %d rows: %w", len(g.rows), err)
	}
	return trimmed(strings.Split(strings.TrimSuffix(drawn.String(), "\n"), "\n")), nil
}

// width is the number of columns that text takes on a screen. What the
// environment says of East Asian characters is not asked.
func width(text string) int {
	if isASCII(text) && !strings.Contains(text, "\x1b") {
		return len(text)
	}
	return twwidth.WidthWithOptions(text, twwidth.Options{})
}
