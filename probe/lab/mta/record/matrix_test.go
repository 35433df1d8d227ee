package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// observations are the checks with no exchange of their own: they are judged from all others.
var observations = []string{
	"greeting-format", "starttls-required-on-mx", "starttls-advertised-inside-tls",
	"advertised-verbs-work", "reply-syntax", "reply-multiline-code", "one-reply-per-command",
	"enhanced-codes/class", "enhanced-codes/presence", "enhanced-codes/multiline",
	"ehlo-response-syntax",
}

// within are checks whose exchange is a part of the recording of another one: of that of
// auth-unadvertised, and where there is no TLS, of B2.
var within = []string{"auth-unadvertised/inside-tls"}

// TestMatrixRestsOnTheRecordings holds the hand-made matrix against the recordings: every
// receiver has every check once, and every line quoted was really said in its recording.
func TestMatrixRestsOnTheRecordings(t *testing.T) {
	sections := recorded(t)
	cells := make(map[string]map[string]int)
	for _, line := range strings.Split(strings.TrimSuffix(read(t, "../matrix.psv"), "\n"), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		columns := strings.Split(line, "|")
		if len(columns) != 7 {
			t.Fatalf("got %d columns, want 7: %s", len(columns), line)
		}
		receiver, check, said := columns[0], columns[1], columns[5]
		if cells[receiver] == nil {
			cells[receiver] = make(map[string]int)
		}
		cells[receiver][check]++
		testVerdict(t, receiver+" "+check, columns[2], columns[3])
		section, found := sections[receiver][check]
		if slices.Contains(observations, check) || slices.Contains(within, check) {
			section, found = everything(sections[receiver]), true
		}
		switch {
		case !found:
			t.Errorf("the matrix has %s %s, which was never recorded", receiver, check)
		case !strings.Contains(section, "S: "+said+`\r\n`) && !strings.Contains(section, "-- "+said+"\n"):
			t.Errorf("%s %s: %q is not in its recording", receiver, check, said)
		}
	}
	for receiver := range sections {
		for _, check := range checks() {
			if n := cells[receiver][check]; n != 1 {
				t.Errorf("%s %s: got %d lines in the matrix, want 1", receiver, check, n)
			}
		}
	}
}

func testVerdict(t *testing.T, cell, verdict, conformance string) {
	t.Helper()
	known := []string{"unregulated", "conforms", "deviates", "violates"}
	switch verdict {
	case "inconclusive", "not-applicable":
		known = []string{""}
	case "strict", "deviant", "lenient", "dropped", "correct", "overstrict", "broken":
	default:
		t.Errorf("%s: %q is no verdict", cell, verdict)
	}
	if !slices.Contains(known, conformance) {
		t.Errorf("%s: got conformance %q, want one of %q", cell, conformance, known)
	}
}

// checks are all checks that the matrix may have a line for.
func checks() []string {
	all := slices.Concat(observations, within)
	for _, g := range groups {
		for _, e := range g.exchanges {
			if g.name != "controls" {
				all = append(all, e.name)
			}
		}
	}
	return all
}

// recorded are the sections of all recordings by receiver and check. Every receiver must have
// every group's file, and every file one section for each exchange, in their order.
func recorded(t *testing.T) map[string]map[string]string {
	t.Helper()
	receivers, err := os.ReadDir("../recorded")
	if err != nil {
		t.Fatal(err)
	}
	sections := make(map[string]map[string]string)
	for _, receiver := range receivers {
		name := receiver.Name()
		sections[name] = make(map[string]string)
		for _, g := range groups {
			path := filepath.Join("../recorded", name, g.name+".txt")
			var got, want []string
			for _, section := range strings.Split("\n"+read(t, path), "\n# ")[1:] {
				check, text, found := strings.Cut(section, " on "+name+"\n")
				if !found {
					t.Fatalf("%s: a section begins with %q", path, strings.SplitN(section, "\n", 2)[0])
				}
				got = append(got, check)
				sections[name][check] = text
			}
			for _, e := range g.exchanges {
				want = append(want, e.name)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: got sections\n%q, want\n%q", path, got, want)
			}
		}
	}
	return sections
}

// everything is all that was said to and by a receiver.
func everything(sections map[string]string) string {
	var b strings.Builder
	for _, section := range sections {
		b.WriteString(section)
	}
	return b.String()
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestNamesAreUnique(t *testing.T) {
	seen := make(map[string]bool)
	for _, check := range checks() {
		if seen[check] {
			t.Errorf("%s is there twice", check)
		}
		seen[check] = true
	}
}
