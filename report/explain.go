package report

import (
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// Explain writes a page for each check: the rule, the exchange, what each
// verdict means, and what a sender has to do with it. It comes from the check
// alone, so it cannot differ from what is run.
func Explain(w io.Writer, checks []probe.Check) error {
	var b strings.Builder
	for i, c := range checks {
		if i > 0 {
			b.WriteString("\n\n")
		}
		explain(&b, c)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func explain(b *strings.Builder, c probe.Check) {
	fmt.Fprintf(b, "%s\n%s\n\n", c.ID, c.Title)
	paragraph(b, fmt.Sprintf("group %s, profile %s, requirement level for receivers: %s", c.Group, c.Profile, c.Level))
	section(b, "Rule")
	paragraph(b, c.Norm)
	paragraph(b, strings.Join(refsOf(c), ", "))
	if conditions := conditionsOf(c); conditions != "" {
		section(b, "Runs only where")
		paragraph(b, conditions)
	}
	section(b, "Exchange")
	if c.Observes() {
		paragraph(b, ownless)
	} else {
		dialogue(b, append(probe.Prelude(c.Start, probe.Clear), c.Script...))
	}
	section(b, "Verdicts")
	for _, m := range c.Judge.Meanings {
		indented(b, fmt.Sprintf("  %-15s", m.Verdict), m.When)
	}
	if c.Habit.Name != "" {
		section(b, "The habit")
		paragraph(b, fmt.Sprintf("%s; a sender must %s.", c.Habit.Name, c.Habit.Must))
	}
	section(b, "Which sender it bites")
	paragraph(b, c.Bites)
	section(b, "How to mend that sender")
	paragraph(b, c.Fix)
}

// ownless is in place of the exchange of a check that has none.
const ownless = "None of its own: it looks at all replies that were heard in the run, to the controls and to the other checks."

func refsOf(c probe.Check) []string {
	refs := make([]string, len(c.Refs))
	for i, r := range c.Refs {
		refs[i] = string(r)
	}
	return refs
}

func section(b *strings.Builder, title string) { fmt.Fprintf(b, "\n%s\n", title) }

const pageWidth = 78

func paragraph(b *strings.Builder, text string) { indented(b, "  ", text) }

// indented writes text behind a first word, wrapped, and indented to it.
func indented(b *strings.Builder, first, text string) {
	indent := strings.Repeat(" ", len(first))
	line := first
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
			line += word
		case len(line)+1+len(word) > pageWidth:
			b.WriteString(line + "\n")
			line = indent + word
		default:
			line += " " + word
		}
	}
	b.WriteString(line + "\n")
}

func conditionsOf(c probe.Check) string {
	var all []string
	add := func(holds bool, text string) {
		if holds {
			all = append(all, text)
		}
	}
	add(len(c.Needs.Offered) > 0, "EHLO offers "+strings.Join(c.Needs.Offered, ", "))
	add(len(c.Needs.Unoffered) > 0, "EHLO does not offer "+strings.Join(c.Needs.Unoffered, ", "))
	add(len(c.Needs.Lacking) > 0, "EHLO does not offer all of "+strings.Join(c.Needs.Lacking, ", "))
	add(c.Needs.Clear, "the session begins in clear")
	add(c.Needs.Upgrade || c.Start == probe.TunnelHello, "STARTTLS is offered (or TLS is there already)")
	add(c.Needs.Greeting != "", "the greeting is "+c.Needs.Greeting.String())
	add(c.Needs.Exchanger, "the port is not one of submission")
	add(c.Needs.Mail, "MAIL is accepted in its legal place")
	add(c.Needs.Helo || c.Start == probe.Helo, "HELO is accepted")
	for _, g := range c.Needs.Given {
		add(true, fmt.Sprintf("%s in %s was answered %s", g.Step, g.Check, g.Codes))
	}
	add(len(c.Needs.Checks) > 0, "the answer to "+strings.Join(c.Needs.Checks, ", ")+" is known")
	return strings.Join(all, "; ")
}

// dialogue shows a script as a person would write the exchange down.
func dialogue(b *strings.Builder, script probe.Script) {
	for _, s := range script {
		switch s.Act {
		case probe.Greet:
			if s.Name != probe.StepGreeting {
				fmt.Fprintf(b, "  S: ...   (to %s)%s\n", s.Name, condition(s))
				continue
			}
			fmt.Fprintf(b, "  S: %s ...\n", s.Want)
		case probe.Handshake:
			fmt.Fprintf(b, "  -- TLS handshake%s --\n", condition(s))
		case probe.Listen:
			fmt.Fprintf(b, "  -- listen for %s%s --\n", s.For, condition(s))
		case probe.Send:
			sent(b, s)
		}
	}
}

func sent(b *strings.Builder, s probe.Step) {
	mark := ""
	switch s.Name {
	case probe.Test:
		mark = "   <- the command under test"
	case probe.Control:
		mark = "   <- the control"
	case probe.Disturb:
		mark = "   <- what must, or must not, end the transaction"
	case probe.IsOpen:
		mark = "   <- is a transaction open?"
	}
	lines := strings.SplitAfter(strings.TrimSuffix(s.Text, "\r\n"), "\r\n")
	for i, l := range lines {
		tail := ""
		if i == len(lines)-1 {
			tail = condition(s) + mark
			if len(lines) > 1 {
				tail = "   (one segment)" + tail
			}
		}
		fmt.Fprintf(b, "  C: %s%s\n", shortened(smtp.Escape(strings.TrimSuffix(l, "\r\n"))), tail)
	}
	if s.Want != "" {
		fmt.Fprintf(b, "  S: %s\n", s.Want)
	}
}

// filler is a word that is there for its length only.
var filler = regexp.MustCompile(`x{40,}`)

// shortened shows what stands for its length alone by its length.
func shortened(line string) string {
	return filler.ReplaceAllStringFunc(line, func(x string) string { return fmt.Sprintf("xxx...(%d times x)", len(x)) })
}

func condition(s probe.Step) string {
	switch s.If {
	case probe.IfAccepted:
		return ", if " + s.Of + " was accepted"
	case probe.IfRefused:
		return ", if " + s.Of + " was refused"
	case probe.IfSilent:
		return ", if " + s.Of + " was silent"
	}
	return ""
}
