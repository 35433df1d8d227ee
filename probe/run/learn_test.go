package run_test

import (
	"strings"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/run"
)

// TestLimitsAreLearnt holds that a limit which a receiver has for one session is
// run into once or twice and then kept to: hardly a check is asked again because of
// it, and the verdicts are those of a receiver without one, but for checks whose own
// script is beyond it.
func TestLimitsAreLearnt(t *testing.T) {
	reference := strict(t, everything)
	tests := []struct {
		lapse  lab.Lapse
		again  int    // sessions for something that had one, at most
		beyond string // checks that need more than the limit in one session, or make observations of the refusal
	}{
		{lab.CloseAfterErrors(3, "421 4.7.0 Too many errors"), 0, ""},
		{lab.CloseAfterErrors(2, "421 4.7.0 Too many errors"), 4, "mail-rejected-no-transaction data-after-rcpt-refused data-after-bdat bdat-rejected-swallows pipeline-data-group"},
		{lab.CloseAfterErrors(2, ""), 4, "mail-rejected-no-transaction data-after-rcpt-refused data-after-bdat bdat-rejected-swallows pipeline-data-group"},
		{lab.CloseAfterCommands(9, ""), 6, "pipeline-long-group"},
		{lab.CloseAfterCommands(13, "421 4.7.0 Bye"), 5, "pipeline-long-group"},
		{lab.CloseAfterNonMail(6, ""), 8, "pipeline-long-group"},
		{lab.CloseAfterNonMail(7, "554 Too many nonmail commands"), 6, "pipeline-long-group enhanced-codes/presence"},
	}
	for _, tt := range tests {
		t.Run(tt.lapse.Name, func(t *testing.T) {
			turns, again := map[string]bool{}, 0
			w := &world{receiver: lab.Receiver{Lapses: []lab.Lapse{tt.lapse}}, change: func(o *run.Options) {
				everything(o)
				o.Progress = func(p run.Progress) {
					for what := range strings.SplitSeq(p.Doing, ", ") {
						if turns[what] {
							again++
						}
						turns[what] = true
					}
				}
			}}
			out := w.probe(t)
			sound(t, w, out)
			if again > tt.again {
				t.Errorf("got %d turns for what had one, want at most %d", again, tt.again)
			}
			t.Logf("%d sessions, %d turns for what had one", out.report.Sessions, again)
			for i, res := range out.report.Results {
				if strings.Contains(tt.beyond, res.Check.ID) && res.Verdict != probe.Lenient && res.Verdict != probe.Strict {
					out.report.Results[i].Verdict = verdicts(reference)[res.Check.ID]
				}
			}
			same(t, out.report, reference)
		})
	}
}

// TestWordsOfALimitAreNoAnswer holds that what a receiver says in place of its second
// error, before it hangs up, is not taken for its reply to the command.
func TestWordsOfALimitAreNoAnswer(t *testing.T) {
	deviant := lab.Replace("502 5.5.1 Command not implemented")
	want := (&world{receiver: lab.Receiver{Lapses: []lab.Lapse{deviant}}, change: everything}).probe(t).report
	w := &world{receiver: lab.Receiver{Lapses: []lab.Lapse{lab.CloseAfterErrors(2, "554 5.5.1 Too many errors"), deviant}}, change: everything}
	out := w.probe(t)
	sound(t, w, out)
	honest(t, out.report, want, false)
}
