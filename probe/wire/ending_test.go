//nolint:dupword // commands come twice on purpose
package wire_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/wire"
)

// TestTextIsRefused: wherever a 354 stands, nothing is written after it, and the
// connection is reset, not closed.
func TestTextIsRefused(t *testing.T) {
	null, rset := sends("MAIL FROM:<>\r\n"), sends("RSET\r\n")
	for name, c := range map[string]struct {
		replies []string
		script  probe.Script
		want    string
	}{
		"as the greeting":              {[]string{goAhead}, probe.Script{greets(), rset}, ""},
		"behind the greeting":          {[]string{hi + goAhead}, probe.Script{greets(), rset}, ""},
		"to EHLO":                      {[]string{hi, goAhead}, probe.Script{greets(), sends("EHLO {ehlo}\r\n"), rset}, "EHLO probe.example.com\r\n"},
		"to MAIL":                      {[]string{hi, goAhead}, probe.Script{greets(), null, rset}, "MAIL FROM:<>\r\n"},
		"to DATA":                      {[]string{hi, fine, goAhead}, probe.Script{greets(), null, sends("DATA\r\n"), rset}, "MAIL FROM:<>\r\nDATA\r\n"},
		"to BDAT":                      {[]string{hi, goAhead}, probe.Script{greets(), {Act: probe.Send, Text: "BDAT 6\r\nNOOP\r\n", Replies: 1}, rset}, "BDAT 6\r\nNOOP\r\n"},
		"to AUTH":                      {[]string{hi, goAhead}, probe.Script{greets(), sends("AUTH PLAIN\r\n"), sends("*\r\n")}, "AUTH PLAIN\r\n"},
		"to STARTTLS":                  {[]string{hi, goAhead}, probe.Script{greets(), sends("STARTTLS\r\n"), shakes(), rset}, "STARTTLS\r\n"},
		"behind 220 to STARTTLS":       {[]string{hi, "220 go\r\n" + goAhead}, probe.Script{greets(), sends("STARTTLS\r\n"), shakes(), rset}, "STARTTLS\r\n"},
		"to QUIT of the script":        {[]string{hi, goAhead}, probe.Script{greets(), sends("QUIT\r\n"), sends("NOOP\r\n")}, "QUIT\r\n"},
		"behind 221 to QUIT":           {[]string{hi, bye + goAhead}, probe.Script{greets(), sends("QUIT\r\n"), sends("NOOP\r\n")}, "QUIT\r\n"},
		"to QUIT on leaving":           {[]string{hi, goAhead}, probe.Script{greets()}, "QUIT\r\n"},
		"behind 221 on leaving":        {[]string{hi, bye + goAhead}, probe.Script{greets()}, "QUIT\r\n"},
		"to RSET on leaving":           {[]string{hi, fine, goAhead}, probe.Script{greets(), null}, "MAIL FROM:<>\r\nRSET\r\n"},
		"to the second of three":       {[]string{hi, fine + goAhead + fine}, probe.Script{greets(), sends("MAIL FROM:<>\r\nRSET\r\nNOOP\r\n"), rset}, "MAIL FROM:<>\r\nRSET\r\nNOOP\r\n"},
		"in several lines":             {[]string{hi, "354-go\r\n354 on\r\n"}, probe.Script{greets(), sends("DATA\r\n"), rset}, "DATA\r\n"},
		"in several lines, unended":    {[]string{hi, "354-go\r\n"}, probe.Script{greets(), sends("DATA\r\n"), rset}, "DATA\r\n"},
		"with a lone LF":               {[]string{hi, "354 go\n"}, probe.Script{greets(), sends("DATA\r\n"), rset}, "DATA\r\n"},
		"without a line end":           {[]string{hi, "354 go"}, probe.Script{greets(), sends("DATA\r\n"), rset}, "DATA\r\n"},
		"inside a reply":               {[]string{hi, "250-a\r\n354 go\r\n"}, probe.Script{greets(), sends("NOOP\r\n"), rset}, "NOOP\r\n"},
		"as 300":                       {[]string{hi, "300 go\r\n"}, probe.Script{greets(), sends("DATA\r\n"), rset}, "DATA\r\n"},
		"unasked, while listening":     {[]string{hi, fine + goAhead}, probe.Script{greets(), sends("NOOP\r\n"), listens(time.Second), rset}, "NOOP\r\n"},
		"unasked, in the same segment": {[]string{hi, fine + goAhead}, probe.Script{greets(), sends("NOOP\r\n"), rset}, "NOOP\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			onSockets(t, wire.Config{Reply: time.Second}, replies(c.replies...), func(s *stage) {
				s.play(c.script)
				log := s.log()
				if got := log.heard(); got != c.want || log.has(fin) || !log.has(reset) {
					t.Errorf("got %q written, FIN %v, RST %v, want %q and RST", got, log.has(fin), log.has(reset), c.want)
				}
			})
		})
	}
}

