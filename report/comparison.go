package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
)

// The headline checks: the faults that senders meet most. Pipelining without
// advertisement has two forms, of which the second stands in for the first
// where PIPELINING is offered.
const (
	rcptBeforeMail       = "rcpt-before-mail"
	dataWithoutRcpt      = "data-without-rcpt"
	tlsMailWithoutEHLO   = "tls-mail-without-ehlo"
	pipelineUnadvertised = "pipeline-unadvertised"
	pipelineAfterHELO    = "pipeline-after-helo"
)

// fewChecks is the largest selection of which every check has a column.
const fewChecks = 6

// column is one column of the comparison.
type column struct {
	title string
	cell  func(numbered) string
}

// comparison shows many receivers: rows are receivers, the strictest first,
// and behind them the domains that have none. It returns the receivers as it
// numbered them.
func (p page) comparison(run Run) ([]numbered, error) {
	all := number(strictestFirst(run.Receivers))
	var rows []row
	for i, n := range all {
		rows = append(rows, row{p.rowLabel(n), i})
	}
	var troubled []Domain
	for _, d := range run.Domains {
		if d.Status != statusOK {
			troubled = append(troubled, d)
			rows = append(rows, row{fmt.Sprintf("%s: %s", p.domainName(d), domainWords(d.Status)), noCells})
		}
	}
	if err := p.compare(p.columns(run.Order), rows, all); err != nil {
		return nil, err
	}
	p.line("")
	p.items(p.legend())
	p.explain(run.Order)
	p.agreement(run, all)
	p.troubles(all, troubled)
	p.remarks(run.Domains)
	p.because("Inconclusive, and why", p.reasons(probe.Inconclusive, p.ofColumns(run.Order), all), all)
	p.violations(run.Order, all)
	p.heading("To see more")
	p.text("smtpprobe DOMAIN shows one domain check by check, and what a sender must take care of there. smtpprobe explain CHECK says what a check sends and what each verdict of it means.")
	return all, nil
}

// strictestFirst sorts by (enforced + 1) / (known + 2), Laplace's estimate of
// the share of the rules of order that are enforced: one verdict alone does not
// put a receiver before one that enforced 17 of 18. Those of which nothing is
// known come last.
func strictestFirst(reports []probe.Report) []probe.Report {
	sorted := slices.Clone(reports)
	slices.SortStableFunc(sorted, func(a, b probe.Report) int {
		s, t := a.Strictness(), b.Strictness()
		switch {
		case a.Measured() != b.Measured():
			return before(a.Measured(), b.Measured())
		case s.Of == 0 || t.Of == 0:
			return before(s.Of > 0, t.Of > 0)
		}
		return cmp.Compare((t.Enforced+1)*(s.Of+2), (s.Enforced+1)*(t.Of+2))
	})
	return sorted
}

