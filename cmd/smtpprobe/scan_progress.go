package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/bulk"
	"github.com/smtpprobe/smtpprobe/probe/run"
)

// teller says from time to time how far a long run is: on a terminal in a line
// that is written over, elsewhere in one every ten seconds.
type teller struct {
	screen *progress
	out    io.Writer
	quiet  bool
	text   func() string

	stop chan struct{}
	done chan struct{}
	once sync.Once
}

// logEvery is the time between two lines where there is no terminal.
const logEvery = 10 * time.Second

func newTeller(out io.Writer, o *outputFlags, text func() string) *teller {
	t := &teller{
		screen: newProgress(out, o), out: out, quiet: o.quiet, text: text,
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	go t.tell()
	return t
}

// tell says it until end.
func (t *teller) tell() {
	defer close(t.done)
	every := logEvery
	if t.screen.screen {
		every = redraw
	}
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			switch {
			case t.screen.screen:
				t.screen.say("%s", t.text())
			case !t.quiet:
				fmt.Fprintln(t.out, t.text()) //nolint:errcheck // progress is not the result
			}
		case <-t.stop:
			return
		}
	}
}

// end stops the telling. It may be called again.
func (t *teller) end() {
	t.once.Do(func() {
		close(t.stop)
		<-t.done
		t.screen.end()
	})
}

// finished is called when a receiver is.
func (t *teller) finished(r probe.Report) {
	if t.screen.verbose {
		t.screen.say("%s: %s after %d sessions", r.Host, r.Status, r.Sessions)
	}
}

// session is called when a session begins.
func (t *teller) session(now run.Progress) {
	t.screen.say("%s: session %d of %d: %s", now.Receiver.Host, now.Sessions+1, now.Planned, now.Doing)
}

// scanProgress is how far a scan is.
type scanProgress struct {
	*teller
	lines int          // of the list; 0: nobody knows
	line  atomic.Int64 // that was read last

	earlier atomic.Int64 // receivers that an earlier pass has finished

	mu       sync.Mutex
	counts   bulk.Counts
	verdicts string
	from     time.Time // when the first target was looked up that was not passed over
	fromLine int64
}

func newScanProgress(out io.Writer, o *outputFlags, lines int) *scanProgress {
	p := &scanProgress{lines: lines}
	p.teller = newTeller(out, o, p.text)
	return p
}

// update is called when anything has changed.
func (p *scanProgress) update(c bulk.Counts) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts = c
	if p.from.IsZero() && c.Read > c.Passed {
		p.from, p.fromLine = time.Now(), p.line.Load()
	}
}

// report is called when a receiver is finished, with the number of all verdicts.
func (p *scanProgress) report(r probe.Report, verdicts map[string]int) {
	p.mu.Lock()
	p.verdicts = verdictWords(verdicts)
	p.mu.Unlock()
	p.finished(r)
}

// verdictWords are the verdicts that were given, with their numbers.
func verdictWords(verdicts map[string]int) string {
	var all []string
	for _, v := range probe.Verdicts() {
		if n := verdicts[v.String()]; n > 0 {
			all = append(all, fmt.Sprintf("%s %d", v, n))
		}
	}
	return strings.Join(all, ", ")
}

// text is how far the scan is.
func (p *scanProgress) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	line, c := int(p.line.Load()), p.counts
	text := fmt.Sprintf("line %d", line)
	if p.lines > 0 {
		text += fmt.Sprintf(" of %d", p.lines)
	}
	text += fmt.Sprintf("; receivers: %d done, %d running", int(p.earlier.Load())+c.Done, c.Running)
	if took := time.Since(p.from); !p.from.IsZero() && took >= time.Second && c.Done > 0 {
		perSecond := float64(c.Done) / took.Seconds()
		text += fmt.Sprintf(", %.1f/s", perSecond)
		if left := p.left(took, perSecond); left > 0 {
			text += fmt.Sprintf(", %s left", left.Round(time.Second))
		}
	}
	if p.verdicts != "" {
		text += "; " + p.verdicts
	}
	return text
}

// left is the time that it will take, 0 where that cannot be told: the list goes
// on as it went until now, and behind its end the receivers do.
func (p *scanProgress) left(took time.Duration, perSecond float64) time.Duration {
	read, ahead := p.line.Load()-p.fromLine, int64(p.lines)-p.line.Load()
	switch {
	case p.lines == 0:
		return 0
	case ahead > 0 && read > 0:
		return time.Duration(float64(took) * float64(ahead) / float64(read))
	}
	return time.Duration(float64(p.counts.Waiting+p.counts.Running) / perSecond * float64(time.Second))
}
