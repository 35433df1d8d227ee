package main

import (
	"context"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/run"
)

// repetition runs the job as often as it is asked for and hands each receiver
// over when its last run is over.
type repetition struct {
	job      *job
	progress *progress
	finished func(probe.Report)

	queue []probe.Receiver // in the order in which the first run came to them
	heard map[string]*probe.Runs
}

// probe makes the runs one after the other. An interrupt ends them; what was
// heard by then is handed over.
func (r *repetition) probe(ctx context.Context, targets rounds) {
	total := r.job.flags.repeat
	options := r.job.options
	if total == 1 {
		r.first(ctx, targets, options, r.finished)
		return
	}
	options.Ways = &run.Ways{}
	r.heard = map[string]*probe.Runs{}
	r.progress.run(1, total)
	r.first(ctx, targets, options, r.hear)
	for n := 2; n <= total; n++ {
		r.progress.say("run %d of %d is over, the next one begins in %s", n-1, total, r.job.flags.interval)
		if !pause(ctx, r.job.flags.interval) {
			break
		}
		r.progress.run(n, total)
		run.Many(ctx, r.queue, options, func(report probe.Report) {
			r.progress.report(report)
			r.hear(report)
			if n == total {
				r.join(report.Receiver)
			}
		})
	}
	for _, receiver := range r.queue {
		r.join(receiver)
	}
}

// first is the first run: with --first, the next best address of a target is
// tried where the best one cannot be reached. Later runs go to the same ones.
func (r *repetition) first(ctx context.Context, targets rounds, options run.Options, done func(probe.Report)) {
	for queue := targets.next(); len(queue) > 0; queue = targets.next() {
		r.progress.expect(len(targets.seen))
		r.queue = append(r.queue, queue...)
		run.Many(ctx, queue, options, func(report probe.Report) {
			r.progress.report(report)
			targets.reached(report)
			done(report)
		})
	}
}

// hear keeps what one run says of a receiver.
func (r *repetition) hear(report probe.Report) {
	id := identity(report.Receiver)
	if r.heard[id] == nil {
		r.heard[id] = &probe.Runs{}
	}
	r.heard[id].Add(report)
}

// join hands a receiver over, once.
func (r *repetition) join(receiver probe.Receiver) {
	id := identity(receiver)
	if all := r.heard[id]; all != nil {
		delete(r.heard, id)
		r.finished(all.Join())
	}
}

// pause waits, and reports whether it could wait to the end.
func pause(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
