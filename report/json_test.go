package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/report"
	"github.com/smtpprobe/smtpprobe/report/schematest"
)

// The schema once more, written by hand from the design: what users' programs
// decode. A field that is renamed or added breaks a test below.
type (
	wantDocument struct {
		Schema    string         `json:"schema"`
		Tool      wantTool       `json:"tool"`
		Started   time.Time      `json:"started"`
		ElapsedMS int64          `json:"elapsed_ms"`
		Profile   string         `json:"profile"`
		Domains   []wantDomain   `json:"domains"`
		Receivers []wantReceiver `json:"receivers"`
	}
	wantTool   struct{ Name, Version string }
	wantDomain struct {
		Domain     string         `json:"domain"`
		ASCII      string         `json:"ascii"`
		Status     string         `json:"status"`
		ImplicitMX bool           `json:"implicit_mx"`
		Notes      []string       `json:"notes"`
		Exchanges  []wantExchange `json:"exchanges"`
		Reason     string         `json:"reason"`
	}
	wantExchange struct {
		Preference int      `json:"preference"`
		Host       string   `json:"host"`
		Addresses  []string `json:"addresses"`
		Notes      []string `json:"notes"`
	}
	wantReceiver struct {
		Host            string                            `json:"host"`
		Address         string                            `json:"address"`
		Port            uint16                            `json:"port"`
		Domains         []string                          `json:"domains"`
		Platform        string                            `json:"platform"`
		Recipient       string                            `json:"recipient"`
		Status          string                            `json:"status"`
		Reason          string                            `json:"reason"`
		Banner          string                            `json:"banner"`
		Software        string                            `json:"software"`
		Capabilities    []string                          `json:"capabilities"`
		CapabilitiesTLS []string                          `json:"capabilities_tls"`
		TLS             *struct{ Version, Cipher string } `json:"tls"`
		Sessions        int                               `json:"sessions"`
		Commands        int                               `json:"commands"`
		ElapsedMS       int64                             `json:"elapsed_ms"`
		Strictness      struct{ Enforced, Of int }        `json:"strictness"`
		Verdicts        map[string]int                    `json:"verdicts"`
		Violations      int                               `json:"violations"`
		Results         []wantResult                      `json:"results"`
		Controls        []wantControl                     `json:"controls"`
		InsideTLS       bool                              `json:"inside_tls"`
	}
	wantResult struct {
		Check       string      `json:"check"`
		Group       string      `json:"group"`
		Verdict     string      `json:"verdict"`
		Conformance string      `json:"conformance"`
		Level       string      `json:"level"`
		Rev         int         `json:"rev"`
		TLS         bool        `json:"tls"`
		Reply       *wantReply  `json:"reply"`
		Control     *wantReply  `json:"control"`
		Reason      string      `json:"reason"`
		Refs        []string    `json:"refs"`
		Transcript  []wantEvent `json:"transcript"`
	}
	wantReply struct {
		Code           int
		Enhanced, Text string
	}
	wantControl struct {
		ID         string
		Transcript []wantEvent
	}
	wantEvent struct {
		MS         float64
		From, Text string
	}
)

