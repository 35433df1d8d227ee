package plan

import (
	"slices"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
)

// Path is a row of sessions of which each begins when the one before ends: what
// of it has to be waited for, one after the other.
type Path struct {
	Sessions   int
	RoundTrips int
	Silent     time.Duration
	Paused     time.Duration // by the pace
}

// At is what the path takes where a round trip takes so long, and the receiver
// answers at once.
func (p Path) At(rtt time.Duration) time.Duration {
	return time.Duration(p.RoundTrips)*rtt + p.Silent + p.Paused
}

// At is what the session takes likewise.
func (c Cost) At(rtt time.Duration) time.Duration {
	return time.Duration(c.RoundTrips)*rtt + c.Silent
}

// Lanes is how the sessions of a plan are played.
type Lanes struct {
	AtOnce    int           // sessions at once, at least 1
	RoundTrip time.Duration // that is reckoned with
	Pace      time.Duration // least time between the beginnings of sessions, and behind the end of one
}

// Critical is the longest of the paths through the plan: no run of it ends
// sooner. It plays the plan as a run does, with a clock that jumps.
//
// A session holds its lane until its connection is closed, also where it only
// listens: a receiver counts open connections, whatever is said on them, and one
// at a time is what was promised. So silences overlap where several sessions are
// allowed at once, and only there.
func (l Lanes) Critical(sessions []Session) Path {
	q := NewQueue(sessions)
	var running []lane
	var now Path
	next := time.Duration(0) // no session begins before
	for {
		for len(running) < max(1, l.AtOnce) {
			i := q.Next()
			if i < 0 {
				break
			}
			begun := now
			begun.Paused += max(0, next-now.At(l.RoundTrip))
			next = begun.At(l.RoundTrip) + l.Pace
			running = append(running, lane{i, begun.through(sessions[i].Cost)})
		}
		if len(running) == 0 {
			return now
		}
		first := 0
		for i := range running {
			if running[i].end.At(l.RoundTrip) < running[first].end.At(l.RoundTrip) {
				first = i
			}
		}
		now = running[first].end
		next = max(next, now.At(l.RoundTrip)+l.Pace)
		q.End(running[first].session)
		running = slices.Delete(running, first, first+1)
	}
}

// lane is a session that is being played.
type lane struct {
	session int
	end     Path
}

func (p Path) through(c Cost) Path {
	return Path{p.Sessions + 1, p.RoundTrips + c.RoundTrips, p.Silent + c.Silent, p.Paused}
}

// Whole is the plan of a run: the sessions of the work between the control at
// the beginning and the same one at the end.
func (w Work) Whole() []Session {
	sessions := []Session{w.lone(probe.B0)}
	all := []int{0}
	for i, s := range w.Sessions() {
		after := []int{0}
		for _, before := range s.After {
			after = append(after, before+1)
		}
		s.After = after
		sessions, all = append(sessions, s), append(all, i+1)
	}
	again := w.lone(probe.B0Again)
	again.After = all
	return append(sessions, again)
}

func (w Work) lone(b probe.Baseline) Session {
	p := newPacker(w)
	p.open(p.control(b))
	return p.bins[0].session(w.Budget.Errors)
}
