package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
)

// checksCommand lists the catalogue.
func checksCommand(s streams) *cobra.Command {
	pick := selection{}
	cmd := &cobra.Command{
		Use:   "checks",
		Short: "List the checks",
		Long: `List the checks by their groups: what each is called, to which profile it
belongs, and how firmly the RFCs ask it of a receiver. All profiles are listed
unless --profile says otherwise.`,
		Example: `  smtpprobe checks
  smtpprobe checks --profile quick
  smtpprobe checks --group starttls`,
		Args: exact(0, "no argument"),
		RunE: func(*cobra.Command, []string) error {
			list, err := pick.checks()
			if err != nil {
				return err
			}
			return listText(s.out, list)
		},
	}
	pick.register(cmd)
	onlyTyped(cmd.Flags(), "profile", "check", "skip", "group")
	cmd.Flags().Lookup("profile").DefValue = "full"
	pick.profile = probe.Full.String()
	return cmd
}

func listText(w io.Writer, list []probe.Check) error {
	var b strings.Builder
	group, width := probe.Group(""), 0
	for _, c := range list {
		width = max(width, len(c.ID))
	}
	for _, c := range list {
		if c.Group != group {
			group = c.Group
			fmt.Fprintf(&b, "%s\n", group)
		}
		head := fmt.Sprintf("  %-*s %-8s %-6s ", width, c.ID, c.Profile, c.Level)
		for _, line := range wrap(c.Title, listWidth-len(head)) {
			fmt.Fprintf(&b, "%s%s\n", head, line)
			head = strings.Repeat(" ", len(head))
		}
	}
	fmt.Fprintf(&b, "\n%d of %d checks. What one means: smtpprobe explain ID\n", len(list), len(checks.All()))
	_, err := io.WriteString(w, b.String())
	return err
}

// listWidth is the width of a terminal that nobody made wider.
const listWidth = 80

// wrap breaks text at spaces into lines of a width.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return append(lines, line)
}
