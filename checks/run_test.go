package checks_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
)

// earlyTalkers notes the numbers of the connections whose client spoke before
// the greeting, and of all.
type earlyTalkers struct {
	early []int
	all   int
}

func (e *earlyTalkers) box() *middlebox {
	return &middlebox{opens: func(p *passage) bool {
		e.all = p.number
		if p.hear(10*time.Millisecond) != "" {
			e.early = append(e.early, p.number)
		}
		return false
	}}
}

// TestEarlyTalkComesLast holds that what may cost the prober its reputation is
// played when all else is done, also where it is asked again: behind it comes
// only the first baseline again.
func TestEarlyTalkComesLast(t *testing.T) {
	for name, l := range map[string]lab.Lapse{
		"refused": lab.DemandTLS(), "accepted": lab.AcceptEarlyTalk(),
		"hung up on": lab.HangUpOnErrors(""), "answered 421": lab.HangUpOnErrors("421 4.5.0 Go away"),
	} {
		t.Run(name, func(t *testing.T) {
			var talkers earlyTalkers
			askThrough(t, lab.Receiver{Lapses: []lab.Lapse{l}}, talkers.box(), nil)
			if len(talkers.early) == 0 {
				t.Fatal("got no early talk, want some")
			}
			for i, number := range talkers.early {
				if want := talkers.all - len(talkers.early) + i; number < want {
					t.Errorf("early talk on connections %v of %d, want them last but for one", talkers.early, talkers.all)
				}
			}
		})
	}
}

// TestBlockedAtTheEnd holds that a receiver which turns the prober away at the
// end of the run takes back what has no control in its own session, and only
// that: the form of replies that were heard needs none.
func TestBlockedAtTheEnd(t *testing.T) {
	// The strict receiver served these a legal command beside the tested one.
	controlled := []string{
		"starttls-before-ehlo", "starttls-after-helo", "starttls-with-parameter", "pipeline-sync-command-mid-group/vrfy",
		"split-line/mid-verb", "split-line/cr-lf", "vrfy-reply", "bdat-without-mail", "bdat-without-rcpt", "bdat-malformed/no-size", "bdat-malformed/bad-size", "bdat-malformed/bad-marker",
		"bare-lf-command", "bare-cr-command", "nul-byte", "empty-line", "line-512", "line-overlong", "trailing-space",
		"mail-syntax/space-after-colon", "mail-syntax/no-brackets",
		"rcpt-before-ehlo", "data-before-ehlo", "data-after-rcpt-refused", "rset-with-argument", "noop-with-argument", "unknown-command",
		"helo-single-line", "ehlo-no-argument", "helo-clears", "mail-rejected-no-transaction", "help-keeps-transaction", "vrfy-keeps-transaction",
		"mail-before-ehlo", "rcpt-before-mail", "data-before-mail", "data-without-rcpt", "nested-mail",
		"rset-clears", "ehlo-clears", "noop-keeps-transaction", "starttls-inside-tls", "tls-mail-without-ehlo", "starttls-injection",
		"param-unknown/mail", "param-unknown/rcpt", "size-over-limit", "smtputf8-unadvertised", "non-ascii-address", "dsn-bad-value",
		"requiretls-in-clear", "params-after-helo", "auth-before-ehlo", "auth-mid-transaction", "auth-cancel", "auth-unknown-mechanism",
	}
	strict, _ := ask(t, lab.Receiver{}, nil)
	blocked := false
	box := &middlebox{opens: func(p *passage) bool {
		if blocked {
			p.say("554 5.7.1 You talk too early")
			return true
		}
		blocked = p.hear(10*time.Millisecond) != ""
		return false
	}}
	a := askThrough(t, lab.Receiver{}, box, nil)
	sound(t, a)
	for i, got := range a.report.Results {
		want := strict.Results[i].Verdict
		if want.Known() && !got.Check.Observes() && !slices.Contains(controlled, got.Check.ID) {
			want = probe.Inconclusive
			if !strings.Contains(got.Reason, "at the end of the run") {
				t.Errorf("%s: got the reason %q, want one that names the end of the run, or the check in the list of those that are controlled", got.Check.ID, got.Reason)
			}
		}
		if got.Verdict != want {
			t.Errorf("%s: got %s (%s), want %s", got.Check.ID, got.Verdict, got.Reason, want)
		}
	}
}

