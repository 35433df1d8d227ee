package report_test

import (
	"bytes"
	"encoding/csv"
	"regexp"
	"strings"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
	"github.com/smtpprobe/smtpprobe/report"
)

// formulas are what a spreadsheet would calculate, or might after it took away
// what stands before.
var formulas = []string{
	"=1+1", "+1", "-1", "@SUM(1)", " =1", "  +1", `"=1`, `'=1`, `" ='1`, "=cmd|' /C calc'!A0", "\t=1", "\r=1", "\n=1",
	"a;=1", "a,=1", `a,"=1"`, "a; -1", "a;;@b", ";=", "=;=1", "''=1",
}

func TestFormulasAreDefused(t *testing.T) {
	for _, f := range formulas {
		run := oneReceiver()
		r := &run.Receivers[0]
		r.Host, r.Platform, r.Software, r.Reason, r.Domains = f, f, f, f, []string{f}
		r.Results[1].Reason = f
		r.Results[1].Reply = say("503 " + f)
		r.Results[1].Agreement = probe.Agreement{Runs: 2, Answers: []probe.Answer{{Reason: f, Runs: []int{1}, Backends: []string{f}}}}
		run.Profile = f
		run.Domains = []report.Domain{{Domain: f, ASCII: f, Status: f, Reason: f}}
		for _, row := range readCSV(t, run) {
			for column, cell := range row {
				if column == "domains" {
					continue // a list of names, by spaces: looked at below
				}
				if formulaIn(cell) {
					t.Errorf("%q as %s: got the cell %q, want it defused", f, column, cell)
				}
			}
			if formulaIn(row["domains"]) {
				t.Errorf("%q as a domain: got the cell %q, want it defused", f, row["domains"])
			}
		}
	}
}

// formulaIn looks at what a spreadsheet may take for the beginning of a cell, in a
// way of its own.
func formulaIn(cell string) bool {
	for _, part := range strings.FieldsFunc(cell, func(r rune) bool { return r == ',' || r == ';' }) {
		part = strings.TrimLeft(part, " \"\t\r\n")
		if part != "" && strings.ContainsAny(part[:1], "=+-@") {
			return true
		}
	}
	return false
}

// readCSV also holds the octets against RFC 4180, section 2.
func readCSV(t *testing.T, run report.Run) []map[string]string {
	t.Helper()
	var out bytes.Buffer
	if err := report.CSV(&out, run); err != nil {
		t.Fatal(err)
	}
	if strings.Count(out.String(), "\n") != strings.Count(out.String(), "\r\n") || !strings.HasSuffix(out.String(), "\r\n") {
		t.Errorf("want every line to end with CR LF, got %q", out.String())
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var all []map[string]string
	for _, row := range rows[1:] {
		cells := map[string]string{}
		for i, c := range row {
			cells[rows[0][i]] = c
		}
		if len(cells) != len(rows[0]) {
			t.Errorf("a column is there twice: %v", rows[0])
		}
		all = append(all, cells)
	}
	return all
}

func TestCSVHasARowForEverything(t *testing.T) {
	run := severalDomains()
	want := len(run.Domains) - 5 // the domains with trouble
	for _, r := range run.Receivers {
		want += max(1, len(r.Results))
	}
	rows := readCSV(t, run)
	if len(rows) != want {
		t.Errorf("got %d rows, want %d", len(rows), want)
	}
	for _, row := range rows {
		if row["started"] == "" || row["status"] == "" || row["domains"] == "" {
			t.Errorf("got a row without run, domain or status: %v", row)
		}
		if (row["check"] == "") != (row["verdict"] == "") {
			t.Errorf("got a check without a verdict, or the other way round: %v", row)
		}
	}
}

func TestCellsFitASpreadsheet(t *testing.T) {
	run := oneReceiver()
	run.Receivers[0].Results[0].Reason = strings.Repeat("\x1b", 20000)
	run.Receivers[0].Results[0].Reply = smtp.Reply{Code: 250, Lines: []smtp.Line{{Octets: "250 " + strings.Repeat("x", 40000)}}}
	said := regexp.MustCompile(`\.\.\. \(\d+ octets more\)$`)
	row := readCSV(t, run)[0]
	for _, column := range []string{"reason", "reply"} {
		if cell := row[column]; len(cell) > 32767 || !said.MatchString(cell) {
			t.Errorf("%s: got %d octets that end with %q, want fewer than 32768 and how many were left out", column, len(cell), cell[max(0, len(cell)-40):])
		}
	}
}
