package run_test

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/run"
)

// sparse selects one check of each way to judge: a command out of order, one
// behind which a transaction must be gone, and a group.
func sparse(o *run.Options) { only(o, "rcpt-before-mail", "rset-clears", "pipeline-group") }

func only(o *run.Options, ids ...string) {
	o.Catalogue = checks.All()
	o.Selected = slices.DeleteFunc(checks.All(), func(c probe.Check) bool { return !slices.Contains(ids, c.ID) })
}

// severs resets the kth session after so many octets of either direction, and
// notes whether the session lasted that long; 0 stands for all sessions.
func severs(k, down, up int, met *atomic.Bool) way {
	return func(ctx context.Context, n int, w *world) (net.Conn, error) {
		if k != 0 && n != k {
			return w.straight(ctx)
		}
		conn, err := resets(down, up)(ctx, n, w)
		if err != nil {
			return nil, err
		}
		conn.(*resetting).met = met
		return conn, nil
	}
}

// directions of a connection, and how it is severed behind n octets of one.
var directions = map[string]func(k, n int, met *atomic.Bool) way{
	"of the receiver": func(k, n int, met *atomic.Bool) way { return severs(k, n, -1, met) },
	"of the probe":    func(k, n int, met *atomic.Bool) way { return severs(k, -1, n, met) },
}

// untilUntouched calls probe for every so manieth octet, until no session lasts
// that long.
func untilUntouched(t *testing.T, stride int, probe func(n int, met *atomic.Bool)) {
	t.Helper()
	const longest = 20_000
	for n := 0; n < longest; n += stride {
		var met atomic.Bool
		if probe(n, &met); !met.Load() {
			return
		}
	}
	t.Errorf("sessions are longer than %d octets", longest)
}

// TestOneResetDecidesNothing severs one session after each octet, in turn each of
// them: that is no answer of the receiver, and all others are served, so every
// verdict is what it is without. Only where it hits the tested command itself do
// two tries disagree, and nothing is known; nor is it of a check that is judged
// beside one that cannot be asked again, since the recipient that cannot exist was
// named often enough.
func TestOneResetDecidesNothing(t *testing.T) {
	reference := strict(t, sparse)
	for name, severed := range directions {
		for k := 1; k <= reference.Sessions; k++ {
			t.Run(fmt.Sprintf("session %d, octets %s", k, name), func(t *testing.T) {
				untilUntouched(t, octets, func(n int, met *atomic.Bool) {
					w := &world{way: severed(k, n, met), change: sparse}
					out := w.probe(t)
					sound(t, w, out)
					honest(t, out.report, reference, false)
					if out.report.Status != probe.StatusOK {
						t.Errorf("octet %d: got status %s (%s), want ok", n, out.report.Status, out.report.Reason)
					}
					for _, res := range out.report.Results {
						if !res.Verdict.Known() && !strings.HasPrefix(res.Reason, "two tries disagree") && !hangsOnUnknown(res, out.report) {
							t.Errorf("octet %d: %s: got %s (%s), want %s", n, res.Check.ID, res.Verdict, res.Reason, verdicts(reference)[res.Check.ID])
						}
					}
					if t.Failed() {
						t.Fatalf("octet %d", n)
					}
				})
			})
		}
	}
}

// hangsOnUnknown reports whether the check is judged beside another one of which
// the report knows nothing.
func hangsOnUnknown(res probe.Result, report probe.Report) bool {
	return slices.ContainsFunc(res.Check.Needed(), func(id string) bool {
		return !slices.ContainsFunc(report.Results, func(other probe.Result) bool {
			return other.Check.ID == id && other.Verdict.Known()
		})
	})
}

// TestEveryResetDecidesLittle severs all sessions after the same octet: a receiver
// that does so drops the connection, or breaks its replies off, where it is seen to
// do so twice; nothing else is made of it.
func TestEveryResetDecidesLittle(t *testing.T) {
	reference := strict(t, sparse)
	for name, severed := range directions {
		t.Run("octets "+name, func(t *testing.T) {
			untilUntouched(t, octets, func(n int, met *atomic.Bool) {
				w := &world{way: severed(0, n, met), change: sparse}
				out := w.probe(t)
				sound(t, w, out)
				broke(t, out.report, reference)
				if !met.Load() {
					same(t, out.report, reference)
				}
				if t.Failed() {
					t.Fatalf("octet %d", n)
				}
			})
		})
	}
}

