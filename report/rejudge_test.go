package report_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	catalogue "github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/run"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
	"github.com/smtpprobe/smtpprobe/probe/wire"
	"github.com/smtpprobe/smtpprobe/report"
	"github.com/smtpprobe/smtpprobe/report/schematest"
)

// labRun probes a receiver of the lab with the whole catalogue, in memory and
// under a clock that jumps.
func labRun(t *testing.T, rcv lab.Receiver, change func(*run.Options)) report.Run {
	t.Helper()
	out := report.Run{Version: "1.2.3", Profile: "full", Order: catalogue.All()}
	synctest.Test(t, func(t *testing.T) {
		network := lab.NewMemory()
		server, err := rcv.Serve(network)
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		o := run.Options{
			Catalogue: catalogue.All(), Selected: catalogue.All(), TLS: run.Auto, Timeout: time.Hour,
			Wire: wire.Config{Values: probe.Values{EHLO: "probe.example", From: "<>"}, Dial: network.DialContext, Pace: time.Second},
		}
		if change != nil {
			change(&o)
		}
		out.Order, out.Started = o.Selected, time.Now().UTC()
		out.Receivers = []probe.Report{run.Receiver(t.Context(), probe.Receiver{
			Host: "receiver.example", Address: "192.0.2.1", Port: 25, Platform: "receiver.example",
			Recipient: "postmaster@receiver.example", Domains: []string{"receiver.example"}, Public: true,
		}, o)}
		out.Elapsed = time.Since(out.Started)
	})
	return out
}

// stored are receivers whose runs are written, read and judged again: of every
// channel, and of every way in which a run ends early.
func stored() map[string]struct {
	receiver lab.Receiver
	change   func(*run.Options)
} {
	type world = struct {
		receiver lab.Receiver
		change   func(*run.Options)
	}
	with := func(lapses ...lab.Lapse) lab.Receiver { return lab.Receiver{Lapses: lapses} }
	in := func(way run.TLS) func(*run.Options) { return func(o *run.Options) { o.TLS = way } }
	return map[string]world{
		"strict":                      {with(), nil},
		"all inside TLS":              {with(), in(run.StartTLS)},
		"TLS from the first octet":    {lab.Receiver{ImplicitTLS: true}, in(run.Implicit)},
		"no TLS":                      {with(), in(run.Never)},
		"TLS is demanded":             {with(lab.DemandTLS()), nil},
		"TLS is demanded and not had": {with(lab.DemandTLS()), in(run.Never)},
		"a login is demanded":         {with(lab.DemandLogin()), nil},
		"the client is refused":       {with(lab.RefuseClient()), nil},
		"it never takes mail":         {with(lab.NeverTakesMail()), nil},
		"MAIL is refused":             {with(lab.RefuseByPolicy("MAIL")), nil},
		"greylisted":                  {with(lab.Greylist()), nil},
		"tries that disagree":         {with(lab.Machine(3, "other.example", lab.HangUpOnErrors(""))), nil},
		"it hangs up on errors":       {with(lab.CloseAfterErrors(1, "")), nil},
		"replies are lost":            {with(lab.SwallowNth(3)), nil},
		"out of step":                 {with(lab.Repeat("NOOP")), nil},
		"it is silent":                {with(lab.Silence()), nil},
		"time is spent":               {with(lab.Tarpit(20 * time.Second)), func(o *run.Options) { o.Timeout = 5 * time.Minute }},
		"nobody is there": {with(), func(o *run.Options) {
			o.Wire.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, syscall.ECONNREFUSED }
		}},
		"one check, which needs others": {with(), func(o *run.Options) {
			o.Selected = []probe.Check{*probe.CheckByID(o.Catalogue, "data-after-rcpt-refused"), *probe.CheckByID(o.Catalogue, "pipeline-group")}
		}},
	}
}

// TestReportsAreReadBack holds that a report says the same when it was read and
// is written again, and that judging it again changes nothing.
func TestReportsAreReadBack(t *testing.T) {
	for name, w := range stored() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fresh := labRun(t, w.receiver, w.change)
			for _, transcripts := range []bool{true, false} {
				readsBack(t, fresh, catalogue.All(), transcripts)
			}
			judgesAlike(t, fresh)
		})
	}
}

