package run_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/run"
	"github.com/smtpprobe/smtpprobe/probe/wire"
)

// statusRow is a receiver that lets nobody measure anything.
type statusRow struct {
	name     string
	receiver lab.Receiver
	way      way
	tls      run.TLS
	ipv6     bool
	status   probe.Status
	reason   []string      // what the reason names, in any case of letters
	dials    int           // at most
	took     time.Duration // at most
}

func statusRows() []statusRow {
	const (
		connect  = 15 * time.Second
		greeting = 60 * time.Second
		reply    = 30 * time.Second
		between  = 2 * pace
	)
	speaks := func(lapses ...lab.Lapse) lab.Receiver { return lab.Receiver{Lapses: lapses} }
	at := func(verb, reply string) lab.Lapse { return lab.ReplyAt(lab.Place{Verb: verb}, reply) }
	hangUp := func(verb, reply string) lab.Lapse { return lab.HangUp(lab.Place{Verb: verb}, reply) }
	return []statusRow{
		{name: "refused", way: failing(syscall.ECONNREFUSED), status: probe.StatusRefused, reason: []string{"refused"}, dials: 2, took: between},
		{name: "reset while connecting", way: failing(syscall.ECONNRESET), status: probe.StatusRefused, reason: []string{"reset"}, dials: 2, took: between},
		{name: "no route by IPv4", way: failing(syscall.ENETUNREACH), status: probe.StatusUnreachable, reason: []string{"no route"}, dials: 1},
		{name: "no way to the host by IPv4", way: failing(syscall.EHOSTUNREACH), status: probe.StatusUnreachable, reason: []string{"no route"}, dials: 1},
		{name: "no route by IPv6", way: failing(syscall.ENETUNREACH), ipv6: true, status: probe.StatusSkipped, reason: []string{"no IPv6 route"}, dials: 1},
		{name: "no way to the host by IPv6", way: failing(syscall.EHOSTUNREACH), ipv6: true, status: probe.StatusUnreachable, reason: []string{"no route to host"}, dials: 2, took: between},
		{name: "refused by IPv6", way: failing(syscall.ECONNREFUSED), ipv6: true, status: probe.StatusRefused, reason: []string{"refused"}, dials: 2, took: between},
		{name: "forbidden by a firewall here", way: failing(syscall.EACCES), status: probe.StatusUnreachable, reason: []string{"permission denied"}, dials: 2, took: between},
		{name: "nobody answers", way: unanswered, status: probe.StatusUnreachable, reason: []string{"no answer"}, dials: 2, took: 2*connect + between},
		{name: "the system gives up", way: failing(syscall.ETIMEDOUT), status: probe.StatusUnreachable, reason: []string{"no answer"}, dials: 2, took: between},
		{name: "the proxy is not there", way: failing(fmt.Errorf("%w 192.0.2.9:1080: %w", wire.ErrProxy, syscall.ECONNREFUSED)), status: probe.StatusUnreachable, reason: []string{"proxy"}, dials: 1},
		{name: "too many open files", way: failing(syscall.EMFILE), status: probe.StatusUnreachable, reason: []string{"too many open files"}, dials: 2, took: between},

		{name: "no greeting", way: blackHole, status: probe.StatusNotSMTP, reason: []string{"no greeting"}, dials: 2, took: 2*greeting + between},
		{name: "a greeting that never ends", way: dripping("2", time.Second), status: probe.StatusNotSMTP, reason: []string{"greeting"}, dials: 2, took: 2*greeting + between},
		{name: "a greeting of lines that never ends", way: dripping("220-wait\r\n", time.Second), status: probe.StatusNotSMTP, reason: []string{"greeting"}, dials: 2, took: 2*greeting + between},
		{name: "SSH", receiver: speaks(lab.Foreign("SSH-2.0-receiver\r\n", false)), status: probe.StatusNotSMTP, reason: []string{"SSH-2.0-receiver"}, dials: 2, took: between},
		{name: "HTTP, closing", receiver: speaks(lab.Foreign("HTTP/1.1 400 Bad Request\r\n\r\n", true)), status: probe.StatusNotSMTP, reason: []string{"HTTP/1.1 400"}, dials: 2, took: between},
		{name: "octets without a line", way: says("\x00\x01\x02", true), status: probe.StatusNotSMTP, reason: []string{"greeting"}, dials: 2, took: between},
		{name: "control characters", way: says("220 \x1b[2Jhello\r\n500 no\r\n", true), status: "", dials: 2, took: between},
		{name: "a flood of octets", receiver: speaks(lab.FloodOfOctets(lab.Greeting)), status: probe.StatusNotSMTP, reason: []string{"greeting"}, dials: 2, took: 2*greeting + between},
		{name: "a flood of lines", receiver: speaks(lab.FloodOfLines(lab.Greeting)), status: probe.StatusNotSMTP, reason: []string{"greeting"}, dials: 2, took: 2*greeting + between},
		{name: "implicit TLS and none asked for", receiver: lab.Receiver{ImplicitTLS: true}, status: probe.StatusBlocked, reason: []string{"greeting", "closed"}, dials: 2, took: 2*greeting + between},

		{name: "closed before the greeting", way: says("", true), status: probe.StatusBlocked, reason: []string{"greeting", "closed"}, dials: 3, took: 2 * between},
		{name: "reset before the greeting", way: resets(0, -1), status: probe.StatusBlocked, reason: []string{"greeting", "closed"}, dials: 3, took: 2 * between},
		{name: "greets 554", receiver: speaks(lab.RefuseClient()), status: probe.StatusBlocked, reason: []string{"554"}, dials: 2, took: between},
		{name: "greets 521", receiver: speaks(lab.NeverTakesMail()), status: probe.StatusBlocked, reason: []string{"521"}, dials: 2, took: between},
		{name: "greets 421", receiver: speaks(hangUp(lab.Greeting, "421 4.7.0 Too many connections")), status: probe.StatusBlocked, reason: []string{"421 4.7.0 Too many connections"}, dials: 2, took: between},
		{name: "greets 450", receiver: speaks(at(lab.Greeting, "450 4.7.1 Later")), status: probe.StatusBlocked, reason: []string{"450"}, dials: 2, took: between},
		{name: "greets 220 and refuses EHLO", receiver: speaks(at("EHLO", "550 5.7.1 No")), status: probe.StatusBlocked, reason: []string{"EHLO", "550 5.7.1 No"}, dials: 2, took: between},
		{name: "closes at EHLO", receiver: speaks(hangUp("EHLO", "")), status: probe.StatusBlocked, reason: []string{"EHLO", "closed"}, dials: 2, took: between},
		{name: "silent from EHLO on", receiver: speaks(lab.Swallow("EHLO")), status: probe.StatusBlocked, reason: []string{"EHLO", "no reply"}, dials: 2, took: 2*reply + between},
		{name: "floods at EHLO", receiver: speaks(lab.FloodOfLines("EHLO")), status: probe.StatusBlocked, reason: []string{"EHLO"}, dials: 2, took: between + 2*reply},
		{name: "refuses MAIL by policy", receiver: speaks(lab.RefuseByPolicy("MAIL")), status: probe.StatusBlocked, reason: []string{"MAIL", "550 5.7.1"}, dials: 2, took: between},
		{name: "refuses the null sender", receiver: speaks(lab.RefuseNullSender()), status: probe.StatusBlocked, reason: []string{"MAIL", "550 5.7.1 The null sender"}, dials: 2, took: between},
		{name: "defers MAIL", receiver: speaks(at("MAIL", "451 4.3.0 Later")), status: probe.StatusBlocked, reason: []string{"MAIL", "451 4.3.0"}, dials: 2, took: between},
		{name: "closes at MAIL", receiver: speaks(hangUp("MAIL", "")), status: probe.StatusBlocked, reason: []string{"MAIL", "closed"}, dials: 2, took: between},
		{name: "421 at MAIL", receiver: speaks(hangUp("MAIL", "421 4.7.0 Go away")), status: probe.StatusBlocked, reason: []string{"MAIL", "421 4.7.0"}, dials: 2, took: between},
		{name: "silent from RSET on", receiver: speaks(lab.Swallow("RSET")), status: probe.StatusBlocked, reason: []string{"RSET", "no reply"}, dials: 2, took: 2*reply + between},

		{name: "TLS is demanded and switched off", receiver: speaks(lab.DemandTLS()), tls: run.Never, status: probe.StatusTLSRequired, reason: []string{"530 5.7.0"}, dials: 2, took: between},
		{name: "TLS is demanded and not offered", receiver: lab.Receiver{Extensions: []string{"PIPELINING"}, Lapses: []lab.Lapse{lab.DemandTLS()}}, status: probe.StatusTLSRequired, reason: []string{"530 5.7.0"}, dials: 2, took: between},
		{name: "TLS is demanded and its handshakes fail", receiver: speaks(lab.DemandTLS(), lab.FailHandshakes()), status: probe.StatusTLSRequired, reason: []string{"handshake"}, dials: 3, took: 2 * between},
		{name: "TLS is demanded and STARTTLS refused", receiver: speaks(lab.DemandTLS(), at("STARTTLS", "454 4.7.0 TLS not available")), status: probe.StatusTLSRequired, reason: []string{"STARTTLS", "454 4.7.0"}, dials: 3, took: 2 * between},
		{name: "TLS is wanted and not offered", receiver: lab.Receiver{Extensions: []string{}}, tls: run.StartTLS, status: probe.StatusTLSRequired, reason: []string{"STARTTLS"}, dials: 2, took: between},
		{name: "TLS is wanted and its handshakes fail", receiver: speaks(lab.FailHandshakes()), tls: run.StartTLS, status: probe.StatusTLSRequired, reason: []string{"handshake"}, dials: 2, took: between},
		{name: "TLS from the first octet is wanted and not there", tls: run.Implicit, status: probe.StatusTLSRequired, reason: []string{"handshake"}, dials: 2, took: between + 2*connect},
		{name: "TLS from the first octet is wanted and nobody answers", way: blackHole, tls: run.Implicit, status: probe.StatusTLSRequired, reason: []string{"handshake", "15s"}, dials: 2, took: between + 2*connect},
	}
}

