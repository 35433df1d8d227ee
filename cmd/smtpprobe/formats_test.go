package main

import (
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	table "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"

	"github.com/smtpprobe/smtpprobe/probe/lab"
)

// told is what a format says: of each result the verdict, the conformance, the
// code, the reason, and of several runs how many agree; of each receiver and each
// domain with trouble the status and the reason. The keys are "ADDRESS PORT CHECK",
// "ADDRESS PORT" and the domain.
type told map[string]string

func (s told) result(address, port, check string, words ...string) {
	s[address+" "+port+" "+check] = strings.Join(words, " | ")
}

func (s told) receiver(address, port, status, reason string) {
	s[address+" "+port] = status + " | " + reason
}

func (s told) domain(name, status, reason string) { s[name] = status + " | " + reason }

// readers read each format back. A table is for people: the tests of package
// report look at it.
func readers() map[string]func(*testing.T, string) told {
	return map[string]func(*testing.T, string) told{
		"json": readJSON, "ndjson": readNDJSON, "csv": readCSV, "markdown": readMarkdown, "html": readHTML, "junit": readJUnit,
	}
}

// everyFormat runs the command line once and returns what it wrote in each format.
func everyFormat(t *testing.T, args ...string) (ran, map[string]string) {
	t.Helper()
	flags, written := everyFile(t)
	r := call(t, append(args, flags...)...)
	return r, written()
}

// everyFile are the flags by which a run writes a file in each format; what they
// hold is read when the run is over.
func everyFile(t *testing.T) (flags []string, written func() map[string]string) {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{}
	for _, f := range formats() {
		files[f.name] = filepath.Join(dir, "run"+f.extensions[0])
		flags = append(flags, "--output", files[f.name])
	}
	return flags, func() map[string]string {
		t.Helper()
		written := map[string]string{}
		for name, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			written[name] = string(content)
		}
		if all, err := os.ReadDir(dir); err != nil || len(all) != len(files) {
			t.Errorf("got %v, %v; want the files that were asked for and no other", all, err)
		}
		return written
	}
}

func TestEveryFormatSaysTheSame(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		args  func(t *testing.T) []string
		words []string // that this run has to bring up
	}{
		{"the whole catalogue", func(*testing.T) []string { return []string{"demo", "--profile", "full", "--transcript"} }, []string{
			"strict | conforms", "correct | ", "deviant | ", "lenient | violates", "inconclusive |  | ", "not-applicable |  | ", "blocked | MAIL",
		}},
		{"hostile and repeated", hostileDomains, []string{
			"broken | ", "dropped | ", `\x1b[2J`, "null-mx | ", "nxdomain | ", "skipped | ", "refused | ", "2/2", "deterministic", "invalid | ",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, written := everyFormat(t, tt.args(t)...)
			if r.code != exitRan {
				t.Fatalf("got exit code %d; standard error: %s", r.code, r.err)
			}
			want := readJSON(t, written["json"])
			all := strings.Join(slices.Collect(maps.Values(want)), "\n")
			for _, w := range tt.words {
				if !strings.Contains(all, w) {
					t.Errorf("the run brings up no %q; got\n%s", w, all)
				}
			}
			for _, f := range formats() {
				read, ok := readers()[f.name]
				if !ok {
					if f.name != "table" {
						t.Errorf("%s is read back by nobody: want a reader in this test", f.name)
					}
					continue
				}
				got := read(t, written[f.name])
				for key, words := range want {
					if got[key] != words {
						t.Errorf("%s, %s: got %q, the JSON says %q", f.name, key, got[key], words)
					}
				}
				for key := range got {
					if _, ok := want[key]; !ok {
						t.Errorf("%s says %q of %s, of which the JSON says nothing", f.name, got[key], key)
					}
				}
			}
		})
	}
}

// hostileDomains are domains with every kind of trouble, and receivers that say
// hostile things and do broken ones, probed twice.
func hostileDomains(t *testing.T) []string {
	receivers := hostile()
	receivers["broken"] = lab.Receiver{GreetDelay: lab.NoGreetDelay, Lapses: []lab.Lapse{lab.Garble("surplus", "NOOP", "250 =1+1\r\n250 "+poison+"\r\n")}}
	receivers["dropped"] = lab.Receiver{GreetDelay: lab.NoGreetDelay, Lapses: []lab.Lapse{lab.CloseAfterErrors(1, "")}}
	receivers["tempting"] = lab.Receiver{GreetDelay: lab.NoGreetDelay, Lapses: []lab.Lapse{lab.RefuseByPolicy("MAIL"), lab.Garble("tempting", "MAIL", "550 5.7.1 "+tempting+"\r\n")}}
	args := []string{
		"--resolver", zone(t, lab.Zone{Records: "null.example. MX 0 .\nmany.example. MX 10 mx1.many.example.\nmany.example. MX 20 mx2.many.example.\n" +
			"mx1.many.example. A 127.0.0.1\nmx2.many.example. A 127.0.0.2"}),
		"--allow-private", "--pace", "0", "--reply-timeout", "1s", "--repeat", "2", "--interval", "0", "--max-per-platform", "1",
		"--port", "1", // where no receiver of many.example listens
		"--check", "rcpt-before-mail,noop-before-ehlo", "null.example", "gone.example", "many.example", "no_such;=1+1.example:99999",
	}
	for i, name := range slices.Sorted(maps.Keys(receivers)) { // an address is a platform of its own
		args = append(args, serve(t, house(i+3)+":0", receivers[name]).Addr())
	}
	return args
}

