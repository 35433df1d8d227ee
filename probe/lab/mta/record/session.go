package main

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
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
	brokenWindow  = 10 * time.Second
	closeWindow   = 5 * time.Second
	listenWindow  = 2 * time.Second
	briefWindow   = time.Second
	gap           = 500 * time.Millisecond
	drainWindow   = 300 * time.Millisecond
	afterQuit     = 200 * time.Millisecond
	hangUpWindow  = 100 * time.Millisecond
)

// recording is the text of one section while it is written.
type recording struct {
	host    string // the name that TLS is told
	address string
	facts
	text strings.Builder
	err  error // the receiver could not be reached, or the contract forbids, so that this is no recording
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
	may  contract

	refused bool // by the last reply
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
	if err := s.may.allow(raw); err != nil {
		s.r.err = err
		s.end("not written: " + err.Error())
		return
	}
	if s.hangsUp(); s.over {
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
// called quiet. A 354 ends the session, asked for or not.
func (s *session) line(wait time.Duration, quiet string) string {
	if s.over {
		return ""
	}
	if err := s.conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
		s.end("deadline: " + err.Error())
		return ""
	}
	raw, err := s.in.ReadSlice('\n')
	line := string(raw)
	if line != "" {
		s.r.note("S: %s", escape(stable(line)))
	}
	switch {
	case strings.HasPrefix(line, "354"):
		s.abort("354: nothing is written, the connection is reset")
	case err == nil:
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.r.note("-- %s", quiet)
		return ""
	default:
		s.end(reason(err))
		return ""
	}
	return line
}

// reply reads one reply and gives its code and lines, or 0.
func (s *session) reply(wait time.Duration) (code int, lines []string) {
	for {
		line := s.line(wait, fmt.Sprintf("no reply within %s", wait))
		if line == "" {
			return 0, lines
		}
		lines = append(lines, line)
		text := strings.TrimRight(line, "\r\n")
		if len(text) < 3 {
			s.end("malformed reply")
			return 0, lines
		}
		if len(text) > 3 && text[3] == '-' {
			continue
		}
		code, err := strconv.Atoi(text[:3])
		if err != nil {
			s.end("malformed reply")
			return 0, lines
		}
		s.refused = code >= 400
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
	code, lines = s.reply(replyWait)
	s.may.heard(line, code)
	return code, lines
}

// raw is one write of octets that no command stands for, and then so many replies.
func (s *session) raw(octets string, replies int) (codes []int) {
	s.write(octets)
	for range replies {
		code, _ := s.reply(replyWait)
		if code == 0 {
			break
		}
		codes = append(codes, code)
	}
	return codes
}

// group writes several lines at once, reads as many replies, then drains.
func (s *session) group(lines ...string) (codes []int) {
	codes = s.raw(strings.Join(lines, "\r\n")+"\r\n", len(lines))
	for i, code := range codes {
		s.may.heard(lines[i], code)
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

// leave says QUIT and waits for the end of the connection, unless the session is over.
func (s *session) leave() {
	if s.over {
		return
	}
	s.command("QUIT")
	s.line(closeWindow, fmt.Sprintf("still open after %s", closeWindow))
	s.end("closed by the probe")
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

// hangsUp notes the end of a connection that the receiver closes behind a refusal. Without
// it the next line would cross that end, with a reset in one recording and none in the next.
// Inside TLS it cannot be seen without reading.
func (s *session) hangsUp() {
	if !s.refused || s.conn != net.Conn(s.tcp) {
		return
	}
	for begun := time.Now(); time.Since(begun) < hangUpWindow; time.Sleep(5 * time.Millisecond) {
		if waiting, ended := s.peek(); ended {
			s.line(hangUpWindow, "still open")
			return
		} else if waiting {
			return
		}
	}
}

// peek says whether octets are waiting on the socket, or its end, without taking them.
func (s *session) peek() (waiting, ended bool) {
	if s.over {
		return false, false
	}
	raw, err := s.tcp.SyscallConn()
	if err != nil {
		return false, false
	}
	var n int
	var failed error
	if err := raw.Control(func(fd uintptr) {
		n, _, failed = syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	}); err != nil {
		return false, false
	}
	return n > 0, n == 0 && failed == nil || errors.Is(failed, syscall.ECONNRESET)
}
