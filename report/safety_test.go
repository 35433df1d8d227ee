package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
	"github.com/smtpprobe/smtpprobe/report"
)

// evil holds what a server may send to harm whoever looks at the report: escape
// sequences, their one-octet forms, bidirectional and invisible marks, broken
// UTF-8, line ends and the characters of tables and markup.
const evil = "a\x1b]0;title\x07\x1b[31mred\u202eright\u2066\u200b\x9b2J\xff\xfe\x00\x7f|\r\nb\tc\n<script>"

// hostile is a run in which everything that is not ours is evil, and long.
func hostile(receivers int) report.Run {
	long := evil + strings.Repeat("xyz \x1b", 13<<10) + evil
	run := oneReceiver()
	run.Domains = []report.Domain{{
		Domain: evil, ASCII: evil, Status: evil, Reason: long, Notes: []report.Note{{evil, long}},
		Exchanges: []report.Exchange{{Host: evil, Addresses: []string{evil}, Notes: []report.Note{{evil, long}}}},
	}}
	run.Version, run.Profile, run.Note = evil, evil, evil
	one := run.Receivers[0]
	one.Host, one.Address, one.Domains, one.Platform, one.Recipient = evil, evil, []string{evil}, evil, evil
	one.Reason, one.Banner, one.Software, one.TLS = long, long, evil, evil+", "+evil
	one.Status = probe.StatusTimedOut
	one.Offered, one.OfferedTLS = smtp.Capabilities{evil, long}, smtp.Capabilities{evil}
	transcript := probe.Transcript{
		{From: probe.FromServer, Text: long, Cut: 7},
		{From: probe.FromServer, Text: evil + "\r\n"},
		{From: probe.FromClient, Text: evil},
		{From: probe.FromProbe, Note: probe.NoteUnsecured, Text: long},
	}
	one.Results = results(lenient())
	for i := range one.Results {
		one.Results[i].Reason, one.Results[i].Transcript = evil, transcript[1:]
		one.Results[i].Reply = smtp.Reply{Code: 250, Lines: []smtp.Line{{Octets: "250 " + evil, Cut: 3}}}
	}
	one.Results[1].Reason, one.Results[1].Transcript = long, transcript
	one.Results[1].Reply.Lines[0].Octets = "502 " + long
	one.Controls = []probe.ControlRun{{ID: "B0", Transcript: transcript}}
	run.Receivers = []probe.Report{one}
	one.Results, one.Controls, one.Banner = one.Results[2:], nil, evil // the long texts once are enough
	for range receivers - 1 {
		run.Receivers = append(run.Receivers, one)
	}
	return run
}

var ours = regexp.MustCompile(`\x1b\[(1|2|1;31|32|33|35|36)m[^\x1b\n]*\x1b\[0m`)

func TestHostileTextNeverReachesTheTable(t *testing.T) {
	for name, style := range map[string]report.Style{
		"plain": {}, "ascii": {ASCII: true}, "transcript": {Transcript: true}, "colour": {Color: true, Transcript: true, Width: 120},
	} {
		for _, receivers := range []int{1, 12} {
			var out bytes.Buffer
			if err := report.Table(&out, hostile(receivers), style); err != nil {
				t.Fatal(err)
			}
			// A colour of ours begins and ends on one line; without colour there is none.
			text := out.String()
			if style.Color {
				text = ours.ReplaceAllStringFunc(text, func(s string) string { return s[strings.IndexByte(s, 'm')+1 : len(s)-4] })
			}
			for line := range strings.Lines(text) {
				line = strings.TrimSuffix(line, "\n")
				if bad := foreign(line, style.ASCII); bad != "" {
					t.Fatalf("%s, %d receivers: got %s in %q, want it escaped", name, receivers, bad, line)
				}
			}
			if !strings.Contains(text, `\x1b[31mred\xe2\x80\xae`) {
				t.Errorf("%s, %d receivers: got no escaped text, want it shown", name, receivers)
			}
		}
	}
}