// TestStatus holds status and reason of receivers that cannot be measured: no
// verdict comes of them, and asking costs what the rules say.
func TestStatus(t *testing.T) {
	for _, row := range statusRows() {
		t.Run(row.name, func(t *testing.T) {
			w := &world{receiver: row.receiver, way: row.way}
			w.change = func(o *run.Options) {
				if row.tls != "" {
					o.TLS = row.tls
				}
			}
			if row.ipv6 {
				w.target = func(r *probe.Receiver) { r.Address = "2001:db8::1" }
			}
			out := w.probe(t)
			sound(t, w, out)
			r := out.report
			if row.status == "" {
				row.status = r.Status
			}
			if r.Status != row.status {
				t.Errorf("got status %s (%s), want %s", r.Status, r.Reason, row.status)
			}
			for _, word := range row.reason {
				if !strings.Contains(strings.ToLower(r.Reason), strings.ToLower(word)) {
					t.Errorf("got the reason %q, want it to name %q", r.Reason, word)
				}
			}
			if strings.Contains(r.Reason, "nothing") {
				t.Errorf("got the reason %q, want one that does not deny what came", r.Reason)
			}
			if strings.ContainsFunc(r.Reason, func(c rune) bool { return c < ' ' || c > '~' }) {
				t.Errorf("got the reason %q, want printable ASCII", r.Reason)
			}
			for _, res := range r.Results {
				if res.Verdict.Known() {
					t.Errorf("%s: got %s (%s), want nothing known", res.Check.ID, res.Verdict, res.Reason)
				}
			}
			if out.dials > row.dials {
				t.Errorf("got %d connections, want at most %d", out.dials, row.dials)
			}
			if limit := row.took + time.Second; out.took > limit {
				t.Errorf("got a run of %s, want at most %s", out.took, limit)
			}
		})
	}
}

