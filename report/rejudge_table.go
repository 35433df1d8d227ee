package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
)

// RejudgedTable writes for people what came of judging a run again. The error is
// the writer's.
func RejudgedTable(w io.Writer, again Rejudged, style Style) error {
	p := page{bufio.NewWriter(w), style.normal()}
	stay := 0
	for _, s := range again.Stay {
		stay += len(s.Checks)
	}
	p.text(fmt.Sprintf("Judged again: %s, of which %d changed; %s not judged again.",
		plural(again.Judged, "result"), len(again.Changes), plural(stay, "result")))
	for i, c := range again.Changes {
		if i == 0 || !sameReceiver(again.Changes[i-1].Receiver, c.Receiver) {
			p.heading(receiverName(c.Receiver))
		}
		said := fmt.Sprintf("%s: %s %s %s", tidy(c.Old.Check.ID), judgement(c.Old), p.arrow(), judgement(c.New))
		if c.New.Reason != "" {
			said += ": " + remark(c.New.Reason, longReason)
		}
		p.hang("  ", sentence(said))
	}
	for i, s := range again.Stay {
		if i == 0 {
			p.heading("Not judged again")
		}
		which := strings.Join(s.Checks, ", ")
		if len(s.Checks) > fewChecks {
			which = plural(len(s.Checks), "result")
		}
		p.text(sentence(fmt.Sprintf("%s: %s: %s", receiverName(s.Receiver), tidy(which), tidy(s.Why))))
	}
	if err := p.Flush(); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	return nil
}

// judgement is a verdict with the revision of the rule that gave it, and what it
// means for conformance where that is known.
func judgement(r probe.Result) string {
	said := verdictOf(r)
	if r.Conformance != "" {
		said += ", " + tidy(string(r.Conformance))
	}
	return fmt.Sprintf("%s (rev %d)", said, r.Check.Rev)
}

// arrow leads from what was to what is.
func (s Style) arrow() string {
	if s.ASCII {
		return "->"
	}
	return "\u2192"
}
