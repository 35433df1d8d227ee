package lab

import (
	"bufio"
	"cmp"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/smtpprobe/smtpprobe/probe/oracle"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

const (
	writePatience = 30 * time.Second // for one write
	lingering     = time.Second      // for the client to close too, after the last reply
	floodOctets   = 16 << 20         // after which even a flood ends
)

// dialogue is one session: the oracle's, a connection, and the hooks of the
// receiver's lapses.
type dialogue struct {
	server  *Server
	hooks   []hooks
	tally   *Tally
	socket  net.Conn // what was accepted
	conn    net.Conn // the same, or TLS over it
	in      *input
	out     *bufio.Writer
	session oracle.Session
	nth     int
	errors  int
	pending *handshake // TLS was promised, and a lapse goes on in clear until it comes
}

func newDialogue(s *Server, socket net.Conn) *dialogue {
	d := &dialogue{server: s, socket: socket, tally: s.book.open()}
	for _, lapse := range s.receiver.Lapses {
		if lapse.begin != nil {
			d.hooks = append(d.hooks, lapse.begin())
		}
	}
	d.session = oracle.New(s.receiver.Extensions...)
	d.session.Host = s.receiver.Host
	for _, h := range d.hooks {
		d.session.Host = cmp.Or(h.host, d.session.Host)
	}
	d.use(socket, maxSession)
	return d
}

// use goes on over a connection.
func (d *dialogue) use(conn net.Conn, left int64) {
	d.conn = conn
	d.out = bufio.NewWriter(sending{conn})
	d.in = newInput(conn, d.out, d.server.receiver.IdleTimeout, left)
	for _, h := range d.hooks {
		d.in.bareLF = d.in.bareLF || h.bareLF
		d.in.segments = d.in.segments || h.segments
	}
}

// sending is a connection with a deadline for each write.
type sending struct{ conn net.Conn }

func (s sending) Write(p []byte) (int, error) {
	if err := s.conn.SetWriteDeadline(time.Now().Add(writePatience)); err != nil {
		return 0, err
	}
	return s.conn.Write(p)
}

// run leads the session to its end.
func (d *dialogue) run() {
	end := d.open()
	for end == stay {
		end = d.turn()
	}
	d.server.book.close(d.session.State == oracle.StateData)
	if end == reset {
		if socket, ok := d.socket.(interface{ SetLinger(int) error }); ok {
			_ = socket.SetLinger(0) // a close without a reset is the worst that follows
		}
		_ = d.socket.Close() // nobody is there to hear of a failure
		return
	}
	d.leave()
}

// open greets.
func (d *dialogue) open() ending {
	if d.server.receiver.ImplicitTLS {
		if !d.secure(&handshake{}) {
			return leave
		}
		d.session.TLS = true
	}
	early, err := false, error(nil)
	if wait := d.server.receiver.GreetDelay; wait > 0 {
		if _, early, err = d.in.speaks(wait); err != nil {
			return leave
		}
	}
	x := &exchange{verb: Greeting, more: early, before: d.session}
	x.take(d.session.Greet())
	if early {
		d.note(func(t *Tally) { t.EarlyTalk++ })
		x.take(d.session.Step(""))
		x.refused, x.end = true, leave
	}
	return d.carryOut(x)
}

// turn reads one line and answers it.
func (d *dialogue) turn() ending {
	if d.pending != nil {
		if end, done := d.awaitTLS(); done {
			return end
		}
	}
	l, err := d.in.next()
	text := d.session.State == oracle.StateData
	if text {
		d.note(func(t *Tally) { t.TextOctets += l.octets })
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) && !text:
		x := &exchange{verb: "(idle)", before: d.session}
		x.take(d.session.Idle())
		_ = d.carryOut(x) // the session ends, whatever a lapse makes of it
		return leave
	case err != nil:
		return leave
	case text && l.text != ".":
		return stay
	}
	return d.carryOut(d.examine(l))
}

