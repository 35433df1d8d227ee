package probe_test

import (
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
)

// TestHeardOnce holds that what led to several checks, a control or EHLO, counts in
// one transcript only.
func TestHeardOnce(t *testing.T) {
	event := func(at time.Duration, from probe.Party, text string) probe.Event {
		return probe.Event{At: at * time.Millisecond, From: from, Text: text + "\r\n"}
	}
	session := func(begins time.Duration) probe.Transcript {
		return probe.Transcript{
			{At: begins * time.Millisecond, From: probe.FromProbe, Note: probe.NoteConnected},
			event(begins+1, probe.FromServer, "220 receiver.example"),
			event(begins+2, probe.FromClient, "EHLO probe.example"), event(begins+3, probe.FromServer, "250 receiver.example"),
		}
	}
	check := func(before probe.Transcript, at time.Duration) probe.Transcript {
		return append(append(before[:len(before):len(before)], probe.Begin(at*time.Millisecond, probe.Before{})),
			event(at+1, probe.FromClient, "NOOP"), event(at+2, probe.FromServer, "250 OK"))
	}
	control, shared := session(1), session(20)
	c := probe.Check{ID: "noop", Start: probe.Hello}
	rec := probe.Record{
		Baselines: map[probe.Baseline]probe.Transcript{probe.B0: control},
		Tries:     map[string][]probe.Transcript{"noop": {check(control, 10), check(shared, 30), check(shared, 40)}},
	}
	own := map[string]int{}
	for _, transcript := range rec.Heard([]probe.Check{c}) {
		for _, x := range transcript {
			if x.Own {
				own[x.Verb()]++
			}
		}
	}
	if own[""] != 2 || own["EHLO"] != 2 || own["NOOP"] != 3 {
		t.Errorf("got %d greetings, %d EHLOs and %d NOOPs, want 2, 2 and 3: two sessions and three checks", own[""], own["EHLO"], own["NOOP"])
	}
}
