package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// elsewhere is a receiver that passes for one with a public address: a proxy
// looks its name up. The state of its runs is in a directory of the test's own.
type elsewhere struct {
	proxy *socks
	port  string
	state string
}

func startElsewhere(t *testing.T) *elsewhere {
	t.Helper()
	return &elsewhere{startSocks(t, socksGranted), portOf(t, receiver(t).Addr()), filepath.Join(t.TempDir(), "state")}
}

func (e *elsewhere) file() string { return filepath.Join(e.state, "smtpprobe", "ceiling") }

// used writes down that so many sessions were opened just now.
func (e *elsewhere) used(t *testing.T, sessions int) {
	t.Helper()
	e.write(t, fmt.Sprintf("smtpprobe ceiling 1\n%d session %d \"localhost\"\n", time.Now().Unix(), sessions))
}

func (e *elsewhere) write(t *testing.T, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(e.file()), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(e.file(), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// program prepares a probe of it.
func (e *elsewhere) program(t *testing.T, args ...string) *process {
	t.Helper()
	p := program(t, append([]string{
		"--proxy", e.proxy.url(), "--ehlo", "probe.example", "--resolver", nowhere, "--pace", "0", "--format", "json",
		"--check", "rcpt-before-mail,nested-mail", "localhost:" + e.port,
	}, args...)...)
	p.Env = append(p.Env, "XDG_STATE_HOME="+e.state)
	return p
}

func (e *elsewhere) probe(t *testing.T, args ...string) (d document, said string) {
	t.Helper()
	p := e.program(t, args...)
	p.begin(t)
	ended := p.end(t)
	if err := json.Unmarshal(p.out.Bytes(), &d); err != nil {
		t.Fatalf("%s: %v: %s%s", ended, err, p.out.String(), p.err.String())
	}
	if len(d.Receivers) != 1 {
		t.Fatalf("got %d receivers, want one", len(d.Receivers))
	}
	return d, p.err.String()
}

func TestCeilingOverRuns(t *testing.T) {
	t.Parallel()
	e := startElsewhere(t)
	d, said := e.probe(t)
	r := d.Receivers[0]
	if r.Status != "ok" || said != "" {
		t.Errorf("got %s (%s) and %q, want ok and no note", r.Status, r.Reason, said)
	}
	content, err := os.ReadFile(e.file())
	if got := strings.Count(string(content), ` session 1 "localhost"`); err != nil || got != r.Sessions {
		t.Errorf("got %d sessions written down (%v), want %d", got, err, r.Sessions)
	}

	e.used(t, 600)
	d, _ = e.probe(t)
	r = d.Receivers[0]
	if r.Status != "skipped" || r.Sessions != 0 || !strings.Contains(r.Reason, "600 sessions an hour with localhost; possible again at 20") {
		t.Errorf("got %s (%s) after %d sessions, want skipped, and until when", r.Status, r.Reason, r.Sessions)
	}

	e.used(t, 598)
	d, _ = e.probe(t)
	r = d.Receivers[0]
	if r.Status != "interrupted" || r.Sessions != 2 || !strings.Contains(r.Reason, "possible again at 20") {
		t.Errorf("got %s (%s) after %d sessions, want it ended after 2", r.Status, r.Reason, r.Sessions)
	}
}

func TestCeilingOverProcesses(t *testing.T) {
	t.Parallel()
	e := startElsewhere(t)
	const room = 7
	e.used(t, 600-room)
	var all []*process
	for range 4 {
		p := e.program(t)
		p.begin(t)
		all = append(all, p)
	}
	for _, p := range all {
		p.end(t)
	}
	if got := len(e.proxy.asked()); got != room {
		t.Errorf("got %d sessions of four processes at once, want %d", got, room)
	}
}

// TestStateThatCannotBeUsed: a run goes on without, and says so once.
func TestStateThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*elsewhere)
		says  string
	}{
		"no directory": {func(e *elsewhere) { e.state = "/dev/null" }, "known of this run only"},
		"no such file": {func(e *elsewhere) { e.write(t, "SQLite format 3\x00") }, "moved to .*ceiling.damaged"},
	} {
		e := startElsewhere(t)
		c.spoil(e)
		d, said := e.probe(t)
		if err := oneLine(said, c.says); err != nil || d.Receivers[0].Status != "ok" {
			t.Errorf("%s: got %s and %v", name, d.Receivers[0].Status, err)
		}
		c.spoil(e)
		if _, said := e.probe(t, "--quiet"); said != "" {
			t.Errorf("%s: got %q, want nothing with --quiet", name, said)
		}
	}
}

// TestNoStateForOnesOwn: servers of one's own have no ceiling, and leave nothing
// behind.
func TestNoStateForOnesOwn(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	for _, args := range [][]string{
		{"--resolver", nowhere, "--check", "rcpt-before-mail", receiver(t).Addr()},
		{"--resolver", nowhere, "--dry-run", "192.0.2.1", "8.8.8.8"},
		{"demo", "--check", "rcpt-before-mail", "strict.example"},
	} {
		p := program(t, args...)
		p.Env = append(p.Env, "XDG_STATE_HOME="+state)
		p.begin(t)
		if ended := p.end(t); ended != "exit 0" {
			t.Errorf("%q: got %s: %s", args, ended, p.err.String())
		}
	}
	if files, err := os.ReadDir(state); err != nil || len(files) > 0 {
		t.Errorf("got %v, %v, want nothing written", files, err)
	}
}

func TestStatePath(t *testing.T) {
	for _, c := range []struct{ state, home, want string }{
		{"/var/state", "/home/me", "/var/state/smtpprobe/ceiling"},
		{"", "/home/me", "/home/me/.local/state/smtpprobe/ceiling"},
		{"relative", "/home/me", "/home/me/.local/state/smtpprobe/ceiling"},
		{"", "", ""},
	} {
		t.Setenv("XDG_STATE_HOME", c.state)
		t.Setenv("HOME", c.home)
		if got, err := statePath("ceiling"); got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%+v: got %q, %v", c, got, err)
		}
	}
}

// TestFewFiles: where the limit of open files is too low, fewer receivers run at
// once, with one clear word, and all of them are probed.
func TestFewFiles(t *testing.T) {
	t.Parallel()
	var targets []string
	for n := range 30 {
		targets = append(targets, net.JoinHostPort(house(n+1), "1"))
	}
	for _, c := range []struct{ limit, says string }{
		{"ulimit -n 80", "smtpprobe: 30 receivers at once need 94 open files, the limit here is 80: 16 at once; raise it with ulimit -n 94\n"},
		{"ulimit -n 94", ""},
		{"ulimit -Sn 80", ""}, // it is raised
	} {
		p := program(t)
		args := append([]string{"--receivers", "1000", "--pace", "0", "--resolver", nowhere, "--check", "rcpt-before-mail", "--format", "json"}, targets...)
		p.Path, p.Args = "/bin/sh", append([]string{"sh", "-c", c.limit + ` && exec "$@"`, "sh", p.Path}, args...)
		p.begin(t)
		ended := p.end(t)
		var d document
		if err := json.Unmarshal(p.out.Bytes(), &d); err != nil || ended != "exit 3" || p.err.String() != c.says {
			t.Errorf("%s: got %s, %v and %q, want %q", c.limit, ended, err, p.err.String(), c.says)
		}
		refused := slices.DeleteFunc(d.Receivers, func(r receiverRow) bool { return r.Status != "refused" })
		if len(refused) != len(targets) {
			t.Errorf("%s: got %d receivers that refused, want %d", c.limit, len(refused), len(targets))
		}
	}
}
