package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/smtpprobe/smtpprobe/checks"
)

// Exit codes of the contract. Where several hold the order is interrupted,
// usage, failed-on, nothing measured, ran.
const (
	exitRan         = 0
	exitFailOn      = 1
	exitUsage       = 2
	exitNothing     = 3
	exitInterrupted = 130
)

// ending carries an exit code through cobra; its text, if any, is printed.
type ending struct {
	code int
	err  error
}

func (e ending) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e ending) Unwrap() error { return e.err }

// usage is bad input: one line that names the offender and says what is right.
func usage(format string, args ...any) error {
	return ending{exitUsage, fmt.Errorf(format, args...)}
}

// streams are what a command reads and writes. out carries the result and
// nothing else.
type streams struct {
	in  io.Reader
	out io.Writer
	err io.Writer
}

// execute runs the command line and returns the exit code.
func execute(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	s := streams{in, out, errs}
	root := rootCommand(s)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitRan
	}
	return say(errs, err)
}

// say writes what went wrong, a line for each thing, and returns the exit code.
func say(errs io.Writer, err error) int {
	end := ending{exitUsage, err}
	errors.As(err, &end)
	if text := end.Error(); text != "" {
		for line := range strings.SplitSeq(text, "\n") {
			fmt.Fprintf(errs, "smtpprobe: %s\n", visible(line)) //nolint:errcheck // there is nowhere left to say it
		}
	}
	return end.code
}

// rootCommand is smtpprobe itself: a probe of the domains that are its
// arguments, and the other commands beside it.
func rootCommand(s streams) *cobra.Command {
	var f probeFlags
	root := &cobra.Command{
		Use:   "smtpprobe DOMAIN...",
		Short: "How strictly do these receivers enforce the order of SMTP commands?",
		Long: `smtpprobe finds the mail exchangers of a domain, opens live SMTP sessions to
each, and shows how strictly it enforces the order of commands: RCPT before
MAIL, DATA without RCPT, commands after STARTTLS without a new EHLO, pipelining
that was never offered, and more.

It never delivers a message, names no mailbox but postmaster, and tries one
fault at a time. Receivers see and count these faults: do not run it from the
address that sends your mail.`,
		Example: `  smtpprobe example.com                    the table for one domain
  smtpprobe example.com example.net        compare receivers
  smtpprobe mx1.example.com:25             one receiver, no MX lookup
  smtpprobe --check rcpt-before-mail --transcript example.com
  smtpprobe -o run.json -o run.csv example.com      two files of one run
  smtpprobe --repeat 3 --interval 10m example.com   do the answers stay?
  smtpprobe scan domains.txt -o domains.ndjson      a list of any length
  smtpprobe campaign recipients.csv        what a mailing to this list would meet
  smtpprobe demo                           try it without a network
  smtpprobe explain rcpt-before-mail       what a check means`,
		Args: cobra.ArbitraryArgs,
		ValidArgsFunction: func(cmd *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return beginning(describedTargets(cmd), typed, false), cobra.ShellCompDirectiveNoFileComp
		},
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && f.targets == "" {
				cmd.Help() //nolint:errcheck // the exit code says it as well
				return ending{code: exitUsage}
			}
			return f.run(cmd.Context(), s, args, commandNames(cmd))
		},
	}
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	root.SetVersionTemplate("smtpprobe {{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages", ".FlagUsagesWrapped 80"))
	f.register(root)
	f.output.expected.register(root.Flags())
	root.PersistentFlags().String("config", "", "read settings from `FILE` (config.yaml in ~/.config/smtpprobe)")
	onlyTyped(root.PersistentFlags(), "config")
	root.AddCommand(checksCommand(s), explainCommand(s), demoCommand(s), labCommand(s), scanCommand(s), campaignCommand(s), rejudgeCommand(s), diffCommand(s), compareCommand(s), schemaCommand(s))
	root.SetHelpCommand(helpCommand())
	root.InitDefaultCompletionCmd()
	mendCompletion(root, s.out)
	settle(root, s)
	completeAll(root)
	return root
}

// helpCommand is the library's, but for a word that is no command.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about any command",
		ValidArgsFunction: func(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return beginning(describedCommands(cmd), typed, false), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return usage("no command %q%s", strings.Join(args, " "),
					suggestion(strings.Join(args, " "), commandNames(cmd), ", did you mean 'smtpprobe help %s'?"))
			}
			return about.Help()
		},
	}
}

func commandNames(cmd *cobra.Command) []string {
	var names []string
	for _, c := range cmd.Root().Commands() {
		names = append(names, c.Name())
	}
	return names
}

// flagError adds to pflag's words where to look.
func flagError(cmd *cobra.Command, err error) error {
	text := visible(err.Error())
	if name, ok := strings.CutPrefix(text, "unknown flag: --"); ok {
		return usage("unknown flag --%s%s", name, cmp.Or(
			suggestion(name, flagNames(cmd), ": did you mean --%s?"), ": '"+cmd.CommandPath()+" --help' lists the flags"))
	}
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		return usage("--%s %q: want %s", invalid.GetFlag().Name, invalid.GetValue(), wanted(invalid.GetFlag()))
	}
	return usage("%s", text)
}

// wanted says what a flag takes, without the words of the library that reads it.
func wanted(f *pflag.Flag) string {
	switch f.Value.Type() {
	case "int":
		return ranges[f.Name]
	case "duration":
		return "a time such as " + f.DefValue
	case "bool":
		return "true or false"
	case "words":
		return `one word or more, by commas, and none of them ""`
	}
	return "another value"
}

// visible shows what is not printable as \xNN: nothing that anybody typed, or
// that the DNS said, reaches a terminal raw.
func visible(text string) string {
	var b strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) && r != utf8.RuneError {
			b.WriteRune(r)
		} else {
			for _, octet := range []byte(string(r)) {
				fmt.Fprintf(&b, `\x%02x`, octet)
			}
		}
	}
	return b.String()
}

// exact wants a number of arguments.
func exact(n int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != n {
			return usage("want %s, got %d arguments", what, len(args))
		}
		return nil
	}
}

// catalogueIDs are the IDs of all checks.
func catalogueIDs() []string {
	var ids []string
	for _, c := range checks.All() {
		ids = append(ids, c.ID)
	}
	return ids
}
