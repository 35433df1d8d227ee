package probe_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
)

// once is what one run says of the check: a verdict and a code, or none and why,
// on the machine of that name.
type once struct {
	verdict probe.Verdict
	code    int
	reason  string
	backend string
	says    probe.Conformance
	held    string       // the guard's words where it let nothing through
	status  probe.Status // of the run; empty: ok
}

func (o once) report(c *probe.Check) probe.Report {
	var t probe.Transcript
	if o.backend != "" {
		t = append(t, probe.Event{From: probe.FromServer, Text: "220 " + o.backend + " ESMTP\r\n"})
	}
	if o.held != "" {
		t = append(t, probe.Event{From: probe.FromProbe, Note: probe.NoteHeld, Text: o.held})
	}
	t = append(t, probe.Event{From: probe.FromClient, Text: "RSET\r\n"})
	res := probe.Result{Check: c, Verdict: o.verdict, Conformance: o.says, Reason: o.reason, Transcript: t}
	res.Reply.Code = o.code
	r := probe.Report{
		Status: probe.StatusOK, Sessions: 4, Commands: 20, Elapsed: time.Second, Results: []probe.Result{res},
		Controls: []probe.ControlRun{{ID: "B0", Transcript: t}},
	}
	if o.status != "" {
		r.Status, r.Reason = o.status, "as it is"
	}
	return r
}

func joined(c *probe.Check, runs ...once) probe.Report {
	var all probe.Runs
	for _, o := range runs {
		all.Add(o.report(c))
	}
	return all.Join()
}

var (
	strict503 = once{verdict: probe.Strict, code: 503, says: probe.Conforms, backend: "a.example"}
	strict500 = once{verdict: probe.Strict, code: 500, says: probe.Conforms, backend: "a.example"}
	lenient25 = once{verdict: probe.Lenient, code: 250, says: probe.Violates, backend: "b.example"}
	dropped   = once{verdict: probe.Dropped, says: probe.Violates}
	dropped42 = once{verdict: probe.Dropped, code: 421, says: probe.Conforms}
	absent    = once{verdict: probe.NotApplicable, reason: "STARTTLS is not offered"}
	greylist  = once{reason: "transient: 450 later", code: 450}
	banned    = once{reason: "policy: 550 go away", code: 550}
	torn      = once{reason: "two tries disagree: strict (503 no), then lenient (250 yes)", code: 250}
	spent     = once{reason: "RCPT could not be sent", held: probe.QuotaSpent + ": it was named 4 times"}
	tainted   = once{reason: "RCPT could not be sent", held: "a reply that no command asked for"}
	cut       = once{reason: "seen once and not confirmed", status: probe.StatusInterrupted}
	skipped   = once{reason: "there is no way", status: probe.StatusSkipped}
	blocked   = once{reason: "the greeting was 554", status: probe.StatusBlocked}
)

