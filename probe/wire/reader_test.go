//nolint:dupword // commands come twice on purpose
package wire_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
	"github.com/smtpprobe/smtpprobe/probe/wire"
)

// TestReader are the oddities of what servers say: each reply stands in the
// transcript as it came, is read as it should be, and the session goes on where
// nothing is in doubt, and nowhere else.
func TestReader(t *testing.T) {
	const keeps = smtp.MaxLine - 2
	x := strings.Repeat
	for name, c := range map[string]struct {
		reply   string
		lines   []string // as they stand in the transcript
		cut     int      // of the first
		code    int
		fault   smtp.Fault
		goesOn  bool
		surplus int
	}{
		"one line":                {reply: fine, lines: []string{fine}, code: 250, goesOn: true},
		"a code alone":            {reply: "250\r\n", lines: []string{"250\r\n"}, code: 250, goesOn: true},
		"a code and a space":      {reply: "250 \r\n", lines: []string{"250 \r\n"}, code: 250, goesOn: true},
		"several lines":           {reply: "250-a\r\n250-b\r\n250 c\r\n", lines: []string{"250-a\r\n", "250-b\r\n", "250 c\r\n"}, code: 250, goesOn: true},
		"a hyphen and no text":    {reply: "250-\r\n250\r\n", lines: []string{"250-\r\n", "250\r\n"}, code: 250, goesOn: true},
		"different codes":         {reply: "250-a\r\n251 b\r\n", lines: []string{"250-a\r\n", "251 b\r\n"}, code: 251, fault: smtp.MixedCodes},
		"lone LF":                 {reply: "250 a\n", lines: []string{"250 a\n"}, code: 250, goesOn: true},
		"lone LF and CR LF":       {reply: "250-a\n250 b\r\n", lines: []string{"250-a\n", "250 b\r\n"}, code: 250, goesOn: true},
		"an empty line":           {reply: "\r\n", lines: []string{"\r\n"}, fault: smtp.NoCode},
		"an empty line, lone LF":  {reply: "\n", lines: []string{"\n"}, fault: smtp.NoCode},
		"an empty line inside":    {reply: "250-a\r\n\r\n250 b\r\n", lines: []string{"250-a\r\n", "\r\n", "250 b\r\n"}, code: 250, fault: smtp.NoCode},
		"a line without a code":   {reply: "hello\r\n", lines: []string{"hello\r\n"}, fault: smtp.NoCode},
		"two digits":              {reply: "25\r\n", lines: []string{"25\r\n"}, fault: smtp.NoCode},
		"four digits":             {reply: "2500 a\r\n", lines: []string{"2500 a\r\n"}, fault: smtp.NoCode},
		"a tab for the space":     {reply: "250\ta\r\n", lines: []string{"250\ta\r\n"}, fault: smtp.NoCode},
		"a space before the code": {reply: " 250 a\r\n", lines: []string{" 250 a\r\n"}, fault: smtp.NoCode},
		"a code of class 1":       {reply: "150 a\r\n", lines: []string{"150 a\r\n"}, code: 150, fault: smtp.BadCode},
		"a code of class 6":       {reply: "600 a\r\n", lines: []string{"600 a\r\n"}, code: 600, fault: smtp.BadCode},
		"NUL":                     {reply: "250 a\x00b\r\n", lines: []string{"250 a\x00b\r\n"}, code: 250, goesOn: true},
		"8 bits":                  {reply: "250 \xff\xfe\xc3\xbc\r\n", lines: []string{"250 \xff\xfe\xc3\xbc\r\n"}, code: 250, goesOn: true},
		"an escape sequence":      {reply: "250 \x1b[2J\\[1 octets left out]\r\n", lines: []string{"250 \x1b[2J\\[1 octets left out]\r\n"}, code: 250, goesOn: true},
		"CR inside":               {reply: "250 a\rb\r\n", lines: []string{"250 a\rb\r\n"}, code: 250, goesOn: true},
		"two CR":                  {reply: "250 a\r\r\n", lines: []string{"250 a\r\r\n"}, code: 250, goesOn: true},
		"512 octets":              {reply: "250 " + x("a", 506) + "\r\n", lines: []string{"250 " + x("a", 506) + "\r\n"}, code: 250, goesOn: true},
		"as long as is kept":      {reply: "250 " + x("a", keeps-4) + "\r\n", lines: []string{"250 " + x("a", keeps-4) + "\r\n"}, code: 250, goesOn: true},
		"one octet longer":        {reply: "250 " + x("a", keeps-3) + "\r\n", lines: []string{"250 " + x("a", keeps-4) + "\r\n"}, cut: 1, code: 250, goesOn: true},
		"one octet longer, LF":    {reply: "250 " + x("a", keeps-3) + "\n", lines: []string{"250 " + x("a", keeps-4) + "\n"}, cut: 1, code: 250, goesOn: true},
		"60000 octets":            {reply: "250 " + x("a", 60000) + "\r\n", lines: []string{"250 " + x("a", keeps-4) + "\r\n"}, cut: 60004 - keeps, code: 250, goesOn: true},
		"a reply twice":           {reply: fine + no, lines: []string{fine, no}, code: 250, surplus: 1},
		"a reply thrice":          {reply: fine + fine + fine, lines: []string{fine, fine, fine}, code: 250, surplus: 2},
	} {
		t.Run(name, func(t *testing.T) {
			onSockets(t, wire.Config{}, replies(hi, c.reply, fine, bye), func(s *stage) {
				script := probe.Script{greets(), sends("NOOP\r\n"), sends("RSET\r\n")}
				transcript := s.play(script)
				var lines []string
				cut := -1
				for _, e := range transcript {
					if e.From == probe.FromServer && !slices.Equal(lines, c.lines) && e.Text != hi {
						lines = append(lines, e.Text)
						cut = max(cut, e.Cut)
					}
				}
				if !slices.Equal(lines, c.lines) || cut != c.cut {
					t.Errorf("got lines %.100q with %d left out, want %.100q with %d", lines, cut, c.lines, c.cut)
				}
				o := probe.ReplayAll(script, transcript).Outcomes[1]
				if r := o.Reply(); r.Code != c.code || r.Fault != c.fault || len(o.Surplus) != c.surplus {
					t.Errorf("got reply %d, fault %q, %d surplus, want %d, %q, %d", r.Code, r.Fault, len(o.Surplus), c.code, c.fault, c.surplus)
				}
				want := "NOOP\r\n"
				if c.goesOn {
					want = "NOOP\r\nRSET\r\nQUIT\r\n"
				}
				if got := s.log().heard(); got != want {
					t.Errorf("got %q written, want %q", got, want)
				}
			})
		})
	}
}

