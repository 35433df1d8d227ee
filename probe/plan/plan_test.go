package plan_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/plan"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

func pointers(all []probe.Check) []*probe.Check {
	var list []*probe.Check
	for i := range all {
		list = append(list, &all[i])
	}
	return list
}

func ids(s plan.Session) []string {
	var all []string
	for _, c := range s.Checks {
		all = append(all, c.ID)
	}
	return all
}

func sends(c *probe.Check, verb string) bool {
	return slices.ContainsFunc(c.Script, func(s probe.Step) bool { return slices.Contains(s.Verbs(), verb) })
}

func namesRecipient(c *probe.Check) bool {
	return slices.ContainsFunc(c.Script, func(s probe.Step) bool { return strings.Contains(s.Text, "{rcpt}") })
}

// TestPlanKeepsTheBudgets holds, for any selection of checks on any kind of
// receiver, that each check has its place exactly once and that no session that
// is shared goes beyond what real servers bear.
func TestPlanKeepsTheBudgets(t *testing.T) {
	all := checks.All()
	rapid.Check(t, func(t *rapid.T) {
		var picked []*probe.Check
		for i := range all {
			if rapid.Bool().Draw(t, all[i].ID) {
				picked = append(picked, &all[i])
			}
		}
		facts := probe.Facts{Channel: rapid.SampledFrom([]probe.Channel{probe.Clear, probe.Upgraded, probe.Implicit}).Draw(t, "channel")}
		if rapid.Bool().Draw(t, "postmaster refused") {
			facts.Postmaster = smtp.Reply{Code: 550}
		}
		limit := rapid.SampledFrom([]string{"", "LIMITS MAILMAX=3", "LIMITS RCPTMAX=9 MAILMAX=20"}).Draw(t, "limits")
		if limit != "" {
			facts.Offered = smtp.Capabilities{limit}
		}
		sessions := plan.Work{Checks: picked, Facts: facts, Budget: plan.Polite()}.Sessions()
		seen := map[string]int{}
		for i, s := range sessions {
			for _, id := range ids(s) {
				seen[id]++
			}
			holdSession(t, s, limit)
			if i > 0 && slices.ContainsFunc(sessions[i-1].Checks, func(c *probe.Check) bool { return c.Risky }) &&
				!slices.ContainsFunc(s.Checks, func(c *probe.Check) bool { return c.Risky }) {
				t.Fatalf("session %v comes after a risky one", ids(s))
			}
		}
		for _, c := range picked {
			want := 1
			if c.Observes() {
				want = 0 // it sends nothing
			}
			if seen[c.ID] != want {
				t.Fatalf("%s: got %d places, want %d", c.ID, seen[c.ID], want)
			}
		}
		for id := range seen {
			if !slices.ContainsFunc(picked, func(c *probe.Check) bool { return c.ID == id }) {
				t.Fatalf("%s: is planned, and was not picked", id)
			}
		}
	})
}

func holdSession(t *rapid.T, s plan.Session, limit string) {
	if len(s.Checks) > 1 {
		if s.Cost.Errors > 2 || s.Cost.NonMail > 8 || s.Cost.Hellos > 2 || s.Cost.Commands > 18 {
			t.Fatalf("session %v: got %+v, want at most 2 errors, 8 commands that are not mail, 2 hellos, 18 commands", ids(s), s.Cost)
		}
		if limit == "LIMITS MAILMAX=3" && s.Cost.Mails > 3 {
			t.Fatalf("session %v: got %d MAILs, want at most 3", ids(s), s.Cost.Mails)
		}
	}
	recipient := false
	for i, c := range s.Checks {
		if c.Own && len(s.Checks) > 1 {
			t.Fatalf("session %v: %s wants a session of its own", ids(s), c.ID)
		}
		if c.Start == probe.Greeted && i > 0 && s.Checks[i-1].Script.Leads(probe.Greeted) != probe.Greeted {
			t.Fatalf("session %v: %s has to come before EHLO", ids(s), c.ID)
		}
		if i+1 < len(s.Checks) && (sends(c, "DATA") || sends(c, "BDAT")) {
			t.Fatalf("session %v: %s sends DATA, so it has to come last", ids(s), c.ID)
		}
		if c.Final && i+1 < len(s.Checks) {
			t.Fatalf("session %v: %s has to come last", ids(s), c.ID)
		}
		if recipient && (sends(c, "DATA") || sends(c, "BDAT")) {
			t.Fatalf("session %v: %s sends DATA after a recipient was named", ids(s), c.ID)
		}
		recipient = recipient || namesRecipient(c)
	}
}

// TestPlanIsSmall holds the number of sessions of each profile, so that a change
// which costs receivers more is seen.
func TestPlanIsSmall(t *testing.T) {
	for profile, most := range map[probe.Profile]int{probe.Quick: 16, probe.Standard: 53, probe.Full: 62} {
		var picked []probe.Check
		for _, c := range checks.All() {
			if c.Profile <= profile && c.Needs.Greeting == "" { // as on a receiver that greets
				picked = append(picked, c)
			}
		}
		sessions := plan.Work{Checks: pointers(picked), Budget: plan.Polite()}.Sessions()
		if len(sessions) > most {
			t.Errorf("%s: got %d sessions, want at most %d", profile, len(sessions), most)
			for _, s := range sessions {
				t.Logf("%+v %v", s.Cost, ids(s))
			}
		}
	}
}

func TestPlanWhereMailDemandsTLS(t *testing.T) {
	sessions := plan.Work{Checks: pointers(checks.All()), Facts: probe.Facts{Channel: probe.Upgraded}, Budget: plan.Polite()}.Sessions()
	for _, s := range sessions {
		want := probe.Upgraded
		if s.Checks[0].InClear() {
			want = probe.Clear // it is about the way into TLS, or about what is wrong without it
		}
		if s.Channel != want {
			t.Errorf("%v: got channel %d, want %d", ids(s), s.Channel, want)
		}
	}
}

// TestRidersKnowWhatTheyNeed holds that behind a control stands no check that needs
// one which comes later, and that controls stay in their order.
func TestRidersKnowWhatTheyNeed(t *testing.T) {
	controls := []probe.Baseline{probe.B1, probe.B2, probe.B3}
	for profile := probe.Quick; profile <= probe.Full; profile++ {
		var picked []probe.Check
		for _, c := range checks.All() {
			if c.Profile <= profile {
				picked = append(picked, c)
			}
		}
		riders := 0
		w := plan.Work{Checks: pointers(picked), Controls: controls, Facts: probe.Facts{}.Hoping(controls), Budget: plan.Polite()}
		for i, s := range w.Sessions() {
			if i < len(controls) != (s.Head != "") || i < len(controls) && s.Head != controls[i] {
				t.Fatalf("session %d begins with %q, want the controls first and in their order", i+1, s.Head)
			}
			for _, c := range s.Checks {
				if s.Head == "" {
					continue
				}
				riders++
				for _, needed := range c.Controls() {
					if needed != s.Head {
						t.Errorf("%s stands behind %s and needs %s", c.ID, s.Head, needed)
					}
				}
			}
		}
		if riders == 0 {
			t.Errorf("%s: got no check behind a control, want some", profile)
		}
	}
}
