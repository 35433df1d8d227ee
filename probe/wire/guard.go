package wire

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// This file is the guard: what may be written to a receiver, whatever a check
// or a server does. It holds the safety contract S1 to S12 of the catalogue and
// no switch that turns a rule of it off. Where the contract leaves room it takes
// the narrower reading:
//
//	S1  After a 354, or any other 3yz that no AUTH asked for, nothing is written
//	    at all, not even QUIT: it would be message text. The session is reset.
//	S2  DATA only where no RCPT for the real recipient was ever written on this
//	    connection, no RCPT was accepted, and those that wait for a reply name
//	    the recipient that cannot exist, under the null sender.
//	S3  BDAT as DATA, with inert octets, and never LAST.
//	S4  A lone dot is never written; there is no lab mode.
//	S5  Two recipients exist. The one that cannot is named at most four times in
//	    ten minutes to a receiver with a public address.
//	S6  VRFY only of postmaster; EXPN, ETRN, TURN and their like never.
//	S7  AUTH without credentials: a mechanism, then "*". Twice a connection, four
//	    times a receiver.
//	S8  One QUIT, and RSET before it where a transaction may be open (leave.go).
//	S9  A reply that nobody asked for, a malformed one, a missing one: the
//	    connection is in doubt and nothing more is written on it. But NOOP may
//	    follow one empty line that nobody answered: some receivers pass it over.
//	S10 The sender is the null one, or the operator's.
//	S11 Connections are counted and paced (receiver.go).
//	S12 What would smuggle a message cannot be written: S1 to S4 exclude it.
//
// After a 220 to STARTTLS comes a handshake (RFC 3207 4), or one EHLO in clear and
// then nothing more.
//
// A line is checked under every reading that a lax server may have of it: CR,
// LF and CR LF as line ends, NUL as the end of a string or as nothing. A line
// with more than one reading may be made of NOOPs only.
type guard struct {
	values probe.Values
	tally  *tally

	pending  []command // written and not yet answered; the greeting is the first
	unended  string    // octets written after the last CR LF
	over     string    // why nothing more may be written; empty: it may
	silent   bool      // leave without a word (S1)
	named    bool      // a RCPT of the real recipient was written (S2)
	accepted int       // RCPTs answered 2yz; never decremented
	sender   bool      // a MAIL of a real sender was written, and not reset: one may be in force (S2)
	tls      bool
	open     bool // a transaction may be open
	upgrade  bool // 2yz to STARTTLS: the next octets are a handshake
	plain    bool // and it was 220, in clear: or one EHLO, and then nothing
	asked    bool // 334: the next line is "*"
	quit     bool
	auths    int
	errors   int
	commands int
}

// command is one command line that waits for its reply.
type command struct {
	verb string
	bad  bool // RCPT of the recipient that cannot exist
	real bool // MAIL of a real sender
}

const greeting = "greeting"

// newGuard checks the values once: nothing else of a user's reaches the wire.
func newGuard(v probe.Values, t *tally) (*guard, error) {
	if err := ValidValues(v); err != nil {
		return nil, err
	}
	return &guard{values: v, tally: t, pending: []command{{verb: greeting}}}, nil
}

// ValidValues reports the first value that is not what RFC 5321 4.1.2 allows in
// its place.
func ValidValues(v probe.Values) error {
	path := func(p string) bool {
		return strings.HasPrefix(p, "<") && strings.HasSuffix(p, ">") && len(p) <= 256 && smtp.ValidMailbox(p[1:len(p)-1])
	}
	switch {
	case !smtp.ValidDomainName(v.EHLO) && !smtp.ValidAddressLiteral(v.EHLO):
		return fmt.Errorf("EHLO name %q: want a host name or an address literal such as [192.0.2.1]", v.EHLO)
	case v.From != "<>" && !path(v.From):
		return fmt.Errorf("sender %q: want <> or a mailbox such as <probe@example.com>", v.From)
	case !path(v.Rcpt):
		return fmt.Errorf("recipient %q: want a mailbox such as <postmaster@example.com>", v.Rcpt)
	case v.Bad != probe.BadRecipient:
		return fmt.Errorf("refused recipient %q: only %s exists", v.Bad, probe.BadRecipient)
	}
	return nil
}

// allow decides whether the octets may be written now, in one write, and enters
// them in the ledger. The error says which rule forbids it; then nothing was
// entered and nothing may be written.
func (g *guard) allow(octets string) error {
	if g.over != "" {
		return errors.New(g.over)
	}
	next := *g
	next.pending = append([]command(nil), g.pending...)
	if err := next.enter(octets); err != nil {
		return err
	}
	if err := g.tally.count(next.badsSince(g), next.auths-g.auths); err != nil {
		return err
	}
	*g = next
	return nil
}

