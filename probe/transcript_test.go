package probe_test

import (
	"strings"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"pgregory.net/rapid"
)

// allNotes are the notes that stand in transcripts which users keep.
var allNotes = []probe.Note{
	probe.NoteConnected, probe.NoteUnconnected, probe.NoteSecured, probe.NoteUnsecured, probe.NoteClosed,
	probe.NoteReset, probe.NoteTimedOut, probe.NoteListened, probe.NoteEarlyGreeted, probe.NoteBegin,
	probe.NoteHeld, probe.NoteLeft, probe.NoteAborted, probe.NoteInterrupted, probe.NoteFlooded,
}

func TestEventIsShownOnOneLine(t *testing.T) {
	tests := []struct {
		name string
		e    probe.Event
		want string
	}{
		{"a command", probe.Event{Text: "NOOP\r\n"}, `NOOP\r\n`},
		{"a group", probe.Event{Text: "RSET\r\nNOOP\r\n"}, `RSET\r\nNOOP\r\n`},
		{"a reply", probe.Event{From: probe.FromServer, Text: "250 \x1b[1mok\n"}, `250 \x1b[1mok\n`},
		{"a cut", probe.Event{From: probe.FromServer, Text: "250 ok\r\n", Cut: 7}, `250 ok\[7 octets left out]\r\n`},
		{"a cut before a lone LF", probe.Event{From: probe.FromServer, Text: "250 ok\n", Cut: 7}, `250 ok\[7 octets left out]\n`},
		{"a cut in an unfinished line", probe.Event{From: probe.FromServer, Text: "250 ok", Cut: 7}, `250 ok\[7 octets left out]`},
		{"a note", probe.Event{From: probe.FromProbe, Note: probe.NoteClosed}, `closed by the server`},
		{"a note with a text", probe.Event{From: probe.FromProbe, Note: probe.NoteTimedOut, Text: "after 30s"}, `timed out: after 30s`},
		{"the beginning", probe.Begin(0, probe.Before{Errors: 2, Checks: 1}), `check begins: after 2 error replies and 1 other checks`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.e.String(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			comesBack(t, tt.e)
		})
	}
}

// comesBack holds that an event which was shown can be read again.
func comesBack(t interface {
	Helper()
	Fatalf(string, ...any)
}, e probe.Event,
) {
	t.Helper()
	shown := e.String()
	for i := range len(shown) {
		if shown[i] < ' ' || shown[i] > '~' {
			t.Fatalf("got %q, want printable ASCII", shown)
		}
	}
	got, err := probe.ParseEvent(e.At, e.From.String(), shown)
	if err != nil || got != e {
		t.Fatalf("got %+v, %v back from %q, want %+v", got, err, shown, e)
	}
}

