package checks_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/run"
)

// deviation is a lapse and what the cards say that it changes. Whatever is not
// named must be as on the strict receiver: a fault of a receiver must not colour
// the checks that are not about it.
type deviation struct {
	lapse lab.Lapse
	box   *middlebox // in place of a lapse
	named string     // of the middlebox

	// is are the checks that must say otherwise: a verdict, or several by "|".
	is map[string]string
	// may are verdicts that any check may come to besides.
	may string
	// lost are checks of which nothing may be known; "*" stands for all.
	lost []string
	// blind: nothing may be known of any check.
	blind bool
	// many: one of a long list of its kind, which is not tried on all bases.
	many bool
}

func (d deviation) name() string {
	if d.named != "" {
		return d.named
	}
	return d.lapse.Name
}

// base is a strict receiver and the way to talk to it.
type base struct {
	name       string
	extensions []string
	implicit   bool
	tls        run.TLS
	sessions   int  // at once
	few        bool // some checks of each kind, not all
	many       bool // the long lists are tried here too
}

func bases() []base {
	return []base{
		{name: "in clear", tls: run.Auto, many: true},
		{name: "without PIPELINING", tls: run.Auto, extensions: without("PIPELINING"), many: true},
		{name: "four sessions at once", tls: run.Auto, sessions: 4},
		{name: "inside TLS", tls: run.StartTLS},
		{name: "TLS from the first octet", tls: run.Implicit, implicit: true},
	}
}

// timeout is the default of --timeout.
const timeout = 15 * time.Minute

func (b base) ask(t *testing.T, lapses []lab.Lapse, box *middlebox) asked {
	t.Helper()
	receiver := lab.Receiver{Extensions: b.extensions, ImplicitTLS: b.implicit, Lapses: lapses}
	return askThrough(t, receiver, box, func(o *run.Options) {
		o.TLS, o.Timeout, o.Wire.Sessions = b.tls, timeout, b.sessions
		if b.few {
			o.Catalogue, o.Selected = few(), few()
		}
	})
}

// few are one or more checks of each kind.
func few() []probe.Check {
	kinds := strings.Fields(`early-talk mail-before-ehlo noop-before-ehlo rcpt-before-mail data-before-mail data-without-rcpt
		nested-mail rset-clears ehlo-clears noop-keeps-transaction rcpt-refused-keeps-transaction starttls-mid-transaction starttls-inside-tls
		tls-mail-without-ehlo tls-transaction-survives starttls-injection pipeline-group pipeline-unadvertised
		pipeline-after-helo pipeline-ehlo-head quit-closes`)
	return slices.DeleteFunc(checks.All(), func(c probe.Check) bool { return !slices.Contains(kinds, c.ID) })
}

// TestLapsesInClear probes a receiver with one lapse each with the whole
// catalogue, and holds that no check says more than its card allows.
func TestLapsesInClear(t *testing.T) {
	b := bases()[0]
	strict := b.ask(t, nil, nil)
	modest(t, strict)
	for _, d := range deviations() {
		if !d.many {
			t.Run(d.name(), func(t *testing.T) { b.deviates(t, d, strict) })
		}
	}
}

// TestLapses does the same over all bases, and with the long lists, for one or
// more checks of each kind: what a channel, or octets that are no replies, do to
// one refusal they do to all.
func TestLapses(t *testing.T) {
	for nth, b := range bases() {
		b.few = true
		strict := b.ask(t, nil, nil)
		modest(t, strict)
		for i, d := range deviations() {
			if d.many && !b.many || nth > 0 && i%3 != nth%3 { // a third of them, of every kind
				continue
			}
			t.Run(b.name+"/"+d.name(), func(t *testing.T) { b.deviates(t, d, strict) })
		}
	}
}

// deviates probes a receiver with a lapse beside the strict one.
func (b base) deviates(t *testing.T, d deviation, strict asked) {
	t.Parallel()
	var lapses []lab.Lapse
	if d.box == nil {
		lapses = []lab.Lapse{d.lapse}
	}
	a := b.ask(t, lapses, d.box)
	sound(t, a)
	if a.report.Elapsed > timeout+time.Second {
		t.Errorf("the run took %s, want at most %s", a.report.Elapsed, timeout)
	}
	for i, got := range a.report.Results {
		d.hold(t, got, strict.report.Results[i], a.report)
	}
}

