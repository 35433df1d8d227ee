package wire_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
)

// court judges what listeners read of one receiver's sessions, by the safety
// contract alone. It shares no code with the guard: it has its own reading of
// commands and replies, and where a server may read octets in several ways it
// takes them all.
type court struct {
	values probe.Values
	public bool

	bads, auths int // over all connections, in the reading that counts most
	faults      []string
}

func (c *court) fault(format string, args ...any) {
	c.faults = append(c.faults, fmt.Sprintf(format, args...))
}

// judge judges one connection.
func (c *court) judge(l *ledger) {
	t := &trial{court: c}
	for _, ends := range []lineEnds{strictEnds, laxEnds, nulGone} {
		for _, swallows := range []bool{true, false} {
			t.readings = append(t.readings, &reading{trial: t, ends: ends, swallows: swallows})
		}
	}
	t.book = t.readings[0]
	t.book.commands = []*said{{verb: "greeting"}}
	for _, e := range l.entries {
		t.enter(e)
	}
	bads, auths := 0, 0
	for _, r := range t.readings {
		bads, auths = max(bads, r.bads), max(auths, r.auths)
	}
	c.bads, c.auths = c.bads+bads, c.auths+auths
	if c.public && c.bads > 4 {
		c.fault("the recipient that cannot exist was named %d times (S5)", c.bads)
	}
	if c.auths > 4 {
		c.fault("AUTH was sent %d times to this receiver (S7)", c.auths)
	}
}

// trial is one connection.
type trial struct {
	*court
	readings []*reading
	book     *reading // by which replies belong to commands: CR LF, chunks swallowed
	replies  replyReader

	over     string // why nothing more may come; empty: it may
	text     bool   // the receiver asked for text: the end has to be a reset
	upgrade  bool   // 220 to STARTTLS: a handshake or nothing
	plain    bool   // or, where it was 220 and in clear, one EHLO and nothing more
	begun    bool   // a handshake has begun
	inside   bool   // and was done
	asked    bool   // 334: "*" or nothing
	accepted int    // recipients, by the order of the replies
	sender   string // of the transaction that may be open; empty: none, or the null one
	clear    int    // octets that came in clear
	gone     bool   // the listener ended the connection itself
	records  string // what came under TLS and is no whole record yet
}

func (t *trial) enter(e entry) {
	switch e.kind {
	case wrote:
		t.replies.feed(e.octets, t.line, t.reply)
	case read:
		t.came(e.octets)
	case sealed:
		t.record(e.octets)
	case secured:
		t.inside, t.upgrade = true, false
		for _, c := range t.book.commands {
			c.answered = c.answered || c.verb != "greeting"
		}
		t.replies = replyReader{}
	case hungUp:
		t.gone = true
	case fin:
		if t.text && !t.gone {
			t.fault("FIN after the receiver asked for text, want RST (S1)")
		}
	}
}

// came takes octets that the listener read, in clear or inside TLS.
func (t *trial) came(octets string) {
	if t.begun && !t.inside {
		t.record(octets)
		return
	}
	pending := t.book.unanswered()
	hello := !t.inside && strings.HasPrefix(octets, "\x16\x03")
	switch {
	case t.over != "":
		t.fault("%.200q was written after %s", octets, t.over)
	case hello && t.upgrade, hello && t.clear == 0 && len(pending) == 1 && !t.replies.begun():
	case hello:
		t.fault("a ClientHello where nobody asked for one")
	case t.upgrade && (!t.plain || octets != "EHLO "+t.values.EHLO+"\r\n"):
		t.fault("%.200q in clear after 220 to STARTTLS", octets)
	case t.replies.begun() && len(pending) == 0:
		t.fault("%.200q was written while a reply came that nobody asked for (S9)", octets)
	case t.asked && octets != "*\r\n":
		t.fault("%.200q after 334, want * (S7)", octets)
	case len(pending) > 0 && !t.early(pending, octets):
		t.fault("%.200q was written before the reply to %s (S9)", octets, pending[0].verb)
	}
	if hello {
		t.begun = true
		t.record(octets)
		return
	}
	if !t.inside {
		t.clear += len(octets)
	}
	if t.upgrade && t.over == "" {
		t.over = "EHLO in clear after 220 to STARTTLS"
	}
	for _, r := range t.readings {
		r.feed(octets)
	}
	t.asked = false
	t.behind()
}

