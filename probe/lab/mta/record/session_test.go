package main

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

// serve answers one connection: the greeting, then each line by its verb, until an answer is
// a 354 or has no line end. It returns what came after a 354 and how the connection ended.
func serve(t *testing.T, answers map[string]string) (address string, rest func() (string, error)) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	type ending struct {
		rest string
		err  error
	}
	ended := make(chan ending, 1)
	go func() {
		defer listener.Close()
		conn, err := listener.Accept()
		if err != nil {
			ended <- ending{err: err}
			return
		}
		defer conn.Close()
		if err = conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
			ended <- ending{err: err}
			return
		}
		if _, err = io.WriteString(conn, "220 mx.example.org\r\n"); err != nil {
			ended <- ending{err: err}
			return
		}
		in := bufio.NewReader(conn)
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				ended <- ending{line, err}
				return
			}
			verb, _, _ := strings.Cut(strings.TrimSpace(line), " ")
			answer := answers[verb]
			if _, err = io.WriteString(conn, answer); err != nil || !strings.HasSuffix(answer, "\n") {
				ended <- ending{err: err}
				return
			}
			if strings.HasPrefix(answer, "354") {
				octets, err := io.ReadAll(in)
				ended <- ending{string(octets), err}
				return
			}
		}
	}()
	return listener.Addr().String(), func() (string, error) {
		e := <-ended
		return e.rest, e.err
	}
}

func TestNothingFollowsA354(t *testing.T) {
	address, rest := serve(t, map[string]string{
		"EHLO": "250-mx.example.org\r\n250 HELP\r\n",
		"MAIL": "250 ok\r\n",
		"DATA": "354 go on\r\n",
	})
	r := &recording{address: address}
	r.start().say(mail, "DATA", "RSET").leave()
	octets, err := rest()
	if octets != "" {
		t.Errorf("after the 354 got %q, want nothing", octets)
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the connection ended with %v, want a reset", err)
	}
	if got := r.text.String(); !strings.HasSuffix(got, "S: 354 go on\\r\\n\n-- 354: nothing is written, the connection is reset\n") {
		t.Errorf("got recording\n%s", got)
	}
}

func TestRecordingIsReadableAndStable(t *testing.T) {
	address, rest := serve(t, map[string]string{
		"NOOP": "250 a\\b\x07\xff, Mon, 23 Nov 2026 17:58:39 +0000\r\n",
		"QUIT": "22", // and no line end
	})
	r := &recording{address: address}
	r.greeted().say("NOOP").leave()
	if _, err := rest(); err != nil {
		t.Error(err)
	}
	want := `
-- connected
S: 220 mx.example.org\r\n
C: NOOP\r\n
S: 250 a\\b\x07\xFF, Thu, 01 Jan 1970 00:00:00 +0000\r\n
C: QUIT\r\n
S: 22
-- closed by the receiver
`
	if got := r.text.String(); got != want {
		t.Errorf("got recording\n%s\nwant\n%s", got, want)
	}
}