func (g *guard) badsSince(before *guard) int {
	n := 0
	for _, c := range g.pending[min(len(before.pending), len(g.pending)):] {
		if c.bad {
			n++
		}
	}
	return n
}

func (g *guard) enter(octets string) error {
	switch {
	case g.asked && octets != "*\r\n":
		return errors.New(`after 334 only "*" may follow (S7)`)
	case g.upgrade && (!g.plain || octets != "EHLO "+g.values.EHLO+"\r\n"):
		return errors.New("after 220 to STARTTLS only a handshake may follow (RFC 3207 4), or one EHLO in clear")
	case g.passedOver(octets):
		g.pending = nil
	case len(g.pending) > 0 && !g.early(octets):
		return fmt.Errorf("the reply to %s has not come", g.pending[0].verb)
	}
	rest := g.unended + octets
	g.unended = ""
	for rest != "" {
		line, after, ended := strings.Cut(rest, "\r\n")
		if !ended {
			return g.fragment(rest)
		}
		if err := g.line(line, after); err != nil {
			return err
		}
		rest = after
		if n := chunk(line); n > 0 {
			if len(rest) < n || rest[:n] != inert(n) {
				return fmt.Errorf("BDAT %d: its octets must be NOOP lines, in the same write (S3)", n)
			}
			rest = rest[n:]
		}
	}
	if g.upgrade {
		g.over = "a handshake was due and EHLO was written in clear (RFC 3207 4)"
	}
	return nil
}

// early allows one write before the greeting was read: EHLO, and NOOP behind it.
func (g *guard) early(octets string) bool {
	hello, rest, _ := strings.Cut(octets, "\r\n")
	return len(g.pending) == 1 && g.waitsForGreeting() &&
		strings.EqualFold(hello, "EHLO "+g.values.EHLO) && (rest == "" || rest == "NOOP\r\n")
}

// passedOver allows NOOP behind one empty line that was not answered: some
// receivers pass over such a line, and only the NOOP tells whether this one does.
// The reply that comes next is then that to NOOP, and another one is a reply that
// nobody asked for (S9).
func (g *guard) passedOver(octets string) bool {
	return len(g.pending) == 1 && g.pending[0].verb == "" && octets == "NOOP\r\n"
}

// fragment is a line that is not ended yet: only the beginning of a NOOP may be
// left hanging, or lines that end in a lone LF or CR.
func (g *guard) fragment(octets string) error {
	if !split().MatchString(octets) {
		return fmt.Errorf("%q is not a line: only NOOP may be split", octets)
	}
	g.unended = octets
	return nil
}

// shake decides whether a TLS handshake may begin now: after the 220 to
// STARTTLS, or as the first octets of a connection.
func (g *guard) shake() error {
	switch {
	case g.over != "":
		return errors.New(g.over)
	case g.tls:
		return errors.New("no handshake inside TLS")
	case g.upgrade, g.commands == 0 && g.waitsForGreeting():
		return nil
	}
	return errors.New("no handshake without a 220 to STARTTLS")
}

// line enters one line that ends in CR LF; after is what stands behind it in
// the same write.
func (g *guard) line(line, after string) error {
	verb := verbOf(line)
	if strings.ContainsAny(line, "\r\n\x00") {
		if !several().MatchString(line) {
			return fmt.Errorf("%q may be read as more than one line", line)
		}
	} else if err := g.permits(line); err != nil {
		return err
	}
	if err := g.place(verb, line, after); err != nil {
		return err
	}
	g.record(verb, line)
	return nil
}

// place holds the rules that depend on the ledger and on what follows.
func (g *guard) place(verb, line, after string) error {
	switch {
	case line == "*" && !g.asked:
		return errors.New(`"*" only after 334 (S7)`)
	case g.quit && verb != "NOOP":
		return errors.New("after QUIT only NOOP may follow (S8)")
	case verb == "DATA" && after != "":
		return errors.New("nothing may follow DATA before its reply (S1)")
	case (verb == "STARTTLS" || verb == "QUIT") && after != "" && after != "NOOP\r\n":
		return fmt.Errorf("only NOOP may follow %s in the same write", verb)
	case verb == "AUTH" && after != "":
		return errors.New("nothing may follow AUTH before its reply (S7)")
	case verb == "AUTH" && g.auths >= 2:
		return errors.New("AUTH was sent twice on this connection (S7)")
	case verb == "DATA" || verb == "BDAT":
		return g.gate(verb)
	}
	return nil
}

// gate is S2 and S3.
func (g *guard) gate(verb string) error {
	switch {
	case g.accepted > 0:
		return fmt.Errorf("%s after an accepted recipient (S2)", verb)
	case g.named:
		return fmt.Errorf("%s after a RCPT that names a real recipient (S2)", verb)
	}
	for _, c := range g.pending {
		if c.verb == "RCPT" && (!c.bad || g.sender) {
			return fmt.Errorf("%s while a RCPT has no reply and a real sender was named (S2)", verb)
		}
	}
	return nil
}

