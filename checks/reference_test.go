package checks_test

import (
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/oracle"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// reference plays scripts against the reference state machine and writes the
// transcript that a receiver would leave which does what the table says. It has
// no connection, no clock and no guard.
type reference struct {
	session oracle.Session
	t       probe.Transcript
	closed  bool
	// instead are other replies to the steps of these names. What follows is
	// answered as in the state that they imply.
	instead map[string]string
	// reached are the places where steps were answered, by the step's name.
	reached map[string]place
	// unended is the beginning of a line whose CR LF was not written yet.
	unended string
}

// place is where a command stands: the session before it, and its line.
type place struct {
	session oracle.Session
	line    string
}

func newReference(supported ...string) *reference {
	return &reference{session: oracle.New(supported...), reached: map[string]place{}}
}

func testValues() probe.Values {
	return probe.Values{EHLO: "probe.example", From: "<>", Rcpt: "<postmaster@receiver.example>", Bad: probe.BadRecipient}
}

func (r *reference) enter(from probe.Party, note probe.Note, text string) {
	r.t = append(r.t, probe.Event{At: time.Duration(len(r.t)) * 10 * time.Millisecond, From: from, Note: note, Text: text})
}

// play goes through a script as a session does and returns its events.
func (r *reference) play(script probe.Script) probe.Transcript {
	start := len(r.t)
	for i, step := range script {
		walk := probe.ReplayAll(script[:i], r.t[start:])
		switch {
		case walk.Ends():
			return r.t[start:]
		case !walk.Holds(step):
			continue
		case r.closed:
			r.enter(probe.FromProbe, probe.NoteClosed, "")
			return r.t[start:]
		}
		r.do(step)
	}
	return r.t[start:]
}

func (r *reference) do(step probe.Step) {
	switch step.Act {
	case probe.Greet:
		answer, next := r.session.Greet()
		r.session = next
		r.hear(answer.Reply, answer.Close)
	case probe.Handshake:
		if r.session.State == oracle.StateConnected {
			r.session.TLS = true // from the first octet
		} else {
			r.session = r.session.Handshake()
		}
		r.enter(probe.FromProbe, probe.NoteSecured, "TLS 1.3")
	case probe.Listen:
		r.enter(probe.FromProbe, probe.NoteListened, "for "+step.For.String())
	case probe.Send:
		r.send(step)
	}
}

func (r *reference) send(step probe.Step) {
	text := testValues().Fill(step.Text)
	r.enter(probe.FromClient, "", text)
	text = r.unended + text
	for text != "" && !r.closed {
		line, rest, ended := strings.Cut(text, "\r\n")
		if !ended {
			break
		}
		chunk := 0
		if c, ok := smtp.ParseCommand(line).Chunk(); ok && strings.HasPrefix(line, "BDAT") && r.session.Supported.Has("CHUNKING") {
			chunk = int(c.Size)
		}
		r.line(step, line, rest[chunk:] != "")
		text = rest[chunk:]
	}
	r.unended = text
}

// line answers one line; ahead says that more was sent behind it.
func (r *reference) line(step probe.Step, line string, ahead bool) {
	if reply, other := r.instead[step.Name]; other {
		r.reached[step.Name] = place{r.session, line}
		closes := codeOf(reply) == 221 && line == "QUIT"
		r.session, _ = r.session.Follow(line, codeOf(reply), closes)
		r.hear([]string{reply}, closes)
		return
	}
	r.session.Ahead = ahead
	r.reached[step.Name] = place{r.session, line}
	var told []oracle.Choice
	if strings.Contains(line, probe.BadRecipient) && r.session.State == oracle.StateMail {
		told = append(told, oracle.ChoiceRefuseRcpt)
	}
	answer, next := r.session.Step(line, told...)
	r.session = next
	r.hear(answer.Reply, answer.Close)
}

func (r *reference) hear(lines []string, closes bool) {
	for _, line := range lines {
		r.enter(probe.FromServer, "", line+"\r\n")
	}
	if closes {
		r.enter(probe.FromProbe, probe.NoteClosed, "")
		r.closed = true
	}
}

// channelOf is where the session of a check begins in a run of this channel.
func channelOf(c *probe.Check, run probe.Channel) probe.Channel {
	if c.InClear() && run == probe.Upgraded {
		return probe.Clear
	}
	return run
}

// try is the transcript of one check, with what leads to it.
func (r *reference) try(c *probe.Check, run probe.Channel) probe.Transcript {
	r.enter(probe.FromProbe, probe.NoteConnected, "")
	r.play(probe.Prelude(c.Start, channelOf(c, run)))
	r.t = append(r.t, probe.Begin(time.Duration(len(r.t))*10*time.Millisecond, probe.Before{}))
	// What a receiver offers fills a script as in a run. Where nothing fits, the
	// check is not applicable whatever is answered.
	filled, _ := probe.Facts{Offered: r.session.Supported}.Fill(c.Script)
	r.play(filled)
	return r.t
}

// record is everything that the reference would be heard to say. Each kind of
// reference is asked once.
func record(channel probe.Channel, supported ...string) probe.Record {
	key := fmt.Sprint(channel, supported)
	rec, known := recorded.Load(key)
	if !known {
		rec, _ = recorded.LoadOrStore(key, newRecord(channel, supported...))
	}
	own := rec.(probe.Record)
	own.Baselines, own.Tries = maps.Clone(own.Baselines), maps.Clone(own.Tries)
	return own
}

var recorded sync.Map // of probe.Record

func newRecord(channel probe.Channel, supported ...string) probe.Record {
	rec := probe.Record{Channel: channel, Baselines: map[probe.Baseline]probe.Transcript{}, Tries: map[string][]probe.Transcript{}}
	baselines := []probe.Baseline{probe.B0, probe.B1, probe.B3, probe.B0Again}
	if channel == probe.Clear {
		baselines = append(baselines, probe.B2)
	}
	for _, b := range baselines {
		rec.Baselines[b] = newReference(supported...).play(b.Script(channel))
	}
	all := checks.All()
	for i := range all {
		t := newReference(supported...).try(&all[i], channel)
		rec.Tries[all[i].ID] = []probe.Transcript{t, t}
	}
	return rec
}

// decideByHand judges a check by a transcript that was written by hand, beside
// what the reference says to everything else. "C: " stands before what the
// client writes, "S: " before a line of the receiver, "P: " before a note.
func decideByHand(t *testing.T, id string, lines []string) probe.Result {
	t.Helper()
	all := checks.All()
	c := probe.CheckByID(all, id)
	if c == nil {
		t.Fatalf("%s: no such check", id)
	}
	r := newReference(defaults()...)
	r.enter(probe.FromProbe, probe.NoteConnected, "")
	r.play(probe.Prelude(c.Start, probe.Clear))
	r.t = append(r.t, probe.Begin(time.Second, probe.Before{}))
	at := time.Second
	for _, line := range lines {
		party, text, _ := strings.Cut(line, ": ")
		from := map[string]string{"C": "client", "S": "server", "P": "probe"}[party]
		if from != "probe" {
			text += `\r\n`
		}
		at += 10 * time.Millisecond
		e, err := probe.ParseEvent(at, from, text)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if e.Note == probe.NoteTimedOut {
			at += 30 * time.Second
			e.At = at
		}
		r.t = append(r.t, e)
	}
	rec := record(probe.Clear, defaults()...)
	rec.Tries[id] = []probe.Transcript{r.t, r.t}
	return probe.Decide(c, all, rec)
}
