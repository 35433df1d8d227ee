package report_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	catalogue "github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/report"
)

// TestSamplesAreReadBack reads what the samples of the other tests say: domains
// in trouble, hostile names, and runs that were repeated.
func TestSamplesAreReadBack(t *testing.T) {
	odd := oneReceiver()
	odd.Receivers[0].Results[0].Reply = say("250-second thoughts", "250 2.1.0 \\ \xff Ok")
	odd.Receivers[0].Results[1].Reply = say("550-  5.7.1 behind spaces", "550 x")
	odd.Receivers[0].Results[2].Reply = say("no code at all")
	odd.Receivers[0].Results[3].Reply = say("550-5.7.1 a", "550 5.1.1 b")
	odd.Receivers[0].Results[4].Reply = say("503")
	odd.Receivers[0].Results[5].Reply.Lines[0].Cut = 70
	odd.Receivers[0].Reason = `a reason with \xff and \\ in it`
	scanned := oneDomain()
	scanned.Command, scanned.Receivers[0].MoreDomains = map[string]string{"list": "-", "checks": "a,b"}, 7
	for name, run := range map[string]report.Run{
		"scanned":    scanned,
		"one domain": oneDomain(), "several": severalDomains(), "unreachable": unreachable(), "unsure": unsure(),
		"steady": steady(), "wavering": wavering(), "many": manyRepeated(), "odd replies": odd,
	} {
		t.Run(name, func(t *testing.T) {
			for _, transcripts := range []bool{true, false} {
				readsBack(t, run, checks(), transcripts)
			}
		})
	}
}

// TestAnotherVersionIsKept holds that words that this version does not know stand
// as they were, and are taken for nothing known.
func TestAnotherVersionIsKept(t *testing.T) {
	text := encodeRun(t, wavering(), true)
	text = bytes.ReplaceAll(text, []byte(`"strict"`), []byte(`"severe"`))
	text = bytes.ReplaceAll(text, []byte(`"rcpt-before-mail"`), []byte(`"rcpt-before-sunrise"`))
	run, err := report.Read(bytes.NewReader(text), catalogue.All())
	if err != nil {
		t.Fatal(err)
	}
	again := encodeAny(t, run, true)
	for _, word := range []string{`"verdict": "severe"`, `"check": "rcpt-before-sunrise"`} {
		if got, want := bytes.Count(again, []byte(word)), bytes.Count(text, []byte(word)); got != want || want == 0 {
			t.Errorf("got %s %d times, want it %d times", word, got, want)
		}
	}
	for _, res := range run.Receivers[0].Results {
		if res.Foreign == "severe" && res.Verdict != probe.Inconclusive {
			t.Errorf("%s: got %s, want nothing known of a verdict of another version", res.Check.ID, res.Verdict)
		}
	}
}

func TestReadSaysWhereAndWhatIsWrong(t *testing.T) {
	whole := string(encodeRun(t, oneReceiver(), true))
	lines := string(stream(t, severalDomains(), true))
	edit := func(text, old, other string) string {
		if !strings.Contains(text, old) {
			t.Fatalf("there is no %s to edit", old)
		}
		return strings.Replace(text, old, other, 1)
	}
	tests := []struct{ name, text, want string }{
		{"empty", " \n", "it is empty"},
		{"no JSON", "check,verdict\n", "line 1: "},
		{"a list", "[]", "line 1: got [, want {"},
		{"no report", "{}", "no schema"},
		{"another schema", `{"schema":"x/v9"}`, `line 1: the schema is "x/v9", want "smtpprobe/report/v1"`},
		{"cut", whole[:len(whole)/2], "receiver 1, from line "},
		{"two", whole + whole, "more than one document"},
		{"a port", edit(whole, `"port": 25`, `"port": 99999`), "receiver 1, from line 30: port: a number 99999 has no place there"},
		{"a level", edit(whole, `"level": "none"`, `"level": "perhaps"`), `level "perhaps": want none, MAY, SHOULD or MUST`},
		{"an event", edit(whole, `"from": "server"`, `"from": "nobody"`), `from "nobody": want client, server or probe`},
		{"an escape", edit(whole, `"banner": "`, `"banner": "\\q`), "mx1.example.com: banner: escape"},
		{"a time", edit(whole, `"ms": 0.0`, `"ms": 1e300`), "want a number of milliseconds"},
		{"a date", edit(whole, `"started": "2026-`, `"started": "x`), "want a time by RFC 3339"},
		{"no list", `{"schema":"smtpprobe/report/v1","receivers":3}`, "line 1: receivers: got 3, want ["},
		{"a line", edit(lines, `{"schema":"smtpprobe/report/v1","type":"domain"`, `{"schema":"x","type":"domain"`), `line 2: the schema is "x"`},
		{"half a line", lines[:strings.LastIndex(lines[:len(lines)-1], "\n")-10], "it ends in the middle"},
		{"two runs", lines + lines, "a second run, want one a file"},
		{"bad octets", edit(lines, `"status"`, "\"sta\x01tus\""), "line 2: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := report.Read(strings.NewReader(tt.text), catalogue.All())
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want one line with %q", err, tt.want)
			}
		})
	}
}

// TestReadIsBounded feeds a receiver that is too long.
func TestReadIsBounded(t *testing.T) {
	more := strings.Repeat("a", 33<<20)
	for name, begin := range map[string]string{
		"document": `{"schema":"smtpprobe/report/v1","receivers":[{"host":"`,
		"lines":    `{"schema":"smtpprobe/report/v1","type":"run","started":"2026-01-01T00:00:00Z"}` + "\n" + `{"schema":"`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := report.Read(io.MultiReader(strings.NewReader(begin), strings.NewReader(more)), catalogue.All())
			if err == nil || !strings.Contains(err.Error(), "longer than 32 MiB") {
				t.Errorf("got %v, want it to be too long", err)
			}
		})
	}
}

// TestLinesWithoutAnEndAreIncomplete reads what an interrupted run left.
func TestLinesWithoutAnEndAreIncomplete(t *testing.T) {
	lines := stream(t, severalDomains(), true)
	cut := lines[:bytes.LastIndexByte(lines[:len(lines)-1], '\n')+1]
	for _, tt := range []struct {
		text []byte
		want bool
	}{{lines, false}, {cut, true}, {bytes.Replace(lines, []byte(`"complete":true`), []byte(`"complete":false`), 1), true}} {
		run, err := report.Read(bytes.NewReader(tt.text), catalogue.All())
		if err != nil || run.Incomplete != tt.want {
			t.Errorf("got incomplete %v (%v), want %v", run.Incomplete, err, tt.want)
		}
	}
}

// TestScanStops holds that an error of the caller ends the reading.
func TestScanStops(t *testing.T) {
	enough, n := errors.New("enough"), 0
	_, err := report.Scan(bytes.NewReader(stream(t, severalDomains(), true)), catalogue.All(), func(probe.Report) error {
		n++
		return enough
	})
	if !errors.Is(err, enough) || n != 1 {
		t.Errorf("got %v after %d receivers, want the caller's error after one", err, n)
	}
}