func (g *guard) record(verb, line string) {
	g.commands++
	c := command{verb: verb}
	switch verb {
	case "MAIL":
		c.real = !strings.HasPrefix(strings.TrimSpace(line[len("MAIL FROM:"):]), "<>")
		g.sender = g.sender || c.real
	case "RCPT":
		c.bad = strings.HasPrefix(line[len("RCPT TO:"):], g.values.Bad)
		g.named = g.named || !c.bad
	case "QUIT":
		g.quit = true
	case "AUTH":
		g.auths++
	}
	g.asked = false
	g.pending = append(g.pending, c)
}

// heard enters one reply in the ledger. Replies belong to commands by order
// alone; one that no command waits for taints the session (S9).
func (g *guard) heard(r smtp.Reply) {
	if r.Fault != "" {
		g.taint("a malformed reply: " + string(r.Fault))
		return
	}
	if r.Refused() {
		g.errors++
	}
	if len(g.pending) == 0 {
		g.taint("a reply that no command asked for")
		return
	}
	c := g.pending[0]
	g.pending = g.pending[1:]
	done := r.Class() == 2
	switch c.verb {
	case greeting:
		if g.commands == 0 { // what comes after early talk is about that
			g.tally.greeted(r.Code)
		}
	case "MAIL":
		g.open = g.open || done
	case "RCPT":
		if done {
			g.accepted++
			g.open = true
		}
	case "BDAT":
		g.open = true // indeterminate, whatever the reply (RFC 3030 2)
	case "RSET": // not EHLO: some receivers keep the transaction across it
		behind := slices.ContainsFunc(g.pending, func(c command) bool { return c.real })
		g.open, g.sender = g.open && !done, g.sender && !done || behind
	case "STARTTLS":
		g.upgrade, g.plain = done, r.Code == 220 && !g.tls
	case "AUTH":
		g.asked = r.Code == 334
	}
	if r.Code == 421 || (c.verb == "QUIT" && done) {
		g.quit = true // there is nothing left to take leave from
	}
}

// idle reports whether everything that was written was answered, and another
// command may follow.
func (g *guard) idle() bool {
	return g.over == "" && !g.quit && !g.upgrade && !g.asked && g.unended == "" && len(g.pending) == 0
}

// waitsForGreeting reports whether the greeting was not read yet.
func (g *guard) waitsForGreeting() bool {
	return len(g.pending) > 0 && g.pending[0].verb == greeting
}

// sight looks at a line, finished or not, before it is a reply: a 3yz that is
// not a challenge to AUTH may be the invitation to send text (S1).
func (g *guard) sight(line string) {
	challenge := len(g.pending) > 0 && g.pending[0].verb == "AUTH" && strings.HasPrefix(line, "334")
	if strings.HasPrefix(line, "3") && !challenge {
		g.taint("the receiver asked for text: " + smtp.Escape(line))
		g.silent = true
	}
}

// secured is called when a handshake is done: what was said in clear is void,
// and a command behind STARTTLS is owed no reply.
func (g *guard) secured() {
	// Whether a transaction is open is not changed: some receivers keep it.
	g.tls, g.upgrade, g.pending = true, false, g.keepGreeting()
}

// keepGreeting keeps the wait for the greeting where TLS comes first.
func (g *guard) keepGreeting() []command {
	if g.waitsForGreeting() {
		return g.pending[:1]
	}
	return nil
}

// taint ends the writing for good; the first reason stays.
func (g *guard) taint(why string) {
	if g.over == "" {
		g.over = why
	}
}

// tally is what a receiver was sent and said over all sessions, of one run and of
// those that repeat it: the part of the contract that one connection cannot hold.
type tally struct {
	public bool

	mu      sync.Mutex
	bads    []time.Time // when the recipient that cannot exist was named, lately
	auths   int
	refusal int // connections in a row that were refused, or greeted with 4yz or 421
}

// The limits of S5, S7 and S11.
const (
	maxBads     = 4 // ban rules count refused relaying; five is a common limit
	badsWindow  = 10 * time.Minute
	maxAuths    = 4
	maxRefusals = 2
)

// count enters the commands that are counted over sessions, or refuses them.
func (t *tally) count(bads, auths int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	t.bads = slices.DeleteFunc(t.bads, func(at time.Time) bool { return now.Sub(at) > badsWindow })
	switch {
	case t.public && len(t.bads)+bads > maxBads:
		return fmt.Errorf("%s: the recipient that cannot exist was named %d times to this receiver (S5)", probe.QuotaSpent, len(t.bads))
	case t.auths+auths > maxAuths:
		return fmt.Errorf("%s: AUTH was sent %d times to this receiver (S7)", probe.QuotaSpent, t.auths)
	}
	t.bads = append(t.bads, slices.Repeat([]time.Time{now}, bads)...)
	t.auths += auths
	return nil
}

