package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/plan"
	"github.com/smtpprobe/smtpprobe/probe/run"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
	"github.com/smtpprobe/smtpprobe/report"
)

// planText says what a run would do: receivers, and for each the sessions, their
// commands and error replies at worst, as if every extension were offered, and how
// long all of it takes at least where a round trip takes so long.
func planText(o run.Options, rtt time.Duration, found resolved, kept []probe.Receiver, skipped []probe.Report, r report.Run) string {
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
	sessions := o.Plan()
	fmt.Fprintf(&b, "  %-4s %8s %6s %11s %6s  %s\n", "no.", "commands", "errors", "round trips", "silent", "what")
	var sum plan.Cost
	errors, worst := 0, 0
	for i, s := range sessions {
		fmt.Fprintf(&b, "  %-4d %8d %6d %11d %6s  %s\n", i+1, s.Cost.Commands, s.AtWorst, s.Cost.RoundTrips, seconds(s.Cost.Silent), s)
		sum = sum.Plus(s.Cost)
		errors += s.AtWorst
		worst = max(worst, s.AtWorst)
	}
	fmt.Fprintf(&b, "\n%d sessions, %d commands, at most %d error replies, at most %d in one session.\n", len(sessions), sum.Commands, errors, worst)
	if r.Repeat > 1 {
		fmt.Fprintf(&b, "%d runs, %s apart: %d sessions, %d commands in all.\n", r.Repeat, r.Interval, r.Repeat*len(sessions), r.Repeat*sum.Commands)
	}
	lanes := plan.Lanes{AtOnce: o.Wire.Sessions, RoundTrip: rtt, Pace: o.Wire.Pace}
	path := lanes.Critical(sessions)
	fmt.Fprintf(&b, "Critical path, %d at once: %d sessions, %d round trips, %s of silence, %s of pauses.\n",
		lanes.AtOnce, path.Sessions, path.RoundTrips, seconds(path.Silent), seconds(path.Paused))
	fmt.Fprintf(&b, "Least time with one receiver, at %s a round trip: %s.\n", rtt, seconds(path.At(rtt)))
	b.WriteString("No message is sent. Nothing was connected to.\n")
	return b.String()
}

// seconds shows a time to a hundredth of a second.
func seconds(d time.Duration) string { return d.Round(10 * time.Millisecond).String() }

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