// A receiver may send what looks like our own marks, to spoil a transcript.
func TestEventOfAReceiverThatSpeaksAsWeDo(t *testing.T) {
	for _, text := range []string{
		`250 \[5 octets left out]`, `250 a\[b`, `250 \`, `250 \\[`, `250 \x41`, `250 \\[5 octets left out]\r`,
		"closed by the server", "timed out: after 30s",
	} {
		t.Run(text, func(t *testing.T) {
			comesBack(t, probe.Event{From: probe.FromServer, Text: text + "\r\n"})
			comesBack(t, probe.Event{From: probe.FromServer, Text: text + "\r\n", Cut: 5})
		})
	}
}

func TestEventComesBack(t *testing.T) {
	octets := rapid.Map(rapid.SliceOf(rapid.OneOf(
		rapid.Byte(), rapid.SampledFrom([]byte(`\\\[[]rnx0 5octetsleftout:`)),
	)), func(b []byte) string { return string(b) })
	wire := rapid.Custom(func(t *rapid.T) probe.Event {
		e := probe.Event{
			At:   time.Duration(rapid.Int64Range(0, 1<<40).Draw(t, "at")),
			From: rapid.SampledFrom([]probe.Party{probe.FromClient, probe.FromServer}).Draw(t, "from"),
			Text: octets.Draw(t, "octets") + rapid.SampledFrom([]string{"", "\n", "\r\n", "\r"}).Draw(t, "end"),
		}
		if e.From == probe.FromServer {
			e.Cut = rapid.OneOf(rapid.Just(0), rapid.IntRange(1, 1<<30)).Draw(t, "cut")
		}
		return e
	})
	note := rapid.Custom(func(t *rapid.T) probe.Event {
		return probe.Event{
			At: time.Second, From: probe.FromProbe,
			Note: rapid.SampledFrom(allNotes).Draw(t, "note"), Text: octets.Draw(t, "text"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		comesBack(t, rapid.OneOf(wire, note).Draw(t, "event"))
	})
}

func TestParseEventRefusesWhatNobodyWrote(t *testing.T) {
	tests := []struct{ name, from, text string }{
		{"a party", "proxy", "250 ok"},
		{"no party", "", "250 ok"},
		{"an escape", "server", `250 \q`},
		{"an escape in a note", "probe", `timed out: \q`},
		{"a cut without a number", "server", `250 \[octets left out]`},
		{"a cut of nothing", "server", `250 \[0 octets left out]`},
		{"a negative cut", "server", `250 \[-1 octets left out]`},
		{"a cut without an end", "server", `250 \[5 octets`},
		{"two cuts", "server", `250 \[5 octets left out] \[6 octets left out]`},
		{"a note", "probe", "fell asleep"},
		{"a note and more", "probe", "closed by the server again"},
		{"an empty note", "probe", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := probe.ParseEvent(0, tt.from, tt.text)
			if err == nil {
				t.Fatalf("got %+v, want an error", got)
			}
			if !strings.Contains(err.Error(), "want") && !strings.Contains(err.Error(), "not one") {
				t.Errorf("got %q, want it to say what would be right", err)
			}
		})
	}
}

func TestTranscriptTellsWhatWasBefore(t *testing.T) {
	for _, want := range []probe.Before{{}, {Errors: 1}, {Checks: 3}, {Errors: 2, Checks: 1}, {Errors: 10, Checks: 12}} {
		tr := probe.Transcript{{Text: "NOOP\r\n"}, probe.Begin(time.Second, want), {Text: "RSET\r\n"}}
		if got := tr.Before(); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	said := probe.Transcript{{From: probe.FromServer, Text: "check begins: after 3 error replies and 2 other checks\r\n"}}
	if got := said.Before(); got != (probe.Before{}) {
		t.Errorf("got %+v from a line of the receiver, want nothing", got)
	}
}

func TestTranscriptFindsNotesOfTheProbeOnly(t *testing.T) {
	tr := dialogue(t, `
		*: connected
		S: closed by the server
		*: timed out: after 30s
		*: timed out: after 60s`)
	if tr.Has(probe.NoteClosed) {
		t.Error("got a line of the receiver taken for a note, want not")
	}
	e, ok := tr.Find(probe.NoteTimedOut)
	if !ok || e.Text != "after 30s" {
		t.Errorf("got %+v %v, want the first one", e, ok)
	}
	if !tr.Has(probe.NoteConnected) || tr.Has(probe.NoteSecured) {
		t.Error("got other notes than there are")
	}
}

// FuzzParseEvent reads any text: an error, or an event that comes back.
func FuzzParseEvent(f *testing.F) {
	f.Add("server", `250 ok\[7 octets left out]\r\n`)
	f.Add("client", `RSET\r\nNOOP\r\n`)
	f.Add("probe", `timed out: after 30s`)
	f.Add("server", `250 \\[5 octets left out]`)
	f.Fuzz(func(t *testing.T, from, text string) {
		e, err := probe.ParseEvent(time.Second, from, text)
		if err == nil {
			comesBack(t, e)
		}
	})
}
