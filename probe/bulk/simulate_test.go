//go:build simulate

package bulk_test

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/bulk"
	"github.com/smtpprobe/smtpprobe/probe/ceiling"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/plan"
	"github.com/smtpprobe/smtpprobe/probe/resolve"
	"github.com/smtpprobe/smtpprobe/probe/run"
	"github.com/smtpprobe/smtpprobe/probe/wire"
)

// limits are what a simulation takes into account.
type limits struct {
	pace          time.Duration
	rtt           time.Duration
	lookup        time.Duration
	silence, dead bool
	rate          bool // of connections
	lanes         int  // 0: as many as a scan has
}

// outlay is what a simulation comes to.
type outlay struct {
	domains, receivers, skipped, dead, sessions, failed int
	took                                                time.Duration
}

// simulate scans the platforms: the engine, the plan, the pace, the ceiling and the
// rate are those of a scan; a session opens its connection, lasts as long as the
// plan says, and says nothing.
func simulate(t *testing.T, platforms []town, l limits) (o outlay) {
	t.Helper()
	var mu sync.Mutex
	config := wire.Config{
		Values: probe.Values{EHLO: "probe.example", From: "<>", Rcpt: "<postmaster@example.com>", Bad: probe.BadRecipient}, Pace: l.pace, Connect: patience,
		Turns: &wire.Turns{}, Ceiling: ceiling.New(), Wait: true,
	}
	if l.rate {
		config.Rate = rate.NewLimiter(rate.Limit(float64(connections)/part), 1)
	}
	config.Dial = func(ctx context.Context, _, address string) (net.Conn, error) {
		host, _, _ := net.SplitHostPort(address)
		if isDead(host) {
			if l.dead {
				<-ctx.Done()
			}
			mu.Lock()
			o.failed++
			mu.Unlock()
			return nil, &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}
		}
		time.Sleep(l.rtt)
		return newMute(), nil
	}
	sessions := planned()
	play := func(ctx context.Context, r probe.Receiver) probe.Report {
		way, err := wire.NewReceiver(r, config)
		if err == nil {
			err = way.Ready(ctx, len(sessions))
		}
		if err != nil {
			t.Error(err)
		}
		queue := plan.NewQueue(sessions)
		for i := queue.Next(); i >= 0; i = queue.Next() {
			s, err := way.Open(ctx)
			if err != nil {
				s, err = way.Open(ctx) // as B0 has two tries
			}
			if err != nil {
				return probe.Report{Receiver: r, Status: probe.StatusUnreachable, Reason: err.Error()}
			}
			lasts := sessions[i].Cost
			if !l.silence {
				lasts.Silent = 0
			}
			time.Sleep(max(0, lasts.At(l.rtt)-l.rtt)) // the handshake of TCP is over
			s.Leave(ctx)
			queue.End(i)
			mu.Lock()
			o.sessions++
			mu.Unlock()
		}
		return probe.Report{Receiver: r, Status: probe.StatusOK}
	}
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		o = scanned(t, platforms, &o, bulk.Options{
			Receivers: cmp.Or(l.lanes, lanes) / part, Platform: 1, PerPlatform: perPlatform, Lookups: lookups / part, Probe: play,
		}, l.lookup*(lookups/part*part)/lookups) // a look-up takes less by what is rounded off
		o.took = time.Since(begun)
	})
	return o
}