// examine finds out what a strict receiver does about a line.
func (d *dialogue) examine(l line) *exchange {
	d.nth++
	command := smtp.ParseCommand(l.text)
	x := &exchange{verb: command.Verb, line: l.text, nth: d.nth, errors: d.errors, before: d.session}
	switch d.session.State {
	case oracle.StateData:
		x.verb = Dot
	case oracle.StateAuth:
		x.verb = Response
	}
	var told []oracle.Choice
	if l.long {
		told = append(told, oracle.ChoiceLongLine)
	}
	if nowhere(command.Path) {
		told = append(told, oracle.ChoiceRefuseRcpt)
	}
	x.take(x.before.Step(l.text, told...))
	x.more = d.in.ahead() > x.swallow
	x.before.Ahead = x.more
	if d.refusesGroup(x) {
		x.refused = true
		x.take(x.before.Step(l.text, oracle.ChoiceAhead))
	}
	return x
}

// refusesGroup decides whether the octets behind a line are a reason to refuse
// it. Those behind STARTTLS are discarded instead (RFC 3207 section 6), those
// behind QUIT end with the connection, and chunks may follow one another where
// PIPELINING is offered (RFC 3030 section 2).
func (d *dialogue) refusesGroup(x *exchange) bool {
	if !x.more || !strings.Contains("IEHMRBX", string(x.before.State)) {
		return false
	}
	offered := x.before.Offered.Has("PIPELINING")
	refused := !offered || oracle.EndsGroup(x.verb)
	switch x.verb {
	case "STARTTLS", "QUIT":
		refused = false
	case "BDAT":
		refused = !offered
	}
	for _, h := range d.hooks {
		if h.refuses != nil {
			refused = refused && h.refuses(x)
		}
	}
	return refused
}

// nowhere reports a path under .invalid, where no mailbox can be.
func nowhere(path string) bool {
	return strings.HasSuffix(strings.ToLower(path), ".invalid>")
}

// carryOut lets the lapses change an exchange and performs it.
func (d *dialogue) carryOut(x *exchange) ending {
	for _, h := range d.hooks {
		if h.answer != nil {
			h.answer(x)
		}
	}
	return d.perform(x)
}

// perform does what is to be done, in the order of the exchange's fields.
func (d *dialogue) perform(x *exchange) ending {
	d.enter(x)
	if x.swallow > 0 {
		n, err := d.in.swallow(x.swallow)
		d.note(func(t *Tally) { t.ChunkOctets += n })
		if err != nil {
			return leave
		}
	}
	d.session = x.after
	if !pause(d.server.ctx, x.pause) || d.send(x) != nil {
		return leave
	}
	if x.end != stay {
		return x.end
	}
	if x.forget {
		d.in.forget()
	}
	if !pause(d.server.ctx, x.hold) {
		return leave
	}
	if x.after.State == oracle.StateHandshake {
		return d.startTLS(x)
	}
	return stay
}

// send writes the replies. They are kept back only where the client can know
// that they will come together (RFC 2920 section 3.2).
func (d *dialogue) send(x *exchange) error {
	octets := strings.Join(x.replies, "")
	if x.interval > 0 {
		return d.drip(octets, x.interval)
	}
	if _, err := d.out.WriteString(octets); err != nil {
		return err
	}
	for sent := 0; x.flood != "" && sent < floodOctets; sent += len(x.flood) {
		if _, err := d.out.WriteString(x.flood); err != nil {
			return err
		}
	}
	batch := x.verb == "MAIL" || x.verb == "RCPT" || x.verb == "RSET"
	if batch && x.more && x.before.Offered.Has("PIPELINING") && x.hold == 0 && x.end == stay && !x.forget {
		return nil
	}
	return d.out.Flush()
}

// drip writes octet by octet.
func (d *dialogue) drip(octets string, interval time.Duration) error {
	for i := range len(octets) {
		if !pause(d.server.ctx, interval) {
			return d.server.ctx.Err()
		}
		if err := d.out.WriteByte(octets[i]); err != nil {
			return err
		}
		if err := d.out.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// leave closes so that the last reply is not lost: a socket that is closed
// while input is unread resets the connection.
func (d *dialogue) leave() {
	_ = d.out.Flush() // whatever fails here, the connection is closed next
	for _, conn := range []net.Conn{d.conn, d.socket} {
		if half, ok := conn.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite()
		}
	}
	_ = d.socket.SetReadDeadline(time.Now().Add(lingering))
	_, _ = io.CopyN(io.Discard, d.socket, maxSession)
	_ = d.socket.Close()
}

func (d *dialogue) note(enter func(*Tally)) { d.server.book.note(d.tally, enter) }
