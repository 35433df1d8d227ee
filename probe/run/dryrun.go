package run

import (
	"slices"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/plan"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// Plan is what a run would do on a receiver that greets and does what the RFCs
// say, and that offers everything a check wants offered and nothing that it wants
// absent.
func (o Options) Plan() []plan.Session {
	checks := slices.DeleteFunc(o.Wanted(), func(c *probe.Check) bool { return c.Needs.Greeting != "" })
	w := plan.Work{Checks: checks, Facts: probe.Facts{Channel: o.channel()}, Budget: plan.Polite()}
	for _, b := range []probe.Baseline{probe.B1, probe.B2, probe.B3} {
		if wants(checks, b) && (b != probe.B2 || o.channel() == probe.Clear && o.TLS != Never) {
			w.Controls = append(w.Controls, b)
		}
	}
	return w.Whole()
}

// PlanFor is what it would do on one that offers these keywords in clear, and
// inside TLS the same but STARTTLS: session by session what a run then does.
func (o Options) PlanFor(offered smtp.Capabilities) []plan.Session {
	served := smtp.Reply{Code: 250}
	facts := probe.Facts{
		Channel: o.channel(), Greeting: smtp.Reply{Code: 220}, Mail: served, MailClear: served, Noop: served,
		Offered: offered, OfferedClear: offered,
	}
	if facts.Channel != probe.Clear {
		facts.Offered = offered.Without("STARTTLS")
		facts.OfferedTLS, facts.Starttls = facts.Offered, smtp.Reply{Code: 220}
	}
	p := &prober{options: o, checks: o.Wanted(), record: probe.Record{Channel: o.channel(), NoTLS: o.TLS == Never}}
	controls := p.controls(facts)
	facts = facts.Hoping(controls)
	pending, risky := p.pending(facts)
	return p.work(slices.Concat(pending, risky), facts, controls).Whole()
}
