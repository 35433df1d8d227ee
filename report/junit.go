package report

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
)

// JUnit writes the run for CI servers, as JUnit XML: a suite for each receiver,
// and a case for each check. A violation of a MUST and a broken dialogue are
// failures, with the transcript; inconclusive and not-applicable are skipped, with
// the reason; all else passes, also what is lenient without violating a MUST. A
// receiver of which nothing could be measured, and a domain without one,
// is an error. The suite's system-out lists all results.
//
// It keeps to what the readers of Jenkins and of Ant both take. The error is the
// writer's.
func JUnit(w io.Writer, run Run) error {
	doc := junitSuites{}
	add := func(s junitSuite) {
		s.ID, s.Package, s.Hostname = len(doc.Suites), "smtpprobe", "localhost"
		s.Timestamp = run.Started.UTC().Format("2006-01-02T15:04:05") // the zone may not be said
		doc.Suites = append(doc.Suites, s.counted())
	}
	for _, n := range number(run.Receivers) {
		add(receiverSuite(n))
	}
	for _, d := range run.unserved() {
		add(domainSuite(newDomain(d)))
	}
	out := bufio.NewWriter(w)
	enc := xml.NewEncoder(out)
	enc.Indent("", "  ")
	_, _ = out.WriteString(xml.Header) // the error comes back when all is flushed
	if err := enc.Encode(doc); err != nil {
		return fmt.Errorf("write the report as JUnit XML: %w", err)
	}
	_ = out.WriteByte('\n')
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write the report as JUnit XML: %w", err)
	}
	return nil
}

type junitSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Suites  []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name       string          `xml:"name,attr"`
	ID         int             `xml:"id,attr"`
	Package    string          `xml:"package,attr"`
	Timestamp  string          `xml:"timestamp,attr"`
	Hostname   string          `xml:"hostname,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Time       string          `xml:"time,attr"` // seconds
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
	Out        junitText       `xml:"system-out"`
	Err        junitText       `xml:"system-err"`
}

// junitText keeps its line ends readable.
type junitText struct {
	Text string `xml:",cdata"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	Time    string        `xml:"time,attr"` // seconds
	Skipped *junitOutcome `xml:"skipped"`
	Error   *junitOutcome `xml:"error"`
	Failure *junitOutcome `xml:"failure"`
}

type junitOutcome struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
	junitText
}

// counted fills in the sums.
func (s junitSuite) counted() junitSuite {
	s.Tests = len(s.Cases)
	for _, c := range s.Cases {
		switch {
		case c.Failure != nil:
			s.Failures++
		case c.Error != nil:
			s.Errors++
		case c.Skipped != nil:
			s.Skipped++
		}
	}
	return s
}

// receiverSuite has a case of its own for the receiver where that was not
// measured, or not to the end.
func receiverSuite(n numbered) junitSuite {
	r := newReceiver(n.Report, false)
	suite := junitSuite{Name: n.where(), Time: junitTime(n.Elapsed.Seconds()), Properties: []junitProperty{
		{"host", r.Host},
		{"address", r.Address},
		{"port", fmt.Sprint(r.Port)},
		{"domains", strings.Join(r.Domains, " ")},
		{"platform", r.Platform},
		{"software", r.Software},
		{"status", string(r.Status)},
		{"reason", r.Reason},
		{"strictness", fraction(n.Strictness())},
	}}
	if trouble := n.trouble(); trouble != "" || len(r.Results) == 0 {
		c := junitCase{Name: "receiver", Class: suite.Name + ".receiver", Time: junitTime(0)}
		outcome := &junitOutcome{Type: string(n.Status), Message: trouble}
		if n.Measured() || n.Status == probe.StatusSkipped || n.Status == probe.StatusInterrupted {
			c.Skipped = outcome
		} else {
			c.Error = outcome
		}
		suite.Cases = append(suite.Cases, c)
	}
	out := strings.Builder{}
	for i, res := range r.Results {
		suite.Cases = append(suite.Cases, checkCase(suite.Name, n.Results[i], res))
		out.WriteString(junitLine(res, n.Results[i].Agreement))
	}
	suite.Out.Text = out.String()
	return suite
}

// checkCase is one result. The class puts the checks of a group together, below
// their receiver, where a reader takes what stands before the last dot for a
// package.
func checkCase(suite string, r probe.Result, shown result) junitCase {
	c := junitCase{Name: shown.Check, Class: suite + "." + string(shown.Group), Time: junitTime(lasted(r.Transcript))}
	switch {
	case shown.Verdict == probe.Broken || shown.Conformance == probe.Violates:
		kind := string(probe.Violates)
		if shown.Verdict == probe.Broken {
			kind = shown.Verdict.String()
		}
		c.Failure = &junitOutcome{Type: kind, Message: outcomeWords(r, shown), junitText: junitText{failureText(r)}}
	case !shown.Verdict.Known():
		c.Skipped = &junitOutcome{Type: shown.Verdict.String(), Message: shown.Reason}
	}
	return c
}

// outcomeWords is a verdict with the code of its reply and the reason.
func outcomeWords(r probe.Result, shown result) string {
	words := shown.Verdict.String()
	if r.Reply.Code != 0 {
		words += " " + codes(r, "/")
	}
	if shown.Reason != "" {
		words += ": " + shown.Reason
	}
	return words
}

// failureText is what somebody needs to believe a failure: the rule, and what was
// said.
func failureText(r probe.Result) string {
	var b strings.Builder
	if r.Check.Norm != "" {
		fmt.Fprintf(&b, "%s (%s)\n", sentence(tidy(r.Check.Norm)), references(r.Check.Refs))
	}
	b.WriteString("C is this client, S the receiver, * what was neither sent nor received; milliseconds.\n")
	for _, line := range dialogueLines(r.Transcript) {
		b.WriteString(line + "\n")
	}
	return b.String()
}

// junitLine is a result on one line: check, verdict, conformance, code, how many
// runs agree where it was repeated, and the reason, which alone may have a bar in it.
func junitLine(r result, a probe.Agreement) string {
	said := 0
	if r.Reply != nil {
		said = r.Reply.Code
	}
	return strings.Join([]string{
		r.Check, r.Verdict.String(), string(r.Conformance), number0(said), agreedWords(a), r.Reason,
	}, " | ") + "\n"
}

// domainSuite is a domain that has trouble, or no receiver in the run.
func domainSuite(d domain) junitSuite {
	said := "no receiver of it was probed"
	if d.Status != statusOK {
		said = domainWords(d.Status)
	}
	if d.Reason != "" {
		said += ": " + d.Reason
	}
	return junitSuite{
		Name: "domain " + d.Domain, Time: junitTime(0),
		Properties: []junitProperty{{"domain", d.Domain}, {"ascii", d.ASCII}, {"status", d.Status}, {"reason", d.Reason}},
		Cases: []junitCase{{
			Name: "domain", Class: d.Domain + ".domain", Time: junitTime(0), Error: &junitOutcome{Type: d.Status, Message: said},
		}},
	}
}

// lasted is how long a transcript took, in seconds.
func lasted(t probe.Transcript) float64 {
	if len(t) == 0 {
		return 0
	}
	return max(0, t[len(t)-1].At-t[0].At).Seconds()
}

func junitTime(seconds float64) string { return fmt.Sprintf("%.3f", seconds) }
