package report

import (
	"bufio"
	"fmt"
	"io"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
)

// handful is the largest number of receivers that are shown as columns.
const handful = 8

// Table writes the run for people. One target is shown check by check with its
// receivers as columns; several targets, or more receivers than a handful, are
// shown receiver by receiver. No line is wider than the style says; what does
// not fit beside the rest goes into further blocks or onto further lines. The
// error is the writer's.
func Table(w io.Writer, run Run, style Style) error {
	p := page{bufio.NewWriter(w), style.normal()}
	p.title(run)
	draw := p.matrix
	if run.Compares() {
		draw = p.comparison
	}
	shown, err := draw(run)
	if err != nil {
		return fmt.Errorf("draw the table: %w", err)
	}
	if style.Transcript {
		p.dialogues(run, shown)
	}
	p.conclusion(run)
	if run.Changes != nil {
		p.line("")
		p.changes(*run.Changes)
	}
	if err := p.Flush(); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	return nil
}

func (p page) title(run Run) {
	text := "smtpprobe"
	if run.Version != "" {
		text += " " + run.Version
	}
	text += fmt.Sprintf(", profile %s, %s, took %s", run.Profile, run.Started.Format("2006-01-02 15:04:05 -0700"), seconds(run.Elapsed))
	for _, line := range wrap(tidy(text), p.Width) {
		p.line(p.paint(bold, line))
	}
}

// seconds is a time as people say it, to a tenth of a second.
func seconds(d time.Duration) string { return d.Round(100 * time.Millisecond).String() }

// conclusion says last what no cell can say.
func (p page) conclusion(run Run) {
	if said := run.conclusion(); said != "" {
		p.heading(said)
	}
	if run.Note != "" {
		p.line("")
		p.text(tidy(run.Note))
	}
}

// numbered is a receiver with the number by which the sections name it.
type numbered struct {
	probe.Report
	number  int
	results map[string]probe.Result // by the ID of the check
}

func number(reports []probe.Report) []numbered {
	all := make([]numbered, 0, len(reports))
	for i, r := range reports {
		n := numbered{Report: r, number: i + 1, results: make(map[string]probe.Result, len(r.Results))}
		for _, res := range r.Results {
			n.results[res.Check.ID] = res
		}
		all = append(all, n)
	}
	return all
}

// where names the receiver.
func (n numbered) where() string { return receiverName(n.Receiver) }

// receiverName is the receiver by its host, address and, unless it is 25, port.
func receiverName(r probe.Receiver) string {
	at := ""
	if r.Address != "" && r.Address != r.Host {
		at = fmt.Sprintf(" [%s]", tidy(r.Address))
	}
	if r.Port != 25 {
		at += fmt.Sprintf(" port %d", r.Port)
	}
	return tidy(r.Host) + at
}

// judged reports whether the receiver has a column of its own: something is
// known of it, or it answered and the reasons why nothing is known differ from
// check to check.
func (n numbered) judged() bool {
	return n.Measured() || n.Status == probe.StatusOK && len(n.Results) > 0
}

// trouble says in a sentence why a receiver was not measured, or not to the
// end; empty where it was.
func (n numbered) trouble() string {
	said := statusWords(n.Status)
	switch {
	case n.Status == probe.StatusOK && n.judged():
		return ""
	case n.Status == probe.StatusOK:
		said = "not measured"
	case n.Measured():
		said = "measured in part: " + said
	case n.Status != probe.StatusSkipped:
		said = "not measured: " + said
	}
	if n.Reason != "" {
		said += ": " + remark(n.Reason, longReason)
	}
	return said
}

// longReason is how much of a reason is shown, in octets: enough for every
// reason of ours and for a reply of a few lines.
const longReason = 400

func statusWords(s probe.Status) string {
	switch s {
	case probe.StatusUnreachable:
		return "no TCP connection could be made"
	case probe.StatusRefused:
		return "the TCP connection was refused"
	case probe.StatusBlocked:
		return "the receiver does not serve this prober"
	case probe.StatusNotSMTP:
		return "what answers does not speak SMTP"
	case probe.StatusTLSRequired:
		return "it demands TLS, which could not be had"
	case probe.StatusTimedOut:
		return "the time for this receiver was spent"
	case probe.StatusSkipped:
		return "not tried"
	case probe.StatusInterrupted:
		return "the run was interrupted"
	}
	return tidy(string(s))
}
