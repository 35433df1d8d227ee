package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/run"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// progress says on standard error what is going on: one line that is written
// over on a terminal, nothing elsewhere unless --verbose asks for lines.
type progress struct {
	out     io.Writer
	screen  bool
	width   int
	verbose bool
	quiet   bool

	mu       sync.Mutex
	total    int    // receivers
	lead     string // which run of several this is
	finished int
	latest   string
	shown    bool
	begun    time.Time

	stop chan struct{} // ends the drawing
	done chan struct{} // closed when it has ended
}

// A run stays silent for a moment before it shows progress, and then shows it
// also while nothing happens.
const (
	patience = time.Second
	redraw   = 250 * time.Millisecond
)

func newProgress(out io.Writer, o *outputFlags) *progress {
	p := &progress{
		out: out, verbose: o.verbose && !o.quiet, quiet: o.quiet, begun: time.Now(),
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	f, ok := terminal(out)
	if p.screen = ok && !o.quiet && !p.verbose; !p.screen {
		close(p.done)
		return p
	}
	p.width = screenWidth(f)
	go p.draw()
	return p
}

// screenWidth is the number of columns of a terminal, 80 where it does not say.
func screenWidth(f *os.File) int {
	if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
		return w
	}
	return 80
}

// draw shows the latest line from time to time, until end.
func (p *progress) draw() {
	defer close(p.done)
	ticks := time.NewTicker(redraw)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			p.mu.Lock()
			if time.Since(p.begun) >= patience && p.latest != "" {
				text := fmt.Sprintf("%s (%s)", p.latest, time.Since(p.begun).Round(time.Second))
				text = text[:min(len(text), p.width-1)]
				fmt.Fprintf(p.out, "\r%-*s", p.width-1, text) //nolint:errcheck // progress is not the result
				p.shown = true
			}
			p.mu.Unlock()
		case <-p.stop:
			return
		}
	}
}

// say sets the line of progress. What it holds of names came from the DNS or
// from the user, so it is shown as ASCII.
func (p *progress) say(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.latest = smtp.Escape(fmt.Sprintf(format, args...))
	if p.verbose {
		fmt.Fprintln(p.out, p.latest) //nolint:errcheck // as above
	}
}

// tell prints a note, which stays.
func (p *progress) tell(note string) {
	if p.quiet {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wipe()
	fmt.Fprintf(p.out, "smtpprobe: %s\n", visible(note)) //nolint:errcheck // progress is not the result
}

// wipe clears the line of progress. The caller holds the lock.
func (p *progress) wipe() {
	if p.shown {
		fmt.Fprintf(p.out, "\r%s\r", strings.Repeat(" ", p.width-1)) //nolint:errcheck // as above
		p.shown = false
	}
}

// update is called when a session begins.
func (p *progress) update(now run.Progress) {
	p.mu.Lock()
	finished, total, lead := p.finished, p.total, p.lead
	p.mu.Unlock()
	p.say(lead+"[%d/%d] %s: session %d of %d: %s", finished, total, now.Receiver.Host, now.Sessions+1, now.Planned, now.Doing)
}

// run is called when a run of several begins.
func (p *progress) run(n, of int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lead, p.finished = fmt.Sprintf("run %d of %d ", n, of), 0
}

// expect sets how many receivers there are.
func (p *progress) expect(total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total = total
}

// report is called when a receiver is finished.
func (p *progress) report(r probe.Report) {
	p.mu.Lock()
	p.finished++
	finished, total, lead := p.finished, p.total, p.lead
	p.mu.Unlock()
	p.say(lead+"[%d/%d] %s: %s after %d sessions", finished, total, r.Host, r.Status, r.Sessions)
}

// end stops the drawing and wipes the line. It may be called again.
func (p *progress) end() {
	p.mu.Lock()
	select {
	case <-p.stop:
	default:
		close(p.stop)
	}
	p.mu.Unlock()
	<-p.done
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wipe()
}

func sortBy(reports []probe.Report, place func(probe.Report) int) {
	slices.SortStableFunc(reports, func(a, b probe.Report) int { return cmp.Compare(place(a), place(b)) })
}