// TestStatusOfTheWholeRun holds the statuses that are about the run rather than
// about the receiver.
func TestStatusOfTheWholeRun(t *testing.T) {
	tests := []struct {
		name   string
		world  *world
		status probe.Status
		reason string
		took   time.Duration
	}{
		{"a strict receiver", &world{}, probe.StatusOK, "", time.Minute},
		{"the time is spent", &world{change: limit(10 * time.Second)}, probe.StatusTimedOut, "10s", 10 * time.Second},
		{"the time is spent in a dial", &world{way: unanswered, change: limit(7 * time.Second)}, probe.StatusTimedOut, "7s", 7 * time.Second},
		{"the time is spent in the greeting", &world{way: blackHole, change: limit(7 * time.Second)}, probe.StatusTimedOut, "7s", 7 * time.Second},
		{"the time is spent between sessions", &world{change: limit(1500 * time.Millisecond)}, probe.StatusTimedOut, "1.5s", 1500 * time.Millisecond},
		{"stopped", &world{giveUp: 5 * time.Second}, probe.StatusInterrupted, "stopped", 5 * time.Second},
		{"stopped in a dial", &world{way: unanswered, giveUp: 5 * time.Second}, probe.StatusInterrupted, "stopped", 5 * time.Second},
		{"stopped in the greeting", &world{way: blackHole, giveUp: 5 * time.Second}, probe.StatusInterrupted, "stopped", 5 * time.Second},
		{"stopped in a handshake", &world{way: blackHole, giveUp: 5 * time.Second, change: func(o *run.Options) { o.TLS = run.Implicit }}, probe.StatusInterrupted, "stopped", 5 * time.Second},
		{"stopped before it began", &world{giveUp: time.Nanosecond}, probe.StatusInterrupted, "stopped", time.Millisecond},
		{"a recipient that nobody can have", &world{target: func(r *probe.Receiver) { r.Recipient = "two words@example" }}, probe.StatusSkipped, "recipient", 0},
		{"an EHLO name that is none", &world{change: func(o *run.Options) { o.Wire.Values.EHLO = "no name" }}, probe.StatusSkipped, "EHLO name", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := tt.world.probe(t)
			sound(t, tt.world, out)
			if out.report.Status != tt.status || !strings.Contains(out.report.Reason, tt.reason) {
				t.Errorf("got %s (%s), want %s (...%s...)", out.report.Status, out.report.Reason, tt.status, tt.reason)
			}
			if out.took > tt.took+ending {
				t.Errorf("got a run of %s, want %s", out.took, tt.took)
			}
		})
	}
}

func limit(d time.Duration) func(*run.Options) {
	return func(o *run.Options) { o.Timeout = d }
}

// TestTimeIsSpentAtAnyMoment cuts a run short at every moment: what was measured
// stands, and nothing else is said.
func TestTimeIsSpentAtAnyMoment(t *testing.T) {
	reference := strict(t, nil)
	for _, sessions := range []int{1, 4} {
		for d := 100 * time.Millisecond; d < 25*time.Second; d += 617 * time.Millisecond {
			for _, stop := range []bool{false, true} {
				w := &world{change: func(o *run.Options) {
					o.Wire.Sessions = sessions
					if !stop {
						o.Timeout = d
					}
				}}
				if stop {
					w.giveUp = d
				}
				out := w.probe(t)
				sound(t, w, out)
				honest(t, out.report, reference, false)
				if out.took > d+ending {
					t.Errorf("after %s: got a run of %s", d, out.took)
				}
				switch status := out.report.Status; {
				case status == probe.StatusOK && out.took < d:
				case status == probe.StatusTimedOut && !stop, status == probe.StatusInterrupted && stop:
				default:
					t.Errorf("after %s: got status %s (%s)", d, status, out.report.Reason)
				}
			}
		}
	}
}