// slow accepts late, and passes on what we say, and what the receiver says, octet
// by octet; a time of 0 stands for at once.
func slow(accept, up, down time.Duration) way {
	return func(ctx context.Context, _ int, w *world) (net.Conn, error) {
		select {
		case <-time.After(accept):
		case <-ctx.Done():
			return unanswered(ctx, 0, w)
		}
		beyond, err := w.straight(ctx)
		if err != nil {
			return nil, err
		}
		near, end, err := pair(ctx)
		if err != nil {
			return nil, err
		}
		w.servers.Go(func() { trickle(end, beyond, up) })
		w.servers.Go(func() { trickle(beyond, end, down) })
		return near, nil
	}
}

// pair is both ends of a connection.
func pair(ctx context.Context) (near, end net.Conn, err error) {
	network := lab.NewMemory()
	defer network.Close()
	if near, err = network.DialContext(ctx, "tcp", "192.0.2.1:25"); err != nil {
		return nil, nil, err
	}
	end, err = network.Accept()
	return near, end, err
}

// trickle passes octets on, each after the given time.
func trickle(from, to net.Conn, each time.Duration) {
	defer to.Close()
	some := make([]byte, 64<<10)
	if each > 0 {
		some = some[:1]
	}
	for {
		n, err := from.Read(some)
		time.Sleep(each)
		if _, failed := to.Write(some[:n]); err != nil || failed != nil {
			return
		}
	}
}

// TestSlowPath: what takes its time, and less than we wait, is measured as if it
// were quick; what takes longer is not known. A group of commands that comes octet
// by octet is none, for any receiver, nor is early what comes after the greeting, so
// these checks are left out where our own octets are slow.
func TestSlowPath(t *testing.T) {
	const quick, never = 2 * time.Millisecond, time.Second
	for _, tt := range []struct {
		name     string
		way      way
		up       bool
		measured bool
	}{
		{name: "accepts in 14 s", way: slow(14*time.Second, 0, 0), measured: true},
		{name: "accepts in 16 s", way: slow(16*time.Second, 0, 0)},
		{name: "octets of the receiver", way: slow(0, 0, quick), measured: true},
		{name: "octets of the receiver each second", way: slow(0, 0, never)},
		{name: "octets of the probe", way: slow(0, quick, 0), up: true, measured: true},
		{name: "octets of the probe each second", way: slow(0, never, 0), up: true},
		{name: "all octets", way: slow(time.Second, quick, quick), up: true, measured: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			change := func(o *run.Options) {
				o.Selected = slices.DeleteFunc(o.Selected, func(c probe.Check) bool { return tt.up && (c.Group == probe.GroupPipelining || c.ID == "early-talk") })
			}
			reference := strict(t, change)
			w := &world{way: tt.way, change: change}
			out := w.probe(t)
			sound(t, w, out)
			honest(t, out.report, reference, false)
			if tt.measured {
				same(t, out.report, reference)
			}
		})
	}
}

// TestTurnedAwayEverySecondTime: never twice in a row, so the run goes on, and
// what came to nothing is asked again.
func TestTurnedAwayEverySecondTime(t *testing.T) {
	reference := strict(t, nil)
	for name, turned := range map[string]way{
		"421": says("421 4.7.0 Too many connections\r\n", true), "refused": failing(syscall.ECONNREFUSED),
		"black hole": blackHole, "no answer": unanswered, "reset": resets(0, -1),
	} {
		for _, odd := range []int{0, 1} {
			t.Run(fmt.Sprintf("%s, %d", name, odd), func(t *testing.T) {
				w := &world{way: func(ctx context.Context, n int, w *world) (net.Conn, error) {
					if n%2 != odd {
						return w.straight(ctx)
					}
					return turned(ctx, n, w)
				}}
				out := w.probe(t)
				sound(t, w, out)
				honest(t, out.report, reference, false)
				if n := known(out.report); n < len(reference.Results)/2 {
					t.Errorf("got %d verdicts (%s), want half of the %d, or more", n, out.report.Reason, len(reference.Results))
				}
				if strings.Contains(out.report.Reason, "sessions running") {
					t.Errorf("got the reason %q where every other session was served", out.report.Reason)
				}
			})
		}
	}
}

