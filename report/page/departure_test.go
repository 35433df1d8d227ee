package page

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/oracle"
)

func TestDepartures(t *testing.T) {
	hello := []string{"S: 220 hi", "C: EHLO me.example", "S: 250-hi", "S: 250-PIPELINING", "S: 250 STARTTLS", "*"}
	tests := []struct {
		name       string
		transcript []string
		want       []string
	}{
		{"what the reference does", append(hello, "C: RCPT TO:<a@b.example>", "S: 503 no", "C: MAIL FROM:<>", "S: 250 ok"), nil},
		{"another refusal is no departure", append(hello, "C: RCPT TO:<a@b.example>", "S: 550 no"), nil},
		{"RCPT without MAIL", append(hello, "C: RCPT TO:<a@b.example>", "S: 250 ok"), []string{"E RCPT 503 250 R"}},
		{"MAIL before EHLO, which is allowed", []string{"S: 220 hi", "*", "C: MAIL FROM:<>", "S: 250 ok"}, []string{"I MAIL 503 250 M allowed"}},
		{"a transaction that survives EHLO", append(hello, "C: MAIL FROM:<>", "S: 250 ok", "C: EHLO me.example", "S: 250 hi", "C: RCPT TO:<a@b.example>", "S: 250 ok"), []string{"E RCPT 503 250 R"}},
		{"EHLO in a session refused", append(hello, "C: EHLO me.example", "S: 503 no"), []string{"E EHLO 250 503 E"}},
		{"greylisting", append(hello, "C: MAIL FROM:<>", "S: 450 later"), nil},
		{"no EHLO after STARTTLS", append(hello, "C: STARTTLS", "S: 220 go", "T", "C: MAIL FROM:<>", "S: 250 ok"), []string{"I MAIL 503 250 M allowed"}},
		{"STARTTLS inside TLS", append(hello, "C: STARTTLS", "S: 220 go", "T", "C: EHLO me.example", "S: 250 hi", "C: STARTTLS", "S: 220 go"), []string{"E STARTTLS 503 220 T"}},
		{"DATA without recipients", append(hello, "C: MAIL FROM:<>", "S: 250 ok", "C: DATA", "S: 354 go"), []string{"M DATA 503 354 D allowed"}},
		{"a group, one reply to each", append(hello, "C: MAIL FROM:<>|RCPT TO:<a@b.example>|DATA", "S: 250 ok", "S: 550 no", "S: 354 go"), []string{"M DATA 554 354 D allowed"}},
		{"a group refused as such", []string{"S: 220 hi", "C: HELO me.example", "S: 250 hi", "*", "C: MAIL FROM:<>|RSET", "S: 500 no"}, nil},
		{"a chunk is no command", append(hello, "C: BDAT 6|NOOP", "S: 503 no", "C: RCPT TO:<a@b.example>", "S: 250 ok"), []string{"E RCPT 503 250 R"}},
		{"before the check begins", []string{"S: 220 hi", "C: MAIL FROM:<>", "S: 250 ok", "*", "C: RSET", "S: 250 ok"}, nil},
		{"nobody asked: what follows tells nothing", append(hello, "S: 250 surplus", "C: RCPT TO:<a@b.example>", "S: 250 ok"), nil},
		{"commands ahead of their replies", append(hello, "C: NOOP", "C: RCPT TO:<a@b.example>", "S: 250 ok", "S: 250 ok"), nil},
		{"half a line", append(hello, "C: NO", "C: RCPT TO:<a@b.example>", "S: 250 ok"), nil},
		{"a lone LF may be two lines", append(hello, "C: NOOP\nRCPT TO:<a@b.example>", "S: 250 ok"), nil},
		{"early talk", []string{"*", "C: MAIL FROM:<>", "S: 220 hi", "S: 250 ok"}, nil},
		{"turned away", []string{"S: 554 no", "*", "C: MAIL FROM:<>", "S: 250 ok"}, nil},
		{"no reply code", append(hello, "C: RCPT TO:<a@b.example>", "S: hello", "C: RCPT TO:<a@b.example>", "S: 250 ok"), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			transcript := talkOf(tt.transcript...)
			for i := range transcript {
				transcript[i].Text = strings.ReplaceAll(transcript[i].Text, "NO\r\n", "NO") // half a line
			}
			r := probe.Report{Results: []probe.Result{{Check: &probe.Check{ID: "x"}, Verdict: probe.Lenient, Transcript: transcript}}}
			var got []string
			for _, d := range departures(r) {
				words := fmt.Sprintf("%s %s %d %d %s", d.from, d.verb, d.ideal, d.code, d.to)
				if d.allowed && d.taken() {
					words += " allowed"
				}
				got = append(got, words)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			for _, v := range []probe.Verdict{probe.Inconclusive, probe.NotApplicable, probe.Broken} {
				r.Results[0].Verdict = v
				if got := departures(r); len(got) != 0 {
					t.Errorf("%s: got %v, want nothing of a verdict that tells nothing", v, got)
				}
			}
		})
	}
}

