package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
)

// selection is which checks are wanted.
type selection struct {
	profile string
	check   words
	skip    words
	group   words

	named map[string][]string // IDs of checks by the profiles of the configuration file
}

// profileName is the profile of a selection as the value of a flag.
type profileName struct{ of *selection }

func (p profileName) Set(text string) error {
	p.of.profile = text
	return nil
}

func (p profileName) String() string {
	if p.of == nil { // as the library asks what the zero value looks like
		return ""
	}
	return p.of.profile
}

func (p profileName) Type() string { return "string" }

func (s *selection) register(cmd *cobra.Command) {
	f := cmd.Flags()
	s.profile = probe.Standard.String()
	f.Var(profileName{s}, "profile", "set of checks: quick, standard, full, or one of the configuration file")
	f.Var(&s.check, "check", "only these checks, of any profile (`ID,...`; see 'smtpprobe checks')")
	f.Var(&s.skip, "skip", "leave these checks out (`ID,...`)")
	f.Var(&s.group, "group", "only the checks of these groups (`NAME,...`)")
}

// checks are the selected checks in the order of the catalogue.
func (s *selection) checks() ([]probe.Check, error) {
	inProfile, err := s.inProfile()
	if err != nil {
		return nil, err
	}
	if err := s.exist(); err != nil {
		return nil, err
	}
	var picked []probe.Check
	for _, c := range checks.All() {
		switch {
		case len(s.check) > 0 && !named(c.ID, s.check),
			len(s.check) == 0 && !inProfile(c),
			len(s.group) > 0 && !slices.Contains(s.group, string(c.Group)),
			named(c.ID, s.skip):
			continue
		}
		picked = append(picked, c)
	}
	if len(picked) == 0 {
		return nil, usage("the selection leaves no check: profile %s%s", s.profile, s.narrowed())
	}
	return picked, nil
}

// exist refuses checks and groups that are not there.
func (s *selection) exist() error {
	for _, list := range []struct {
		flag string
		ids  words
	}{{"check", s.check}, {"skip", s.skip}} {
		for _, id := range list.ids {
			if !known(id) {
				return usage("--%s: no check %q%s; 'smtpprobe checks' lists them", list.flag, id,
					suggestion(id, catalogueIDs(), ", did you mean %q?"))
			}
		}
	}
	for _, g := range s.group {
		if !slices.Contains(probe.Groups(), probe.Group(g)) {
			return usage("--group: no group %q; the groups are %s", g, strings.Join(groups(), ", "))
		}
	}
	return nil
}

// inProfile says which checks the profile has, a built-in one or one of the
// configuration file.
func (s *selection) inProfile() (func(probe.Check) bool, error) {
	if ids, ok := s.named[s.profile]; ok {
		return func(c probe.Check) bool { return slices.Contains(ids, c.ID) }, nil
	}
	profile, err := parseProfile(s.profile)
	if err != nil && len(s.named) > 0 {
		names := slices.Concat([]string{"quick", "standard", "full"}, sortedKeys(s.named))
		last := len(names) - 1
		err = usage("--profile %q: want %s or %s", s.profile, strings.Join(names[:last], ", "), names[last])
	}
	return func(c probe.Check) bool { return c.Profile <= profile }, err
}

func (s *selection) narrowed() string {
	text := ""
	for _, part := range []struct {
		flag  string
		value words
	}{{"--check", s.check}, {"--group", s.group}, {"--skip", s.skip}} {
		if len(part.value) > 0 {
			text += ", " + part.flag + " " + strings.Join(part.value, ",")
		}
	}
	return text
}

// named reports whether an ID is one of those given; a bare ID stands for all
// of its variants.
func named(id string, given []string) bool {
	base, _, _ := strings.Cut(id, "/")
	return slices.Contains(given, id) || slices.Contains(given, base)
}

func known(id string) bool {
	return slices.ContainsFunc(catalogueIDs(), func(other string) bool { return named(other, []string{id}) })
}

func parseProfile(name string) (probe.Profile, error) {
	for _, p := range probe.Profiles() {
		if p.String() == name {
			return p, nil
		}
	}
	return 0, usage("--profile %q: want quick, standard or full", name)
}

// groups are the names of the groups that have checks.
func groups() []string {
	var names []string
	for _, g := range probe.Groups() {
		if slices.ContainsFunc(checks.All(), func(c probe.Check) bool { return c.Group == g }) {
			names = append(names, string(g))
		}
	}
	return names
}