// TestReaderIsBounded: a receiver that does not stop talking is left, and little
// of what it said is kept.
func TestReaderIsBounded(t *testing.T) {
	for name, octets := range map[string]string{
		"a line without an end":      "250 " + strings.Repeat("a", 8<<20),
		"a reply without an end":     strings.Repeat("250-"+strings.Repeat("a", 60)+"\r\n", 1<<17),
		"replies without an end":     strings.Repeat(fine, 1<<19),
		"empty lines without an end": strings.Repeat("\n", 8<<20),
		"lines of 2000":              strings.Repeat("250-"+strings.Repeat("a", 2000)+"\r\n", 1<<12),
	} {
		t.Run(name, func(t *testing.T) {
			onSockets(t, wire.Config{}, replies(hi, octets), func(s *stage) {
				script := probe.Script{greets(), sends("NOOP\r\n"), listens(time.Minute), sends("RSET\r\n")}
				begun := time.Now()
				transcript := s.play(script)
				if took := time.Since(begun); took > 30*time.Second {
					t.Errorf("got out after %v, want it as soon as the bound is reached", took)
				}
				kept, seen := 0, 0
				for _, e := range transcript {
					if e.From == probe.FromServer {
						kept, seen = kept+len(e.Text), seen+len(e.Text)+e.Cut
					}
				}
				if seen > 4*smtp.MaxReply || kept > seen {
					t.Errorf("got %d octets read and %d kept, want at most four times %d read", seen, kept, smtp.MaxReply)
				}
				if len(transcript) > 4*smtp.MaxReply {
					t.Errorf("got %d events, want at most %d", len(transcript), 4*smtp.MaxReply)
				}
				if !transcript.Has(probe.NoteFlooded) {
					t.Errorf("got notes %q, want %q among them", notesOf(transcript), probe.NoteFlooded)
				}
				if got := s.log().heard(); got != "NOOP\r\n" {
					t.Errorf("got %.100q written, want NOOP alone", got)
				}
			})
		})
	}
}

