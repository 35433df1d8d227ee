package checks_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/oracle"
)

// published are the IDs that users may have in their lists. An ID is never
// taken away, and never means something else: this list only grows.
const published = `
advertised-verbs-work
auth-before-ehlo
auth-cancel
auth-mid-transaction
auth-unadvertised
auth-unadvertised/inside-tls
auth-unknown-mechanism
bare-cr-command
bare-lf-command
bdat-malformed/bad-marker
bdat-malformed/bad-size
bdat-malformed/no-size
bdat-rejected-swallows
bdat-unadvertised
bdat-without-mail
bdat-without-rcpt
body-8bitmime-unadvertised
body-binarymime-unadvertised
command-after-quit
data-after-bdat
data-after-binarymime
data-after-rcpt-refused
data-before-ehlo
data-before-mail
data-rejected-keeps-transaction
data-without-rcpt
dsn-bad-value
dsn-unadvertised/envid
dsn-unadvertised/notify
dsn-unadvertised/ret
early-talk
early-talk-group
ehlo-after-helo
ehlo-clears
ehlo-no-argument
ehlo-rejected-keeps-state
ehlo-response-syntax
ehlo-twice
empty-line
enhanced-codes/class
enhanced-codes/multiline
enhanced-codes/presence
greeting-format
greeting-refusal
helo-clears
helo-single-line
help-before-ehlo
help-keeps-transaction
line-512
line-overlong
lowercase-verbs
mail-before-ehlo
mail-rejected-no-transaction
mail-syntax/no-brackets
mail-syntax/space-after-colon
nested-mail
non-ascii-address
noop-before-ehlo
noop-keeps-transaction
noop-with-argument
nul-byte
null-sender-transaction
one-reply-per-command
param-unknown/mail
param-unknown/rcpt
params-after-helo
pipeline-after-helo
pipeline-data-group
pipeline-ehlo-head
pipeline-error-no-flush
pipeline-group
pipeline-long-group
pipeline-sync-command-mid-group/noop
pipeline-sync-command-mid-group/vrfy
pipeline-unadvertised
pipelined-after-quit
quit-before-ehlo
quit-closes
quit-mid-transaction
rcpt-before-ehlo
rcpt-before-mail
rcpt-refused-keeps-transaction
reply-multiline-code
reply-syntax
requiretls-in-clear
rset-before-ehlo
rset-clears
rset-with-argument
size-over-limit
size-unadvertised
smtputf8-unadvertised
split-line/cr-lf
split-line/mid-verb
starttls-advertised-inside-tls
starttls-after-helo
starttls-before-ehlo
starttls-broken-handshake
starttls-injection
starttls-inside-tls
starttls-mid-transaction
starttls-required-on-mx
starttls-unadvertised
starttls-with-parameter
tls-mail-without-ehlo
tls-no-second-greeting
tls-transaction-survives
trailing-space
unknown-command
unknown-keeps-transaction
vrfy-before-ehlo
vrfy-keeps-transaction
vrfy-reply
`

