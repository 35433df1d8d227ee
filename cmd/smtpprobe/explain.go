package main

import (
	"github.com/spf13/cobra"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/report"
)

// explainCommand shows one check, or all variants of it.
func explainCommand(s streams) *cobra.Command {
	return &cobra.Command{
		Use:   "explain CHECK",
		Short: "Explain a check: rule, exchange, verdicts, which sender it bites",
		Long: `Explain a check: the rule and its RFC sections, what is sent and read, what each
verdict means, which fault of a sender meets this rule, and how to mend that
sender.`,
		Example: `  smtpprobe explain rcpt-before-mail
  smtpprobe checks                     the IDs of all checks`,
		Args: exact(1, "one check, such as 'smtpprobe explain rcpt-before-mail'"),
		ValidArgsFunction: func(_ *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return beginning(describedChecks(), typed, false), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if !known(args[0]) {
				return usage("no check %q%s; 'smtpprobe checks' lists them", args[0],
					suggestion(args[0], catalogueIDs(), ", did you mean %q?"))
			}
			var pages []probe.Check
			for _, c := range checks.All() {
				if named(c.ID, args) {
					pages = append(pages, c)
				}
			}
			return report.Explain(s.out, pages)
		},
	}
}