func readsBack(t *testing.T, fresh report.Run, all []probe.Check, transcripts bool) {
	t.Helper()
	want := encodeRun(t, fresh, transcripts)
	again, err := report.Read(bytes.NewReader(want), all)
	if err != nil {
		t.Fatal(err)
	}
	same(t, fmt.Sprintf("as JSON, transcripts %v", transcripts), encodeRun(t, again, transcripts), want)
	lines := stream(t, fresh, transcripts)
	if again, err = report.Read(bytes.NewReader(lines), all); err != nil {
		t.Fatal(err)
	}
	same(t, fmt.Sprintf("as NDJSON, transcripts %v", transcripts), stream(t, again, transcripts), lines)
	same(t, fmt.Sprintf("NDJSON as JSON, transcripts %v", transcripts), encodeRun(t, again, transcripts), want)
}

func stream(t *testing.T, r report.Run, transcripts bool) []byte {
	t.Helper()
	var out bytes.Buffer
	s := report.NewStream(&out, transcripts)
	err := s.Begin(r)
	for i := 0; i < len(r.Domains) && err == nil; i++ {
		err = s.Domain(r.Domains[i])
	}
	for i := 0; i < len(r.Receivers) && err == nil; i++ {
		err = s.Receiver(r.Receivers[i])
	}
	if err == nil {
		err = s.End(true, r)
	}
	if err != nil {
		t.Fatal(err)
	}
	schematest.Valid(t, "the run as NDJSON", out.Bytes())
	return out.Bytes()
}

// same compares texts line by line, and shows the first that differ.
func same(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if bytes.Equal(got, want) {
		return
	}
	g, w := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			t.Errorf("%s, line %d: got %.300s, want %.300s", what, i+1, g[i], w[i])
			return
		}
	}
	t.Errorf("%s: got %d lines, want %d", what, len(g), len(w))
}

// judgesAlike holds that today's rules say of a stored run what they said live.
func judgesAlike(t *testing.T, fresh report.Run) {
	t.Helper()
	text := encodeRun(t, fresh, true)
	read, err := report.Read(bytes.NewReader(text), catalogue.All())
	if err != nil {
		t.Fatal(err)
	}
	again := report.Rejudge(read, catalogue.All())
	for _, c := range again.Changes {
		t.Errorf("%s: got %s (%s), was %s (%s)", c.New.Check.ID, c.New.Verdict, c.New.Reason, c.Old.Verdict, c.Old.Reason)
	}
	for _, s := range again.Stay {
		t.Errorf("%v: stay as they are, since %s", s.Checks, s.Why)
	}
	if results := len(fresh.Receivers[0].Results); again.Judged != results {
		t.Errorf("got %d results judged again, want %d", again.Judged, results)
	}
	same(t, "judged again", encodeRun(t, again.Run, true), text)
}

// TestWhatIsNoTranscriptIsReadBack holds that a verdict survives that rests on
// what no transcript shows.
func TestWhatIsNoTranscriptIsReadBack(t *testing.T) {
	strict := labRun(t, lab.Receiver{}, nil)
	for name, change := range map[string]func(*probe.Record){
		"a check whose turn did not come": func(rec *probe.Record) {
			delete(rec.Tries, "nested-mail")
			rec.Lost = map[string]string{"nested-mail": "its sessions ended before its turn"}
		},
		"a control by itself was out of step": func(rec *probe.Record) {
			rec.Shifted = true
			again := append(slices.Clone(rec.Tries["nul-byte"][0]), probe.Event{From: probe.FromProbe, Note: probe.NoteShifted})
			rec.Tries = maps.Clone(rec.Tries)
			rec.Tries["nul-byte"] = []probe.Transcript{again}
		},
	} {
		t.Run(name, func(t *testing.T) {
			fresh := strict
			r := strict.Receivers[0]
			r.Record.Tries = maps.Clone(r.Record.Tries)
			change(&r.Record)
			r.Results = slices.Clone(r.Results)
			for i, res := range r.Results {
				r.Results[i] = probe.Decide(res.Check, catalogue.All(), r.Record)
			}
			fresh.Receivers = []probe.Report{r}
			readsBack(t, fresh, catalogue.All(), true)
			judgesAlike(t, fresh)
		})
	}
}

