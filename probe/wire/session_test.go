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