// tempting is text that readers of some formats make something of: formulas,
// markup, links, mentions.
const tempting = "=1+1;=2+2,+3 | `x` <img src=x onerror=alert(1)> @root #1 https://evil.example [a](http://b.example) ![i](http://c.example) **b** &lt; ]]> '\""

func readJSON(t *testing.T, content string) told {
	var doc struct {
		Domains   []domainObject
		Receivers []receiverObject
	}
	if err := json.Unmarshal([]byte(content), &doc); err != nil {
		t.Fatal(err)
	}
	said := told{}
	for _, d := range doc.Domains {
		d.enter(said)
	}
	for _, r := range doc.Receivers {
		r.enter(said)
	}
	return said
}

func readNDJSON(t *testing.T, content string) told {
	said := told{}
	for line := range strings.Lines(content) {
		var kind struct{ Type string }
		var d domainObject
		var r receiverObject
		for _, into := range []any{&kind, &d, &r} {
			if err := json.Unmarshal([]byte(line), into); err != nil {
				t.Fatal(err)
			}
		}
		switch kind.Type {
		case "domain":
			d.enter(said)
		case "receiver":
			r.enter(said)
		}
	}
	return said
}

type domainObject struct{ Domain, Status, Reason string }

func (d domainObject) enter(said told) {
	if d.Status != "ok" {
		said.domain(d.Domain, d.Status, d.Reason)
	}
}

type receiverObject struct {
	Address, Status, Reason string
	Port                    int
	Results                 []struct {
		Check, Verdict, Conformance, Reason string
		Reply                               struct{ Code int }
		Agree                               *struct {
			Same, Of int
			Kind     string
		}
	}
}

func (r receiverObject) enter(said told) {
	port := fmt.Sprint(r.Port)
	said.receiver(r.Address, port, r.Status, r.Reason)
	for _, res := range r.Results {
		code, agree, kind := "", "", ""
		if res.Reply.Code != 0 {
			code = fmt.Sprint(res.Reply.Code)
		}
		if res.Agree != nil {
			agree, kind = fmt.Sprintf("%d/%d", res.Agree.Same, res.Agree.Of), res.Agree.Kind
		}
		said.result(r.Address, port, res.Check, res.Verdict, res.Conformance, code, res.Reason, agree, kind)
	}
}

// defused is what the apostrophe before a formula looks like.
var defused = regexp.MustCompile(`(^|[,;])'([\s"']*[-=+@])`)

func readCSV(t *testing.T, content string) told {
	rows, err := csv.NewReader(strings.NewReader(content)).ReadAll() // all rows of the same length
	if err != nil {
		t.Fatal(err)
	}
	said := told{}
	for _, row := range rows[1:] {
		cell := map[string]string{}
		for i, c := range row {
			cell[rows[0][i]] = defused.ReplaceAllString(c, "$1$2")
		}
		if cell["host"] == "" {
			said.domain(cell["domains"], cell["status"], cell["status_reason"])
			continue
		}
		said.receiver(cell["address"], cell["port"], cell["status"], cell["status_reason"])
		if cell["check"] != "" {
			said.result(cell["address"], cell["port"], cell["check"], cell["verdict"], cell["conformance"], cell["code"], cell["reason"], cell["agree"], cell["kind"])
		}
	}
	return said
}

// readMarkdown reads as an issue tracker does. The first table has the receivers,
// and each of them has a table of its own, in the same order.
func readMarkdown(_ *testing.T, content string) told {
	source := []byte(content)
	doc := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source))
	said := told{}
	var receivers [][]string
	tables := map[string][][]string{} // by the number in the heading
	heading := ""
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.Heading:
			heading, _, _ = strings.Cut(plainText(n, source), ".")
		case *table.Table:
			tables[heading] = rowsOf(n, source)
			if heading == "Receivers" {
				receivers = tables[heading]
			}
		case *ast.List:
			for item := n.FirstChild(); item != nil && heading == "Domains"; item = item.NextSibling() {
				spans := append(codeSpans(item.FirstChild(), source), "", "")
				said.domain(spans[0], spans[1], spans[2])
			}
		}
	}
	for _, r := range receivers {
		said.receiver(r[2], r[3], r[5], r[6])
		for _, res := range tables[r[0]] {
			_, verdict, _ := strings.Cut(res[1], " ")
			agree, kind := "", ""
			if len(res) > 5 {
				agree, kind, _ = strings.Cut(res[5], " ")
			}
			said.result(r[2], r[3], res[0], verdict, res[2], res[3], res[4], agree, kind)
		}
	}
	return said
}

