package main

import (
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/smtpprobe/smtpprobe/report"
)

// diffCommand says what changed between two stored reports.
func diffCommand(s streams) *cobra.Command {
	var f storedFlags
	var e expectations
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "What changed between two stored reports; exit 1 where something did",
		Long: `Compare two stored reports (JSON or NDJSON) and say what changed at the
receivers: verdicts, the keywords that EHLO offers, the software that the
greeting names, and the mail exchangers of a domain. Nothing else is a change:
no reply code, no text, and nothing that one of the runs could not tell, because
it was flaky, inconclusive, not asked or not reached. That is said apart.

Receivers are the same by address and port, or by host and port where the
address moved. Where the rule of a check is another one than in OLD, its verdict
is not compared: judge OLD again first, with 'smtpprobe rejudge'.

Exit 0: nothing changed; 1: something did that --accept does not name; 3: the
reports have nothing in common.`,
		Example: `  smtpprobe diff monday.json tuesday.json
  smtpprobe diff --accept known.txt --format json monday.json tuesday.json
  smtpprobe --baseline monday.json --fail-on change example.com   in one go

  A line of known.txt:
  mx*.example.com nested-mail lenient the appliance is replaced in May`,
		Args: exact(2, "two reports, such as 'smtpprobe diff monday.json tuesday.json'"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			to, err := f.destinations()
			if err != nil {
				return err
			}
			for _, d := range to {
				if !slices.Contains([]string{"table", "json"}, d.format.name) {
					return usage("diff as %s: want table or json", d.format.name)
				}
			}
			if e.baseline = args[0]; e.baseline == "-" && args[1] == "-" {
				return usage("diff - -: want one of the reports in a file")
			}
			if err = e.load(cmd.Context(), s); err != nil {
				return err
			}
			today, err := readReport(cmd.Context(), args[1], s.in)
			if err != nil {
				return err
			}
			changes := e.changes(today)
			err = f.write(to, s.out, func(w io.Writer, in format, style report.Style) error {
				if in.name == "json" {
					return report.DiffJSON(w, *e.old, today, *changes)
				}
				return report.DiffTable(w, *changes, style)
			})
			if err != nil {
				return err
			}
			for _, line := range e.unused(today) {
				f.note(s, "%s", line)
			}
			switch {
			case changes.Counted() > 0:
				return ending{code: exitFailOn}
			case len(changes.All) == 0 && changes.Compared == 0:
				return ending{code: exitNothing}
			}
			return nil
		},
	}
	f.register(cmd, "table or json (table; for a file, what its name says)")
	e.registerAccept(cmd.Flags())
	cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"table", "json"}, cobra.ShellCompDirectiveNoFileComp)) //nolint:errcheck // the flag is there
	return cmd
}
