package page

import (
	"bufio"
	"crypto/sha256"
	_ "embed" // the page, its style and its script are files
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/report"
)

//go:embed page.html
var layout string

//go:embed page.css
var style string

//go:embed page.js
var script string

// HTML writes the run as one self-contained file. The error is the writer's, or
// says which receiver could not be packed.
func HTML(w io.Writer, run report.Run) error {
	t, err := template.New("page").Funcs(template.FuncMap{"conditions": report.Conditions, "link": link}).Parse(layout)
	if err != nil {
		return fmt.Errorf("the template of the page: %w", err)
	}
	c, err := newContent(run)
	if err != nil {
		return fmt.Errorf("write the report as HTML: %w", err)
	}
	out := bufio.NewWriter(w)
	if err := t.Execute(out, c); err != nil {
		return fmt.Errorf("write the report as HTML: %w", err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write the report as HTML: %w", err)
	}
	return nil
}

// handful is the largest number of receivers that are shown as columns.
const handful = 8

// content is what the template shows.
type content struct {
	Policy     string
	Style      template.CSS
	Script     template.JS
	Run        report.Run
	Version    string
	Profile    string
	Title      string
	Started    string
	Took       time.Duration
	Conclusion string
	Note       string
	Tall       bool // receivers are few: each is a column
	Sorted     bool // the strictest receiver first
	Groups     []group
	Filters    []filter
	Receivers  []receiver
	Troubled   []receiver
	Platforms  []string
	Domains    []domain
	Stay       []string // how the runs of a repeated run agree, in sentences
	Machine    machine
	Dossiers   []template.HTML
}

// group is a group with those of its checks that the run has.
type group struct {
	Name   probe.Group
	Checks []probe.Check
}

// domain is what the DNS said of a target.
type domain struct {
	Domain    string
	Status    string
	Reason    string
	Name      string
	Trouble   string
	Remarks   []string
	Implicit  bool
	Exchanges []exchange
}

type exchange struct {
	Preference int
	Host       string
	Addresses  []string
}

func newContent(run report.Run) (content, error) {
	css := style + marked()
	c := content{
		Style: template.CSS(css), Script: template.JS(script), //nolint:gosec // files of ours
		Policy: policy(css), Run: run, Title: title(run),
		Version: report.Tidy(run.Version), Profile: report.Tidy(run.Profile),
		Started: run.Started.Format("2006-01-02 15:04:05 -0700"), Took: run.Elapsed.Round(100 * time.Millisecond),
		Conclusion: run.Conclusion(), Note: report.Tidy(run.Note),
		Sorted: run.Compares(), Tall: len(run.Receivers) <= handful, Groups: groups(run.Order), Domains: domains(run.Domains),
	}
	reports := run.Receivers
	if run.Compares() {
		reports = report.StrictestFirst(reports)
	}
	c.Receivers, c.Troubled = receivers(reports, c.Groups)
	c.Platforms = platforms(reports)
	c.Filters = filters(reports, run.Repeat > 1)
	c.Machine = newMachine(reports)
	if run.Repeat > 1 {
		c.Stay = stay(run, reports)
	}
	for i, r := range reports {
		packed, err := pack(i+1, r, c.Machine.departures[i])
		if err != nil {
			return content{}, fmt.Errorf("%s: %w", report.Tidy(r.Host), err)
		}
		c.Dossiers = append(c.Dossiers, packed)
	}
	return c, nil
}

// title names what the run was about where that is short.
func title(run report.Run) string {
	switch {
	case len(run.Domains) == 1:
		return run.Domains[0].Shown()
	case len(run.Receivers) == 1:
		return report.Tidy(run.Receivers[0].Host)
	case len(run.Domains) > 1:
		return fmt.Sprintf("%d domains, %d receivers", len(run.Domains), len(run.Receivers))
	}
	return fmt.Sprintf("%d receivers", len(run.Receivers))
}

// policy allows the page its own style and script and nothing else: no
// connection, no image, no form, no other script, no markup made by a script.
func policy(style string) string {
	hash := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; style-src " + hash(style) + "; script-src " + hash(script) +
		"; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
}

// groups keeps the order of the checks.
func groups(order []probe.Check) []group {
	var all []group
	for _, c := range order {
		if len(all) == 0 || all[len(all)-1].Name != c.Group {
			all = append(all, group{Name: c.Group})
		}
		last := &all[len(all)-1]
		last.Checks = append(last.Checks, c)
	}
	return all
}

func domains(found []report.Domain) []domain {
	all := make([]domain, 0, len(found))
	for _, d := range found {
		shown := domain{
			Domain: report.Name(d.Domain), Status: report.Tidy(d.Status), Reason: report.Tidy(d.Reason),
			Name: d.Shown(), Trouble: d.Trouble(), Remarks: d.Remarks(), Implicit: d.ImplicitMX,
		}
		for _, e := range d.Exchanges {
			shown.Exchanges = append(shown.Exchanges, exchange{e.Preference, report.Tidy(e.Host), tidied(e.Addresses)})
		}
		all = append(all, shown)
	}
	return all
}

func tidied(texts []string) []string {
	all := make([]string, len(texts))
	for i, t := range texts {
		all[i] = report.Tidy(t)
	}
	return all
}

func named(domains []string) []string {
	all := make([]string, len(domains))
	for i, d := range domains {
		all[i] = report.Name(d)
	}
	return all
}