func TestJSONHasTheSchemasFieldsInTheirOrder(t *testing.T) {
	doc := encodeRun(t, oneReceiver(), true)
	tests := []struct {
		name string
		path []string
		want string
	}{
		{"document", nil, "schema tool started elapsed_ms profile domains receivers"},
		{"tool", []string{"tool"}, "name version"},
		{"domain", []string{"domains", "0"}, "domain ascii status implicit_mx notes exchanges"},
		{"exchange", []string{"domains", "0", "exchanges", "0"}, "preference host addresses notes"},
		{
			"receiver",
			[]string{"receivers", "0"},
			"host address port domains platform recipient status reason banner software capabilities capabilities_tls tls " +
				"sessions commands elapsed_ms strictness verdicts violations results controls inside_tls",
		},
		{"tls", []string{"receivers", "0", "tls"}, "version cipher"},
		{"strictness", []string{"receivers", "0", "strictness"}, "enforced of"},
		{
			"verdicts",
			[]string{"receivers", "0", "verdicts"},
			"strict correct deviant dropped lenient overstrict broken inconclusive not-applicable",
		},
		{
			"result",
			[]string{"receivers", "0", "results", "1"},
			"check group verdict conformance level rev tls reply control reason refs transcript",
		},
		{"reply", []string{"receivers", "0", "results", "1", "reply"}, "code enhanced text"},
		{"event", []string{"receivers", "0", "results", "1", "transcript", "0"}, "ms from text"},
		{"control", []string{"receivers", "0", "controls", "0"}, "id transcript"},
		{
			"result without a reply",
			[]string{"receivers", "0", "results", "9"},
			"check group verdict conformance level rev tls reason refs transcript",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := strings.Join(keys(t, at(t, doc, tt.path...)), " "); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestJSONDecodesByTheSchema(t *testing.T) {
	for name, run := range map[string]report.Run{
		"one domain": oneDomain(), "several": severalDomains(), "unreachable": unreachable(), "empty": {},
	} {
		t.Run(name, func(t *testing.T) {
			got := decode[wantDocument](t, encodeRun(t, run, true))
			if got.Schema != "smtpprobe/report/v1" || got.Tool.Name != "smtpprobe" || got.Tool.Version != run.Version {
				t.Errorf("got %q of %v, want smtpprobe/report/v1 of smtpprobe %s", got.Schema, got.Tool, run.Version)
			}
			if len(got.Domains) != len(run.Domains) || len(got.Receivers) != len(run.Receivers) {
				t.Fatalf("got %d domains and %d receivers, want %d and %d", len(got.Domains), len(got.Receivers), len(run.Domains), len(run.Receivers))
			}
			for i, r := range run.Receivers {
				sum := 0
				for _, n := range got.Receivers[i].Verdicts {
					sum += n
				}
				if sum != len(r.Results) || len(got.Receivers[i].Results) != len(r.Results) {
					t.Errorf("%s: got %d verdicts of %d results, want %d", r.Host, sum, len(got.Receivers[i].Results), len(r.Results))
				}
			}
		})
	}
}

func TestJSONHasListsAndNoNulls(t *testing.T) {
	bare := probe.Report{Results: []probe.Result{{Check: &probe.Check{ID: "x"}}}}
	run := report.Run{Domains: []report.Domain{{}, {Exchanges: []report.Exchange{{}}}}, Receivers: []probe.Report{{}, bare}}
	for _, transcripts := range []bool{false, true} {
		if doc := encodeAny(t, run, transcripts); bytes.Contains(doc, []byte("null")) {
			t.Errorf("got a null, want none:\n%s", doc)
		}
	}
}

func TestJSONShowsTranscriptsThatAccuse(t *testing.T) {
	// The first receiver has nothing to prove. Results of the second violate a
	// MUST, and one of the third is broken where no rule is: their controls are
	// there as well.
	run := oneDomain()
	run.Receivers[2].Results[0].Verdict = probe.Broken
	got := decode[wantDocument](t, encodeRun(t, run, false))
	for i, r := range got.Receivers {
		accused := false
		for j, res := range r.Results {
			want := run.Receivers[i].Results[j]
			accuses := want.Verdict == probe.Broken || want.Conformance == probe.Violates
			accused = accused || accuses
			if (res.Transcript != nil) != accuses {
				t.Errorf("%s %s: got a transcript: %v, want %v", r.Host, res.Check, res.Transcript != nil, accuses)
			}
		}
		if (r.Controls != nil) != accused {
			t.Errorf("%s: got controls: %v, want %v", r.Host, r.Controls != nil, accused)
		}
	}
	for _, r := range decode[wantDocument](t, encodeRun(t, run, true)).Receivers {
		for _, res := range r.Results {
			if res.Transcript == nil || r.Controls == nil {
				t.Errorf("%s %s: got no transcript or no controls, want both", r.Host, res.Check)
			}
		}
	}
}

func TestJSONTranscriptIsLossless(t *testing.T) {
	var want probe.Transcript
	for i, e := range []probe.Event{
		{From: probe.FromProbe, Note: probe.NoteConnected, Text: "192.0.2.1:25"},
		{From: probe.FromServer, Text: "220 mx \x1b[2J\u202e \\r\xff\x00\r\n"},
		{From: probe.FromClient, Text: "MAIL FROM:<>\r\nRSET\r\n"},
		{From: probe.FromServer, Text: "250 " + strings.Repeat("a", 2000) + "\r\n", Cut: 63000},
		{From: probe.FromServer, Text: "250 lone\n"},
		{From: probe.FromClient, Text: "NO"},
		probe.Begin(0, probe.Before{Errors: 1}),
		{From: probe.FromProbe, Note: probe.NoteTimedOut},
	} {
		e.At = time.Duration(i) * 700_000_001
		want = append(want, e)
	}
	run := oneReceiver()
	run.Receivers[0].Results[1].Transcript = want
	var got probe.Transcript
	for _, e := range decode[wantDocument](t, encodeRun(t, run, true)).Receivers[0].Results[1].Transcript {
		parsed, err := probe.ParseEvent(time.Duration(math.Round(e.MS*float64(time.Millisecond))), e.From, e.Text)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, parsed)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestStreamIsOneObjectALine(t *testing.T) {
	run := severalDomains()
	var out bytes.Buffer
	s := report.NewStream(&out, false)
	if err := s.Begin(run); err != nil {
		t.Fatal(err)
	}
	var workers sync.WaitGroup // as receivers finish at the same time
	for _, d := range run.Domains {
		workers.Go(func() {
			if err := s.Domain(d); err != nil {
				t.Error(err)
			}
		})
	}
	for _, r := range run.Receivers {
		workers.Go(func() {
			if err := s.Receiver(r); err != nil {
				t.Error(err)
			}
		})
	}
	workers.Wait()
	if err := s.End(true, report.Run{Elapsed: 61500 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	var types []string
	for line := range bytes.Lines(out.Bytes()) {
		types = append(types, streamed(t, line))
	}
	last := len(types) - 1
	if types[0] != "run" || types[last] != "end" {
		t.Errorf("got %s first and %s last, want run and end", types[0], types[last])
	}
	slices.Sort(types)
	if got, want := fmt.Sprint(slices.Compact(types)), "[domain end receiver run]"; got != want || last+1 != 2+len(run.Domains)+len(run.Receivers) {
		t.Errorf("got %d lines of %s, want %d of %s", last+1, got, 2+len(run.Domains)+len(run.Receivers), want)
	}
}

// streamed decodes one line by its type and returns that type.
func streamed(t *testing.T, line []byte) string {
	t.Helper()
	var head struct{ Schema, Type string }
	if err := json.Unmarshal(line, &head); err != nil {
		t.Fatalf("line %q: %v", line, err)
	}
	if got := keys(t, line); head.Schema != report.Schema || got[0] != "schema" || got[1] != "type" {
		t.Errorf("got %v, want schema and type first", got)
	}
	switch head.Type {
	case "run":
		decode[struct {
			Schema, Type, Started, Profile string
			Tool                           wantTool
		}](t, line)
	case "domain":
		decode[struct {
			Schema, Type string
			wantDomain
		}](t, line)
	case "receiver":
		decode[struct {
			Schema, Type string
			wantReceiver
		}](t, line)
	case "end":
		end := decode[struct {
			Schema, Type string
			Complete     bool
			ElapsedMS    int64 `json:"elapsed_ms"`
		}](t, line)
		if !end.Complete || end.ElapsedMS != 61500 {
			t.Errorf("got complete %v after %d ms, want true after 61500", end.Complete, end.ElapsedMS)
		}
	}
	return head.Type
}

// encodeRun is the run as JSON, which is of the schema.
func encodeRun(t *testing.T, run report.Run, transcripts bool) []byte {
	t.Helper()
	text := encodeAny(t, run, transcripts)
	schematest.Valid(t, "the run as JSON", text)
	return text
}

// encodeAny is the same where the run need not be one of this version.
func encodeAny(t *testing.T, run report.Run, transcripts bool) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := report.JSON(&out, run, transcripts); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// decode reads one JSON value with no fields but those of T, and nothing after it.
func decode[T any](t *testing.T, data []byte) T {
	t.Helper()
	var value T
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&value); err != nil {
		t.Fatalf("decode: %v", err)
	}
	if dec.More() {
		t.Error("got more than one value, want one")
	}
	return value
}

// at goes down into JSON by field names and list indexes.
func at(t *testing.T, data json.RawMessage, path ...string) json.RawMessage {
	t.Helper()
	for _, step := range path {
		var list []json.RawMessage
		if json.Unmarshal(data, &list) == nil {
			var i int
			if _, err := fmt.Sscan(step, &i); err != nil || i >= len(list) {
				t.Fatalf("got %d entries, want one at %s", len(list), step)
			}
			data = list[i]
			continue
		}
		var object map[string]json.RawMessage
		if err := json.Unmarshal(data, &object); err != nil {
			t.Fatalf("%s: %v", step, err)
		}
		data = object[step]
	}
	return data
}

// keys are the field names of a JSON object, in their order.
func keys(t *testing.T, data []byte) []string {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(data))
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		t.Fatalf("got %v (%v), want an object", start, err)
	}
	var names []string
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name.(string))
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			t.Fatal(err)
		}
	}
	return names
}
