package main

import (
	"fmt"
	"net"
	"strings"

	"github.com/spf13/cobra"
)

// labCommand keeps the lab running and says what to point at it.
func labCommand(s streams) *cobra.Command {
	return &cobra.Command{
		Use:   "lab",
		Short: "Keep the built-in lab running, to point smtpprobe or a sender at",
		Long: `Start the receivers of the built-in lab on ports of 127.0.0.1 and a DNS zone
that names them, print how to reach them, and keep them running until Ctrl-C.
They accept mail for any recipient and throw it away.`,
		Args: exact(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			all := exhibits()
			g, err := onLoopback(all)
			if err != nil {
				return ending{exitUsage, err}
			}
			defer g.Close() //nolint:errcheck // the process ends with it
			if _, err := fmt.Fprint(s.out, directions(all, g)); err != nil {
				return ending{exitUsage, fmt.Errorf("output: %w", err)}
			}
			<-cmd.Context().Done()
			return ending{code: exitInterrupted}
		},
	}
}

// directions say how each receiver of the lab is reached.
func directions(all []exhibit, g *gallery) string {
	var b strings.Builder
	for i, e := range all {
		_, port, _ := net.SplitHostPort(g.servers[i].Addr())
		fmt.Fprintf(&b, "%s %s\n  smtpprobe --resolver %s --allow-private --port %s %s\n",
			e.domain, e.note, g.zone.Addr(), port, e.domain)
	}
	b.WriteString("Ctrl-C ends it.\n")
	return b.String()
}

// listOfExhibits lists the domains of the lab for a help text.
func listOfExhibits() string {
	var b strings.Builder
	for _, e := range exhibits() {
		fmt.Fprintf(&b, "  %-18s %s\n", e.domain, e.note)
	}
	return b.String()
}
