package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMatrixRestsOnTheRecordings holds the hand-made matrix against the recordings: every
// receiver has every check once, and every line quoted was really said in that recording.
func TestMatrixRestsOnTheRecordings(t *testing.T) {
	text := read(t, "../matrix.psv")
	cells := make(map[string]int)
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		columns := strings.Split(line, "|")
		if len(columns) != 7 {
			t.Fatalf("got %d columns, want 7: %s", len(columns), line)
		}
		receiver, check, verdict, conformance, said := columns[0], columns[1], columns[2], columns[3], columns[5]
		cells[receiver+" "+check]++
		known := []string{"unregulated", "conforms", "deviates", "violates"}
		switch verdict {
		case "inconclusive", "not-applicable":
			known = []string{""}
		case "strict", "deviant", "lenient", "dropped", "correct", "overstrict", "broken":
		default:
			t.Errorf("%s %s: %q is no verdict", receiver, check, verdict)
		}
		if !slices.Contains(known, conformance) {
			t.Errorf("%s %s: got conformance %q, want one of %q", receiver, check, conformance, known)
		}
		recorded := read(t, filepath.Join("../recorded", receiver, check+".txt"))
		if !strings.Contains(recorded, "S: "+said+`\r\n`) && !strings.Contains(recorded, "-- "+said+"\n") {
			t.Errorf("%s %s: %q is not in its recording", receiver, check, said)
		}
	}
	receivers, err := os.ReadDir("../recorded")
	if err != nil {
		t.Fatal(err)
	}
	for _, receiver := range receivers {
		for _, e := range exchanges {
			read(t, filepath.Join("../recorded", receiver.Name(), e.name+".txt"))
			want := 1
			if strings.HasPrefix(e.name, "B") {
				want = 0
			}
			if got := cells[receiver.Name()+" "+e.name]; got != want {
				t.Errorf("%s %s: got %d lines in the matrix, want %d", receiver.Name(), e.name, got, want)
			}
			delete(cells, receiver.Name()+" "+e.name)
		}
	}
	for cell := range cells {
		t.Errorf("the matrix has %q, which was never recorded", cell)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