func TestRunsAgreeOrNot(t *testing.T) {
	for _, tt := range []struct {
		name    string
		runs    []once
		agree   string // same/of in runs kind, run that is shown
		verdict probe.Verdict
		says    probe.Conformance
		reason  string
	}{
		{"three alike", []once{strict503, strict503, strict503}, "3/3 in 3 deterministic, run 3", probe.Strict, probe.Conforms, ""},
		{"a run that differs at the end", []once{strict503, strict503, lenient25}, "2/3 in 3 flaky, run 3", probe.Inconclusive, "", "flaky: strict (503) in 2 of 3 runs, lenient (250) in 1; each backend always gives the same answer"},
		{"a run that differs at the beginning", []once{lenient25, strict503, strict503}, "2/3 in 3 flaky, run 1", probe.Inconclusive, "", "flaky: strict (503) in 2 of 3 runs, lenient (250) in 1; each backend always gives the same answer"},
		{"one each", []once{lenient25, strict503}, "1/2 in 2 flaky, run 2", probe.Inconclusive, "", "flaky: lenient (250) in 1 of 2 runs, strict (503) in 1"},
		{"codes that differ", []once{strict503, strict500, strict503}, "2/3 in 3 flaky, run 2", probe.Strict, probe.Conforms, "flaky: strict (503) in 2 of 3 runs, strict (500) in 1"},
		{"codes of which the most frequent violates", []once{dropped, dropped, dropped42}, "2/3 in 3 flaky, run 2", probe.Dropped, probe.Violates, "flaky: dropped in 2 of 3 runs, dropped (421) in 1"},
		{"codes of which the rare one violates", []once{dropped42, dropped, dropped42}, "2/3 in 3 flaky, run 2", probe.Dropped, probe.Violates, "flaky: dropped (421) in 2 of 3 runs, dropped in 1"},
		{"three answers", []once{strict503, absent, lenient25}, "1/3 in 3 flaky, run 3", probe.Inconclusive, "", "flaky: strict (503) in 1 of 3 runs, not-applicable in 1, lenient (250) in 1"},

		{"one refused for the moment", []once{strict503, greylist, strict503}, "2/2 in 3 transient, run 3", probe.Strict, probe.Conforms, ""},
		{"one answer alone", []once{greylist, strict503, greylist}, "1/1 in 3 transient, run 2", probe.Strict, probe.Conforms, ""},
		{"blocked after a while", []once{strict503, strict503, blocked}, "2/2 in 3 transient, run 2", probe.Strict, probe.Conforms, ""},
		{"a reply too many, once", []once{strict503, tainted}, "1/1 in 2 transient, run 1", probe.Strict, probe.Conforms, ""},
		{"differing and refused", []once{strict503, greylist, lenient25}, "1/2 in 3 flaky, run 3", probe.Inconclusive, "", "flaky: strict (503) in 1 of 3 runs, lenient (250) in 1"},

		{"no answer at all", []once{banned, greylist}, "0/0 in 2 , run 2", probe.Inconclusive, "", "transient: 450 later"},
		{"never applicable", []once{absent, absent}, "2/2 in 2 deterministic, run 2", probe.NotApplicable, "", "STARTTLS is not offered"},
		{"applicable once", []once{absent, strict503}, "1/2 in 2 flaky, run 2", probe.Inconclusive, "", "flaky: not-applicable in 1 of 2 runs, strict (503) in 1"},

		{"tries of one run disagree", []once{strict503, torn, strict503}, "2/2 in 3 flaky, run 2", probe.Inconclusive, "", "flaky: strict (503) in 2 of 3 runs, tries that disagree in 1"},
		{"tries of every run disagree", []once{torn, torn}, "0/0 in 2 flaky, run 2", probe.Inconclusive, "", torn.reason},

		{"asked often enough", []once{strict503, spent, spent}, "1/1 in 3 , run 1", probe.Strict, probe.Conforms, ""},
		{"asked often enough after two", []once{strict503, strict503, spent}, "2/2 in 3 deterministic, run 2", probe.Strict, probe.Conforms, ""},
		{"asked often enough, and unknown before", []once{greylist, spent}, "0/0 in 2 , run 1", probe.Inconclusive, "", "transient: 450 later"},
		{"asked often enough in all", []once{spent, spent}, "0/0 in 2 , run 2", probe.Inconclusive, "", spent.reason},
		{"interrupted in the middle", []once{strict503, strict503, cut}, "2/2 in 3 deterministic, run 2", probe.Strict, probe.Conforms, ""},
		{"not tried", []once{strict503, skipped}, "1/1 in 2 , run 1", probe.Strict, probe.Conforms, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := rcptBeforeMail()
			r := joined(&c, tt.runs...).Results[0]
			a := r.Agreement
			if got := fmt.Sprintf("%d/%d in %d %s, run %d", a.Same, a.Of, a.Runs, a.Kind, a.Run); got != tt.agree {
				t.Errorf("got agreement %s, want %s", got, tt.agree)
			}
			if r.Verdict != tt.verdict || r.Conformance != tt.says || r.Reason != tt.reason {
				t.Errorf("got %s, %q (%s), want %s, %q (%s)", r.Verdict, r.Conformance, r.Reason, tt.verdict, tt.says, tt.reason)
			}
			if want := tt.runs[a.Run-1]; r.Reply.Code != want.code || len(r.Transcript) == 0 {
				t.Errorf("got reply %d and %d events, want %d and the transcript of run %d", r.Reply.Code, len(r.Transcript), want.code, a.Run)
			}
		})
	}
}

