package plan_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/plan"
)

// session is one that costs so many round trips and waits for others.
func session(roundTrips int, silent time.Duration, after ...int) plan.Session {
	return plan.Session{Cost: plan.Cost{RoundTrips: roundTrips, Silent: silent}, After: after}
}

func TestCriticalPath(t *testing.T) {
	const rtt = 100 * time.Millisecond
	one, ten := session(1, 0), session(10, 0)
	tests := map[string]struct {
		sessions []plan.Session
		atOnce   int
		pace     time.Duration
		want     plan.Path
	}{
		"none":                 {nil, 1, 0, plan.Path{}},
		"one after the other":  {[]plan.Session{ten, one, one}, 1, 0, plan.Path{Sessions: 3, RoundTrips: 12}},
		"beside one another":   {[]plan.Session{ten, one, one}, 2, 0, plan.Path{Sessions: 1, RoundTrips: 10}},
		"nobody counts from 0": {[]plan.Session{ten, one}, 0, 0, plan.Path{Sessions: 2, RoundTrips: 11}},
		"silence beside round trips": {
			[]plan.Session{session(2, time.Second), ten}, 2, 0, plan.Path{Sessions: 1, RoundTrips: 2, Silent: time.Second},
		},
		"silences overlap": {
			[]plan.Session{session(1, 5*time.Second), session(1, 2*time.Second), session(1, 2*time.Second)},
			2, 0,
			plan.Path{Sessions: 1, RoundTrips: 1, Silent: 5 * time.Second},
		},
		"one waits for another": {
			[]plan.Session{ten, session(3, 0, 0), one}, 4, 0, plan.Path{Sessions: 2, RoundTrips: 13},
		},
		"pauses behind each":  {[]plan.Session{ten, one, one}, 1, time.Second, plan.Path{Sessions: 3, RoundTrips: 12, Paused: 2 * time.Second}},
		"pauses between them": {[]plan.Session{ten, one, one}, 3, time.Second, plan.Path{Sessions: 1, RoundTrips: 1, Paused: 2 * time.Second}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := (plan.Lanes{AtOnce: tt.atOnce, RoundTrip: rtt, Pace: tt.pace}).Critical(tt.sessions); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// TestQueueEndsWithAll holds that no plan of any selection has sessions that wait
// for each other, that each begins when those have ended that it waits for, and
// that more at once never take longer than one after the other.
func TestQueueEndsWithAll(t *testing.T) {
	all := checks.All()
	controls := []probe.Baseline{probe.B1, probe.B2, probe.B3}
	rapid.Check(t, func(t *rapid.T) {
		var w plan.Work
		w.Budget, w.Controls = plan.Polite(), controls
		for i := range all {
			switch rapid.IntRange(0, 3).Draw(t, all[i].ID) {
			case 0:
				w.Alone = append(w.Alone, &all[i])
			case 1, 2:
				w.Checks = append(w.Checks, &all[i])
			}
		}
		sessions := w.Whole()
		q := plan.NewQueue(sessions)
		ended := map[int]bool{}
		for range sessions {
			i := q.Next()
			if i < 0 {
				t.Fatalf("%d of %d sessions can never begin: %v", len(q.Left()), len(sessions), q.Left())
			}
			if before := slices.IndexFunc(sessions[i].After, func(b int) bool { return !ended[b] }); before >= 0 {
				t.Fatalf("%s begins before %s has ended", sessions[i], sessions[sessions[i].After[before]])
			}
			q.End(i)
			ended[i] = true
		}
		alone := plan.Lanes{AtOnce: 1, RoundTrip: 50 * time.Millisecond}
		if got := alone.Critical(sessions); got.Sessions != len(sessions) {
			t.Fatalf("got a path of %d sessions one after the other, want all %d", got.Sessions, len(sessions))
		}
		for n := 2; n <= 4; n++ {
			many := alone
			many.AtOnce = n
			if got, one := many.Critical(sessions).At(alone.RoundTrip), alone.Critical(sessions).At(alone.RoundTrip); got > one {
				t.Fatalf("%d at once: got %s, and %s one after the other", n, got, one)
			}
		}
	})
}

// TestNobodyWaitsForEachOther holds that checks which hang on others do not end up
// beside those for which others wait, so that two sessions would wait for each other.
func TestNobodyWaitsForEachOther(t *testing.T) {
	check := func(id string, errors int, given ...string) *probe.Check {
		c := &probe.Check{ID: id, Start: probe.Hello, Errors: errors, Script: probe.Script{probe.Line(probe.Test, "NOOP")}}
		for _, g := range given {
			c.Needs.Given = append(c.Needs.Given, probe.Given{Check: g, Step: probe.Test, Codes: "250"})
		}
		return c
	}
	for name, all := range map[string][]*probe.Check{
		"one on another":   {check("a", 0), check("b", 0, "a")},
		"a row":            {check("c", 0, "b"), check("b", 0, "a"), check("a", 0)},
		"two on two":       {check("a", 1), check("b", 2), check("on a", 0, "a"), check("on b", 1, "b")},
		"on both":          {check("a", 1), check("b", 0), check("on both", 1, "a", "b"), check("on that", 0, "on both")},
		"others fill them": {check("a", 1), check("b", 1, "a"), check("x", 0), check("y", 1), check("z", 1)},
	} {
		t.Run(name, func(t *testing.T) {
			sessions := plan.Work{Checks: all, Budget: plan.Polite()}.Sessions()
			tried := map[string]bool{}
			q := plan.NewQueue(sessions)
			for range sessions {
				i := q.Next()
				if i < 0 {
					t.Fatalf("%v can never begin", q.Left())
				}
				for _, c := range sessions[i].Checks {
					for _, g := range c.Needs.Given {
						if !tried[g.Check] {
							t.Errorf("%s begins before %s is known", c.ID, g.Check)
						}
					}
				}
				for _, c := range sessions[i].Checks {
					tried[c.ID] = true
				}
				q.End(i)
			}
		})
	}
}

// TestPlanIsShort holds that the sessions of the standard profile are spread over
// several lanes: hardly longer than the longest of them, or than an even share.
func TestPlanIsShort(t *testing.T) {
	const rtt = 50 * time.Millisecond
	var picked []probe.Check
	for _, c := range checks.All() {
		if c.Profile <= probe.Standard && c.Needs.Greeting == "" {
			picked = append(picked, c)
		}
	}
	w := plan.Work{Checks: pointers(picked), Controls: []probe.Baseline{probe.B1, probe.B2, probe.B3}, Budget: plan.Polite()}
	sessions := w.Whole()
	alone := plan.Lanes{AtOnce: 1, RoundTrip: rtt}.Critical(sessions).At(rtt)
	ends := sessions[0].Cost.At(rtt) + sessions[len(sessions)-1].Cost.At(rtt)
	longest := time.Duration(0)
	for _, s := range sessions {
		longest = max(longest, s.Cost.At(rtt))
	}
	for _, n := range []int{2, 4, 8} {
		got := plan.Lanes{AtOnce: n, RoundTrip: rtt}.Critical(sessions).At(rtt)
		if least := ends + max(longest, (alone-ends)/time.Duration(n)); got > least+least/20 {
			t.Errorf("%d at once: got %s, want at most a twentieth above %s", n, got, least)
		}
	}
}
