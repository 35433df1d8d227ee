// Command bench measures smtpprobe against the goals that it has set itself, on
// one machine and in one run: a sink on one core, the tool on another, rounds of
// the tool and of what it is held against in turn, and of their ratios the median.
// It prints the table and writes it to a file.
//
// It asserts nothing: a machine that is busy with other things is no fault of the
// program. It talks to nobody but the sink.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

func main() {
	b := bench{}
	flag.StringVar(&b.bin, "bin", "bin", "folder of smtpprobe, and of the programs in its folder bench")
	flag.IntVar(&b.rounds, "rounds", 3, "rounds of each figure")
	only := flag.String("only", "", "figures to measure, by commas: "+strings.Join(figureNames(), ", "))
	out := flag.String("o", "", "file to write the table to")
	flag.Parse()
	if err := b.run(*only, *out); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench is one run.
type bench struct {
	bin    string
	rounds int
	rows   []row
}

// figure is a part of the run.
type figure struct {
	name    string
	measure func(*bench) error
}

// figures are in the order of the table: what a busy machine disturbs least is
// last.
func figures() []figure {
	return []figure{
		{"latency", (*bench).latency},
		{"work", (*bench).work},
		{"tls", (*bench).tls},
		{"memory", (*bench).memory},
		{"idle", (*bench).idle},
		{"dns", (*bench).dns},
		{"start", (*bench).start},
		{"bulk", (*bench).bulk},
	}
}

func figureNames() []string {
	var names []string
	for _, f := range figures() {
		names = append(names, f.name)
	}
	return names
}

// run measures the figures that were asked for. One that fails does not take the
// others with it.
func (b *bench) run(only, out string) error {
	begun := time.Now()
	var failed []error
	for _, f := range figures() {
		if only != "" && !strings.Contains(","+only+",", ","+f.name+",") {
			continue
		}
		at := time.Now()
		fmt.Fprintf(os.Stderr, "%-8s", f.name)
		err := f.measure(b)
		fmt.Fprintf(os.Stderr, " %4.0f s\n", time.Since(at).Seconds())
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", f.name, err))
		}
		if out == "" {
			continue
		}
		if err := os.WriteFile(out, []byte(b.document(begun)), 0o644); err != nil { // what is measured by now stands
			return err
		}
	}
	_, err := os.Stdout.WriteString(b.document(begun))
	return errors.Join(append(failed, err)...)
}
