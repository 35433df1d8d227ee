package page

import (
	"fmt"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/oracle"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// departure is a reply that leads elsewhere than the reference state machine
// goes: it takes what the reference refuses, or refuses what the reference
// serves. The state before it is the one that the replies before it imply.
type departure struct {
	check    string
	from, to oracle.State
	verb     string
	code     int    // of the receiver
	ideal    int    // of the reference
	allowed  bool   // the RFCs allow the reply as well
	ref      string // where they speak of it
}

// taken reports whether the receiver goes where the reference does not.
func (d departure) taken() bool { return d.code < 400 }

func (d departure) sentence() string {
	text := fmt.Sprintf("%s in state %s (%s): the reference answers %d, this receiver %d", d.verb, d.from, states()[place(d.from)].Name, d.ideal, d.code)
	switch {
	case d.taken() && d.from != d.to:
		text += fmt.Sprintf(" and goes to %s (%s)", d.to, states()[place(d.to)].Name)
	case d.taken():
		text += " and stays there"
	}
	if d.taken() && d.allowed {
		text += ", which the RFCs allow"
	}
	return text + ". See RFC " + d.ref + "."
}

// departures are those that the transcripts of a receiver show. Results of which
// nothing is known, and those where replies and commands do not match, tell
// nothing; observations have no exchange of their own.
func departures(r probe.Report) []departure {
	var all []departure
	for _, res := range r.Results {
		if !res.Verdict.Known() || res.Verdict == probe.Broken || res.Check.Observes() {
			continue
		}
		f := follower{check: res.Check.ID, session: oracle.Watch()}
		for _, e := range res.Transcript {
			if !f.follow(e) {
				break
			}
		}
		all = append(all, f.found...)
	}
	return all
}

// follower lays a transcript beside the reference, one reply to one line. It
// stops at the first event that it cannot pair for certain.
type follower struct {
	check     string
	session   oracle.Session
	pending   []string // lines that are not answered yet
	assembler smtp.Assembler
	own       bool // the check has begun
	found     []departure
}

// follow takes the next event and reports whether it can go on.
func (f *follower) follow(e probe.Event) bool {
	switch e.From {
	case probe.FromClient:
		return f.sent(e.Text)
	case probe.FromServer:
		reply, whole := f.assembler.Add(smtp.Line{Octets: e.Text, Cut: e.Cut})
		return !whole || reply.Fault == "" && f.answered(reply)
	}
	switch e.Note {
	case probe.NoteBegin:
		f.own = true
	case probe.NoteSecured:
		if len(f.pending) > 0 {
			return false
		}
		if f.session.State == oracle.StateConnected {
			f.session.TLS = true // from the first octet; the greeting is still to come
			return true
		}
		f.session = f.session.Handshake()
	case probe.NoteConnected, probe.NoteListened, probe.NoteEarlyGreeted:
	default:
		return false // the end, or a wait without a reply
	}
	return true
}

// sent takes a write: whole lines, all those before it answered, to a server
// that waits for commands.
func (f *follower) sent(text string) bool {
	switch f.session.State {
	case oracle.StateConnected, oracle.StateHandshake, oracle.StateData, oracle.StateAuth, oracle.StateClosed:
		return false
	}
	if len(f.pending) > 0 || f.assembler.Open() {
		return false
	}
	for text != "" {
		line, rest, ended := strings.Cut(text, "\r\n")
		if !ended || strings.ContainsAny(line, "\r\n\x00") {
			return false
		}
		f.pending = append(f.pending, line)
		command := smtp.ParseCommand(line)
		if chunk, ok := command.Chunk(); command.Verb == "BDAT" && ok {
			if int64(len(rest)) < chunk.Size {
				return false
			}
			rest = rest[chunk.Size:]
		}
		text = rest
	}
	return true
}

// answered pairs a reply with the oldest line.
func (f *follower) answered(reply smtp.Reply) bool {
	if f.session.State == oracle.StateConnected && len(f.pending) == 0 {
		f.session, _ = f.session.FollowGreeting(reply.Code, false)
		return f.session.State == oracle.StateGreeted
	}
	if len(f.pending) == 0 {
		return false
	}
	line := f.pending[0]
	f.pending = f.pending[1:]
	f.session.Ahead = len(f.pending) > 0
	before := f.session
	ideal, reference := before.Step(line)
	after, standing := before.Follow(line, reply.Code, false)
	verb := smtp.ParseCommand(line).Verb
	if verb == "EHLO" && reply.Code == 250 {
		after = after.Offer(smtp.ParseCapabilities(reply))
	}
	f.session = after
	d := departure{
		check: f.check, from: before.State, to: after.State, verb: verb, code: reply.Code, ideal: ideal.Code,
		allowed: standing == oracle.Conformant, ref: ideal.Row.Ref,
	}
	accepts, served := reply.Code < 400, ideal.Code > 0 && ideal.Code < 400
	switch {
	case !f.own:
	case accepts && (!served || after.State != reference.State):
		f.found = append(f.found, d)
	case !accepts && served && standing == oracle.OtherRefusal && !before.Ahead: // a group may be refused as such
		f.found = append(f.found, d)
	}
	return true
}
