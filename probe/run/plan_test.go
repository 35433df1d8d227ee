package run_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/run"
)

// strictWorlds are strict receivers and the ways to talk to them.
func strictWorlds() map[string]func() *world {
	tls := func(v run.TLS) func(*run.Options) { return func(o *run.Options) { o.TLS = v } }
	return map[string]func() *world{
		"in clear":           func() *world { return &world{} },
		"no TLS":             func() *world { return &world{change: tls(run.Never)} },
		"inside TLS":         func() *world { return &world{change: tls(run.StartTLS)} },
		"implicit TLS":       func() *world { return &world{receiver: lab.Receiver{ImplicitTLS: true}, change: tls(run.Implicit)} },
		"without PIPELINING": func() *world { return &world{receiver: bases()["without PIPELINING "]} },
		"without extensions": func() *world { return &world{receiver: lab.Receiver{Extensions: []string{}}} },
		"two mails a session": func() *world {
			return &world{receiver: lab.Receiver{Extensions: append(lab.DefaultExtensions(), "LIMITS MAILMAX=2")}}
		},
	}
}

// TestBudgets holds the limits of a session by the receiver's own ledger: two
// error replies, eight commands that are not mail, two EHLO or HELO, eighteen
// commands (catalogue section 4; LIMITS by RFC 9422).
func TestBudgets(t *testing.T) {
	for name, make := range strictWorlds() {
		t.Run(name, func(t *testing.T) {
			w := make()
			out := w.probe(t)
			sound(t, w, out)
			counted(t, out)
			for i, s := range out.ledger.Sessions {
				nonmail := s.Verbs["RSET"] + s.Verbs["NOOP"] + s.Verbs["EHLO"] + s.Verbs["HELO"] + s.Verbs["VRFY"] + s.Verbs["HELP"] + s.Verbs["STARTTLS"]
				hellos := s.Verbs["EHLO"] + s.Verbs["HELO"]
				if s.Handshakes > 0 && s.Verbs["MAIL"] == 1 {
					hellos-- // a check about EHLO needs a third inside TLS, and is alone
				}
				if s.Errors > 2 || nonmail > 8 || hellos > 2 || s.Commands > 18 {
					t.Errorf("session %d: got %d errors, %d commands that are not mail, %d EHLO or HELO, %d commands, want at most 2, 8, 2, 18: %v",
						i+1, s.Errors, nonmail, hellos, s.Commands, s.Verbs)
				}
				if name == "two mails a session" && s.Verbs["MAIL"] > 2 {
					t.Errorf("session %d: got %d MAILs, want at most the 2 that are offered", i+1, s.Verbs["MAIL"])
				}
			}
		})
	}
}

// TestBudgetOfErrors holds the limit of two error replies on receivers that refuse
// more than they should: a check behind another one is played only where all that
// it may cause is left.
func TestBudgetOfErrors(t *testing.T) {
	for _, lapse := range []lab.Lapse{
		lab.ForgetAtRefused("EHLO"), lab.ForgetAtRefused("RCPT"), lab.ForgetAtRefused("DATA"), lab.ForgetAtRefused("ZZPROBE"), lab.OneRecipient(),
	} {
		t.Run(lapse.Name, func(t *testing.T) {
			w := &world{receiver: lab.Receiver{Lapses: []lab.Lapse{lapse}}, change: everything}
			out := w.probe(t)
			sound(t, w, out)
			for i, s := range out.ledger.Sessions {
				if s.Errors > 2 {
					t.Errorf("session %d: got %d errors, want at most 2: %v", i+1, s.Errors, s.Verbs)
				}
			}
		})
	}
}

// TestDryRunIsTheMost holds that a receiver which does what the RFCs say, whatever
// it offers, gets no more of anything than --dry-run says.
func TestDryRunIsTheMost(t *testing.T) {
	for name, make := range strictWorlds() {
		if name == "two mails a session" {
			continue // a plan knows no limit that a receiver may have
		}
		t.Run(name, func(t *testing.T) {
			w := make()
			most := w.options().Plan()
			commands, worst := 0, 0
			for _, s := range most {
				commands, worst = commands+s.Cost.Commands, max(worst, s.AtWorst)
			}
			out := w.probe(t)
			if got := out.report.Sessions; got > len(most) {
				t.Errorf("got %d sessions, want at most the %d that were planned", got, len(most))
			}
			if got := out.report.Commands; got > commands {
				t.Errorf("got %d commands, want at most the %d that were planned", got, commands)
			}
			for i, s := range out.ledger.Sessions {
				if s.Errors > worst {
					t.Errorf("session %d: got %d errors, want at most %d", i+1, s.Errors, worst)
				}
			}
		})
	}
}

