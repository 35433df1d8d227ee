package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
)

// Join makes one run of several, for a comparison of their receivers. A receiver
// or a domain that more than one of them has is that of the last; it keeps the
// domains that it serves by any of them.
func Join(runs []Run, catalogue []probe.Check) Run {
	joined := Run{Transcripts: true}
	var met []*probe.Check
	for _, r := range runs {
		joined.Version, joined.Started, joined.Profile = r.Version, r.Started, r.Profile
		joined.Elapsed += r.Elapsed
		joined.Transcripts = joined.Transcripts && r.Transcripts
		joined.Incomplete = joined.Incomplete || r.Incomplete
		for _, d := range r.Domains {
			joined.Domains = slices.DeleteFunc(joined.Domains, func(x Domain) bool { return x.key() == d.key() })
			joined.Domains = append(joined.Domains, d)
		}
		for _, rcv := range r.Receivers {
			joined.Receivers = replace(joined.Receivers, rcv)
		}
		for i := range r.Order {
			met = append(met, &r.Order[i])
		}
	}
	joined.Order = ordered(met, catalogue)
	return joined
}

// replace puts a report in the place of an older one of the same receiver, where
// there is one.
func replace(all []probe.Report, r probe.Report) []probe.Report {
	i := slices.IndexFunc(all, func(x probe.Report) bool { return sameReceiver(x.Receiver, r.Receiver) })
	if i < 0 {
		return append(all, r)
	}
	served := slices.Clone(all[i].Domains)
	for _, d := range r.Domains {
		if !slices.Contains(served, d) {
			served = append(served, d)
		}
	}
	r.Domains = served
	return append(slices.Delete(all, i, i+1), r)
}

// CompareTable writes receivers as rows, the strictest first, and as columns the
// checks on which they differ, or all; below, what a sender must do to get along
// with all of them. The error is the writer's.
func CompareTable(w io.Writer, run Run, style Style, all bool) error {
	p := page{bufio.NewWriter(w), style.normal()}
	if err := p.ranking(run, all); err != nil {
		return fmt.Errorf("draw the table: %w", err)
	}
	if err := p.Flush(); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	return nil
}

func (p page) ranking(run Run, all bool) error {
	receivers := number(strictestFirst(run.Receivers))
	columns := slices.DeleteFunc(slices.Clone(receivers), func(n numbered) bool { return !n.Measured() })
	var rows []row
	for i, n := range receivers {
		rows = append(rows, row{p.rowLabel(n), i})
	}
	var shown []column
	alike := 0
	for _, c := range run.Order {
		if !all && !apartIn(c.ID, columns) {
			alike++
			continue
		}
		shown = append(shown, column{c.ID, func(n numbered) string { return p.brief(n, c.ID, "") }})
	}
	p.line(p.paint(bold, fmt.Sprintf("%s, the strictest first", plural(len(receivers), "receiver"))))
	switch {
	case len(shown) > 0:
		if err := p.compare(shown, rows, receivers); err != nil {
			return err
		}
		p.line("")
		p.items(p.legend())
	case len(columns) > 1:
		p.text("They differ in no check that is known of two of them.")
	}
	if alike > 0 {
		p.text(fmt.Sprintf("Not shown: %s on which no two of them differ; --all shows all.", plural(alike, "check")))
	}
	p.text("Strict: how many of the checks of order whose verdict is known the receiver enforces.")
	var troubled []Domain
	for _, d := range run.Domains {
		if d.Status != statusOK {
			troubled = append(troubled, d)
		}
	}
	p.troubles(receivers, troubled)
	p.demands(run.Order, columns)
	return nil
}

// apartIn reports whether two receivers have different verdicts on a check, both
// known.
func apartIn(id string, columns []numbered) bool {
	first := ""
	for _, n := range columns {
		r, ran := n.results[id]
		switch v := verdictOf(r); {
		case !ran || !r.Verdict.Known():
		case first == "":
			first = v
		case v != first:
			return true
		}
	}
	return false
}

