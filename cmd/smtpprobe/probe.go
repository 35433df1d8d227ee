package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/resolve"
	"github.com/smtpprobe/smtpprobe/probe/run"
	"github.com/smtpprobe/smtpprobe/probe/wire"
	"github.com/smtpprobe/smtpprobe/report"
)

// run is the main job: targets in, result out.
func (p *probeFlags) run(ctx context.Context, s streams, args, commands []string) error {
	selected, err := p.checks()
	if err != nil {
		return err
	}
	if err = p.output.check(); err != nil {
		return err
	}
	to, err := p.output.destinations()
	if err != nil {
		return err
	}
	if err = p.planFits(to); err != nil {
		return err
	}
	options, err := p.options(selected, checks.All())
	if err != nil {
		return err
	}
	if err = p.output.expected.load(ctx, s); err != nil {
		return err
	}
	targets, err := readTargets(ctx, args, p.targets, s.in, commands)
	if err != nil {
		return err
	}
	if err = p.targetsFit(targets); err != nil {
		return err
	}
	resolver, err := p.newResolver(slices.ContainsFunc(targets, p.asksDNS))
	if err != nil {
		return err
	}
	if err := p.proxyThere(ctx); err != nil {
		return err
	}
	j := &job{flags: p, streams: s, to: to, options: options, targets: targets, resolver: resolver}
	return j.run(ctx)
}

// planFits refuses a plan in another format than text.
func (p *probeFlags) planFits(to []destination) error {
	for _, d := range to {
		switch usual := formats()[0]; {
		case !p.dryRun || d.format.name == usual.name:
		case d.file == standardOutput || p.output.format == d.format.name:
			return usage("--dry-run prints a plan as text: leave --format %s out", d.format.name)
		default:
			return usage("--dry-run prints a plan as text: name the file %s", renamed(d.file, usual))
		}
	}
	return nil
}

// proxyThere tells a proxy that is not there from receivers that are not.
func (p *probeFlags) proxyThere(ctx context.Context) error {
	if p.proxy == "" || p.dryRun {
		return nil
	}
	source, err := p.sourceAddress()
	if err != nil {
		return err
	}
	switch err := wire.Reachable(ctx, p.proxy, source); {
	case ctx.Err() != nil:
		return ending{code: exitInterrupted}
	case err != nil:
		return ending{exitNothing, err}
	}
	return nil
}

// targetsFit refuses what no run could make sense of: nothing but bad targets,
// or one mailbox of one's own for several.
func (p *probeFlags) targetsFit(targets []target) error {
	var bad []error
	for _, t := range targets {
		if t.err != nil {
			bad = append(bad, t.err)
		}
	}
	switch {
	case len(bad) == len(targets):
		return ending{exitUsage, errors.Join(bad...)}
	case p.rcpt != "" && len(targets) > 1:
		return usage("--rcpt is for a mailbox of your own: want one target, got %d", len(targets))
	}
	return nil
}

// newResolver prepares the resolver. Where it is not needed it is no error that
// there is no nameserver to ask.
func (p *probeFlags) newResolver(needed bool) (*resolve.Resolver, error) {
	o := resolve.Options{
		Nameservers: p.resolver, IPv4: !p.only6, IPv6: !p.only4, AllowPrivate: p.allowPrivate,
		Seed: uint64(time.Now().UnixNano()),
	}
	r, err := resolve.New(o)
	if err == nil {
		return r, nil
	}
	if len(p.resolver) > 0 {
		return nil, ending{exitUsage, fmt.Errorf("--resolver: %w", err)}
	}
	if needed {
		return nil, ending{exitNothing, err}
	}
	// Nothing but addresses, and localhost: the resolver answers those itself.
	o.Nameservers = []string{"127.0.0.1"}
	return resolve.New(o)
}

// asksDNS reports whether the target needs a nameserver.
func (p *probeFlags) asksDNS(t target) bool {
	switch {
	case t.err != nil || t.addr.IsValid():
		return false
	case t.host != "":
		return p.proxy == "" && t.host != "localhost"
	}
	return true
}

// job is one run of the main job.
type job struct {
	flags    *probeFlags
	streams  streams
	to       []destination
	options  run.Options
	targets  []target
	resolver *resolve.Resolver

	result report.Run
}

