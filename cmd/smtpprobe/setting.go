package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A setting is the value of a flag that nobody typed: it comes from the
// environment or from the configuration file. What was typed wins over the
// environment, that over the file, and the file over the default.
type setting struct {
	flag string
	text []string // more than one for a list only
	at   string   // where it stands, as an error says it
}

// Annotations of a flag.
const (
	typedOnly = "typed-only" // it belongs to one call and is no setting
	origin    = "origin"     // where its value stands, if it was not typed
)

// onlyTyped marks flags that belong to one call: what is probed, who is named
// there, what is written over, what is not done at all.
func onlyTyped(flags *pflag.FlagSet, names ...string) {
	flags.VisitAll(func(f *pflag.Flag) {
		if slices.Contains(names, f.Name) {
			annotate(f, typedOnly)
		}
	})
}

func annotate(f *pflag.Flag, key string, values ...string) {
	if f.Annotations == nil {
		f.Annotations = map[string][]string{}
	}
	f.Annotations[key] = values
}

// isSetting reports whether a flag may be set without typing it.
func isSetting(f *pflag.Flag) bool {
	_, typed := f.Annotations[typedOnly]
	return !typed && f.Name != "help" && f.Name != "version"
}

// knownSettings are the names of the flags of all commands, and whether each is
// a setting for any of them.
func knownSettings(root *cobra.Command) map[string]bool {
	known := map[string]bool{}
	for _, cmd := range allCommands(root) {
		cmd.NonInheritedFlags().VisitAll(func(f *pflag.Flag) { known[f.Name] = known[f.Name] || isSetting(f) })
	}
	return known
}

// nearestSetting is the format filled with the setting nearest to a mistyped
// name.
func nearestSetting(name string, known map[string]bool, format string, more ...string) string {
	names := more
	for n, ok := range known {
		if ok {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return suggestion(name, names, format)
}

// settle puts the environment and the configuration file under every command:
// its flags have their values, @NAME its targets, before it runs.
func settle(root *cobra.Command, s streams) {
	known := knownSettings(root)
	for _, cmd := range allCommands(root) {
		inner := cmd.RunE
		if inner == nil || !takesSettings(cmd, known) {
			continue
		}
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			args, err := settled(cmd, args, known, s)
			if err != nil {
				return err
			}
			return located(cmd.Flags(), inner(cmd, args))
		}
	}
}

// takesSettings reports whether a command has a flag that is a setting for it or
// for another.
func takesSettings(cmd *cobra.Command, known map[string]bool) bool {
	takes := false
	cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) { takes = takes || known[f.Name] })
	return takes
}

// settled gives the flags of a command their values and returns its arguments.
func settled(cmd *cobra.Command, args []string, known map[string]bool, s streams) ([]string, error) {
	conf, err := findConfig(cmd, known)
	if err != nil {
		return nil, err
	}
	flags := cmd.Flags()
	if err := apply(flags, environment(flags)); err != nil {
		return nil, err
	}
	if err := apply(flags, conf.settings); err != nil {
		return nil, err
	}
	if quiet, err := flags.GetBool("quiet"); err != nil || !quiet {
		strayVariables(s.err, known)
	}
	if f := flags.Lookup("profile"); f != nil {
		if p, ok := f.Value.(profileName); ok {
			p.of.named = conf.profiles
		}
	}
	if flags.Lookup("targets") == nil {
		return args, nil
	}
	return conf.expand(args)
}

// apply sets those of the flags that nothing has set before, and that exclude
// none that has.
func apply(flags *pflag.FlagSet, settings []setting) error {
	before := map[string]bool{}
	flags.Visit(func(f *pflag.Flag) { before[f.Name] = true })
	for _, s := range settings {
		f := flags.Lookup(s.flag)
		if f == nil || !isSetting(f) || before[f.Name] || before[rival(f.Name)] {
			continue
		}
		if _, list := f.Value.(cobra.SliceValue); !list && len(s.text) != 1 {
			return usage("%s: want one value, got %d", s.at, len(s.text))
		}
		for _, text := range s.text {
			if err := flags.Set(f.Name, text); err != nil {
				return usage("%s: %q: want %s", s.at, text, wanted(f))
			}
		}
		annotate(f, origin, s.at)
	}
	return nil
}

// rival is the flag that a flag excludes: what wins over one wins over both.
func rival(flag string) string {
	switch flag {
	case "ipv4":
		return "ipv6"
	case "ipv6":
		return "ipv4"
	case "quiet":
		return "verbose"
	case "verbose":
		return "quiet"
	case "format":
		return "dry-run" // which has one of its own
	}
	return ""
}

// located says of bad input where it stands, if it was not typed: an error about
// a flag begins with the flag.
func located(flags *pflag.FlagSet, err error) error {
	var end ending
	if !errors.As(err, &end) {
		return err
	}
	name, rest, _ := strings.Cut(strings.TrimPrefix(end.Error(), "--"), " ")
	f := flags.Lookup(strings.TrimSuffix(name, ":"))
	if f == nil || len(f.Annotations[origin]) == 0 {
		return err
	}
	return ending{end.code, fmt.Errorf("%s: %s", f.Annotations[origin][0], rest)}
}

// isTyped reports whether a flag stands on the command line itself.
func isTyped(flags *pflag.FlagSet, name string) bool {
	if flags == nil {
		return false
	}
	f := flags.Lookup(name)
	return f != nil && f.Changed && len(f.Annotations[origin]) == 0
}
