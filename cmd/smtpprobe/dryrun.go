package main

import (
	"fmt"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/run"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
	"github.com/smtpprobe/smtpprobe/report"
)

// planText says what a run would do: receivers, sessions, commands and error
// replies at worst, as if every extension were offered.
func planText(o run.Options, found resolved, kept []probe.Receiver, skipped []probe.Report, r report.Run) string {
	var b strings.Builder
	for _, d := range found.domains {
		if d.Reason != "" {
			fmt.Fprintf(&b, "%s: %s: %s\n", visible(d.Domain), d.Status, visible(d.Reason))
		}
	}
	for _, r := range kept {
		fmt.Fprintf(&b, "%s port %d%s, recipient %s\n", place(r), r.Port, owners(r), smtp.Escape(r.Recipient))
	}
	for _, r := range skipped {
		fmt.Fprintf(&b, "%s port %d: skipped, %s\n", place(r.Receiver), r.Port, r.Reason)
	}
	b.WriteString("\nFor each receiver, as if every extension were offered:\n\n")
	fmt.Fprintf(&b, "  %-4s %8s %6s  %s\n", "no.", "commands", "errors", "what")
	sessions := o.Plan()
	commands, errors, worst := 0, 0, 0
	for i, s := range sessions {
		fmt.Fprintf(&b, "  %-4d %8d %6d  %s\n", i+1, s.Commands, s.Errors, s.What)
		commands += s.Commands
		errors += s.Errors
		worst = max(worst, s.Errors)
	}
	fmt.Fprintf(&b, "\n%d sessions, %d commands, at most %d error replies, at most %d in one session.\n", len(sessions), commands, errors, worst)
	if r.Repeat > 1 {
		fmt.Fprintf(&b, "%d runs, %s apart: %d sessions, %d commands in all.\n", r.Repeat, r.Interval, r.Repeat*len(sessions), r.Repeat*commands)
	}
	b.WriteString("No message is sent. Nothing was connected to.\n")
	return b.String()
}

// place is the host with its address where both are known.
func place(r probe.Receiver) string {
	if r.Address == "" || r.Address == r.Host {
		return smtp.Escape(r.Host)
	}
	return fmt.Sprintf("%s [%s]", smtp.Escape(r.Host), r.Address)
}

func owners(r probe.Receiver) string {
	if len(r.Domains) == 0 {
		return ""
	}
	return " for " + smtp.Escape(strings.Join(r.Domains, ", "))
}
