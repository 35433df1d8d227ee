package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// variablePrefix begins the names of our variables.
const variablePrefix = "SMTPPROBE_"

// configVariable names the configuration file; it stands for --config.
const configVariable = variablePrefix + "CONFIG"

// variable is the variable of a flag: SMTPPROBE_REPLY_TIMEOUT of --reply-timeout.
func variable(flag string) string {
	return variablePrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// variableOf is the variable of a flag that is a setting; empty for others.
func variableOf(f *pflag.Flag) string {
	if !isSetting(f) {
		return ""
	}
	return variable(f.Name)
}

// environment are the settings of the flags whose variables have a value. An
// empty one says nothing.
func environment(flags *pflag.FlagSet) []setting {
	var settings []setting
	flags.VisitAll(func(f *pflag.Flag) {
		if text := os.Getenv(variable(f.Name)); text != "" {
			settings = append(settings, setting{f.Name, []string{text}, variable(f.Name)})
		}
	})
	return settings
}

// strayVariables says which variables look like ours and set nothing.
func strayVariables(out io.Writer, known map[string]bool) {
	var names []string
	for _, entry := range os.Environ() {
		if name, text, _ := strings.Cut(entry, "="); strings.HasPrefix(name, variablePrefix) && text != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		flag := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, variablePrefix), "_", "-"))
		setting, exists := known[flag]
		switch {
		case setting && variable(flag) == name, name == configVariable:
			continue
		case exists && !setting:
			fmt.Fprintf(out, "smtpprobe: %s is ignored: --%s is for the command line only\n", visible(name), flag) //nolint:errcheck // a note
		default:
			fmt.Fprintf(out, "smtpprobe: %s is ignored: it is no setting%s\n", visible(name), //nolint:errcheck // a note
				visible(variableSuggestion(flag, known)))
		}
	}
}

func variableSuggestion(flag string, known map[string]bool) string {
	near := nearestSetting(flag, known, "%s")
	if near == "" {
		return ""
	}
	return ", did you mean " + variable(near) + "?"
}
