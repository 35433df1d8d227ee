package page

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// talkOf is a transcript in short: "C: " and "S: " and what was said, "*" for the
// beginning of the check.
func talkOf(lines ...string) probe.Transcript {
	t := probe.Transcript{{From: probe.FromProbe, Note: probe.NoteConnected}}
	for i, l := range lines {
		at := time.Duration(i+1) * time.Millisecond
		text := strings.ReplaceAll(l[min(3, len(l)):], "|", "\r\n") + "\r\n"
		switch l[0] {
		case 'C':
			t = append(t, probe.Event{At: at, From: probe.FromClient, Text: text})
		case 'S':
			t = append(t, probe.Event{At: at, From: probe.FromServer, Text: text})
		case 'T':
			t = append(t, probe.Event{At: at, From: probe.FromProbe, Note: probe.NoteSecured})
		case 'X':
			t = append(t, probe.Event{At: at, From: probe.FromProbe, Note: probe.NoteClosed})
		default:
			t = append(t, probe.Begin(at, probe.Before{}))
		}
	}
	return t
}

func replyOf(lines ...string) smtp.Reply {
	all := make([]smtp.Line, len(lines))
	for i, l := range lines {
		all[i] = smtp.Line{Octets: l + "\r\n"}
	}
	return smtp.Replies(all)[0]
}

func TestMarks(t *testing.T) {
	refuses := probe.Check{Script: probe.Script{
		probe.Line(probe.Test, "RCPT"), probe.Line("mail", "MAIL"), probe.Line(probe.Control, "RCPT"), probe.Line("rset", "RSET"),
	}}
	clears := probe.Check{Script: probe.Script{
		probe.Line(probe.Control, "MAIL"), probe.Line(probe.Disturb, "RSET"), probe.Line(probe.IsOpen, "RCPT"),
	}}
	plain := probe.Check{Script: probe.Script{probe.Line("a", "NOOP"), probe.Line("b", "NOOP")}}
	observes := probe.Check{Polarity: probe.Observation}
	tests := []struct {
		name       string
		check      probe.Check
		transcript probe.Transcript
		reply      smtp.Reply
		want       []string // by event
	}{
		{
			"the tested command, its reply and the control", refuses,
			talkOf("S: 220 hi", "*", "C: RCPT", "S: 503 no", "C: MAIL", "S: 250 ok", "C: RCPT", "S: 250 ok", "C: RSET", "S: 250 ok"), replyOf("503 no"),
			[]string{"", "", "", "test", "decided", "", "", "control", "", "", ""},
		},
		{
			"all lines of a reply", refuses,
			talkOf("S: 220 hi", "*", "C: RCPT", "S: 503-no", "S: 503 never"), replyOf("503-no", "503 never"),
			[]string{"", "", "", "test", "decided", "decided"},
		},
		{
			"the same words to every command: those to the tested one", refuses,
			talkOf("S: 220 hi", "*", "C: RCPT", "S: 250 ok", "C: MAIL", "S: 250 ok", "C: RCPT", "S: 250 ok", "C: RSET", "S: 250 ok"), replyOf("250 ok"),
			[]string{"", "", "", "test", "decided", "", "", "control", "", "", ""},
		},
		{
			"whether a transaction is open decides, not what disturbs it", clears,
			talkOf("S: 220 hi", "*", "C: MAIL", "S: 250 ok", "C: RSET", "S: 250 ok", "C: RCPT", "S: 250 ok"), replyOf("250 ok"),
			[]string{"", "", "", "control", "", "disturb", "", "is-open", "decided"},
		},
		{
			"what was said before the check decides nothing", refuses,
			talkOf("S: 220 hi", "C: RCPT", "S: 503 no", "*", "C: RCPT", "S: 503 no"), replyOf("503 no"),
			[]string{"", "", "", "", "", "test", "decided"},
		},
		{
			"nobody knows which of two", plain,
			talkOf("S: 220 hi", "*", "C: NOOP", "S: 250 ok", "C: NOOP", "S: 250 ok"), replyOf("250 ok"),
			[]string{"", "", "", "", "", "", ""},
		},
		{
			"an observation that was made once", observes,
			talkOf("S: 220 hi", "C: NOOP", "S: 250 ok"), replyOf("250 ok"),
			[]string{"", "", "", "decided"},
		},
		{
			"an observation that may have been made twice", observes,
			talkOf("S: 220 hi", "C: NOOP", "S: 250 ok", "C: NOOP", "S: 250 ok"), replyOf("250 ok"),
			[]string{"", "", "", "", "", ""},
		},
		{"no reply decided", refuses, talkOf("S: 220 hi", "*", "C: RCPT", "X"), smtp.Reply{}, []string{"", "", "", "test", ""}},
		{"nothing was exchanged", refuses, nil, smtp.Reply{}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			marked := marks(probe.Result{Check: &tt.check, Transcript: tt.transcript, Reply: tt.reply})
			var got []string
			for i := range tt.transcript {
				got = append(got, string(marked[i]))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
