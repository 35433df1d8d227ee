package main

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// The waiting times of the exchanges. The first three are bounds for a receiver that does
// not answer; the others are windows in which silence is what is looked for.
const (
	greetingWait  = 60 * time.Second
	replyWait     = 30 * time.Second
	handshakeWait = 15 * time.Second
	closeWindow   = 5 * time.Second
	listenWindow  = 2 * time.Second
	drainWindow   = 300 * time.Millisecond
)

// recording is the text of one file while it is written.
type recording struct {
	host    string // the name that TLS is told
	address string
	offered map[string]bool // keywords of the receiver's EHLO reply in clear
	text    strings.Builder
	err     error // the receiver could not be reached, so that this is no recording
}

func (r *recording) note(format string, args ...any) {
	fmt.Fprintf(&r.text, format+"\n", args...)
}

// session is one connection. When over, nothing more is written or read, so that an
// exchange can be written down as a straight line.
type session struct {
	r    *recording
	tcp  *net.TCPConn
	conn net.Conn // tcp, or TLS over it
	in   *bufio.Reader
	over bool
}

// dial opens a connection and notes nothing.
func (r *recording) dial() *session {
	conn, err := net.DialTimeout("tcp", r.address, handshakeWait)
	if err != nil {
		r.err = err
		return &session{r: r, over: true}
	}
	tcp := conn.(*net.TCPConn)
	return &session{r: r, tcp: tcp, conn: tcp, in: bufio.NewReaderSize(tcp, 1<<16)}
}

func (r *recording) connect() *session {
	s := r.dial()
	r.note("\n-- connected")
	return s
}

// write is one write of raw octets.
func (s *session) write(raw string) {
	if s.over {
		return
	}
	s.r.note("C: %s", escape(raw))
	if err := s.conn.SetWriteDeadline(time.Now().Add(replyWait)); err != nil {
		s.end("deadline: " + err.Error())
		return
	}
	if _, err := io.WriteString(s.conn, raw); err != nil {
		s.end("write failed: " + reason(err))
	}
}

// line reads one line. An empty one means that none came; the note says why, a timeout being
// called quiet.
func (s *session) line(wait time.Duration, quiet string) string {
	if s.over {
		return ""
	}
	if err := s.conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
		s.end("deadline: " + err.Error())
		return ""
	}
	raw, err := s.in.ReadSlice('\n')
	if len(raw) > 0 {
		s.r.note("S: %s", escape(date.ReplaceAllString(string(raw), fixedDate)))
	}
	switch {
	case err == nil:
		return string(raw)
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.r.note("-- %s", quiet)
	default:
		s.end(reason(err))
	}
	return ""
}

// reply reads one reply and gives its code and lines, or 0.
func (s *session) reply(wait time.Duration) (code int, lines []string) {
	for {
		line := s.line(wait, fmt.Sprintf("no reply within %s", wait))
		if line == "" {
			return 0, lines
		}
		lines = append(lines, line)
		if len(line) < 5 {
			s.end("malformed reply")
			return 0, lines
		}
		if line[3] == '-' {
			continue
		}
		if _, err := fmt.Sscanf(line[:3], "%d", &code); err != nil {
			s.end("malformed reply")
			return 0, lines
		}
		if code == 354 {
			s.abort("354: nothing is written, the connection is reset")
		}
		return code, lines
	}
}

// drain looks for lines that nobody asked for, until the window passes without one.
func (s *session) drain(window time.Duration) (surplus int) {
	for s.line(window, fmt.Sprintf("nothing more for %s", window)) != "" {
		surplus++
	}
	return surplus
}

func (s *session) greeting() int {
	code, _ := s.reply(greetingWait)
	return code
}

// command writes one line and reads one reply.
func (s *session) command(line string) (code int, lines []string) {
	s.write(line + "\r\n")
	return s.reply(replyWait)
}

// group writes several lines at once, reads as many replies, then drains.
func (s *session) group(lines ...string) (codes []int) {
	s.write(strings.Join(lines, "\r\n") + "\r\n")
	for range lines {
		code, _ := s.reply(replyWait)
		if code == 0 {
			break
		}
		codes = append(codes, code)
	}
	s.drain(drainWindow)
	return codes
}

// handshake goes on in TLS. Any version and any certificate will do.
func (s *session) handshake() {
	if s.over {
		return
	}
	if n := s.in.Buffered(); n > 0 {
		s.r.note("-- %d octets came in clear behind the 220 and are left aside", n)
	}
	conn := tls.Client(s.tcp, &tls.Config{
		ServerName:         s.r.host,
		MinVersion:         tls.VersionTLS10,
		InsecureSkipVerify: true, // Opportunistic, as between mail servers.
	})
	if err := conn.SetDeadline(time.Now().Add(handshakeWait)); err != nil {
		s.end("deadline: " + err.Error())
		return
	}
	if err := conn.Handshake(); err != nil {
		s.end("TLS handshake failed: " + reason(err))
		return
	}
	s.r.note("-- TLS handshake done, %s", tls.VersionName(conn.ConnectionState().Version))
	s.conn = conn
	s.in = bufio.NewReaderSize(conn, 1<<16)
}

// quit says QUIT and waits for the end of the connection.
func (s *session) quit() {
	s.command("QUIT")
	s.line(closeWindow, fmt.Sprintf("still open after %s", closeWindow))
	s.end("closed by the probe")
}

// leave is quit, or nothing where the session is over already.
func (s *session) leave() {
	if !s.over {
		s.quit()
	}
}

// end notes why and closes; later calls do nothing.
func (s *session) end(why string) {
	if s.over {
		return
	}
	s.over = true
	s.r.note("-- %s", why)
	_ = s.tcp.Close() // Nothing is lost with its error.
}

// abort resets the connection: nothing that is buffered is sent, inside TLS no close_notify.
func (s *session) abort(why string) {
	if err := s.tcp.SetLinger(0); err != nil {
		why += " (" + err.Error() + ")"
	}
	s.end(why)
}

// readable says whether octets are waiting on the socket, without taking them.
func (s *session) readable() bool {
	if s.over {
		return false
	}
	raw, err := s.tcp.SyscallConn()
	if err != nil {
		return false
	}
	n := 0
	if err := raw.Control(func(fd uintptr) {
		n, _, _ = syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	}); err != nil {
		return false
	}
	return n > 0
}

// reason says how a connection failed without addresses and ports, which change every time.
func reason(err error) string {
	var op *net.OpError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "closed by the receiver"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "reset by the receiver"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "timed out"
	case errors.As(err, &op):
		return op.Op + ": " + op.Err.Error()
	}
	return err.Error()
}

// date is the one thing in a banner that changes; it is replaced by one of the same form.
var date = regexp.MustCompile(`[A-Z][a-z]{2}, [ 0-9]?[0-9] [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} [+-][0-9]{4}`)

const fixedDate = "Thu, 01 Jan 1970 00:00:00 +0000"

func escape(raw string) string {
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c == '\\':
			b.WriteString(`\\`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\n':
			b.WriteString(`\n`)
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\x%02X`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
