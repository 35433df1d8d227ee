package wire_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/wire"
)

// upgrading is a script that goes into TLS and says EHLO there.
var upgrading = probe.Script{
	greets(), probe.Line("starttls", "STARTTLS").Wanting("220"), shakes(), probe.Line("ehlo", probe.CommandEHLO), sends("NOOP\r\n"),
}

// TestHandshake: what came of a handshake is a result, and after one that failed
// nothing is written, in clear or otherwise.
func TestHandshake(t *testing.T) {
	go220 := turn{octets: "220 go\r\n"}
	for name, c := range map[string]struct {
		turns  []turn
		failed string // what the note says; empty: the handshake succeeds
		want   string // content of TLS that the server reads
		lasts  time.Duration
	}{
		"done": {
			[]turn{{octets: hi}, go220, {secure: true}, {octets: fine}, {octets: fine}, {octets: bye}},
			"",
			"EHLO probe.example.com\r\nNOOP\r\nQUIT\r\n", 0,
		},
		"done in eleven seconds": {
			[]turn{{octets: hi}, go220, {pause: 11 * time.Second, secure: true}, {octets: fine}, {octets: fine}, {octets: bye}},
			"",
			"EHLO probe.example.com\r\nNOOP\r\nQUIT\r\n", 11 * time.Second,
		},
		"220 came late": {
			[]turn{{octets: hi}, {pause: 9 * time.Second, octets: "220 go\r\n"}, {pause: 2 * time.Second, secure: true}, {octets: fine}, {octets: fine}, {octets: bye}},
			"",
			"EHLO probe.example.com\r\nNOOP\r\nQUIT\r\n", 11 * time.Second,
		},
		"no answer":          {[]turn{{octets: hi}, go220, {}}, "no answer within 15s", "", 15 * time.Second},
		"SMTP for TLS":       {[]turn{{octets: hi}, go220, {octets: "500 5.5.2 what\r\n"}}, "the receiver's answer is not TLS", "", 0},
		"354 for TLS":        {[]turn{{octets: hi}, go220, {octets: goAhead}}, "the receiver's answer is not TLS", "", 0},
		"garbage":            {[]turn{{octets: hi}, go220, {octets: strings.Repeat("\xff\x00\x17", 100)}}, "the receiver's answer is not TLS", "", 0},
		"garbage in records": {[]turn{{octets: hi}, go220, {octets: "\x16\x03\x03\x00\x04\x02\x00\x00\x00"}}, "tls: ", "", 0},
		"an alert":           {[]turn{{octets: hi}, go220, {octets: "\x15\x03\x01\x00\x02\x02\x28"}}, "handshake failure", "", 0},
		"closed":             {[]turn{{octets: hi}, go220, {end: half}}, "the receiver closed the connection", "", 0},
		"reset":              {[]turn{{octets: hi}, go220, {end: slam}}, "the receiver reset the connection", "", 0},
		"half a record":      {[]turn{{octets: hi}, go220, {octets: "\x16\x03\x03"}}, "no answer within 15s", "", 15 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inMemory(t, wire.Config{Reply: 10 * time.Second}, turns(c.turns...), func(s *stage) {
				session := s.open()
				begun := time.Now()
				transcript := session.Play(context.Background(), upgrading)
				if c.failed != "" {
					session.Play(context.Background(), probe.Script{sends("NOOP\r\n")})
				}
				session.Leave(context.Background())
				if took := time.Since(begun); took < c.lasts || took > c.lasts+grace {
					t.Errorf("got an end after %v, want %v", took, c.lasts)
				}
				e, failed := transcript.Find(probe.NoteUnsecured)
				if failed != (c.failed != "") || !strings.Contains(e.Text, c.failed) {
					t.Errorf("got failed %v, %q, want %q", failed, e.Text, c.failed)
				}
				for _, faulty := range []string{"127.0.0.1", ":25", "->", "\n"} {
					if strings.Contains(e.Text, faulty) {
						t.Errorf("got %q, want no socket in it", e.Text)
					}
				}
				log := s.log()
				_, inside, _ := strings.Cut(log.heard(), "STARTTLS\r\n")
				if i := strings.Index(inside, "EHLO"); i >= 0 {
					inside = inside[i:]
				} else {
					inside = ""
				}
				if inside != c.want {
					t.Errorf("got %q inside TLS, want %q", inside, c.want)
				}
				judged(t, log)
			})
		})
	}
}

