package report

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// Schema names the shape of the JSON. Fields are added to it, never renamed.
const Schema = "smtpprobe/report/v1"

// document is the whole of a run. The order of the fields is that of the
// schema; those behind it came later.
type document struct {
	Schema    string     `json:"schema"`
	Tool      tool       `json:"tool"`
	Started   string     `json:"started"`
	ElapsedMS int64      `json:"elapsed_ms"`
	Profile   string     `json:"profile"`
	Domains   []domain   `json:"domains"`
	Receivers []receiver `json:"receivers"`
	Note      string     `json:"note,omitempty"`
	repeated
	Differences []difference `json:"differences,omitzero"`
}

type tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

type domain struct {
	Domain     string     `json:"domain"`
	ASCII      string     `json:"ascii"`
	Status     string     `json:"status"`
	ImplicitMX bool       `json:"implicit_mx"`
	Notes      []string   `json:"notes"`
	Exchanges  []exchange `json:"exchanges"`
	Reason     string     `json:"reason,omitempty"`
}

type exchange struct {
	Preference int      `json:"preference"`
	Host       string   `json:"host"`
	Addresses  []string `json:"addresses"`
	Notes      []string `json:"notes"`
}

type receiver struct {
	Host            string       `json:"host"`
	Address         string       `json:"address"`
	Port            uint16       `json:"port"`
	Domains         []string     `json:"domains"`
	Platform        string       `json:"platform"`
	Recipient       string       `json:"recipient"`
	Status          probe.Status `json:"status"`
	Reason          string       `json:"reason"`
	Banner          string       `json:"banner"`
	Software        string       `json:"software"`
	Capabilities    []string     `json:"capabilities"`
	CapabilitiesTLS []string     `json:"capabilities_tls"`
	TLS             *tlsSession  `json:"tls,omitempty"`
	Sessions        int          `json:"sessions"`
	Commands        int          `json:"commands"`
	ElapsedMS       int64        `json:"elapsed_ms"`
	Strictness      strictness   `json:"strictness"`
	Verdicts        counts       `json:"verdicts"`
	Violations      int          `json:"violations"`
	Results         []result     `json:"results"`
	Controls        []control    `json:"controls,omitzero"`
	InsideTLS       bool         `json:"inside_tls"`
	Runs            []round      `json:"runs,omitempty"`
}

type tlsSession struct {
	Version string `json:"version"`
	Cipher  string `json:"cipher"`
}

type strictness struct {
	Enforced int `json:"enforced"`
	Of       int `json:"of"`
}

type result struct {
	Check       string            `json:"check"`
	Group       probe.Group       `json:"group"`
	Verdict     probe.Verdict     `json:"verdict"`
	Conformance probe.Conformance `json:"conformance"`
	Level       probe.Level       `json:"level"`
	Rev         int               `json:"rev"`
	TLS         bool              `json:"tls"`
	Reply       *reply            `json:"reply,omitempty"`
	Control     *reply            `json:"control,omitempty"`
	Reason      string            `json:"reason"`
	Refs        []probe.Ref       `json:"refs"`
	Transcript  []event           `json:"transcript,omitzero"`
	Agree       *agreement        `json:"agree,omitempty"`
}

type reply struct {
	Code     int    `json:"code"`
	Enhanced string `json:"enhanced"`
	Text     string `json:"text"`
}

type control struct {
	ID         string  `json:"id"`
	Transcript []event `json:"transcript"`
	Run        int     `json:"run,omitempty"`
}

type event struct {
	MS   millis `json:"ms"`
	From string `json:"from"`
	Text string `json:"text"`
}

// millis is a time in milliseconds, written with one decimal.
type millis time.Duration

// MarshalJSON writes the number.
func (m millis) MarshalJSON() ([]byte, error) { return []byte(m.String()), nil }

func (m millis) String() string {
	return strconv.FormatFloat(float64(m)/float64(time.Millisecond), 'f', 1, 64)
}

// counts is the number of results for each verdict.
type counts map[probe.Verdict]int

// MarshalJSON writes every verdict, in the order in which verdicts are shown,
// so that a reader never has to tell "none" from "not counted".
func (c counts) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	for i, v := range probe.Verdicts() {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:%d", v, c[v])
	}
	return fmt.Appendf(nil, "{%s}", b.Bytes()), nil
}

// newDocument is the run with everything but its receivers.
func newDocument(run Run) document {
	return document{
		Schema: Schema, Tool: tool{Name: "smtpprobe", Version: tidy(run.Version)}, Started: run.Started.Format(time.RFC3339),
		ElapsedMS: run.Elapsed.Milliseconds(), Profile: tidy(run.Profile), Note: tidy(run.Note),
		Domains: []domain{}, Receivers: []receiver{}, repeated: newRepeated(run),
	}
}

