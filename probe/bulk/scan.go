package bulk

import (
	"context"
	"errors"
	"fmt"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/resolve"
)

// ErrGone is the end of a scan whose nameservers have gone: none of them answers
// anything any more.
var ErrGone = errors.New("no nameserver is there")

// Options say what a scan does with its list.
type Options struct {
	// Probe probes one receiver, such as run.Receiver; it ends soon after its
	// context.
	Probe func(context.Context, probe.Receiver) probe.Report
	// There reports whether any nameserver is there. It is asked where several
	// look-ups running went unanswered; nil stands for a resolver that never goes.
	There func(context.Context) bool

	Receivers   int  // probed at once
	Platform    int  // of one platform at once
	PerPlatform int  // of one platform in all, the rest are skipped; 0: all
	Lookups     int  // targets looked up at once
	First       bool // only the best receiver of each target that can be reached

	// Domain and Receiver take what is known as soon as it is, a domain before its
	// receivers. They are called from one goroutine; an error of theirs ends the
	// scan.
	Domain   func(resolve.Domain) error
	Receiver func(probe.Report) error
	// Progress is called whenever something has changed, from the same goroutine;
	// nil: nobody looks.
	Progress func(Counts)
}

// Target is one thing of the list.
type Target struct {
	// Name tells targets apart: one whose name came before is passed over. A
	// target without a name is not.
	Name string
	// Find looks the target up. It ends soon after its context.
	Find func(context.Context) Found
}

// Found is what became of a target: its receivers, the best first, and the domain
// that they belong to, nil where there is nothing to say of one.
type Found struct {
	Domain    *resolve.Domain
	Receivers []probe.Receiver
}

// Read reads the list and yields its targets until it is told that no more are
// wanted. It ends soon after its context. Its error ends the scan.
type Read func(ctx context.Context, yield func(Target) bool) error

// Counts are how far a scan is.
type Counts struct {
	Read    int // named targets, those that were passed over included
	Passed  int // targets whose name came before
	Waiting int // receivers
	Running int
	Done    int // receivers finished, the skipped ones included
}

// Scan is one pass over a list.
type Scan struct {
	Options
	index
	queue
	counts Counts

	cancel  context.CancelFunc
	err     error // why it ends before its time
	mute    bool  // whoever takes the results has failed
	lookups int   // going on
	begun   int   // look-ups in all
	asking  bool  // There is being asked
	held    []unanswered

	found    chan lookup
	finished chan outcome
	there    chan bool
}

// New returns a scan that has seen nothing yet.
func New(o Options) *Scan {
	o.Receivers, o.Platform, o.Lookups = max(1, o.Receivers), max(1, o.Platform), max(1, o.Lookups)
	return &Scan{
		Options: o, index: newIndex(), queue: newQueue(max(1, o.Platform)),
		found: make(chan lookup), finished: make(chan outcome), there: make(chan bool),
	}
}

