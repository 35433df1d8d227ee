package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/smtpprobe/smtpprobe/cmd/smtpprobe/recipients"
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/bulk"
	"github.com/smtpprobe/smtpprobe/probe/ceiling"
	"github.com/smtpprobe/smtpprobe/probe/resolve"
	"github.com/smtpprobe/smtpprobe/probe/run"
	"github.com/smtpprobe/smtpprobe/report"
)

// campaign is one way from a list of recipients to what they would meet.
type campaign struct {
	flags    *campaignFlags
	streams  streams
	to       []destination
	options  run.Options
	resolver *resolve.Resolver
	list     string
	habits   []probe.Habit // of the sender; nil: any
	started  time.Time
	progress *campaignProgress

	ceiling func() *ceiling.Ceiling // opens it, once
	opened  *ceiling.Ceiling        // nil: no receiver was public

	read   recipients.List
	survey *report.Survey
	tally  tally
}

func (j *campaign) run(ctx context.Context) error {
	if err := j.readList(ctx); err != nil {
		return err
	}
	domains := make([]report.Audience, 0, len(j.read.Domains))
	for _, d := range j.read.Domains {
		domains = append(domains, report.Audience{Domain: d.Name, Recipients: d.Recipients})
	}
	j.read.Domains = nil // a long list twice would be too much
	j.survey = report.NewSurvey(domains, j.options.Selected, j.habits)
	j.bound()
	err := j.lookUp(ctx, domains)
	if err == nil {
		err = j.probe(ctx)
	}
	if j.opened != nil {
		tellTrouble(j.opened, j.opened.Trouble(), j.progress.screen.tell)
	}
	j.progress.end()
	return j.end(ctx, err)
}

// readList reads the list. The reading has a goroutine of its own, because that
// of a pipe cannot be interrupted: it ends with the pipe, or with the process.
func (j *campaign) readList(ctx context.Context) error {
	type outcome struct {
		list recipients.List
		err  error
	}
	read := make(chan outcome, 1)
	go func() {
		var o outcome
		o.err = openList(j.list, j.streams.in, func(in io.Reader) (err error) {
			o.list, err = recipients.Read(in, func(lines int) bool {
				j.progress.lines.Store(int64(lines))
				return ctx.Err() == nil
			})
			return err
		})
		read <- o
	}()
	select {
	case o := <-read:
		switch {
		case ctx.Err() != nil:
			return ending{code: exitInterrupted}
		case o.err != nil:
			return ending{exitUsage, fmt.Errorf("recipients from %s: %w", j.list, unnamed(o.err))}
		}
		j.read = o.list
		j.progress.domains.Store(int64(len(o.list.Domains)))
		return nil
	case <-ctx.Done():
		return ending{code: exitInterrupted}
	}
}

// bound fits the run to this machine, as that of a scan.
func (j *campaign) bound() {
	n, note := fitFiles(fileLimit(), j.options.Receivers, j.options.Wire.Sessions, ownFiles)
	if note != "" {
		j.progress.screen.tell(note)
		j.options.Receivers = n
	}
	j.options.Wire.Wait = true
	j.ceiling = sync.OnceValue(func() *ceiling.Ceiling {
		j.opened = openCeiling(j.progress.screen.tell)
		return j.opened
	})
	if j.flags.output.verbose {
		j.options.Progress = j.progress.session
	}
}

// lookUp looks all domains up, those with the most recipients first.
func (j *campaign) lookUp(ctx context.Context, domains []report.Audience) error {
	scan := bulk.New(bulk.Options{
		There: j.resolver.There, Lookups: lookupsOfAScan,
		Domain: func(d resolve.Domain) error {
			status, receivers := j.flags.firstOf(d)
			j.survey.Domain(d.ASCII, status, receivers)
			j.progress.looked.Add(1)
			return nil
		},
	})
	return scan.Run(ctx, func(_ context.Context, yield func(bulk.Target) bool) error {
		for _, d := range domains {
			find := func(ctx context.Context) bulk.Found {
				found := j.resolver.Domain(ctx, d.Domain)
				return bulk.Found{Domain: &found}
			}
			if !yield(bulk.Target{Name: d.Domain, Find: find}) {
				break
			}
		}
		return nil
	})
}

