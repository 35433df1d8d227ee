package main

import (
	"context"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
)

// habits are those of the sender that --profile-of-sender is about; nil where
// nobody named one.
func (f *campaignFlags) habits(ctx context.Context) ([]probe.Habit, error) {
	if f.sender == "" {
		if f.given("profile-of-sender") {
			return nil, usage(`--profile-of-sender "": want a file of habits`)
		}
		return nil, nil
	}
	text, err := readConfig(ctx, f.sender)
	switch {
	case ctx.Err() != nil:
		return nil, ending{code: exitInterrupted}
	case err != nil:
		return nil, usage("--profile-of-sender %q: %w", f.sender, err)
	}
	return parseSender(f.sender, text)
}

// parseSender reads the profile of a sender: YAML with one key, habits, and a list
// of them. An error names line and column.
func parseSender(name string, text []byte) ([]probe.Habit, error) {
	p := configParser{name: name}
	body, err := p.document(text)
	switch {
	case err != nil:
		return nil, err
	case body == nil:
		return nil, usage("%s: empty: want habits: and a list of them", name)
	}
	fields, err := p.fields(body)
	if err != nil {
		return nil, err
	}
	var habits []probe.Habit
	for _, f := range fields {
		if f.key != "habits" {
			return nil, p.fault(f.at, "%q is nothing that the profile of a sender has: want habits", f.key)
		}
		list, ok := f.value.(*ast.SequenceNode)
		if !ok || len(list.Values) == 0 {
			return nil, p.fault(f.value, "want a list of habits, each in a line behind a dash")
		}
		for _, n := range list.Values {
			word, ok := n.(*ast.StringNode)
			if !ok {
				return nil, p.fault(n, "want the name of a habit; one with a colon stands in quotes")
			}
			found := habitsOf(word.Value)
			if len(found) == 0 {
				return nil, p.fault(n, "no habit %q%s", word.Value, suggestion(word.Value, habitWords(), ", did you mean %q?"))
			}
			for _, h := range found {
				if !slices.Contains(habits, h) {
					habits = append(habits, h)
				}
			}
		}
	}
	return habits, nil
}

// habitsOf are the habits that a word names: one by its name, or those of a check.
func habitsOf(word string) []probe.Habit {
	var found []probe.Habit
	for _, c := range checks.All() {
		if c.Habit.Name == "" || !strings.EqualFold(c.Habit.Name, word) && !named(c.ID, []string{word}) {
			continue
		}
		if !slices.Contains(found, c.Habit) {
			found = append(found, c.Habit)
		}
	}
	return found
}

// habitWords are all words that name habits.
func habitWords() []string {
	var all []string
	for _, c := range checks.All() {
		all = append(all, c.ID)
		if c.Habit.Name != "" && !slices.Contains(all, c.Habit.Name) {
			all = append(all, c.Habit.Name)
		}
	}
	slices.Sort(all)
	return all
}