// Run reads the list and returns when every target is looked up and every
// receiver finished, or soon after the end of the context or a first error. By
// then all its goroutines have ended. The error is that of the context, of Read,
// of a callback, or wraps ErrGone.
func (s *Scan) Run(ctx context.Context, read Read) error {
	own, cancel := context.WithCancel(ctx)
	defer cancel()
	s.cancel = cancel
	targets, failed := make(chan Target), make(chan error, 1)
	go func() {
		defer close(targets)
		failed <- read(own, func(t Target) bool {
			select {
			case targets <- t:
				return true
			case <-own.Done():
				return false
			}
		})
	}()
	s.work(own, targets)
	cancel()
	for range targets {
		continue // the reader was told to end, and is waited for
	}
	err := <-failed
	switch {
	case s.err != nil:
		return s.err
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return err
}

// work goes on until there is nothing left to do, or to wait for.
func (s *Scan) work(ctx context.Context, targets <-chan Target) {
	stopped := ctx.Done()
	for {
		s.start(ctx)
		if targets == nil && s.lookups == 0 && !s.asking {
			switch {
			case len(s.held) > 0 && stopped != nil:
				s.ask(ctx)
			case s.running == 0 && s.waiting == 0:
				return
			}
		}
		in := targets
		if !s.room() {
			in = nil
		}
		select {
		case t, ok := <-in:
			if !ok {
				targets = nil
				continue
			}
			s.look(ctx, t)
		case l := <-s.found:
			s.lookups--
			s.hear(ctx, l)
		case o := <-s.finished:
			s.finish(ctx, o)
		case there := <-s.there:
			s.asking = false
			s.settle(there)
		case <-stopped:
			stopped, targets = nil, nil
			s.drop()
		}
		s.progress()
	}
}

// Bounds of what is held for receivers that are still to come.
const (
	deepest   = 16   // receivers of one platform that may wait, times the receivers at once
	undecided = 5000 // targets that wait for their best receiver
)

// room reports whether another target may be read. As many receivers may wait as
// make sure that every lane has one, although those of a platform take turns.
func (s *Scan) room() bool {
	depth := deepest
	if s.PerPlatform > 0 {
		depth = min(depth, s.PerPlatform)
	}
	return s.lookups < s.Lookups && !s.asking && s.waiting < s.Receivers*depth && s.choices < undecided
}

// look looks a target up that was not met before.
func (s *Scan) look(ctx context.Context, t Target) {
	if t.Name != "" {
		s.counts.Read++
		if !s.meet(t.Name) {
			s.counts.Passed++
			return
		}
	}
	s.lookups++
	s.begun++
	nth := s.begun
	go func() { s.found <- lookup{nth, find(ctx, t)} }()
}

// lookup is the end of the nth look-up.
type lookup struct {
	nth   int
	found Found
}

// find looks up. A fault of our own is that of one target.
func find(ctx context.Context, t Target) (f Found) {
	defer func() {
		if v := recover(); v != nil {
			f = Found{Domain: &resolve.Domain{
				Domain: t.Name, Status: resolve.DNSError,
				Reason: fmt.Sprintf("a fault of smtpprobe's own, please report it: %v", v),
			}}
		}
	}()
	return t.Find(ctx)
}

// start probes what waits, as many receivers at once as may be.
func (s *Scan) start(ctx context.Context) {
	for s.running < s.Receivers && ctx.Err() == nil {
		e := s.next()
		if e == nil {
			return
		}
		r := e.receiver // more domains may join the entry meanwhile
		go func() { s.finished <- outcome{e, s.Probe(ctx, r)} }()
	}
}

// outcome is a receiver that has ended.
type outcome struct {
	entry  *entry
	report probe.Report
}

// finish hands a receiver over. One that was interrupted is not finished: it is
// handed over as what it is, and not entered as done. Behind the end of the scan
// nobody is tried in the place of one that is away: none would begin.
func (s *Scan) finish(ctx context.Context, o outcome) {
	s.leave(o.entry.receiver.Platform)
	again := s.conclude(o.entry, o.report.Status)
	o.report.Receiver = o.entry.receiver // with the domains that are known by now
	s.tell(o.report)
	if ctx.Err() != nil {
		return
	}
	for _, choice := range again {
		s.offer(choice)
	}
}

func (s *Scan) tell(r probe.Report) {
	if r.Status != probe.StatusInterrupted {
		s.counts.Done++
	}
	if !s.mute {
		s.check(s.Receiver(r))
	}
}

// check keeps the error of whoever takes the results, and ends the scan: nobody
// would read what is still measured.
func (s *Scan) check(err error) {
	if err != nil {
		s.mute = true
		s.fail(err)
	}
}

func (s *Scan) fail(err error) {
	if s.err == nil {
		s.err = err
	}
	s.cancel()
}

func (s *Scan) progress() {
	if s.Progress != nil {
		s.counts.Waiting, s.counts.Running = s.waiting, s.running
		s.Progress(s.counts)
	}
}

// LeftOut is the reason of a receiver that is skipped because of PerPlatform.
func LeftOut(platform string) string {
	return "one of more addresses of " + platform + " than --max-per-platform allows"
}
