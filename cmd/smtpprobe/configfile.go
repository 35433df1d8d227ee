package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
	"github.com/spf13/cobra"
)

// configParser reads a configuration file: YAML of which it takes mappings, lists
// and plain values, and neither anchors, aliases, tags nor a second document.
type configParser struct {
	name  string
	known map[string]bool // flags, and whether they are settings
	conf  config
}

// parseConfig reads the text of a file. An error names line and column.
func parseConfig(name string, text []byte, known map[string]bool) (config, error) {
	p := configParser{name: name, known: known, conf: config{
		name: name, targets: map[string][]string{}, profiles: map[string][]string{},
	}}
	body, err := p.document(text)
	if err != nil || body == nil {
		return p.conf, err
	}
	fields, err := p.fields(body)
	for _, f := range fields {
		if err == nil {
			err = p.top(f)
		}
	}
	return p.conf, err
}

// entry is one key of a mapping with its value.
type entry struct {
	key   string
	at    ast.Node
	value ast.Node
}

// top takes one key of the file: a setting, or one of two that name things.
func (p *configParser) top(f entry) error {
	setting, exists := p.known[f.key]
	switch {
	case f.key == "targets":
		return p.each(f.value, func(set entry) error {
			list, err := p.texts(set.value)
			p.conf.targets[set.key] = list
			return err
		})
	case f.key == "profiles":
		return p.each(f.value, p.profile)
	case exists && !setting:
		return p.fault(f.at, "%s: is for the command line only", f.key)
	case !exists:
		return p.fault(f.at, "%q is no setting%s", f.key, nearestSetting(f.key, p.known, ", did you mean %q?", "targets", "profiles"))
	}
	s, err := p.setting(f)
	p.conf.settings = append(p.conf.settings, s)
	return err
}

// nameable is what sets of targets and profiles may be called: a word that no
// shell takes for another, and that fits in a list by commas. A pattern for it
// would cost every start of the program more than all other tables together.
func nameable(name string) bool {
	wrong := func(c rune) bool { return !letter(c) && !strings.ContainsRune("._-", c) }
	first, _ := utf8.DecodeRuneInString(name)
	return letter(first) && utf8.RuneCountInString(name) <= 64 && !strings.ContainsFunc(name, wrong)
}

func letter(c rune) bool { return unicode.IsLetter(c) || unicode.IsNumber(c) }

// each takes the named things of a mapping.
func (p *configParser) each(n ast.Node, take func(entry) error) error {
	fields, err := p.fields(n)
	for _, f := range fields {
		if err == nil && !nameable(f.key) {
			err = p.fault(f.at, "%q: want a name of letters, digits, dots and dashes", f.key)
		}
		if err == nil {
			err = take(f)
		}
	}
	return err
}

// profile takes a named selection of checks: its keys are the flags of one.
func (p *configParser) profile(f entry) error {
	if _, err := parseProfile(f.key); err == nil {
		return p.fault(f.at, "%q is built in: want another name", f.key)
	}
	fields, err := p.fields(f.value)
	if err != nil {
		return err
	}
	var pick selection
	scratch := &cobra.Command{}
	pick.register(scratch)
	var settings []setting
	for _, part := range fields {
		if scratch.Flags().Lookup(part.key) == nil {
			return p.fault(part.at, "%q is nothing that a profile has%s", part.key, suggestion(part.key, flagNames(scratch), ", did you mean %q?"))
		}
		s, fault := p.setting(part)
		if fault != nil {
			return fault
		}
		settings = append(settings, s)
	}
	if err = apply(scratch.Flags(), settings); err != nil {
		return err
	}
	list, err := pick.checks()
	if err != nil {
		if at := located(scratch.Flags(), err); at.Error() != err.Error() {
			return at
		}
		return p.fault(f.at, "%s: %w", f.key, err)
	}
	for _, c := range list {
		p.conf.profiles[f.key] = append(p.conf.profiles[f.key], c.ID)
	}
	return nil
}

func (p *configParser) setting(f entry) (setting, error) {
	texts, err := p.texts(f.value)
	return setting{f.key, texts, p.place(f.value) + ": " + f.key}, err
}

// texts are the values of a list, or the one value in place of one, as they are
// written.
func (p *configParser) texts(n ast.Node) ([]string, error) {
	nodes := []ast.Node{n}
	if list, ok := n.(*ast.SequenceNode); ok {
		nodes = list.Values
	}
	if len(nodes) == 0 {
		return nil, p.fault(n, "the list is empty: want a value, or leave the key out")
	}
	var texts []string
	for _, n := range nodes {
		switch v := n.(type) {
		case *ast.StringNode:
			texts = append(texts, v.Value)
		case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
			texts = append(texts, v.GetToken().Value)
		case *ast.NullNode:
			return nil, p.fault(n, "no value: want one, or leave the key out")
		default:
			return nil, p.fault(n, "want a value or a list of values, without %s", n.Type())
		}
	}
	return texts, nil
}

// fields are the keys of a mapping with their values.
func (p *configParser) fields(n ast.Node) ([]entry, error) {
	mapping, ok := n.(ast.MapNode)
	if !ok {
		return nil, p.fault(n, "want keys with values, such as pace: 1s")
	}
	var fields []entry
	for i := mapping.MapRange(); i.Next(); {
		fields = append(fields, entry{i.Key().GetToken().Value, i.Key(), i.Value()})
	}
	return fields, nil
}

// document is what a file with one document holds, or nil for an empty one.
func (p *configParser) document(text []byte) (ast.Node, error) {
	if !utf8.Valid(text) {
		return nil, usage("%s: want UTF-8", p.name)
	}
	tokens := lexer.Tokenize(string(text))
	if t := tooDeep(tokens); t != nil {
		return nil, usage("%s: nested too deep", p.placed(t))
	}
	file, err := parser.Parse(tokens, 0)
	var fault yaml.Error
	switch {
	case errors.As(err, &fault):
		return nil, usage("%s: %s", p.placed(fault.GetToken()), fault.GetMessage())
	case err != nil:
		return nil, usage("%s: %w", p.name, err)
	case len(file.Docs) == 0 || file.Docs[0].Body == nil && len(file.Docs) == 1:
		return nil, nil //nolint:nilnil // nothing is said, and nothing is wrong
	case len(file.Docs) > 1:
		return nil, usage("%s: a second document: want one", p.placed(file.Docs[1].Start))
	}
	return file.Docs[0].Body, nil
}

// maxDepth is how deep the lists and mappings of a file may stand in one another
// in one line; the library takes quadratic time to see that they do.
const maxDepth = 16

// tooDeep is the token with which a line becomes too deep.
func tooDeep(tokens token.Tokens) *token.Token {
	open, entries, line := 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			line, entries = t.Position.Line, 0
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			open++
		case token.SequenceEndType, token.MappingEndType:
			open--
		case token.SequenceEntryType, token.MappingKeyType:
			entries++
		}
		if open > maxDepth || entries > maxDepth {
			return t
		}
	}
	return nil
}

// place is where something stands: file, line and column.
func (p *configParser) place(n ast.Node) string { return p.placed(n.GetToken()) }

func (p *configParser) placed(t *token.Token) string {
	if t == nil || t.Position == nil {
		return p.name
	}
	return fmt.Sprintf("%s:%d:%d", p.name, t.Position.Line, t.Position.Column)
}

func (p *configParser) fault(n ast.Node, format string, args ...any) error {
	return usage(p.place(n)+": "+format, args...)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
