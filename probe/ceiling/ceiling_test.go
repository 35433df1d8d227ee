package ceiling_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smtpprobe/smtpprobe/probe/ceiling"
)

// fill enters sessions until there is no room, and returns how many there were.
func fill(c *ceiling.Ceiling, platform string) (n int, full *ceiling.Reached) {
	for !errors.As(c.Session(platform), &full) {
		n++
	}
	return n, full
}

// both runs a test on a ceiling within the process and on one with a file.
func both(t *testing.T, test func(t *testing.T, c *ceiling.Ceiling)) {
	t.Helper()
	for name, made := range map[string]func(t *testing.T) *ceiling.Ceiling{
		"within the process": func(*testing.T) *ceiling.Ceiling { return ceiling.New() },
		"in a file":          func(t *testing.T) *ceiling.Ceiling { return opened(t, t.TempDir()+"/ceiling") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, made(t)) })
		})
	}
}

func opened(t *testing.T, path string) *ceiling.Ceiling {
	t.Helper()
	c, err := ceiling.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSessionsOfAnHour(t *testing.T) {
	both(t, func(t *testing.T, c *ceiling.Ceiling) {
		begun := time.Now()
		n, full := fill(c, "example.com")
		if n != 600 {
			t.Errorf("got %d sessions, want 600", n)
		}
		if wait := full.Again.Sub(begun); wait < time.Hour || wait > 61*time.Minute {
			t.Errorf("got room again after %s, want an hour and at most a minute more", wait)
		}
		if err := c.Session("example.net"); err != nil {
			t.Errorf("got %v for another platform, want room", err)
		}
		time.Sleep(time.Until(full.Again) - time.Second)
		if c.Session("example.com") == nil {
			t.Error("got a session a second before there is room, want none")
		}
		time.Sleep(time.Second)
		if n, _ := fill(c, "example.com"); n != 600 {
			t.Errorf("got %d sessions when there is room again, want 600", n)
		}
	})
}

// TestNoHourHasMore: in no hour, wherever it begins, are there more sessions.
func TestNoHourHasMore(t *testing.T) {
	both(t, func(t *testing.T, c *ceiling.Ceiling) {
		var at []time.Time
		for begun := time.Now(); time.Since(begun) < 5*time.Hour; time.Sleep(time.Duration(len(at)%7) * time.Second) {
			if c.Session("example.com") == nil {
				at = append(at, time.Now())
			}
			time.Sleep(time.Second)
		}
		for i := 600; i < len(at); i++ {
			if took := at[i].Sub(at[i-600]); took < time.Hour {
				t.Fatalf("got 601 sessions within %s, want at most 600 in an hour", took)
			}
		}
		if len(at) < 4*600 {
			t.Errorf("got %d sessions in five hours, want nearly 3000", len(at))
		}
	})
}

func TestRoomEntersNothing(t *testing.T) {
	both(t, func(t *testing.T, c *ceiling.Ceiling) {
		for range 700 {
			if err := c.Room("example.com", 600); err != nil {
				t.Fatalf("got %v of a platform nobody was at, want room", err)
			}
		}
		if err := c.Session("example.com"); err != nil {
			t.Fatal(err)
		}
		if c.Room("example.com", 600) == nil {
			t.Error("got room for 600 sessions besides one, want none")
		}
		if err := c.Room("example.com", 599); err != nil {
			t.Errorf("got %v, want room for 599", err)
		}
	})
}

func TestRecipientsOfFiveMinutes(t *testing.T) {
	both(t, func(t *testing.T, c *ceiling.Ceiling) {
		for i := range 5 {
			if err := c.Recipients("192.0.2.1", 10); err != nil {
				t.Fatalf("after %d: %v", 10*i, err)
			}
		}
		var full *ceiling.Reached
		if err := c.Recipients("192.0.2.1", 1); !errors.As(err, &full) {
			t.Fatalf("got %v for the 51st, want the ceiling", err)
		}
		if wait := time.Until(full.Again); wait < 5*time.Minute || wait > 5*time.Minute+5*time.Second {
			t.Errorf("got room again after %s, want five minutes and at most five seconds more", wait)
		}
		c.Return("192.0.2.1", 3) // they were refused
		if err := c.Recipients("192.0.2.1", 4); err == nil {
			t.Error("got room for four where three were given back, want none")
		}
		if err := c.Recipients("192.0.2.1", 3); err != nil {
			t.Errorf("got %v, want the room that was given back", err)
		}
		if err := c.Recipients("192.0.2.2", 1); err != nil {
			t.Errorf("got %v for another address, want room", err)
		}
	})
}

// TestMoreThanEverFits: who wants more than there ever is waits for an empty
// window, not for ever.
func TestMoreThanEverFits(t *testing.T) {
	if err := ceiling.New().Room("example.com", 10_000); err != nil {
		t.Errorf("got %v, want room", err)
	}
}

// TestReturnOfWhatIsTooOld: recipients that no longer count cannot be given back
// at the cost of those that do.
func TestReturnIsNoCredit(t *testing.T) {
	both(t, func(t *testing.T, c *ceiling.Ceiling) {
		c.Return("192.0.2.1", 30)
		for range 50 {
			if err := c.Recipients("192.0.2.1", 1); err != nil {
				t.Fatal(err)
			}
		}
		if c.Recipients("192.0.2.1", 1) == nil {
			t.Error("got a 51st recipient for one that was given back before, want none")
		}
	})
}

// TestClockSetBack: what was counted by a clock that was wrong blocks nobody for
// longer than the clock was.
func TestClockSetBack(t *testing.T) {
	path := t.TempDir() + "/ceiling"
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(24 * time.Hour)
		if n, _ := fill(opened(t, path), "example.com"); n != 600 {
			t.Errorf("got %d sessions, want 600", n)
		}
	})
	synctest.Test(t, func(t *testing.T) { // a day earlier
		if n, _ := fill(opened(t, path), "example.com"); n != 600 {
			t.Errorf("got %d sessions, want 600", n)
		}
	})
}

func TestReachedSaysWhen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, full := fill(ceiling.New(), "example.com")
		want := "smtpprobe opens at most 600 sessions an hour with example.com; possible again at 2000-01-01T01:01:00Z"
		if got := full.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}
