package main

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/probe/lab"
)

// generous is far more than anything that is waited for may take: a test that
// comes to it has failed, however slow the machine is.
const generous = 30 * time.Second

// eventually waits for something that will come true.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(generous); !is(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain: %s", generous, what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// interrupted runs the command line and interrupts it as soon as it is time.
func interrupted(t *testing.T, isTime func() bool, args ...string) ran {
	t.Helper()
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	done := make(chan ran, 1)
	go func() { done <- callWith(ctx, "", args...) }()
	eventually(t, "the moment to interrupt", isTime)
	interrupt()
	select {
	case r := <-done:
		return r
	case <-time.After(generous):
		t.Fatalf("smtpprobe %q goes on %s after the interrupt", args, generous)
		return ran{}
	}
}

func TestInterrupt(t *testing.T) {
	t.Parallel()
	strict := receiver(t)
	flags := []string{"--pace", "0", "--check", "rcpt-before-mail", "--ehlo", "probe.example", "--resolver", nowhere}
	for _, c := range []struct {
		format string
		holds  func(t *testing.T, out string)
	}{
		{"json", func(t *testing.T, out string) {
			equal(t, "receivers", ran{out: out}.document(t).statuses(), []string{"127.0.0.1 ok", "127.0.0.1 interrupted"})
		}},
		{"table", func(t *testing.T, out string) {
			for _, want := range []string{"503", "interrupted"} {
				if !strings.Contains(out, want) {
					t.Errorf("got\n%s\nwant %q in it", out, want)
				}
			}
		}},
		{"ndjson", endsIncomplete},
	} {
		t.Run(c.format, func(t *testing.T) {
			silent := receiver(t, lab.Silence())
			met := func() bool { return silent.Ledger().Connections > 0 }
			r := interrupted(t, met, append(flags, "--format", c.format, strict.Addr(), silent.Addr())...)
			if r.code != exitInterrupted {
				t.Errorf("got exit code %d, want %d", r.code, exitInterrupted)
			}
			c.holds(t, r.out)
		})
	}
	t.Run("every file", func(t *testing.T) {
		silent := receiver(t, lab.Silence())
		met := func() bool { return silent.Ledger().Connections > 0 }
		files, written := everyFile(t)
		r := interrupted(t, met, slices.Concat(flags, files, []string{strict.Addr(), silent.Addr()})...)
		if r.code != exitInterrupted {
			t.Errorf("got exit code %d, want %d", r.code, exitInterrupted)
		}
		for name, content := range written() {
			if !strings.Contains(content, "503") || !strings.Contains(content, "interrupted") {
				t.Errorf("%s: got\n%s\nwant what was measured, and that it was interrupted", name, content)
			}
		}
	})
	t.Run("before a failed verdict", func(t *testing.T) {
		silent := receiver(t, lab.Silence())
		met := func() bool { return silent.Ledger().Connections > 0 }
		r := interrupted(t, met, append(flags, "--fail-on", "strict", strict.Addr(), silent.Addr())...)
		if r.code != exitInterrupted {
			t.Errorf("got exit code %d, want %d", r.code, exitInterrupted)
		}
	})
	t.Run("while the nameserver is silent", func(t *testing.T) {
		asked := make(chan struct{}, 100)
		ns := zone(t, lab.Zone{
			Faults:  map[string]lab.ZoneFault{"silent.example": lab.ZoneSilent},
			OnQuery: func(lab.ZoneQuery) { asked <- struct{}{} },
		})
		r := interrupted(t, func() bool { return len(asked) > 0 }, "--resolver", ns, "--format", "json", "silent.example")
		if r.code != exitInterrupted {
			t.Errorf("got exit code %d, want %d", r.code, exitInterrupted)
		}
		equal(t, "receivers", r.document(t).statuses(), nil)
	})
}

// endsIncomplete holds NDJSON against the contract: whole lines, the last of
// which says that this is not all.
func endsIncomplete(t *testing.T, out string) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	var last struct {
		Type     string
		Complete *bool
	}
	for _, line := range lines {
		if err := json.Unmarshal([]byte(line), &last); err != nil {
			t.Errorf("got the line %q, want an object", line)
		}
	}
	if last.Type != "end" || last.Complete == nil || *last.Complete {
		t.Errorf("got the last line %q, want an end that is not complete", lines[len(lines)-1])
	}
}

// TestInterruptedFromTheBeginning has the signal come before anything is done:
// whatever comes next, the exit code is that of an interrupt.
func TestInterruptedFromTheBeginning(t *testing.T) {
	t.Parallel()
	server := receiver(t)
	s := startSocks(t, socksGranted)
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	for _, c := range []struct {
		name string
		args []string
	}{
		{"probe", []string{"--resolver", nowhere, server.Addr()}},
		{"domain", []string{"--resolver", nowhere, "shop.example"}},
		{"dry run", []string{"--resolver", nowhere, "--dry-run", server.Addr()}},
		{"proxy", []string{"--resolver", nowhere, "--proxy", s.url(), "--ehlo", "probe.example", server.Addr()}},
		{"demo", []string{"demo", "strict.example"}},
		{"lab", []string{"lab"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if r := callWith(ctx, "", c.args...); r.code != exitInterrupted {
				t.Errorf("got exit code %d, want %d; standard error: %s", r.code, exitInterrupted, r.err)
			}
		})
	}
	if got := server.Ledger().Connections; got != 0 {
		t.Errorf("the receiver counted %d connections, want none", got)
	}
}
