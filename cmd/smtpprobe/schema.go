package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/smtpprobe/smtpprobe/report"
)

// schemaCommand prints the JSON Schema of reports.
func schemaCommand(s streams) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the reports",
		Long: `Print the JSON Schema (draft 2020-12) of ` + report.Schema + `: of the document that
--format json writes, of each line of --format ndjson, and of what diff and
campaign write with --format json. Fields are added to it, never renamed.`,
		Example: "  smtpprobe schema > report.schema.json",
		Args:    exact(0, "no argument"),
		RunE: func(*cobra.Command, []string) error {
			if _, err := io.WriteString(s.out, report.SchemaText()); err != nil {
				return ending{exitUsage, fmt.Errorf("output: %w", err)}
			}
			return nil
		},
	}
}
