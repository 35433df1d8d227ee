package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
)

// Reference writes the pages of Explain as one Markdown document, with a list of
// the groups in front. What it says comes from the checks alone.
func Reference(w io.Writer, checks []probe.Check) error {
	var b strings.Builder
	b.WriteString("# The catalogue\n\n" +
		"<!-- Written by `make generate` from the checks themselves; edits are lost. -->\n\n" +
		"What `smtpprobe` asks of a receiver, check by check. `smtpprobe explain ID` shows the same page\n" +
		"in a terminal. How to read a verdict stands in the [README](../README.md).\n\n")
	fmt.Fprintf(&b, "%d checks, in these groups:\n\n", len(checks))
	for _, g := range probe.Groups() {
		if list := ofGroup(checks, g); len(list) > 0 {
			fmt.Fprintf(&b, "* [%s](#%s): %s\n", g, g, strings.Join(links(list), ", "))
		}
	}
	for _, g := range probe.Groups() {
		list := ofGroup(checks, g)
		if len(list) > 0 {
			fmt.Fprintf(&b, "\n## %s\n", g)
		}
		for _, c := range list {
			referencePage(&b, c)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func ofGroup(checks []probe.Check, g probe.Group) []probe.Check {
	var list []probe.Check
	for _, c := range checks {
		if c.Group == g {
			list = append(list, c)
		}
	}
	return list
}

// links are the checks by ID; the anchor of a heading has no slash.
func links(checks []probe.Check) []string {
	all := make([]string, len(checks))
	for i, c := range checks {
		all[i] = fmt.Sprintf("[%s](#%s)", c.ID, strings.ReplaceAll(c.ID, "/", ""))
	}
	return all
}

func referencePage(b *strings.Builder, c probe.Check) {
	fmt.Fprintf(b, "\n### %s\n\n**%s**\n\n", c.ID, inMarkdown(c.Title))
	fmt.Fprintf(b, "Profile %s, requirement level for receivers: %s", c.Profile, c.Level)
	if c.Ordering {
		b.WriteString("; counts for strictness")
	}
	fmt.Fprintf(b, ".\n\n%s (%s)\n", inMarkdown(c.Norm), strings.Join(refsOf(c), ", "))
	if conditions := conditionsOf(c); conditions != "" {
		fmt.Fprintf(b, "\nRuns only where %s.\n", inMarkdown(conditions))
	}
	if c.Observes() {
		fmt.Fprintf(b, "\nExchange: %s\n", ownless)
	} else {
		b.WriteString("\n```\n")
		dialogue(b, append(probe.Prelude(c.Start, probe.Clear), c.Script...))
		b.WriteString("```\n")
	}
	b.WriteString("\n| verdict | when |\n|---|---|\n")
	for _, m := range c.Judge.Meanings {
		fmt.Fprintf(b, "| `%s` | %s |\n", m.Verdict, inMarkdown(m.When))
	}
	if c.Habit.Name != "" {
		fmt.Fprintf(b, "\nThe habit: %s; a sender must %s.\n", inMarkdown(c.Habit.Name), inMarkdown(c.Habit.Must))
	}
	fmt.Fprintf(b, "\nWhich sender it bites: %s\n\nHow to mend that sender: %s\n", inMarkdown(c.Bites), inMarkdown(c.Fix))
}

// inMarkdown keeps the texts of checks from being read as markup.
func inMarkdown(text string) string {
	return strings.NewReplacer("|", `\|`, "<", `\<`, "*", `\*`, "_", `\_`, "`", "\\`").Replace(text)
}
