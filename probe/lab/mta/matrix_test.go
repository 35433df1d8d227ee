//go:build mta

package mta_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
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
	Strictness                              struct{ Enforced, Of int }
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

// strictness is what the receiver's row may say. On loopback a greeting sometimes crosses
// the EHLO of early-talk; it is then not known, and not counted, in one of two runs.
func (a answer) strictness() []string {
	of := []int{a.Strictness.Of}
	switch a.of(earlyTalk).Verdict {
	case "lenient":
		of = append(of, a.Strictness.Of-1)
	case "inconclusive":
		of = append(of, a.Strictness.Of+1)
	}
	var all []string
	for _, n := range of {
		all = append(all, fmt.Sprintf("%d of %d", a.Strictness.Enforced, n))
	}
	return all
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

// checks are the checks that the matrix has lines for. The others are not held
// against real servers yet: their lines have to be worked out by hand first.
func (m matrix) checks() []string {
	var all []string
	for _, cells := range m {
		for check := range cells {
			if !slices.Contains(all, check) {
				all = append(all, check)
			}
		}
	}
	slices.Sort(all)
	return all
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
	for _, name := range names() {
		if len(m[name]) == 0 {
			t.Fatalf("matrix.psv has no line for %s", name)
		}
	}
	return m
}

// hold holds every result against its line, and asks for a line for every result and for a
// result for every line but those of the checks that were skipped.
func (b bench) hold(t *testing.T, a answer, skipped string) {
	t.Helper()
	left := make(map[string]bool)
	for check := range b.matrix[a.name()] {
		left[check] = !slices.Contains(strings.Split(skipped, ","), check)
	}
	for _, got := range a.Results {
		if !left[got.Check] {
			t.Errorf("%s: got a result that no line of the matrix is for, or a second one, or one that was skipped\n%s", got.Check, got)
			continue
		}
		delete(left, got.Check)
		t.Run(got.Check, func(t *testing.T) { b.cell(t, a, got) })
	}
	for check, missing := range left {
		if missing {
			t.Errorf("%s: no result\n  matrix: %s", check, b.matrix[a.name()][check].line)
		}
	}
}

const earlyTalk = "early-talk"

// cell holds one result against its line.
func (b bench) cell(t *testing.T, a answer, got result) {
	t.Helper()
	want := b.matrix[a.name()][got.Check]
	// That a greeting crossed our EHLO is an honest answer about a path without length. It
	// is no answer about the receiver, so the question is put again.
	for try := 0; try < 10 && got.Check == earlyTalk && got.Verdict == "inconclusive" && want.verdict != got.Verdict; try++ {
		t.Logf("asking again: %s", got.words())
		a = b.ask(t, a.name(), "--check", earlyTalk, "--pace", "0")[0]
		got = a.of(earlyTalk)
	}
	faults := want.faults(got)
	if len(faults) == 0 {
		return
	}
	t.Errorf("%s: %s\n  matrix: %s\n%s", a.name(), strings.Join(faults, "; "), want.line, got)
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