// judged lets the court judge one log.
func judged(t *testing.T, log *ledger) {
	t.Helper()
	c := &court{values: values("<>"), public: true}
	if c.judge(log); len(c.faults) > 0 {
		t.Errorf("got %s", strings.Join(c.faults, "\n"))
	}
}

// TestHandshakeIsDescribed: version, cipher and the certificate that nobody
// verified are recorded.
func TestHandshakeIsDescribed(t *testing.T) {
	onSockets(t, wire.Config{}, turns(turn{octets: hi}, turn{octets: "220 go\r\n"}, turn{secure: true}, turn{octets: fine}, turn{octets: fine}, turn{octets: bye}), func(s *stage) {
		e, ok := s.play(upgrading).Find(probe.NoteSecured)
		for _, want := range []string{"TLS 1.3, TLS_", `"mx.example.net"`, "2106-02-07"} {
			if !ok || !strings.Contains(e.Text, want) {
				t.Errorf("got %v, %q, want %q in it", ok, e.Text, want)
			}
		}
		judged(t, s.log())
	})
}

// TestImplicitTLS: TLS may come first, and the greeting then comes inside it.
func TestImplicitTLS(t *testing.T) {
	all := []turn{{}, {secure: true, octets: hi}, {octets: fine}, {octets: bye}}
	onSockets(t, wire.Config{}, turns(all...), func(s *stage) {
		script := append(probe.Prelude(probe.Hello, probe.Implicit), sends("NOOP\r\n"))
		s.play(script[:len(script)-1])
		log := s.log()
		if !strings.HasSuffix(log.heard(), "EHLO probe.example.com\r\nQUIT\r\n") {
			t.Errorf("got %q, want EHLO and QUIT", log.heard())
		}
		judged(t, log)
	})
}

// TestHandshakeIsHeld: a handshake is made behind 220 to STARTTLS, or before
// anything else. Elsewhere a ClientHello would be octets that nobody can answer
// for: behind DATA, message text.
func TestHandshakeIsHeld(t *testing.T) {
	unread := func(text string) probe.Step { return probe.Step{Act: probe.Send, Text: text} }
	secure := []turn{{octets: hi}, {octets: "220 go\r\n"}, {secure: true}}
	for name, c := range map[string]struct {
		turns  []turn
		script probe.Script
	}{
		"behind DATA":                  {[]turn{{octets: hi}, {octets: fine}}, probe.Script{greets(), sends("MAIL FROM:<>\r\n"), unread("DATA\r\n"), shakes()}},
		"behind DATA, 354 under way":   {[]turn{{octets: hi}, {pause: time.Millisecond, octets: goAhead}}, probe.Script{greets(), unread("DATA\r\n"), shakes()}},
		"behind a greeting":            {[]turn{{octets: hi}}, probe.Script{greets(), shakes()}},
		"behind half a greeting":       {[]turn{{octets: "220"}}, probe.Script{listens(time.Second), shakes()}},
		"behind early talk":            {[]turn{{}}, probe.Script{unread("EHLO {ehlo}\r\n"), shakes()}},
		"behind EHLO":                  {[]turn{{octets: hi}, {octets: fine}}, probe.Script{greets(), sends("EHLO {ehlo}\r\n"), shakes()}},
		"behind STARTTLS refused":      {[]turn{{octets: hi}, {octets: no}}, probe.Script{greets(), sends("STARTTLS\r\n"), shakes()}},
		"before STARTTLS's reply":      {[]turn{{octets: hi}, {}}, probe.Script{greets(), unread("STARTTLS\r\n"), shakes()}},
		"behind 220 and 354":           {[]turn{{octets: hi}, {octets: "220 go\r\n" + goAhead}}, probe.Script{greets(), sends("STARTTLS\r\n"), shakes()}},
		"behind 220 and a surplus":     {[]turn{{octets: hi}, {octets: "220 go\r\n" + fine}}, probe.Script{greets(), sends("STARTTLS\r\n"), shakes()}},
		"behind 220 and half a line":   {[]turn{{octets: hi}, {octets: "220 go\r\n250 in"}}, probe.Script{greets(), sends("STARTTLS\r\n"), shakes()}},
		"behind 220 and half a reply":  {[]turn{{octets: hi}, {octets: "220 go\r\n250-in\r\n"}}, probe.Script{greets(), sends("STARTTLS\r\n"), shakes()}},
		"inside TLS":                   {secure, probe.Script{greets(), sends("STARTTLS\r\n"), shakes(), shakes()}},
		"behind 220 and EHLO in clear": {[]turn{{octets: hi}, {octets: "220 go\r\n"}, {octets: fine}}, probe.Script{greets(), sends("STARTTLS\r\n"), sends("EHLO {ehlo}\r\n"), shakes()}},
		"inside TLS, behind 220":       {append(secure, turn{octets: "220 go\r\n"}), probe.Script{greets(), sends("STARTTLS\r\n"), shakes(), sends("STARTTLS\r\n"), shakes()}},
	} {
		t.Run(name, func(t *testing.T) {
			inMemory(t, wire.Config{}, turns(c.turns...), func(s *stage) {
				transcript := s.play(c.script)
				if !transcript.Has(probe.NoteHeld) {
					t.Errorf("got notes %q, want %q among them", notesOf(transcript), probe.NoteHeld)
				}
				judged(t, s.log())
			})
		})
	}
}

