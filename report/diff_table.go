package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"
)

// DiffTable writes changes for people. The error is the writer's.
func DiffTable(w io.Writer, c Changes, style Style) error {
	p := page{bufio.NewWriter(w), style.normal()}
	p.changes(c)
	if err := p.Flush(); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	return nil
}

// changes lists what changed under the receivers and domains that did.
func (p page) changes(c Changes) {
	since := c.Since.Format("2006-01-02 15:04:05 -0700")
	accepted := ""
	if n := len(c.All) - c.Counted(); n > 0 {
		accepted = fmt.Sprintf(", of which %d accepted", n)
	}
	switch {
	case len(c.All) > 0:
		p.text(fmt.Sprintf("%s since %s%s; %s compared.", plural(len(c.All), "change"), since, accepted, plural(c.Compared, "receiver")))
	default:
		p.text(fmt.Sprintf("Nothing changed since %s; %s compared.", since, plural(c.Compared, "receiver")))
	}
	title := ""
	for _, x := range c.All {
		if t := p.owner(x); t != title {
			title = t
			p.heading(title)
		}
		p.hang("  ", sentence(p.changeWords(x)))
	}
	for i, a := range c.Apart {
		if i == 0 {
			p.heading("Not compared, or no change of a receiver")
		}
		p.text(sentence(fmt.Sprintf("%s: %s", a.What, tidy(few(a.Of)))))
	}
}

// owner is whose change it is.
func (p page) owner(x Change) string {
	if x.Kind == KindExchange {
		return p.plain(x.Domain)
	}
	return receiverName(x.Receiver)
}

// changeWords say what changed: "nested-mail: strict to lenient".
func (p page) changeWords(x Change) string {
	subject := string(x.Kind)
	switch x.Kind {
	case KindVerdict:
		subject = x.Subject
	case KindCapability:
		if x.TLS {
			subject += " inside TLS"
		}
	case KindExchange:
		subject += " " + x.Subject
	}
	said := tidy(subject) + ": "
	switch {
	case x.Old == "":
		said += "appeared: " + tidy(x.New)
	case x.New == "":
		said += "vanished: " + tidy(x.Old)
	default:
		said += strings.Join([]string{tidy(x.Old), p.arrow(), tidy(x.New)}, " ")
	}
	if x.Reason != "" {
		said += ", " + remark(x.Reason, longReason)
	}
	if x.Accepted != "" {
		said += fmt.Sprintf(" (accepted: %s)", tidy(x.Accepted))
	}
	return said
}

// DiffSchema names the shape of what DiffJSON writes.
const DiffSchema = "smtpprobe/diff/v1"

// change is a change in JSON. What it is about has a field of its own for each
// kind.
type change struct {
	Kind     Kind   `json:"kind"`
	Domain   string `json:"domain,omitempty"`
	Host     string `json:"host,omitempty"`
	Address  string `json:"address,omitempty"`
	Port     uint16 `json:"port,omitempty"`
	Check    string `json:"check,omitempty"`
	Keyword  string `json:"keyword,omitempty"`
	TLS      bool   `json:"tls,omitempty"`
	Exchange string `json:"exchange,omitempty"`
	Old      string `json:"old"`
	New      string `json:"new"`
	Reason   string `json:"reason,omitempty"`
	Accepted string `json:"accepted,omitempty"`
}

func newChange(x Change) change {
	out := change{
		Kind: x.Kind, Domain: name(x.Domain), Host: tidy(x.Receiver.Host), Address: tidy(x.Receiver.Address), Port: x.Receiver.Port,
		TLS: x.TLS, Old: tidy(x.Old), New: tidy(x.New), Reason: tidy(x.Reason), Accepted: tidy(x.Accepted),
	}
	switch x.Kind {
	case KindVerdict:
		out.Check = tidy(x.Subject)
	case KindCapability:
		out.Keyword = tidy(x.Subject)
	case KindExchange:
		out.Exchange = tidy(x.Subject)
	}
	return out
}

// newChanges is nil where the run was held against no other.
func newChanges(c *Changes) []change {
	if c == nil {
		return nil
	}
	out := []change{}
	for _, x := range c.All {
		out = append(out, newChange(x))
	}
	return out
}

// side is what the JSON of a comparison says of one of its runs.
type side struct {
	Version string `json:"version"`
	Started string `json:"started"`
	Profile string `json:"profile"`
}

type apart struct {
	What string   `json:"what"`
	Of   []string `json:"of"`
}

// DiffJSON writes changes as one document. The error is the writer's.
func DiffJSON(w io.Writer, old, today Run, c Changes) error {
	doc := struct {
		Schema   string   `json:"schema"`
		Old      side     `json:"old"`
		New      side     `json:"new"`
		Compared int      `json:"compared"`
		Changes  []change `json:"changes"`
		Apart    []apart  `json:"apart"`
	}{DiffSchema, newSide(old), newSide(today), c.Compared, newChanges(&c), []apart{}}
	for _, a := range c.Apart {
		doc.Apart = append(doc.Apart, apart{a.What, each(a.Of, tidy)})
	}
	if err := encode(w, doc, "  "); err != nil {
		return fmt.Errorf("write the changes as JSON: %w", err)
	}
	return nil
}

func newSide(r Run) side {
	return side{tidy(r.Version), r.Started.Format(time.RFC3339), tidy(r.Profile)}
}