func TestIDs(t *testing.T) {
	form := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*(/[a-z0-9-]+)?$`)
	seen := map[string]bool{}
	for _, c := range checks.All() {
		if !form.MatchString(c.ID) {
			t.Errorf("%q: no well-formed ID", c.ID)
		}
		if seen[c.ID] {
			t.Errorf("%s: two checks of this ID", c.ID)
		}
		seen[c.ID] = true
	}
	for _, id := range strings.Fields(published) {
		if !seen[id] {
			t.Errorf("%s: was published, and is no check any more", id)
		}
		delete(seen, id)
	}
	for id := range seen {
		t.Errorf("%s: is not in the list of published IDs; add it there", id)
	}
}

// TestLiterals holds that every check says all that is asked of it.
func TestLiterals(t *testing.T) {
	ref := regexp.MustCompile(`^RFC [1-9][0-9]{2,3} [1-9][0-9]*(\.[0-9]+)*(\([0-9a-z]+\))?$`)
	for _, c := range checks.All() {
		for name, text := range map[string]string{"Title": c.Title, "Norm": c.Norm, "Bites": c.Bites, "Fix": c.Fix} {
			if strings.TrimSpace(text) == "" {
				t.Errorf("%s: no %s", c.ID, name)
			}
		}
		if !slices.Contains(probe.Groups(), c.Group) {
			t.Errorf("%s: no group %q", c.ID, c.Group)
		}
		if !slices.Contains(probe.Profiles(), c.Profile) {
			t.Errorf("%s: no profile %d", c.ID, c.Profile)
		}
		if len(c.Refs) == 0 {
			t.Errorf("%s: no reference", c.ID)
		}
		for _, r := range c.Refs {
			if !ref.MatchString(string(r)) {
				t.Errorf(`%s: got the reference %q, want one such as "RFC 5321 4.1.4"`, c.ID, r)
			}
		}
		if c.Allowed != "" && !c.Allowed.Valid() {
			t.Errorf("%s: no codes: %q", c.ID, c.Allowed)
		}
	}
}

// TestHabits holds that every check that bites a sender names the habit of that
// sender, that what must be done instead fits the sentence "a sender must ...",
// and that one name is one habit.
func TestHabits(t *testing.T) {
	habitless := map[string]string{
		"tls-no-second-greeting":  "it bites senders that are right",
		"null-sender-transaction": "it bites bounces, whoever sends them",
	}
	must := map[string]string{}
	for _, c := range checks.All() {
		h := c.Habit
		if h == (probe.Habit{}) {
			if c.Ordering || habitless[c.ID] == "" {
				t.Errorf("%s: no habit of a sender", c.ID)
			}
			continue
		}
		if habitless[c.ID] != "" {
			t.Errorf("%s: has the habit %q although %s", c.ID, h.Name, habitless[c.ID])
		}
		if len(h.Name) == 0 || len(h.Name) > 60 || strings.HasSuffix(h.Name, ".") {
			t.Errorf("%s: got the habit %q, want a short name", c.ID, h.Name)
		}
		if sentence := regexp.MustCompile(`^[a-z]+ [^.]*[^. ]$`); !sentence.MatchString(h.Must) || len(h.Must) > 90 {
			t.Errorf("%s: %q does not fit behind \"a sender must\"", c.ID, h.Must)
		}
		if before, met := must[h.Name]; met && before != h.Must {
			t.Errorf("%s: the habit %q has the remedies %q and %q", c.ID, h.Name, before, h.Must)
		}
		must[h.Name] = h.Must
	}
}

// TestMeanings holds that every verdict of a check is explained once, and that
// all of them belong to its polarity.
func TestMeanings(t *testing.T) {
	never := map[probe.Polarity][]probe.Verdict{
		probe.Refusal:  {probe.Correct, probe.Overstrict},
		probe.Service:  {probe.Strict, probe.Deviant},
		probe.Clearing: {probe.Strict, probe.Deviant},
		probe.Keeping:  {probe.Strict, probe.Deviant, probe.Lenient},
		// What is observed was not asked for: nothing is refused, and a close shows
		// in the check whose command it answers.
		probe.Observation: {probe.Strict, probe.Overstrict, probe.Dropped},
	}
	for _, c := range checks.All() {
		if c.Judge.Find == nil {
			t.Errorf("%s: nobody judges", c.ID)
		}
		if len(c.Judge.Meanings) < 3 {
			t.Errorf("%s: got %d meanings, want three or more", c.ID, len(c.Judge.Meanings))
		}
		for _, m := range c.Judge.Meanings {
			if strings.TrimSpace(m.When) == "" {
				t.Errorf("%s: does not say when it is %s", c.ID, m.Verdict)
			}
			if slices.Contains(never[c.Polarity], m.Verdict) {
				t.Errorf("%s: %s is no verdict of its polarity", c.ID, m.Verdict)
			}
		}
		for _, v := range []probe.Verdict{probe.Dropped, probe.Broken} {
			if c.Observes() || v == probe.Dropped && undroppable()[c.ID] != "" {
				continue
			}
			if !slices.ContainsFunc(c.Judge.Meanings, func(m probe.Meaning) bool { return m.Verdict == v }) {
				t.Errorf("%s: does not say when it is %s", c.ID, v)
			}
		}
	}
}

// undroppable are the checks that cannot tell what a close is about, and why.
func undroppable() map[string]string {
	const refusal = "its disturbance is to be refused; who hangs up instead tells nothing of what a refusal leaves"
	return map[string]string{
		"data-after-rcpt-refused":         "a refused RCPT comes before it, so that a close may be the limit of errors",
		"ehlo-rejected-keeps-state":       refusal,
		"mail-rejected-no-transaction":    refusal,
		"unknown-keeps-transaction":       refusal,
		"rcpt-refused-keeps-transaction":  refusal,
		"data-rejected-keeps-transaction": refusal,
	}
}

// TestNeeds holds that the checks that others need are there, and that none
// needs itself, however far around.
func TestNeeds(t *testing.T) {
	all := checks.All()
	var needs func(id string, path []string)
	needs = func(id string, path []string) {
		c := probe.CheckByID(all, id)
		switch {
		case c == nil:
			t.Errorf("%s: needs %s, which is no check", path[0], id)
		case slices.Contains(path, id):
			t.Errorf("%s: needs itself by %v", id, path)
		default:
			for _, other := range c.Needs.Checks {
				needs(other, append(path, id))
			}
		}
	}
	for _, c := range all {
		for _, other := range c.Needs.Checks {
			needs(other, []string{c.ID})
		}
	}
}

// baselineControl are the refusals whose control is B0 itself, and why.
func baselineControl() map[string]string {
	return map[string]string{
		"early-talk":                "the legal place of EHLO is behind the greeting, where B0 has it",
		"pipeline-ehlo-head":        "the legal group is EHLO by itself, as in B0",
		"command-after-quit":        "the legal place of NOOP is before QUIT, where B0 has it",
		"pipelined-after-quit":      "the same",
		"early-talk-group":          "as for early-talk",
		"starttls-broken-handshake": "in place of EHLO there must be a handshake, which B2 has",
	}
}

// TestControls holds that no refusal is judged without the same command in its
// legal place.
func TestControls(t *testing.T) {
	for _, c := range checks.All() {
		controlled := c.Needs.Mail || c.Needs.Postmaster || c.Needs.Helo || slices.ContainsFunc(c.Script, func(s probe.Step) bool {
			return s.Name == probe.Control
		})
		if c.Polarity == probe.Refusal && controlled == (baselineControl()[c.ID] != "") {
			t.Errorf("%s: want a control, or a reason why B0 is enough", c.ID)
		}
	}
}

// unended are the checks that write a line without its CR LF, and why.
func unended() map[string]string {
	return map[string]string{"bare-lf-command": "a lone LF is what it is about"}
}

// TestScripts holds the form of scripts. A write without a reply of its own is
// followed by a step that listens.
func TestScripts(t *testing.T) {
	for _, c := range checks.All() {
		names := map[string]bool{}
		for i, s := range c.Script {
			heard := s.Replies > 0 || i+1 < len(c.Script) && c.Script[i+1].Act == probe.Listen
			ended := strings.HasSuffix(s.Text, "\r\n") || unended()[c.ID] != ""
			rest := i > 1 && c.Script[i-2].Act == probe.Send && !strings.HasSuffix(c.Script[i-2].Text, "\r\n")
			piece := s.Replies == 0 && heard // a line in pieces
			switch {
			case s.Name == "":
				t.Errorf("%s: a step without a name", c.ID)
			case names[s.Name] && s.Name != "rset":
				t.Errorf("%s: two steps named %q", c.ID, s.Name)
			case s.If != probe.Always && !names[s.Of]:
				t.Errorf("%s: step %q depends on %q, which does not come before it", c.ID, s.Name, s.Of)
			case s.If == probe.Always && s.Of != "":
				t.Errorf("%s: step %q names %q and no condition", c.ID, s.Name, s.Of)
			case s.Act == probe.Send && (!heard || !ended && !rest && !piece):
				t.Errorf("%s: step %q writes %q and reads %d replies", c.ID, s.Name, s.Text, s.Replies)
			case s.Act == probe.Listen && s.For <= 0:
				t.Errorf("%s: step %q listens for %s", c.ID, s.Name, s.For)
			}
			names[s.Name] = true
		}
		if c.Observes() != (len(c.Script) == 0) {
			t.Errorf("%s: want a script, or an observation", c.ID)
		}
		if names[probe.Test] == names[probe.Disturb] && !c.Observes() {
			t.Errorf("%s: want either a tested or a disturbing step", c.ID)
		}
		// null-sender-transaction asks what its tested command opened.
		if asked := names[probe.IsOpen]; names[probe.Disturb] != asked && (!asked || c.Polarity != probe.Service) {
			t.Errorf("%s: want a look for the transaction behind a disturbance, and only there", c.ID)
		}
	}
}

// TestSharedSessionsAreLeftIdle holds that a check which may be followed by
// another one leaves the reference where the plan takes it to be, with no
// transaction, and ends with a command that resets or opens nothing.
func TestSharedSessionsAreLeftIdle(t *testing.T) {
	all := checks.All()
	for i := range all {
		c := &all[i]
		if c.Own || c.Final || c.Observes() {
			continue
		}
		last := c.Script[len(c.Script)-1]
		for _, verb := range last.Verbs() {
			if !slices.Contains([]string{"RSET", "NOOP", "EHLO", "HELO", "VRFY", "HELP"}, verb) {
				t.Errorf("%s: ends with %s, want a command that opens nothing", c.ID, verb)
			}
		}
		r := newReference(defaults()...)
		r.try(c, probe.Clear)
		want := map[probe.Start]oracle.State{
			probe.Greeted: "I", probe.Helo: "H", probe.Hello: "E", probe.TunnelHello: "E",
		}[c.Script.Leads(c.Start)]
		if r.session.State != want || r.closed {
			t.Errorf("%s: leaves the reference in state %s, want %s", c.ID, r.session.State, want)
		}
	}
}

// TestEveryFunctionIsInAll holds that no list of checks is forgotten, in All or
// in a longer list: there is no registry that would notice.
func TestEveryFunctionIsInAll(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	lists, called := map[string]bool{}, map[string]bool{}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), entry.Name(), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, is := d.(*ast.FuncDecl)
			switch {
			case !is:
			case f.Name.Name == "All" || returnsChecks(f):
				if f.Name.Name != "All" {
					lists[f.Name.Name] = true
				}
				ast.Inspect(f.Body, func(n ast.Node) bool {
					if call, is := n.(*ast.CallExpr); is {
						if name, is := call.Fun.(*ast.Ident); is {
							called[name.Name] = true
						}
					}
					return true
				})
			}
		}
	}
	if len(lists) == 0 {
		t.Error("got no list of checks, want some")
	}
	for name, list := range lists {
		if list && !called[name] {
			t.Errorf("%s returns checks that All does not have", name)
		}
	}
}

// returnsChecks reports a function whose only result is []probe.Check.
func returnsChecks(f *ast.FuncDecl) bool {
	if f.Type.Results == nil || len(f.Type.Results.List) != 1 {
		return false
	}
	list, is := f.Type.Results.List[0].Type.(*ast.ArrayType)
	if !is {
		return false
	}
	name, is := list.Elt.(*ast.SelectorExpr)
	return is && name.Sel.Name == "Check"
}
