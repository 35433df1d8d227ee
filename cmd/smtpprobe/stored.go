package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/report"
)

// storedFlags are the flags of a command that reads reports and probes nobody.
type storedFlags struct{ outputFlags }

func (o *storedFlags) register(cmd *cobra.Command, formats string) {
	f := cmd.Flags()
	f.SortFlags = false
	o.flags = f
	f.StringVar(&o.format, "format", "", formats)
	f.StringArrayVarP(&o.files, "output", "o", nil, "write the result to `FILE`, such as "+cmd.Name()+".json; - is standard output")
	f.StringVar(&o.color, "color", "auto", "auto, always or never")
	f.BoolVar(&o.ascii, "ascii", false, "draw with ASCII only")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no notes on standard error")
	onlyTyped(f, "format", "output") // what a probe writes by default is another thing
}

// write puts a result in its places. A function writes it in a format.
func (o *outputFlags) write(to []destination, out io.Writer, write func(w io.Writer, f format, style report.Style) error) error {
	all, err := o.open(to, out)
	if err != nil {
		return err
	}
	defer all.discard()
	return all.write(write)
}

func (all sinks) write(write func(w io.Writer, f format, style report.Style) error) error {
	for _, s := range all {
		s.try(func() error { return write(s, s.format, s.style) })
		s.try(s.place)
	}
	if err := all.err(); err != nil {
		return ending{exitUsage, err}
	}
	return nil
}

// whole writes a run that is over in a format.
func (f format) whole(w io.Writer, r report.Run, style report.Style) error {
	if !f.streams() {
		return f.write(w, r, style)
	}
	stream := report.NewStream(w, style.Transcript)
	err := stream.Begin(r)
	for i := 0; i < len(r.Domains) && err == nil; i++ {
		err = stream.Domain(r.Domains[i])
	}
	for i := 0; i < len(r.Receivers) && err == nil; i++ {
		err = stream.Receiver(r.Receivers[i])
	}
	if err != nil {
		return err
	}
	return stream.End(!r.Incomplete, r)
}

// note says something on standard error that is no part of the result.
func (o *storedFlags) note(s streams, format string, args ...any) {
	if !o.quiet {
		fmt.Fprintf(s.err, "smtpprobe: %s\n", visible(fmt.Sprintf(format, args...))) //nolint:errcheck // there is nowhere left to say it
	}
}

// readReport reads a stored report; - is standard input. The reading has a
// goroutine of its own, because a read of a pipe cannot be interrupted: it ends
// with the input, or with the process.
func readReport(ctx context.Context, file string, in io.Reader) (report.Run, error) {
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return report.Run{}, ending{exitUsage, fmt.Errorf("report: %w", err)}
		}
		defer f.Close() //nolint:errcheck // it was only read
		in = f
	}
	type outcome struct {
		run report.Run
		err error
	}
	read := make(chan outcome, 1)
	go func() {
		run, err := report.Read(in, checks.All())
		read <- outcome{run, err}
	}()
	select {
	case o := <-read:
		if o.err != nil {
			return report.Run{}, ending{exitUsage, fmt.Errorf("%s: %w", file, o.err)}
		}
		return o.run, nil
	case <-ctx.Done():
		return report.Run{}, ending{code: exitInterrupted}
	}
}
