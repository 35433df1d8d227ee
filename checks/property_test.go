package checks_test

import (
	"slices"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
	"pgregory.net/rapid"
)

// lines are what receivers say, and what none should.
var lines = []string{
	"220 receiver.example", "221 Bye", "250 OK", "250-receiver.example", "250 2.1.5 OK", "251 2.1.5 OK", "334 ", "354 Go on",
	"421 4.3.2 Down", "421 4.7.0 Go away", "450 4.7.1 Later", "451 4.3.0 Later", "454 4.7.0 No", "455 4.5.0 No", "500 5.5.2 What?",
	"501 5.5.4 What?", "502 5.5.1 No", "503 5.5.1 Bad sequence of commands", "503 5.7.0 Access denied", "503-5.5.1 Bad",
	"521 No mail", "530 5.7.0 STARTTLS first", "550 5.1.1 No such mailbox here", "550 5.7.1 Not you", "554 5.5.0 Slowly",
	"554 5.5.1 No valid recipients", "999 What?", "25 OK", "Hello there", "", "\x00\x15\x03\x01",
}

// drawSession draws how a receiver takes the script of a check, step by step:
// any number of lines to each, silence, a close, a failed handshake.
func drawSession(t *rapid.T, c *probe.Check) probe.Transcript {
	r := newReference(defaults()...)
	r.enter(probe.FromProbe, probe.NoteConnected, "")
	r.play(probe.Prelude(c.Start, probe.Clear))
	before := probe.Before{Errors: rapid.IntRange(0, 2).Draw(t, "errors before"), Checks: rapid.IntRange(0, 1).Draw(t, "checks before")}
	r.t = append(r.t, probe.Begin(time.Second, before))
	at := time.Second
	enter := func(from probe.Party, note probe.Note, text string) {
		at += time.Duration(rapid.IntRange(0, 40).Draw(t, "wait")) * time.Second
		r.t = append(r.t, probe.Event{At: at, From: from, Note: note, Text: text})
	}
	for i, step := range c.Script {
		start := len(r.t)
		walk := probe.Replay(c.Script[:i], r.t)
		if walk.Ends() {
			break
		}
		if !walk.Holds(step) {
			continue
		}
		switch step.Act {
		case probe.Send:
			enter(probe.FromClient, "", testValues().Fill(step.Text))
		case probe.Handshake:
			enter(probe.FromProbe, rapid.SampledFrom([]probe.Note{probe.NoteSecured, probe.NoteUnsecured}).Draw(t, "handshake"), "TLS 1.3")
		}
		for range rapid.IntRange(0, 1+step.Replies).Draw(t, "lines") {
			enter(probe.FromServer, "", rapid.SampledFrom(lines).Draw(t, "line")+"\r\n")
		}
		end := []probe.Note{"", "", "", probe.NoteClosed, probe.NoteReset, probe.NoteTimedOut, probe.NoteFlooded, probe.NoteHeld}
		if step.Act == probe.Listen {
			end = []probe.Note{probe.NoteListened, probe.NoteListened, probe.NoteClosed}
		}
		if note := rapid.SampledFrom(end).Draw(t, "end"); note != "" || len(r.t) == start {
			if note == "" {
				note = probe.NoteTimedOut
			}
			enter(probe.FromProbe, note, "")
		}
	}
	return r.t
}

// TestAnythingMayBeHeard holds that no check falls over whatever is heard, says
// nothing that its meanings do not explain, and never calls strict, lenient or
// correct what was not answered.
func TestAnythingMayBeHeard(t *testing.T) {
	all := checks.All()
	clean := record(probe.Clear, defaults()...)
	bare := record(probe.Clear, without("PIPELINING")...)
	for i := range all {
		c := &all[i]
		if c.Observes() {
			continue // has no session of its own
		}
		t.Run(c.ID, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				rec := clean
				if rapid.Bool().Draw(rt, "bare") {
					rec = bare
				}
				first := drawSession(rt, c)
				tries := []probe.Transcript{first, first}
				if rapid.Bool().Draw(rt, "differ") {
					tries[1] = drawSession(rt, c)
				}
				kept := rec.Tries[c.ID]
				rec.Tries[c.ID] = tries
				got := probe.Decide(c, all, rec)
				rec.Tries[c.ID] = kept
				soundResult(rt, got)
				switch got.Verdict {
				case probe.Strict, probe.Lenient, probe.Correct:
					if !answeredAtAll(probe.Replay(c.Script, got.Transcript), judged(c)) {
						rt.Errorf("got %s (%s), and nothing was answered", got.Verdict, got.Reason)
					}
				}
			})
		})
	}
}

// answeredAtAll reports whether the judged step got a reply; where it waits for
// none, whether any step of the check did.
func answeredAtAll(w probe.Walk, name string) bool {
	if o := w.Find(name); o.Step.Replies > 0 {
		return len(o.Replies) > 0
	}
	return slices.ContainsFunc(w.Outcomes, func(o probe.Outcome) bool { return len(o.Replies) > 0 })
}
