package report

import (
	"fmt"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
)

// matrix shows one target: rows are checks under their groups, columns are
// receivers. It returns the receivers as it numbered them.
func (p page) matrix(run Run) ([]numbered, error) {
	all := number(run.Receivers)
	for _, d := range run.Domains {
		p.domain(d)
	}
	var columns []numbered
	for _, n := range all {
		p.introduce(n)
		if n.judged() {
			columns = append(columns, n)
		}
	}
	if len(columns) == 0 {
		return all, nil
	}
	if err := p.blocks(run.Order, columns); err != nil {
		return nil, err
	}
	p.agreement(run, columns)
	p.violations(run.Order, columns)
	p.advice(run.Order, columns)
	p.unknown(run.Order, columns)
	p.more()
	return all, nil
}

// domain says what the DNS had to say, where that is more than a list of hosts.
func (p page) domain(d Domain) {
	title := p.domainName(d)
	if d.Status != statusOK {
		title += ": " + domainWords(d.Status)
	}
	p.heading(title)
	if d.Reason != "" {
		p.hang(under, sentence(remark(d.Reason, longReason)))
	}
	if d.ImplicitMX {
		p.hang(under, "There is no MX record: the domain is its own mail exchanger (RFC 5321 5.1).")
	}
	for _, r := range remarks(d) {
		p.hang(under, r)
	}
}

// remarks are the notes on a domain and its exchanges, each a sentence.
func remarks(d Domain) []string {
	var all []string
	for _, n := range d.Notes {
		all = append(all, sentence(remark(n.words(), longReason)))
	}
	for _, e := range d.Exchanges {
		for _, n := range e.Notes {
			all = append(all, sentence(remark(e.Host+": "+n.words(), longReason)))
		}
	}
	return all
}

// words are the note; one that was read from a report has its identifier alone.
func (n Note) words() string {
	if n.Text == "" {
		return n.ID
	}
	return n.ID + ": " + n.Text
}

// domainName shows both forms of a name that has two.
func (p page) domainName(d Domain) string {
	shown, ascii := name(d.Domain), tidy(d.ASCII)
	switch {
	case ascii == "" || ascii == shown:
		return p.plain(d.Domain)
	case p.ASCII:
		return ascii
	}
	return fmt.Sprintf("%s (%s)", shown, ascii)
}

// plain shows a domain name in the characters of the style.
func (p page) plain(domain string) string {
	if p.ASCII {
		return tidy(domain)
	}
	return name(domain)
}

func domainWords(status string) string {
	switch status {
	case "null-mx":
		return "takes no mail (null MX)"
	case "nxdomain":
		return "does not exist"
	case "no-address":
		return "has no address"
	case "dns-error":
		return "the DNS gives no answer"
	case "unusable-mx":
		return "no MX record leads to a receiver"
	case "invalid":
		return "is no domain name"
	}
	return tidy(status)
}

const (
	longBanner = 200   // octets of a greeting that are shown
	under      = "   " // what is said of a receiver stands under its name
)

// introduce says above the table who a receiver is and how far the run came.
func (p page) introduce(n numbered) {
	p.line("")
	p.hang(fmt.Sprintf("%-3d", n.number), n.where())
	if trouble := n.trouble(); trouble != "" {
		p.hang(under, sentence(trouble))
	}
	if n.Banner != "" || n.Software != "" {
		banner := "greets with: " + excerpt(n.Banner, longBanner)
		if n.Software != "" {
			banner += fmt.Sprintf(" (%s)", tidy(n.Software))
		}
		p.hang(under, banner)
	}
	if n.Sessions == 0 {
		return
	}
	facts := []string{n.security()}
	if n.Inside {
		facts = append(facts, "all checks inside TLS")
	}
	facts = append(facts, plural(n.Sessions, "session"), plural(n.Commands, "command"), seconds(n.Elapsed))
	p.hang(under, strings.Join(facts, ", "))
}

// security says which TLS was had, or why none.
func (n numbered) security() string {
	switch {
	case n.TLS != "":
		return tidy(n.TLS)
	case n.Offered.Has("STARTTLS"):
		return "STARTTLS is offered, no TLS session"
	}
	return "no TLS"
}

