package report

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
)

// Departure is a verdict of certain receivers that the user knows of and accepts.
type Departure struct {
	Line    int    // of the file
	Pattern string // a glob over the host, in lower case
	Check   string // its ID; a bare one stands for all variants
	Verdict string
	Reason  string
}

// Departures are a list of them.
type Departures []Departure

// maxDeparture is far beyond any reason.
const maxDeparture = 4 << 10

// ReadDepartures reads a list: one line each of receiver pattern, check, verdict
// and reason, with white space between; blank lines and comments, which begin
// with #, count for nothing. Errors name all lines that are wrong.
func ReadDepartures(in io.Reader, catalogue []probe.Check) (Departures, error) {
	var all Departures
	var faults []error
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxDeparture)
	n := 1
	for ; lines.Scan(); n++ {
		line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		d, err := parseDeparture(line, catalogue)
		if err != nil {
			faults = append(faults, fmt.Errorf("line %d: %w", n, err))
			continue
		}
		d.Line = n
		all = append(all, d)
	}
	if err := lines.Err(); err != nil {
		faults = append(faults, fmt.Errorf("line %d: %w", n, err))
	}
	return all, errors.Join(faults...)
}

func parseDeparture(line string, catalogue []probe.Check) (Departure, error) {
	fields := strings.Fields(line)
	if len(fields) < 4 {
		return Departure{}, fmt.Errorf("%q: want receiver, check, verdict and reason, such as 'mx*.example.com nested-mail lenient known since May'", line)
	}
	d := Departure{Pattern: strings.ToLower(fields[0]), Check: fields[1], Verdict: fields[2], Reason: strings.Join(fields[3:], " ")}
	if _, err := path.Match(d.Pattern, ""); err != nil {
		return d, fmt.Errorf("receiver %q: want a host, or a pattern with * and ?", fields[0])
	}
	if !slices.ContainsFunc(catalogue, func(c probe.Check) bool { return d.names(c.ID) }) {
		return d, fmt.Errorf("no check %q; 'smtpprobe checks' lists them", d.Check)
	}
	if _, known := probe.ParseVerdict(d.Verdict); !known {
		return d, fmt.Errorf("verdict %q: want one of %s", d.Verdict, verdictNames())
	}
	return d, nil
}

func verdictNames() string {
	var names []string
	for _, v := range probe.Verdicts() {
		names = append(names, v.String())
	}
	return strings.Join(names, ", ")
}

func (d Departure) names(id string) bool {
	base, _, _ := strings.Cut(id, "/")
	return d.Check == id || d.Check == base
}

func (d Departure) covers(host, id, verdict string) bool {
	matches, _ := path.Match(d.Pattern, strings.ToLower(host)) // the pattern was looked at when it was read
	return matches && d.names(id) && d.Verdict == verdict
}

// Accept is why a result is accepted; empty where it is not.
func (all Departures) Accept(r probe.Receiver, res probe.Result) string {
	return all.reason(r.Host, res.Check.ID, verdictOf(res))
}

func (all Departures) reason(host, id, verdict string) string {
	for _, d := range all {
		if d.covers(host, id, verdict) {
			return d.Reason
		}
	}
	return ""
}

// Unmet are those that no result of the run meets: gone where every receiver of
// the pattern is known to be otherwise, untold where that was not measured.
func (all Departures) Unmet(run Run) (gone, untold Departures) {
	for _, d := range all {
		switch met, told := d.in(run); {
		case met:
		case told:
			gone = append(gone, d)
		default:
			untold = append(untold, d)
		}
	}
	return gone, untold
}

// in reports whether a result of the run meets a departure, and whether the run
// came to an answer wherever one could.
func (d Departure) in(run Run) (met, told bool) {
	places, answers := 0, 0
	for _, r := range run.Receivers {
		if matches, _ := path.Match(d.Pattern, strings.ToLower(r.Host)); !matches {
			continue
		}
		places++
		answer := false
		for _, res := range r.Results {
			if !d.names(res.Check.ID) {
				continue
			}
			if d.covers(r.Host, res.Check.ID, verdictOf(res)) {
				return true, true
			}
			if !answered(res) {
				answer = false
				break
			}
			answer = true
		}
		if answer {
			answers++
		}
	}
	return false, places > 0 && answers == places
}

// Apply marks the changes to verdicts that are accepted.
func (all Departures) Apply(c Changes) Changes {
	c.All = slices.Clone(c.All)
	for i, x := range c.All {
		if x.Kind == KindVerdict {
			c.All[i].Accepted = all.reason(x.Receiver.Host, x.Subject, x.New)
		}
	}
	return c
}
