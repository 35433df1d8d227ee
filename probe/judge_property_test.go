package probe_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"pgregory.net/rapid"
)

// What a receiver may say, and how a session may end.
var (
	serverLines = []string{
		"250 2.0.0 Ok\r\n", "250-a\r\n", "250 b\n", "354 go\r\n", "503 5.5.1 no\r\n", "503 5.7.0 no\r\n", "502 no\r\n",
		"554 5.5.1 no\r\n", "550 5.1.1 <postmaster@example.com> no\r\n", "550-5.7.1 no\r\n", "450 4.7.1 later\r\n",
		"421 4.7.0 bye\r\n", "221 bye\r\n", "what?\r\n", "\r\n", "650 odd\r\n", "25", "250 \\[5 octets left out]\r\n",
	}
	endings = []string{
		"", "closed by the server", "reset by the server", "timed out: after 30s", "not sent: enough", "interrupted",
		"the receiver does not stop talking", "TLS handshake done: TLS 1.3", "TLS handshake failed: not TLS",
		"listened: for 300ms", "closed by us", "reset by us",
	}
	values = probe.Values{EHLO: "client.example", From: "<>", Rcpt: "<postmaster@example.com>", Bad: probe.BadRecipient}
)

// tries draws transcripts of a check as a session could have left them, and some
// that none could.
func tries(c probe.Check) *rapid.Generator[probe.Transcript] {
	return rapid.Custom(func(t *rapid.T) probe.Transcript {
		at := time.Duration(0)
		var tr probe.Transcript
		add := func(e probe.Event) {
			at += time.Duration(rapid.IntRange(0, 3).Draw(t, "pause")) * time.Second
			e.At = at
			tr = append(tr, e)
		}
		note := func(text string) {
			e, err := probe.ParseEvent(at, "probe", text)
			if err != nil {
				t.Fatal(err)
			}
			add(e)
		}
		hear := func(most int) {
			for range rapid.IntRange(0, most).Draw(t, "lines") {
				add(probe.Event{From: probe.FromServer, Text: rapid.SampledFrom(serverLines).Draw(t, "line")})
			}
		}
		note("connected")
		hear(2)
		if rapid.IntRange(0, 9).Draw(t, "begins") > 0 {
			add(probe.Begin(at, probe.Before{
				Errors: rapid.IntRange(0, 1).Draw(t, "errors"), Checks: rapid.IntRange(0, 1).Draw(t, "checks"),
			}))
		}
		for _, step := range c.Script {
			if rapid.IntRange(0, 9).Draw(t, "stray") == 0 {
				hear(1)
			}
			if step.Act == probe.Send && rapid.IntRange(0, 9).Draw(t, "written") > 0 {
				add(probe.Event{Text: values.Fill(step.Text)})
			}
			hear(3)
			if rapid.IntRange(0, 3).Draw(t, "goes on") == 0 {
				if end := rapid.SampledFrom(endings).Draw(t, "end"); end != "" {
					note(end)
				}
			}
		}
		return tr
	})
}

// mayBe are the verdicts of a polarity, by the table of design.md.
var mayBe = map[probe.Polarity][]probe.Verdict{
	probe.Refusal:  {probe.Strict, probe.Deviant, probe.Lenient, probe.Dropped, probe.Broken},
	probe.Service:  {probe.Correct, probe.Overstrict, probe.Dropped, probe.Broken},
	probe.Clearing: {probe.Correct, probe.Lenient, probe.Overstrict, probe.Dropped, probe.Broken},
	probe.Keeping:  {probe.Correct, probe.Overstrict, probe.Dropped, probe.Broken},
}