// scanned leads the list through the engine and counts the rows.
func scanned(t *testing.T, platforms []town, o *outlay, options bulk.Options, lookup time.Duration) outlay {
	t.Helper()
	options.Domain = func(resolve.Domain) error { o.domains++; return nil }
	options.Receiver = func(r probe.Report) error {
		o.receivers++
		switch r.Status {
		case probe.StatusSkipped:
			o.skipped++
		case probe.StatusUnreachable:
			o.dead++
		}
		return nil
	}
	err := bulk.New(options).Run(t.Context(), func(_ context.Context, yield func(bulk.Target) bool) error {
		for at := range inAnyOrder(platforms) {
			p, n := at.town, at.nth
			name := fmt.Sprintf("d%d.%s", n, p.name())
			if !yield(bulk.Target{Name: name, Find: func(context.Context) bulk.Found {
				time.Sleep(lookup)
				return bulk.Found{Domain: &resolve.Domain{Domain: name, Status: resolve.OK}, Receivers: p.leads(n)}
			}}) {
				return context.Cause(t.Context())
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return *o
}

// planned is what a scan does with a receiver, by its profile.
func planned() []plan.Session { return quickly().PlanFor(lab.DefaultExtensions()) }

func quickly() run.Options {
	quick := slices.DeleteFunc(checks.All(), func(c probe.Check) bool { return c.Profile != probe.Quick })
	return run.Options{
		Catalogue: checks.All(), Selected: quick, TLS: run.Auto, Timeout: 15 * time.Minute,
		Wire: wire.Config{Values: probe.Values{EHLO: "probe.example", From: "<>"}},
	}
}

// mute is a connection on which nobody says anything.
type mute struct {
	net.Conn
	closed chan struct{}
	once   sync.Once
}

func newMute() *mute { return &mute{closed: make(chan struct{})} }

func (m *mute) Read([]byte) (int, error)         { <-m.closed; return 0, net.ErrClosed }
func (m *mute) Close() error                     { m.once.Do(func() { close(m.closed) }); return nil }
func (m *mute) SetDeadline(time.Time) error      { return nil }
func (m *mute) SetReadDeadline(time.Time) error  { m.Close(); return nil } // all that a session wants with it is an end
func (m *mute) SetWriteDeadline(time.Time) error { return nil }
func (m *mute) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv6loopback} }

// TestSimulate prints what a million domains come to.
func TestSimulate(t *testing.T) {
	say := func(format string, a ...any) {
		fmt.Fprintf(t.Output(), format, a...) //nolint:errcheck // the test's own output
	}
	all := country()
	var whole outlay
	scanned(t, all, &whole, bulk.Options{
		Receivers: lanes, PerPlatform: perPlatform, Lookups: lookups,
		Probe: func(_ context.Context, r probe.Receiver) probe.Report {
			if isDead(r.Address) {
				return probe.Report{Receiver: r, Status: probe.StatusUnreachable}
			}
			return probe.Report{Receiver: r, Status: probe.StatusOK}
		},
	}, 0)
	sessions := planned()
	var one plan.Cost
	for _, s := range sessions {
		one = one.Plus(s.Cost)
	}
	alive := whole.receivers - whole.skipped - whole.dead
	say(`
Assumed: %d domains on %d platforms, of which the nth largest has the nth part
of the %d of the largest, and one with n domains has 1.5 times the root of n
addresses, of which a domain names two; %d %% of the addresses do not answer; %s a
round trip; %s a look-up.

  receivers after deduplication  %9d
  left out of large platforms    %9d  more than %d of one
  dead                           %9d  two connections each, %s
  probed                         %9d  %d sessions each, %d commands, %d round trips, %s of silence
  sessions                       %9d

`, whole.domains, len(all), all[0].domains, dead, roundTrip, lookup,
		whole.receivers, whole.skipped, perPlatform, whole.dead, patience,
		alive, len(sessions), one.Commands, one.RoundTrips, one.Silent.Round(100*time.Millisecond), alive*len(sessions))

	everything := limits{pace: politely, rtt: roundTrip, lookup: lookup, silence: true, dead: true, rate: true}
	wide := everything
	wide.lanes = 1000
	unbound := wide
	unbound.rate = false
	some := share(all)
	say("Hours, by the clock of the simulation, each limit as if it were the only one:\n\n")
	longest := 0.0
	for _, row := range []struct {
		what string
		limits
	}{
		{fmt.Sprintf("round trips, %d receivers at once", lanes), limits{rtt: roundTrip}},
		{"silence that checks listen to", limits{silence: true}},
		{fmt.Sprintf("politeness, %s between sessions", politely), limits{pace: politely}},
		{fmt.Sprintf("%d new connections a second", connections), limits{rate: true}},
		{"dead hosts", limits{dead: true}},
		{fmt.Sprintf("DNS, %d look-ups at once", lookups), limits{lookup: lookup}},
		{"all of them", everything},
		{"all of them, 1,000 receivers at once", wide},
		{"the same, as many connections as it takes", unbound},
	} {
		o := simulate(t, some, row.limits)
		say("  %-42s %6.2f\n", row.what, o.took.Hours())
		if want := (o.receivers - o.skipped - o.dead) * len(sessions); o.sessions != want || o.domains != domains/part {
			t.Errorf("%s: got %d sessions and %d domains, want %d and %d", row.what, o.sessions, o.domains, want, domains/part)
		}
		if o.failed != 2*o.dead || o.dead == 0 {
			t.Errorf("%s: got %d connections to %d dead receivers, want two each", row.what, o.failed, o.dead)
		}
		if row.limits == everything && o.took.Hours() < longest {
			t.Errorf("got %.2f hours in all, want at least the %.2f of one limit", o.took.Hours(), longest)
		}
		longest = max(longest, o.took.Hours())
	}
	say("  %-42s %6.2f\n\n", "the machine, one core, at most", float64(alive)*machine(t).Hours())
}

// machine is the CPU of one receiver: real runs with strict receivers in memory,
// whose own work is in it.
func machine(t *testing.T) time.Duration {
	t.Helper()
	const runs = 40
	before := cpu()
	for range runs {
		synctest.Test(t, func(t *testing.T) {
			network := lab.NewMemory()
			server, err := lab.Receiver{GreetDelay: lab.NoGreetDelay}.Serve(network)
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			o := quickly()
			o.Wire.Dial = network.DialContext
			r := run.Receiver(t.Context(), town{}.receiver(0), o)
			if got, want := r.Sessions, len(planned()); r.Status != probe.StatusOK || got != want {
				t.Errorf("got %s (%s) and %d sessions, want ok and the %d of the simulation", r.Status, r.Reason, got, want)
			}
		})
	}
	return (cpu() - before) / runs
}

// cpu is what this process has spent.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