func (j *job) run(ctx context.Context) error {
	out, err := j.flags.output.open(j.to, j.streams.out)
	if err != nil {
		return err
	}
	defer out.discard()
	j.result = report.Run{
		Version: version(), Started: time.Now(), Profile: j.flags.profile, Order: j.options.Selected,
	}
	if j.flags.repeat > 1 {
		j.result.Repeat, j.result.Interval = j.flags.repeat, j.flags.interval
	}
	progress := newProgress(j.streams.err, &j.flags.output)
	defer progress.end()
	j.options.Progress = progress.update
	progress.say("resolving %d targets", len(j.targets))
	found := j.flags.find(ctx, j.resolver, j.targets)
	j.result.Domains = found.domains
	kept, skipped := limitPlatforms(found.receivers, j.flags.perPlatform)
	if j.flags.dryRun {
		progress.end()
		out.text(planText(j.options, j.flags.rtt, found, kept, skipped, j.result))
	} else {
		j.bound(kept, progress)
		j.probe(ctx, found, kept, skipped, out, progress)
	}
	return j.finish(ctx, found, out.err())
}

// bound fits the run to this machine, and to what others were asked lately.
func (j *job) bound(receivers []probe.Receiver, progress *progress) {
	n, note := fitFiles(fileLimit(), min(j.options.Receivers, len(receivers)), j.options.Wire.Sessions, ownFiles)
	if note != "" {
		progress.tell(note)
		j.options.Receivers = n
	}
	if anyPublic(receivers) {
		j.options.Wire.Ceiling = openCeiling(progress.tell)
	}
}

// probe runs the receivers and writes the result, in one piece or, as NDJSON,
// piece by piece.
func (j *job) probe(ctx context.Context, found resolved, kept []probe.Receiver, skipped []probe.Report, out sinks, progress *progress) {
	out.begin(j.result)
	for _, r := range skipped {
		out.receiver(r)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	again := repetition{
		job: j, progress: progress,
		finished: func(report probe.Report) {
			out.receiver(report)
			if out.lost() {
				cancel() // nobody reads what would still be measured
			}
			j.result.Receivers = append(j.result.Receivers, report)
		},
	}
	again.probe(ctx, rounds{receivers: kept, choices: found.choices, first: j.flags.first, seen: map[string]bool{}})
	if c := j.options.Wire.Ceiling; c != nil {
		tellTrouble(c, c.Trouble(), progress.tell)
	}
	progress.end()
	sortReports(j.result.Receivers, kept)
	j.result.Receivers = append(j.result.Receivers, skipped...)
	j.result.Elapsed = time.Since(j.result.Started)
	j.result.Changes = j.flags.output.expected.changes(j.result)
	out.end(ctx.Err() == nil, j.result)
}

// finish chooses the exit code: interrupted, trouble of our own, --fail-on,
// nothing measured, ran.
func (j *job) finish(ctx context.Context, found resolved, err error) error {
	if err == nil && ctx.Err() == nil && !j.flags.output.quiet {
		j.expected()
	}
	switch {
	case ctx.Err() != nil:
		return ending{exitInterrupted, err}
	case err != nil:
		return ending{exitUsage, err}
	case j.flags.output.expected.fails(j.flags.output.failOn, j.result):
		return ending{code: exitFailOn}
	case j.flags.dryRun && len(found.receivers) > 0:
		return nil
	case j.measured():
		if err = j.flags.output.expected.untold(j.flags.output.failOn, j.result); err != nil {
			return ending{exitNothing, err}
		}
		return nil
	}
	return ending{code: exitNothing, err: j.nothing(found)}
}

func (j *job) measured() bool {
	for _, r := range j.result.Receivers {
		if r.Measured() {
			return true
		}
	}
	return false
}

// nothing says why nothing could be measured where the result itself may go
// unread: the resolver or the proxy is not there.
func (j *job) nothing(found resolved) error {
	if found.unanswered != "" {
		return errors.New(found.unanswered)
	}
	if p := j.flags.proxy; p != "" && len(j.result.Receivers) > 0 {
		return errors.New(j.result.Receivers[0].Reason)
	}
	return nil
}

// sortReports puts reports into the order of their receivers.
func sortReports(reports []probe.Report, order []probe.Receiver) {
	place := map[string]int{}
	for i, r := range order {
		place[identity(r)] = i
	}
	sortBy(reports, func(r probe.Report) int { return place[identity(r.Receiver)] })
}
