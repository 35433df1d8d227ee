package checks

import (
	"fmt"
	"maps"
	"slices"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// count is what oneReply has counted so far.
type count struct {
	facts   probe.Facts
	good    int            // commands that got one reply
	off     int            // sessions in which something came that nobody asked for
	surplus probe.Finding  // the first of those
	sent    map[string]int // sessions in which a command was sent, by the one before it and itself
	missing map[string]int // and those in which it got no reply
	lost    map[string]probe.Finding
}

// oneReply counts the replies to well-formed commands that were sent by
// themselves. In a session it stops at the first thing that is none, since what
// comes behind a group, a chunk or an odd line may belong to that. A reply that
// never came says something only where the command never gets one, and the
// receiver was there to the end of the run.
func oneReply(ev probe.Evidence) probe.Finding {
	c := count{facts: ev.Facts, sent: map[string]int{}, missing: map[string]int{}, lost: map[string]probe.Finding{}}
	for _, session := range ev.Heard {
		c.session(session)
	}
	if c.off > 1 {
		c.surplus.Reason = fmt.Sprintf("%s; in %d sessions", c.surplus.Reason, c.off)
		return c.surplus
	}
	doubt := c.surplus.Reason
	for _, place := range slices.Sorted(maps.Keys(c.lost)) {
		f := c.lost[place]
		if n := c.missing[place]; n > 1 && n == c.sent[place] && ev.Facts.Failed[probe.B0Again] == "" {
			f.Reason = fmt.Sprintf("%s; in %d sessions", f.Reason, n)
			return f
		}
		doubt = f.Reason
	}
	switch {
	case doubt != "":
		return probe.Unknown("seen once, or not every time: " + doubt)
	case c.good == 0:
		return probe.Unknown("no command was sent by itself")
	}
	return probe.Finding{Verdict: probe.Correct, Reason: fmt.Sprintf("commands: %d counted", c.good)}
}

// session counts one session as far as it can be told what a reply is to.
func (c *count) session(session []probe.Exchange) {
	errors, before := 0, ""
	for _, x := range session {
		place := before + " " + x.Sent // where it was sent matters: the state of the session
		before = x.Verb()
		if !x.Own { // what led to a check was counted elsewhere, or led nowhere
			continue
		}
		command, plain := x.Command()
		replies := wholeReplies(x.Replies)
		switch {
		case x.Opens && len(replies) < 2:
			continue // the greeting
		case x.Sent != "" && !plain:
			return
		case len(replies) > 1 || x.Sent == "" && len(replies) > 0:
			c.unasked("a reply too many, to "+said(command), replies[len(replies)-1], x)
			return
		}
		if errors > 0 && len(replies) == 0 {
			return // a tarpit may hold it back
		}
		c.sent[place]++
		switch {
		case len(replies) == 0 && x.Ended == probe.NoteTimedOut && len(x.Replies) == 0 && !c.facts.Tarpit(x.Took):
			c.missing[place]++
			f := broken("no reply to " + said(command))
			f.Seen = &x
			c.lost[place] = f
			return
		case len(replies) == 0 || replies[0].Class() == 3 || x.Verb() == "QUIT":
			return
		}
		c.good++
		if replies[0].Refused() {
			errors++
		}
	}
	if n := len(session); n > 0 && session[n-1].Session.Has(probe.NoteShifted) {
		c.unasked(string(probe.NoteShifted), smtp.Reply{}, session[n-1])
	}
}

func (c *count) unasked(why string, r smtp.Reply, x probe.Exchange) {
	if c.off++; c.off == 1 {
		c.surplus = broken(why)
		c.surplus.Reply, c.surplus.Seen = r, &x
	}
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