// rowsOf are the cells of a table below its header.
func rowsOf(n ast.Node, source []byte) [][]string {
	var rows [][]string
	for row := n.FirstChild().NextSibling(); row != nil; row = row.NextSibling() {
		var cells []string
		for cell := row.FirstChild(); cell != nil; cell = cell.NextSibling() {
			cells = append(cells, plainText(cell, source))
		}
		rows = append(rows, cells)
	}
	return rows
}

func plainText(n ast.Node, source []byte) string {
	var b strings.Builder
	for child := n.FirstChild(); child != nil; child = child.NextSibling() {
		if t, ok := child.(*ast.Text); ok {
			b.Write(t.Segment.Value(source))
		} else {
			b.WriteString(plainText(child, source))
		}
	}
	return strings.NewReplacer(`\x60`, "`", `\x7c`, "|", `\x3c`, "<").Replace(b.String())
}

func codeSpans(n ast.Node, source []byte) []string {
	var spans []string
	for child := n.FirstChild(); child != nil; child = child.NextSibling() {
		if child.Kind() == ast.KindCodeSpan {
			spans = append(spans, plainText(child, source))
		}
	}
	return spans
}

type suiteElement struct {
	Tests    int `xml:"tests,attr"`
	Failures int `xml:"failures,attr"`
	Errors   int `xml:"errors,attr"`
	Skipped  int `xml:"skipped,attr"`
	Property []struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	} `xml:"properties>property"`
	Case []struct {
		Name    string          `xml:"name,attr"`
		Failure *outcomeElement `xml:"failure"`
		Error   *outcomeElement `xml:"error"`
		Skipped *outcomeElement `xml:"skipped"`
	} `xml:"testcase"`
	Out string `xml:"system-out"`
}

type outcomeElement struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
}

// readJUnit also holds each case against the line that says the same in words.
func readJUnit(t *testing.T, content string) told {
	var doc struct {
		Suite []suiteElement `xml:"testsuite"`
	}
	if err := xml.Unmarshal([]byte(content), &doc); err != nil {
		t.Fatal(err)
	}
	said := told{}
	for _, s := range doc.Suite {
		of := map[string]string{}
		for _, p := range s.Property {
			of[p.Name] = p.Value
		}
		if of["domain"] != "" {
			said.domain(of["domain"], of["status"], of["reason"])
			continue
		}
		said.receiver(of["address"], of["port"], of["status"], of["reason"])
		lines := map[string][]string{}
		for line := range strings.Lines(s.Out) {
			cells := strings.SplitN(strings.TrimSuffix(line, "\n"), " | ", 6)
			lines[cells[0]] = cells
			agree, kind, _ := strings.Cut(cells[4], " ")
			said.result(of["address"], of["port"], cells[0], cells[1], cells[2], cells[3], cells[5], agree, kind)
		}
		s.agrees(t, lines)
	}
	return said
}

func (s suiteElement) agrees(t *testing.T, lines map[string][]string) {
	t.Helper()
	failures, errors, skipped := 0, 0, 0
	for _, c := range s.Case {
		line := lines[c.Name]
		switch {
		case c.Error != nil:
			errors++
		case c.Failure != nil:
			failures++
		case c.Skipped != nil:
			skipped++
		}
		if c.Name == "receiver" {
			continue // it is about no check
		}
		accused := line[1] == "broken" || line[2] == "violates"
		unknown := line[1] == "inconclusive" || line[1] == "not-applicable"
		switch {
		case (c.Failure != nil) != accused, (c.Skipped != nil) != unknown, c.Error != nil:
			t.Errorf("case %s: got failure %v, skipped %v, error %v of %q", c.Name, c.Failure, c.Skipped, c.Error, line)
		case unknown && (c.Skipped.Message != line[5] || c.Skipped.Type != line[1]):
			t.Errorf("case %s is skipped as %q, %q; want %q", c.Name, c.Skipped.Type, c.Skipped.Message, line)
		}
	}
	if got, want := []int{s.Tests, s.Failures, s.Errors, s.Skipped}, []int{len(s.Case), failures, errors, skipped}; !slices.Equal(got, want) {
		t.Errorf("the suite counts %v tests, failures, errors, skipped; it has %v", got, want)
	}
}
