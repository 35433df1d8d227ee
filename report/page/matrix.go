package page

import (
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/report"
)

// receiver is a row of the matrix.
type receiver struct {
	Number     int // by which its dossier is found
	Host       string
	Address    string // with the port, where that is not 25
	Platform   string
	Software   string
	Domains    []string
	Trouble    string
	Strictness probe.Strictness
	Score      string // Laplace's estimate of the share enforced, to sort by
	Violations int
	Groups     []cells
}

// cells are those of one group.
type cells struct {
	Name probe.Group
	HTML template.HTML
}

// receivers are those with cells, and those of which there is something to say
// besides, or instead.
func receivers(reports []probe.Report, groups []group) (judged, troubled []receiver) {
	for i, r := range reports {
		s := r.Strictness()
		shown := receiver{
			Number: i + 1, Host: report.Tidy(r.Host), Address: address(r), Platform: report.Tidy(r.Platform),
			Software: report.Tidy(r.Software), Domains: named(r.Domains), Trouble: report.Trouble(r),
			Strictness: s, Score: fmt.Sprintf("%.4f", float64(s.Enforced+1)/float64(s.Of+2)), Violations: r.Violations(),
		}
		if shown.Trouble != "" {
			troubled = append(troubled, shown)
		}
		if !report.Judged(r) {
			continue
		}
		results := map[string]probe.Result{}
		for _, res := range r.Results {
			results[res.Check.ID] = res
		}
		for _, g := range groups {
			shown.Groups = append(shown.Groups, cells{g.Name, row(g.Checks, results)})
		}
		judged = append(judged, shown)
	}
	return judged, troubled
}

func address(r probe.Report) string {
	at := r.Address
	if at == r.Host {
		at = ""
	}
	if r.Port != 25 {
		at += fmt.Sprintf(" port %d", r.Port)
	}
	return report.Tidy(strings.TrimSpace(at))
}

func platforms(reports []probe.Report) []string {
	var all []string
	for _, r := range reports {
		all = append(all, report.Tidy(r.Platform))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// row writes the cells of one receiver in one group. There may be fifty thousand
// in a page, so that the template is not asked for each; all that stands in one
// is ours: words and numbers. The style puts the verdict's mark before it.
func row(checks []probe.Check, results map[string]probe.Result) template.HTML {
	var b strings.Builder
	for _, c := range checks {
		if r, ran := results[c.ID]; ran {
			fmt.Fprintf(&b, `<b role=gridcell class="%s">%s</b>`, class(r), report.Codes(r))
		} else {
			b.WriteString(`<b role=gridcell class="not-run"></b>`)
		}
	}
	return template.HTML(b.String()) //nolint:gosec // no text of a server's is in it
}

// marked is the style by which every verdict shows its mark, and its word to
// those who hear the page.
func marked() string {
	var b strings.Builder
	for _, v := range probe.Verdicts() {
		short, long := report.Mark(v)+" ", report.Mark(v)+" "+v.String()+" "
		if v == probe.NotApplicable {
			long = report.Mark(v) + " n/a"
		}
		fmt.Fprintf(&b, ".%[1]s::before { content: %[2]q; content: %[2]q / \"%[1]s \"; }\n", v, short)
		fmt.Fprintf(&b, ".few .%[1]s::before { content: %[2]q; }\n@media screen { .tall .%[1]s::before { content: %[2]q; } }\n", v, long)
	}
	return b.String()
}

// class is the verdict, and what else a filter asks for.
func class(r probe.Result) string {
	words := r.Verdict.String()
	if r.Conformance == probe.Violates {
		words += " violates"
	}
	if k := r.Agreement.Kind; k == probe.Flaky || k == probe.Transient {
		words += " " + string(k)
	}
	return words
}

// filter is something that cells can be chosen by: a verdict, a violation, or
// runs that differ.
type filter struct {
	Class string
	Words string
	Count int
}

// filters are those that choose any cell.
func filters(reports []probe.Report, repeated bool) []filter {
	var all []filter
	for _, v := range probe.Verdicts() {
		all = append(all, filter{Class: v.String(), Words: v.String()})
	}
	all = append(all, filter{Class: "violates", Words: "violates a MUST"})
	if repeated {
		all = append(all, filter{Class: string(probe.Flaky), Words: "flaky"}, filter{Class: string(probe.Transient), Words: "transient"})
	}
	for _, r := range reports {
		if !report.Judged(r) {
			continue
		}
		for _, res := range r.Results {
			for word := range strings.FieldsSeq(class(res)) {
				i := slices.IndexFunc(all, func(f filter) bool { return f.Class == word })
				if i >= 0 {
					all[i].Count++
				}
			}
		}
	}
	return slices.DeleteFunc(all, func(f filter) bool { return f.Count == 0 })
}

// stay says how far the runs of each receiver agree.
func stay(run report.Run, reports []probe.Report) []string {
	said := []string{fmt.Sprintf("%d runs were asked for, %s apart.", run.Repeat, run.Interval)}
	for _, r := range reports {
		if len(r.Rounds) == 0 || !report.Judged(r) {
			continue
		}
		agreeing := 0
		for _, res := range r.Results {
			if a := res.Agreement; a.Kind == probe.Deterministic && a.Of == a.Runs {
				agreeing++
			}
		}
		said = append(said, fmt.Sprintf("%s %s: %d of %d checks got the same answer in all of %d runs.",
			report.Tidy(r.Host), address(r), agreeing, len(r.Results), len(r.Rounds)))
	}
	return append(said, report.Differ(run)...)
}