// behind reports what was written behind a command whose reply decides what may
// follow: text behind DATA, a response behind AUTH, clear text behind STARTTLS.
func (t *trial) behind() {
	unanswered := t.book.unanswered()
	for i, c := range unanswered {
		rest := unanswered[i+1:]
		follows := len(rest) > 0 || t.book.line != ""
		switch {
		case follows && (c.verb == "DATA" || c.verb == "AUTH"):
			t.fault("octets behind %s before its reply (S1, S7)", c.verb)
		case follows && c.verb == "STARTTLS" && (len(rest) != 1 || rest[0].verb != "NOOP" || t.book.line != ""):
			t.fault("more than NOOP behind STARTTLS before its reply")
		}
	}
}

func (t *trial) early(pending []*said, octets string) bool {
	hello, rest, _ := strings.Cut(octets, "\r\n")
	return len(pending) == 1 && len(t.book.commands) == 1 && (rest == "" || rest == "NOOP\r\n") &&
		strings.EqualFold(hello, "EHLO "+t.values.EHLO)
}

// record reports octets that are no TLS records, where only those may come (RFC
// 8446 5.1), and a handshake inside TLS.
func (t *trial) record(octets string) {
	if t.text { // elsewhere TLS may say that it ends
		t.fault("octets of TLS after %s", t.over)
	}
	t.records += octets
	for len(t.records) >= 5 {
		kind, end := t.records[0], 5+int(t.records[3])<<8+int(t.records[4])
		if kind < 20 || kind > 23 || t.records[1] != 3 || t.inside && kind == 22 {
			t.fault("%.40q under TLS", t.records)
			t.records = ""
			return
		}
		if len(t.records) < end {
			return
		}
		t.records = t.records[end:]
	}
}

// line looks at each line of the receiver's, finished or not.
func (t *trial) line(line string, finished bool) {
	pending := t.book.unanswered()
	challenge := len(pending) > 0 && pending[0].verb == "AUTH" &&
		(strings.HasPrefix(line, "334") || strings.HasPrefix("334", line))
	if strings.HasPrefix(line, "3") && !challenge {
		t.over = fmt.Sprintf("the receiver wrote %.20q (S1)", line)
		t.text = t.text || finished
	}
}

// reply gives a reply to the command whose turn it is.
func (t *trial) reply(r reply) {
	pending := t.book.unanswered()
	switch {
	case t.over != "":
	case r.fault != "":
		t.over = "a reply that is " + r.fault + " (S9)"
	case len(pending) == 0:
		t.over = "a reply that nobody asked for (S9)"
	}
	if len(pending) == 0 {
		return
	}
	c, done := pending[0], r.code/100 == 2
	c.answered = true
	switch {
	case c.verb == "MAIL" && done:
		t.sender = c.sender
	case c.verb == "RSET" && done:
		t.sender = ""
	case c.verb == "RCPT" && done:
		t.accepted++
	case c.verb == "STARTTLS" && done:
		t.upgrade, t.plain = true, r.code == 220 && !t.inside
	case c.verb == "AUTH" && r.code == 334:
		t.asked = true
	}
}

// bounces reports whether a recipient that waits for its reply may belong to a
// transaction with a sender that could be told of a failure.
func (t *trial) bounces() bool {
	return t.sender != "" ||
		slices.ContainsFunc(t.book.unanswered(), func(c *said) bool { return c.sender != "" })
}
