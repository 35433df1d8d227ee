package probe_test

import (
	"slices"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe"
)

// steps are the names of a script's steps.
func steps(s probe.Script) []string {
	var names []string
	for _, step := range s {
		names = append(names, step.Name)
	}
	return names
}

// After a handshake a session is where it was after the greeting (RFC 3207 4.2),
// and no second greeting comes; implicit TLS is there before the first one.
func TestPreludeLeadsToEveryStartInEveryChannel(t *testing.T) {
	const (
		greeting, ehlo, starttls = probe.StepGreeting, probe.StepEHLO, probe.StepSTARTTLS
		handshake, ehloTLS       = probe.StepHandshake, probe.StepEHLOTLS
	)
	tests := []struct {
		name    string
		start   probe.Start
		channel probe.Channel
		want    []string
	}{
		{"connected in clear", probe.Connected, probe.Clear, nil},
		{"greeted in clear", probe.Greeted, probe.Clear, []string{greeting}},
		{"EHLO in clear", probe.Hello, probe.Clear, []string{greeting, ehlo}},
		{"EHLO inside TLS from clear", probe.TunnelHello, probe.Clear, []string{greeting, ehlo, starttls, handshake, ehloTLS}},
		{"connected, upgraded", probe.Connected, probe.Upgraded, nil},
		{"greeted, upgraded", probe.Greeted, probe.Upgraded, []string{greeting, ehlo, starttls, handshake}},
		{"EHLO, upgraded", probe.Hello, probe.Upgraded, []string{greeting, ehlo, starttls, handshake, ehloTLS}},
		{"EHLO inside TLS, upgraded", probe.TunnelHello, probe.Upgraded, []string{greeting, ehlo, starttls, handshake, ehloTLS}},
		{"connected, implicit", probe.Connected, probe.Implicit, []string{handshake}},
		{"greeted, implicit", probe.Greeted, probe.Implicit, []string{handshake, greeting}},
		{"EHLO, implicit", probe.Hello, probe.Implicit, []string{handshake, greeting, ehlo}},
		{"EHLO inside TLS, implicit", probe.TunnelHello, probe.Implicit, []string{handshake, greeting, ehlo}},
	}
	wants := map[string]string{greeting: "220", ehlo: "250", starttls: "220", ehloTLS: "250"}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := probe.Prelude(tt.start, tt.channel)
			if !slices.Equal(steps(got), tt.want) {
				t.Errorf("got %q, want %q", steps(got), tt.want)
			}
			for _, step := range got {
				if want := wants[step.Name]; string(step.Want) != want {
					t.Errorf("%s: got %q wanted, want %q", step.Name, step.Want, want)
				}
			}
		})
	}
}

func TestPreludesShareNothing(t *testing.T) {
	a := probe.Prelude(probe.Hello, probe.Clear)
	_ = append(a, probe.Line("a", "NOOP"))
	b := append(probe.Prelude(probe.Hello, probe.Clear), probe.Line("b", "RSET"))
	if got := b[len(b)-1].Name; got != "b" {
		t.Errorf("got the step %q, want %q", got, "b")
	}
}

func TestStepsWriteWholeCommands(t *testing.T) {
	line := probe.Line(probe.Test, "mail FROM:{from}")
	if line.Text != "mail FROM:{from}\r\n" || line.Replies != 1 || line.Act != probe.Send {
		t.Errorf("got %+v, want one command with CR LF and one reply", line)
	}
	if got, want := line.Verbs(), []string{"MAIL"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	group := probe.Lines(probe.Test, "RSET", "RCPT TO:{rcpt}", "noop")
	if group.Text != "RSET\r\nRCPT TO:{rcpt}\r\nnoop\r\n" || group.Replies != 3 {
		t.Errorf("got %+v, want three commands in one write and three replies", group)
	}
	if got, want := group.Verbs(), []string{"RSET", "RCPT", "NOOP"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := (probe.Step{Act: probe.Listen, For: probe.Drain}).Verbs(); got != nil {
		t.Errorf("got verbs %q of a step that writes nothing, want none", got)
	}
}

func TestStepsAreCopiedWhenChanged(t *testing.T) {
	plain := probe.Line(probe.Test, "NOOP")
	wanting := plain.Wanting("250").When("mail", probe.IfAccepted)
	if plain.Want != "" || plain.If != probe.Always || plain.Of != "" {
		t.Errorf("got the first step changed to %+v, want it as it was", plain)
	}
	if wanting.Want != "250" || wanting.If != probe.IfAccepted || wanting.Of != "mail" {
		t.Errorf("got %+v, want 250 wanted where mail was accepted", wanting)
	}
}

func TestValuesFill(t *testing.T) {
	v := probe.Values{EHLO: "client.example", From: "<>", Rcpt: "<postmaster@example.com>", Bad: probe.BadRecipient}
	tests := []struct{ text, want string }{
		{"NOOP\r\n", "NOOP\r\n"},
		{probe.CommandEHLO + "\r\n", "EHLO client.example\r\n"},
		{probe.CommandHELO, "HELO client.example"},
		{probe.CommandMAIL, "MAIL FROM:<>"},
		{probe.CommandRCPT, "RCPT TO:<postmaster@example.com>"},
		{probe.CommandBad, "RCPT TO:<smtpprobe@smtpprobe.invalid>"},
		{"MAIL FROM:{from}\r\nRCPT TO:{rcpt}\r\n", "MAIL FROM:<>\r\nRCPT TO:<postmaster@example.com>\r\n"},
		{"NOOP {else}", "NOOP {else}"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			if got := v.Fill(tt.text); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	// What a value holds is never filled in again.
	loop := probe.Values{EHLO: "{rcpt}", Rcpt: "<a@example.com>"}
	if got, want := loop.Fill("EHLO {ehlo}"), "EHLO {rcpt}"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBaselinesEndInTheirOwnChannel(t *testing.T) {
	for _, channel := range []probe.Channel{probe.Clear, probe.Upgraded, probe.Implicit} {
		hello := len(probe.Prelude(probe.Hello, channel))
		for _, b := range []probe.Baseline{probe.B0, probe.B0Again} {
			got := steps(slices.DeleteFunc(b.Script(channel), func(s probe.Step) bool { return s.Name == probe.StepSilence })[hello:])
			if want := []string{"mail", "rset", "noop"}; !slices.Equal(got, want) {
				t.Errorf("%s: got %q, want %q", b, got, want)
			}
		}
		if got, want := steps(probe.B1.Script(channel)[hello:]), []string{"mail", "rset", "mail again", "rcpt", "rset"}; !slices.Equal(got, want) {
			t.Errorf("B1: got %q, want %q", got, want)
		}
	}
	for _, b := range []probe.Baseline{probe.B0, probe.B1, probe.B2, probe.B3, probe.B0Again} {
		for _, step := range b.Script(probe.Clear) {
			if slices.Contains(step.Verbs(), "DATA") {
				t.Errorf("%s: got DATA in a baseline, want none", b)
			}
		}
	}
}