// hold compares a result with that of the strict receiver.
func (d deviation) hold(t *testing.T, got, strict probe.Result, r probe.Report) {
	t.Helper()
	id := got.Check.ID
	var want []string
	changed, named := d.is[id]
	switch {
	case d.blind && !named:
		want = []string{probe.Inconclusive.String()}
		if heardOf(got, r) {
			want = append(want, probe.NotApplicable.String())
		}
	case named:
		want = strings.Split(changed, "|")
		if strict.Verdict == probe.NotApplicable { // by its base, not by the lapse
			want = append(want, strict.Verdict.String())
		}
	default:
		want = []string{strict.Verdict.String()}
	}
	if !d.blind && d.may != "" {
		want = append(want, strings.Split(d.may, "|")...)
	}
	if slices.Contains(d.lost, id) || slices.Contains(d.lost, "*") {
		want = append(want, probe.Inconclusive.String())
	}
	if !slices.Contains(want, got.Verdict.String()) {
		t.Errorf("%s: got %s (%s), want one of %s", id, got.Verdict, got.Reason, want)
		show(t, got)
	}
	if got.Verdict == strict.Verdict && got.Conformance != strict.Conformance {
		t.Errorf("%s: got %s and %q, want %q as from the strict receiver", id, got.Verdict, got.Conformance, strict.Conformance)
	}
}

// heardOf reports whether the reason of a result that is not applicable can be
// known: what is offered and what not only an EHLO tells that was answered. All
// receivers of these tests offer something.
func heardOf(res probe.Result, r probe.Report) bool {
	return len(r.Offered) > 0 || !strings.Contains(res.Reason, "offered")
}

// TestEveryLapseIsListed holds that the table names all lapses of the lab, so
// that a new one has to be thought about here.
func TestEveryLapseIsListed(t *testing.T) {
	listed := map[string]bool{}
	for _, d := range deviations() {
		if listed[d.name()] {
			t.Errorf("%s: listed twice", d.name())
		}
		listed[d.name()] = true
	}
	for _, l := range lab.Lapses() {
		if !listed[l.Name] {
			t.Errorf("%s (%s): a lapse without a line in the table", l.Name, l.Note)
		}
	}
}

// TestDeviationsNameChecks holds that the table knows the checks it names.
func TestDeviationsNameChecks(t *testing.T) {
	known := map[string]bool{"*": true}
	for _, r := range rows() {
		known[r.check] = true
	}
	for _, d := range deviations() {
		names := slices.Clone(d.lost)
		for id := range d.is {
			names = append(names, id)
		}
		for _, id := range names {
			if !known[id] {
				t.Errorf("%s: names %q, which is no check", d.name(), id)
			}
		}
	}
}

// TestNeverFavoured holds the rule of the issue: a receiver that never answers,
// drips, floods or hangs up never yields strict, lenient or correct.
func TestNeverFavoured(t *testing.T) {
	hopeless := []lab.Lapse{
		lab.Silence(), lab.Drip(10 * time.Second), lab.Tarpit(2 * time.Minute),
		lab.HangUp(lab.Place{}, ""), lab.HangUp(lab.Place{Verb: lab.Greeting}, ""), lab.HangUp(lab.Place{}, "421 4.3.2 Down"),
		lab.ResetAt(1), lab.Foreign("SSH-2.0-receiver\r\n", false), lab.Foreign("\x00\x00\x00", true),
	}
	for _, place := range []string{lab.Greeting, "EHLO"} {
		hopeless = append(hopeless, lab.FloodOfLines(place), lab.FloodOfOctets(place), lab.FloodOfReplies(place))
		for kind, octets := range lab.Garbage() {
			if kind != "octets" && kind != "lone-lf" && kind != "code-alone" { // those can be read
				hopeless = append(hopeless, lab.Garble(kind, place, octets))
			}
		}
	}
	for i, l := range hopeless {
		t.Run(fmt.Sprintf("%d/%s", i, l.Name), func(t *testing.T) {
			t.Parallel()
			a := base{tls: run.Auto}.ask(t, []lab.Lapse{l}, nil)
			sound(t, a)
			for _, res := range a.report.Results {
				switch res.Verdict {
				case probe.Strict, probe.Lenient, probe.Correct:
					t.Errorf("%s: got %s (%s)", res.Check.ID, res.Verdict, res.Reason)
					show(t, res)
				case probe.NotApplicable:
					if !heardOf(res, a.report) {
						t.Errorf("%s: got %s (%s), but nobody heard what is offered", res.Check.ID, res.Verdict, res.Reason)
					}
				}
			}
			if a.report.Status == probe.StatusOK {
				t.Errorf("got status ok, want one that says why nothing is known")
			}
		})
	}
}