// TestShiftedReplies holds that a middlebox which says something twice, so that
// everything behind it is answered with the reply to the command before, gets
// nobody accused: the receiver behind it is strict. What gives the shift away is
// the end of a session: QUIT is not answered 221, nor RSET 250.
func TestShiftedReplies(t *testing.T) {
	for n := 1; n <= 8; n++ {
		t.Run(number(n), func(t *testing.T) {
			a := askThrough(t, lab.Receiver{GreetDelay: time.Second}, twice(n), nil)
			sound(t, a)
			for _, res := range a.report.Results {
				switch res.Verdict {
				case probe.Strict, probe.Correct, probe.Broken, probe.Inconclusive, probe.NotApplicable:
				default:
					t.Errorf("%s: got %s (%s) and %q", res.Check.ID, res.Verdict, res.Reason, res.Conformance)
					show(t, res)
				}
			}
		})
	}
}

// TestShiftBehindOneCheck holds that a shift which only the octets of one kind of
// check bring about is laid to them, and to nothing else. Nothing in the exchange
// itself shows it: what gives it away is QUIT, which gets the reply to something
// else and 221 only behind it.
func TestShiftBehindOneCheck(t *testing.T) {
	for octets, shifts := range map[string][]string{
		"BDAT ": {"bdat-without-mail", "bdat-without-rcpt"},
		"\x00":  {"nul-byte"},
	} {
		t.Run(shifts[0], func(t *testing.T) {
			strict, _ := ask(t, lab.Receiver{}, nil)
			a := askThrough(t, lab.Receiver{}, &middlebox{client: func(p *passage, said string) fate {
				sent := strings.Join(p.said, "")
				if said == "QUIT\r\n" && strings.Contains(sent, octets) {
					p.say("250 2.0.0 Ok")
				}
				return forward
			}}, nil)
			sound(t, a)
			for i, got := range a.report.Results {
				want := strict.Results[i].Verdict
				switch {
				case slices.Contains(shifts, got.Check.ID):
					want = probe.Broken
					if !strings.Contains(got.Reason, string(probe.NoteShifted)) {
						t.Errorf("%s: got the reason %q, want one that says so", got.Check.ID, got.Reason)
					}
				case got.Check.ID == "one-reply-per-command":
					continue
				case strings.HasPrefix(got.Check.ID, "bdat-") || strings.HasPrefix(got.Check.ID, "data-after-b"):
					continue // in the same octets
				}
				if got.Verdict != want {
					t.Errorf("%s: got %s (%s), want %s", got.Check.ID, got.Verdict, got.Reason, want)
					show(t, got)
				}
			}
		})
	}
}

// TestLateGoodbye holds that a 221 which comes later than anybody waits for it is no
// reply to something else: the other checks of a session are what they are.
func TestLateGoodbye(t *testing.T) {
	strict, _ := ask(t, lab.Receiver{}, nil)
	a := askThrough(t, lab.Receiver{Lapses: []lab.Lapse{lab.Late("QUIT", 5100*time.Millisecond)}}, nil, nil)
	sound(t, a)
	for i, got := range a.report.Results {
		if quits := strings.Contains(got.Check.ID, "quit"); !quits && got.Verdict != strict.Results[i].Verdict {
			t.Errorf("%s: got %s (%s), want %s", got.Check.ID, got.Verdict, got.Reason, strict.Results[i].Verdict)
		}
	}
}

// TestSomeSessionsShift holds that nobody is accused where some sessions are out of
// step whatever is sent in them, as behind a balancer with one bad machine: the
// controls show it.
func TestSomeSessionsShift(t *testing.T) {
	for _, nth := range []int{2, 3} {
		strict, _ := ask(t, lab.Receiver{}, nil)
		a := askThrough(t, lab.Receiver{}, &middlebox{client: func(p *passage, said string) fate {
			if said == "QUIT\r\n" && p.number%nth == 0 {
				p.say("250 2.0.0 Ok")
			}
			return forward
		}}, nil)
		sound(t, a)
		for i, got := range a.report.Results {
			quits := strings.Contains(got.Check.ID, "quit") || got.Check.ID == "one-reply-per-command"
			if !quits && got.Verdict != strict.Results[i].Verdict && got.Verdict != probe.Inconclusive {
				t.Errorf("every session of %d shifted: %s: got %s (%s), want %s or inconclusive", nth, got.Check.ID, got.Verdict, got.Reason, strict.Results[i].Verdict)
			}
		}
	}
}

