package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/bulk"
	"github.com/smtpprobe/smtpprobe/probe/ceiling"
	"github.com/smtpprobe/smtpprobe/probe/resolve"
	"github.com/smtpprobe/smtpprobe/probe/run"
	"github.com/smtpprobe/smtpprobe/report"
	"github.com/smtpprobe/smtpprobe/report/journal"
)

// lookupsOfAScan is how many domains of a list are looked up at once. A million
// in four hours are seventy a second, of which most take a tenth of one, and some
// ten.
const lookupsOfAScan = 64

// pass is one way through a list, from where an earlier one stopped.
type pass struct {
	flags    *scanFlags
	streams  streams
	options  run.Options
	resolver *resolve.Resolver
	list     string
	out      *scanOutput
	started  time.Time // when the report was begun, by an earlier pass maybe
	progress *scanProgress

	ceiling func() *ceiling.Ceiling // opens it, once
	opened  *ceiling.Ceiling        // nil: no receiver was public

	lines *report.Stream
	begun bool // the line of the run is there
	tally tally
}

// errWrite marks an error of the output.
var errWrite = errors.New("write")

func (p *pass) run(ctx context.Context) error {
	p.lines = report.NewStream(p.out, p.flags.output.transcript)
	p.bound()
	scan := p.scan()
	whole, err := p.takeUp(ctx, scan)
	switch {
	case err != nil && ctx.Err() == nil: // going on would not mend it
		return ending{exitUsage, errors.Join(fmt.Errorf("output: %w", err), p.out.leave())}
	case err != nil, whole: // whole: it was all but put in its place
		return p.end(ctx, err)
	}
	err = scan.Run(ctx, p.read)
	if p.opened != nil {
		tellTrouble(p.opened, p.opened.Trouble(), p.progress.screen.tell)
	}
	p.progress.end()
	if err == nil && !p.begun {
		err = fmt.Errorf("no target in %s: want one domain a line", p.list)
	}
	return p.end(ctx, errors.Join(err, p.lastLine(err)))
}

// scan is the engine, as the flags say.
func (p *pass) scan() *bulk.Scan {
	if p.flags.output.verbose {
		p.options.Progress = p.progress.session
	}
	return bulk.New(bulk.Options{
		Probe: p.probe, There: p.resolver.There,

		Receivers: p.options.Receivers, Platform: p.options.Platform, PerPlatform: p.flags.perPlatform,
		Lookups: lookupsOfAScan, First: p.flags.first,

		Domain: func(d resolve.Domain) error {
			return p.write(func() error { return p.lines.Domain(shown(d)) })
		},
		Receiver: p.receiver,
		Progress: p.progress.update,
	})
}

// filesOfALookup is how many files one look-up has open: a domain's exchangers are
// looked up beside one another, and few have more than two.
const filesOfALookup = 4

// bound fits the scan to this machine. It waits where a platform was asked enough
// lately; that is looked up when the first public address comes.
func (p *pass) bound() {
	others := ownFiles + filesOfALookup*lookupsOfAScan
	n, note := fitFiles(fileLimit(), p.options.Receivers, p.options.Wire.Sessions, others)
	if note != "" {
		p.progress.screen.tell(note)
		p.options.Receivers = n
	}
	p.options.Wire.Wait = true
	p.ceiling = sync.OnceValue(func() *ceiling.Ceiling {
		p.opened = openCeiling(p.progress.screen.tell)
		return p.opened
	})
}

// probe probes one receiver.
func (p *pass) probe(ctx context.Context, r probe.Receiver) probe.Report {
	o := p.options
	if r.Public {
		o.Wire.Ceiling = p.ceiling()
	}
	return run.Receiver(ctx, r, o)
}

// takeUp enters what an earlier pass has done, and reports whether there is
// nothing left to do.
func (p *pass) takeUp(ctx context.Context, scan *bulk.Scan) (whole bool, err error) {
	if p.out.journal == nil {
		return false, nil
	}
	started, again := p.out.journal.Started()
	if !again {
		return false, nil
	}
	p.started, p.begun = started, true
	return p.out.journal.Read(journal.Rows{
		Domain: func(d journal.Domain) error {
			scan.Met(nameOf(d))
			return ctx.Err()
		},
		Receiver: func(r journal.Receiver) error {
			receiver := probe.Receiver{Host: r.Host, Address: r.Address, Port: r.Port, Platform: r.Platform}
			scan.Finished(probe.Report{Receiver: receiver, Status: r.Status, Reason: r.Reason})
			p.tally.met(receiver, r.Status)
			for _, res := range r.Results {
				p.tally.count(&p.flags.output, res.Verdict, res.Conformance)
			}
			p.progress.earlier.Add(1)
			return ctx.Err()
		},
	})
}

