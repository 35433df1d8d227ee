package main

import (
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe/lab"
)

// misbehaves listens, and does with each connection what serve does, until the
// end of the test.
func misbehaves(t *testing.T, serve func(*net.TCPConn)) string {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.AcceptTCP()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		serving.Wait()
	})
	return l.Addr().String()
}

// TestWeather has one receiver fail by the path to it: alone, nothing could be
// measured; beside a good one, that is measured as if it were alone.
func TestWeather(t *testing.T) {
	t.Parallel()
	closed := misbehaves(t, func(*net.TCPConn) {})
	unheard, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}) // never accepts: the system does
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unheard.Close() })
	nobody, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	nobody.Close()
	good := receiver(t)
	for _, c := range []struct{ name, address, status string }{
		{"refuses", nobody.Addr().String(), "refused"},
		{"never accepts", unheard.Addr().String(), "timed-out"},
		{"accepts and says nothing", misbehaves(t, func(c *net.TCPConn) { io.Copy(io.Discard, c) }), "timed-out"}, //nolint:errcheck // it ends with the connection
		{"closes", closed, "blocked"},
		// A reset on the heels of the handshake may look to the system like a refusal.
		{"resets", misbehaves(t, func(c *net.TCPConn) { c.SetLinger(0) }), "blocked or refused"}, //nolint:errcheck // it may have gone
		{"resets behind the greeting", misbehaves(t, func(c *net.TCPConn) {
			io.WriteString(c, "220 mx.example ESMTP\r\n") //nolint:errcheck // it may have gone
			c.Read(make([]byte, 1))                       //nolint:errcheck // likewise
			c.SetLinger(0)                                //nolint:errcheck // likewise
		}), "blocked"},
		{"stops in the middle of the greeting", misbehaves(t, func(c *net.TCPConn) { io.WriteString(c, "220 mx") }), "not-smtp"}, //nolint:errcheck // it may have gone
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			args := []string{"--resolver", nowhere, "--reply-timeout", "1s", "--timeout", "5s", c.address}
			alone := probed(t, exitNothing, args...)
			if got := alone.Receivers; len(got) != 1 || !strings.Contains(c.status, got[0].Status) {
				t.Errorf("got %v, want one that is %s", alone.statuses(), c.status)
			}
			d := probed(t, exitRan, append(args, good.Addr())...)
			if got := d.Receivers; len(got) != 2 || !strings.Contains(c.status, got[0].Status) || got[1].Status != "ok" {
				t.Fatalf("got %v, want one that is %s, and one that is ok", d.statuses(), c.status)
			}
			verdicts := []string{d.Receivers[0].Results[0].Verdict, d.Receivers[1].Results[0].Verdict}
			equal(t, "verdicts", verdicts, []string{"inconclusive", "strict"})
			if d.Receivers[0].Reason == "" || d.Receivers[0].Results[0].Reason == "" {
				t.Error("got no reason, want one")
			}
		})
	}
}

