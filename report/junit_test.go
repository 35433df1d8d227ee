package report_test

import (
	"bytes"
	"encoding/xml"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/report"
)

func junitOf(t *testing.T, run report.Run) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := report.JUnit(&out, run); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestJUnitKeepsToTheSchema holds it against what CI servers read.
func TestJUnitKeepsToTheSchema(t *testing.T) {
	if _, err := exec.LookPath("xmllint"); err != nil {
		if os.Getenv("REQUIRE_TOOLS") != "" {
			t.Fatal("there is no xmllint, which must be there where REQUIRE_TOOLS is set: apt-get install libxml2-utils")
		}
		t.Skip("JUnit XML was not held against its schema: there is no xmllint (apt-get install libxml2-utils)")
	}
	for name, run := range map[string]report.Run{
		"one-domain": oneDomain(), "several-domains": severalDomains(), "unreachable": unreachable(), "unsure": unsure(),
		"wavering": wavering(), "steady": steady(), "many": manyRepeated(), "hostile": hostile(1), "tempted": tempted(), "nothing": runOf(nil),
	} {
		if said, err := validate(t, junitOf(t, run)); err != nil {
			t.Errorf("%s: %v\n%s", name, err, said)
		}
	}
	abroad := oneReceiver()
	abroad.Started = abroad.Started.In(time.FixedZone("", 2*60*60))
	if !bytes.Equal(junitOf(t, abroad), junitOf(t, oneReceiver())) {
		t.Error("the same moment in another zone is another timestamp: want that of UTC")
	}
	for _, change := range [][2]string{ // that the schema sees faults
		{` timestamp="2026-03-04T05:06:07"`, ` timestamp="2026-03-04T05:06:07Z"`},
		{` hostname="localhost"`, ``},
		{`<testcase `, `<test `},
		{`<system-err>`, `<system-out></system-out><system-err>`},
		{` time="42.130"`, ` time="42s"`},
	} {
		mutant := strings.ReplaceAll(string(junitOf(t, oneReceiver())), change[0], change[1])
		if _, err := validate(t, []byte(mutant)); err == nil {
			t.Errorf("with %q in place of %q the schema sees no fault", change[1], change[0])
		}
	}
}

func validate(t *testing.T, doc []byte) ([]byte, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "junit.xml")
	if err := os.WriteFile(file, doc, 0o644); err != nil {
		t.Fatal(err)
	}
	return exec.Command("xmllint", "--noout", "--nonet", "--schema", "testdata/junit.xsd", file).CombinedOutput()
}

func TestHostileTextNeverReachesJUnit(t *testing.T) {
	for name, run := range map[string]report.Run{"hostile": hostile(2), "tempted": tempted()} {
		dec := xml.NewDecoder(bytes.NewReader(junitOf(t, run)))
		texts := 0
		check := func(text string) {
			texts++
			for line := range strings.Lines(text) {
				if bad := foreign(strings.TrimSuffix(line, "\n"), true); bad != "" {
					t.Fatalf("%s: got %q in %.200q, want it escaped", name, bad, line)
				}
			}
		}
		for {
			token, err := dec.Token()
			if token == nil {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			switch token := token.(type) {
			case xml.CharData:
				check(string(token))
			case xml.StartElement:
				for _, a := range token.Attr {
					check(a.Value)
				}
			case xml.Comment, xml.Directive:
				t.Errorf("%s: got %q, of which there is none", name, token)
			}
		}
		if texts < 100 {
			t.Errorf("%s: got %d texts, want hundreds", name, texts)
		}
	}
}

// TestJUnitCasesHaveTheOutcomesOfTheirVerdicts: which of the results fail a build.
func TestJUnitCasesHaveTheOutcomesOfTheirVerdicts(t *testing.T) {
	type outcome struct {
		Type string `xml:"type,attr"`
	}
	var doc struct {
		Suite []struct {
			Name string `xml:"name,attr"`
			Case []struct {
				Name    string   `xml:"name,attr"`
				Failure *outcome `xml:"failure"`
				Error   *outcome `xml:"error"`
				Skipped *outcome `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	run := severalDomains()
	run.Receivers = append(run.Receivers, oneDomain().Receivers[1:]...)
	part := reportOf("part.example.com", "192.0.2.9", "example.com")
	part.Status, part.Reason, part.Results = probe.StatusTimedOut, "15m0s were spent", results(lenient())[:1]
	part.Results[0].Verdict = probe.Broken // of what no rule speaks of
	run.Receivers = append(run.Receivers, part)
	if err := xml.Unmarshal(junitOf(t, run), &doc); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range doc.Suite {
		if len(s.Case) == 0 {
			t.Errorf("suite %s is empty", s.Name)
		}
		for _, c := range s.Case {
			said := "passes"
			for word, o := range map[string]*outcome{"failure": c.Failure, "error": c.Error, "skipped": c.Skipped} {
				if o != nil {
					said = word + " " + o.Type
				}
			}
			got[s.Name+" "+c.Name] = said
		}
	}
	const lenient = "backup-mail-exchanger.dc2.europe.example.com [2001:db8::2] "
	for name, want := range map[string]string{
		lenient + "mail-before-ehlo":                               "passes",
		lenient + "rcpt-before-mail":                               "failure violates",
		lenient + "nested-mail":                                    "passes", // lenient, and no rule binds the receiver
		lenient + "ehlo-twice":                                     "failure violates",
		lenient + "data-rejected-keeps-transaction":                "failure broken",
		lenient + "tls-mail-without-ehlo":                          "skipped not-applicable",
		lenient + "pipeline-sync-command-mid-group/noop":           "skipped inconclusive",
		"mx4.example.com [192.0.2.4] receiver":                     "error refused",
		"mx5.example.com [192.0.2.5] receiver":                     "error blocked",
		"mx.d5.example.org [198.51.100.5] receiver":                "skipped skipped",
		"part.example.com [192.0.2.9] receiver":                    "skipped timed-out", // it was measured in part
		"part.example.com [192.0.2.9] mail-before-ehlo":            "failure broken",
		"domain gone.example domain":                               "error nxdomain",
		"domain b\u00fccher.example domain":                        "error null-mx",
		"mail.d3.example.org [198.51.100.3] rcpt-before-mail":      "passes",
		"mail.d3.example.org [198.51.100.3] pipeline-unadvertised": "skipped not-applicable",
	} {
		if got[name] != want {
			t.Errorf("%s: got %q, want %q", name, got[name], want)
		}
	}
}
