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
	Fragment  string        // the line that was begun and not finished
	Closed    bool          // the connection ended here
	TimedOut  bool
	Flooded   bool   // more than anybody reads
	Unsent    bool   // a Send step whose octets were never written
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
func (o Outcome) Missing() int {
	due := 0
	switch o.Step.Act {
	case Greet:
		due = 1
	case Send:
		due = o.Step.Replies
	}
	return max(0, due-len(o.Replies))
}

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
	if o.Held != "" || o.Failed != "" || o.Closed || o.TimedOut || o.Flooded || o.Missing() > 0 {
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
	for i := range w.Outcomes {
		if w.Outcomes[i].Step.Name == name {
			return w.Outcomes[i]
		}
	}
	return Outcome{}
}

// Stopped is the outcome at which the script ended before its last step.
func (w Walk) Stopped() (Outcome, bool) {
	for i := range w.Outcomes {
		if w.Outcomes[i].Ran && !w.Outcomes[i].Wanted() {
			return w.Outcomes[i], true
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
	if s.If == Always {
		return true
	}
	o := w.Find(s.Of)
	switch s.If {
	case IfAccepted:
		return o.Accepted()
	case IfRefused:
		return o.Refused()
	case IfSilent:
		return o.Ran && len(o.Replies)+len(o.Surplus) == 0 && !o.Partial && !o.Closed
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
	w.Outcomes = make([]Outcome, 0, len(script))
	ended := false
	for i, step := range script {
		w.Outcomes = append(w.Outcomes, Outcome{Step: step})
		if ended || len(events) == 0 || !w.Holds(step) {
			continue
		}
		o := &w.Outcomes[i]
		o.Ran, o.At, o.Unsent = true, events[0].At, step.Act == Send
		r := reading{Outcome: o, sofar: w, rest: script[i+1:]}
		events = r.read(events)
		r.end()
		ended = !o.Wanted()
	}
	return w
}

// reading is an outcome in the making.
type reading struct {
	*Outcome
	assembler smtp.Assembler
	sofar     Walk   // what came of the steps before, and this outcome
	rest      Script // the steps behind
	secured   bool   // the handshake of a Handshake step is done
}

// read takes the events of the step and returns those that are left. Server
// lines beyond the replies of a step are its surplus, unless the step that runs
// next listens for them; lines before a write are none of its replies.
func (r *reading) read(events Transcript) Transcript {
	for i, e := range events {
		if r.complete() && (e.ours() || e.Note == NoteSecured || e.Note == NoteUnsecured || e.From != FromClient && r.readsNext()) {
			return events[i:]
		}
		switch {
		case e.From == FromClient:
			if !r.Unsent {
				return events[i:]
			}
			r.Unsent, r.At = false, e.At
		case e.From == FromServer:
			r.add(e)
		case r.note(e):
			return events[i+1:]
		}
	}
	return nil
}

// complete reports whether the step has what it waits for, so that what
// follows belongs to the next one.
func (r *reading) complete() bool {
	switch r.Step.Act {
	case Listen:
		return r.Step.Replies > 0 && len(r.Replies) >= r.Step.Replies
	case Handshake:
		return r.secured
	}
	return !r.Unsent && r.Missing() == 0
}

// readsNext reports whether the next step that runs reads without writing.
func (r *reading) readsNext() bool {
	for _, s := range r.rest {
		if r.sofar.Holds(s) {
			return s.Act == Listen || s.Act == Greet
		}
	}
	return false
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

func (r *reading) add(e Event) {
	if !e.line().Ended() {
		r.Partial, r.Fragment = true, e.Text
		return
	}
	reply, ok := r.assembler.Add(e.line())
	if !ok {
		return
	}
	if r.Unsent || r.Missing() == 0 && (r.Step.Act != Listen || r.complete()) {
		r.Surplus = append(r.Surplus, reply)
		return
	}
	r.Took = e.At - r.At
	if len(r.Replies) == 0 {
		r.FirstTook = r.Took
	}
	r.Replies = append(r.Replies, reply)
}

// note takes an event of the probe and reports whether it ends the step.
func (r *reading) note(e Event) bool {
	switch e.Note {
	case NoteSecured:
		r.secured = true
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
	case NoteLeft, NoteAborted, NoteInterrupted:
		r.Held = string(e.Note)
		return true
	case NoteUnconnected:
		r.Held = string(e.Note) + ": " + e.Text
		return true
	}
	return false
}

func (r *reading) end() {
	if r.assembler.Open() {
		r.Partial = true
	}
}
