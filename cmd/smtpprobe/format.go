package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/smtpprobe/smtpprobe/report"
	"github.com/smtpprobe/smtpprobe/report/page"
)

// format is one way to write a run.
type format struct {
	name       string
	extensions []string // of the files that have it
	// write writes a run that is over. It is nil for NDJSON, which is written
	// while the run is going on.
	write func(io.Writer, report.Run, report.Style) error
}

// formats are all ways, the usual one first. Whatever else must know them asks
// here.
func formats() []format {
	return []format{
		{"table", []string{".txt"}, report.Table},
		{"json", []string{".json"}, func(w io.Writer, r report.Run, s report.Style) error { return report.JSON(w, r, s.Transcript) }},
		{"ndjson", []string{".ndjson", ".jsonl"}, nil},
		{"csv", []string{".csv"}, func(w io.Writer, r report.Run, _ report.Style) error { return report.CSV(w, r) }},
		{"markdown", []string{".md", ".markdown"}, func(w io.Writer, r report.Run, s report.Style) error {
			return report.Markdown(w, r, s.Transcript)
		}},
		{"junit", []string{".xml"}, func(w io.Writer, r report.Run, _ report.Style) error { return report.JUnit(w, r) }},
		{"html", []string{".html", ".htm"}, func(w io.Writer, r report.Run, _ report.Style) error { return page.HTML(w, r) }},
	}
}

func (f format) streams() bool { return f.write == nil }

// formatWords are the names of all.
func formatWords() []string {
	var names []string
	for _, f := range formats() {
		names = append(names, f.name)
	}
	return names
}

// formatNames are the names, as a sentence has them.
func formatNames() string {
	names := formatWords()
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// formatNamed is the format with the name; without a name the usual one.
func formatNamed(name string) (format, bool) {
	all := formats()
	i := slices.IndexFunc(all, func(f format) bool { return f.name == cmp.Or(name, all[0].name) })
	if i < 0 {
		return format{}, false
	}
	return all[i], true
}

// formatOf is the format of a file by its name.
func formatOf(file string) (format, bool) {
	extension := strings.ToLower(filepath.Ext(file))
	all := formats()
	i := slices.IndexFunc(all, func(f format) bool { return slices.Contains(f.extensions, extension) })
	if i < 0 {
		return format{}, false
	}
	return all[i], true
}

// standardOutput is what --output calls it.
const standardOutput = "-"

// destination is a place for the result, and how it looks there.
type destination struct {
	file   string
	format format
}

// destinations are where the result goes. The name of a file decides on its
// format; --format decides for standard output and where the name says nothing.
func (o *outputFlags) destinations() ([]destination, error) {
	chosen, known := formatNamed(o.format)
	if !known {
		return nil, usage("--format %q: want %s", o.format, formatNames())
	}
	files := o.files
	if len(files) == 0 {
		files = []string{standardOutput}
	}
	var all []destination
	heeded := false // something has the format that was chosen
	for _, file := range files {
		if file == "" || os.IsPathSeparator(file[len(file)-1]) {
			return nil, usage("--output %q: want the name of a file, or - for standard output", file)
		}
		d := destination{file, chosen}
		if f, named := formatOf(file); named {
			d.format = f
		}
		heeded = heeded || d.format.name == chosen.name
		all = append(all, d)
	}
	if isTyped(o.flags, "format") && o.format != "" && !heeded {
		return nil, contradiction(chosen, all[0])
	}
	return all, nil
}

func contradiction(chosen format, d destination) error {
	return usage("--format %s contradicts --output %s, which is %s by its name: leave --format out, or name the file %s",
		chosen.name, d.file, d.format.name, renamed(d.file, chosen))
}

// renamed is the file with the extension of the format.
func renamed(file string, f format) string {
	return fmt.Sprintf("%s%s", strings.TrimSuffix(file, filepath.Ext(file)), f.extensions[0])
}