func TestDecideOfAnythingAtAll(t *testing.T) {
	all := catalogue()
	rapid.Check(t, func(rt *rapid.T) {
		c := rapid.SampledFrom(all).Draw(rt, "check")
		rec := known().record(t)
		if rapid.Bool().Draw(rt, "postmaster refused") {
			rec.Baselines[probe.B1] = dialogue(t, refusesRcptB1)
		}
		if rapid.Bool().Draw(rt, "B0 fails at the end") {
			rec.Baselines[probe.B0Again] = dialogue(t, "*: connected\n*: closed by the server")
		}
		rec.Tries[c.ID] = rapid.SliceOfN(tries(c), 1, 3).Draw(rt, "tries")

		got := probe.Decide(&c, all, rec)
		switch {
		case !got.Verdict.Known() && (got.Reason == "" || got.Conformance != ""):
			rt.Fatalf("got %s, %q for the reason %q, want a reason and no conformance", got.Verdict, got.Conformance, got.Reason)
		case got.Verdict.Known() && !slices.Contains(mayBe[c.Polarity], got.Verdict):
			rt.Fatalf("got %s, want a verdict of the polarity", got.Verdict)
		case got.Verdict.Known() && got.Conformance == "":
			rt.Fatalf("got %s without a conformance, want one", got.Verdict)
		case got.Verdict.Known() && got.Again:
			rt.Fatalf("got %s and another try asked for, want none", got.Verdict)
		case got.Verdict == probe.Strict && got.Reply.Code != 503 && got.Reply.Code != 554:
			rt.Fatalf("got %s on %s, want 503 or 554", got.Verdict, probe.Brief(got.Reply))
		case got.Verdict == probe.Lenient && c.Polarity == probe.Refusal && got.Reply.Refused():
			rt.Fatalf("got %s on %s, want it accepted", got.Verdict, probe.Brief(got.Reply))
		case strings.ContainsAny(got.Reason, "\r\n\x00\x1b"):
			rt.Fatalf("got the reason %q, want it on one line", got.Reason)
		}
		// A receiver that talks unasked is broken; nothing else can be known.
		if got.Verdict.Known() && got.Verdict != probe.Broken && !wrote(got.Transcript) {
			rt.Fatalf("got %s though nothing was sent, want nothing known", got.Verdict)
		}

		// An old run can be judged again, from what was shown of it.
		kept := rec
		kept.Tries = map[string][]probe.Transcript{}
		for id, trs := range rec.Tries {
			for _, tr := range trs {
				kept.Tries[id] = append(kept.Tries[id], shownAndRead(rt, tr))
			}
		}
		again := probe.Decide(&c, all, kept)
		if again.Verdict != got.Verdict || again.Conformance != got.Conformance || again.Reason != got.Reason ||
			!reflect.DeepEqual(again.Reply, got.Reply) || !reflect.DeepEqual(again.Control, got.Control) {
			rt.Fatalf("got %s (%s) when judged again, want %s (%s)", again.Verdict, again.Reason, got.Verdict, got.Reason)
		}
	})
}

// wrote reports whether the check wrote anything.
func wrote(t probe.Transcript) bool {
	begun := false
	for _, e := range t {
		begun = begun || e.Note == probe.NoteBegin
		if begun && e.From == probe.FromClient {
			return true
		}
	}
	return false
}

func shownAndRead(t *rapid.T, tr probe.Transcript) probe.Transcript {
	var back probe.Transcript
	for _, e := range tr {
		read, err := probe.ParseEvent(e.At, e.From.String(), e.String())
		if err != nil {
			t.Fatalf("got %v, want %q back", err, e.String())
		}
		back = append(back, read)
	}
	return back
}

// upgrading is a check with a step of every kind.
func upgrading() probe.Check {
	return probe.Check{ID: "upgrading", Script: probe.Script{
		{Act: probe.Greet, Name: "greeting"},
		probe.Line("starttls", "STARTTLS"),
		listen("clear").When("starttls", probe.IfAccepted),
		{Act: probe.Handshake, Name: "tls"},
		listen("ear"),
		probe.Lines(probe.Test, "RSET", "NOOP").When("ear", probe.IfSilent),
		listen("end").When(probe.Test, probe.IfRefused),
		probe.Line("last", "NOOP"),
	}}
}

// A walk has an outcome for each step, and tells nothing of steps that did not
// run.
func TestReplayOfAnythingAtAll(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := rapid.SampledFrom(append(catalogue(), upgrading())).Draw(rt, "check")
		tr := tries(c).Draw(rt, "try")
		kept := slices.Clone(tr)
		w := probe.Replay(c.Script, tr)
		if !reflect.DeepEqual(tr, kept) {
			rt.Fatal("got the transcript changed, want it left alone")
		}
		if w.Began && len(w.Outcomes) != len(c.Script) {
			rt.Fatalf("got %d outcomes, want %d", len(w.Outcomes), len(c.Script))
		}
		ended := false
		for _, o := range w.Outcomes {
			if o.Ran && ended {
				rt.Fatalf("got the step %q run after the end, want none", o.Step.Name)
			}
			if !o.Ran && (len(o.Replies) > 0 || len(o.Surplus) > 0 || o.Closed || o.TimedOut || o.Held != "") {
				rt.Fatalf("got %+v of a step that did not run, want nothing", o)
			}
			if len(o.Replies) > o.Step.Replies && o.Step.Act == probe.Send {
				rt.Fatalf("got %d replies, want at most %d", len(o.Replies), o.Step.Replies)
			}
			ended = ended || o.Ran && !o.Wanted()
		}
	})
}
