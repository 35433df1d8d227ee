package main

import (
	"testing"

	"github.com/smtpprobe/smtpprobe/probe/lab"
)

// TestFirst has receivers at 127.0.0.2 and 127.0.0.3 only: nobody listens at
// 127.0.0.1 and 127.0.0.4. The zone gives addresses in the order of its records.
func TestFirst(t *testing.T) {
	t.Parallel()
	servers, port := street(t, 2, 3)
	ns := zone(t, lab.Zone{Records: `
good.example. MX 10 mx.good.example.
good.example. MX 20 backup.good.example.
mx.good.example. A 127.0.0.2
mx.good.example. A 127.0.0.3
backup.good.example. A 127.0.0.3
next.example. MX 10 mx.next.example.
mx.next.example. A 127.0.0.1
mx.next.example. A 127.0.0.4
mx.next.example. A 127.0.0.2
mx.next.example. A 127.0.0.3
backup.example. MX 10 mx.backup.example.
backup.example. MX 20 spare.backup.example.
mx.backup.example. A 127.0.0.1
spare.backup.example. A 127.0.0.2
dangling.example. MX 10 gone.dangling.example.
dangling.example. MX 20 mx.good.example.
dangling.example. MX 30 mx.next.example.
second.example. MX 10 mx.second.example.
mx.second.example. A 127.0.0.2
two.example. MX 10 mx.two.example.
mx.two.example. A 127.0.0.1
mx.two.example. A 127.0.0.3`})
	first := func(t *testing.T, code int, targets ...string) document {
		t.Helper()
		return probed(t, code, append([]string{"--resolver", ns, "--allow-private", "--port", port, "--first"}, targets...)...)
	}
	t.Run("the best address alone", func(t *testing.T) {
		equal(t, "receivers", first(t, exitRan, "good.example").statuses(), []string{"127.0.0.2 ok"})
	})
	t.Run("goes on where it is refused", func(t *testing.T) {
		equal(t, "receivers", first(t, exitRan, "next.example").statuses(), []string{"127.0.0.1 refused", "127.0.0.4 refused", "127.0.0.2 ok"})
	})
	t.Run("not to a higher preference value", func(t *testing.T) {
		equal(t, "receivers", first(t, exitNothing, "backup.example").statuses(), []string{"127.0.0.1 refused"})
	})
	t.Run("past an exchanger without an address", func(t *testing.T) {
		equal(t, "receivers", first(t, exitRan, "dangling.example").statuses(), []string{"127.0.0.2 ok"})
	})
	t.Run("a host of the user's", func(t *testing.T) {
		equal(t, "receivers", first(t, exitRan, "mx.next.example:"+port).statuses(), []string{"127.0.0.1 refused", "127.0.0.4 refused", "127.0.0.2 ok"})
	})
	t.Run("a spare that is another one's first is probed once", func(t *testing.T) {
		before := servers[2].Ledger().Connections
		d := first(t, exitRan, "next.example", "second.example")
		count, sessions := 0, 0
		for _, r := range d.Receivers {
			if r.Address == house(2) {
				count++
				sessions = r.Sessions
			}
		}
		if count != 1 {
			t.Errorf("got the receivers %q, want 127.0.0.2 once", d.statuses())
		}
		if got := servers[2].Ledger().Connections - before; got != sessions {
			t.Errorf("the receiver counted %d connections, want the %d of one run", got, sessions)
		}
	})
	t.Run("a domain that shares a first that is refused goes on to its own spare", func(t *testing.T) {
		d := first(t, exitRan, "next.example", "two.example")
		found := false
		for _, r := range d.Receivers {
			found = found || r.Address == house(3) && r.Status == "ok"
		}
		if !found {
			t.Errorf("got the receivers %q, want 127.0.0.3 for two.example among them", d.statuses())
		}
	})
}

func TestPlatformsAreLimited(t *testing.T) {
	t.Parallel()
	servers, port := street(t, 1, 2, 3, 4)
	ns := zone(t, lab.Zone{Records: `
many.example. MX 10 mx1.host.example.
many.example. MX 20 mx2.host.example.
many.example. MX 30 mx3.host.example.
many.example. MX 40 mx.other.example.
mx1.host.example. A 127.0.0.1
mx2.host.example. A 127.0.0.2
mx3.host.example. A 127.0.0.3
mx.other.example. A 127.0.0.4`})
	d := probed(t, exitRan, "--resolver", ns, "--allow-private", "--port", port, "--max-per-platform", "2", "many.example")
	equal(t, "receivers", d.statuses(), []string{"127.0.0.1 ok", "127.0.0.2 ok", "127.0.0.4 ok", "127.0.0.3 skipped"})
	if r := d.Receivers[3]; r.Reason == "" || r.Platform != "host.example" {
		t.Errorf("got platform %q and reason %q, want host.example and a reason", r.Platform, r.Reason)
	}
	if got := servers[3].Ledger().Connections; got != 0 {
		t.Errorf("the skipped receiver counted %d connections, want none", got)
	}
}
