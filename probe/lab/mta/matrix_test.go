//go:build mta

package mta_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
)

// document is what these tests read of a result in JSON.
type document struct {
	Domains []struct {
		Domain, Status string
		ImplicitMX     bool `json:"implicit_mx"`
		Exchanges      []struct {
			Preference int
			Host       string
		}
	}
	Receivers []answer
}

// answer is what the tool says of one receiver.
type answer struct {
	Host, Banner, Recipient, Status, Reason string
	Sessions, Commands                      int
	TLS                                     struct{ Version string }
	Results                                 []result
	Controls                                []struct {
		ID         string
		Transcript []event
	}
}

// result is what the tool says of one check.
type result struct {
	Check, Verdict, Conformance, Reason string
	Reply                               struct{ Code int }
	Transcript                          []event
}

type event struct {
	MS         float64
	From, Text string
}

// name is the receiver as the matrix calls it.
func (a answer) name() string {
	return strings.TrimSuffix(strings.TrimPrefix(a.Host, "mx."), ".example")
}

// of is the result of a check, with an empty verdict where there is none.
func (a answer) of(check string) result {
	for _, r := range a.Results {
		if r.Check == check {
			return r
		}
	}
	return result{Check: check}
}

func (r result) words() string {
	return strings.TrimSpace(fmt.Sprintf("%s|%s|%d|%s", r.Verdict, r.Conformance, r.Reply.Code, r.Reason))
}

// String is a result with its transcript.
func (r result) String() string {
	return "  tool:   " + r.Check + "|" + r.words() + lines(r.Transcript)
}

func lines(transcript []event) string {
	var b strings.Builder
	for _, e := range transcript {
		fmt.Fprintf(&b, "\n  %9.1f %s %s", e.MS, map[string]string{"client": "C:", "server": "S:", "probe": "--"}[e.From], e.Text)
	}
	return b.String()
}

// matrix is matrix.psv by receiver and check.
type matrix map[string]map[string]cell

// strictness is what the table must say of a receiver, by its lines for the ordering checks
// of a profile.
func (m matrix) strictness(receiver string, profile probe.Profile) string {
	enforced, of := 0, 0
	for _, c := range checks.All() {
		verdict := m[receiver][c.ID].verdict
		cleared := verdict == "correct" && c.Polarity == probe.Clearing
		switch {
		case !c.Ordering || c.Profile > profile:
		case cleared || verdict == "strict" || verdict == "deviant" || verdict == "dropped":
			enforced++
			of++
		case verdict == "lenient":
			of++
		}
	}
	return fmt.Sprintf("%d of %d", enforced, of)
}

// cell is a line of the matrix.
type cell struct {
	verdict, conformance string
	decides              string // reply codes, or words for what decides
	line                 string // all of it
}

func readMatrix(t *testing.T) matrix {
	t.Helper()
	text, err := os.ReadFile("matrix.psv")
	if err != nil {
		t.Fatal(err)
	}
	m := make(matrix)
	for i, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.SplitN(line, "|", 7)
		if len(f) != 7 {
			t.Fatalf("matrix.psv line %d: got %d columns, want 7: %s", i+1, len(f), line)
		}
		if m[f[0]] == nil {
			m[f[0]] = make(map[string]cell)
		}
		if _, twice := m[f[0]][f[1]]; twice {
			t.Fatalf("matrix.psv line %d: %s has %s twice", i+1, f[0], f[1])
		}
		m[f[0]][f[1]] = cell{verdict: f[2], conformance: f[3], decides: f[4], line: line}
	}
	for _, r := range receivers {
		if len(m[r.name]) == 0 {
			t.Fatalf("matrix.psv has no line for %s", r.name)
		}
	}
	return m
}

// hold holds every result against its line, and asks for a result for every line.
func (b bench) hold(t *testing.T, a answer) {
	t.Helper()
	left := make(map[string]bool)
	for check := range b.matrix[a.name()] {
		left[check] = true
	}
	for _, got := range a.Results {
		if !left[got.Check] {
			t.Errorf("%s: got a result that no line of the matrix is for, or a second one\n%s", got.Check, got)
			continue
		}
		delete(left, got.Check)
		b.cell(t, a, got)
	}
	for check := range left {
		t.Errorf("%s: no result\n  matrix: %s", check, b.matrix[a.name()][check].line)
	}
}

// races are the checks whose answer hangs on who is first. Where a greeting crosses our EHLO, as
// it does on a path without length in half of the tries, the tool says so; a receiver that
// looks for early talk before it greets, and again behind, refuses here or there.
var races = []string{"early-talk", "early-talk-group"}

// cell holds one result against its line.
func (b bench) cell(t *testing.T, a answer, got result) {
	t.Helper()
	want := b.matrix[a.name()][got.Check]
	for try := 0; try < 10 && slices.Contains(races, got.Check) && want.verdict != got.Verdict; try++ {
		t.Logf("asking again: %s", got.words())
		a = b.ask(t, a.name(), "--check", got.Check, "--pace", "0")[0]
		got = a.of(got.Check)
	}
	faults := want.faults(got)
	if len(faults) == 0 {
		return
	}
	t.Errorf("%s %s: %s\n  matrix: %s\n%s", a.name(), got.Check, strings.Join(faults, "; "), want.line, got)
	if len(got.Transcript) == 0 {
		for _, c := range a.Controls {
			t.Logf("control %s%s", c.ID, lines(c.Transcript))
		}
	}
}

// faults says where a result differs from its line. Texts behind a code are not held.
func (c cell) faults(got result) []string {
	var all []string
	if got.Verdict != c.verdict {
		all = append(all, fmt.Sprintf("verdict: got %s, want %s", got.Verdict, c.verdict))
	}
	if got.Conformance != c.conformance {
		all = append(all, fmt.Sprintf("conformance: got %q, want %q", got.Conformance, c.conformance))
	}
	codes := replyCodes(c.decides)
	if codes == nil {
		// Where no code decides, the reason says what does, and the words of the matrix begin
		// with the matter: PIPELINING, STARTTLS, handshake, discarded.
		if matter, _, _ := strings.Cut(c.decides, " "); !strings.Contains(got.Reason, matter) {
			all = append(all, fmt.Sprintf("reason: got %q, want %s", got.Reason, c.decides))
		}
		return all
	}
	if !slices.Contains(codes, got.Reply.Code) {
		all = append(all, fmt.Sprintf("reply: got code %d, want %s", got.Reply.Code, c.decides))
	}
	if len(codes) > 1 && !slices.ContainsFunc(answered(got.Transcript), func(a []int) bool { return slices.Equal(a, codes) }) {
		all = append(all, fmt.Sprintf("replies: got %v, want one write answered by %s", answered(got.Transcript), c.decides))
	}
	return all
}

// replyCodes are the codes of a column, or nothing where it holds words.
func replyCodes(column string) []int {
	var codes []int
	for _, word := range strings.Fields(column) {
		code, err := strconv.Atoi(word)
		if err != nil || len(word) != 3 {
			return nil
		}
		codes = append(codes, code)
	}
	return codes
}

// answered are the codes of the replies, by the write that they followed.
func answered(transcript []event) [][]int {
	all := [][]int{nil}
	for _, e := range transcript {
		switch {
		case e.From == "client":
			all = append(all, nil)
		case e.From == "server" && len(e.Text) > 3 && e.Text[3] != '-':
			code, _ := strconv.Atoi(e.Text[:3]) // no code is 0, which no matrix wants
			all[len(all)-1] = append(all[len(all)-1], code)
		}
	}
	return all
}
