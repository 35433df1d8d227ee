package plan

import (
	"slices"

	"github.com/smtpprobe/smtpprobe/probe"
)

// Lessons is what the sessions of a run have taught about what one session of
// the receiver bears: what was borne, and what was not. The zero value has heard
// of none.
type Lessons struct {
	borne   Cost // the most of each that a session went on behind
	learned Budget
}

// Hear takes in all that was said in a session that has ended.
func (l *Lessons) Hear(said probe.Transcript) {
	var had Cost
	for _, x := range said.Exchanges() {
		if x.Verb() == "QUIT" {
			break
		}
		before := had
		had = had.Plus(counted(x))
		if cut(x) {
			l.bear(before)
			l.learn(x, before, had)
			return
		}
	}
	l.bear(had)
}

// Budget is the given one as far as the receiver bears it. What a session bore
// after all is no limit.
func (l *Lessons) Budget(b Budget) Budget {
	if most := l.learned.Errors; most > 0 && most <= b.Errors && l.borne.Errors <= most {
		b.Errors, b.Closes = most, l.learned.Closes && l.borne.Errors < most
	}
	if most := l.learned.NonMail; most > 0 && l.borne.NonMail <= most {
		b.NonMail = min(b.NonMail, most)
	}
	if most := l.learned.Commands; most > 0 && l.borne.Commands <= most {
		b.Commands = min(b.Commands, most)
	}
	return b
}

// counted is what an exchange makes the receiver count.
func counted(x probe.Exchange) Cost {
	var c Cost
	c.count(probe.Step{Act: probe.Send, Text: x.Sent})
	for _, r := range x.Replies {
		if r.Refused() && r.Code != 421 {
			c.Errors++
		}
	}
	return c
}

// cut reports whether the session ended here, and not by our will.
func cut(x probe.Exchange) bool {
	return x.Ended == probe.NoteClosed || x.Ended == probe.NoteReset || turnedOut(x)
}

// turnedOut reports whether a reply says that there is no more to be had.
func turnedOut(x probe.Exchange) bool { return slices.ContainsFunc(x.Replies, probe.TurnsOut) }

func (l *Lessons) bear(c Cost) {
	l.borne.Errors = max(l.borne.Errors, c.Errors)
	l.borne.NonMail = max(l.borne.NonMail, c.NonMail)
	l.borne.Commands = max(l.borne.Commands, c.Commands)
}

// learn takes the end of a session for a limit of whatever no session has had
// more of. Where one has, the end was about what was said there, which is the
// affair of its check. A limit that is none costs sessions and no verdict.
func (l *Lessons) learn(x probe.Exchange, before, with Cost) {
	refused := with.Errors > before.Errors && !turnedOut(x)
	if refused { // and then it closed
		if l.borne.Errors < with.Errors {
			l.learned.Errors, l.learned.Closes = with.Errors, true
		}
		return
	}
	if before.Errors > 0 && l.borne.Errors <= before.Errors {
		l.learned.Errors, l.learned.Closes = before.Errors, false
	}
	if with.NonMail > before.NonMail && before.NonMail > 0 && l.borne.NonMail <= before.NonMail {
		l.learned.NonMail = before.NonMail
	}
	if before.Commands > 0 && l.borne.Commands <= before.Commands {
		l.learned.Commands = before.Commands
	}
}