func TestTheDrawingIsTheTable(t *testing.T) {
	for _, row := range oracle.Rows() {
		if !strings.HasPrefix(row.State, "*") && place(oracle.State(row.State)) < 0 {
			t.Errorf("state %s of the table has no place in the drawing", row.State)
		}
		if len(row.Next) == 1 && place(oracle.State(row.Next)) < 0 {
			t.Errorf("state %s of the table has no place in the drawing", row.Next)
		}
	}
	edges, anywhere := reference()
	has := func(from, to oracle.State, command string) bool {
		return slices.ContainsFunc(edges, func(e edge) bool {
			return e.From == from && e.To == to && slices.Contains(e.Labels, command)
		})
	}
	for _, want := range []struct {
		from, to oracle.State
		command  string
	}{
		{"W", "I", "220"},
		{"I", "E", "EHLO"},
		{"I", "H", "HELO"},
		{"E", "M", "MAIL"},
		{"H", "M", "MAIL"},
		{"M", "R", "RCPT"},
		{"R", "D", "DATA"},
		{"R", "B", "BDAT"},
		{"B", "E", "BDAT LAST"},
		{"M", "E", "RSET"},
		{"X", "E", "RSET"},
		{"E", "T", "STARTTLS"},
		{"T", "I", "TLS done"},
		{"E", "A", "AUTH"},
		{"D", "E", "dot"},
		{"I", "Z", "QUIT"},
		{"J", "Z", "QUIT"},
		{"B", "X", "DATA refused"},
	} {
		if !has(want.from, want.to, want.command) {
			t.Errorf("no arrow from %s to %s for %s", want.from, want.to, want.command)
		}
	}
	for _, never := range [][2]oracle.State{{"I", "M"}, {"E", "R"}, {"H", "T"}, {"M", "D"}, {"E", "D"}, {"M", "T"}} {
		if slices.ContainsFunc(edges, func(e edge) bool { return e.From == never[0] && e.To == never[1] }) {
			t.Errorf("an arrow from %s to %s, want none: the reference refuses that", never[0], never[1])
		}
	}
	if want := []string{"QUIT leads to Z", "EHLO leads to E", "HELO leads to H"}; !slices.Equal(anywhere, want) {
		t.Errorf("got %q in every state, want %q", anywhere, want)
	}
}

func TestLinks(t *testing.T) {
	for ref, want := range map[probe.Ref]string{
		"RFC 5321 4.1.4":  "https://www.rfc-editor.org/rfc/rfc5321#section-4.1.4",
		"RFC 2920 3.2(3)": "https://www.rfc-editor.org/rfc/rfc2920#section-3.2",
		"RFC 3207":        "https://www.rfc-editor.org/rfc/rfc3207",
		"CVE-2011-0411":   "",
	} {
		if got := link(ref); got != want {
			t.Errorf("%s: got %q, want %q", ref, got, want)
		}
	}
}
