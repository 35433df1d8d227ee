package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"

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
that ends in .json, .ndjson or .jsonl is a stored report; everything else is
probed, with the flags of a probe. --fail-on looks at both.`,
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

// isReport reports whether an argument names a stored report, by the end of its
// name: no domain has such a one.
func isReport(name string) bool {
	f, named := formatOf(name)
	return named && slices.Contains([]string{"json", "ndjson"}, f.name)
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
		stored, unread := readReport(ctx, a, s.in)
		if unread != nil {
			return unread
		}
		runs = append(runs, stored)
	}
	if p.dryRun {
		if len(targets) == 0 && p.targets == "" {
			return usage("--dry-run: want a domain to probe; stored reports need no plan")
		}
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
		style.Transcript = p.output.transcript || joined.Transcripts
		return in.whole(w, joined, style)
	})
	if err != nil {
		return err
	}
	measured := slices.ContainsFunc(joined.Receivers, probe.Report.Measured)
	if end := (ending{}); errors.As(ended, &end) && end.code == exitNothing && measured {
		ended = nil // a row, as of one bad domain among good ones
	}
	switch {
	case ended != nil:
		return ended
	case p.output.expected.fails(p.output.failOn, joined):
		return ending{code: exitFailOn}
	case !measured:
		return ending{code: exitNothing}
	}
	return nil
}

// probed probes targets as ever, and takes the result from the report, with its
// transcripts, which HTML always has. It is nil where there is none.
func (p *probeFlags) probed(ctx context.Context, s streams, targets []string) (*report.Run, error) {
	own := *p
	own.output.files, own.output.format, own.output.transcript = nil, "json", true
	var out bytes.Buffer
	ended := own.run(ctx, streams{s.in, &out, s.err}, targets, nil)
	if out.Len() == 0 {
		return nil, ended
	}
	r, err := report.Read(&out, checks.All())
	if err != nil {
		return nil, errors.Join(ended, err)
	}
	r.Transcripts = p.output.transcript // else only where they are asked for
	return &r, ended
}
