package lab_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smtpprobe/smtpprobe/probe/lab"
)

// pair returns both ends of a connection in memory.
func pair(t *testing.T) (client, server net.Conn) {
	t.Helper()
	memory := lab.NewMemory()
	client, err := memory.DialContext(t.Context(), "tcp", "192.0.2.1:2525")
	if err != nil {
		t.Fatal(err)
	}
	server, err = memory.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _, _ = client.Close(), server.Close(), memory.Close() })
	return client, server
}

func TestMemoryBothSidesMayWriteFirst(t *testing.T) {
	client, server := pair(t)
	for _, conn := range []net.Conn{client, server} {
		if n, err := conn.Write([]byte("hello")); n != 5 || err != nil {
			t.Fatalf("got %d and %v, want 5 octets written without a reader", n, err)
		}
	}
	for _, conn := range []net.Conn{client, server} {
		got := make([]byte, 5)
		if _, err := io.ReadFull(conn, got); err != nil || string(got) != "hello" {
			t.Errorf("got %q and %v, want hello", got, err)
		}
	}
}

func TestMemoryAddresses(t *testing.T) {
	tests := []struct{ dialled, remote, localIP string }{
		{"192.0.2.1:2525", "192.0.2.1:2525", "127.0.0.1"},
		{"[2001:db8::1]:25", "[2001:db8::1]:25", "::1"},
		{"mx1.example.com:25", "127.0.0.1:25", "127.0.0.1"},
	}
	for _, tt := range tests {
		t.Run(tt.dialled, func(t *testing.T) {
			memory := lab.NewMemory()
			defer func() { _ = memory.Close() }()
			client, err := memory.DialContext(t.Context(), "tcp", tt.dialled)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = client.Close() }()
			server, err := memory.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = server.Close() }()
			if got := client.RemoteAddr().String(); got != tt.remote || server.LocalAddr().String() != got {
				t.Errorf("got remote %s and %s, want %s", got, server.LocalAddr(), tt.remote)
			}
			local, ok := client.LocalAddr().(*net.TCPAddr)
			if !ok || local.IP.String() != tt.localIP || server.RemoteAddr().String() != local.String() {
				t.Errorf("got local %v and %v, want %s", client.LocalAddr(), server.RemoteAddr(), tt.localIP)
			}
		})
	}
}

func TestMemoryEnds(t *testing.T) {
	type ends struct{ client, server net.Conn }
	read := func(e ends) error { _, err := e.client.Read(make([]byte, 8)); return err }
	write := func(e ends) error { _, err := e.client.Write([]byte("x")); return err }
	past, never := time.Unix(1, 0), time.Time{}
	tests := []struct {
		name string
		do   func(ends) error
		try  func(ends) error
		want error
	}{
		{"read after the peer closed", func(e ends) error { return e.server.Close() }, read, io.EOF},
		{"read after the peer's half-close", func(e ends) error { return closeWrite(e.server) }, read, io.EOF},
		{"write after the peer's half-close", func(e ends) error { return closeWrite(e.server) }, write, nil},
		{"write after the own half-close", func(e ends) error { return closeWrite(e.client) }, write, syscall.EPIPE},
		{"write after the peer closed", func(e ends) error { return e.server.Close() }, write, syscall.EPIPE},
		{"read after the own close", func(e ends) error { return e.client.Close() }, read, net.ErrClosed},
		{"write after the own close", func(e ends) error { return e.client.Close() }, write, net.ErrClosed},
		{"write after a half-close and a close", func(e ends) error { return errors.Join(closeWrite(e.client), e.client.Close()) }, write, net.ErrClosed},
		{"read after the peer's reset", func(e ends) error { return errors.Join(write(ends{client: e.server}), abort(e.server)) }, read, syscall.ECONNRESET},
		{"write after the peer's reset", func(e ends) error { return abort(e.server) }, write, syscall.ECONNRESET},
		{"read past the deadline", func(e ends) error { return e.client.SetReadDeadline(past) }, read, os.ErrDeadlineExceeded},
		{"write past the deadline", func(e ends) error { return e.client.SetDeadline(past) }, write, os.ErrDeadlineExceeded},
		{"write after the deadline was lifted", func(e ends) error { return errors.Join(e.client.SetDeadline(past), e.client.SetDeadline(never)) }, write, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client, server := pair(t)
			must(t, tt.do(ends{client, server}))
			if err := tt.try(ends{client, server}); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func closeWrite(c net.Conn) error { return c.(interface{ CloseWrite() error }).CloseWrite() }

func abort(c net.Conn) error {
	return errors.Join(c.(interface{ SetLinger(int) error }).SetLinger(0), c.Close())
}

func TestMemoryReadsWhatWasWrittenBeforeTheClose(t *testing.T) {
	client, server := pair(t)
	if _, err := server.Write([]byte("221 Bye\r\n")); err != nil {
		t.Fatal(err)
	}
	must(t, server.Close())
	if got, err := io.ReadAll(client); err != nil || string(got) != "221 Bye\r\n" {
		t.Errorf("got %q and %v, want all that was written", got, err)
	}
}

// TestMemoryWaits needs a clock that stands still while nothing can happen.
func TestMemoryWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := pair(t)
		begun := time.Now()
		must(t, client.SetReadDeadline(begun.Add(time.Minute)))
		if _, err := client.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begun) != time.Minute {
			t.Errorf("got %v after %v, want the deadline after a minute", err, time.Since(begun))
		}
		var timeout net.Error
		if _, err := client.Read(make([]byte, 1)); !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("got %v, want a timeout", err)
		}
		// A writer that nobody reads from waits as soon as the buffer is full.
		begun = time.Now()
		must(t, client.SetWriteDeadline(begun.Add(time.Minute)))
		n, err := client.Write(make([]byte, 1<<20))
		if n == 0 || n == 1<<20 || !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begun) != time.Minute {
			t.Errorf("got %d octets and %v after %v, want a part of them and the deadline", n, err, time.Since(begun))
		}
		// A second writer waits for the first, and a reader frees both.
		must(t, client.SetWriteDeadline(time.Time{}))
		for _, octet := range []byte{'a', 'b'} {
			go func() { _, _ = client.Write(bytes.Repeat([]byte{octet}, 1<<17)) }() // the reader counts
		}
		synctest.Wait()
		got := make([]byte, n+1<<18)
		if _, err := io.ReadFull(server, got); err != nil {
			t.Fatal(err)
		}
		if changes := countChanges(got[n:]); changes != 1 {
			t.Errorf("got %d changes between two writers, want 1", changes)
		}
		// A deadline that is moved counts from then on, also for who waits already.
		begun = time.Now()
		must(t, client.SetReadDeadline(begun.Add(time.Hour)))
		go func() {
			time.Sleep(time.Second)
			_ = client.SetReadDeadline(time.Now().Add(time.Second)) // the reader sees to it
		}()
		if _, err := client.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begun) != 2*time.Second {
			t.Errorf("got %v after %v, want the new deadline after 2s", err, time.Since(begun))
		}
	})
}

