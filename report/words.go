package report

import (
	"fmt"

	"github.com/smtpprobe/smtpprobe/probe"
)

// What the rooms below this one say in the words of the tables.

// Tidy makes text of ours that may quote a server safe to show: printable ASCII,
// everything else as \xNN.
func Tidy(text string) string { return tidy(text) }

// Name shows a domain name as people write it; one that holds anything but
// letters, digits, dots, hyphens and underscores is escaped.
func Name(domain string) string { return name(domain) }

// Mark is the character by which a verdict is told without colour.
func Mark(v probe.Verdict) string { return lookOf(v).mark }

// Codes are the codes of the replies that decided, by slashes; empty where none
// did, or nothing is known.
func Codes(r probe.Result) string {
	if !r.Verdict.Known() || r.Reply.Code == 0 {
		return ""
	}
	return codes(r, "/")
}

// Judged reports whether there are cells to show of the receiver: something is
// known of it, or it answered and the reasons differ from check to check.
func Judged(r probe.Report) bool { return numbered{Report: r}.judged() }

// Trouble says in a sentence why a receiver was not measured, or not to the end;
// empty where it was.
func Trouble(r probe.Report) string { return sentence(numbered{Report: r}.trouble()) }

// Security says which TLS was had, or why none.
func Security(r probe.Report) string { return numbered{Report: r}.security() }

// Consequence says what happens to a sender with the fault of the check; empty
// where nothing does, or nothing is known.
func Consequence(r probe.Result) string { return consequence(r) }

// Agreed says whether the runs agree on a check, and how they differ; empty
// where there was one run alone.
func Agreed(a probe.Agreement) string {
	if a.Runs == 0 {
		return ""
	}
	if words := exception(a); words != "" {
		return sentence(words)
	}
	return fmt.Sprintf("agree: %d/%d, %s: a retry does not help.", a.Same, a.Of, a.Kind)
}

// Differ says of each check in which the addresses of one exchanger differ what
// each of them answered.
func Differ(run Run) []string {
	var all []string
	for _, d := range probe.Differences(run.Receivers) {
		all = append(all, fmt.Sprintf("%s: %s: %s.", tidy(d.Host), d.Check, joinWords(d.Answers, atAddresses)))
	}
	return all
}

// Shown is a domain by both forms of its name.
func (d Domain) Shown() string { return page{}.domainName(d) }

// Trouble says why a domain has no receivers; empty where it has.
func (d Domain) Trouble() string {
	switch {
	case d.Status == statusOK:
		return ""
	case d.Reason != "":
		return sentence(remark(d.Reason, longReason))
	}
	return sentence(domainWords(d.Status))
}

// Remarks are the notes on a domain and its exchanges, each a sentence.
func (d Domain) Remarks() []string { return remarks(d) }

// Spoken are the lines of an event, escaped; CR LF is left out at their ends,
// and what has no line end at all says so.
func Spoken(e probe.Event) []string { return spoken(e) }

// Conditions says where the check runs at all; empty: everywhere.
func Conditions(c probe.Check) string { return conditionsOf(c) }

// StrictestFirst sorts receivers as the comparison does.
func StrictestFirst(reports []probe.Report) []probe.Report { return strictestFirst(reports) }

// Conclusion is what no cell can say: that nothing was probed, or is known; empty
// where something is.
func (run Run) Conclusion() string { return run.conclusion() }

// Compares reports whether receivers are compared, as there are many or several
// targets, and not shown check by check.
func (run Run) Compares() bool { return run.targets() > 1 || len(run.Receivers) > handful }
