package report_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	table "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/report"
)

// tempting is what a tracker, or a reader of XML, makes something of.
const tempting = "`x` ``` | \\| <img src=x onerror=alert(1)> <!-- --> @root #1 GH-1 https://evil.example www.evil.example root@evil.example " +
	"[a](http://b.example) ![i](http://c.example) [r]: x **b** ~~s~~ # h &lt; :tada: $x$\n\n---\n* x\n```\n</details> ]]>"

func tempted() report.Run {
	run := hostile(1)
	one := run.Receivers[0]
	one.Host, one.Address, one.Domains, one.Reason, one.Banner = tempting, tempting, []string{tempting}, tempting, tempting
	one.Results = results(lenient())
	for i := range one.Results {
		one.Results[i].Reason = tempting
		one.Results[i].Reply = say("250 " + tempting)
		one.Results[i].Transcript = probe.Transcript{{From: probe.FromServer, Text: "```\r\n"}, {From: probe.FromClient, Text: "```\r\n```\r\n"}, {From: probe.FromServer, Text: tempting}}
		one.Results[i].Agreement = probe.Agreement{Runs: 2, Answers: []probe.Answer{{Reason: tempting, Runs: []int{1}, Backends: []string{tempting}}}}
	}
	one.Controls = []probe.ControlRun{{ID: "B0", Transcript: one.Results[0].Transcript}}
	run.Receivers = append(run.Receivers, one)
	run.Domains = append(run.Domains, report.Domain{Domain: tempting, ASCII: tempting, Status: tempting, Reason: tempting, Notes: []report.Note{{tempting, tempting}}})
	run.Version, run.Profile, run.Note, run.Repeat = tempting, tempting, tempting, 2
	return run
}

func markdownOf(t *testing.T, run report.Run) string {
	t.Helper()
	var out bytes.Buffer
	if err := report.Markdown(&out, run, true); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestMarkdownIsInert reads it as trackers do: nothing that somebody else said is
// more than the content of a code span or a code block, in which they look for
// nothing.
func TestMarkdownIsInert(t *testing.T) {
	for name, run := range map[string]report.Run{"hostile": hostile(2), "tempting": tempted(), "several": severalDomains(), "wavering": wavering()} {
		source := []byte(markdownOf(t, run))
		for line := range strings.Lines(string(source)) {
			if bad := foreign(strings.NewReplacer("✓", "", "✗", "").Replace(strings.TrimSuffix(line, "\n")), false); bad != "" {
				t.Fatalf("%s: got %s in %q, want it escaped", name, bad, line)
			}
		}
		for line := range strings.Lines(string(source)) { // for trackers that know of no code span
			if strings.ContainsAny(line[:1], "|-#") && strings.Contains(line, "<") {
				t.Errorf("%s: got a less-than sign in %.200q, want it escaped", name, line)
			}
		}
		doc := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source))
		_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
			if !entering {
				return ast.WalkContinue, nil
			}
			switch n := n.(type) {
			case *ast.CodeSpan:
				return ast.WalkSkipChildren, nil
			case *ast.Document, *ast.Heading, *ast.Paragraph, *ast.TextBlock, *ast.List, *ast.ListItem, *ast.FencedCodeBlock,
				*table.Table, *table.TableHeader, *table.TableRow, *table.TableCell:
			case *ast.Text:
				if said := string(n.Segment.Value(source)); !innocent.MatchString(said) {
					t.Errorf("%s: %q stands outside of a code span", name, said)
				}
			default:
				t.Errorf("%s: text of somebody else's became a %s", name, n.Kind())
			}
			return ast.WalkContinue, nil
		})
	}
}

// innocent is text in which no tracker finds anything: words of ours, numbers,
// verdicts, times.
var innocent = regexp.MustCompile(`^[A-Za-z0-9 .,:+✓✗~/!^?-]*$`)

// TestMarkdownTablesKeepTheirColumns: neither a bar nor a line end in a text makes
// another cell, which readers would drop without a word.
func TestMarkdownTablesKeepTheirColumns(t *testing.T) {
	for name, run := range map[string]report.Run{"hostile": hostile(1), "tempting": tempted(), "one": oneDomain()} {
		bars := 0
		rows := 0
		for line := range strings.Lines(markdownOf(t, run)) {
			if !strings.HasPrefix(line, "|") {
				bars = 0
				continue
			}
			if n := strings.Count(line, "|"); bars != 0 && n != bars {
				t.Errorf("%s: got %d bars in %.200q, want %d as above it", name, n, line, bars)
			}
			bars = strings.Count(line, "|")
			rows++
		}
		if rows < 10 {
			t.Errorf("%s: got %d rows, want more", name, rows)
		}
	}
}

// TestNoTranscriptEndsItsFence: a line of it that consists of backticks stays in it.
func TestNoTranscriptEndsItsFence(t *testing.T) {
	source := []byte(markdownOf(t, tempted()))
	doc := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source))
	blocks := 0
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		block, ok := n.(*ast.FencedCodeBlock)
		if !ok {
			continue
		}
		blocks++
		for i := range block.Lines().Len() {
			line := block.Lines().At(i)
			if said := string(line.Value(source)); !regexp.MustCompile(`^( *[0-9.]+|Nothing|) +[CS*]: `).MatchString(said) {
				t.Errorf("got the line %q in a transcript", said)
			}
		}
	}
	if want := strings.Count(string(source), "\n#### "); blocks != want {
		t.Errorf("got %d fenced blocks, want %d, one for each heading of a transcript", blocks, want)
	}
}
