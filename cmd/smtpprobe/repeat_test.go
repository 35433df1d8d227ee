package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe/lab"
)

// repeatedDocument is what JSON says of runs that were repeated.
type repeatedDocument struct {
	Receivers []struct {
		Address, Status, Reason string
		Runs                    []struct{ Status string }
		Results                 []struct {
			Verdict string
			Agree   struct {
				Same, Of, Runs int
				Kind           string
			}
		}
	}
	Differences []struct {
		Host, Check string
		Answers     []struct {
			Verdict   string
			Addresses []string
		}
	}
}

func (r ran) repeated(t *testing.T) repeatedDocument {
	t.Helper()
	var d repeatedDocument
	if err := json.Unmarshal([]byte(r.out), &d); err != nil {
		t.Fatalf("standard output is no JSON: %v\n%s\nstandard error: %s", err, r.out, r.err)
	}
	return d
}

func oftenFlags(format, interval string, more ...string) []string {
	return append([]string{
		"--repeat", "3", "--interval", interval, "--format", format, "--pace", "0", "--check", "rcpt-before-mail",
		"--ehlo", "probe.example", "-v",
	}, more...)
}

func TestRepeatComparesTheAddressesOfAnExchanger(t *testing.T) {
	t.Parallel()
	_, port := streetOf(t, func(n int) []lab.Lapse {
		if n == 3 {
			return []lab.Lapse{lab.Replace("502 5.5.1 Command not implemented")}
		}
		return nil
	}, 2, 3)
	ns := zone(t, lab.Zone{Records: `
shop.example. MX 10 mx.shop.example.
mx.shop.example. A 127.0.0.2
mx.shop.example. A 127.0.0.3`})
	flags := []string{"--resolver", ns, "--allow-private", "--port", port, "shop.example"}
	r := call(t, oftenFlags("json", "0", flags...)...)
	d := r.repeated(t)
	if r.code != exitRan || len(d.Differences) != 1 || d.Differences[0].Host != "mx.shop.example" || d.Differences[0].Check != "rcpt-before-mail" {
		t.Fatalf("got exit code %d and differences %v, want one between the addresses of mx.shop.example", r.code, d.Differences)
	}
	for _, a := range d.Differences[0].Answers {
		want := map[string]string{"strict": "127.0.0.2", "deviant": "127.0.0.3"}[a.Verdict]
		equal(t, "addresses that are "+a.Verdict, a.Addresses, []string{want})
	}
	for _, row := range d.Receivers {
		if a := row.Results[0].Agree; a.Same != 3 || a.Kind != "deterministic" {
			t.Errorf("%s: got %v, want three that agree", row.Address, a)
		}
	}
	r = call(t, oftenFlags("ndjson", "0", flags...)...)
	if !strings.Contains(r.out, `"type":"end","complete":true`) || !strings.Contains(r.out, `"differences":[{"host":"mx.shop.example"`) {
		t.Errorf("got\n%s\nwant the difference in the last line", r.out)
	}
	r = call(t, oftenFlags("table", "0", flags...)...)
	if want := "  rcpt-before-mail: strict (503) at 127.0.0.2, deviant (502) at 127.0.0.3."; !strings.Contains(r.out, want) {
		t.Errorf("got\n%s\nwant %q in it", r.out, want)
	}
}

// TestRepeatGoesToTheSameReceivers: with --first, later runs go to those that
// the first one came to.
func TestRepeatGoesToTheSameReceivers(t *testing.T) {
	t.Parallel()
	servers, port := street(t, 2, 3)
	ns := zone(t, lab.Zone{Records: `
shop.example. MX 10 mx.shop.example.
mx.shop.example. A 127.0.0.4
mx.shop.example. A 127.0.0.2
mx.shop.example. A 127.0.0.3`})
	r := call(t, oftenFlags("json", "0", "--first", "--resolver", ns, "--allow-private", "--port", port, "shop.example")...)
	equal(t, "receivers", r.document(t).statuses(), []string{"127.0.0.4 refused", "127.0.0.2 ok"})
	for _, row := range r.repeated(t).Receivers {
		if len(row.Runs) != 3 {
			t.Errorf("%s: got %d runs, want 3", row.Address, len(row.Runs))
		}
	}
	if got := servers[3].Ledger().Connections; got != 0 {
		t.Errorf("got %d connections with the receiver that is not the best, want none", got)
	}
}

// TestRepeatDoesNotAskWhoTurnsAway: two connections that are turned away are
// the last ones, of all runs.
func TestRepeatDoesNotAskWhoTurnsAway(t *testing.T) {
	t.Parallel()
	server := receiver(t, lab.HangUp(lab.Place{Verb: lab.Greeting}, "421 4.7.0 Go away"))
	r := call(t, oftenFlags("json", "0", "--resolver", nowhere, server.Addr())...)
	if got := server.Ledger().Connections; r.code != exitNothing || got != 2 {
		t.Errorf("got exit code %d after %d connections in three runs, want %d after two", r.code, got, exitNothing)
	}
}

