package report_test

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/smtpprobe/smtpprobe/report"
)

var update = flag.Bool("update", false, "rewrite the files in testdata with what is written now; look at them before you keep them")

func TestTableIsTheReviewedOne(t *testing.T) {
	tests := []struct {
		name  string
		run   report.Run
		style report.Style
	}{
		{"one-receiver-80", oneReceiver(), report.Style{}},
		{"one-receiver-transcript-80", oneReceiver(), report.Style{Transcript: true}},
		{"one-domain-80", oneDomain(), report.Style{Width: 80}},
		{"one-domain-80-ascii", oneDomain(), report.Style{Width: 80, ASCII: true}},
		{"one-domain-120-colour", oneDomain(), report.Style{Width: 120, Color: true}},
		{"several-domains-80", severalDomains(), report.Style{Width: 80}},
		{"several-domains-80-ascii", severalDomains(), report.Style{Width: 80, ASCII: true}},
		{"several-domains-120-colour", severalDomains(), report.Style{Width: 120, Color: true}},
		{"unreachable-80", unreachable(), report.Style{}},
		{"unsure-80", unsure(), report.Style{}},
		{"steady-80", steady(), report.Style{}},
		{"wavering-80", wavering(), report.Style{}},
		{"wavering-transcript-80", wavering(), report.Style{Transcript: true}},
		{"many-repeated-80", manyRepeated(), report.Style{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got bytes.Buffer
			if err := report.Table(&got, tt.run, tt.style); err != nil {
				t.Fatal(err)
			}
			golden(t, tt.name+".txt", got.Bytes())
		})
	}
}

func TestJSONIsTheReviewedOne(t *testing.T) {
	tests := []struct {
		name        string
		run         report.Run
		transcripts bool
	}{
		{"one-domain", oneDomain(), false},
		{"one-receiver-transcript", oneReceiver(), true},
		{"several-domains", severalDomains(), false},
		{"steady", steady(), true},
		{"wavering", wavering(), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got bytes.Buffer
			if err := report.JSON(&got, tt.run, tt.transcripts); err != nil {
				t.Fatal(err)
			}
			golden(t, tt.name+".json", got.Bytes())
		})
	}
}

func TestOtherFormatsAreTheReviewedOnes(t *testing.T) {
	runs := map[string]report.Run{"one-domain": oneDomain(), "several-domains": severalDomains(), "wavering": wavering(), "unreachable": unreachable()}
	write := map[string]func(io.Writer, report.Run) error{
		".csv": report.CSV, ".xml": report.JUnit,
		".md":            func(w io.Writer, r report.Run) error { return report.Markdown(w, r, false) },
		"-transcript.md": func(w io.Writer, r report.Run) error { return report.Markdown(w, r, true) },
	}
	for name, run := range runs {
		for extension, write := range write {
			if extension == "-transcript.md" && name != "wavering" {
				continue // one is enough
			}
			t.Run(name+extension, func(t *testing.T) {
				var got bytes.Buffer
				if err := write(&got, run); err != nil {
					t.Fatal(err)
				}
				golden(t, name+extension, got.Bytes())
			})
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("differs from %s; got\n%s\nwant\n%s", file, got, want)
	}
}
