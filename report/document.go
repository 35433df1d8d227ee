package report

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
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
	Changes     []change     `json:"changes,omitzero"`
	// Command is what a scan was asked for, by flag.
	Command map[string]string `json:"command,omitempty"`
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
	Record          *record      `json:"record,omitempty"`
	DomainsMore     int          `json:"domains_more,omitempty"`
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
	Word        string            `json:"verdict"` // of the verdict, which may be one of another version
	Verdict     probe.Verdict     `json:"-"`
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
	attempts
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
	attempts
}

// counts is the number of results for each verdict.
type counts map[string]int

// MarshalJSON writes every verdict, in the order in which verdicts are shown,
// so that a reader never has to tell "none" from "not counted". Those of another
// version follow.
func (c counts) MarshalJSON() ([]byte, error) {
	var words []string
	for _, v := range probe.Verdicts() {
		words = append(words, v.String())
	}
	for _, word := range slices.Sorted(maps.Keys(c)) {
		if !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	var b bytes.Buffer
	for i, word := range words {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:%d", word, c[word])
	}
	return fmt.Appendf(nil, "{%s}", b.Bytes()), nil
}

// newDocument is the run with everything but its receivers.
func newDocument(run Run) document {
	return document{
		Schema: Schema, Tool: tool{Name: "smtpprobe", Version: tidy(run.Version)}, Started: run.Started.Format(time.RFC3339),
		ElapsedMS: run.Elapsed.Milliseconds(), Profile: tidy(run.Profile), Note: tidy(run.Note),
		Domains: []domain{}, Receivers: []receiver{}, repeated: newRepeated(run), Command: run.Command,
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
// that accuses the receiver, with those of the checks that its judge looked at:
// nobody has to believe such a one.
func newReceiver(r probe.Report, transcripts bool) receiver {
	s := r.Strictness()
	out := receiver{
		Host: tidy(r.Host), Address: tidy(r.Address), Port: r.Port, Domains: each(r.Domains, name),
		Platform: tidy(r.Platform), Recipient: tidy(r.Recipient), Status: r.Status, Reason: tidy(r.Reason),
		Banner: smtp.Escape(r.Banner), Software: tidy(r.Software),
		Capabilities: each(r.Offered, smtp.Escape), CapabilitiesTLS: each(r.OfferedTLS, smtp.Escape),
		TLS: newTLSSession(r.TLS), Sessions: r.Sessions, Commands: r.Commands, ElapsedMS: r.Elapsed.Milliseconds(),
		Strictness: strictness{s.Enforced, s.Of}, Verdicts: counts{}, Violations: r.Violations(), Results: []result{},
		InsideTLS: r.Inside, Runs: newRounds(r.Rounds), DomainsMore: r.MoreDomains,
	}
	proofs := proofs(r.Results)
	for _, res := range r.Results {
		out.Verdicts[verdictOf(res)]++
		out.Results = append(out.Results, newResult(res, r.Record, transcripts || proofs[res.Check.ID]))
	}
	if transcripts || len(proofs) > 0 {
		out.Record = newRecord(r.Record)
		out.Controls = make([]control, 0, len(r.Controls))
		for _, c := range r.Controls {
			out.Controls = append(out.Controls, control{
				ID: c.ID, Transcript: newEvents(c.Transcript), Run: c.Run,
				attempts: newAttempts(c.Transcript, r.Record.Tries[c.ID]),
			})
		}
	}
	return out
}

// proofs are the checks without whose transcripts an accusation is none.
func proofs(results []probe.Result) map[string]bool {
	needed := map[string]bool{}
	for _, res := range results {
		if res.Verdict != probe.Broken && res.Conformance != probe.Violates {
			continue
		}
		needed[res.Check.ID] = true
		for _, id := range res.Check.Needed() {
			needed[id] = true
		}
	}
	return needed
}

func newTLSSession(session string) *tlsSession {
	if session == "" {
		return nil
	}
	version, rest, _ := strings.Cut(session, ",")
	cipher, _, _ := strings.Cut(rest, ",") // what follows is the certificate
	return &tlsSession{Version: tidy(strings.TrimSpace(version)), Cipher: tidy(strings.TrimSpace(cipher))}
}

// verdictOf is the verdict's word, as it stands in a report of another version
// where that is what the result was read from.
func verdictOf(r probe.Result) string { return cmp.Or(tidy(r.Foreign), r.Verdict.String()) }

func newResult(r probe.Result, rec probe.Record, transcript bool) result {
	out := result{
		Check: r.Check.ID, Group: r.Check.Group, Word: verdictOf(r), Verdict: r.Verdict, Conformance: r.Conformance,
		Level: r.Check.Level, Rev: r.Check.Rev, TLS: r.TLS, Reply: newReply(r.Reply), Control: newReply(r.Control),
		Reason: tidy(r.Reason), Refs: append([]probe.Ref{}, r.Check.Refs...),
		Agree: newAgreement(r.Agreement),
	}
	if transcript {
		out.Transcript = newEvents(r.Transcript)
		out.attempts = newAttempts(r.Transcript, rec.Tries[r.Check.ID])
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