// TestTextIsRefusedAtOnce: the reset does not wait for what the script would do.
func TestTextIsRefusedAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		reply string
		last  []probe.Step
	}{
		"before a silence":        {goAhead, []probe.Step{sends("DATA\r\n"), listens(10 * time.Second)}},
		"before two more replies": {goAhead, []probe.Step{sends("MAIL FROM:<>\r\nRSET\r\nDATA\r\n")}},
		"while listening":         {fine + goAhead, []probe.Step{sends("NOOP\r\n"), listens(10 * time.Second)}},
	} {
		t.Run(name, func(t *testing.T) {
			inMemory(t, wire.Config{}, replies(hi, c.reply), func(s *stage) {
				session := s.open()
				begun := time.Now()
				session.Play(context.Background(), append(probe.Script{greets()}, c.last...))
				session.Leave(context.Background())
				if took := time.Since(begun); took > grace {
					t.Errorf("got the reset after %v, want it at once", took)
				}
				if log := s.log(); !log.has(reset) {
					t.Errorf("got %v, want a reset", log.entries)
				}
			})
		})
	}
}

// TestTextIsRefusedThroughAProxy: what stands behind a SOCKS proxy is reset too.
func TestTextIsRefusedThroughAProxy(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dial, err := wire.Through("socks5://"+l.Addr().String(), netip.Addr{})
	if err != nil {
		t.Fatal(err)
	}
	// The proxy is the receiver as well: it takes the greeting of SOCKS first.
	first := true
	s := &stage{T: t, settle: func() {}, listener: serve(l, func(int) conduct {
		smtp := replies(hi, goAhead)(0)
		return func(heard string) []turn {
			switch {
			case strings.HasPrefix(heard, "\x05") && first:
				first = false
				return []turn{{octets: "\x05\x00"}}
			case strings.HasPrefix(heard, "\x05\x01\x00"):
				return append([]turn{{octets: "\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x19"}}, smtp("")...)
			case heard == "":
				return nil
			}
			return smtp(heard)
		}
	})}
	s.way = wayTo(t, l.Addr(), wire.Config{Dial: dial, Reply: time.Second})
	s.play(probe.Script{greets(), sends("DATA\r\n")})
	if log := s.log(); !strings.HasSuffix(log.heard(), "DATA\r\n") || !log.has(reset) {
		t.Errorf("got %q and the end %v, want DATA and a reset", log.heard(), log.entries[len(log.entries)-1])
	}
}

