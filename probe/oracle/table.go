package oracle

import (
	_ "embed" // the table is data
	"fmt"
	"strings"
	"sync"
)

//go:embed oracle.psv
var embedded string

// table is the embedded table, read once. A test proves that all of it is
// understood; were it not, no row would be found and every session end in 421.
var table = sync.OnceValue(func() []Row {
	rows, err := parse(embedded)
	if err != nil {
		return nil
	}
	return rows
})

// Rows returns the whole table in its order.
func Rows() []Row { return append([]Row(nil), table()...) }

// parse reads rows of eight columns with bars between them. Lines that begin
// with # are comments.
func parse(text string) ([]Row, error) {
	var rows []Row
	known := guards()
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		columns := strings.Split(line, "|")
		if len(columns) != 8 {
			return nil, fmt.Errorf("oracle table line %d: got %d columns, want 8", number, len(columns))
		}
		row := Row{
			State: columns[0], Command: columns[1], Guard: columns[2], Ideal: columns[3],
			Conformant: columns[4], Next: columns[5], Level: columns[6], Ref: columns[7],
		}
		if row.State != beforeAll && row.State != afterAll && !State(row.State).valid() {
			return nil, fmt.Errorf("oracle table line %d: no such state: %q", number, row.State)
		}
		if fault := row.understand(known); fault != "" {
			return nil, fmt.Errorf("oracle table line %d: not understood: %s", number, fault)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// The rows that stand for every state that takes commands.
const (
	beforeAll = "*!" // checked before the state's own rows
	afterAll  = "*"  // checked after them
)

// passed returns the rows that match the line, in look-up order, up to and with
// the first whose guard certainly holds: one that is not a server's choice, or
// one that was told.
func (s Session) passed(l line, told []Choice) []Row {
	sections := []string{string(s.State)}
	if s.State.takesCommands() {
		sections = []string{beforeAll, string(s.State), afterAll}
	}
	var rows []Row
	for _, section := range sections {
		for _, row := range table() {
			if row.State != section || !row.about(l) || !row.holds(s, l) {
				continue
			}
			row.faulty = l.faulty()
			rows = append(rows, row)
			if choice, is := row.Choice(); !is || contains(told, choice) {
				return rows
			}
		}
	}
	return rows
}

// about reports whether the row's command is that of the line.
func (r Row) about(l line) bool {
	if l.event != "" {
		return r.Command == l.event
	}
	switch r.Command {
	case "ANY", "LONGLINE", "UNKNOWN", "BADCHAR":
		return true
	}
	return r.Command == l.command.Verb
}

func contains(told []Choice, choice Choice) bool {
	for _, c := range told {
		if c == choice {
			return true
		}
	}
	return false
}