func newDomain(d Domain) domain {
	out := domain{
		Domain: name(d.Domain), ASCII: tidy(d.ASCII), Status: tidy(d.Status), Reason: tidy(d.Reason),
		ImplicitMX: d.ImplicitMX, Notes: noteIDs(d.Notes), Exchanges: []exchange{},
	}
	for _, e := range d.Exchanges {
		out.Exchanges = append(out.Exchanges, exchange{
			Preference: e.Preference, Host: tidy(e.Host), Addresses: each(e.Addresses, tidy), Notes: noteIDs(e.Notes),
		})
	}
	return out
}

func noteIDs(notes []Note) []string {
	ids := make([]string, 0, len(notes))
	for _, n := range notes {
		ids = append(ids, tidy(n.ID))
	}
	return ids
}

// each maps the texts; the result is never nil, so that it becomes a list.
func each(texts []string, show func(string) string) []string {
	out := make([]string, 0, len(texts))
	for _, t := range texts {
		out = append(out, show(t))
	}
	return out
}

// newReceiver shows transcripts where they are asked for, and for every result
// that accuses the receiver: nobody has to believe such a one.
func newReceiver(r probe.Report, transcripts bool) receiver {
	s := r.Strictness()
	out := receiver{
		Host: tidy(r.Host), Address: tidy(r.Address), Port: r.Port, Domains: each(r.Domains, name),
		Platform: tidy(r.Platform), Recipient: tidy(r.Recipient), Status: r.Status, Reason: tidy(r.Reason),
		Banner: smtp.Escape(r.Banner), Software: tidy(r.Software),
		Capabilities: each(r.Offered, smtp.Escape), CapabilitiesTLS: each(r.OfferedTLS, smtp.Escape),
		TLS: newTLSSession(r.TLS), Sessions: r.Sessions, Commands: r.Commands, ElapsedMS: r.Elapsed.Milliseconds(),
		Strictness: strictness{s.Enforced, s.Of}, Verdicts: counts{}, Violations: r.Violations(), Results: []result{},
		InsideTLS: r.Inside, Runs: newRounds(r.Rounds),
	}
	shown := transcripts
	for _, res := range r.Results {
		accuses := res.Verdict == probe.Broken || res.Conformance == probe.Violates
		shown = shown || accuses
		out.Verdicts[res.Verdict]++
		out.Results = append(out.Results, newResult(res, transcripts || accuses))
	}
	if shown {
		out.Controls = make([]control, 0, len(r.Controls))
		for _, c := range r.Controls {
			out.Controls = append(out.Controls, control{ID: c.ID, Transcript: newEvents(c.Transcript), Run: c.Run})
		}
	}
	return out
}

func newTLSSession(session string) *tlsSession {
	if session == "" {
		return nil
	}
	version, rest, _ := strings.Cut(session, ",")
	cipher, _, _ := strings.Cut(rest, ",") // what follows is the certificate
	return &tlsSession{Version: tidy(strings.TrimSpace(version)), Cipher: tidy(strings.TrimSpace(cipher))}
}

func newResult(r probe.Result, transcript bool) result {
	out := result{
		Check: r.Check.ID, Group: r.Check.Group, Verdict: r.Verdict, Conformance: r.Conformance,
		Level: r.Check.Level, Rev: r.Check.Rev, TLS: r.TLS, Reply: newReply(r.Reply), Control: newReply(r.Control),
		Reason: tidy(r.Reason), Refs: append([]probe.Ref{}, r.Check.Refs...),
		Agree: newAgreement(r.Agreement),
	}
	if transcript {
		out.Transcript = newEvents(r.Transcript)
	}
	return out
}

func newReply(r smtp.Reply) *reply {
	if len(r.Lines) == 0 {
		return nil
	}
	return &reply{Code: r.Code, Enhanced: r.Enhanced().String(), Text: replyText(r)}
}

// replyText is the text of a reply on one line. Octets that were received and
// not kept are counted at its end.
func replyText(r smtp.Reply) string {
	cut := 0
	for _, l := range r.Lines {
		cut += l.Cut
	}
	text := smtp.Escape(r.Text())
	if cut > 0 {
		text += fmt.Sprintf(` \[%d octets left out]`, cut)
	}
	return text
}

func newEvents(t probe.Transcript) []event {
	out := make([]event, 0, len(t))
	for _, e := range t {
		out = append(out, event{MS: millis(e.At), From: e.From.String(), Text: e.String()})
	}
	return out
}
