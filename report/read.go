package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
)

// Bounds of what is read: of one receiver, or one line of NDJSON, and of the
// first line, by which the two are told apart. A receiver with all checks and
// transcripts takes a few hundred kilobytes.
const (
	maxReceiver = 32 << 20
	maxSniffed  = 64 << 10
)

// Read reads a run back that JSON or Stream wrote. The catalogue says of its
// checks what a report does not; group, level, revision and references are those
// of the report. Checks and verdicts of another version are kept as they stand.
// What is not in a report is not in the run: the texts of notes on the DNS, and
// what was said in results without a transcript. Errors name the line.
func Read(in io.Reader, catalogue []probe.Check) (Run, error) {
	var receivers []probe.Report
	run, err := Scan(in, catalogue, func(r probe.Report) error {
		receivers = append(receivers, r)
		return nil
	})
	run.Receivers = receivers
	return run, err
}

// Scan reads like Read and hands over each receiver when it is read, so that no
// more than one of them is held. The run that it returns has none. An error of
// the function ends the reading.
func Scan(in io.Reader, catalogue []probe.Check, receiver func(probe.Report) error) (Run, error) {
	s := scanner{catalogue: catalogue, each: receiver, known: map[string]*probe.Check{}, carried: true}
	buffered := bufio.NewReaderSize(in, maxSniffed)
	begin, err := buffered.Peek(maxSniffed)
	if err != nil && !errors.Is(err, io.EOF) {
		return Run{}, fmt.Errorf("read the report: %w", err)
	}
	begin = bytes.TrimLeft(begin, " \t\r\n")
	if len(begin) == 0 {
		return Run{}, errors.New("read the report: it is empty, want JSON of the schema " + Schema)
	}
	first, _, _ := bytes.Cut(begin, []byte("\n"))
	var line head
	if json.Unmarshal(first, &line) == nil && line.Type != "" {
		err = s.lines(buffered)
	} else {
		err = s.document(buffered)
	}
	if err != nil {
		return Run{}, fmt.Errorf("read the report: %w", err)
	}
	s.run.Order = ordered(s.met, catalogue)
	s.run.Transcripts = s.carried
	return s.run, nil
}

// scanner is a report in the reading.
type scanner struct {
	catalogue []probe.Check
	each      func(probe.Report) error
	run       Run
	known     map[string]*probe.Check // the checks of the report, by all that it says of them
	met       []*probe.Check          // the same in their order
	carried   bool                    // every result so far has its transcript
}

// document reads one JSON value, its receivers one by one.
func (s *scanner) document(in io.Reader) error {
	counted := &counter{in: in, left: maxReceiver}
	dec := json.NewDecoder(counted)
	rest := map[string]json.RawMessage{}
	here := func(err error) error {
		return fmt.Errorf("line %d: %w", counted.line(dec.InputOffset()), legible(err))
	}
	if err := open(dec, '{'); err != nil {
		return here(err)
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return here(err)
		}
		if key == "receivers" {
			if err := s.receivers(dec, counted); err != nil {
				return err
			}
			continue
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return here(err)
		}
		rest[fmt.Sprint(key)] = value
		if key == "schema" && string(value) != `"`+Schema+`"` {
			return here(fmt.Errorf("the schema is %s, want %q", value, Schema))
		}
	}
	if _, err := dec.Token(); err != nil {
		return here(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return here(errors.New("more than one document, want one report a file"))
	}
	if rest["schema"] == nil {
		return fmt.Errorf("no schema, want %q", Schema)
	}
	return s.frame(rest)
}

// frame takes what a document says besides its receivers.
func (s *scanner) frame(rest map[string]json.RawMessage) error {
	text, err := json.Marshal(rest)
	if err != nil {
		return err
	}
	var doc document
	if err := json.Unmarshal(text, &doc); err != nil {
		return legible(err)
	}
	if err := s.begin(doc); err != nil {
		return err
	}
	for _, d := range doc.Domains {
		s.run.Domains = append(s.run.Domains, readDomain(d))
	}
	s.run.Elapsed = time.Duration(doc.ElapsedMS) * time.Millisecond
	return nil
}