// blocks draws as many receivers side by side as fit, and as many blocks as
// that takes.
func (p page) blocks(order []probe.Check, columns []numbered) error {
	labels, cells := p.rows(order, columns)
	first := 0
	for _, l := range labels {
		first = max(first, width(l))
	}
	first = min(first, p.Width/2)
	widest, host := 0, 0
	for i, n := range columns {
		for _, row := range cells {
			widest = max(widest, width(row[i]))
		}
		host = max(host, width(n.heading()))
	}
	room := p.Width - 2 - first // the library pads both ends
	fit := max(1, room/(widest+gap))
	count := (len(columns) + fit - 1) / fit
	fit = (len(columns) + count - 1) / count // blocks of like size
	column := max(widest, min(host, room/fit-gap))
	for from := 0; from < len(columns); from += fit {
		to := min(from+fit, len(columns))
		g := grid{header: []string{p.paint(bold, "check")}}
		for _, n := range columns[from:to] {
			g.header = append(g.header, p.lines(bold, wrapName(n.heading(), column)))
		}
		for i, l := range labels {
			g.rows = append(g.rows, append([]string{p.label(l, first)}, cells[i][from:to]...))
		}
		if err := p.grid(g); err != nil {
			return err
		}
	}
	return nil
}

func (n numbered) heading() string { return fmt.Sprintf("%d %s", n.number, tidy(n.Host)) }

// lines joins the lines of one cell, each coloured on its own: a colour that
// ran over a line end would run over the border as well.
func (p page) lines(colour string, lines []string) string {
	painted := make([]string, len(lines))
	for i, l := range lines {
		painted[i] = p.paint(colour, l)
	}
	return strings.Join(painted, "\n")
}

// label is the first cell of a row: a group, or indented below it a check.
func (p page) label(text string, limit int) string {
	id, isCheck := strings.CutPrefix(text, "  ")
	if !isCheck {
		return p.lines(bold, wrapName(text, limit))
	}
	if width(text) <= limit {
		return text
	}
	return "  " + strings.Join(wrapName(id, limit-4), "\n    ")
}

// rows are the labels and cells of the table, the sums below the checks.
func (p page) rows(order []probe.Check, columns []numbered) (labels []string, cells [][]string) {
	group := probe.Group("")
	add := func(label string, cell func(numbered) string) {
		row := make([]string, len(columns))
		for i, n := range columns {
			row[i] = cell(n)
		}
		labels, cells = append(labels, label), append(cells, row)
	}
	none := func(numbered) string { return "" }
	for i := range order {
		if order[i].Group != group {
			group = order[i].Group
			add(string(group), none)
		}
		add("  "+order[i].ID, func(n numbered) string { return p.cell(n, order[i].ID) })
	}
	add("in all", none)
	add("  strictness", func(n numbered) string { return "strict " + fraction(n.Strictness()) })
	add("  violations of a MUST", func(n numbered) string { return fmt.Sprint(n.Violations()) })
	add("  inconclusive", func(n numbered) string { return fmt.Sprint(n.Count(probe.Inconclusive)) })
	return labels, cells
}

func fraction(s probe.Strictness) string { return fmt.Sprintf("%d of %d", s.Enforced, s.Of) }

// cell is the verdict's mark and word, and the code of the reply that decided.
func (p page) cell(n numbered, id string) string {
	r, ran := n.results[id]
	if !ran {
		return p.paint(dim, "not run")
	}
	text := p.mark(r.Verdict) + " " + word(r.Verdict)
	if r.Verdict.Known() && r.Reply.Code != 0 {
		text += " " + codes(r, "/")
	}
	return p.paint(lookOf(r.Verdict).colour, text)
}

// more says where the rest is.
func (p page) more() {
	text := "smtpprobe explain CHECK says what a check sends and what each verdict of it means."
	if !p.Transcript {
		text += " --transcript shows the dialogue behind every cell."
	}
	p.heading("To see more")
	p.text(text)
	p.text("Strictness counts the checks of order whose verdict is known, and how many of them the receiver enforces.")
}
