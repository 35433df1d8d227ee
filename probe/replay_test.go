package probe_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// outline shows a walk, an outcome a word: its name, the codes of its replies,
// those of its surplus behind a +, and how it ended.
func outline(w probe.Walk) string {
	words := make([]string, 0, len(w.Outcomes))
	for _, o := range w.Outcomes {
		word := o.Step.Name
		if !o.Ran {
			words = append(words, word+":-")
			continue
		}
		word += ":" + codes(o.Replies)
		if len(o.Surplus) > 0 {
			word += "+" + codes(o.Surplus)
		}
		for _, end := range []struct {
			is   bool
			mark string
		}{
			{o.Partial, "partial"},
			{o.Closed, "closed"},
			{o.TimedOut, "timeout"},
			{o.Flooded, "flood"},
			{o.Held != "", "held"},
			{o.Failed != "", "failed"},
		} {
			if end.is {
				word += "!" + end.mark
			}
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

func codes(replies []smtp.Reply) string {
	var texts []string
	for _, r := range replies {
		texts = append(texts, fmt.Sprintf("%03d", r.Code))
	}
	return strings.Join(texts, ",")
}

func listen(name string) probe.Step {
	return probe.Step{Act: probe.Listen, Name: name, For: probe.Drain}
}

func TestReplayLaysATranscriptBesideItsScript(t *testing.T) {
	var (
		a         = probe.Line("a", "NOOP")
		b         = probe.Line("b", "RSET")
		group     = probe.Lines("group", "RSET", "RSET", "RSET")
		handshake = probe.Step{Act: probe.Handshake, Name: "tls"}
		raw       = probe.Step{Act: probe.Send, Name: "raw", Text: "NOOP\n"}
	)
	tests := []struct {
		name, text string
		script     probe.Script
		want       string
	}{
		{"one reply each", "C: NOOP\nS: 250 a\nC: RSET\nS: 503 b", probe.Script{a, b}, "a:250 b:503"},
		{"a reply of several lines is one", "C: NOOP\nS: 250-a\nS: 250-b\nS: 250 c\nC: RSET\nS: 250 d", probe.Script{a, b}, "a:250 b:250"},
		{"a group", "C: RSET\\r\\nRSET\\r\\nRSET\nS: 250 a\nS: 503 b\nS: 250 c", probe.Script{group}, "group:250,503,250"},
		{"a group and one too many", "C: RSET\\r\\nRSET\\r\\nRSET\nS: 250 a\nS: 250 b\nS: 250 c\nS: 250 d", probe.Script{group}, "group:250,250,250+250"},
		{"surplus belongs to the step before the next write", "C: NOOP\nS: 250 a\nS: 250 b\nC: RSET\nS: 503 c", probe.Script{a, b}, "a:250+250 b:503"},
		{"surplus at the end", "C: NOOP\nS: 250 a\nS: 421 b", probe.Script{a}, "a:250+421"},
		{"surplus in several lines", "C: NOOP\nS: 250 a\nS: 250-b\nS: 250 c\nC: RSET\nS: 503 d", probe.Script{a, b}, "a:250+250 b:503"},
		{"a step that listens takes what comes", "C: NOOP\nS: 250 a\nS: 250 b\n*: listened: for 300ms\nC: RSET\nS: 503 c", probe.Script{a, listen("ear"), b}, "a:250 ear:250 b:503"},
		{"it hears nothing", "C: NOOP\nS: 250 a\n*: listened: for 300ms\nC: RSET\nS: 503 c", probe.Script{a, listen("ear"), b}, "a:250 ear: b:503"},
		{"it hears the end", "C: NOOP\nS: 250 a\nS: 421 b\n*: closed by the server", probe.Script{a, listen("ear"), b}, "a:250 ear:421!closed b:-"},
		{"two steps that listen", "C: NOOP\nS: 250 a\n*: listened: for 1s\nS: 250 b\n*: listened: for 1s", probe.Script{a, listen("ear"), listen("ear 2")}, "a:250 ear: ear 2:250"},
		{"a write that owes no reply, then silence", "C! NOOP\\n\n*: listened: for 5s\nC: RSET\nS: 250 a", probe.Script{raw, listen("ear"), b}, "raw: ear: b:250"},
		{"a write that owes no reply, then one", "C! NOOP\\n\nS: 250 a\n*: listened: for 5s", probe.Script{raw, listen("ear")}, "raw: ear:250"},
		{
			"a step that is passed over listens to nothing", "C: NOOP\nS: 502 a\nS: 250 b\nC: RSET\nS: 250 c",
			probe.Script{a, listen("ear").When("a", probe.IfAccepted), b},
			"a:502+250 ear:- b:250",
		},
		{
			"and hears no end", "C: NOOP\nS: 502 a\n*: closed by the server",
			probe.Script{a, listen("ear").When("a", probe.IfAccepted), b},
			"a:502!closed ear:- b:-",
		},
		{"closed without a reply", "C: NOOP\n*: closed by the server", probe.Script{a, b}, "a:!closed b:-"},
		{"reset without a reply", "C: NOOP\n*: reset by the server", probe.Script{a, b}, "a:!closed b:-"},
		{"closed after a reply", "C: NOOP\nS: 250 a\n*: closed by the server", probe.Script{a, b}, "a:250!closed b:-"},
		{"closed after the next write", "C: NOOP\nS: 250 a\nC: RSET\n*: closed by the server", probe.Script{a, b}, "a:250 b:!closed"},
		{"closed inside a reply", "C: NOOP\nS: 250-a\n*: closed by the server", probe.Script{a, b}, "a:!partial!closed b:-"},
		{"closed inside a line", "C: NOOP\nS! 250 a\n*: closed by the server", probe.Script{a, b}, "a:!partial!closed b:-"},
		{"timed out", "C: NOOP\n+30s\n*: timed out: after 30s", probe.Script{a, b}, "a:!timeout b:-"},
		{"timed out inside a reply", "C: NOOP\nS: 250-a\n*: timed out: after 30s", probe.Script{a, b}, "a:!partial!timeout b:-"},
		{"timed out inside a line", "C: NOOP\nS! 250 a\n*: timed out: after 30s", probe.Script{a, b}, "a:!partial!timeout b:-"},
		{"timed out in a group", "C: RSET\\r\\nRSET\\r\\nRSET\nS: 250 a\n*: timed out: after 30s", probe.Script{group, b}, "group:250!timeout b:-"},
		{"does not stop talking", "C: NOOP\nS: 250-a\n*: the receiver does not stop talking", probe.Script{a, b}, "a:!partial!flood b:-"},
		{"held by the guard", "*: not sent: RCPT was accepted\nC: RSET", probe.Script{a, b}, "a:!held b:-"},
		{"held after a step", "C: NOOP\nS: 250 a\n*: not sent: RCPT was accepted", probe.Script{a, listen("ear").When("a", probe.IfRefused), b}, "a:250 ear:- b:!held"},
		{"interrupted", "C: NOOP\n*: interrupted", probe.Script{a, b}, "a:!held b:-"},
		{"an unwanted reply ends the script", "C: NOOP\nS: 451 a\nC: RSET\nS: 250 b", probe.Script{a.Wanting("250"), b}, "a:451 b:-"},
		{"an unwanted one in a group as well", "C: RSET\\r\\nRSET\\r\\nRSET\nS: 250 a\nS: 503 b\nS: 250 c\nC: RSET\nS: 250 d", probe.Script{group.Wanting("250"), b}, "group:250,503,250 b:-"},
		{"a malformed one is never wanted", "C: NOOP\nS: 220-a\nS: 250 b\nC: RSET\nS: 250 c", probe.Script{a.Wanting("250"), b}, "a:250 b:-"},
		{"a handshake", "*: TLS handshake done: TLS 1.3\nC: RSET\nS: 250 a", probe.Script{handshake, b}, "tls: b:250"},
		{"a handshake that fails", "*: TLS handshake failed: closed\nC: RSET\nS: 250 a", probe.Script{handshake, b}, "tls:!failed b:-"},
		{"in clear before the handshake", "S: 250 a\n*: TLS handshake done: TLS 1.3\nC: RSET\nS: 250 b", probe.Script{handshake, b}, "tls:+250 b:250"},
		{"closed instead of the handshake", "*: closed by the server", probe.Script{handshake, b}, "tls:!closed b:-"},
		{"a handshake behind a command", "C: NOOP\nS: 220 a\n*: TLS handshake done: TLS 1.3\nC: RSET\nS: 250 b", probe.Script{a, handshake, b}, "a:220 tls: b:250"},
		{"one that fails behind a command", "C: NOOP\nS: 220 a\n*: TLS handshake failed: not TLS", probe.Script{a, handshake, b}, "a:220 tls:!failed b:-"},
		{"one that is held behind a command", "C: NOOP\nS: 220 a\n*: not sent: tainted", probe.Script{a, handshake, b}, "a:220 tls:!held b:-"},
		{"in clear between a command and its handshake", "C: NOOP\nS: 220 a\nS: 250 b\n*: TLS handshake done: TLS 1.3\nC: RSET\nS: 250 c", probe.Script{a, handshake, b}, "a:220+250 tls: b:250"},
		{"a second greeting behind the handshake", "C: NOOP\nS: 220 a\n*: TLS handshake done: TLS 1.3\nS: 220 b\nC: RSET\nS: 250 c", probe.Script{a, handshake, b}, "a:220 tls:+220 b:250"},
		{"a greeting behind a handshake", "*: TLS handshake done: TLS 1.3\nS: 220 a\nC: NOOP\nS: 250 b", probe.Script{handshake, {Act: probe.Greet, Name: "greeting"}, a}, "tls: greeting:220 a:250"},
		{"a step listens after a handshake", "*: TLS handshake done: TLS 1.3\nS: 250 a\n*: listened: for 2s", probe.Script{handshake, listen("ear")}, "tls: ear:250"},
		{"a step would listen after one that fails", "*: TLS handshake failed: not TLS", probe.Script{handshake, listen("ear"), b}, "tls:!failed ear:- b:-"},
		{"a step would listen after one that is held", "*: not sent: tainted", probe.Script{handshake, listen("ear"), b}, "tls:!held ear:- b:-"},
		{"a step would listen after one that is cut off", "*: closed by the server", probe.Script{handshake, listen("ear"), b}, "tls:!closed ear:- b:-"},
		{"a greeting", "S: 220 a\nC: NOOP\nS: 250 b", probe.Script{{Act: probe.Greet, Name: "greeting"}, a}, "greeting:220 a:250"},
		{"two greetings", "S: 220 a\nS: 220 b\nC: NOOP\nS: 250 c", probe.Script{{Act: probe.Greet, Name: "greeting"}, a}, "greeting:220+220 a:250"},
		{"no greeting", "*: closed by the server", probe.Script{{Act: probe.Greet, Name: "greeting"}, a}, "greeting:!closed a:-"},
		{"nothing", "", probe.Script{a, b}, "a:- b:-"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			events := dialogue(t, tt.text)
			if got := outline(probe.ReplayAll(tt.script, events)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			// The same exchange as a check's own, behind another one's.
			own := append(dialogue(t, helloed+"C: VRFY postmaster\nS: 252 c\n-- 1"), events...)
			if got := outline(probe.Replay(tt.script, own)); got != tt.want {
				t.Errorf("got %q behind another exchange, want %q", got, tt.want)
			}
		})
	}
}

func TestReplayAsksConditions(t *testing.T) {
	a, b := probe.Lines("a", "NOOP", "NOOP"), probe.Line("b", "RSET")
	tests := []struct {
		name, text              string
		accepted, refused, deaf bool
	}{
		{"2yz and 3yz", "S: 250 a\nS: 354 b", true, false, false},
		{"2yz and 5yz", "S: 250 a\nS: 500 b", false, false, false},
		{"4yz and 5yz", "S: 450 a\nS: 500 b", false, true, false},
		{"malformed", "S: 250-a\nS: 251 b\nS: 250 c", false, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for c, want := range map[probe.Condition]bool{
				probe.Always: true, probe.IfAccepted: tt.accepted, probe.IfRefused: tt.refused, probe.IfSilent: tt.deaf,
			} {
				w := probe.ReplayAll(probe.Script{a, b.When("a", c)}, dialogue(t, "C: NOOP\\r\\nNOOP\n"+tt.text+"\nC: RSET\nS: 250 c"))
				if got := w.Find("b").Ran; got != want {
					t.Errorf("condition %d: got %v, want %v", c, got, want)
				}
			}
		})
	}
	t.Run("of a step that was passed over", func(t *testing.T) {
		for _, c := range []probe.Condition{probe.IfAccepted, probe.IfRefused, probe.IfSilent} {
			script := probe.Script{b, probe.Line("c", "NOOP").When("b", probe.IfRefused), probe.Line("d", "NOOP").When("c", c)}
			w := probe.ReplayAll(script, dialogue(t, "C: RSET\nS: 250 a\nC: NOOP\nS: 250 b"))
			if w.Find("d").Ran {
				t.Errorf("condition %d: got the step run, want it passed over", c)
			}
		}
	})
}

func TestIfSilentIsWhereNothingWasReceived(t *testing.T) {
	raw := probe.Step{Act: probe.Send, Name: "raw", Text: "NOOP\n"}
	end := probe.Step{Act: probe.Send, Name: "end", Text: "\r\n", Replies: 1}
	tests := []struct {
		name, text string
		script     probe.Script
		want       bool
	}{
		{"silence", "C! NOOP\\n\n*: listened: for 5s\nC! \\r\\n\nS: 250 a", probe.Script{raw, listen("ear"), end.When("ear", probe.IfSilent)}, true},
		{"a reply", "C! NOOP\\n\nS: 250 a\n*: listened: for 5s\nC! \\r\\n\nS: 250 b", probe.Script{raw, listen("ear"), end.When("ear", probe.IfSilent)}, false},
		{"half a reply", "C! NOOP\\n\nS: 250-a\n*: listened: for 5s\nC! \\r\\n\nS: 250 b", probe.Script{raw, listen("ear"), end.When("ear", probe.IfSilent)}, false},
		{"the end", "C! NOOP\\n\n*: closed by the server", probe.Script{raw, listen("ear"), end.When("ear", probe.IfSilent)}, false},
		{"a reply that nobody listened for", "C! NOOP\\n\nS: 250 a\nC! \\r\\n\nS: 250 b", probe.Script{raw, end.When("raw", probe.IfSilent)}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := probe.ReplayAll(tt.script, dialogue(t, tt.text)).Find("end").Ran; got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestReplayTellsTimes(t *testing.T) {
	script := probe.Script{probe.Lines("a", "NOOP", "RSET"), probe.Line("b", "NOOP")}
	w := probe.ReplayAll(script, dialogue(t, `
		C: NOOP\r\nRSET
		+2s
		S: 250 a
		+3s
		S: 250 b
		C: NOOP
		+30s
		*: timed out: after 30s`))
	const tick = 10 * time.Millisecond
	a, b := w.Find("a"), w.Find("b")
	if a.At != tick || a.FirstTook != 2*time.Second+tick || a.Took != 5*time.Second+2*tick {
		t.Errorf("got at %s, first after %s, last after %s; want 10ms, 2.01s and 5.02s", a.At, a.FirstTook, a.Took)
	}
	if b.Took != 30*time.Second+tick || b.FirstTook != 0 {
		t.Errorf("got %s and %s, want 30.01s until it timed out and no first reply", b.Took, b.FirstTook)
	}
}

func TestReplayCountsErrors(t *testing.T) {
	script := probe.Script{probe.Line("a", "NOOP"), probe.Lines("b", "NOOP", "RSET"), probe.Line("c", "NOOP")}
	w := probe.Replay(script, dialogue(t, helloed+`
		-- 2
		C: NOOP
		S: 500 a
		C: NOOP\r\nRSET
		S: 450 b
		S: 250 c
		C: NOOP
		S: 550 d`))
	for name, want := range map[string]int{"a": 2, "b": 3, "c": 4} {
		if got := w.ErrorsUntil(name); got != want {
			t.Errorf("%s: got %d errors before, want %d", name, got, want)
		}
	}
}

func TestReplayOfACheckThatNeverBegan(t *testing.T) {
	w := probe.Replay(probe.Script{probe.Line("a", "NOOP")}, dialogue(t, helloed+"C: NOOP\nS: 250 a"))
	if w.Began || w.Find("a").Ran {
		t.Errorf("got %+v, want nothing begun", w)
	}
}

func TestReplaySeesTheGreetingThatCameFirst(t *testing.T) {
	script := probe.Script{{Act: probe.Send, Name: probe.Test, Text: "EHLO client.example\r\n", Replies: 2}}
	early := probe.Replay(script, dialogue(t, "*: connected\n--\nS: 220 a\n*: the greeting was there before anything was sent\nC: EHLO client.example\nS: 250 b"))
	if !early.GreetedFirst {
		t.Error("got the greeting not seen first, want it so")
	}
	late := probe.Replay(script, dialogue(t, "*: connected\n--\nC: EHLO client.example\nS: 220 a\nS: 250 b"))
	if late.GreetedFirst || outline(late) != "test:220,250" {
		t.Errorf("got %q, want the greeting and the reply", outline(late))
	}
}
