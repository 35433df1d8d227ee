package run_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/run"
	"github.com/smtpprobe/smtpprobe/probe/wire"
)

// pace is that of all runs which do not say otherwise.
const pace = time.Second

// way makes the nth connection, from 1. The network leads to the receiver; the
// error, or a connection that is worse than the network's, is the fault.
type way func(ctx context.Context, n int, w *world) (net.Conn, error)

// world is one receiver, the way to it, and what a run was asked for. Runs in it
// wait for nothing but the clock, which jumps.
type world struct {
	receiver lab.Receiver
	others   []lab.Receiver // receivers behind the same address, for a way that leads to them
	way      way            // nil: straight to the receiver
	target   func(*probe.Receiver)
	change   func(*run.Options)
	giveUp   time.Duration   // when the caller stops the run; 0: never
	again    []time.Duration // how long after a run there is another one on the same way

	networks []*lab.Memory
	servers  sync.WaitGroup // those of a way's own

	mu    sync.Mutex
	dials int
	taps  []*tap
	open  int
	most  int // connections that were open at once
}

// outcome is what came of a run.
type outcome struct {
	report probe.Report
	later  []probe.Report // of the runs that came again
	ledger lab.Ledger     // the receiver's own
	others []lab.Ledger   // those of the others
	dials  int
	taps   []*tap
	most   int
	took   time.Duration // on the clock that jumps
}

// straight leads to the receiver, and through to the nth of the others.
func (w *world) straight(ctx context.Context) (net.Conn, error) { return w.through(ctx, 0) }

func (w *world) through(ctx context.Context, i int) (net.Conn, error) {
	return w.networks[i].DialContext(ctx, "tcp", "192.0.2.1:25")
}

func (w *world) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	w.mu.Lock()
	w.dials++
	n := w.dials
	w.mu.Unlock()
	asked := time.Now()
	var conn net.Conn
	var err error
	if w.way == nil {
		conn, err = w.straight(ctx)
	} else {
		conn, err = w.way(ctx, n, w)
	}
	if err != nil {
		return nil, err
	}
	t := &tap{Conn: conn, world: w, nth: n, asked: asked}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.taps = append(w.taps, t)
	w.open++
	w.most = max(w.most, w.open)
	return t, nil
}

// options are those of a run that is not told otherwise.
func (w *world) options() run.Options {
	o := run.Options{
		Catalogue: few(), Selected: few(), TLS: run.Auto, Timeout: time.Hour,
		Wire: wire.Config{
			Values: probe.Values{EHLO: "probe.example", From: "<>"}, Dial: w.dial, Pace: pace,
		},
	}
	if w.change != nil {
		w.change(&o)
	}
	return o
}

// probe runs in a bubble of its own.
func (w *world) probe(t *testing.T) (out outcome) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { out = w.run(t) })
	return out
}

// run needs to be called inside a bubble.
func (w *world) run(t *testing.T) (out outcome) {
	t.Helper()
	var servers []*lab.Server
	for _, rcv := range append([]lab.Receiver{w.receiver}, w.others...) {
		network := lab.NewMemory()
		server, err := rcv.Serve(network)
		if err != nil {
			t.Fatalf("serve: %v", err)
		}
		defer server.Close()
		w.networks, servers = append(w.networks, network), append(servers, server)
	}
	target := probe.Receiver{
		Host: "receiver.example", Address: "192.0.2.1", Port: 25, Platform: "receiver.example",
		Recipient: "postmaster@receiver.example", Public: true,
	}
	if w.target != nil {
		w.target(&target)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if w.giveUp > 0 {
		defer time.AfterFunc(w.giveUp, cancel).Stop()
	}
	begun := time.Now()
	o := w.options()
	o.Ways = &run.Ways{}
	out.report = run.Receiver(ctx, target, o)
	for _, wait := range w.again {
		time.Sleep(wait)
		out.later = append(out.later, run.Receiver(ctx, target, o))
	}
	out.took = time.Since(begun)
	for i, s := range servers {
		settled, cancel := context.WithTimeout(t.Context(), time.Hour)
		if err := s.Settle(settled); err != nil {
			t.Errorf("the sessions of the receiver: %v", err)
		}
		cancel()
		if i == 0 {
			out.ledger = s.Ledger()
		} else {
			out.others = append(out.others, s.Ledger())
		}
	}
	w.servers.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	out.dials, out.taps, out.most = w.dials, w.taps, w.most
	if w.open != 0 {
		t.Errorf("got %d connections left open, want none", w.open)
	}
	return out
}

// tap is the client's end of a connection. It remembers when it was asked for,
// what was written to it, and when it was closed.
type tap struct {
	net.Conn
	world *world
	nth   int
	asked time.Time

	mu      sync.Mutex
	written []string
	closed  time.Time
}

func (t *tap) Write(p []byte) (int, error) {
	t.mu.Lock()
	t.written = append(t.written, string(p))
	t.mu.Unlock()
	return t.Conn.Write(p)
}

func (t *tap) Close() error {
	t.mu.Lock()
	first := t.closed.IsZero()
	if first {
		t.closed = time.Now()
	}
	t.mu.Unlock()
	if first {
		t.world.mu.Lock()
		t.world.open--
		t.world.mu.Unlock()
	}
	return t.Conn.Close()
}

func (t *tap) SetLinger(seconds int) error {
	if c, ok := t.Conn.(interface{ SetLinger(int) error }); ok {
		return c.SetLinger(seconds)
	}
	return nil
}

// lines are the command lines that were written in clear, up to a ClientHello.
func (t *tap) lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all []string
	for _, w := range t.written {
		if strings.HasPrefix(w, "\x16\x03") {
			break
		}
		all = append(all, strings.Split(strings.TrimSuffix(w, "\r\n"), "\r\n")...)
	}
	return all
}

// verdicts are those of a report by the check's name.
func verdicts(r probe.Report) map[string]probe.Verdict {
	all := map[string]probe.Verdict{}
	for _, res := range r.Results {
		all[res.Check.ID] = res.Verdict
	}
	return all
}

// of is the result of a check.
func of(t *testing.T, r probe.Report, id string) probe.Result {
	t.Helper()
	for _, res := range r.Results {
		if res.Check.ID == id {
			return res
		}
	}
	t.Fatalf("no result of %s", id)
	return probe.Result{}
}

// show prints a transcript when a test fails.
func show(t *testing.T, transcript probe.Transcript) {
	t.Helper()
	for i, e := range transcript {
		if i == 60 {
			t.Logf("and %d more", len(transcript)-i)
			return
		}
		t.Logf("%9.1f ms %-6s %.200s", float64(e.At)/1e6, e.From, e)
	}
}

// few are the checks that the tests of this package run: one or more of each
// kind. What a run does with sessions does not hang on the number of checks, and
// the catalogue has tests of its own.
func few() []probe.Check {
	kinds := strings.Fields(`early-talk mail-before-ehlo noop-before-ehlo rcpt-before-mail data-before-mail data-without-rcpt
		nested-mail rset-clears ehlo-clears noop-keeps-transaction rcpt-refused-keeps-transaction starttls-mid-transaction starttls-inside-tls
		tls-mail-without-ehlo tls-transaction-survives starttls-injection pipeline-group pipeline-unadvertised
		pipeline-after-helo pipeline-ehlo-head quit-closes`)
	return slices.DeleteFunc(checks.All(), func(c probe.Check) bool { return !slices.Contains(kinds, c.ID) })
}

// everything selects the whole catalogue.
func everything(o *run.Options) { o.Catalogue, o.Selected = checks.All(), checks.All() }