// TestLeave is S8: RSET where a transaction may be open and nowhere else, QUIT
// once, and neither where anything is in doubt.
func TestLeave(t *testing.T) {
	null := sends("MAIL FROM:<>\r\n")
	for name, c := range map[string]struct {
		replies []string
		script  probe.Script
		want    []string
		end     kind
	}{
		"before the greeting":         {nil, probe.Script{listens(time.Second)}, nil, reset},
		"after the greeting":          {[]string{hi, bye}, probe.Script{greets()}, []string{"QUIT\r\n"}, fin},
		"after a greeting of 554":     {[]string{"554 no\r\n", bye}, probe.Script{greets()}, []string{"QUIT\r\n"}, fin},
		"after MAIL":                  {[]string{hi, fine, fine, bye}, probe.Script{greets(), null}, []string{"MAIL FROM:<>\r\n", "RSET\r\n", "QUIT\r\n"}, fin},
		"after MAIL was refused":      {[]string{hi, no, bye}, probe.Script{greets(), null}, []string{"MAIL FROM:<>\r\n", "QUIT\r\n"}, fin},
		"after MAIL and RSET":         {[]string{hi, fine, fine, bye}, probe.Script{greets(), null, sends("RSET\r\n")}, []string{"MAIL FROM:<>\r\n", "RSET\r\n", "QUIT\r\n"}, fin},
		"after MAIL and RSET refused": {[]string{hi, fine, no, fine, bye}, probe.Script{greets(), null, sends("RSET\r\n")}, []string{"MAIL FROM:<>\r\n", "RSET\r\n", "RSET\r\n", "QUIT\r\n"}, fin},
		"after MAIL and EHLO":         {[]string{hi, fine, fine, fine, bye}, probe.Script{greets(), null, sends("EHLO {ehlo}\r\n")}, []string{"MAIL FROM:<>\r\n", "EHLO probe.example.com\r\n", "RSET\r\n", "QUIT\r\n"}, fin},
		"after RCPT without MAIL":     {[]string{hi, fine, fine, bye}, probe.Script{greets(), sends("RCPT TO:{rcpt}\r\n")}, []string{"RCPT TO:<postmaster@example.org>\r\n", "RSET\r\n", "QUIT\r\n"}, fin},
		"after BDAT without MAIL":     {[]string{hi, fine, fine, bye}, probe.Script{greets(), {Act: probe.Send, Text: "BDAT 6\r\nNOOP\r\n", Replies: 1}}, []string{"BDAT 6\r\nNOOP\r\n", "RSET\r\n", "QUIT\r\n"}, fin},
		"after QUIT":                  {[]string{hi, bye}, probe.Script{greets(), sends("QUIT\r\n")}, []string{"QUIT\r\n"}, fin},
		"after QUIT was refused":      {[]string{hi, no}, probe.Script{greets(), sends("QUIT\r\n")}, []string{"QUIT\r\n"}, fin},
		"after QUIT in a transaction": {[]string{hi, fine, bye}, probe.Script{greets(), null, sends("QUIT\r\n")}, []string{"MAIL FROM:<>\r\n", "QUIT\r\n"}, fin},
		"after 220 to STARTTLS":       {[]string{hi, "220 go\r\n"}, probe.Script{greets(), sends("STARTTLS\r\n")}, []string{"STARTTLS\r\n"}, reset},
		"after 334":                   {[]string{hi, "334 \r\n"}, probe.Script{greets(), sends("AUTH PLAIN\r\n")}, []string{"AUTH PLAIN\r\n"}, reset},
		"after 421":                   {[]string{hi, "421 gone\r\n"}, probe.Script{greets(), sends("NOOP\r\n")}, []string{"NOOP\r\n"}, fin},
		"after a surplus":             {[]string{hi, fine + fine}, probe.Script{greets(), sends("NOOP\r\n")}, []string{"NOOP\r\n"}, reset},
		"after a missing reply":       {[]string{hi, fine}, probe.Script{greets(), sends("MAIL FROM:<>\r\nNOOP\r\n")}, []string{"MAIL FROM:<>\r\nNOOP\r\n"}, reset},
		"after a malformed reply":     {[]string{hi, "fine\r\n"}, probe.Script{greets(), sends("NOOP\r\n")}, []string{"NOOP\r\n"}, reset},
		"RSET is not answered":        {[]string{hi, fine}, probe.Script{greets(), null}, []string{"MAIL FROM:<>\r\n", "RSET\r\n"}, reset},
		"RSET is refused":             {[]string{hi, fine, no, bye}, probe.Script{greets(), null}, []string{"MAIL FROM:<>\r\n", "RSET\r\n", "QUIT\r\n"}, fin},
		"QUIT is not answered":        {[]string{hi}, probe.Script{greets()}, []string{"QUIT\r\n"}, fin},
		"in the middle of a line":     {[]string{hi, ""}, probe.Script{greets(), sends("NO"), listens(time.Second)}, []string{"NO"}, reset},
	} {
		t.Run(name, func(t *testing.T) {
			inMemory(t, wire.Config{}, replies(c.replies...), func(s *stage) {
				session := s.open()
				session.Play(context.Background(), c.script)
				begun := time.Now()
				session.Leave(context.Background())
				if took := time.Since(begun); took > 15*time.Second+grace {
					t.Errorf("got %v for leaving, want at most 10 s for RSET and 5 s for QUIT", took)
				}
				session.Leave(context.Background())
				log := s.log()
				if got := log.reads(); !slices.Equal(got, c.want) || !log.has(c.end) {
					t.Errorf("got %q and FIN %v, RST %v, want %q and end %d", got, log.has(fin), log.has(reset), c.want, c.end)
				}
			})
		})
	}
}

