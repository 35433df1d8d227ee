package main

import (
	"context"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/time/rate"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/report"
	"github.com/smtpprobe/smtpprobe/report/page"
)

// campaignFlags are those of a probe that fit the question before a campaign, and
// a few more.
type campaignFlags struct {
	probeFlags
	rate   int
	sender string // the file with the sender's habits
}

// campaignCommand answers what a mailing to a list of recipients would meet.
func campaignCommand(s streams) *cobra.Command {
	f := campaignFlags{probeFlags: probeFlags{repeat: 1}}
	cmd := &cobra.Command{
		Use:   "campaign FILE|-",
		Short: "Before a campaign: which habits of a sender would hurt, for how many recipients",
		Long: `Read the list that a campaign tool exports, find the receivers behind it, probe
one of each platform, and say over which platforms the recipients spread, how
strict these are, which habits of a sender they punish and how many recipients
lie behind them, which domains take no mail at all, and what is not known.

The list is CSV with commas, semicolons or tabs, with a header or without, or one
address a line; in UTF-8 or Latin-1; - is standard input. The column is the one
whose header is email, else the one with the most addresses. Domains are counted,
and nothing else of the list is kept, shown or sent: no address ever.

A domain counts for the platform of the exchanger that a sender tries first. A
platform is probed at the receiver with the most recipients behind it, or the
next where that cannot be reached; --max-per-platform has more of them probed.
What is said of the others is a sample, and says so. What is inconclusive is not
measured, never safe.

Exit codes: 0 ran; 1 --fail-on matches a receiver; 2 bad usage or list; 3 nothing
measured; 130 interrupted, after printing what is known.`,
		Example: `  smtpprobe campaign recipients.csv
  smtpprobe campaign -o campaign.html -o campaign.json recipients.csv
  gzip -dc export.csv.gz | smtpprobe campaign -
  smtpprobe campaign --profile-of-sender sender.yaml recipients.csv

  A sender.yaml names habits as the table does, or checks that know them:
  habits:
    - no EHLO after STARTTLS
    - pipeline-unadvertised`,
		Args: exact(1, "one list of recipients, a file or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), s, args[0]) },
	}
	f.register(cmd)
	return cmd
}

func (f *campaignFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.SortFlags = false
	f.flags = flags
	f.selection.register(cmd)
	flags.StringVar(&f.sender, "profile-of-sender", "", "only what will bite this sender: `FILE` (YAML) of its habits")
	f.output.registerFiles(flags, "table, html, csv or json (table; for a file, what its name says)", "campaign.html")
	f.output.registerLook(flags)
	f.output.registerNotes(flags)
	f.registerTalk(flags)
	f.registerNames(flags) // but not --first: a campaign is about first receivers alone
	f.registerPace(flags)
	flags.IntVar(&f.rate, "rate", 200, "new connections a second, over all receivers; 0: as many as come")
	f.registerPath(flags)
	usually(flags, "profile", "quick")
	usually(flags, "receivers", "100")
	usually(flags, "max-per-platform", "1")
	flags.Lookup("timeout").Usage = "time for one receiver"
	flags.Lookup("max-per-platform").Usage = "receivers probed of one platform"
	// What a probe shall write, and where to, says nothing of a campaign.
	onlyTyped(flags, "output", "format", "profile-of-sender")
	cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(campaignFormats(), cobra.ShellCompDirectiveNoFileComp)) //nolint:errcheck // the flag is there
}

func campaignFormats() []string { return []string{"table", "html", "csv", "json"} }

// run checks what was asked for, reads the list, and finds out.
func (f *campaignFlags) run(ctx context.Context, s streams, list string) error {
	if err := f.output.check(); err != nil {
		return err
	}
	to, err := f.destinations()
	if err != nil {
		return err
	}
	habits, err := f.habits(ctx)
	if err != nil {
		return err
	}
	selected, err := f.selected(habits)
	if err != nil {
		return err
	}
	if f.rate < 0 {
		return usage("--rate %d: want %s", f.rate, ranges["rate"])
	}
	options, err := f.options(selected, checks.All())
	if err != nil {
		return err
	}
	if f.rate > 0 {
		options.Wire.Rate = rate.NewLimiter(rate.Limit(f.rate), 1)
	}
	resolver, err := f.newResolver(true)
	if err != nil {
		return err
	}
	if err = f.proxyThere(ctx); err != nil {
		return err
	}
	j := &campaign{
		flags: f, streams: s, to: to, options: options, resolver: resolver, list: list, habits: habits,
		started: time.Now(), progress: newCampaignProgress(s.err, &f.output),
	}
	defer j.progress.end()
	return j.run(ctx)
}

// destinations are where the result goes, in formats that a campaign has.
func (f *campaignFlags) destinations() ([]destination, error) {
	if f.output.format != "" && !slices.Contains(campaignFormats(), f.output.format) {
		return nil, usage("--format %q: want table, html, csv or json", f.output.format)
	}
	to, err := f.output.destinations()
	if err != nil {
		return nil, err
	}
	for _, d := range to {
		if !slices.Contains(campaignFormats(), d.format.name) {
			return nil, usage("campaign as %s: want table, html, csv or json", d.format.name)
		}
	}
	return to, nil
}

// selected are the checks of the selection, and those that know the habits of the
// sender where nobody named checks: of the profile standard too, but none that
// may cost reputation unless that is asked for.
func (f *campaignFlags) selected(habits []probe.Habit) ([]probe.Check, error) {
	selected, err := f.checks()
	if err != nil || len(f.check) > 0 || len(f.group) > 0 {
		return selected, err
	}
	picked := map[string]bool{}
	for _, c := range selected {
		picked[c.ID] = true
	}
	for _, c := range checks.All() {
		if slices.Contains(habits, c.Habit) && c.Profile <= probe.Standard && !named(c.ID, f.skip) {
			picked[c.ID] = true
		}
	}
	return slices.DeleteFunc(checks.All(), func(c probe.Check) bool { return !picked[c.ID] }), nil
}

// writeCampaign writes the campaign in a format.
func writeCampaign(w io.Writer, c report.Campaign, f format, style report.Style) error {
	switch f.name {
	case "json":
		return report.CampaignJSON(w, c)
	case "csv":
		return report.CampaignCSV(w, c)
	case "html":
		return page.Campaign(w, c)
	}
	return report.CampaignTable(w, c, style)
}