func known(r probe.Report) int {
	n := 0
	for _, res := range r.Results {
		if res.Verdict.Known() {
			n++
		}
	}
	return n
}

// TestManyOfWhomAThirdNeverAnswers: 10,000 receivers, of which the others refuse.
// Each has its report, and those that are waited for take no more than their lanes.
func TestManyOfWhomAThirdNeverAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const receivers, lanes, waited = 10_000, 100, 2 * 15 * time.Second
		var all []probe.Receiver
		for i := range receivers {
			all = append(all, probe.Receiver{
				Host: fmt.Sprintf("mx%d.example", i), Address: fmt.Sprintf("2001:db8::%x", i), Port: 25,
				Platform: fmt.Sprintf("p%d.example", i/2), Recipient: "postmaster@example.com",
			})
		}
		answers := func(r probe.Receiver) bool { return len(r.Address) > 0 && r.Address[len(r.Address)-1]%3 != 0 }
		by := map[string]bool{}
		silent := 0
		for _, r := range all {
			if by[net.JoinHostPort(r.Address, "25")] = answers(r); !answers(r) {
				silent++
			}
		}
		o := (&world{}).options()
		o.Selected, o.Receivers, o.Platform, o.Wire.Pace = o.Selected[:1], lanes, 1, 0
		o.Wire.Dial = func(ctx context.Context, _, address string) (net.Conn, error) {
			if by[address] {
				return nil, dialError(syscall.ECONNREFUSED)
			}
			return unanswered(ctx, 0, nil)
		}
		begun, done := time.Now(), 0
		run.Many(t.Context(), all, o, func(r probe.Report) {
			done++
			want := probe.StatusRefused
			if !answers(r.Receiver) {
				want = probe.StatusUnreachable
			}
			if r.Status != want || len(r.Results) != 1 || r.Results[0].Verdict.Known() || r.Results[0].Reason == "" {
				t.Errorf("%s: got %s (%s) and %+v, want %s, and one result that says why it is not known", r.Host, r.Status, r.Reason, r.Results, want)
			}
		})
		if done != receivers {
			t.Errorf("got %d reports, want %d", done, receivers)
		}
		if took, most := time.Since(begun), time.Duration(silent)*waited/lanes+2*waited; took > most {
			t.Errorf("got %s for %d that do not answer, want at most %s", took, silent, most)
		}
	})
}

// TestAnyWeather draws a fault or none for each connection: whatever comes, the
// run ends in its time with a row for each check, and no verdict is one that the
// receiver does not deserve. Where a reset hits the same command twice, that looks
// as if the receiver had done it; and so does any greeting to who talks early, which
// is left out.
func TestAnyWeather(t *testing.T) {
	change := func(o *run.Options) {
		o.Selected = slices.DeleteFunc(o.Selected, func(c probe.Check) bool { return c.ID == "early-talk" })
	}
	reference := strict(t, change)
	turned := turns()
	// Of all connections some two thirds are well: else few runs come to their checks.
	weathers := slices.Concat(slices.Sorted(maps.Keys(turned)), slices.Repeat([]string{"slow", "severed"}, 3), slices.Repeat([]string{"fair"}, 40))
	rapid.Check(t, func(r *rapid.T) {
		weather := rapid.SliceOfN(rapid.SampledFrom(weathers), 20, 60).Draw(r, "weather")
		behind := rapid.IntRange(0, 700).Draw(r, "severed behind octet")
		w := &world{change: change, way: func(ctx context.Context, n int, w *world) (net.Conn, error) {
			switch name := weather[n%len(weather)]; name {
			case "fair":
				return w.straight(ctx)
			case "slow":
				return slow(5*time.Second, 0, time.Millisecond)(ctx, n, w)
			case "severed":
				return resets(behind, -1)(ctx, n, w)
			default:
				return turned[name].way(ctx, n, w)
			}
		}}
		out := w.probe(t)
		sound(t, w, out)
		broke(t, out.report, reference)
		if t.Failed() {
			r.Fatal("see above")
		}
	})
}
