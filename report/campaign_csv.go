package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"strconv"
	"strings"
)

// CampaignCSV writes what is known before a campaign for spreadsheets (RFC 4180):
// a row for each number, whose section says what it is about. Shares are
// fractions of all recipients. Cells are defused as those of CSV. The error is
// the writer's.
func CampaignCSV(w io.Writer, c Campaign) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	columns := campaignColumns()
	put := func(cells map[string]string) {
		row := make([]string, 0, len(columns))
		for _, c := range columns {
			row = append(row, defuse(clip(cells[c])))
		}
		_ = out.Write(row) // the error comes back when all is flushed
	}
	_ = out.Write(columns)
	for _, cells := range c.rows() {
		put(cells)
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write the campaign as CSV: %w", err)
	}
	return nil
}

// campaignColumns are the columns, in their order.
func campaignColumns() []string {
	return []string{
		"section", "name", "recipients", "share", "domains", "platforms", "receivers", "measured", "sampled", "tolerated",
		"not_applicable", "unmeasured", "enforced", "of", "violations", "detail",
	}
}

// rows are the cells by their columns.
func (c Campaign) rows() []map[string]string {
	var all []map[string]string
	n := strconv.Itoa
	add := func(section, name string, recipients int, more map[string]string) {
		cells := map[string]string{
			"section": section, "name": name, "recipients": n(recipients),
			"share": strconv.FormatFloat(shareOf(recipients, c.List.Recipients), 'f', -1, 64),
		}
		maps.Copy(cells, more)
		all = append(all, cells)
	}
	add("list", "recipients", c.List.Recipients, map[string]string{"domains": n(c.Domains), "platforms": n(len(c.Platforms)), "detail": tidy(c.Note)})
	all = append(all, map[string]string{
		"section": "malformed", "name": n(c.List.Malformed), "detail": strings.Trim(fmt.Sprint(c.List.First), "[]"),
	})
	for _, part := range c.parts() {
		add("coverage", part.name, part.recipients, nil)
	}
	for _, p := range c.Platforms {
		s := p.Strictness()
		add("platform", tidy(p.Name), p.Recipients, map[string]string{
			"domains": n(p.Domains), "receivers": n(p.Receivers), "measured": n(len(p.Measured())), "sampled": n(p.Sampled()),
			"enforced": n(s.Enforced), "of": n(s.Of), "violations": n(p.Violations()), "detail": p.Unmeasured(),
		})
	}
	for _, t := range c.Habits {
		add("habit", t.Name, t.Punished, map[string]string{
			"platforms": n(len(t.Platforms)), "sampled": n(t.Sampled), "tolerated": n(t.Tolerated),
			"not_applicable": n(t.NotApplicable), "unmeasured": n(t.Unmeasured), "detail": "a sender must " + t.Must,
		})
	}
	for _, d := range c.Dead {
		for _, a := range d.Domains {
			add("no-mail", name(a.Domain), a.Recipients, map[string]string{"domains": "1", "detail": d.Why})
		}
	}
	for _, u := range c.Unknown {
		add("unmeasured", u.Why, u.Recipients, map[string]string{"domains": n(u.Domains), "platforms": number0(u.Platforms)})
	}
	return all
}

// part is a part of the recipients.
type part struct {
	name       string
	recipients int
}

// parts are what the recipients fall into: each into one.
func (c Campaign) parts() []part {
	return []part{{"measured", c.Measured}, {"sampled", c.Sampled}, {"no-mail", c.NoMail}, {"unmeasured", c.Unmeasured}}
}