// dying answers a number of queries, and goes.
func dying(t *testing.T, records string, answers int32) *lab.ZoneServer {
	t.Helper()
	var asked atomic.Int32
	enough := make(chan struct{})
	server, err := lab.StartZone("127.0.0.1:0", lab.Zone{Records: records, OnQuery: func(lab.ZoneQuery) {
		if asked.Add(1) == answers {
			close(enough)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	var closing sync.WaitGroup
	closing.Go(func() {
		<-enough
		server.Close()
	})
	t.Cleanup(func() {
		if asked.Load() < answers {
			close(enough)
		}
		closing.Wait()
	})
	return server
}

// TestNameserverDies half way through a probe: each domain has its row, what was
// found is measured, and what was not says so.
func TestNameserverDies(t *testing.T) {
	t.Parallel()
	w := newTown(t, 6, 6, nil)
	var domains []string
	for i := range 6 {
		domains = append(domains, fmt.Sprintf("d%d.example", i))
	}
	for _, answers := range []int32{1, 4, 9} {
		t.Run(fmt.Sprint(answers), func(t *testing.T) {
			t.Parallel()
			ns := dying(t, w.records, answers)
			r := call(t, append([]string{
				"--format", "json", "--pace", "0", "--check", "rcpt-before-mail", "--ehlo", "probe.example", "--allow-private",
				"--resolver", ns.Addr(), "--port", w.port,
			}, domains...)...)
			d := r.document(t)
			if len(d.Domains) != len(domains) {
				t.Errorf("got the domains %q, want a row for each of %q", d.domains(), domains)
			}
			ok := 0
			for _, row := range d.Domains {
				switch {
				case row.Status == "ok":
					ok++
				case row.Reason == "":
					t.Errorf("%s: got %s without a reason", row.Domain, row.Status)
				case row.Status != "dns-error":
					t.Errorf("%s: got %s (%s), want ok or dns-error: the domain is there", row.Domain, row.Status, row.Reason)
				}
			}
			want := exitRan
			if len(d.Receivers) == 0 {
				want = exitNothing
			}
			if r.code != want || len(d.Receivers) != ok {
				t.Errorf("got exit code %d with %d domains found and %d receivers, want %d", r.code, ok, len(d.Receivers), want)
			}
			for _, row := range d.Receivers {
				if row.Status != "ok" || row.Results[0].Verdict != "strict" {
					t.Errorf("%s: got %s, %s, want ok and strict", row.Address, row.Status, row.Results[0].Verdict)
				}
			}
		})
	}
}

// TestNameserverDiesInAScan: it ends, says so, and goes on with another one to the
// same end that it would have come to. No domain that is there is said not to be.
func TestNameserverDiesInAScan(t *testing.T) {
	t.Parallel()
	w := newTown(t, 120, 6, nil)
	undisturbed := readRows(t, call(t, w.args(w.list)...).out)
	for _, answers := range []int32{2, 60, 130} {
		t.Run(fmt.Sprint(answers), func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "out.ndjson")
			args := w.args("-o", file, w.list)
			gone := slices.Clone(args)
			gone[2] = dying(t, w.records, answers).Addr()
			r := callAlone(t, gone...)
			if r.code != exitNothing || !strings.Contains(r.err, "no nameserver is there") {
				t.Errorf("got exit code %d and %q, want 3 and that the nameserver is gone", r.code, r.err)
			}
			if r = callAlone(t, args...); r.code != exitRan {
				t.Fatalf("with a nameserver: got exit code %d: %s", r.code, r.err)
			}
			got := fileRows(t, file)
			got.whole(t)
			equal(t, "domains", got.domains, undisturbed.domains)
			equal(t, "receivers", got.receivers, undisturbed.receivers)
		})
	}
}

// TestEverySecondSessionIsTurnedAway: rows and verdicts are those of a receiver
// that serves all, or nothing is known, and the exit code says which.
func TestEverySecondSessionIsTurnedAway(t *testing.T) {
	t.Parallel()
	behind := receiver(t)
	var n atomic.Int32
	moody := misbehaves(t, func(c *net.TCPConn) {
		if n.Add(1)%2 == 0 {
			io.WriteString(c, "421 4.7.0 Too many connections\r\n") //nolint:errcheck // it may have gone
			return
		}
		through(t, c, behind.Addr())
	})
	d := probed(t, exitRan, "--resolver", nowhere, moody)
	equal(t, "receivers", d.statuses(), []string{"127.0.0.1 ok"})
	equal(t, "verdict", []string{d.Receivers[0].Results[0].Verdict}, []string{"strict"})
}

// through passes a connection on.
func through(t *testing.T, c *net.TCPConn, address string) {
	t.Helper()
	beyond, err := net.Dial("tcp", address)
	if err != nil {
		t.Error(err)
		return
	}
	defer beyond.Close()
	var back sync.WaitGroup
	back.Go(func() {
		io.Copy(c, beyond) //nolint:errcheck // it ends with either connection
		c.CloseWrite()     //nolint:errcheck // likewise
	})
	io.Copy(beyond, c)                 //nolint:errcheck // likewise
	beyond.(*net.TCPConn).CloseWrite() //nolint:errcheck,forcetypeassert // likewise; it was dialled as TCP
	back.Wait()
}
