package bulk_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/bulk"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/run"
	"github.com/smtpprobe/smtpprobe/probe/wire"
)

// TestAThirdNeverAnswers probes 10,000 receivers of 5,000 platforms: a third does
// not answer the connection, or accepts and says nothing, half of them refuse, and
// the others are strict. Those that are silent hold up the others no longer than the
// lanes that they take.
func TestAThirdNeverAnswers(t *testing.T) {
	const receivers, lanes = 10_000, 200
	synctest.Test(t, func(t *testing.T) {
		network := lab.NewMemory()
		server, err := lab.Receiver{GreetDelay: lab.NoGreetDelay}.Serve(network)
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		hole := lab.NewMemory()
		defer hole.Close()
		o := oneCheck("noop-before-ehlo")
		o.Wire.Pace = 500 * time.Millisecond
		o.Wire.Turns = &wire.Turns{}
		o.Wire.Dial = func(ctx context.Context, kind, address string) (net.Conn, error) {
			switch n := nth(address); n % 6 {
			case 0: // never accepts
				<-ctx.Done()
				return nil, &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}
			case 3: // accepts and says nothing
				return swallowed(ctx, hole)
			case 1, 4, 5:
				return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
			}
			return network.DialContext(ctx, kind, address)
		}
		w := world{change: func(b *bulk.Options) {
			b.Receivers, b.Lookups = lanes, 64
			b.Probe = func(ctx context.Context, r probe.Receiver) probe.Report { return run.Receiver(ctx, r, o) }
		}}
		for i := range receivers {
			w.names(fmt.Sprintf("d%d-", i), 1, numbered(i))
		}
		begun := time.Now()
		if err := w.scan(t.Context()); err != nil {
			t.Fatal(err)
		}
		took := time.Since(begun)
		equal(t, "domains", len(w.domains), receivers)
		equal(t, "receivers", len(w.receivers), receivers)
		same(t, "rows that are there again", w.twice(), nil)
		slowest := time.Duration(0)
		for _, r := range w.receivers {
			slowest += r.Elapsed / lanes
			want, verdict := probe.StatusOK, probe.Correct
			switch nth(r.Address) % 6 {
			case 0:
				want, verdict = probe.StatusUnreachable, probe.Inconclusive
			case 3:
				want, verdict = probe.StatusNotSMTP, probe.Inconclusive
			case 1, 4, 5:
				want, verdict = probe.StatusRefused, probe.Inconclusive
			}
			if r.Status != want || len(r.Results) != 1 || r.Results[0].Verdict != verdict {
				t.Fatalf("receiver %d: got %s (%s), %+v, want %s and %s", nth(r.Address), r.Status, r.Reason, r.Results, want, verdict)
			}
		}
		// Two waits of a minute for a greeting are the longest that a receiver may take.
		if most := slowest + 2*2*time.Minute; took > most {
			t.Errorf("it took %s, want at most %s: what all receivers took, by %d lanes, and the last ones", took, most, lanes)
		}
	})
}

// numbered is the nth receiver of many, of which two are a platform's.
func numbered(n int) probe.Receiver {
	return probe.Receiver{
		Host: fmt.Sprintf("mx%d.p%d.example", n, n/2), Address: fmt.Sprintf("2001:db8::%x", n), Port: 25,
		Platform: fmt.Sprintf("p%d.example", n/2), Recipient: "postmaster@example.com",
	}
}

// nth is its number, by its address with or without a port.
func nth(address string) int {
	if host, _, err := net.SplitHostPort(address); err == nil {
		address = host
	}
	b := net.ParseIP(address).To16()
	return int(b[14])<<8 | int(b[15])
}

// swallowed is a connection that somebody accepted who says nothing.
func swallowed(ctx context.Context, hole *lab.Memory) (net.Conn, error) {
	conn, err := hole.DialContext(ctx, "tcp", "192.0.2.1:25")
	if err != nil {
		return nil, err
	}
	_, err = hole.Accept()
	return conn, err
}

// oneCheck are the options of a run with one check.
func oneCheck(id string) run.Options {
	return run.Options{
		Catalogue: checks.All(), Selected: []probe.Check{*probe.CheckByID(checks.All(), id)}, TLS: run.Auto, Timeout: 15 * time.Minute,
		Wire: wire.Config{Values: probe.Values{EHLO: "probe.example", From: "<>"}},
	}
}
