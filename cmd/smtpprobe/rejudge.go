package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/report"
)

// rejudgeCommand judges a stored report again.
func rejudgeCommand(s streams) *cobra.Command {
	var f storedFlags
	cmd := &cobra.Command{
		Use:   "rejudge FILE",
		Short: "Judge a stored report again, by the rules of this version",
		Long: `Judge the transcripts of a stored report (JSON or NDJSON; - is standard input)
again, by the rules of this version, and say which verdicts change: so a change
of a rule is never taken for a change of a receiver. Nothing is connected to.

A report that was written with --transcript carries all that this takes. Without
it only results that are broken or violate a MUST do; the others stay as they
are, and so do those of --repeat.

In any other format than table the result is the whole report, judged again.`,
		Example: `  smtpprobe --transcript -o run.json example.com
  smtpprobe rejudge run.json
  smtpprobe rejudge -o today.json run.json`,
		Args: exact(1, "one report, such as 'smtpprobe rejudge run.json'"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			to, err := f.destinations()
			if err != nil {
				return err
			}
			run, err := readReport(cmd.Context(), args[0], s.in)
			if err != nil {
				return err
			}
			again := report.Rejudge(run, checks.All())
			again.Run.Version = version()
			err = f.write(to, s.out, func(w io.Writer, in format, style report.Style) error {
				if in.name == "table" {
					return report.RejudgedTable(w, again, style)
				}
				style.Transcript = again.Run.Transcripts
				return in.whole(w, again.Run, style)
			})
			if err == nil && again.Judged == 0 {
				return ending{code: exitNothing}
			}
			return err
		},
	}
	f.register(cmd, formatNames()+" (table, of what changed; for a file, what its name says)")
	return cmd
}
