package wire_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/wire"
)

// unhurried is a connection whose reader is a little slow: what came with other
// octets is there a moment later.
type unhurried struct{ net.Conn }

func (u unhurried) Read(p []byte) (int, error) {
	n, err := u.Conn.Read(p)
	time.Sleep(100 * time.Microsecond)
	return n, err
}

// TestSurplusIsNoticed: what nobody asked for stands in the transcript of the
// script behind whose replies it came, and nothing is written after it.
func TestSurplusIsNoticed(t *testing.T) {
	for name, c := range map[string]struct {
		reply string
		want  string
	}{
		"in the same segment":            {fine + no, no},
		"in the same segment, begun":     {fine + "550 n", ""},
		"a 354 in the same segment":      {fine + goAhead, goAhead},
		"behind a long reply":            {"250-" + strings.Repeat("a", 2026) + "\r\n250 fine b\r\n" + no, no},
		"354 behind a long reply":        {"250-" + strings.Repeat("a", 2026) + "\r\n250 fine b\r\n" + goAhead, goAhead},
		"in the middle of a second read": {strings.Repeat("250-"+strings.Repeat("a", 500)+"\r\n", 8) + fine + no, no},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				network := lab.NewMemory()
				dial := func(ctx context.Context, n, address string) (net.Conn, error) {
					conn, err := network.DialContext(ctx, n, address)
					return unhurried{conn}, err
				}
				l := serve(network, replies(hi, c.reply))
				session, err := wayTo(t, network.Addr(), wire.Config{Dial: dial}).Open(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				first := session.Play(context.Background(), probe.Script{greets(), sends("NOOP\r\n")})
				if c.want != "" && !slices.Contains(spoken(first, probe.FromServer), c.want) {
					t.Errorf("got %.30q in the transcript, want %q among them", spoken(first, probe.FromServer), c.want)
				}
				if session.Usable() {
					t.Error("got a usable session after a surplus, want none")
				}
				session.Play(context.Background(), probe.Script{sends("RSET\r\n")})
				session.Leave(context.Background())
				if got := l.stop()[0].heard(); got != "NOOP\r\n" {
					t.Errorf("got %q written, want NOOP alone", got)
				}
			})
		})
	}
}

// TestSurplusInARecordOfItsOwn: inside TLS two records may come in one segment.
func TestSurplusInARecordOfItsOwn(t *testing.T) {
	all := []turn{{octets: hi}, {octets: "220 go\r\n"}, {secure: true}, {octets: fine, apart: goAhead}}
	for try := 0; try < 100 && !t.Failed(); try++ {
		inMemory(t, wire.Config{}, turns(all...), func(s *stage) {
			s.play(probe.Script{greets(), sends("STARTTLS\r\n"), shakes(), sends("NOOP\r\n"), sends("RSET\r\n")})
			judged(t, s.log())
		})
	}
}

// TestLateReply: a reply that comes when nobody waits for it any more does not
// bring the session back.
func TestLateReply(t *testing.T) {
	all := []turn{{octets: hi}, {pause: 11 * time.Second, octets: fine}}
	inMemory(t, wire.Config{Reply: 10 * time.Second}, turns(all...), func(s *stage) {
		session := s.open()
		session.Play(context.Background(), probe.Script{greets(), sends("NOOP\r\n")})
		time.Sleep(time.Minute)
		if session.Usable() {
			t.Error("got a usable session after a late reply, want none")
		}
		session.Play(context.Background(), probe.Script{sends("RSET\r\n")})
		session.Leave(context.Background())
		if log := s.log(); log.heard() != "NOOP\r\n" || !log.has(reset) {
			t.Errorf("got %q, want NOOP and a reset", log.heard())
		}
	})
}

// TestUsable: a session that could write nothing but one certain line is of no
// use to another check.
func TestUsable(t *testing.T) {
	for name, c := range map[string]struct {
		reply string
		step  probe.Step
		want  bool
	}{
		"after a reply":          {fine, sends("NOOP\r\n"), true},
		"after a refusal":        {no, sends("NOOP\r\n"), true},
		"after 334":              {"334 \r\n", sends("AUTH PLAIN\r\n"), false},
		"after 220 to STARTTLS":  {"220 go\r\n", sends("STARTTLS\r\n"), false},
		"after QUIT":             {bye, sends("QUIT\r\n"), false},
		"after 421":              {"421 gone\r\n", sends("NOOP\r\n"), false},
		"after 354":              {goAhead, sends("DATA\r\n"), false},
		"without a reply":        {"", sends("NOOP\r\n"), false},
		"in the middle of NOOP":  {"", sends("NO"), false},
		"with a reply begun":     {fine + "250-", sends("NOOP\r\n"), false},
		"with a reply too many":  {fine + fine, sends("NOOP\r\n"), false},
		"after a malformed one":  {"fine\r\n", sends("NOOP\r\n"), false},
		"with an unasked 354":    {fine + goAhead, sends("NOOP\r\n"), false},
		"after bare LF, silence": {"", sends("NOOP\n"), false},
	} {
		t.Run(name, func(t *testing.T) {
			inMemory(t, wire.Config{}, replies(hi, c.reply), func(s *stage) {
				session := s.open()
				defer session.Leave(context.Background())
				session.Play(context.Background(), probe.Script{greets(), c.step})
				if got := session.Usable(); got != c.want {
					t.Errorf("got usable %v, want %v", got, c.want)
				}
			})
		})
	}
}
