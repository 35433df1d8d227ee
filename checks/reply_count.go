package checks

import (
	"fmt"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// oneReply counts the replies to well-formed commands that were sent by
// themselves. In a session it stops at the first thing that is none, since what
// comes behind a group, a chunk or an odd line may belong to that.
func oneReply(ev probe.Evidence) probe.Finding {
	counted, sessions := 0, 0
	var first probe.Finding
	for _, session := range ev.Heard {
		n, f, fault := miscount(session, ev.Facts)
		counted += n
		if fault {
			sessions++
			if sessions == 1 {
				first = f
			}
		}
	}
	switch {
	case sessions > 1:
		first.Reason = fmt.Sprintf("%s; in %d sessions", first.Reason, sessions)
		return first
	case sessions == 1:
		first.Verdict, first.Reason = probe.Inconclusive, "seen in one session only: "+first.Reason
		return first
	case counted == 0:
		return probe.Unknown("no command was sent by itself")
	}
	return probe.Finding{Verdict: probe.Correct, Reason: fmt.Sprintf("commands: %d counted", counted)}
}

// miscount is the first command of a session that got no reply, or too many, and
// the number of those before it that got one.
func miscount(session []probe.Exchange, facts probe.Facts) (counted int, f probe.Finding, fault bool) {
	errors := 0
	for _, x := range session {
		if !x.Own { // what led to a check was counted elsewhere, or led nowhere
			continue
		}
		command, plain := x.Command()
		replies := wholeReplies(x.Replies)
		switch {
		case x.Opens && len(replies) < 2:
			continue // the greeting
		case x.Sent != "" && !plain:
			return counted, f, false
		case len(replies) > 1 || x.Sent == "" && len(replies) > 0:
			f = broken("a reply too many, to " + said(command))
			f.Reply, f.Seen = replies[len(replies)-1], &x
			return counted, f, true
		case len(replies) == 0 && x.Ended == probe.NoteTimedOut && len(x.Replies) == 0 && errors == 0 && !facts.Tarpit(x.Took):
			f = broken("no reply to " + said(command))
			f.Seen = &x
			return counted, f, true
		case len(replies) == 0 || replies[0].Class() == 3 || x.Verb() == "QUIT":
			return counted, f, false
		}
		counted++
		if replies[0].Refused() {
			errors++ // a tarpit may hold back what follows
		}
	}
	if n := len(session); counted > 0 && session[n-1].Session.Has(probe.NoteShifted) {
		f = broken(string(probe.NoteShifted))
		f.Seen = &session[n-1]
		return counted, f, true
	}
	return counted, f, false
}

// wholeReplies are the replies that are finished, without a 421 behind the first
// one, which may come at any time (RFC 5321 3.8).
func wholeReplies(replies []smtp.Reply) []smtp.Reply {
	var whole []smtp.Reply
	for _, r := range replies {
		if r.Fault != smtp.Unfinished && (len(whole) == 0 || r.Code != 421) {
			whole = append(whole, r)
		}
	}
	return whole
}

func said(command string) string {
	if command == "" {
		return "nothing"
	}
	return smtp.Escape(command)
}
