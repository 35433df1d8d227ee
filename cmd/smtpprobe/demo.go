package main

import (
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/smtpprobe/smtpprobe/probe/run"
)

// demoCommand is the whole main job on a machine without a network: the lab in
// memory, its DNS zone, and a probe of it.
func demoCommand(s streams) *cobra.Command {
	f := probeFlags{
		tls: string(run.Auto), from: "<>", receivers: 8, sessions: 16, ofPlatform: 1, perPlatform: 4, repeat: 1, // nobody is disturbed: the waits for silence may overlap
		timeout: time.Minute, reply: 10 * time.Second, allowPrivate: true,
	}
	cmd := &cobra.Command{
		Use:   "demo [DOMAIN...]",
		Short: "Probe the built-in lab: no network and no privileges needed",
		Long: `Start the built-in lab, probe its domains through its own DNS zone, and print
the table. Nothing leaves this machine. The domains are:

` + listOfExhibits(),
		Example: `  smtpprobe demo                            compare all of them
  smtpprobe demo leaky.example              the table for one
  smtpprobe demo --check starttls-injection --transcript leaky.example`,
		ValidArgsFunction: func(_ *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return beginning(describedExhibits(args), typed, false), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			all := exhibits()
			domains, err := exhibited(all, args)
			if err != nil {
				return err
			}
			g, dial, err := inMemory(all)
			if err != nil {
				return ending{exitUsage, err}
			}
			defer g.Close() //nolint:errcheck // the process ends with it
			f.network = dial
			f.resolver = []string{g.zone.Addr()}
			return f.run(cmd.Context(), s, domains, nil)
		},
	}
	f.selection.register(cmd)
	f.output.register(cmd)
	f.output.expected.register(cmd.Flags())
	return cmd
}

// exhibited are the domains to probe: those that were named, else all.
func exhibited(all []exhibit, args []string) ([]string, error) {
	var domains []string
	for _, e := range all {
		domains = append(domains, e.domain)
	}
	for _, a := range args {
		if !slices.Contains(domains, a) {
			return nil, usage("the demo has no domain %q%s", a, suggestion(a, domains, ", did you mean %q?"))
		}
	}
	if len(args) > 0 {
		return args, nil
	}
	return domains, nil
}