// TestRejudgeSaysWhatChanged holds that a rule that changes changes the results
// of its check and no other.
func TestRejudgeSaysWhatChanged(t *testing.T) {
	read := reread(t, labRun(t, lab.Receiver{}, nil), true)
	all := catalogue.All()
	rule := probe.CheckByID(all, "rcpt-before-mail")
	rule.Rev = 7
	rule.Judge.Find = func(probe.Evidence) probe.Finding {
		return probe.Found(probe.Deviant, smtp.Reply{Code: 502}, "a new rule")
	}
	again := report.Rejudge(read, all)
	if len(again.Changes) != 1 || len(again.Stay) != 0 {
		t.Fatalf("got %d changes and %d that stay, want one and none", len(again.Changes), len(again.Stay))
	}
	c := again.Changes[0]
	if c.Old.Verdict != probe.Strict || c.New.Verdict != probe.Deviant || c.New.Check.Rev != 7 || c.New.Reason != "a new rule" {
		t.Errorf("got %s, then %s by revision %d (%s), want strict, then deviant by revision 7", c.Old.Verdict, c.New.Verdict, c.New.Check.Rev, c.New.Reason)
	}
	i := slices.IndexFunc(again.Run.Receivers[0].Results, func(r probe.Result) bool { return r.Check.ID == rule.ID })
	if got := again.Run.Receivers[0].Results[i]; got.Verdict != probe.Deviant {
		t.Errorf("got %s in the run, want deviant", got.Verdict)
	}
	if was := read.Receivers[0].Results[i]; was.Verdict != probe.Strict {
		t.Errorf("got %s in the run that was read, want it as it was", was.Verdict)
	}
}

// TestRejudgeKeepsWhatItCannotJudge holds that without all that a judgement needs
// a result stays as it is, and says why.
func TestRejudgeKeepsWhatItCannotJudge(t *testing.T) {
	leaky := labRun(t, lab.Receiver{Lapses: []lab.Lapse{lab.KeepAcrossHello(), lab.KeepTransactionAcrossTLS()}}, nil)
	repeated := leaky
	var runs probe.Runs
	runs.Add(leaky.Receivers[0])
	runs.Add(leaky.Receivers[0])
	repeated.Receivers, repeated.Repeat = []probe.Report{runs.Join()}, 2
	wrong := catalogue.All()
	for i := range wrong { // whatever is judged again would be seen
		wrong[i].Judge.Find = func(probe.Evidence) probe.Finding { return probe.Found(probe.Broken, smtp.Reply{}, "judged") }
	}
	older := bytes.ReplaceAll(encodeRun(t, leaky, true), []byte(`"record":`), []byte(`"none":`))
	tests := []struct {
		name   string
		text   []byte
		judged []string
		why    string
	}{
		{"no transcripts but those that accuse", encodeRun(t, leaky, false), []string{"rcpt-before-mail", "ehlo-clears", "helo-clears", "starttls-mid-transaction", "tls-transaction-survives"}, "it carries no transcript"},
		{"repeated runs", encodeRun(t, repeated, true), nil, "the runs of --repeat"},
		{"an older report", older, nil, "version that did not keep"},
		{"an unknown check", bytes.ReplaceAll(encodeRun(t, leaky, true), []byte(`"nested-mail"`), []byte(`"nested-mule"`)), nil, "check is of another version"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			read, err := report.Read(bytes.NewReader(tt.text), wrong)
			if err != nil {
				t.Fatal(err)
			}
			again := report.Rejudge(read, wrong)
			whys := ""
			var stay, judged []string
			for _, s := range again.Stay {
				whys += s.Why + "; "
				stay = append(stay, s.Checks...)
			}
			for _, c := range read.Receivers[0].Results {
				if !slices.Contains(stay, c.Check.ID) {
					judged = append(judged, c.Check.ID)
				}
			}
			if !strings.Contains(whys, tt.why) {
				t.Errorf("got the reasons %s want %q among them", whys, tt.why)
			}
			if len(judged) != again.Judged || tt.name != "an unknown check" && !slices.Equal(judged, tt.judged) {
				t.Errorf("got %d results judged again, %v, want %v", again.Judged, judged, tt.judged)
			}
			if tt.name == "repeated runs" {
				same(t, "unchanged", encodeRun(t, again.Run, read.Transcripts), tt.text)
			}
		})
	}
}

func reread(t *testing.T, r report.Run, transcripts bool) report.Run {
	t.Helper()
	read, err := report.Read(bytes.NewReader(encodeRun(t, r, transcripts)), catalogue.All())
	if err != nil {
		t.Fatal(err)
	}
	return read
}