// TestTriesThatDisagreeAreFlaky holds the words by which tries that disagree are
// known against those that the judge says.
func TestTriesThatDisagreeAreFlaky(t *testing.T) {
	c := rcptBeforeMail()
	rec := heard{}.record(t)
	for _, try := range []string{strict, lenient} {
		rec.Tries[c.ID] = append(rec.Tries[c.ID], dialogue(t, helloed+try))
	}
	var runs probe.Runs
	runs.Add(probe.Report{Results: []probe.Result{probe.Decide(&c, catalogue(), rec)}})
	if a := runs.Join().Results[0].Agreement; a.Kind != probe.Flaky {
		t.Errorf("got %q, want flaky", a.Kind)
	}
}

// TestWhatNeedsASpentCheckIsNotAsked: a check that takes its control from one
// that could not be asked again is not asked either.
func TestWhatNeedsASpentCheckIsNotAsked(t *testing.T) {
	needing := probe.Check{ID: "needing", Needs: probe.Needs{Checks: []string{probe.RcptRefused}}}
	var runs probe.Runs
	runs.Add(strict503.report(&needing))
	second := greylist.report(&needing)
	second.Controls = append(second.Controls, probe.ControlRun{ID: probe.RcptRefused, Transcript: spent.report(&needing).Results[0].Transcript})
	runs.Add(second)
	a := runs.Join().Results[0].Agreement
	if a.Kind != "" || len(a.Answers) != 2 || !a.Answers[1].Unasked {
		t.Errorf("got %q of %v, want no kind and a second answer that was not asked for", a.Kind, a.Answers)
	}
}

func TestAnswersGoWithBackends(t *testing.T) {
	on := func(o once, backend string) once {
		o.backend = backend
		return o
	}
	for _, tt := range []struct {
		name string
		runs []once
		want bool
	}{
		{"each its own", []once{on(strict503, "a.example"), on(lenient25, "b.example"), on(strict503, "a.example")}, true},
		{"each its own code", []once{on(strict503, "a.example"), on(strict500, "b.example"), on(strict503, "a.example")}, true},
		{"one gives both", []once{on(strict503, "a.example"), on(lenient25, "a.example"), on(strict503, "b.example")}, false},
		{"none is met twice", []once{on(strict503, "a.example"), on(lenient25, "b.example"), on(strict503, "c.example")}, false},
		{"one has no name", []once{on(strict503, ""), on(lenient25, "b.example"), on(strict503, "")}, false},
		{"one is torn", []once{on(strict503, "a.example"), on(torn, "b.example"), on(strict503, "a.example")}, false},
		{"all are alike", []once{on(strict503, "a.example"), on(strict503, "b.example"), on(strict503, "a.example")}, false},
		{"none where nothing was said", []once{on(strict503, "a.example"), on(greylist, ""), on(lenient25, "b.example"), on(strict503, "a.example")}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := rcptBeforeMail()
			if got := joined(&c, tt.runs...).Results[0].Agreement.ByBackend; got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
	c := rcptBeforeMail()
	a := joined(&c, on(strict503, "a.example"), on(strict503, "c.example"), on(lenient25, "b.example"), on(strict503, "a.example")).Results[0].Agreement
	if got := a.Answers[0].Backends; !slices.Equal(got, []string{"a.example", "c.example"}) {
		t.Errorf("got backends %q, want both, each once", got)
	}
}
