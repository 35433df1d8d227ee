package lab

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

// Bounds on what one client may send.
const (
	maxLine    = 16 << 10 // octets of a line, its end included, before it is too long
	maxSession = 64 << 20 // octets of a session, after which it is cut off
)

var errTooMuch = errors.New("the client sent more than a session may have")

// input reads what a client sends and knows what it has received ahead.
type input struct {
	conn     net.Conn
	reader   *bufio.Reader
	pending  *bufio.Writer // replies that must not wait any longer once more input is awaited
	patience time.Duration // for each read
	left     int64         // octets that may still come
	bareLF   bool          // a lone LF ends a line too
	segments bool          // so does the end of a segment
}

func newInput(conn net.Conn, pending *bufio.Writer, patience time.Duration, left int64) *input {
	in := &input{conn: conn, pending: pending, patience: patience, left: left}
	in.reader = bufio.NewReaderSize(receiving{in}, maxLine)
	return in
}

// receiving is the connection with the deadline, the bound, and the rule that
// all replies are sent when the input is empty (RFC 2920 section 3.2(7)).
type receiving struct{ in *input }

func (r receiving) Read(p []byte) (int, error) {
	if r.in.left <= 0 {
		return 0, errTooMuch
	}
	if err := r.in.pending.Flush(); err != nil {
		return 0, err
	}
	if err := r.in.conn.SetReadDeadline(time.Now().Add(r.in.patience)); err != nil {
		return 0, err
	}
	n, err := r.in.conn.Read(p[:min(int64(len(p)), r.in.left)])
	r.in.left -= int64(n)
	return n, err
}

// line is one line as it was received.
type line struct {
	text   string // without its end; of a line that is too long, its beginning
	octets int64  // with its end
	long   bool   // longer than maxLine
}

// next reads a line up to CR LF, the only line end there is (RFC 5321 section
// 2.3.8). An error comes with what had been received of the line.
func (in *input) next() (line, error) {
	if l, ok := in.segment(); ok {
		return l, nil
	}
	var kept []byte
	var octets int64
	var before byte // the octet before the part
	for {
		part, err := in.reader.ReadSlice('\n')
		octets += int64(len(part))
		kept = append(kept, part[:min(maxLine-len(kept), len(part))]...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case err != nil:
			return line{text: string(kept), octets: octets}, err
		case in.bareLF || crlf(before, part):
			return finished(kept, octets), nil
		}
		before = part[len(part)-1]
	}
}

// segment takes a segment without a line end for a line, where that is wanted.
func (in *input) segment() (line, bool) {
	if !in.segments {
		return line{}, false
	}
	if _, err := in.reader.Peek(1); err != nil {
		return line{}, false
	}
	octets, _ := in.reader.Peek(in.reader.Buffered()) // what is buffered can be peeked at
	if strings.Contains(string(octets), "\n") {
		return line{}, false
	}
	in.forget()
	return line{text: strings.TrimSuffix(string(octets), "\r"), octets: int64(len(octets))}, true
}

// crlf reports whether a part that ends in LF ends in CR LF.
func crlf(before byte, part []byte) bool {
	if n := len(part); n > 1 {
		before = part[n-2]
	}
	return before == '\r'
}

func finished(kept []byte, octets int64) line {
	if octets > maxLine {
		return line{text: string(kept), octets: octets, long: true}
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(kept), "\n"), "\r")
	return line{text: text, octets: octets}
}

// ahead is the number of octets that have been received and not read.
func (in *input) ahead() int64 { return int64(in.reader.Buffered()) }

// forget throws away what has been received and not read, and returns it.
func (in *input) forget() []byte {
	octets, _ := in.reader.Peek(in.reader.Buffered()) // what is buffered can be peeked at
	octets = append([]byte(nil), octets...)
	_, _ = in.reader.Discard(len(octets))
	return octets
}

// swallow reads n octets and throws them away.
func (in *input) swallow(n int64) (int64, error) {
	return io.CopyN(io.Discard, in.reader, n)
}

// speaks waits at most so long for the client's first octet, and returns it.
func (in *input) speaks(wait time.Duration) (first byte, spoke bool, err error) {
	usual := in.patience
	in.patience = wait
	defer func() { in.patience = usual }()
	octets, err := in.reader.Peek(1)
	if len(octets) > 0 {
		return octets[0], true, nil
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil
	}
	return 0, false, err
}
