package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/probe/lab"
)

// Replies of a SOCKS proxy (RFC 1928 section 6).
const (
	socksGranted    = 0
	socksNotAllowed = 2
	socksRefused    = 5
)

// socks is a SOCKS5 proxy without a password on loopback. It answers every
// request with the reply, and where that grants it, connects to the target.
type socks struct {
	listener net.Listener
	reply    byte
	running  sync.WaitGroup

	mu      sync.Mutex
	targets []string
	sources []string // who connected to the proxy itself
	conns   []net.Conn
}

func startSocks(t *testing.T, reply byte) *socks {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &socks{listener: listener, reply: reply}
	s.running.Go(s.accept)
	t.Cleanup(func() {
		listener.Close()
		s.mu.Lock()
		for _, c := range s.conns {
			c.Close()
		}
		s.mu.Unlock()
		s.running.Wait()
	})
	return s
}

func (s *socks) url() string { return "socks5://" + s.listener.Addr().String() }

func (s *socks) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.targets...)
}

func (s *socks) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.keep(conn)
		s.met(conn.RemoteAddr())
		s.running.Go(func() {
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(time.Minute))
			_ = s.serve(conn) // the client sees what went wrong
		})
	}
}

func (s *socks) keep(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns = append(s.conns, conn)
}

func (s *socks) met(a net.Addr) {
	host, _, _ := net.SplitHostPort(a.String()) // it is an address of TCP
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sources = append(s.sources, host)
}

// from are the addresses that connected to the proxy, each once.
func (s *socks) from() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Compact(slices.Sorted(slices.Values(s.sources)))
}

func (s *socks) serve(conn net.Conn) error {
	target, err := request(conn)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.targets = append(s.targets, target)
	s.mu.Unlock()
	answer := func(reply byte) error {
		_, err := conn.Write([]byte{5, reply, 0, 1, 0, 0, 0, 0, 0, 0})
		return err
	}
	if s.reply != socksGranted {
		return answer(s.reply)
	}
	way, err := net.DialTimeout("tcp", target, 10*time.Second)
	if err != nil {
		return answer(socksRefused)
	}
	defer way.Close()
	s.keep(way)
	if err := answer(socksGranted); err != nil {
		return err
	}
	s.running.Go(func() {
		_, _ = io.Copy(way, conn)
		_ = way.(*net.TCPConn).CloseWrite()
	})
	_, err = io.Copy(conn, way)
	return err
}

// request reads the greeting and the request of RFC 1928 and returns whereto.
func request(conn net.Conn) (string, error) {
	head := make([]byte, 2)
	if _, err := io.ReadFull(conn, head); err != nil {
		return "", err
	}
	if _, err := io.CopyN(io.Discard, conn, int64(head[1])); err != nil {
		return "", err
	}
	if _, err := conn.Write([]byte{5, 0}); err != nil {
		return "", err
	}
	head = make([]byte, 5)
	if _, err := io.ReadFull(conn, head); err != nil {
		return "", err
	}
	sizes := map[byte]int{1: 3, 3: int(head[4]), 4: 15} // of the address, but for the octet that was read
	size, ok := sizes[head[3]]
	if !ok {
		return "", errors.New("no such kind of address")
	}
	rest := make([]byte, size+2)
	if _, err := io.ReadFull(conn, rest); err != nil {
		return "", err
	}
	port := strconv.Itoa(int(binary.BigEndian.Uint16(rest[size:])))
	if head[3] == 3 {
		return net.JoinHostPort(string(rest[:size]), port), nil
	}
	return net.JoinHostPort(net.IP(append([]byte{head[4]}, rest[:size]...)).String(), port), nil
}

func TestProxy(t *testing.T) {
	t.Parallel()
	server := receiver(t)
	port := portOf(t, server.Addr())
	ns := zone(t, lab.Zone{Records: "shop.example. MX 10 mx.shop.example.\nmx.shop.example. A 127.0.0.1"})
	flags := func(s *socks, target string) []string {
		return []string{"--proxy", s.url(), "--resolver", ns, "--allow-private", "--port", port, target}
	}
	t.Run("goes through", func(t *testing.T) {
		s := startSocks(t, socksGranted)
		d := probed(t, exitRan, flags(s, "shop.example")...)
		equal(t, "receivers", d.statuses(), []string{"127.0.0.1 ok"})
		if got := len(s.asked()); got != d.Receivers[0].Sessions {
			t.Errorf("the proxy was asked for %d connections, want one for each of the %d sessions", got, d.Receivers[0].Sessions)
		}
		for _, target := range s.asked() {
			if target != "127.0.0.1:"+port {
				t.Errorf("the proxy was asked for %s, want 127.0.0.1:%s", target, port)
			}
		}
	})
	t.Run("is connected to from the source", func(t *testing.T) {
		s := startSocks(t, socksGranted)
		probed(t, exitRan, append(flags(s, "shop.example"), "--source", house(9))...)
		equal(t, "sources", s.from(), []string{house(9)})
	})
	t.Run("a host is the proxy's to look up", func(t *testing.T) {
		s := startSocks(t, socksGranted)
		d := probed(t, exitRan, append(flags(s, "localhost:"+port), "--domain", "shop.example")...)
		if len(d.Receivers) != 1 || d.Receivers[0].Status != "ok" || d.Receivers[0].Recipient != "postmaster@shop.example" {
			t.Errorf("got the receivers %+v, want one that is ok", d.Receivers)
		}
	})
	for _, c := range []struct {
		name  string
		reply byte
	}{{"does not allow it", socksNotAllowed}, {"is refused by the receiver", socksRefused}} {
		t.Run(c.name, func(t *testing.T) {
			s := startSocks(t, c.reply)
			r := call(t, append(flags(s, "shop.example"), "--format", "json", "--pace", "0", "--ehlo", "probe.example")...)
			if r.code != exitNothing {
				t.Errorf("got exit code %d, want %d", r.code, exitNothing)
			}
			d := r.document(t)
			if len(d.Receivers) != 1 || d.Receivers[0].Status == "ok" || d.Receivers[0].Reason == "" {
				t.Errorf("got the receivers %+v, want one that says why it could not be reached", d.Receivers)
			}
			if err := oneLine(r.err, fmt.Sprintf("proxy.*%s", s.listener.Addr())); c.reply == socksNotAllowed && err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("is no proxy", func(t *testing.T) {
		s := &socks{listener: fakeListener{server.Addr()}}
		d := probed(t, exitNothing, append(flags(s, "shop.example"), "--reply-timeout", "1s", "--timeout", "5s")...)
		if len(d.Receivers) != 1 || d.Receivers[0].Status == "ok" {
			t.Errorf("got the receivers %q, want one that could not be reached", d.statuses())
		}
	})
}

// fakeListener only has the address of another server.
type fakeListener struct{ address string }

func (f fakeListener) Accept() (net.Conn, error) { return nil, net.ErrClosed }
func (f fakeListener) Close() error              { return nil }
func (f fakeListener) Addr() net.Addr {
	addr, _ := net.ResolveTCPAddr("tcp", f.address)
	return addr
}