// TestLeaveBehindTLS: a receiver may keep a transaction across the handshake that
// should have ended it (RFC 3207 4.2), so it may still be open.
func TestLeaveBehindTLS(t *testing.T) {
	all := []turn{{octets: hi}, {octets: fine}, {octets: "220 go\r\n"}, {secure: true}, {octets: fine}, {octets: bye}}
	inMemory(t, wire.Config{}, turns(all...), func(s *stage) {
		s.play(probe.Script{greets(), sends("MAIL FROM:<>\r\n"), sends("STARTTLS\r\n"), shakes()})
		log := s.log()
		if got := log.heard(); !strings.HasSuffix(got, "RSET\r\nQUIT\r\n") {
			t.Errorf("got %.20q ... %q written, want it to end in RSET and QUIT", got, got[max(0, len(got)-20):])
		}
		judged(t, log)
	})
}

// TestServerEnds: the server may close or reset at any point. It is noted, it
// ends the wait, and nothing more is written.
func TestServerEnds(t *testing.T) {
	for name, c := range map[string]struct {
		before []turn
		octets string
		script probe.Script
		want   string
	}{
		"before the greeting":     {nil, "", probe.Script{greets()}, ""},
		"in the greeting":         {nil, "220-mx\r\n22", probe.Script{greets()}, ""},
		"behind the greeting":     {nil, hi, probe.Script{greets(), listens(time.Minute), sends("NOOP\r\n")}, ""},
		"instead of a reply":      {[]turn{{octets: hi}}, "", probe.Script{greets(), sends("NOOP\r\n"), sends("RSET\r\n")}, "NOOP\r\n"},
		"in a reply":              {[]turn{{octets: hi}}, "250-a\r\n", probe.Script{greets(), sends("NOOP\r\n"), sends("RSET\r\n")}, "NOOP\r\n"},
		"in a line":               {[]turn{{octets: hi}}, "250 fi", probe.Script{greets(), sends("NOOP\r\n"), sends("RSET\r\n")}, "NOOP\r\n"},
		"behind a reply":          {[]turn{{octets: hi}}, fine, probe.Script{greets(), sends("NOOP\r\n"), listens(time.Minute), sends("RSET\r\n")}, "NOOP\r\n"},
		"in a group":              {[]turn{{octets: hi}}, fine, probe.Script{greets(), sends("NOOP\r\nNOOP\r\n"), sends("RSET\r\n")}, "NOOP\r\nNOOP\r\n"},
		"behind 221":              {[]turn{{octets: hi}}, bye, probe.Script{greets(), sends("QUIT\r\n"), listens(time.Minute), sends("NOOP\r\n")}, "QUIT\r\n"},
		"behind 220 to STARTTLS":  {[]turn{{octets: hi}}, "220 go\r\n", probe.Script{greets(), sends("STARTTLS\r\n"), listens(time.Second), shakes()}, "STARTTLS\r\n"},
		"instead of RSET's reply": {[]turn{{octets: hi}, {octets: fine}}, "", probe.Script{greets(), sends("MAIL FROM:<>\r\n")}, "MAIL FROM:<>\r\nRSET\r\n"},
		"instead of QUIT's reply": {[]turn{{octets: hi}}, "", probe.Script{greets()}, "QUIT\r\n"},
	} {
		for _, how := range []end{half, slam} {
			// A reset may overtake what was written before it, so the octets are
			// given time.
			last := []turn{{octets: c.octets}, {pause: 100 * time.Millisecond, end: how}}
			note := probe.NoteClosed
			if how == slam {
				note = probe.NoteReset
			}
			t.Run(fmt.Sprintf("%s, %s", name, note), func(t *testing.T) {
				conducts := func(int) conduct {
					n := 0
					return func(string) []turn {
						n++
						if n <= len(c.before) {
							return c.before[n-1 : n]
						}
						return last
					}
				}
				inMemory(t, wire.Config{}, conducts, func(s *stage) {
					session := s.open()
					begun := time.Now()
					transcript := session.Play(context.Background(), c.script)
					session.Leave(context.Background())
					if took := time.Since(begun); took > time.Second+grace {
						t.Errorf("got an end after %v, want at once", took)
					}
					if leaving := strings.HasPrefix(name, "instead of RSET") || strings.HasPrefix(name, "instead of QUIT"); !leaving && !transcript.Has(note) {
						t.Errorf("got notes %q, want %q", notesOf(transcript), note)
					}
					if got := s.log().heard(); got != c.want {
						t.Errorf("got %q written, want %q", got, c.want)
					}
				})
			})
		}
	}
}
