package run

import (
	"strings"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
)

// report judges what was heard and puts it together.
func (p *prober) report(elapsed time.Duration) probe.Report {
	p.mu.Lock()
	defer p.mu.Unlock()
	facts, bench := p.record.Facts(), probe.NewBench(p.options.Catalogue, p.record)
	r := probe.Report{
		Receiver: p.target, Status: p.status, Reason: p.record.Over,
		Banner: facts.Greeting.Text(), Software: Software(facts.Greeting.Text()),
		Offered: facts.Offered, OfferedTLS: facts.OfferedTLS, TLS: facts.Secured,
		Record:   p.record,
		Inside:   p.record.Channel != probe.Clear,
		Sessions: p.sessions, Commands: p.commands, Elapsed: elapsed,
	}
	if r.Status == "" {
		r.Status = probe.StatusOK
	}
	for _, b := range probe.Baselines() {
		if t, ok := p.record.Baselines[b]; ok {
			r.Controls = append(r.Controls, probe.ControlRun{ID: string(b), Transcript: t})
		}
	}
	for _, c := range p.checks {
		result := decide(bench, c)
		if p.options.selected(c) {
			r.Results = append(r.Results, result)
		} else if tries := p.record.Tries[c.ID]; len(tries) > 0 {
			r.Controls = append(r.Controls, probe.ControlRun{ID: c.ID, Transcript: tries[len(tries)-1]})
		}
	}
	return r
}

// decide asks the judge of a check. A fault in one is the affair of that check.
func decide(bench *probe.Bench, c *probe.Check) (result probe.Result) {
	defer func() {
		if v := recover(); v != nil {
			result = probe.Result{Check: c, Reason: fault(v)}
		}
	}()
	return bench.Decide(c)
}

// Software is the name of the server software in a greeting; empty where it
// names none that is known. It is a guess: greetings can say anything.
func Software(banner string) string {
	for _, name := range []string{
		"Postfix", "Exim", "OpenSMTPD", "Sendmail", "chasquid", "mox", "Stalwart", "Haraka",
		"Microsoft ESMTP", "qmail", "Courier", "hMailServer", "Halon", "PowerMTA", "Zimbra", "gsmtp", "Maddy", "Kerio",
	} {
		if strings.Contains(strings.ToLower(banner), strings.ToLower(name)) {
			return name
		}
	}
	return ""
}
