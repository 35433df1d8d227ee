package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

func readDomain(d domain) Domain {
	out := Domain{
		Domain: d.Domain, ASCII: d.ASCII, Status: d.Status, Reason: d.Reason, ImplicitMX: d.ImplicitMX, Notes: readNotes(d.Notes),
	}
	for _, e := range d.Exchanges {
		out.Exchanges = append(out.Exchanges, Exchange{
			Preference: e.Preference, Host: e.Host, Addresses: e.Addresses, Notes: readNotes(e.Notes),
		})
	}
	return out
}

func readNotes(ids []string) []Note {
	var notes []Note
	for _, id := range ids {
		notes = append(notes, Note{ID: id})
	}
	return notes
}

// carries reports whether all transcripts of the receiver are there.
func (r receiver) carries() bool {
	return r.Controls != nil && !slices.ContainsFunc(r.Results, func(res result) bool { return res.Transcript == nil })
}

// report is the receiver as the run had it, with a record where there is one.
func (s *scanner) report(r receiver) (probe.Report, error) {
	out := probe.Report{
		Receiver: probe.Receiver{
			Host: r.Host, Address: r.Address, Port: r.Port, Domains: r.Domains, Platform: r.Platform, Recipient: r.Recipient,
			MoreDomains: r.DomainsMore,
		},
		Status: r.Status, Reason: r.Reason, Software: r.Software,
		TLS: readTLS(r.TLS), Inside: r.InsideTLS, Sessions: r.Sessions, Commands: r.Commands,
		Elapsed: time.Duration(r.ElapsedMS) * time.Millisecond,
	}
	err := r.plain()
	if err != nil {
		return out, err
	}
	if out.Banner, err = smtp.Unescape(r.Banner); err != nil {
		return out, fmt.Errorf("banner: %w", err)
	}
	if out.Offered, err = readCapabilities(r.Capabilities); err != nil {
		return out, err
	}
	if out.OfferedTLS, err = readCapabilities(r.CapabilitiesTLS); err != nil {
		return out, err
	}
	for _, round := range r.Runs {
		out.Rounds = append(out.Rounds, probe.Round(round))
	}
	rec := readRecord(r)
	for _, res := range r.Results {
		read, tries, err := s.result(res)
		if err != nil {
			return out, fmt.Errorf("%s: %w", tidy(res.Check), err)
		}
		out.Results = append(out.Results, read)
		if len(tries) > 0 && rec.Tries != nil && !read.Check.Observes() {
			rec.Tries[res.Check] = tries
		}
	}
	for _, c := range r.Controls {
		shown, tries, err := c.read()
		if err != nil {
			return out, fmt.Errorf("control %s: %w", tidy(c.ID), err)
		}
		out.Controls = append(out.Controls, probe.ControlRun{ID: c.ID, Run: c.Run, Transcript: shown})
		switch {
		case r.Record == nil:
		case slices.Contains(probe.Baselines(), probe.Baseline(c.ID)):
			rec.Baselines[probe.Baseline(c.ID)] = shown
		case len(tries) > 0:
			rec.Tries[c.ID] = tries
		}
	}
	out.Record = rec
	return out, nil
}

// readRecord is the record without its transcripts; the zero record where there
// is none.
func readRecord(r receiver) probe.Record {
	if r.Record == nil {
		return probe.Record{}
	}
	rec := probe.Record{
		Port: r.Port, Channel: r.Record.Channel, NoTLS: r.Record.NoTLS, Shifted: r.Record.Shifted, Over: r.Record.Over,
		Lost: r.Record.Lost, Partial: !r.carries(),
		Baselines: map[probe.Baseline]probe.Transcript{}, Tries: map[string][]probe.Transcript{},
	}
	return rec
}

func readTLS(s *tlsSession) string {
	switch {
	case s == nil:
		return ""
	case s.Cipher == "":
		return s.Version
	}
	return s.Version + ", " + s.Cipher
}

func readCapabilities(lines []string) (smtp.Capabilities, error) {
	var all smtp.Capabilities
	for _, l := range lines {
		octets, err := smtp.Unescape(l)
		if err != nil {
			return nil, fmt.Errorf("capability: %w", err)
		}
		all = append(all, octets)
	}
	return all, nil
}

func (s *scanner) result(r result) (probe.Result, []probe.Transcript, error) {
	out := probe.Result{Check: s.check(r), Conformance: r.Conformance, TLS: r.TLS, Reason: r.Reason}
	out.Verdict, out.Foreign = readVerdict(r.Word)
	var err error
	if out.Reply, err = r.Reply.read(); err != nil {
		return out, nil, fmt.Errorf("reply: %w", err)
	}
	if out.Control, err = r.Control.read(); err != nil {
		return out, nil, fmt.Errorf("control: %w", err)
	}
	if r.Agree != nil {
		out.Agreement = r.Agree.read()
	}
	tries := []probe.Transcript(nil)
	out.Transcript, tries, err = control{Transcript: r.Transcript, attempts: r.attempts}.read()
	return out, tries, err
}