// foreign finds what the tables themselves never have.
func foreign(line string, ascii bool) string {
	for _, r := range line {
		switch {
		case r >= ' ' && r <= '~':
		case !ascii && strings.ContainsRune("✓✗│─┼▏▎▍▌▋▊▉█", r):
		case !ascii && unicode.IsLetter(r):
		default:
			return string(r)
		}
	}
	if !utf8.ValidString(line) {
		return "broken UTF-8"
	}
	return ""
}

func TestHostileTextNeverReachesJSON(t *testing.T) {
	run := hostile(2)
	var out bytes.Buffer
	if err := report.JSON(&out, run, true); err != nil {
		t.Fatal(err)
	}
	s := report.NewStream(&out, true)
	for _, err := range []error{s.Begin(run), s.Domain(run.Domains[0]), s.Receiver(run.Receivers[0]), s.End(false, run)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	dec := json.NewDecoder(&out)
	strung := 0
	for {
		token, err := dec.Token() // with JSON's own escapes undone, as jq -r does
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if text, ok := token.(string); ok {
			strung++
			if bad := foreign(text, true); bad != "" {
				t.Fatalf("got %q in %.200q, want it escaped", bad, text)
			}
		}
	}
	if strung < 100 {
		t.Errorf("got %d strings, want hundreds", strung)
	}
}

func TestHostileTextNeverReachesCSV(t *testing.T) {
	for _, run := range []report.Run{hostile(2), tempted()} {
		cells := 0
		for _, row := range readCSV(t, run) {
			for column, cell := range row {
				cells++
				if bad := foreign(cell, true); bad != "" {
					t.Fatalf("got %q in the %s %.200q, want it escaped", bad, column, cell)
				}
			}
		}
		if cells < 100 {
			t.Errorf("got %d cells, want hundreds", cells)
		}
	}
}

// full is a disk that is full after some octets.
type full struct{ room int }

var errFull = errors.New("disk full")

func (f *full) Write(p []byte) (int, error) {
	if len(p) > f.room {
		n := f.room
		f.room = 0
		return n, errFull
	}
	f.room -= len(p)
	return len(p), nil
}

func TestErrorsOfTheWriterAreReturned(t *testing.T) {
	run := oneDomain()
	tests := []struct {
		name  string
		write func(*full) error
	}{
		{"table", func(f *full) error { return report.Table(f, run, report.Style{}) }},
		{"comparison", func(f *full) error { return report.Table(f, severalDomains(), report.Style{Transcript: true}) }},
		{"json", func(f *full) error { return report.JSON(f, run, true) }},
		{"csv", func(f *full) error { return report.CSV(f, run) }},
		{"markdown", func(f *full) error { return report.Markdown(f, run, true) }},
		{"junit", func(f *full) error { return report.JUnit(f, run) }},
		{"campaign as a table", func(f *full) error { return report.CampaignTable(f, mailing(), report.Style{}) }},
		{"campaign as CSV", func(f *full) error { return report.CampaignCSV(f, mailing()) }},
		{"campaign as JSON", func(f *full) error { return report.CampaignJSON(f, mailing()) }},
		{"begin", func(f *full) error { return report.NewStream(f, true).Begin(run) }},
		{"domain", func(f *full) error { return report.NewStream(f, true).Domain(run.Domains[0]) }},
		{"receiver", func(f *full) error { return report.NewStream(f, true).Receiver(run.Receivers[0]) }},
		{"end", func(f *full) error { return report.NewStream(f, true).End(true, oneReceiver()) }},
	}
	for _, tt := range tests {
		for _, room := range []int{0, 50} {
			t.Run(tt.name, func(t *testing.T) {
				if err := tt.write(&full{room}); !errors.Is(err, errFull) {
					t.Errorf("with room for %d octets got %v, want %v", room, err, errFull)
				}
			})
		}
		t.Run(tt.name+" with room", func(t *testing.T) {
			if err := tt.write(&full{1 << 30}); err != nil {
				t.Errorf("got %v, want no error", err)
			}
		})
	}
}
