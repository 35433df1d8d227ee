package probe

import (
	"slices"
	"time"

	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// Exchange is one write of ours and everything that was said behind it, up to
// the next one. At the beginning of a connection, and of what is inside TLS,
// nothing was written yet.
type Exchange struct {
	Sent    string
	Replies []smtp.Reply      // the last one may be unfinished
	Took    time.Duration     // until the end of what was said, or of the wait for it
	Inside  bool              // TLS
	Opens   bool              // the connection: what is said is the greeting
	Ended   Note              // closed, reset or timed out; empty: none of them
	Session Transcript        // in which it stands
	Offered smtp.Capabilities // by the EHLO before it, which TLS and HELO make void; nil: none
	Own     bool              // it stands in no other transcript before
	Of      string            // the baseline or check whose transcript it is
}

// Verb is the verb of the exchange where one well-formed command was sent by
// itself, in upper case; else empty.
func (x Exchange) Verb() string {
	if line, ok := x.Command(); ok {
		return smtp.ParseCommand(line).Verb
	}
	return ""
}

// Verbs are the verbs of the lines that were sent, in upper case.
func (x Exchange) Verbs() []string { return verbsIn(x.Sent) }

// Command is what was sent, without its line end, where that is one line as
// RFC 5321 2.3.8 and 4.5.3.1.4 have it: of printable octets, of at most 512 with
// its CR LF.
func (x Exchange) Command() (string, bool) {
	n := len(x.Sent) - len("\r\n")
	if n < 1 || n+len("\r\n") > 512 || x.Sent[n:] != "\r\n" {
		return "", false
	}
	for _, c := range []byte(x.Sent[:n]) {
		if c < ' ' || c > '~' {
			return "", false
		}
	}
	return x.Sent[:n], true
}

// Heard is everything of a run that observations look at, by transcripts: the
// baselines and all tries, but not those that begin before the greeting, where
// no reply has its place.
func (rec Record) Heard(catalogue []Check) [][]Exchange {
	var heard [][]Exchange
	begun := map[[3]time.Duration]bool{}
	for _, b := range Baselines() {
		t := rec.Baselines[b]
		begun[t.began()] = true // checks that ride on it begin with it
		heard = append(heard, of(string(b), t.Exchanges()))
	}
	for i := range catalogue {
		c := &catalogue[i]
		if c.Start == Connected {
			continue
		}
		for _, t := range rec.Tries[c.ID] {
			exchanges := of(c.ID, t.Exchanges())
			if at := t.began(); !begun[at] { // what led to the first check of a session was said once
				begun[at] = true
				for i := range exchanges {
					exchanges[i].Own = true
				}
			}
			heard = append(heard, exchanges)
		}
	}
	return heard
}

func of(id string, exchanges []Exchange) []Exchange {
	for i := range exchanges {
		exchanges[i].Of = id
	}
	return exchanges
}

// began tells one session from another by when its first events were.
func (t Transcript) began() [3]time.Duration {
	var at [3]time.Duration
	for i := range min(len(at), len(t)) {
		at[i] = t[i].At
	}
	return at
}

// Exchanges cuts a transcript at its writes and at its handshake. What follows a
// 220 to STARTTLS in clear is no SMTP, so that it is left out.
func (t Transcript) Exchanges() []Exchange {
	c := cutter{now: Exchange{Session: t, Opens: true, Own: !t.Has(NoteBegin)}}
	writes := 1
	for i := range t {
		if t[i].From == FromClient {
			writes++
		}
	}
	c.done = make([]Exchange, 0, writes)
	for _, e := range t {
		c.add(e)
	}
	c.next("")
	return c.done
}

// cutter makes exchanges of events.
type cutter struct {
	done      []Exchange
	now       Exchange
	assembler smtp.Assembler
	began     time.Duration // the write
	shaking   bool          // between a 220 to STARTTLS and the end of the handshake
}

func (c *cutter) add(e Event) {
	if e.From != FromClient {
		c.now.Took = e.At - c.began
	}
	switch {
	case e.From == FromClient && !c.shaking:
		c.next(e.Text)
		c.began = e.At
	case e.From == FromServer && !c.shaking:
		if r, ok := c.assembler.Add(e.line()); ok {
			c.now.Replies = append(c.now.Replies, r)
			c.shaking = r.Code == 220 && !c.now.Inside && slices.Contains(verbsIn(c.now.Sent), "STARTTLS")
		}
	case e.From != FromProbe:
	case e.Note == NoteSecured:
		c.next("")
		c.now.Inside, c.now.Offered, c.shaking = true, nil, false
	case e.Note == NoteBegin:
		c.next("")
		c.now.Own = true
	case e.Note == NoteClosed, e.Note == NoteReset, e.Note == NoteTimedOut:
		c.now.Ended = e.Note
	}
}

// next ends the exchange and begins another one with what was sent.
func (c *cutter) next(sent string) {
	if r, begun := c.assembler.Rest(); begun {
		c.now.Replies = append(c.now.Replies, r)
	}
	if len(c.now.Replies) > 0 || c.now.Sent != "" {
		c.done = append(c.done, c.now)
	}
	offered := c.now.Offered
	for _, verb := range verbsIn(c.now.Sent) {
		if (verb == "EHLO" || verb == "HELO") && c.now.first().Code == 250 {
			offered = nil
			if c.now.Verb() == "EHLO" {
				offered = smtp.ParseCapabilities(c.now.first())
			}
		}
	}
	c.now = Exchange{
		Sent: sent, Opens: sent == "" && len(c.done) == 0,
		Inside: c.now.Inside, Offered: offered, Session: c.now.Session, Own: c.now.Own,
	}
}

// first is the first reply; the zero reply where there is none.
func (x Exchange) first() smtp.Reply {
	if len(x.Replies) == 0 {
		return smtp.Reply{}
	}
	return x.Replies[0]
}