// TestOneRecipient holds that LIMITS RCPTMAX is honoured: what names two in one
// transaction is not played.
func TestOneRecipient(t *testing.T) {
	w := &world{receiver: lab.Receiver{Extensions: append(lab.DefaultExtensions(), "LIMITS RCPTMAX=1")}}
	out := w.probe(t)
	sound(t, w, out)
	if r := of(t, out.report, probe.RcptRefused); r.Verdict != probe.NotApplicable || !strings.Contains(r.Reason, "LIMITS allows 1") {
		t.Errorf("got %s (%s), want not-applicable, and that LIMITS allows 1", r.Verdict, r.Reason)
	}
	if r := of(t, out.report, "rset-clears"); r.Verdict != probe.Correct {
		t.Errorf("got %s (%s) where one RCPT is enough, want correct", r.Verdict, r.Reason)
	}
}

// TestEachCheckIsPlayedOnce holds that a strict receiver is asked everything
// once: no check is planned for a session where its turn cannot come.
func TestEachCheckIsPlayedOnce(t *testing.T) {
	for name, make := range strictWorlds() {
		t.Run(name, func(t *testing.T) {
			w := make()
			change := w.change
			times := map[string]int{}
			w.change = func(o *run.Options) {
				if change != nil {
					change(o)
				}
				o.Progress = func(p run.Progress) {
					for id := range strings.SplitSeq(p.Doing, ", ") {
						times[id]++
					}
				}
			}
			w.probe(t)
			for what, n := range times {
				if n != 1 && (name != "in clear" || what != string(probe.B0)) {
					t.Errorf("%s: got %d sessions for it, want 1", what, n)
				}
			}
		})
	}
}

// TestDryRunNamesEveryCheckOnce holds that each selected check is in the plan.
func TestDryRunNamesEveryCheckOnce(t *testing.T) {
	all := few()
	o := (&world{}).options()
	var named []string
	for _, s := range o.Plan() {
		for what := range strings.SplitSeq(s.String(), ", ") {
			if !strings.HasPrefix(what, "control ") {
				named = append(named, what)
			}
		}
	}
	slices.Sort(named)
	var want []string
	for _, c := range all {
		want = append(want, c.ID)
	}
	slices.Sort(want)
	if !slices.Equal(named, want) {
		t.Errorf("got %v, want %v", named, want)
	}
}

// TestRiskyChecksRunLast holds that what may cost the prober its reputation runs
// when nothing else is left but B0.
func TestRiskyChecksRunLast(t *testing.T) {
	for name, make := range strictWorlds() {
		t.Run(name, func(t *testing.T) {
			w := make()
			change := w.change
			var doing []string
			w.change = func(o *run.Options) {
				if change != nil {
					change(o)
				}
				o.Progress = func(p run.Progress) {
					if p.Sessions > p.Planned {
						t.Errorf("got progress of %d sessions of %d", p.Sessions, p.Planned)
					}
					doing = append(doing, p.Doing)
				}
			}
			w.probe(t)
			early := slices.IndexFunc(doing, func(d string) bool { return strings.Contains(d, "early-talk") })
			if early < 0 {
				t.Fatalf("got %v, want early-talk in it", doing)
			}
			for _, d := range doing[early:] {
				if d != "early-talk" && d != string(probe.B0Again) {
					t.Errorf("got %s after early-talk, want it last: %v", d, doing)
				}
			}
		})
	}
}

// TestBadRecipientIsNamedSeldom holds that the recipient that cannot exist is
// named at most four times to a receiver with a public address, in whatever
// sessions go wrong, and that a check which needs it more often says so.
func TestBadRecipientIsNamedSeldom(t *testing.T) {
	group := func(said []string) mood {
		if endsWith(said, "MAIL", "RCPT", "RSET", "MAIL", "RSET") {
			return cuts
		}
		return serves
	}
	alone := func(said []string) mood {
		if strings.HasSuffix(said[len(said)-1], probe.BadRecipient) {
			return cuts
		}
		return serves
	}
	both := func(said []string) mood {
		if alone(said) == cuts || group(said) == cuts {
			return cuts
		}
		return serves
	}
	for name, minds := range map[string]func([]string) mood{"the group": group, "alone": alone, "both": both} {
		w := &world{way: mind(minds)}
		out := w.probe(t)
		sound(t, w, out)
		if r := of(t, out.report, "pipeline-group"); r.Verdict == probe.Strict || r.Verdict == probe.Lenient || r.Verdict == probe.Correct {
			t.Errorf("%s: got %s (%s), want nothing good", name, r.Verdict, r.Reason)
		}
	}
}
