package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
)

// CSV writes the run for spreadsheets and databases (RFC 4180): a header, and a
// row for each result. A receiver without results is a row, and so is a domain
// that has no receiver. There are no transcripts in it. A cell that a spreadsheet
// would take for a formula begins with an apostrophe. The error is the writer's.
func CSV(w io.Writer, run Run) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	row := func(cells ...[]string) {
		var all []string
		for _, some := range cells {
			for _, c := range some {
				all = append(all, defuse(clip(c)))
			}
		}
		_ = out.Write(all) // the error comes back when all is flushed
	}
	row(runColumns(), receiverColumns(), resultColumns())
	of := runCells(run)
	for _, r := range run.Receivers {
		shown := newReceiver(r, false)
		if len(shown.Results) == 0 {
			row(of, receiverCells(shown), make([]string, len(resultColumns())))
		}
		for i, res := range shown.Results {
			row(of, receiverCells(shown), resultCells(res, r.Results[i].Agreement))
		}
	}
	for _, d := range run.unserved() {
		shown := newDomain(d)
		row(of, receiverCells(receiver{
			Domains: []string{shown.Domain}, Status: probe.Status(shown.Status), Reason: shown.Reason,
		}), make([]string, len(resultColumns())))
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write the report as CSV: %w", err)
	}
	return nil
}

// The columns have the names of the JSON where it has them.
func runColumns() []string { return []string{"started", "profile"} }

func runCells(run Run) []string {
	doc := newDocument(run)
	return []string{doc.Started, doc.Profile}
}

func receiverColumns() []string {
	return []string{"domains", "host", "address", "port", "platform", "software", "status", "status_reason"}
}

func receiverCells(r receiver) []string {
	return []string{
		strings.Join(r.Domains, " "), r.Host, r.Address, number0(int(r.Port)), r.Platform, r.Software, string(r.Status), r.Reason,
	}
}

func resultColumns() []string {
	return []string{
		"check", "group", "level", "rev", "tls", "verdict", "conformance", "code", "enhanced", "reply", "control_code",
		"reason", "agree", "kind", "answers",
	}
}

func resultCells(r result, a probe.Agreement) []string {
	said, control := reply{}, reply{}
	if r.Reply != nil {
		said = *r.Reply
	}
	if r.Control != nil {
		control = *r.Control
	}
	return []string{
		r.Check, string(r.Group), r.Level.String(), strconv.Itoa(r.Rev), strconv.FormatBool(r.TLS),
		r.Word, string(r.Conformance), number0(said.Code), said.Enhanced, said.Text, number0(control.Code),
		r.Reason, agreed(a), string(a.Kind), dissent(a),
	}
}

// number0 is a number, and nothing where it is 0.
func number0(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// formula finds the characters that make a spreadsheet calculate, where a cell
// begins: also behind quotes and spaces, which it may take away, and behind the
// separators of cells, which in some countries is the semicolon.
var formula = regexp.MustCompile(`(^|[,;])([\s"']*[-=+@\t\r])`)

// defuse puts an apostrophe before what would be a formula.
func defuse(cell string) string { return formula.ReplaceAllString(cell, "$1'$2") }

// longCell is how many octets of a cell are written. Spreadsheets take 32767 and
// put the rest somewhere else.
const longCell = 32000

// clip cuts a cell, and says at its end how much was left out.
func clip(cell string) string {
	if len(cell) <= longCell {
		return cell
	}
	return cell[:longCell] + fmt.Sprintf("... (%d octets more)", len(cell)-longCell)
}
