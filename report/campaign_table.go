package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// What a table for people has room for.
const (
	mostPlatforms = 25 // rows
	mostNames     = 5  // platforms that punish a habit, domains that take no mail
	longestBar    = 10 // columns of all recipients
	strictWidth   = 13 // columns of "no connection"
)

// CampaignTable writes what is known before a campaign for people. The error is
// the writer's.
func CampaignTable(w io.Writer, c Campaign, style Style) error {
	p := page{bufio.NewWriter(w), style.normal()}
	p.text(p.paint(bold, c.Subject()))
	for _, line := range c.Reading() {
		p.text(line)
	}
	p.text(c.Coverage())
	if c.Note != "" {
		p.text(sentence(tidy(c.Note)))
	}
	if err := p.spread(c); err != nil {
		return fmt.Errorf("draw the table: %w", err)
	}
	p.tolls(c)
	p.dead(c)
	p.unmeasured(c)
	if err := p.Flush(); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	return nil
}

// spread shows how the recipients spread over platforms.
func (p page) spread(c Campaign) error {
	if len(c.Platforms) == 0 {
		return nil
	}
	p.heading("Where the recipients are")
	g := grid{header: []string{"platform", "recipients", "share", "strict", "measured"}}
	bar, measured := longestBar, len("measured")
	for _, of := range c.Platforms[:min(len(c.Platforms), mostPlatforms)] {
		measured = max(measured, len(of.Probed()))
	}
	others := 10 + 6 + 1 + bar + strictWidth + measured + 4*gap + 2
	if p.Width < usualWidth { // names come first
		g.header, bar = g.header[:4], 0
		others = 10 + 6 + 1 + strictWidth + 3*gap + 2
	}
	add := func(who string, recipients int, strict, probed string) {
		row := []string{
			strings.Join(wrapName(who, p.Width-others), "\n"), fmt.Sprintf("%10s", Grouped(recipients)),
			fmt.Sprintf("%6s %s", c.Share(recipients), p.bar(recipients, c.List.Recipients, bar)),
			strings.Join(wrap(strict, strictWidth), "\n"), probed,
		}
		g.rows = append(g.rows, row[:len(g.header)])
	}
	more, rest := 0, 0
	for i, of := range c.Platforms {
		if i >= mostPlatforms {
			more, rest = more+1, rest+of.Recipients
			continue
		}
		add(tidy(of.Name), of.Recipients, of.Strict(), of.Probed())
	}
	if more > 0 {
		add(many(more, "more platform"), rest, "", "")
	}
	if c.NoMail > 0 {
		add("no mail taken", c.NoMail, "", "")
	}
	if err := p.grid(g); err != nil {
		return err
	}
	p.line("")
	p.text("Strict: how many of the checks of order whose verdict is known are enforced. Measured: how many of the platform's receivers.")
	return nil
}

// bar is as long as the share is large, in eighths of a column, or in whole ones.
// Where there are any, it is there.
func (p page) bar(n, of, longest int) string {
	if n <= 0 || of <= 0 || longest == 0 {
		return strings.Repeat(" ", longest)
	}
	eighths := max(1, (8*n*longest+of/2)/of)
	drawn := strings.Repeat("█", eighths/8)
	if part := eighths % 8; part > 0 {
		drawn += string([]rune("▏▎▍▌▋▊▉")[part-1])
	}
	if p.ASCII {
		drawn = strings.Repeat("#", (eighths+4)/8)
		if drawn == "" {
			drawn = "."
		}
	}
	return drawn + strings.Repeat(" ", longest-width(drawn))
}

// tolls say which habits of a sender would hurt, and which were not seen to.
func (p page) tolls(c Campaign) {
	title := "What would hurt"
	if c.Narrowed {
		title = "What will bite your sender"
	}
	p.heading(title)
	hurts := 0
	for _, t := range c.Habits {
		if !t.Hurts() {
			continue
		}
		hurts++
		lead := fmt.Sprintf("%6s %s ", c.Share(t.Punished), p.bar(t.Punished, c.List.Recipients, longestBar))
		p.hang(lead, sentence(t.Name+": "+c.Toll(t)))
		indent := strings.Repeat(" ", width(lead))
		p.hang(indent, "By "+firstOf(each(t.Platforms, tidy), mostNames)+".")
		p.hang(indent, sentence("A sender must "+t.Must))
	}
	if hurts == 0 {
		p.text("Nothing that was asked about, as far as it was measured.")
	}
	p.list("Punished nowhere that it was measured, which is no promise", c.alike(Toll.Spared))
	p.list("Not measured, or not applicable", c.alike(func(t Toll) bool { return !t.Hurts() && !t.Spared() }))
}

// alike are the habits of a kind, those of which the same is known in one item.
func (c Campaign) alike(is func(Toll) bool) []string {
	var said []string
	habits := map[string][]string{}
	for _, t := range c.Habits {
		if !is(t) {
			continue
		}
		words := c.Unpunished(t)
		if habits[words] == nil {
			said = append(said, words)
		}
		habits[words] = append(habits[words], t.Name)
	}
	for i, words := range said {
		said[i] = words + ": " + strings.Join(habits[words], ", ")
	}
	return said
}

func (p page) list(title string, items []string) {
	if len(items) == 0 {
		return
	}
	p.heading(title)
	for _, i := range items {
		p.hang("  ", sentence(i))
	}
}

// dead names the domains that take no mail at all.
func (p page) dead(c Campaign) {
	var all []string
	for _, d := range c.Dead {
		all = append(all, fmt.Sprintf("%s: %s: %s", WhyWords(d.Why), c.Size(d.Recipients, len(d.Domains)), strings.Join(d.Names(mostNames), ", ")))
	}
	p.list("Domains that take no mail", all)
}

// unmeasured says of how many recipients nothing is known, and why.
func (p page) unmeasured(c Campaign) {
	var all []string
	for _, u := range c.Unknown {
		all = append(all, c.UnknownWords(u))
	}
	p.list("Recipients of whom nothing is known", all)
}