// TestClearBehindTLS: what came in clear stays apart from what comes inside TLS,
// and a command written in clear behind STARTTLS is owed no reply.
func TestClearBehindTLS(t *testing.T) {
	script := probe.Script{
		greets(),
		{Act: probe.Send, Name: "starttls", Text: "STARTTLS\r\nNOOP\r\n", Replies: 1, Want: "220"},
		shakes(),
		listens(2 * time.Second), sends("EHLO {ehlo}\r\n"),
	}
	for name, c := range map[string]struct {
		inside []turn // of the server, behind the handshake
		want   string // content of TLS that the server reads
	}{
		"the injected command is dropped":  {nil, "EHLO probe.example.com\r\nQUIT\r\n"},
		"the injected command is answered": {[]turn{{pause: 100 * time.Millisecond, octets: fine}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			conducts := func(int) conduct {
				n := 0
				return func(string) []turn {
					n++
					switch n {
					case 1:
						return []turn{{octets: hi}}
					case 2:
						return []turn{{octets: "220 go\r\n"}}
					case 3:
						return append([]turn{{secure: true}}, c.inside...)
					case 4:
						return []turn{{octets: fine}}
					}
					return []turn{{octets: bye}}
				}
			}
			inMemory(t, wire.Config{}, conducts, func(s *stage) {
				s.play(script)
				log := s.log()
				if i := strings.LastIndex(log.heard(), "EHLO"); c.want != "" && (i < 0 || log.heard()[i:] != c.want) || c.want == "" && i >= 0 {
					t.Errorf("got %q, want it to end in %q", log.heard(), c.want)
				}
				judged(t, log)
			})
		})
	}
}

// TestLedgerOutlivesTLS: what was named and accepted in clear is not forgotten
// inside TLS. A receiver may not forget it either.
func TestLedgerOutlivesTLS(t *testing.T) {
	for name, c := range map[string]struct {
		rcpt, reply string
		want        bool // DATA is written
	}{
		"nobody was named":           {"NOOP\r\n", fine, true},
		"bad was refused":            {"RCPT TO:{bad}\r\n", no, true},
		"bad was accepted":           {"RCPT TO:{bad}\r\n", fine, false},
		"the recipient was refused":  {"RCPT TO:{rcpt}\r\n", no, false},
		"the recipient was accepted": {"RCPT TO:{rcpt}\r\n", fine, false},
	} {
		t.Run(name, func(t *testing.T) {
			all := []turn{{octets: hi}, {octets: c.reply}, {octets: "220 go\r\n"}, {secure: true}, {octets: badOrder}, {octets: bye}}
			inMemory(t, wire.Config{}, turns(all...), func(s *stage) {
				s.play(probe.Script{greets(), sends(c.rcpt), sends("STARTTLS\r\n"), shakes(), sends("DATA\r\n")})
				log := s.log()
				if got := strings.Contains(log.heard(), "DATA\r\n"); got != c.want {
					t.Errorf("got DATA written %v, want %v", got, c.want)
				}
				judged(t, log)
			})
		})
	}
}
