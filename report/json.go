package report

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"github.com/smtpprobe/smtpprobe/probe"
)

// JSON writes the run as one document of the schema. Transcripts and controls
// are left out unless they are asked for, but for results that are broken or
// violate a MUST. The error is the writer's.
func JSON(w io.Writer, run Run, transcripts bool) error {
	doc := newDocument(run)
	for _, d := range run.Domains {
		doc.Domains = append(doc.Domains, newDomain(d))
	}
	for _, r := range run.Receivers {
		doc.Receivers = append(doc.Receivers, newReceiver(r, transcripts))
	}
	doc.Differences, doc.Changes = newDifferences(run), newChanges(run.Changes)
	if err := encode(w, doc, "  "); err != nil {
		return fmt.Errorf("write the report as JSON: %w", err)
	}
	return nil
}

// encode writes one value and a line end. The buffer turns a short write into
// an error, which the encoder alone would not notice.
func encode(w io.Writer, value any, indent string) error {
	out := bufio.NewWriter(w)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false) // "<postmaster@example.com>" stays readable
	enc.SetIndent("", indent)
	if err := enc.Encode(value); err != nil {
		return err
	}
	return out.Flush()
}

// Stream writes a run as NDJSON, one object a line, while it is going on: Begin
// first, then Domain and Receiver as each is finished, End last. Several
// goroutines may use it at once; no line is ever mixed with another.
type Stream struct {
	mu          sync.Mutex
	out         io.Writer
	transcripts bool
}

// NewStream returns a stream to the writer. Transcripts are asked for as with
// JSON.
func NewStream(out io.Writer, transcripts bool) *Stream {
	return &Stream{out: out, transcripts: transcripts}
}

// head is what every line begins with.
type head struct {
	Schema string `json:"schema"`
	Type   string `json:"type"`
}

// Begin writes the line of the run itself: of its fields only those that are
// known before anything was measured.
func (s *Stream) Begin(run Run) error {
	doc := newDocument(run)
	return s.line(struct {
		head
		Tool    tool   `json:"tool"`
		Started string `json:"started"`
		Profile string `json:"profile"`
		Note    string `json:"note,omitempty"`
		repeated
		Command map[string]string `json:"command,omitempty"`
	}{head{Schema, "run"}, doc.Tool, doc.Started, doc.Profile, doc.Note, doc.repeated, doc.Command})
}

// Domain writes the line of a domain. Its exchanges name their addresses, by
// which receivers are joined to it.
func (s *Stream) Domain(d Domain) error {
	return s.line(struct {
		head
		domain
	}{head{Schema, "domain"}, newDomain(d)})
}

// Receiver writes the line of a receiver.
func (s *Stream) Receiver(r probe.Report) error {
	return s.line(struct {
		head
		receiver
	}{head{Schema, "receiver"}, newReceiver(r, s.transcripts)})
}

// End writes the last line. A reader that finds none, or one that is not
// complete, has only a part of the run. What needs all receivers stands there.
func (s *Stream) End(complete bool, run Run) error {
	return s.line(ending{head{Schema, "end"}, complete, run.Elapsed.Milliseconds(), newDifferences(run), newChanges(run.Changes)})
}

// ending is the last line.
type ending struct {
	head
	Complete    bool         `json:"complete"`
	ElapsedMS   int64        `json:"elapsed_ms"`
	Differences []difference `json:"differences,omitzero"`
	Changes     []change     `json:"changes,omitzero"`
}

func (s *Stream) line(value any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := encode(s.out, value, ""); err != nil {
		return fmt.Errorf("write a line of NDJSON: %w", err)
	}
	return nil
}