// nameOf is the name of the target that the line of a domain is about.
func nameOf(d journal.Domain) string {
	if d.ASCII == "" || strings.Contains(d.Domain, ":") { // no domain, or a host and its port
		return d.Domain
	}
	return d.ASCII
}

// read yields the domains that an earlier pass has looked up, for their receivers
// may be outstanding, and then the list.
func (p *pass) read(ctx context.Context, yield func(bulk.Target) bool) error {
	if p.out.journal != nil {
		enough := errors.New("no more are wanted")
		_, err := p.out.journal.Read(journal.Rows{Domain: func(d journal.Domain) error {
			found := bulk.Found{Receivers: p.flags.exchangesOf(looked(d))}
			if len(found.Receivers) > 0 && !yield(bulk.Target{Find: func(context.Context) bulk.Found { return found }}) {
				return enough
			}
			return nil
		}})
		if errors.Is(err, enough) {
			return nil
		} else if err != nil {
			return err
		}
	}
	err := readList(ctx, p.list, p.streams.in, func(t target) bool {
		p.progress.line.Store(int64(t.line))
		return yield(bulk.Target{Name: report.ShownName(t.name()), Find: func(ctx context.Context) bulk.Found {
			a := p.flags.ask(ctx, p.resolver, t)
			return bulk.Found{Domain: a.domain, Receivers: a.receivers}
		}})
	})
	if err != nil {
		return fmt.Errorf("list %s: %w", p.list, unnamed(err))
	}
	return nil
}

// looked is a domain as it was looked up, as far as its line says.
func looked(d journal.Domain) resolve.Domain {
	found := resolve.Domain{Domain: d.Domain, ASCII: d.ASCII}
	for _, x := range d.Exchanges {
		e := resolve.Exchange{Preference: x.Preference, Host: x.Host}
		for _, a := range x.Addresses {
			if addr, err := netip.ParseAddr(a); err == nil {
				e.Addresses = append(e.Addresses, addr)
			}
		}
		found.Exchanges = append(found.Exchanges, e)
	}
	return found
}

// receiver writes the line of a receiver. One that was cut is asked again by
// whoever goes on, so its line is for streams alone.
func (p *pass) receiver(r probe.Report) error {
	if r.Status == probe.StatusInterrupted && p.out.journal != nil {
		return nil
	}
	p.tally.met(r.Receiver, r.Status)
	for _, res := range r.Results {
		p.tally.count(&p.flags.output, res.Verdict.String(), string(res.Conformance))
	}
	p.progress.report(r, p.tally.verdicts)
	return p.write(func() error { return p.lines.Receiver(r) })
}

// write writes a line, and before the first one that of the run.
func (p *pass) write(line func() error) error {
	var err error
	if !p.begun {
		p.begun = true
		err = p.lines.Begin(report.Run{
			Version: version(), Started: p.started, Profile: p.flags.profile,
			Command: p.flags.command(p.list, p.options.Selected, p.options.Wire.Values),
		})
	}
	if err == nil {
		err = line()
	}
	return ofOutput(err)
}

func ofOutput(err error) error {
	if err != nil {
		return fmt.Errorf("%w: %w", errWrite, err)
	}
	return nil
}

// lastLine ends a report that is whole, and a stream in any case.
func (p *pass) lastLine(err error) error {
	if errors.Is(err, errWrite) || err != nil && p.out.journal != nil || !p.begun {
		return nil
	}
	return p.write(func() error { return p.lines.End(err == nil, report.Run{Elapsed: time.Since(p.started)}) })
}

// end puts the report in its place and chooses the exit code.
func (p *pass) end(ctx context.Context, err error) error {
	if err == nil {
		err = ofOutput(p.out.finish())
	} else {
		err = errors.Join(err, ofOutput(p.out.leave()))
	}
	switch {
	case err == nil:
		return p.verdict(nil)
	case errors.Is(err, errWrite) && ctx.Err() == nil:
		return ending{exitUsage, p.out.unwritten(err)}
	case ctx.Err() != nil:
		return ending{exitInterrupted, p.interrupted()}
	case errors.Is(err, bulk.ErrGone):
		return p.verdict(p.stopped(err))
	}
	return ending{exitUsage, p.stopped(err)}
}

func (p *pass) verdict(err error) error {
	switch {
	case p.tally.failed:
		return ending{exitFailOn, err}
	case err != nil:
		return ending{exitNothing, err}
	case !p.tally.measured:
		return ending{exitNothing, p.tally.blocked()}
	}
	return nil
}

func (p *pass) interrupted() error {
	if next := p.out.goOn(); next != "" {
		return fmt.Errorf("interrupted: %s", next)
	}
	return nil
}

func (p *pass) stopped(err error) error {
	if next := p.out.goOn(); next != "" {
		return fmt.Errorf("%w; %s", err, next)
	}
	return err
}