// check is the check of the catalogue with what the report says of it.
func (s *scanner) check(r result) *probe.Check {
	key := fmt.Sprintf("%q %q %v %d %q", r.Check, r.Group, r.Level, r.Rev, r.Refs)
	if c := s.known[key]; c != nil {
		return c
	}
	c := probe.Check{ID: r.Check}
	if known := probe.CheckByID(s.catalogue, r.Check); known != nil && known.ID == r.Check {
		c = *known
	}
	c.Group, c.Level, c.Rev, c.Refs = r.Group, r.Level, r.Rev, nil
	for _, ref := range r.Refs {
		c.Refs = append(c.Refs, probe.Ref(tidy(string(ref))))
	}
	s.known[key], s.met = &c, append(s.met, &c)
	return &c
}

// readVerdict reads a verdict's word. One of another version is kept beside.
func readVerdict(word string) (v probe.Verdict, foreign string) {
	v, known := probe.ParseVerdict(word)
	if !known {
		foreign = word
	}
	return v, foreign
}

// read is the shown transcript, and all tries.
func (c control) read() (probe.Transcript, []probe.Transcript, error) {
	shown, err := readEvents(c.Transcript)
	if err != nil {
		return nil, nil, err
	}
	var others []probe.Transcript
	for _, t := range c.Tries {
		events, err := readEvents(t.Transcript)
		if err != nil {
			return nil, nil, fmt.Errorf("try %d: %w", t.Try, err)
		}
		others = append(others, events)
	}
	return shown, c.all(shown, others), nil
}

func readEvents(events []event) (probe.Transcript, error) {
	var t probe.Transcript
	for i, e := range events {
		read, err := probe.ParseEvent(time.Duration(e.MS), e.From, e.Text)
		if err != nil {
			return nil, fmt.Errorf("event %d: %w", i+1, err)
		}
		t = append(t, read)
	}
	return t, nil
}

// read is a reply that says the same. Of its lines a report has the text alone.
func (r *reply) read() (smtp.Reply, error) {
	if r == nil {
		return smtp.Reply{}, nil
	}
	body, cut := r.Text, 0
	if before, mark, found := cutFrom(r.Text); found {
		body, cut = before, mark
	}
	text, err := smtp.Unescape(body)
	if err != nil {
		return smtp.Reply{}, err
	}
	first, last := "", text
	if e, begins := smtp.ParseEnhanced(text); e.String() != r.Enhanced {
		first, last = cutAtEnhanced(text, r.Enhanced)
		if begins {
			first = " " + first // what it begins with stood at the beginning of no line
		}
	}
	out := smtp.Reply{Code: r.Code}
	code := func(separator string) string {
		if r.Code == 0 {
			return ""
		}
		return fmt.Sprintf("%03d%s", r.Code, separator)
	}
	if first != "" {
		out.Lines = append(out.Lines, smtp.Line{Octets: code("-") + first + "\r\n"})
	}
	if last != "" || first == "" {
		out.Lines = append(out.Lines, smtp.Line{Octets: code(" ") + last + "\r\n"})
	}
	out.Lines[len(out.Lines)-1].Cut = cut
	return out, nil
}

// cutAtEnhanced cuts a text where its line began that has the enhanced code.
func cutAtEnhanced(text, enhanced string) (before, from string) {
	for i := range len(text) {
		if e, ok := smtp.ParseEnhanced(text[i+1:]); text[i] == ' ' && ok && e.String() == enhanced {
			return text[:i], text[i+1:]
		}
	}
	return text, ""
}

// cutFrom splits off the mark that replyText puts behind what was cut.
func cutFrom(text string) (body string, octets int, found bool) {
	i := strings.LastIndex(text, ` \[`)
	if i < 0 {
		return "", 0, false
	}
	number, _ := strings.CutSuffix(text[i+len(` \[`):], " octets left out]")
	n, err := strconv.Atoi(number)
	return text[:i], n, err == nil && n > 0
}

func (a agreement) read() probe.Agreement {
	out := probe.Agreement{Same: a.Same, Of: a.Of, Runs: a.Runs, Kind: a.Kind, ByBackend: a.By == "backend", Run: a.Run}
	for _, w := range a.Answers {
		answer := probe.Answer{
			Code: w.Code, Runs: w.Runs, Backends: w.Backends, Addresses: w.Addresses, Reason: w.Reason,
			Unasked: w.Asked != nil && !*w.Asked,
		}
		answer.Verdict, answer.Foreign = readVerdict(w.Verdict)
		answer.Torn = answer.Foreign == "" && probe.Result{Verdict: answer.Verdict, Reason: w.Reason}.Torn()
		out.Answers = append(out.Answers, answer)
	}
	return out
}