// TestSomeSessionsRepeatAReply holds the same where a reply in the middle of every
// other session comes twice, too late for the command that it answers. Where checks
// of several groups are then out of step, it is not their doing.
func TestSomeSessionsRepeatAReply(t *testing.T) {
	for n := 3; n <= 7; n++ {
		t.Run(number(n), func(t *testing.T) {
			again := twice(n)
			server, client := again.server, again.client
			again.server = func(p *passage, octets string) string {
				if p.number%2 == 0 {
					return server(p, octets)
				}
				return octets
			}
			again.client = func(p *passage, octets string) fate {
				if p.number%2 == 0 {
					return client(p, octets)
				}
				return forward
			}
			a := askThrough(t, lab.Receiver{GreetDelay: time.Second}, again, nil)
			sound(t, a)
			groups := map[probe.Group][]string{}
			for _, got := range a.report.Results {
				if got.Verdict == probe.Broken && !got.Check.Observes() {
					groups[got.Check.Group] = append(groups[got.Check.Group], got.Check.ID+": "+got.Reason)
				}
			}
			if len(groups) > 1 {
				t.Errorf("got checks of several groups broken, want none to be blamed: %v", groups)
			}
		})
	}
}

// TestAnotherMachineOffersLess holds that a check which needs an extension is not
// played where the EHLO of its own session does not offer it, wherever in the
// session that EHLO stands.
func TestAnotherMachineOffersLess(t *testing.T) {
	strict, _ := ask(t, lab.Receiver{}, nil)
	for nth := 2; nth <= 6; nth++ {
		a := askThrough(t, lab.Receiver{Lapses: []lab.Lapse{lab.Machine(nth, "other.example", lab.OfferNothing())}}, nil, nil)
		sound(t, a)
		for i, got := range a.report.Results {
			want := strict.Results[i].Verdict
			if got.Verdict != want && got.Verdict != probe.Inconclusive && want != probe.NotApplicable {
				t.Errorf("every session of %d offers nothing: %s: got %s (%s), want %s or inconclusive", nth, got.Check.ID, got.Verdict, got.Reason, want)
				show(t, got)
			}
		}
	}
}

// twice repeats the nth reply of every session once the client has written
// again: too late for the command that it answers, and in time for the next one.
func twice(n int) *middlebox {
	again := map[int]string{} // by session
	return &middlebox{
		delay: 20 * time.Millisecond, // the right reply is on its way while the next command is written
		server: func(p *passage, octets string) string {
			if p.replies-replies(octets) < n && p.replies >= n {
				again[p.number] = octets
			}
			return octets
		},
		client: func(p *passage, _ string) fate {
			p.sayRaw(again[p.number])
			delete(again, p.number)
			return forward
		},
	}
}

// TestPostmasterRefused holds that a strict receiver which has no postmaster is
// called strict, and that no session costs more than two error replies there.
func TestPostmasterRefused(t *testing.T) {
	for _, b := range bases() {
		t.Run(b.name, func(t *testing.T) {
			strict := b.ask(t, nil, nil)
			modest(t, strict)
			a := b.ask(t, answers(at("M", "RCPT"), "550 5.1.1 No such mailbox"), nil)
			sound(t, a)
			modest(t, a)
			for i, got := range a.report.Results {
				want := strict.report.Results[i].Verdict
				if got.Check.ID == "param-unknown/rcpt" { // refused with its parameter as without
					want = probe.Inconclusive
				}
				if got.Verdict != want {
					t.Errorf("%s: got %s (%s), want %s", got.Check.ID, got.Verdict, got.Reason, want)
				}
			}
		})
	}
}
