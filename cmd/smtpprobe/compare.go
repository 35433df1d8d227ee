package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/report"
)

// compareCommand compares receivers: of domains that are probed now, and of
// stored reports.
func compareCommand(s streams) *cobra.Command {
	f := probeFlags{}
	all := false
	cmd := &cobra.Command{
		Use:   "compare DOMAIN|FILE...",
		Short: "Compare receivers: where they differ, and what a sender must do for all",
		Long: `Compare receivers, the strictest first, by the checks on which they differ, and
say in plain words what a sender must do to get along with all of them. A name
that ends in .json or .ndjson is a stored report; everything else is probed, with
the flags of a probe.`,
		Example: `  smtpprobe compare a.example b.example c.example
  smtpprobe compare monday.json b.example
  smtpprobe compare --all --profile quick a.example b.example`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 && f.targets == "" {
				return usage("want domains or stored reports, such as 'smtpprobe compare a.example b.example'")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.compare(cmd.Context(), s, args, all)
		},
	}
	f.register(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "show the checks too on which no two receivers differ")
	return cmd
}

// isReport reports whether an argument names a stored report: no domain ends so.
func isReport(name string) bool {
	return strings.HasSuffix(name, ".json") || strings.HasSuffix(name, ".ndjson")
}

func (p *probeFlags) compare(ctx context.Context, s streams, args []string, every bool) error {
	if err := p.output.check(); err != nil {
		return err
	}
	to, err := p.output.destinations()
	if err != nil {
		return err
	}
	var runs []report.Run
	var targets []string
	for _, a := range args {
		if !isReport(a) {
			targets = append(targets, a)
			continue
		}
		r, err := readReport(ctx, a, s.in)
		if err != nil {
			return err
		}
		runs = append(runs, r)
	}
	if p.dryRun {
		return p.run(ctx, s, targets, nil)
	}
	all, err := p.output.open(to, s.out)
	if err != nil {
		return err
	}
	defer all.discard()
	var ended error // how the probe ended; what it measured is shown all the same
	if len(targets) > 0 || p.targets != "" {
		var probed *report.Run
		if probed, ended = p.probed(ctx, s, targets); probed == nil {
			return ended
		}
		runs = append(runs, *probed)
	}
	joined := report.Join(runs, checks.All())
	err = all.write(func(w io.Writer, in format, style report.Style) error {
		if in.name == "table" {
			return report.CompareTable(w, joined, style, every)
		}
		style.Transcript = joined.Transcripts
		return in.whole(w, joined, style)
	})
	if err != nil {
		return err
	}
	measured := slices.ContainsFunc(joined.Receivers, probe.Report.Measured)
	switch end := (ending{}); {
	case ended == nil && !measured:
		return ending{code: exitNothing}
	case errors.As(ended, &end) && end.code == exitNothing && measured:
		return nil // a row, as of one bad domain among good ones
	}
	return ended
}

// probed probes targets as ever, and takes the result from the report. It is nil
// where there is none.
func (p *probeFlags) probed(ctx context.Context, s streams, targets []string) (*report.Run, error) {
	own := *p
	own.output.files, own.output.format = nil, "json"
	var out bytes.Buffer
	ended := own.run(ctx, streams{s.in, &out, s.err}, targets, nil)
	if out.Len() == 0 {
		return nil, ended
	}
	r, err := report.Read(&out, checks.All())
	if err != nil {
		return nil, errors.Join(ended, err)
	}
	return &r, ended
}
