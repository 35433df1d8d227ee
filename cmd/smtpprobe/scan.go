package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/time/rate"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
)

// scanFlags are those of a probe that fit a list of any length, and a few more.
type scanFlags struct {
	probeFlags
	file    string
	format  string
	rate    int
	restart bool
}

// scanCommand is the main job for a list of any length.
func scanCommand(s streams) *cobra.Command {
	f := scanFlags{probeFlags: probeFlags{repeat: 1}}
	cmd := &cobra.Command{
		Use:   "scan FILE|-",
		Short: "Probe a list of any length, and go on where it was interrupted",
		Long: `Probe the receivers of a list of any length: one target a line, as smtpprobe
itself takes them; - is standard input. Each receiver is probed once however
many domains lead to it, and of each platform no more than --max-per-platform;
the rest are rows, skipped.

The result is NDJSON: a line of the run, one for each domain when it is looked
up and for each receiver when it is finished, and an end that says whether it is
complete. The lines of domains name the addresses of their exchangers, by which
receivers are found; a receiver names its first 20 domains.

With -o FILE the lines go to FILE.part, which becomes FILE when it is whole.
Whatever ends the scan before that, the same command goes on: what has its line
is neither looked up nor probed again. A target given as host:port has none
unless there is trouble, and is looked up again. The list may have grown since.

How it ends:
  complete               exit 0; 1 where --fail-on matches; 3 nothing measured
  Ctrl-C, SIGTERM        receivers that are being probed are cut; 130
  Ctrl-C again           at once
  output full or closed  exit 2
  nameserver gone        exit 3, when ten look-ups running go unanswered and it
                         answers no question at all; 1 where --fail-on matches
  kill -9                at once
All of them can be gone on with, where -o names a file.`,
		Example: `  smtpprobe scan -o domains.ndjson domains.txt
  smtpprobe scan --check rcpt-before-mail,data-without-rcpt domains.txt
  cut -d, -f1 customers.csv | smtpprobe scan - > customers.ndjson
  smtpprobe scan --receivers 400 --rate 100 -o out.ndjson domains.txt`,
		Args: exact(1, "one list, a file or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), s, args[0]) },
	}
	f.register(cmd)
	return cmd
}

func (f *scanFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.SortFlags = false
	f.flags = flags
	f.selection.register(cmd)
	flags.StringVarP(&f.file, "output", "o", "", "write the result to `FILE`; until it is whole to FILE.part, to go on with")
	flags.BoolVar(&f.restart, "restart", false, "throw away what is in FILE.part and begin anew")
	flags.StringVar(&f.format, "format", "ndjson", "ndjson, and nothing else")
	flags.BoolVar(&f.output.transcript, "transcript", false, "with what was said in each check")
	f.output.registerNotes(flags)
	flags.Lookup("fail-on").Usage = "exit 1 on these verdicts, or on deviates or violates (`WORD,...`)"
	f.registerTalk(flags)
	f.registerLookup(flags)
	f.registerPace(flags)
	flags.IntVar(&f.rate, "rate", 200, "new connections a second, over all receivers; 0: as many as come")
	f.registerPath(flags)
	usually(flags, "profile", "quick")
	usually(flags, "receivers", "100")
	usually(flags, "max-per-platform", "10")
	flags.Lookup("timeout").Usage = "time for one receiver, waiting for --rate or a ceiling not counted"
	// What a probe shall write, and where to, says nothing of a scan.
	onlyTyped(flags, "output", "restart", "format")
	cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]cobra.Completion{"ndjson"}, cobra.ShellCompDirectiveNoFileComp)) //nolint:errcheck // the flag is there
}

// usually gives a flag another value by default than other commands do.
func usually(f *pflag.FlagSet, name, value string) {
	flag := f.Lookup(name)
	if err := flag.Value.Set(value); err == nil { // it is our own, and fits
		flag.DefValue = value
	}
}