func countChanges(octets []byte) int {
	n := 0
	for i := 1; i < len(octets); i++ {
		if octets[i] != octets[i-1] {
			n++
		}
	}
	return n
}

func TestMemoryListenerCloses(t *testing.T) {
	memory := lab.NewMemory()
	waiting, err := memory.DialContext(t.Context(), "tcp", "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = waiting.Close() }()
	must(t, errors.Join(memory.Close(), memory.Close()))
	if _, err := waiting.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("got %v for a connection nobody accepted, want EOF", err)
	}
	if _, err := memory.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v, want %v", err, net.ErrClosed)
	}
	if _, err := memory.DialContext(t.Context(), "tcp", ""); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v, want %v", err, syscall.ECONNREFUSED)
	}
}

func TestMemoryDialRefuses(t *testing.T) {
	memory := lab.NewMemory()
	defer func() { _ = memory.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := memory.DialContext(ctx, "tcp", ""); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	for {
		conn, err := memory.DialContext(t.Context(), "tcp", "")
		if err != nil {
			if !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("got %v with a full backlog, want %v", err, syscall.ECONNREFUSED)
			}
			return
		}
		defer func() { _ = conn.Close() }()
	}
}

// TestMemoryCarriesTLS moves more than the buffers hold, in both directions at
// once.
func TestMemoryCarriesTLS(t *testing.T) {
	const commands = 30000
	memory := lab.NewMemory()
	server, err := lab.Receiver{ImplicitTLS: true, GreetDelay: lab.NoGreetDelay, Lapses: one(lab.AcceptGroups())}.Serve(memory)
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, server)
	raw, err := memory.DialContext(t.Context(), "tcp", "")
	if err != nil {
		t.Fatal(err)
	}
	conn := tls.Client(raw, &tls.Config{InsecureSkipVerify: true})
	must(t, conn.SetDeadline(time.Now().Add(patience)))
	var writing sync.WaitGroup
	writing.Go(func() {
		if n, bad := io.WriteString(conn, strings.Repeat("RSET\r\n", commands)); bad != nil {
			t.Errorf("got %v after %d octets, want all commands written", bad, n)
		}
		_ = conn.CloseWrite() // what is missing then shows in the replies
	})
	replies, err := io.ReadAll(conn)
	if got := strings.Count(string(replies), "250 2.0.0 OK\r\n"); got != commands || err != nil {
		t.Errorf("got %d replies and %v, want %d", got, err, commands)
	}
	writing.Wait()
	must(t, conn.Close())
}
