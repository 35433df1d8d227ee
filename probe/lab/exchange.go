package lab

import (
	"strings"
	"time"

	"github.com/smtpprobe/smtpprobe/probe/oracle"
)

// Names of what is answered besides commands, where a lapse asks for a verb.
const (
	Greeting = "(greeting)" // the opening of the session
	Dot      = "(dot)"      // the end of a message
	Response = "(response)" // a client's answer to an AUTH challenge
)

// Lapse is one way in which a receiver differs from a strict one: data to list,
// and a set of hooks on the loop that answers. Lapses of one receiver compose.
type Lapse struct {
	Name string // such as "greylist" or "accept/e/rcpt"
	Note string // what it does, in a sentence

	// begin makes the hooks for one session, so that what they remember is that
	// session's.
	begin func() hooks
}

// hooks are the places in a session where a lapse can do something else. All
// may be nil.
type hooks struct {
	// refuses says whether a command that a strict receiver refuses because of
	// the octets behind it is still refused.
	refuses func(x *exchange) bool
	// answer changes what is done about a command, before anything is.
	answer func(x *exchange)
	// handshake changes what follows a 220 to STARTTLS.
	handshake func(h *handshake)
	// bareLF takes a lone LF for a line end.
	bareLF bool
	// host is what the machine of this session calls itself; empty: as the receiver
	// does.
	host string
	// segments takes what comes in one segment for a line.
	segments bool
}

// ending is what becomes of the connection after a reply.
type ending int

const (
	stay  ending = iota
	leave        // close it, so that the reply can still be read
	reset        // reset it
)

// exchange is one line of the client, or the opening, and what is done about
// it. Hooks change it; then it is carried out from the top to the bottom.
type exchange struct {
	verb   string // in upper case, empty where there is none, or one of the names above
	line   string
	more   bool // octets behind the line have already been received
	nth    int  // which line of the session this is, from 1; 0 for the opening
	errors int  // error replies of the session before this one

	before  oracle.Session
	answer  oracle.Answer // what the oracle answers
	refused bool          // because of the octets behind the line
	after   oracle.Session

	swallow  int64         // octets of a chunk, thrown away first
	pause    time.Duration // before the replies
	replies  []string      // what is sent, each with its line end; usually one
	interval time.Duration // between two octets of the replies
	flood    string        // sent again and again behind the replies
	end      ending
	forget   bool          // throw away what has been received behind the line
	clear    bool          // stay in clear after a 220 to STARTTLS until TLS comes
	hold     time.Duration // before anything else is read
}

// take makes the oracle's answer the one that is given.
func (x *exchange) take(answer oracle.Answer, after oracle.Session) {
	x.answer, x.after, x.swallow, x.end = answer, after, answer.Swallow, stay
	x.replies = nil
	if len(answer.Reply) > 0 {
		x.replies = []string{strings.Join(answer.Reply, "\r\n") + "\r\n"}
	}
	if answer.Close {
		x.end = leave
	}
}

// accept answers as a receiver without order would.
func (x *exchange) accept() {
	answer, after := x.before.Accept(x.line)
	x.take(answer, after)
}

// refuse answers with a refusal that changes nothing.
func (x *exchange) refuse(reply string) {
	x.replies = []string{reply + "\r\n"}
	x.after, x.end = x.unchanged(), stay
}

// unchanged is the session as if the line had not come.
func (x *exchange) unchanged() oracle.Session {
	after := x.before
	after.Ahead = false
	return after
}

// code is the reply code that will be sent first, 0 where none is.
func (x *exchange) code() int {
	if len(x.replies) == 0 {
		return 0
	}
	return codeOf(x.replies[0])
}

func codeOf(reply string) int {
	code := 0
	for i := range 3 {
		if i >= len(reply) || reply[i] < '0' || reply[i] > '9' {
			return 0
		}
		code = code*10 + int(reply[i]-'0')
	}
	return code
}

// failed reports a 4yz or 5yz reply.
func (x *exchange) failed() bool { return x.code() >= 400 }