// run checks what was asked for, and scans the list.
func (f *scanFlags) run(ctx context.Context, s streams, list string) error {
	selected, err := f.checks()
	if err != nil {
		return err
	}
	if err = f.fit(); err != nil {
		return err
	}
	options, err := f.options(selected, checks.All())
	if err != nil {
		return err
	}
	if f.rate > 0 {
		options.Wire.Rate = rate.NewLimiter(rate.Limit(f.rate), 1)
	}
	lines, err := length(list)
	if err != nil {
		return err
	}
	resolver, err := f.newResolver(true)
	if err != nil {
		return err
	}
	if err = f.proxyThere(ctx); err != nil {
		return err
	}
	out, err := f.openOutput(s.out, f.command(list, selected, options.Wire.Values))
	if err != nil {
		return err
	}
	p := &pass{
		flags: f, streams: s, options: options, resolver: resolver, list: list, out: out,
		started: time.Now(), progress: newScanProgress(s.err, f.beside(s.out), lines),
	}
	defer p.progress.end()
	return p.run(ctx)
}

// fit holds the flags of a scan alone against what they take.
func (f *scanFlags) fit() error {
	switch {
	case f.format != "ndjson":
		return usage("--format %q: a scan writes ndjson; give a short list to smtpprobe itself for other formats", f.format)
	case f.given("output") && (f.file == "" || os.IsPathSeparator(f.file[len(f.file)-1])):
		return usage("--output %q: want the name of a file, or - for standard output", f.file)
	case f.rate < 0:
		return usage("--rate %d: want %s", f.rate, ranges["rate"])
	case slices.Contains(f.output.failOn, change):
		return usage("--fail-on %s: a scan has no report to compare with: give its result and an older one to 'smtpprobe diff'", change)
	case f.restart && f.toStdout():
		return usage("--restart begins a FILE.part anew: name it with -o FILE")
	}
	if other, named := formatOf(f.file); named && other.name != "ndjson" {
		return usage("--output %s is %s by its name, and a scan writes ndjson: name the file domains.ndjson, say", f.file, other.name)
	}
	return f.output.checkNotes()
}

func (f *scanFlags) toStdout() bool { return f.file == "" || f.file == standardOutput }

// beside is how to say how far the scan is: not at all where its lines run over
// the same screen.
func (f *scanFlags) beside(out io.Writer) *outputFlags {
	o := f.output
	if _, screen := terminal(out); screen && f.toStdout() && !o.verbose {
		o.quiet = true
	}
	return &o
}

// command is what decides on the result, by flag: a part of it is gone on with
// only where the same is asked for. How fast and how many at once do not count,
// and neither does whom to ask: a nameserver that has gone is replaced.
func (f *scanFlags) command(list string, selected []probe.Check, v probe.Values) map[string]string {
	c := map[string]string{"list": list, "checks": commas(selected), "version": version(), "ehlo": v.EHLO, "from": v.From}
	for _, name := range []string{
		"port", "tls", "ipv4", "ipv6", "first", "allow-private", "max-per-platform", "timeout", "reply-timeout", "source", "transcript",
	} {
		c[name] = f.flags.Lookup(name).Value.String()
	}
	c["proxy"] = proxyHost(f.proxy)
	return c
}

// length is the number of lines of a list, 0 where only reading it would tell.
// The error says that there is no such list.
func length(list string) (int, error) {
	if list == "-" {
		return 0, nil
	}
	info, err := os.Stat(list)
	switch {
	case err != nil:
		return 0, ending{exitUsage, fmt.Errorf("list: %w", err)}
	case info.IsDir():
		return 0, usage("list: %s is a directory: want a file with one domain a line", list)
	case !info.Mode().IsRegular():
		return 0, nil
	}
	n, err := countLines(list)
	if err != nil {
		return 0, ending{exitUsage, fmt.Errorf("list: %w", err)}
	}
	return n, nil
}
