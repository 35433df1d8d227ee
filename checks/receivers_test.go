package checks_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
)

// fixture is what was heard of a real receiver one day, and what must be said of
// it. Make mta writes it: the transcripts are of a run, the expectations of the
// matrix, which was worked out by hand.
type fixture struct {
	record probe.Record
	expect map[string]string // verdict and conformance, by check
}

// TestRealReceiversAgain judges the transcripts of real receivers again. A verdict
// that changes here changes for users whose receivers did not: it needs a
// [VERDICT] entry in the CHANGELOG, and a line of the matrix that says the same.
func TestRealReceiversAgain(t *testing.T) {
	paths, err := filepath.Glob("testdata/receivers/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("got no fixtures (%v), want some", err)
	}
	all := checks.All()
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			t.Parallel()
			f := readFixture(t, path)
			for id, want := range f.expect {
				c := probe.CheckByID(all, id)
				if c == nil {
					t.Errorf("%s: is expected to be %s, and is no check any more", id, want)
					continue
				}
				got := probe.Decide(c, all, f.record)
				soundResult(t, got)
				if said := strings.TrimSpace(got.Verdict.String() + " " + string(got.Conformance)); said != want {
					t.Errorf("%s: got %s (%s), want %s", id, said, got.Reason, want)
					show(t, got)
				}
			}
		})
	}
}

func readFixture(t testing.TB, path string) fixture {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, sections, _ := strings.Cut(string(text), "\n\n")
	f := fixture{expect: map[string]string{}, record: probe.Record{
		Baselines: map[probe.Baseline]probe.Transcript{}, Tries: map[string][]probe.Transcript{},
	}}
	for line := range strings.Lines(head) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch name {
		case "expect":
			id, want, _ := strings.Cut(value, " ")
			f.expect[id] = want
		case "port":
			port, err := strconv.ParseUint(value, 10, 16)
			if err != nil {
				t.Fatalf("%s: port %q: %v", path, value, err)
			}
			f.record.Port = uint16(port)
		}
	}
	for section := range strings.SplitSeq(sections, "\n\n") {
		title, events, _ := strings.Cut(section, "\n")
		kind, id, _ := strings.Cut(title, " ")
		transcript := readTranscript(t, path, events)
		switch kind {
		case "control":
			f.record.Baselines[probe.Baseline(id)] = transcript
		case "try":
			f.record.Tries[id] = append(f.record.Tries[id], transcript)
		default:
			t.Fatalf("%s: a section begins with %q, want control or try", path, title)
		}
	}
	return f
}

func readTranscript(t testing.TB, path, events string) probe.Transcript {
	t.Helper()
	var all probe.Transcript
	for line := range strings.Lines(events) {
		fields := strings.SplitN(strings.TrimSuffix(line, "\n"), " ", 3)
		if len(fields) != 3 {
			t.Fatalf("%s: %q: want milliseconds, party and text", path, line)
		}
		ms, err := strconv.ParseFloat(fields[0], 64)
		if err != nil {
			t.Fatalf("%s: %q: %v", path, line, err)
		}
		e, err := probe.ParseEvent(time.Duration(ms*float64(time.Millisecond)), fields[1], fields[2])
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, e)
	}
	return all
}