// receivers reads the list of receivers.
func (s *scanner) receivers(dec *json.Decoder, counted *counter) error {
	if err := open(dec, '['); err != nil {
		return fmt.Errorf("line %d: receivers: %w", counted.line(dec.InputOffset()), legible(err))
	}
	for n := 1; dec.More(); n++ {
		at := counted.line(dec.InputOffset()) // where it begins, as More has looked
		counted.left = maxReceiver
		var r receiver
		err := dec.Decode(&r)
		if err == nil {
			err = s.receiver(r)
		}
		if err != nil {
			return fmt.Errorf("receiver %d, from line %d: %w", n, at, legible(err))
		}
	}
	_, err := dec.Token()
	return err
}

// lines reads NDJSON.
func (s *scanner) lines(in *bufio.Reader) error {
	s.run.Incomplete = true // until the end says otherwise
	begun := false
	for n := 1; ; n++ {
		line, err := readLine(in)
		if len(bytes.TrimSpace(line)) > 0 {
			if wrong := s.line(line, &begun); wrong != nil {
				return fmt.Errorf("line %d: %w", n, legible(wrong))
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
}

func (s *scanner) line(line []byte, begun *bool) error {
	var h head
	if err := json.Unmarshal(line, &h); err != nil {
		return err
	}
	if h.Schema != Schema {
		return fmt.Errorf("the schema is %q, want %q", h.Schema, Schema)
	}
	switch h.Type {
	case "run":
		if *begun {
			return errors.New("a second run, want one a file")
		}
		*begun = true
		var doc document
		if err := json.Unmarshal(line, &doc); err != nil {
			return err
		}
		return s.begin(doc)
	case "domain":
		var d domain
		if err := json.Unmarshal(line, &d); err != nil {
			return err
		}
		s.run.Domains = append(s.run.Domains, readDomain(d))
	case "receiver":
		var r receiver
		if err := json.Unmarshal(line, &r); err != nil {
			return err
		}
		return s.receiver(r)
	case "end":
		var end ending
		if err := json.Unmarshal(line, &end); err != nil {
			return err
		}
		s.run.Incomplete = !end.Complete
		s.run.Elapsed = time.Duration(end.ElapsedMS) * time.Millisecond
	}
	return nil
}

// begin takes what is said of the run itself.
func (s *scanner) begin(doc document) error {
	at, err := time.Parse(time.RFC3339, doc.Started)
	if err != nil {
		return fmt.Errorf("started %q: want a time by RFC 3339", doc.Started)
	}
	s.run.Version, s.run.Started, s.run.Profile, s.run.Note = doc.Tool.Version, at, doc.Profile, doc.Note
	s.run.Command, s.run.Repeat = doc.Command, doc.Repeat
	if doc.IntervalMS != nil {
		s.run.Interval = time.Duration(*doc.IntervalMS) * time.Millisecond
	}
	return nil
}

func (s *scanner) receiver(r receiver) error {
	report, err := s.report(r)
	if err != nil {
		return fmt.Errorf("%s: %w", tidy(r.Host), err)
	}
	s.carried = s.carried && r.carries()
	return s.each(report)
}

// ordered are the checks, each once, in the order of the catalogue, and behind
// them those that it does not have.
func ordered(met []*probe.Check, catalogue []probe.Check) []probe.Check {
	place := func(c *probe.Check) int {
		if i := slices.IndexFunc(catalogue, func(k probe.Check) bool { return k.ID == c.ID }); i >= 0 {
			return i
		}
		return len(catalogue)
	}
	met = slices.Clone(met)
	slices.SortStableFunc(met, func(a, b *probe.Check) int { return place(a) - place(b) })
	var order []probe.Check
	for _, c := range met {
		if !slices.ContainsFunc(order, func(o probe.Check) bool { return o.ID == c.ID }) {
			order = append(order, *c)
		}
	}
	return order
}

// open takes the token that begins an object or a list.
func open(dec *json.Decoder, want json.Delim) error {
	token, err := dec.Token()
	if err == nil && token != want {
		err = fmt.Errorf("got %v, want %v", token, want)
	}
	return err
}

// legible says what is wrong with JSON in the words of its schema.
func legible(err error) error {
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax) && strings.HasPrefix(syntax.Error(), "unexpected end"):
		return errors.New("it ends in the middle")
	case errors.As(err, &kind) && kind.Field != "":
		return fmt.Errorf("%s: a %s has no place there", kind.Field, kind.Value)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("it ends in the middle")
	}
	return err
}