// TestRepeatStreamsReceivers: the line of a receiver is there when its last run
// is over, while the next one is still asked.
func TestRepeatStreamsReceivers(t *testing.T) {
	t.Parallel()
	// The third run of the second receiver gets no greeting.
	steady, silent := receiver(t), receiver(t, lab.Machine(9, "", lab.Silence()))
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var out, errs said
	done := make(chan int, 1)
	args := oftenFlags("ndjson", "0", "--resolver", nowhere, steady.Addr(), silent.Addr())
	go func() { done <- execute(ctx, args, strings.NewReader(""), &out, &errs) }()
	eventually(t, "the line of the first receiver, while the second one is silent", func() bool {
		return silent.Ledger().Connections == 9 && out.has(`"type":"receiver"`)
	})
	interrupt()
	if code := <-done; code != exitInterrupted {
		t.Errorf("got exit code %d, want %d", code, exitInterrupted)
	}
}

// said is standard error while the program writes it.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) has(words string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Contains(s.text.String(), words)
}

// interruptedAt runs the command line and interrupts it when it has said the
// words, and what else is waited for has come true.
func interruptedAt(t *testing.T, words string, isTime func() bool, args ...string) ran {
	t.Helper()
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var out bytes.Buffer
	var errs said
	done := make(chan int, 1)
	go func() { done <- execute(ctx, args, strings.NewReader(""), &out, &errs) }()
	eventually(t, "the moment to interrupt", func() bool { return errs.has(words) && isTime() })
	interrupt()
	return ran{code: <-done, out: out.String(), err: errs.text.String()}
}

func TestInterruptOfRepeatedRuns(t *testing.T) {
	t.Parallel()
	const waiting, second = "run 1 of 3 is over", "run 2 of 3 [0/1]"
	always := func() bool { return true }
	t.Run("while it waits for the next", func(t *testing.T) {
		t.Parallel()
		r := interruptedAt(t, waiting, always, oftenFlags("json", "1h", "--resolver", nowhere, receiver(t).Addr())...)
		d := r.repeated(t)
		if r.code != exitInterrupted || len(d.Receivers) != 1 {
			t.Fatalf("got exit code %d and %d receivers, want %d and one; standard error: %s", r.code, len(d.Receivers), exitInterrupted, r.err)
		}
		row := d.Receivers[0]
		if a := row.Results[0].Agree; row.Status != "ok" || row.Results[0].Verdict != "strict" || len(row.Runs) != 1 || a.Runs != 1 || a.Kind != "" {
			t.Errorf("got %+v, want what the first run measured, and nothing to compare", row)
		}
	})
	t.Run("in the table", func(t *testing.T) {
		t.Parallel()
		r := interruptedAt(t, waiting, always, oftenFlags("table", "1h", "--resolver", nowhere, receiver(t).Addr())...)
		for _, want := range []string{"strict 503", "Runs that were made: 1 of 3.", "One run alone: there is nothing to compare."} {
			if r.code != exitInterrupted || !strings.Contains(r.out, want) {
				t.Errorf("got exit code %d and\n%s\nwant %d and %q", r.code, r.out, exitInterrupted, want)
			}
		}
	})
	t.Run("in NDJSON", func(t *testing.T) {
		t.Parallel()
		r := interruptedAt(t, waiting, always, oftenFlags("ndjson", "1h", "--resolver", nowhere, receiver(t).Addr())...)
		endsIncomplete(t, r.out)
		if !strings.Contains(r.out, `"type":"receiver"`) || !strings.Contains(r.out, `"verdict":"strict"`) {
			t.Errorf("got\n%s\nwant what the first run measured", r.out)
		}
	})
	t.Run("in the middle of a run", func(t *testing.T) {
		t.Parallel()
		// The first run takes four sessions; the second one gets no greeting.
		silent := receiver(t, lab.Machine(5, "", lab.Silence()))
		met := func() bool { return silent.Ledger().Connections == 5 }
		r := interruptedAt(t, second, met, oftenFlags("json", "0", "--resolver", nowhere, silent.Addr())...)
		row := r.repeated(t).Receivers[0]
		if a := row.Results[0].Agree; r.code != exitInterrupted || row.Status != "interrupted" || !strings.Contains(row.Reason, "in run 2") ||
			row.Results[0].Verdict != "strict" || len(row.Runs) != 2 || a.Of != 1 || a.Kind != "" {
			t.Errorf("got exit code %d and %+v, want the verdict of the first run, which the second does not touch", r.code, row)
		}
	})
}
