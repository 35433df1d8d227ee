// Package manual writes the manual pages of the commands, in man(7), from what
// the commands say of themselves. It is no part of the program, and knows no
// date but the one it is given, so that the same commands give the same pages.
package manual

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Book is what the pages are written from.
type Book struct {
	Root     *cobra.Command
	Date     string                   // of the pages, as 2006-01-02
	Variable func(*pflag.Flag) string // the variable that stands for a flag; empty: none does
}

// Page is one page of section 1, such as smtpprobe-checks.
type Page struct {
	Name string
	Text string
}

// Pages are the pages of the command and of all below it that people are told of.
func (b Book) Pages() []Page { return b.below(b.Root) }

func (b Book) below(cmd *cobra.Command) []Page {
	pages := []Page{{name(cmd), b.page(cmd)}}
	for _, c := range visible(cmd) {
		pages = append(pages, b.below(c)...)
	}
	return pages
}

func visible(cmd *cobra.Command) []*cobra.Command {
	return slices.DeleteFunc(slices.Clone(cmd.Commands()), func(c *cobra.Command) bool { return !c.IsAvailableCommand() })
}

func name(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

func (b Book) page(cmd *cobra.Command) string {
	cmd.InitDefaultHelpFlag()
	cmd.InitDefaultVersionFlag()
	var r roff
	r.line(fmt.Sprintf(".TH %s 1 %s %s", escape(strings.ToUpper(name(cmd))), b.Date, escape(b.Root.Name())))
	r.section("NAME")
	r.text(name(cmd) + " - " + cmd.Short)
	r.section("SYNOPSIS")
	use, _ := strings.CutPrefix(cmd.UseLine(), cmd.CommandPath())
	r.line(bold(cmd.CommandPath()) + escape(use))
	r.section("DESCRIPTION")
	r.paragraphs(cmd.Long)
	if list := visible(cmd); len(list) > 0 {
		r.section("COMMANDS")
		for _, c := range list {
			r.item(bold(c.CommandPath()), c.Short+". See "+name(c)+"(1).")
		}
	}
	r.section("OPTIONS")
	flags := options(cmd)
	for _, f := range flags {
		r.item(option(f), usage(f))
	}
	if cmd.Example != "" {
		r.section("EXAMPLES")
		r.paragraphs(cmd.Example)
	}
	r.section("EXIT STATUS")
	for _, s := range exitStatus {
		r.item(bold(s.code), s.means)
	}
	b.settings(&r, flags)
	r.section("SEE ALSO")
	r.line(strings.Join(related(cmd), ",\n"))
	return r.String()
}

// exitStatus is the contract of the command line.
var exitStatus = []struct{ code, means string }{
	{"0", "It ran."},
	{"1", "What --fail-on names was found."},
	{"2", "Bad usage or configuration, or trouble of its own, such as an output that cannot be written."},
	{"3", "Nothing could be measured: no such domain, no resolver or proxy, no receiver that answers."},
	{"130", "Interrupted, after printing what is known."},
}

// settings are the sections of a command whose flags may be set without typing
// them.
func (b Book) settings(r *roff, flags []*pflag.Flag) {
	var variables []string
	for _, f := range flags {
		if v := b.Variable(f); v != "" {
			variables = append(variables, bold(v))
		}
	}
	if len(variables) == 0 {
		return
	}
	r.section("FILES")
	r.item(bold("~/.config/smtpprobe/config.yaml"), `The settings of whoever runs it, as YAML; $XDG_CONFIG_HOME stands in the place of ~/.config where it is set. The keys are long options without their dashes. Besides, targets names sets of targets ("smtpprobe @mine" probes the set mine), and profiles names selections of checks by the keys profile, group, skip and check ("--profile nightly"). What belongs to one call is for the command line only.`)
	r.section("ENVIRONMENT")
	r.item(bold("SMTPPROBE_CONFIG"), "The configuration file, in the place of the one above; --config wins over it.")
	r.line(".TP\n" + strings.Join(variables, ",\n"))
	r.text("The value of the option of that name, if it is not empty. An option wins over its variable, that over the file, and the file over the default.")
	r.item(bold("NO_COLOR"), "If it is not empty, --color auto shows no colour.")
}

// related are the pages of the command above and of those below, or beside.
func related(cmd *cobra.Command) []string {
	var names []string
	if cmd.HasParent() {
		names = append(names, name(cmd.Parent()))
	}
	for _, c := range visible(cmd) {
		names = append(names, name(c))
	}
	for i, n := range names {
		names[i] = bold(n) + "(1)"
	}
	return names
}

func options(cmd *cobra.Command) []*pflag.Flag {
	var flags []*pflag.Flag
	add := func(f *pflag.Flag) {
		if !f.Hidden {
			flags = append(flags, f)
		}
	}
	cmd.NonInheritedFlags().VisitAll(add)
	cmd.InheritedFlags().VisitAll(add)
	return flags
}

// option is a flag as it is typed.
func option(f *pflag.Flag) string {
	text := bold("--" + f.Name)
	if f.Shorthand != "" {
		text = bold("-"+f.Shorthand) + ", " + text
	}
	if what, _ := pflag.UnquoteUsage(f); what != "" {
		text += " " + italic(what)
	}
	return text
}

// usage is what a flag is for, with its default where that is none of nothing.
func usage(f *pflag.Flag) string {
	_, text := pflag.UnquoteUsage(f)
	if !slices.Contains([]string{"", "0", "false", "[]"}, f.DefValue) {
		text += " (default " + f.DefValue + ")"
	}
	return text
}
