//nolint:dupword // commands come twice on purpose
package wire_test

import (
	"context"
	"fmt"
	"net"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/wire"
)

// writer counts the writes of the client's end.
type writer struct {
	net.Conn
	mu     sync.Mutex
	writes []string
}

func (w *writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writes = append(w.writes, string(p))
	return w.Conn.Write(p)
}

func (w *writer) SetLinger(seconds int) error {
	return w.Conn.(interface{ SetLinger(int) error }).SetLinger(seconds)
}

// segments are scripts of one write each that a session may play after EHLO.
var segments = []string{
	"NOOP\r\n", "MAIL FROM:<>\r\nRCPT TO:{bad}\r\nRSET\r\n", strings.Repeat("MAIL FROM:<>\r\nRSET\r\n", 7),
	"BDAT 12\r\nNOOP\r\nNOOP\r\n", "NOOP " + strings.Repeat("x", 4000) + "\r\n", "NOOP a\rNOOP b\r\n", "\r\n",
	"MAIL FROM:<smtpprobe-\xc3\xbc@{ehlo}>\r\n",
}

// TestOctetsAndSegments: what a step says is written, nothing else, and in one
// write. Inside TLS that is one record.
func TestOctetsAndSegments(t *testing.T) {
	for _, text := range segments {
		name := text[:min(len(text), 20)]
		want := values("<>").Fill(text)
		t.Run("in clear "+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var ours *writer
				network := lab.NewMemory()
				dial := func(ctx context.Context, n, address string) (net.Conn, error) {
					conn, err := network.DialContext(ctx, n, address)
					ours = &writer{Conn: conn}
					return ours, err
				}
				l := serve(network, replies(hi, strings.Repeat(fine, strings.Count(text, "\r\n")), fine, bye))
				s := &stage{T: t, listener: l, way: wayTo(t, network.Addr(), wire.Config{Dial: dial})}
				s.play(probe.Script{greets(), sends(text)})
				l.stop()
				if len(ours.writes) == 0 || ours.writes[0] != want {
					t.Errorf("got writes %.200q, want first %.200q", ours.writes, want)
				}
			})
		})
		t.Run("on a socket "+name, func(t *testing.T) {
			onSockets(t, wire.Config{}, replies(hi, strings.Repeat(fine, strings.Count(text, "\r\n")), fine, bye), func(s *stage) {
				s.play(probe.Script{greets(), sends(text)})
				if got := s.log().reads(); len(got) == 0 || got[0] != want {
					t.Errorf("got reads %.200q, want first %.200q", got, want)
				}
			})
		})
		t.Run("inside TLS "+name, func(t *testing.T) {
			all := []turn{{octets: hi}, {octets: "220 go\r\n"}, {secure: true}, {octets: strings.Repeat(fine, strings.Count(text, "\r\n"))}, {octets: fine}, {octets: bye}}
			onSockets(t, wire.Config{}, turns(all...), func(s *stage) {
				s.play(probe.Script{greets(), sends("STARTTLS\r\n"), shakes(), sends(text)})
				got := s.log().reads()
				if len(got) < 3 || got[2] != want {
					t.Errorf("got reads %.200q, want third %.200q", got, want)
				}
			})
		})
	}
}

// TestSplitLine: a line may be cut in two, with a silence between.
func TestSplitLine(t *testing.T) {
	for _, cut := range [][2]string{{"NO", "OP\r\n"}, {"NOOP\r", "\n"}, {"NOOP\n", "\r\n"}, {"NOOP", "\r\n"}} {
		t.Run(cut[0], func(t *testing.T) {
			inMemory(t, wire.Config{}, replies(hi, "", fine, bye), func(s *stage) {
				gap := 500 * time.Millisecond
				s.play(probe.Script{greets(), sends(cut[0]), listens(gap), {Act: probe.Send, Text: cut[1], Replies: 1}})
				if got, want := s.log().reads(), []string{cut[0], cut[1], "QUIT\r\n"}; !slices.Equal(got, want) {
					t.Errorf("got %q, want %q", got, want)
				}
			})
		})
	}
}

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

// TestPlayAfterLeave: a session that was left does nothing any more.
func TestPlayAfterLeave(t *testing.T) {
	inMemory(t, wire.Config{}, replies(hi, bye), func(s *stage) {
		session := s.open()
		session.Play(context.Background(), probe.Script{greets()})
		session.Leave(context.Background())
		begun := time.Now()
		session.Play(context.Background(), probe.Script{sends("NOOP\r\n"), listens(time.Second)})
		session.Leave(context.Background())
		if took := time.Since(begun); took > time.Second {
			t.Errorf("got %v spent on a session that was left", took)
		}
		if got := s.log().heard(); got != "QUIT\r\n" {
			t.Errorf("got %q written, want QUIT alone", got)
		}
	})
}

// TestTranscriptsReadBack: what a session did is what a replay of its transcript
// says it did, also when the transcript went through its printed form.
func TestTranscriptsReadBack(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		v := drawVisit(r)
		var faults []string
		synctest.Test(t, func(t *testing.T) {
			network := lab.NewMemory()
			l := serve(network, func(int) conduct { return byTape(v.tape, v.takesChunks) })
			s, err := wayTo(t, network.Addr(), wire.Config{Dial: network.DialContext}).Open(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			for i, script := range v.scripts {
				begin := s.Begin(i)
				faults = append(faults, compare(script, begin, s.Play(context.Background(), script))...)
			}
			s.Leave(context.Background())
			l.stop()
		})
		if len(faults) > 0 {
			r.Fatalf("got\n%s", strings.Join(faults, "\n"))
		}
	})
}

func compare(script probe.Script, begin probe.Event, played probe.Transcript) []string {
	var faults []string
	var printed probe.Transcript
	for _, e := range append(probe.Transcript{begin}, played...) {
		back, err := probe.ParseEvent(e.At, e.From.String(), e.String())
		if err != nil {
			return []string{err.Error()}
		}
		if back != e {
			faults = append(faults, "event "+e.String()+" came back as "+back.String())
		}
		printed = append(printed, back)
	}
	walk := probe.ReplayAll(script, played)
	if !reflect.DeepEqual(walk, probe.ReplayAll(script, printed[1:])) {
		faults = append(faults, "the printed transcript replays otherwise")
	}
	if checked := probe.Replay(script, printed); !reflect.DeepEqual(checked.Outcomes, walk.Outcomes) || !checked.Began {
		faults = append(faults, "the transcript of a check replays otherwise")
	}
	wrote := 0
	for _, o := range walk.Outcomes {
		if o.Ran && o.Step.Act == probe.Send && !o.Unsent {
			wrote++
		}
	}
	if said := len(spoken(played, probe.FromClient)); said != wrote {
		faults = append(faults, fmt.Sprintf("the walk counts %d writes, the transcript %d", wrote, said))
	}
	return faults
}

// TestEventsReadBack: an event loses nothing when it is printed.
func TestEventsReadBack(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		octets := rapid.OneOf(
			rapid.StringOf(rapid.SampledFrom([]rune{'a', '\\', '[', ']', '1', ' ', '\r', '\n', 'x', 'r', 0})),
			rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
		).Draw(r, "octets")
		e := probe.Event{At: time.Second, From: probe.FromServer, Text: octets, Cut: rapid.SampledFrom([]int{0, 1, 70000}).Draw(r, "cut")}
		back, err := probe.ParseEvent(e.At, e.From.String(), e.String())
		if err != nil || back != e {
			r.Fatalf("got %+v, %v, want %+v", back, err, e)
		}
	})
}