// TestEndlessReplyEndsAtItsBound: a reply of more than 64 KiB is one that has
// no end, and a line of more than that one that has none.
func TestEndlessReplyEndsAtItsBound(t *testing.T) {
	for name, c := range map[string]struct {
		reply string
		want  smtp.Fault
	}{
		"a reply of 60 KiB": {strings.Repeat("250-"+strings.Repeat("a", 994)+"\r\n", 60) + fine, ""},
		"a reply of 70 KiB": {strings.Repeat("250-"+strings.Repeat("a", 994)+"\r\n", 70) + fine, smtp.Endless},
		"a line of 70 KiB":  {"250 " + strings.Repeat("a", 70<<10) + "\r\n", smtp.Endless},
	} {
		t.Run(name, func(t *testing.T) {
			inMemory(t, wire.Config{}, replies(hi, c.reply), func(s *stage) {
				session := s.open()
				defer session.Leave(context.Background())
				script := probe.Script{greets(), sends("NOOP\r\n"), listens(time.Second)}
				o := probe.ReplayAll(script, session.Play(context.Background(), script)).Outcomes[1]
				if len(o.Replies) != 1 && !o.Partial || o.Reply().Fault != c.want && !o.Partial {
					t.Errorf("got %d replies, fault %q, partial %v, want fault %q", len(o.Replies), o.Reply().Fault, o.Partial, c.want)
				}
				if (c.want == "") != session.Usable() {
					t.Errorf("got usable %v after fault %q", session.Usable(), c.want)
				}
			})
		})
	}
}

// grace is what a session may take beyond a wait, to look what came meanwhile.
const grace = 100 * time.Millisecond

// TestDripsAndSilence: a wait ends when it should, to the moment, whatever drips
// in meanwhile.
func TestDripsAndSilence(t *testing.T) {
	slow := drip("250 2.0.0 a reply that takes longer than anybody waits\r\n", time.Second)
	steady := drip(fine, time.Second)
	for name, c := range map[string]struct {
		turns []turn
		step  probe.Step
		want  time.Duration
		timed bool
	}{
		"silence after a command":   {nil, sends("NOOP\r\n"), 20 * time.Second, true},
		"a drip that is too slow":   {slow, sends("NOOP\r\n"), 20 * time.Second, true},
		"a drip that is in time":    {steady, sends("NOOP\r\n"), time.Duration(len(fine)) * time.Second, false},
		"one reply of two":          {[]turn{{octets: fine}}, sends("NOOP\r\nNOOP\r\n"), 20 * time.Second, true},
		"two replies, each in time": {append(drip(fine, time.Second), drip(fine, time.Second)...), sends("NOOP\r\nNOOP\r\n"), 2 * time.Duration(len(fine)) * time.Second, false},
		"silence while listening":   {nil, listens(7 * time.Second), 7 * time.Second, false},
		"a drip while listening":    {slow, listens(7 * time.Second), 7 * time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			heard := 0
			conducts := func(int) conduct {
				return func(string) []turn {
					heard++
					switch {
					case heard == 1 && c.step.Act == probe.Listen:
						return append([]turn{{octets: hi}}, c.turns...)
					case heard == 1:
						return []turn{{octets: hi}}
					}
					return c.turns
				}
			}
			inMemory(t, wire.Config{Reply: 20 * time.Second}, conducts, func(s *stage) {
				session := s.open()
				defer session.Leave(context.Background())
				session.Play(context.Background(), probe.Script{greets()})
				begun := time.Now()
				transcript := session.Play(context.Background(), probe.Script{c.step, {Act: probe.Listen}})
				if got := time.Since(begun); got < c.want || got > c.want+grace {
					t.Errorf("got an end after %v, want %v", got, c.want)
				}
				if got := transcript.Has(probe.NoteTimedOut); got != c.timed {
					t.Errorf("got timed out %v, want %v", got, c.timed)
				}
			})
		})
	}
}

// TestGreetingHasTime: the greeting has twice the time of a reply, and at least
// ten seconds.
func TestGreetingHasTime(t *testing.T) {
	for _, c := range []struct{ reply, want time.Duration }{
		{time.Second, 10 * time.Second}, {20 * time.Second, 40 * time.Second}, {0, time.Minute},
	} {
		t.Run(c.reply.String(), func(t *testing.T) {
			inMemory(t, wire.Config{Reply: c.reply}, replies(""), func(s *stage) {
				begun := time.Now()
				transcript := s.play(probe.Script{greets(), sends("NOOP\r\n")})
				if got := time.Since(begun); got < c.want || got > c.want+grace {
					t.Errorf("got an end after %v, want %v", got, c.want)
				}
				if got := s.log().heard(); got != "" || !transcript.Has(probe.NoteTimedOut) {
					t.Errorf("got %q written and notes %q, want nothing and %q", got, notesOf(transcript), probe.NoteTimedOut)
				}
			})
		})
	}
}
