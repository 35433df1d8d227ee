package main

import (
	"fmt"
	"io"
	"sync/atomic"

	"github.com/smtpprobe/smtpprobe/probe"
)

// campaignProgress is how far a campaign is: with the list, then with its domains,
// then with their platforms.
type campaignProgress struct {
	*teller
	lines     atomic.Int64
	domains   atomic.Int64 // of the list; 0: it is being read
	looked    atomic.Int64
	platforms atomic.Int64 // 0: domains are being looked up
	done      atomic.Int64 // receivers
	verdicts  atomic.Pointer[string]
}

func newCampaignProgress(out io.Writer, o *outputFlags) *campaignProgress {
	p := &campaignProgress{}
	p.teller = newTeller(out, o, p.text)
	return p
}

// report is called when a receiver is finished, with the number of all verdicts.
func (p *campaignProgress) report(r probe.Report, verdicts map[string]int) {
	words := verdictWords(verdicts)
	p.verdicts.Store(&words)
	p.done.Add(1)
	p.finished(r)
}

func (p *campaignProgress) text() string {
	switch {
	case p.domains.Load() == 0:
		return fmt.Sprintf("reading the list: line %d", p.lines.Load())
	case p.platforms.Load() == 0:
		return fmt.Sprintf("looking up domains: %d of %d", p.looked.Load(), p.domains.Load())
	}
	text := fmt.Sprintf("probing: %d receivers done, of %d platforms", p.done.Load(), p.platforms.Load())
	if words := p.verdicts.Load(); words != nil && *words != "" {
		text += "; " + *words
	}
	return text
}
