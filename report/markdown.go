package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
)

// Markdown writes the run for an issue tracker (GitHub Flavored Markdown): the
// receivers as one table, then for each of them a table of its results. Whatever
// somebody else said stands in a code span, where trackers see no link, no
// mention of a person and no markup; a vertical bar, a backtick and a less-than
// sign are shown as \xNN there, as control characters are everywhere. Transcripts
// follow where they are asked for. The error is the writer's.
func Markdown(w io.Writer, run Run, transcripts bool) error {
	m := markdown{bufio.NewWriter(w)}
	m.title(run)
	m.domains(run.Domains)
	all := number(run.Receivers)
	m.receivers(all)
	for _, n := range all {
		m.receiver(n, run.Repeat > 1)
		if transcripts {
			m.transcripts(n)
		}
	}
	if err := m.Flush(); err != nil {
		return fmt.Errorf("write the report as Markdown: %w", err)
	}
	return nil
}

// markdown keeps the first error of its writer, which is looked at when all is
// written.
type markdown struct{ *bufio.Writer }

func (m markdown) line(format string, args ...any) {
	_, _ = fmt.Fprintf(m, format+"\n", args...) // the error comes back when all is flushed
}

// row writes a row of a table. The cells are safe and have no line ends.
func (m markdown) row(cells ...string) { m.line("| %s |", strings.Join(cells, " | ")) }

func (m markdown) header(cells ...string) {
	m.line("")
	m.row(cells...)
	m.line("|%s", strings.Repeat("---|", len(cells)))
}

// code is a code span that nothing in the text can end. Empty text has none.
func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + strings.NewReplacer("`", `\x60`, "|", `\x7c`, "<", `\x3c`).Replace(text) + "`"
}

func (m markdown) title(run Run) {
	doc := newDocument(run)
	m.line("# smtpprobe %s", code(doc.Tool.Version))
	m.line("")
	said := fmt.Sprintf("Profile %s, %s, took %s.", code(doc.Profile), run.Started.Format("2006-01-02 15:04:05 -0700"), seconds(run.Elapsed))
	if run.Repeat > 1 {
		said += fmt.Sprintf(" %d runs, %s apart.", run.Repeat, run.Interval)
	}
	m.line("%s", said)
	if said := run.conclusion(); said != "" {
		m.line("\n%s", said)
	}
	if doc.Note != "" {
		m.line("\n%s", code(doc.Note))
	}
}

// domains lists the domains of which there is something to say.
func (m markdown) domains(all []Domain) {
	begun := false
	for _, d := range all {
		notes := remarks(d)
		if d.Status == statusOK && len(notes) == 0 {
			continue
		}
		if !begun {
			m.line("\n## Domains\n")
			begun = true
		}
		shown := newDomain(d)
		said := fmt.Sprintf("- %s: %s", code(shown.Domain), code(shown.Status))
		if shown.Reason != "" {
			said += ": " + code(shown.Reason)
		}
		m.line("%s", said)
		for _, n := range notes {
			m.line("  - %s", code(n))
		}
	}
}

func (m markdown) receivers(all []numbered) {
	if len(all) == 0 {
		return
	}
	m.line("\n## Receivers")
	m.header("no.", "host", "address", "port", "domains", "status", "reason", "strictness", "violations")
	for _, n := range all {
		r := newReceiver(n.Report, false)
		m.row(fmt.Sprint(n.number), code(r.Host), code(r.Address), fmt.Sprint(r.Port), code(strings.Join(r.Domains, " ")),
			string(r.Status), code(r.Reason), "strict "+fraction(n.Strictness()), fmt.Sprint(r.Violations))
	}
	m.line("\nStrictness counts the checks of order whose verdict is known, and how many of them the receiver enforces.")
}

func (m markdown) receiver(n numbered, repeated bool) {
	r := newReceiver(n.Report, false)
	m.line("\n### %d. %s", n.number, code(n.where()))
	if r.Banner != "" {
		m.line("\nGreets with %s.", code(excerpt(n.Banner, longBanner)))
	}
	if len(r.Results) == 0 {
		m.line("\nNo check was made.")
		return
	}
	columns := []string{"check", "verdict", "conformance", "code", "reason"}
	if repeated {
		columns = append(columns, "agree", "answers")
	}
	m.header(columns...)
	for i, res := range r.Results {
		said := 0
		if res.Reply != nil {
			said = res.Reply.Code
		}
		row := []string{code(res.Check), lookOf(res.Verdict).mark + " " + res.Word, string(res.Conformance), number0(said), code(res.Reason)}
		if a := n.Results[i].Agreement; repeated {
			row = append(row, agreedWords(a), code(dissent(a)))
		}
		m.row(row...)
	}
}

// transcripts writes what was said as fenced code. No line of it begins with a
// backtick, which alone could end the fence.
func (m markdown) transcripts(n numbered) {
	for _, res := range n.Results {
		m.transcript(fmt.Sprintf("%s%s: %s", code(res.Check.ID), ofRun(res.Agreement.Run), res.Verdict), res.Transcript)
	}
	for _, c := range n.Controls {
		m.transcript(fmt.Sprintf("control %s%s", code(c.ID), ofRun(c.Run)), c.Transcript)
	}
}

func (m markdown) transcript(title string, t probe.Transcript) {
	m.line("\n#### %s\n\n```text", title)
	for _, line := range dialogueLines(t) {
		m.line("%s", line)
	}
	m.line("```")
}