// firstOf are the receivers that a sender tries first, those of one platform, and
// the status of the domain as a campaign needs it.
func (p *probeFlags) firstOf(d resolve.Domain) (status string, receivers []probe.Receiver) {
	if d.Status != resolve.OK {
		// An address that was not asked for, or is not to be probed, may well take mail.
		refused := func(x resolve.Exchange) bool { return len(x.Refused) > 0 }
		half := p.only4 || p.only6
		if d.Status != resolve.NullMX && d.Status != resolve.NXDomain && (half || slices.ContainsFunc(d.Exchanges, refused)) {
			return report.NotProbeable, nil
		}
		return string(d.Status), nil
	}
	var best []resolve.Exchange
	for _, x := range d.Exchanges {
		if len(x.Addresses) > 0 && (len(best) == 0 || x.Preference == best[0].Preference) {
			best = append(best, x)
		}
	}
	// What nobody could look up may be what a sender tries first.
	if slices.ContainsFunc(d.Exchanges, func(x resolve.Exchange) bool {
		return x.Status == resolve.DNSError && len(best) > 0 && x.Preference < best[0].Preference
	}) {
		return string(resolve.DNSError), nil
	}
	slices.SortFunc(best, func(a, b resolve.Exchange) int { return cmp.Compare(a.Host, b.Host) })
	for _, x := range best {
		if resolve.Platform(x.Host) != resolve.Platform(best[0].Host) {
			continue
		}
		for _, addr := range x.Addresses {
			receivers = append(receivers, p.receiver(x.Host, addr, p.defaultPort(), &d))
		}
	}
	return string(d.Status), receivers
}

// tries is how many receivers of a platform are tried at most to get one that can
// be reached.
const tries = 3

// probe probes the platforms, those with the most recipients first.
func (j *campaign) probe(ctx context.Context) error {
	standings := j.survey.Standings()
	j.progress.platforms.Store(int64(len(standings)))
	scan := bulk.New(bulk.Options{
		Probe: func(ctx context.Context, r probe.Receiver) probe.Report {
			o := j.options
			if r.Public {
				o.Wire.Ceiling = j.ceiling()
			}
			return run.Receiver(ctx, r, o)
		},
		Receivers: j.options.Receivers, Platform: j.options.Platform, Lookups: 1, First: true,
		Receiver: j.receiver,
	})
	return scan.Run(ctx, func(_ context.Context, yield func(bulk.Target) bool) error {
		for nth := range j.flags.perPlatform {
			more := false
			for _, s := range standings {
				choice := everyOf(s.Receivers, nth, j.flags.perPlatform)
				if len(choice) == 0 {
					continue
				}
				more = true
				if !yield(bulk.Target{Find: func(context.Context) bulk.Found { return bulk.Found{Receivers: choice} }}) {
					return nil
				}
			}
			if !more {
				break
			}
		}
		return nil
	})
}

// everyOf are the receivers for the nth of so many probes of a platform: the nth
// best, and those that are tried in its place.
func everyOf(receivers []probe.Receiver, nth, of int) []probe.Receiver {
	var choice []probe.Receiver
	for i := nth; i < len(receivers) && len(choice) < tries; i += of {
		choice = append(choice, receivers[i])
	}
	return choice
}

func (j *campaign) receiver(r probe.Report) error {
	j.survey.Receiver(r)
	j.tally.met(r.Receiver, r.Status)
	for _, res := range r.Results {
		j.tally.count(&j.flags.output, res.Verdict.String(), string(res.Conformance))
	}
	j.progress.report(r, j.tally.verdicts)
	return nil
}

// end writes what is known and chooses the exit code.
func (j *campaign) end(ctx context.Context, err error) error {
	c := j.survey.Campaign()
	c.Version, c.Profile, c.Started, c.Elapsed = version(), j.flags.profile, j.started, time.Since(j.started)
	c.List = report.Recipients{
		Lines: j.read.Lines, Column: j.read.Column, Header: j.read.Header,
		Recipients: j.read.Recipients, Malformed: j.read.Malformed, First: j.read.First,
	}
	switch {
	case ctx.Err() != nil:
		c.Note = "Interrupted: this is what was known by then."
	case err != nil:
		c.Note = "Not complete: " + err.Error()
	}
	failed := j.flags.output.write(j.to, j.streams.out, func(w io.Writer, f format, style report.Style) error {
		return writeCampaign(w, c, f, style)
	})
	switch {
	case ctx.Err() != nil:
		return ending{exitInterrupted, failed}
	case failed != nil:
		return failed
	case j.tally.failed:
		return ending{exitFailOn, err}
	case err != nil && !errors.Is(err, bulk.ErrGone):
		return ending{exitUsage, err}
	case err != nil:
		return ending{exitNothing, err}
	case !j.tally.measured:
		return ending{exitNothing, j.tally.blocked()}
	}
	return nil
}
