package run_test

import (
	"context"
	"fmt"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/run"
	"github.com/smtpprobe/smtpprobe/probe/wire"
)

// TestLoopback probes a receiver by real sockets: all is as in memory.
func TestLoopback(t *testing.T) {
	reference := strict(t, nil)
	server, err := lab.Receiver{}.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	at := netip.MustParseAddrPort(server.Addr())
	w := &world{change: func(o *run.Options) {
		o.Wire.Pace, o.Wire.Dial = 0, wire.Direct(netip.Addr{})
	}}
	report := run.Receiver(t.Context(), probe.Receiver{
		Host: "receiver.example", Address: at.Addr().String(), Port: at.Port(), Platform: "receiver.example", Recipient: "postmaster@receiver.example",
	}, w.options())
	settled, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := server.Settle(settled); err != nil {
		t.Error(err)
	}
	whole(t, w.options(), report)
	same(t, report, reference)
	ledger := server.Ledger()
	if report.Sessions != ledger.Connections || report.Status != probe.StatusOK {
		t.Errorf("got %s and %d sessions, want ok and the receiver's %d", report.Status, report.Sessions, ledger.Connections)
	}
	if ledger.TextOctets != 0 {
		t.Errorf("the receiver read %d octets of message text, want none", ledger.TextOctets)
	}
	t.Logf("%s for %d sessions", report.Elapsed.Round(time.Millisecond), report.Sessions)
}

// TestNobodyListens probes an address of loopback where nobody listens.
func TestNobodyListens(t *testing.T) {
	server, err := lab.Receiver{}.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := netip.MustParseAddrPort(server.Addr())
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	w := &world{change: func(o *run.Options) { o.Wire.Pace, o.Wire.Dial = 0, wire.Direct(netip.Addr{}) }}
	report := run.Receiver(t.Context(), probe.Receiver{
		Host: "receiver.example", Address: "127.0.0.1", Port: at.Port(), Recipient: "postmaster@receiver.example",
	}, w.options())
	whole(t, w.options(), report)
	if report.Status != probe.StatusRefused || report.Sessions != 0 {
		t.Errorf("got %s (%s) and %d sessions, want refused and none", report.Status, report.Reason, report.Sessions)
	}
}

// TestTurnedAwayWhileSessionsAreOpen holds that no more connections are made once
// two in a row were turned away, but for those that were on their way.
func TestTurnedAwayWhileSessionsAreOpen(t *testing.T) {
	for name, turned := range map[string]way{
		"greets 421": says("421 4.7.0 Too many connections\r\n", true), "greets 450": says("450 4.7.1 Later\r\n", false), "refuses": failing(syscall.ECONNREFUSED),
	} {
		for _, sessions := range []int{1, 2, 4} {
			t.Run(fmt.Sprintf("%s, %d at once", name, sessions), func(t *testing.T) {
				const served = 6
				w := &world{way: after(served, turned), change: func(o *run.Options) { o.Wire.Sessions = sessions }}
				out := w.probe(t)
				sound(t, w, out)
				if got, want := out.dials-served, 2+sessions-1; got > want {
					t.Errorf("got %d connections behind those that were served, want at most %d", got, want)
				}
				if out.report.Status != probe.StatusBlocked {
					t.Errorf("got status %s (%s), want blocked", out.report.Status, out.report.Reason)
				}
			})
		}
	}
}
