package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/run"
)

// progress says on standard error what is going on: one line that is written
// over on a terminal, nothing elsewhere unless --verbose asks for lines.
type progress struct {
	out     io.Writer
	screen  bool
	width   int
	verbose bool
	total   int

	mu       sync.Mutex
	finished int
	shown    bool
	begun    time.Time
}

// patience is how long a run stays silent before it shows progress.
const patience = time.Second

func newProgress(out io.Writer, o *outputFlags) *progress {
	p := &progress{out: out, verbose: o.verbose && !o.quiet, begun: time.Now(), width: 80}
	if f, ok := terminal(out); ok && !o.quiet {
		p.screen = true
		if w, _, err := term.GetSize(int(f.Fd())); err == nil {
			p.width = w
		}
	}
	return p
}

// say shows a line of progress.
func (p *progress) say(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := fmt.Sprintf(format, args...)
	switch {
	case p.verbose:
		fmt.Fprintln(p.out, text) //nolint:errcheck // progress is not the result
	case p.screen && time.Since(p.begun) >= patience:
		if len(text) >= p.width {
			text = text[:p.width-1]
		}
		fmt.Fprintf(p.out, "\r%-*s", p.width-1, text) //nolint:errcheck // as above
		p.shown = true
	}
}

// update is called when a session begins.
func (p *progress) update(now run.Progress) {
	p.mu.Lock()
	finished, total := p.finished, p.total
	p.mu.Unlock()
	p.say("[%d/%d] %s: session %d of %d: %s", finished, total, now.Receiver.Host, now.Sessions+1, now.Planned, now.Doing)
}

// done is called when a receiver is finished.
func (p *progress) done(r probe.Report) {
	p.mu.Lock()
	p.finished++
	finished, total := p.finished, p.total
	p.mu.Unlock()
	p.say("[%d/%d] %s: %s after %d sessions", finished, total, r.Host, r.Status, r.Sessions)
}

// end wipes the line.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		fmt.Fprintf(p.out, "\r%s\r", strings.Repeat(" ", p.width-1)) //nolint:errcheck // as above
	}
}

func sortBy(reports []probe.Report, place func(probe.Report) int) {
	slices.SortStableFunc(reports, func(a, b probe.Report) int { return cmp.Compare(place(a), place(b)) })
}
