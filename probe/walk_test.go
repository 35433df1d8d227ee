package probe_test

import (
	"testing"

	"github.com/smtpprobe/smtpprobe/probe"
)

func TestClosedAfter(t *testing.T) {
	script := probe.Script{probe.Line("a", "NOOP"), probe.Line("b", "RSET"), probe.Line("c", "NOOP")}
	tests := []struct {
		name, text string
		want       bool
	}{
		{"at once", "C: NOOP\nS: 502 a\n*: closed by the server", true},
		{"reset", "C: NOOP\nS: 502 a\n*: reset by the server", true},
		{"at the next write", "C: NOOP\nS: 502 a\nC: RSET\n*: closed by the server", true},
		{"after the next reply", "C: NOOP\nS: 502 a\nC: RSET\nS: 250 b\n*: closed by the server", false},
		{"after the one after", "C: NOOP\nS: 502 a\nC: RSET\nS: 250 b\nC: NOOP\n*: closed by the server", false},
		{"never", "C: NOOP\nS: 502 a\nC: RSET\nS: 250 b\nC: NOOP\nS: 250 c", false},
		{"never tried", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := probe.ReplayAll(script, dialogue(t, tt.text)).ClosedAfter("a"); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
	t.Run("behind a step that was passed over", func(t *testing.T) {
		script := probe.Script{probe.Line("a", "NOOP"), listen("ear").When("a", probe.IfAccepted), probe.Line("b", "RSET")}
		w := probe.ReplayAll(script, dialogue(t, "C: NOOP\nS: 502 a\n*: closed by the server"))
		if !w.ClosedAfter("a") {
			t.Error("got not closed, want closed")
		}
	})
	t.Run("while a step listens", func(t *testing.T) {
		script := probe.Script{probe.Line("a", "NOOP"), listen("ear"), probe.Line("b", "RSET")}
		w := probe.ReplayAll(script, dialogue(t, "C: NOOP\nS: 502 a\n*: closed by the server"))
		if !w.ClosedAfter("a") {
			t.Error("got not closed, want closed")
		}
	})
}

func TestFailureNamesTheStep(t *testing.T) {
	script := probe.Script{
		{Act: probe.Greet, Name: "greeting", Want: "220"},
		probe.Line("a", "NOOP").Wanting("250"),
		{Act: probe.Handshake, Name: "tls"},
	}
	tests := []struct{ name, text, want string }{
		{"none", "S: 220 a\nC: NOOP\nS: 250 b\n*: TLS handshake done: TLS 1.3", ""},
		{"greeting", "S: 554 no\n", "the greeting was answered 554 no"},
		{"no greeting", "*: closed by the server", "the greeting: the connection closed without a reply"},
		{"refused", "S: 220 a\nC: NOOP\nS: 450 4.7.1 later", "NOOP was answered 450 4.7.1 later"},
		{"refused and closed", "S: 220 a\nC: NOOP\nS: 554 no\n*: closed by the server", "NOOP was answered 554 no and the connection closed"},
		{"half", "S: 220 a\nC: NOOP\nS: 250-a\n*: closed by the server", "NOOP: the connection closed in the middle of a reply"},
		{"half and timed out", "S: 220 a\nC: NOOP\nS: 250-a\n*: timed out: after 30s", "NOOP: the reply stopped in the middle"},
		{"timed out", "S: 220 a\nC: NOOP\n*: timed out: after 30s", "NOOP: no reply in time"},
		{"held", "S: 220 a\n*: not sent: enough", "NOOP could not be sent: enough"},
		{"handshake", "S: 220 a\nC: NOOP\nS: 250 b\n*: TLS handshake failed: not TLS", "the TLS handshake failed: not TLS"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := probe.ReplayAll(script, dialogue(t, tt.text)).Failure(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	t.Run("nothing", func(t *testing.T) {
		if got := probe.ReplayAll(script, nil).Failure(); got == "" {
			t.Error("got no failure of a transcript without events, want one")
		}
	})
}
