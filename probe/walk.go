package probe

import (
	"time"

	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// Outcome is what came of one step.
type Outcome struct {
	Step      Step
	Ran       bool          // false: its condition did not hold, or the script ended before
	At        time.Duration // of the write, or of the beginning
	Took      time.Duration // until the last reply that was read, or until it timed out
	FirstTook time.Duration // until the first reply
	Replies   []smtp.Reply  // complete ones, at most as many as the step reads
	Surplus   []smtp.Reply  // complete ones beyond those, before the next step
	Partial   bool          // a reply was begun and not finished
	Closed    bool          // the connection ended here
	TimedOut  bool
	Flooded   bool   // more than anybody reads
	Held      string // why the guard did not let the step write; empty: it did
	Failed    string // why the handshake failed; empty: it did not
}

// Walk is a script beside what came of it, step by step. The outcomes of steps
// that did not run are there too.
type Walk struct {
	Began        bool          // false: the session never came to the check
	GreetedFirst bool          // the greeting was there before the check wrote anything
	Connected    time.Duration // what the TCP connection took to be made: at least a round trip
	Outcomes     []Outcome
	Before       Before // what the session had seen when the check began
}

// Reply is the first reply of the step; the zero reply where there is none.
func (o Outcome) Reply() smtp.Reply {
	if len(o.Replies) == 0 {
		return smtp.Reply{}
	}
	return o.Replies[0]
}

// Missing is the number of replies that did not come.
func (o Outcome) Missing() int { return max(0, o.Step.Replies-len(o.Replies)) }

// Accepted reports whether every reply came and is 2yz or 3yz.
func (o Outcome) Accepted() bool {
	return o.all(func(r smtp.Reply) bool { return r.Class() == 2 || r.Class() == 3 })
}

// Refused reports whether every reply came and is 4yz or 5yz.
func (o Outcome) Refused() bool { return o.all(smtp.Reply.Refused) }

func (o Outcome) all(holds func(smtp.Reply) bool) bool {
	for _, r := range o.Replies {
		if r.Fault != "" || !holds(r) {
			return false
		}
	}
	return o.Ran && len(o.Replies) > 0 && o.Missing() == 0
}

// Wanted reports whether the script goes on after this outcome.
func (o Outcome) Wanted() bool {
	if o.Held != "" || o.Failed != "" || o.Closed || o.TimedOut || o.Flooded {
		return false
	}
	if o.Step.Act == Listen || o.Step.Want == "" {
		return true
	}
	return o.all(func(r smtp.Reply) bool { return o.Step.Want.Has(r.Code) })
}

// Find is the outcome of the step with the name; it did not run where there is
// no such step.
func (w Walk) Find(name string) Outcome {
	for _, o := range w.Outcomes {
		if o.Step.Name == name {
			return o
		}
	}
	return Outcome{}
}

// Stopped is the outcome at which the script ended before its last step.
func (w Walk) Stopped() (Outcome, bool) {
	for _, o := range w.Outcomes {
		if o.Ran && !o.Wanted() {
			return o, true
		}
	}
	return Outcome{}, false
}

// Ends reports whether the script ends after the latest outcome.
func (w Walk) Ends() bool {
	_, stopped := w.Stopped()
	return stopped
}

// ErrorsUntil is the number of error replies on the session before the step
// with the name, those before the check included.
func (w Walk) ErrorsUntil(name string) int {
	n := w.Before.Errors
	for _, o := range w.Outcomes {
		if o.Step.Name == name {
			break
		}
		for _, r := range o.Replies {
			if r.Refused() {
				n++
			}
		}
	}
	return n
}

// Holds reports whether the condition of the step holds after the walk so far.
func (w Walk) Holds(s Step) bool {
	o := w.Find(s.Of)
	switch s.If {
	case IfAccepted:
		return o.Accepted()
	case IfRefused:
		return o.Refused()
	case IfSilent:
		return o.Ran && len(o.Replies) == 0 && !o.Partial && !o.Closed
	}
	return true
}

// Replay lays the transcript of a check beside its script. It is the only way
// from octets to outcomes: the session that talks uses it as well, so that a
// live run and a stored one are read alike.
func Replay(script Script, t Transcript) Walk {
	own := t.own()
	connected, _ := t.Find(NoteConnected)
	w := Walk{
		Began: t.Has(NoteBegin), GreetedFirst: t.Has(NoteEarlyGreeted),
		Connected: connected.At, Before: t.Before(),
	}
	if !w.Began {
		return w
	}
	return w.replay(script, own)
}

// ReplayAll lays a transcript that is one script from its first event on, such
// as a baseline, beside that script.
func ReplayAll(script Script, t Transcript) Walk {
	return Walk{Began: true}.replay(script, t)
}

func (w Walk) replay(script Script, events Transcript) Walk {
	for i, step := range script {
		if w.Ends() || len(events) == 0 || !w.Holds(step) {
			w.Outcomes = append(w.Outcomes, Outcome{Step: step})
			continue
		}
		var next *Step
		if i+1 < len(script) {
			next = &script[i+1]
		}
		var o Outcome
		o, events = outcome(step, next, events)
		w.Outcomes = append(w.Outcomes, o)
	}
	return w
}

// outcome reads the events of one step and returns those that are left. Server
// lines beyond the replies of a step are its surplus, unless a step follows
// that listens for them.
func outcome(step Step, next *Step, events Transcript) (Outcome, Transcript) {
	r := reading{Outcome: Outcome{Step: step, Ran: true, At: events[0].At}}
	listens := step.Act == Listen
	wrote := step.Act != Send
	for i, e := range events {
		if wrote && r.full() && next != nil && next.Act == Listen && !listens && e.From != FromClient {
			return r.end(), events[i:]
		}
		if wrote && r.full() && !listens && step.Act != Handshake && e.ours() {
			return r.end(), events[i:]
		}
		switch {
		case e.From == FromClient:
			if wrote {
				return r.end(), events[i:]
			}
			wrote, r.At = true, e.At
		case e.From == FromServer:
			r.add(e, listens)
		case r.note(e):
			return r.end(), events[i+1:]
		}
	}
	return r.end(), nil
}

// ours reports whether the event is a decision of this side. Behind the last
// reply of a step it is about what would have come next.
func (e Event) ours() bool {
	switch e.Note {
	case NoteHeld, NoteLeft, NoteAborted, NoteInterrupted:
		return e.From == FromProbe
	}
	return false
}

// reading is an outcome in the making.
type reading struct {
	Outcome
	assembler smtp.Assembler
}

func (r *reading) full() bool {
	want := r.Step.Replies
	if r.Step.Act == Greet {
		want = 1
	}
	return len(r.Replies) >= want
}

func (r *reading) add(e Event, listens bool) {
	if !e.line().Ended() {
		r.Partial = true
		return
	}
	reply, ok := r.assembler.Add(e.line())
	if !ok {
		return
	}
	r.Took = e.At - r.At
	if len(r.Replies) == 0 {
		r.FirstTook = r.Took
	}
	if listens || !r.full() {
		r.Replies = append(r.Replies, reply)
	} else {
		r.Surplus = append(r.Surplus, reply)
	}
}

// note takes an event of the probe and reports whether it ends the step.
func (r *reading) note(e Event) bool {
	switch e.Note {
	case NoteSecured:
		return r.Step.Act == Handshake
	case NoteUnsecured:
		r.Failed = e.Text
		return true
	case NoteClosed, NoteReset:
		r.Closed = true
		return true
	case NoteTimedOut:
		r.TimedOut = true
		r.Took = e.At - r.At
		return true
	case NoteFlooded:
		r.Flooded = true
		return true
	case NoteListened:
		return r.Step.Act == Listen
	case NoteHeld:
		r.Held = e.Text
		return true
	case NoteLeft, NoteAborted, NoteInterrupted, NoteUnconnected:
		r.Held = string(e.Note)
		return true
	}
	return false
}

func (r *reading) end() Outcome {
	if _, begun := r.assembler.Rest(); begun {
		r.Partial = true
	}
	return r.Outcome
}