// demand is what a sender must do, since receivers punish the other habit.
type demand struct {
	must      string
	known     int // receivers of which a check about the habit is known
	penalties []penalized
}

type penalized struct {
	penalty
	of int
}

// penalty is what a receiver does to a sender with the habit, as words behind
// "3 of 7 receivers", and behind "1 of 7 receivers".
type penalty struct{ many, one string }

// demands say in plain words the least that a sender must do to get along with
// all of these receivers, the most frequent demand first.
func (p page) demands(order []probe.Check, columns []numbered) {
	var all []demand
	for _, checks := range byHabit(order) {
		d := demand{must: checks[0].Habit.Must}
		for _, n := range columns {
			d.add(n, checks)
		}
		if len(d.penalties) > 0 {
			all = append(all, d)
		}
	}
	if len(all) == 0 {
		return
	}
	slices.SortStableFunc(all, func(a, b demand) int { return cmp.Compare(b.punished(), a.punished()) })
	p.heading("What a sender must do to get along with all of them")
	for _, d := range all {
		p.hang("", sentence("A sender must "+d.must+": "+d.words()))
	}
}

// byHabit are the checks that have the same habit, in their order.
func byHabit(order []probe.Check) [][]probe.Check {
	var all [][]probe.Check
	for _, c := range order {
		if c.Habit.Name == "" {
			continue
		}
		i := slices.IndexFunc(all, func(same []probe.Check) bool { return same[0].Habit == c.Habit })
		if i < 0 {
			i = len(all)
			all = append(all, nil)
		}
		all[i] = append(all[i], c)
	}
	return all
}

// add counts a receiver once, by the first check that bites.
func (d *demand) add(n numbered, checks []probe.Check) {
	known := false
	for _, c := range checks {
		r := n.results[c.ID]
		known = known || r.Verdict.Known()
		if !r.Verdict.Known() || !punishes(r) {
			continue
		}
		d.known++
		what := penaltyOf(r)
		i := slices.IndexFunc(d.penalties, func(x penalized) bool { return x.penalty == what })
		if i < 0 {
			i = len(d.penalties)
			d.penalties = append(d.penalties, penalized{penalty: what})
		}
		d.penalties[i].of++
		return
	}
	if known {
		d.known++
	}
}

func (d *demand) punished() int {
	n := 0
	for _, x := range d.penalties {
		n += x.of
	}
	return n
}

// words are "3 of 7 receivers refuse otherwise, 1 closes the connection".
func (d *demand) words() string {
	slices.SortStableFunc(d.penalties, func(a, b penalized) int { return cmp.Compare(b.of, a.of) })
	words := make([]string, len(d.penalties))
	for i, x := range d.penalties {
		verb := x.many
		if x.of == 1 {
			verb = x.one
		}
		words[i] = fmt.Sprintf("%d %s", x.of, verb)
		if i == 0 { // what stands behind it is about the same receivers
			words[i] = fmt.Sprintf("%d of %s %s otherwise", x.of, plural(d.known, "receiver"), verb)
		}
	}
	return strings.Join(words, ", ")
}

// penaltyOf says what a result that bites does to a sender.
func penaltyOf(r probe.Result) penalty {
	refuse := penalty{"refuse", "refuses"}
	switch {
	case r.Check.Observes(), r.Verdict == probe.Lenient:
		return penalty{"mislead it", "misleads it"}
	case r.Verdict == probe.Dropped:
		return penalty{"close the connection", "closes the connection"}
	case r.Verdict == probe.Broken:
		return penalty{"lose step", "loses step"}
	case r.Verdict == probe.Correct && r.Check.Polarity == probe.Clearing, r.Verdict == probe.Overstrict && (r.Check.Polarity == probe.Keeping || !r.Reply.Refused()):
		return penalty{"forget the transaction", "forgets the transaction"}
	case !r.Reply.Refused():
		return penalty{"do not obey", "does not obey"}
	}
	return refuse
}
