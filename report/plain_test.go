package report_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	catalogue "github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/report"
)

// TestReportsOfOthersAreInert holds that no text of a stored report that somebody
// else made reaches a terminal, a spreadsheet or a tracker as it is: the report is
// refused in one line, or the text is escaped.
func TestReportsOfOthersAreInert(t *testing.T) {
	const hostile = "\x1b[31m|<script>x</script>`@me\u202e\n\u2028\x00"
	run := wavering()
	run.Receivers = append(run.Receivers, oneDomain().Receivers...)
	run.Domains = oneDomain().Domains
	whole := encodeRun(t, run, true)
	for _, key := range []string{
		"status", "conformance", "verdict", "check", "group", "kind", "refs", "id", "host", "address", "platform", "software",
		"reason", "banner", "recipient", "domain", "ascii", "profile", "version", "cipher", "enhanced", "backends", "capabilities",
	} {
		var doc any
		if err := json.Unmarshal(whole, &doc); err != nil {
			t.Fatal(err)
		}
		if replaced(doc, key, hostile) == 0 {
			t.Errorf("%s: the sample has none", key)
		}
		text, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		read, err := report.Read(bytes.NewReader(text), catalogue.All())
		if err != nil {
			if strings.ContainsAny(err.Error(), "\x1b\u202e\n\x00") {
				t.Errorf("%s: the error has it raw: %q", key, err)
			}
			continue
		}
		for name, write := range everyWriter() {
			var out bytes.Buffer
			if err := write(&out, read); err != nil {
				t.Fatal(err)
			}
			if strings.ContainsAny(out.String(), "\x1b\u202e\u2028\x00") {
				t.Errorf("%s: %s has it raw", key, name)
			}
			if name != "markdown" {
				continue
			}
			for line := range strings.Lines(out.String()) {
				for i, part := range strings.Split(line, "`") {
					if i%2 == 0 && strings.Contains(part, "<script") {
						t.Errorf("%s: in Markdown outside of a code span: %q", key, line)
					}
				}
			}
		}
	}
}

// everyWriter is every way of this room to write a run that was read.
func everyWriter() map[string]func(*bytes.Buffer, report.Run) error {
	style := report.Style{Width: 80, Transcript: true}
	return map[string]func(*bytes.Buffer, report.Run) error{
		"table":    func(w *bytes.Buffer, r report.Run) error { return report.Table(w, r, style) },
		"json":     func(w *bytes.Buffer, r report.Run) error { return report.JSON(w, r, true) },
		"csv":      func(w *bytes.Buffer, r report.Run) error { return report.CSV(w, r) },
		"markdown": func(w *bytes.Buffer, r report.Run) error { return report.Markdown(w, r, true) },
		"junit":    func(w *bytes.Buffer, r report.Run) error { return report.JUnit(w, r) },
		"compare":  func(w *bytes.Buffer, r report.Run) error { return report.CompareTable(w, r, style, true) },
		"diff": func(w *bytes.Buffer, r report.Run) error {
			return report.DiffTable(w, report.Diff(oneDomain(), r), style)
		},
		"rejudge": func(w *bytes.Buffer, r report.Run) error {
			return report.RejudgedTable(w, report.Rejudge(r, []probe.Check{}), style)
		},
	}
}

// replaced puts a text in the place of every text under the key, and counts them.
func replaced(node any, key, text string) int {
	n := 0
	switch node := node.(type) {
	case map[string]any:
		for k, v := range node {
			switch old := v.(type) {
			case string:
				if k == key {
					node[k] = text
					n++
				}
			case []any:
				for i := range old {
					if _, is := old[i].(string); is && k == key {
						old[i] = text
						n++
					}
				}
			}
			n += replaced(node[k], key, text)
		}
	case []any:
		for _, v := range node {
			n += replaced(v, key, text)
		}
	}
	return n
}
