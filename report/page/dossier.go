package page

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
	"github.com/smtpprobe/smtpprobe/report"
)

// dossier is what the page shows of one receiver when it is asked for.
type dossier struct {
	Host     string          `json:"host"`
	Address  string          `json:"address"`
	Port     uint16          `json:"port"`
	Status   probe.Status    `json:"status"`
	Reason   string          `json:"reason"`
	Facts    [][2]string     `json:"facts"`
	Cells    map[string]cell `json:"cells"`
	Controls []control       `json:"controls"`
}

// cell is what stands behind a cell of the matrix.
type cell struct {
	Verdict     probe.Verdict     `json:"verdict"`
	Code        int               `json:"code,omitempty"`
	Says        probe.Conformance `json:"says,omitempty"`
	Level       string            `json:"level"`
	Inside      bool              `json:"tls,omitempty"`
	Reason      string            `json:"reason,omitempty"`
	Consequence string            `json:"consequence,omitempty"`
	Agreed      string            `json:"agreed,omitempty"`
	Agree       string            `json:"agree,omitempty"` // how many of how many, and the kind
	Departures  []string          `json:"departures,omitempty"`
	talk
}

type control struct {
	ID  string `json:"id"`
	Run int    `json:"run,omitempty"`
	talk
}

// talk is a transcript. Its times stand apart from its texts, and each as what
// has passed since the one before: what sessions have in common is then written
// alike and packs to next to nothing.
type talk struct {
	Tenths []int64    `json:"tenths"` // of a millisecond
	Events [][]string `json:"events"` // who, which mark, and the lines
}

// pack writes a dossier as a block of data that the page unpacks when it is
// opened: JSON, gzip, base64. Nothing in it can be markup.
func pack(number int, r probe.Report, departures []departure) (template.HTML, error) {
	d := dossier{
		Host: report.Tidy(r.Host), Address: report.Tidy(r.Address), Port: r.Port, Status: r.Status, Reason: report.Tidy(r.Reason),
		Facts: facts(r), Cells: map[string]cell{}, Controls: []control{},
	}
	for _, res := range r.Results {
		d.Cells[res.Check.ID] = newCell(res, departures)
	}
	for _, c := range r.Controls {
		d.Controls = append(d.Controls, control{ID: report.Tidy(c.ID), Run: c.Run, talk: newTalk(c.Transcript, nil)})
	}
	text, err := json.Marshal(d)
	if err != nil {
		return "", err
	}
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return "", err
	}
	if _, err := z.Write(text); err != nil {
		return "", err
	}
	if err := z.Close(); err != nil {
		return "", err
	}
	block := fmt.Sprintf("<script type=\"application/gzip\" id=\"dossier-%d\">%s</script>\n", number, base64.StdEncoding.EncodeToString(packed.Bytes()))
	return template.HTML(block), nil //nolint:gosec // base64 holds no markup
}

func newCell(r probe.Result, departures []departure) cell {
	c := cell{
		Verdict: r.Verdict, Code: r.Reply.Code, Says: r.Conformance, Level: r.Check.Level.String(), Inside: r.TLS, Reason: report.Tidy(r.Reason),
		Consequence: report.Consequence(r), Agreed: report.Agreed(r.Agreement),
		talk: newTalk(r.Transcript, marks(r)),
	}
	if a := r.Agreement; a.Runs > 0 {
		c.Agree = fmt.Sprintf("%d/%d %s", a.Same, a.Of, a.Kind)
	}
	for _, d := range departures {
		if d.check == r.Check.ID {
			c.Departures = append(c.Departures, d.sentence())
		}
	}
	return c
}

func newTalk(t probe.Transcript, marked map[int]mark) talk {
	shown := talk{Tenths: make([]int64, len(t)), Events: make([][]string, len(t))}
	before := int64(0)
	for i, e := range t {
		at := int64(e.At.Round(tenth) / tenth)
		shown.Tenths[i], before = at-before, at
		shown.Events[i] = append([]string{e.From.String(), string(marked[i])}, report.Spoken(e)...)
	}
	return shown
}

const tenth = 100 * time.Microsecond

// facts are what is known of the receiver as such.
func facts(r probe.Report) [][2]string {
	var all [][2]string
	add := func(name, text string) {
		if text != "" {
			all = append(all, [2]string{name, text})
		}
	}
	add("address", fmt.Sprintf("%s port %d", report.Tidy(r.Address), r.Port))
	add("platform", report.Tidy(r.Platform))
	add("serves", strings.Join(named(r.Domains), ", "))
	add("recipient", report.Tidy(r.Recipient))
	add("how far it came", cmp.Or(report.Trouble(r), "to the end"))
	add("software", report.Tidy(r.Software))
	add("greets with", smtp.Escape(r.Banner))
	add("EHLO offers", smtp.Escape(strings.Join(r.Offered, ", ")))
	add("inside TLS", smtp.Escape(strings.Join(r.OfferedTLS, ", ")))
	if r.Sessions > 0 {
		add("TLS", report.Security(r))
	}
	if r.Inside {
		add("", "all checks inside TLS")
	}
	s := r.Strictness()
	add("strict", fmt.Sprintf("%d of %d", s.Enforced, s.Of))
	add("violations of a MUST", fmt.Sprint(r.Violations()))
	add("sessions", fmt.Sprintf("%d, %d commands, %s", r.Sessions, r.Commands, r.Elapsed.Round(100*time.Millisecond)))
	for _, round := range r.Rounds {
		add(fmt.Sprintf("run %d", round.Run), strings.TrimSuffix(fmt.Sprintf("%s %s, %d sessions, from %s",
			round.Status, report.Tidy(round.Reason), round.Sessions, strings.Join(tidied(round.Backends), ", ")), ", from "))
	}
	return all
}