// before puts what holds before what does not.
func before(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// rowLabel names a receiver, the domains that it serves and that its host does
// not tell, and in words why there is nothing in its row.
func (p page) rowLabel(n numbered) string {
	label := fmt.Sprintf("%d %s", n.number, n.where())
	var domains []string
	for _, d := range n.Domains {
		if d != n.Host && !strings.HasSuffix(n.Host, "."+d) {
			domains = append(domains, p.plain(d))
		}
	}
	if len(domains) > 0 {
		label += " for " + strings.Join(domains, ", ")
	}
	if n.Status != probe.StatusOK {
		label += ": " + statusWords(n.Status)
	}
	return label
}

// columns are the headline checks and the groups that the run has, or each
// check where only a few were selected.
func (p page) columns(order []probe.Check) []column {
	var all []column
	piped := false
	for _, c := range p.ofColumns(order) {
		switch {
		case len(order) > fewChecks && (c.ID == pipelineUnadvertised || c.ID == pipelineAfterHELO):
			piped = true
		default:
			all = append(all, column{c.ID, func(n numbered) string { return p.brief(n, c.ID, "") }})
		}
	}
	if piped {
		all = append(all, column{"pipelining not offered", p.pipelining})
	}
	if len(order) > fewChecks {
		for _, g := range groups(order) {
			all = append(all, column{string(g), func(n numbered) string { return groupCell(n, g) }})
		}
	}
	return all
}

// ofColumns are the checks whose verdicts can be seen.
func (p page) ofColumns(order []probe.Check) []probe.Check {
	if len(order) <= fewChecks {
		return order
	}
	headlines := []string{rcptBeforeMail, dataWithoutRcpt, tlsMailWithoutEHLO, pipelineUnadvertised, pipelineAfterHELO}
	return slices.DeleteFunc(slices.Clone(order), func(c probe.Check) bool { return !slices.Contains(headlines, c.ID) })
}

func groups(order []probe.Check) []probe.Group {
	var all []probe.Group
	for i := range order {
		if !slices.Contains(all, order[i].Group) {
			all = append(all, order[i].Group)
		}
	}
	return all
}

// brief is a cell without the verdict's word.
func (p page) brief(n numbered, id, form string) string {
	r, ran := n.results[id]
	if !ran {
		return ""
	}
	text := p.mark(r.Verdict)
	if r.Verdict.Known() && r.Reply.Code != 0 {
		text += " " + codes(r, "/")
	}
	return p.paint(lookOf(r.Verdict).colour, text+form)
}

// pipelining shows the form that applies: behind EHLO where PIPELINING is not
// offered, otherwise behind HELO, which offers nothing.
func (p page) pipelining(n numbered) string {
	if r, ran := n.results[pipelineUnadvertised]; ran && r.Verdict != probe.NotApplicable {
		return p.brief(n, pipelineUnadvertised, " EHLO")
	}
	if _, ran := n.results[pipelineAfterHELO]; ran {
		return p.brief(n, pipelineAfterHELO, " HELO")
	}
	return p.brief(n, pipelineUnadvertised, " EHLO")
}

// groupCell counts the checks of a group that ended as their rule has it,
// strict or correct, among those whose verdict is known.
func groupCell(n numbered, g probe.Group) string {
	kept, known := 0, 0
	for _, r := range n.Results {
		if r.Check.Group != g || !r.Verdict.Known() {
			continue
		}
		known++
		if r.Verdict == probe.Strict || r.Verdict == probe.Correct {
			kept++
		}
	}
	if known == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", kept, known)
}

// explain says what the columns mean that are not checks.
func (p page) explain(order []probe.Check) {
	p.text("Strict: how many of the checks of order whose verdict is known the receiver enforces.")
	if len(order) <= fewChecks {
		return
	}
	if probe.CheckByID(order, pipelineUnadvertised) != nil || probe.CheckByID(order, pipelineAfterHELO) != nil {
		p.text("Pipelining not offered: EHLO is the check pipeline-unadvertised; HELO is pipeline-after-helo, where PIPELINING is offered after EHLO.")
	}
	p.text("Groups: 3/4 means that of four checks whose verdict is known three were strict or correct. Empty: nothing is known.")
}

// remarks lists the notes on all domains.
func (p page) remarks(domains []Domain) {
	begun := false
	for _, d := range domains {
		for _, r := range remarks(d) {
			if !begun {
				p.heading("Remarks on the DNS")
			}
			begun = true
			p.text(p.domainName(d) + ": " + r)
		}
	}
}

// troubles gives the reasons behind rows that have no verdicts.
func (p page) troubles(all []numbered, domains []Domain) {
	begun := false
	begin := func() {
		if !begun {
			p.heading("Not measured, or not to the end")
		}
		begun = true
	}
	for _, n := range all {
		if trouble := n.trouble(); trouble != "" {
			begin()
			p.text(sentence(fmt.Sprintf("%d %s: %s", n.number, n.where(), trouble)))
		}
	}
	for _, d := range domains {
		begin()
		reason := domainWords(d.Status)
		if d.Reason != "" {
			reason = remark(d.Reason, longReason)
		}
		p.text(sentence(p.domainName(d) + ": " + reason))
	}
}
