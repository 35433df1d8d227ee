package main

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe/lab"
)

// endless is a file of targets that never ends, as a pipe may be. It gives up
// after far more lines than anybody should have read.
type endless struct {
	lines int
	most  int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.lines >= e.most {
		return 0, io.EOF
	}
	n := 0
	for {
		line := fmt.Sprintf("d%d.example\n", e.lines)
		if n+len(line) > len(p) {
			return n, nil
		}
		n += copy(p[n:], line)
		e.lines++
	}
}

func TestTargetsAreBounded(t *testing.T) {
	t.Parallel()
	t.Run("too many", func(t *testing.T) {
		var lines strings.Builder
		for i := range maxTargets + 1 {
			fmt.Fprintf(&lines, "d%d.example\n", i)
		}
		r := callWith(t.Context(), lines.String(), "--resolver", nowhere, "-")
		if r.code != exitUsage || r.out != "" {
			t.Errorf("got exit code %d and %q on standard output, want %d and nothing", r.code, r.out, exitUsage)
		}
		if err := oneLine(r.err, fmt.Sprintf("at most %d", maxTargets)); err != nil {
			t.Error(err)
		}
	})
	t.Run("without an end", func(t *testing.T) {
		in := &endless{most: 200_000}
		var out, errs strings.Builder
		if code := execute(t.Context(), []string{"--resolver", nowhere, "-"}, in, &out, &errs); code != exitUsage {
			t.Errorf("got exit code %d, want %d", code, exitUsage)
		}
		if most := 100 * maxTargets; in.lines > most {
			t.Errorf("got %d lines read, want no more than %d", in.lines, most)
		}
	})
	t.Run("a line without an end is one bad line", func(t *testing.T) {
		server := receiver(t)
		ns := zone(t, lab.Zone{Records: "good.example. MX 10 mx.good.example.\nmx.good.example. A 127.0.0.1"})
		in := "good.example\n" + strings.Repeat("x", 100_000) + "\n"
		r := callWith(t.Context(), in, "--resolver", ns, "--allow-private", "--port", portOf(t, server.Addr()),
			"--pace", "0", "--check", "rcpt-before-mail", "--format", "json", "-")
		if r.code != exitRan {
			t.Fatalf("got exit code %d, want %d; standard error: %s", r.code, exitRan, r.err)
		}
		d := r.document(t)
		equal(t, "receivers", d.statuses(), []string{"127.0.0.1 ok"})
		if len(d.Domains) != 2 || d.Domains[1].Status != "invalid" || !strings.HasPrefix(d.Domains[1].Reason, "line 2: ") {
			t.Errorf("got the domains %q, want the second to be a bad line 2", d.domains())
		}
	})
}

// TestRunGoesOnPastAReceiver has one receiver fail in each way while another is
// measured as if it were alone.
func TestRunGoesOnPastAReceiver(t *testing.T) {
	t.Parallel()
	good := receiver(t)
	for _, c := range []struct {
		name, status string
		lapse        lab.Lapse
	}{
		{"hangs up", "blocked", lab.HangUp(lab.Place{Verb: lab.Greeting}, "")},
		{"turns away", "blocked", lab.RefuseClient()},
		{"never takes mail", "blocked", lab.NeverTakesMail()},
		{"speaks another protocol", "not-smtp", lab.Foreign("SSH-2.0-receiver\r\n", true)},
		{"floods", "not-smtp", lab.FloodOfOctets(lab.Greeting)},
		{"is not taken in by policy", "blocked", lab.RefuseByPolicy("MAIL")},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			bad := receiver(t, c.lapse)
			d := probed(t, exitRan, "--resolver", nowhere, "--reply-timeout", "2s", bad.Addr(), good.Addr())
			equal(t, "receivers", d.statuses(), []string{"127.0.0.1 " + c.status, "127.0.0.1 ok"})
			if got := d.Receivers[0].Results[0].Verdict; got != "inconclusive" {
				t.Errorf("got %s for the receiver that %s, want inconclusive", got, c.name)
			}
			if got := d.Receivers[1].Results[0].Verdict; got != "strict" {
				t.Errorf("got %s for the strict receiver, want strict", got)
			}
			if d.Receivers[0].Reason == "" || d.Receivers[0].Results[0].Reason == "" {
				t.Error("got no reason, want one")
			}
		})
	}
}
