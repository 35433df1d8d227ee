package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
)

// completeAll says of every flag and argument what the shell may complete:
// words where they are known, files where the help text says FILE, and nothing
// elsewhere. What a command says of itself stands.
func completeAll(root *cobra.Command) {
	for _, cmd := range allCommands(root) {
		if cmd.ValidArgsFunction == nil && !strings.Contains(cmd.Use, " ") {
			cmd.ValidArgsFunction = cobra.NoFileCompletions
		}
		cmd.NonInheritedFlags().VisitAll(func(f *pflag.Flag) {
			if _, known := cmd.GetFlagCompletionFunc(f.Name); !known && f.NoOptDefVal == "" {
				cmd.RegisterFlagCompletionFunc(f.Name, completion(f)) //nolint:errcheck // the flag is there, and nobody else's
			}
		})
	}
}

// mendCompletion says what the library's command wants, and mends its script for
// bash: quoted by printf %q a comma becomes \,, and what a list is completed to
// is then nothing that anybody typed. No word of ours needs quotes.
func mendCompletion(root *cobra.Command, out io.Writer) {
	for _, cmd := range allCommands(root) {
		onlyTyped(cmd.Flags(), "no-descriptions")
		switch cmd.CommandPath() {
		case "smtpprobe completion":
			cmd.RunE = func(*cobra.Command, []string) error { return usage("completion: want bash, zsh, fish or powershell") }
		case "smtpprobe completion bash":
			cmd.RunE = func(cmd *cobra.Command, _ []string) error {
				var script strings.Builder
				bare, _ := cmd.Flags().GetBool("no-descriptions") // the library's own
				if err := root.GenBashCompletionV2(&script, !bare); err != nil {
					return err
				}
				_, err := io.WriteString(out, strings.ReplaceAll(script.String(), `"%q`, `"%s`))
				return err
			}
		}
	}
}

// allCommands are the command and all below it.
func allCommands(cmd *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{cmd}
	for _, c := range cmd.Commands() {
		all = append(all, allCommands(c)...)
	}
	return all
}

// completion is what may stand behind a flag.
func completion(f *pflag.Flag) cobra.CompletionFunc {
	if words := vocabulary(f.Name); words != nil {
		_, list := f.Value.(cobra.SliceValue)
		return func(cmd *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return beginning(words(cmd), typed, list), cobra.ShellCompDirectiveNoFileComp
		}
	}
	if what, _ := pflag.UnquoteUsage(f); what == "FILE" {
		return func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveDefault
		}
	}
	return cobra.NoFileCompletions
}

// vocabulary is the function that lists the words of a flag; nil where it takes
// anything.
func vocabulary(flag string) func(*cobra.Command) []string {
	fixed := func(words func() []string) func(*cobra.Command) []string {
		return func(*cobra.Command) []string { return words() }
	}
	switch flag {
	case "check", "skip":
		return fixed(describedChecks)
	case "group":
		return fixed(groups)
	case "profile":
		return describedProfiles
	case "format":
		return fixed(formatWords)
	case "color":
		return fixed(colors)
	case "tls":
		return fixed(tlsWays)
	case "fail-on":
		return fixed(failWords)
	}
	return nil
}

// beginning are the words, each with a description behind a tab or with none,
// that begin as what was typed does; in a list, as what stands behind its last
// comma does. A word that stands before it is not offered again.
func beginning(words []string, typed string, list bool) []cobra.Completion {
	before, last := "", typed
	if i := strings.LastIndexByte(typed, ','); list && i >= 0 {
		before, last = typed[:i+1], typed[i+1:]
	}
	taken := strings.Split(before, ",")
	var found []cobra.Completion
	for _, w := range words {
		word, _, _ := strings.Cut(w, "\t")
		if strings.HasPrefix(word, last) && !slices.Contains(taken, word) {
			found = append(found, before+w)
		}
	}
	return found
}

// describedChecks are the IDs of all checks with their titles, and the bare IDs
// that stand for several variants.
func describedChecks() []string {
	variants := map[string]int{}
	for _, c := range checks.All() {
		base, _, _ := strings.Cut(c.ID, "/")
		variants[base]++
	}
	var all []string
	for _, c := range checks.All() {
		base, _, _ := strings.Cut(c.ID, "/")
		if n := variants[base]; base != c.ID && n > 0 {
			all = append(all, fmt.Sprintf("%s\tall its variants: %d", base, n))
			variants[base] = 0
		}
		all = append(all, c.ID+"\t"+c.Title)
	}
	return all
}

// ownConfig is the configuration of whoever types; where it cannot be read it
// says nothing, and the command will say why.
func ownConfig(cmd *cobra.Command) config {
	conf, err := findConfig(cmd, knownSettings(cmd.Root()))
	if err != nil {
		return config{}
	}
	return conf
}

// describedTargets are the sets of targets in the configuration file.
func describedTargets(cmd *cobra.Command) []string {
	var all []string
	conf := ownConfig(cmd)
	for _, name := range sortedKeys(conf.targets) {
		all = append(all, fmt.Sprintf("@%s\t%d targets", name, len(conf.targets[name])))
	}
	return all
}

// describedProfiles are the built-in profiles and those of the configuration file.
func describedProfiles(cmd *cobra.Command) []string {
	var all []string
	for _, p := range probe.Profiles() {
		n := 0
		for _, c := range checks.All() {
			if c.Profile <= p {
				n++
			}
		}
		all = append(all, fmt.Sprintf("%s\t%d checks", p, n))
	}
	conf := ownConfig(cmd)
	for _, name := range sortedKeys(conf.profiles) {
		all = append(all, fmt.Sprintf("%s\t%d checks", name, len(conf.profiles[name])))
	}
	return all
}

// describedCommands are the commands that help knows.
func describedCommands(cmd *cobra.Command) []string {
	var all []string
	for _, c := range cmd.Root().Commands() {
		if c.IsAvailableCommand() {
			all = append(all, c.Name()+"\t"+c.Short)
		}
	}
	return all
}

// describedExhibits are the domains of the lab that were not named yet.
func describedExhibits(named []string) []string {
	var all []string
	for _, e := range exhibits() {
		if !slices.Contains(named, e.domain) {
			all = append(all, e.domain+"\t"+e.note)
		}
	}
	return all
}
