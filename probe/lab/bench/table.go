package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// row is one line of the table.
type row struct {
	figure  string
	measure string
	goal    float64 // at most; 0: none, the figure is stated
	unit    string
	values  []float64 // one a round
	note    string
}

func (b *bench) add(r row) { b.rows = append(b.rows, r) }

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func (r row) number(v float64) string {
	digits := 2
	if v >= 20 {
		digits = 0
	} else if r.unit != "" {
		digits = 1
	}
	return strings.TrimSpace(fmt.Sprintf("%.*f %s", digits, v, r.unit))
}

func (r row) cells() []string {
	m := median(r.values)
	cells := []string{r.figure, r.measure, "stated", r.number(m), "", ""}
	if len(r.values) > 1 {
		cells[4] = r.number(slices.Min(r.values)) + " to " + r.number(slices.Max(r.values))
	}
	if r.goal > 0 {
		cells[2], cells[5] = "at most "+r.number(r.goal), "no"
		if m <= r.goal {
			cells[5] = "yes"
		}
	}
	return cells
}

// document is the file: the table, what stands behind its words, and on which
// machine it was made.
func (b *bench) document(begun time.Time) string {
	var text strings.Builder
	text.WriteString("# Measured\n\nWritten by `make bench`; do not edit. What each line means, and what was decided by it,\n" +
		"stands in [README.md](README.md).\n\n")
	fmt.Fprintf(&text, "%s, %s, %d cores, %s; load %s at the end of %.0f minutes.\n\n", begun.UTC().Format(time.DateOnly),
		runtime.Version(), runtime.NumCPU(), runtime.GOOS+"/"+runtime.GOARCH, load(), time.Since(begun).Minutes())
	text.WriteString("| figure | measured as | goal | median | spread | reached |\n|---|---|---|---|---|---|\n")
	for _, r := range b.rows {
		text.WriteString("| " + strings.Join(r.cells(), " | ") + " |\n")
	}
	text.WriteByte('\n')
	for _, r := range b.rows {
		if r.note != "" {
			fmt.Fprintf(&text, "* %s, %s: %s.\n", r.figure, r.measure, r.note)
		}
	}
	return text.String()
}

// load is how busy the machine was in the last minute, all processes together.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	minute, _, _ := strings.Cut(string(text), " ")
	return minute
}