// greeted counts the connections in a row that were turned away.
func (t *tally) greeted(code int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if code/100 == 4 {
		t.refusal++
	} else {
		t.refusal = 0
	}
}

// stopped reports whether the receiver turned away enough connections in a row.
func (t *tally) stopped() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.refusal >= maxRefusals
}

// The forms that arguments may have. A mailbox of somebody, a credential or a
// LAST fits none of them. Each is compiled when it is first asked: not every start
// of the program opens a session.
var (
	word      = form(`^[A-Za-z0-9]{0,16}$`)
	filler    = form(`^x*$`)
	mechanism = form(`^[A-Z0-9-]{1,20}$`)
	parameter = form(`^[A-Z0-9]{1,16}(=[A-Za-z0-9.-]{1,40})?$`)
	made      = form(`^ZZ[A-Z]{0,14}$`)
	bdat      = form(`^BDAT( x| 0 FIRST| [0-9]{1,3})?$`)
	split     = form(`^(N|NO|NOO|NOOP|NOOP\r|(NOOP\n)+)$`)
	several   = form(`^(NOOP\x00ZZ|NOOP( [a-z]{0,16})?([\r\n](NOOP( [a-z]{0,16})?)?)+)$`)
)

func form(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

// permits is the list of all lines that may ever be written.
func (g *guard) permits(line string) error {
	verb := verbOf(line)
	arg := strings.TrimPrefix(line[len(verb):], " ")
	ok := false
	switch verb {
	case "EHLO", "HELO":
		ok = arg == "" || arg == g.values.EHLO
	case "MAIL":
		ok = g.originator(line)
	case "RCPT":
		ok = g.recipient(line)
	case "DATA", "HELP", "QUIT":
		ok = line[len(verb):] == ""
	case "BDAT":
		ok = bdat().MatchString(line)
	case "NOOP", "RSET":
		ok = word().MatchString(strings.Trim(arg, " ")) || filler().MatchString(arg)
	case "VRFY":
		ok = arg == "postmaster"
	case "STARTTLS":
		ok = arg == "" || arg == "smtpprobe"
	case "AUTH":
		ok = mechanism().MatchString(arg)
	case "*", "":
		ok = line == verb
	default:
		ok = made().MatchString(line)
	}
	if !ok {
		return fmt.Errorf("%q is not a line that a probe may send", line)
	}
	return nil
}

func (g *guard) originator(line string) bool {
	rest, ok := cutFold(line, "MAIL FROM:")
	path, params := splitPath(strings.TrimPrefix(rest, " "))
	switch path {
	case "<>", g.values.From, "<<<", "smtpprobe@" + g.values.EHLO, "<smtpprobe-\xc3\xbc@" + g.values.EHLO + ">":
		return ok && validParams(params, "AUTH")
	}
	return false
}

func (g *guard) recipient(line string) bool {
	rest, ok := strings.CutPrefix(line, "RCPT TO:")
	path, params := splitPath(rest)
	return ok && (path == g.values.Rcpt || path == g.values.Bad) && validParams(params, "ORCPT")
}

// splitPath splits at the space after the path; a quoted local part may hold
// spaces of its own.
func splitPath(s string) (path string, params []string) {
	end := strings.LastIndexByte(s, '>') + 1
	if end == 0 {
		end = strings.IndexByte(s+" ", ' ')
	}
	if end == len(s) {
		return s, nil
	}
	if s[end] != ' ' {
		return s, nil // not a path and its parameters
	}
	return s[:end], strings.Split(s[end+1:], " ")
}

func validParams(params []string, never string) bool {
	for _, p := range params {
		keyword, _, _ := strings.Cut(p, "=")
		if !parameter().MatchString(p) || keyword == never {
			return false
		}
	}
	return len(params) <= 3
}

func cutFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return "", false
	}
	return s[len(prefix):], true
}

func verbOf(line string) string {
	verb, _, _ := strings.Cut(line, " ")
	return strings.ToUpper(verb[:len(verb)-len(strings.TrimLeft(verb, "*ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"))])
}

// chunk is the number of octets that belong to a BDAT line.
func chunk(line string) int {
	size, ok := strings.CutPrefix(line, "BDAT ")
	n, err := strconv.Atoi(size)
	if !ok || err != nil {
		return 0
	}
	return n
}

// inert are n octets of NOOP lines.
func inert(n int) string {
	return strings.Repeat("NOOP\r\n", n/6+1)[:n]
}
