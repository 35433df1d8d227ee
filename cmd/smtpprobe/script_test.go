package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/report"
	"github.com/smtpprobe/smtpprobe/report/schematest"
)

// TestScripts runs the program by the scripts of testdata/script. Besides the
// usual commands they know these:
//
//	exits CODE ARGS...           the program ends with this code
//	refuses CODE REGEXP ARGS...  so it does, with nothing on standard output and one matching line on standard error
//	receiver NAME LAPSE...       starts a receiver; $NAME is its host:port, $NAME_PORT its port
//	                             NTH:HOST:LAPSE is another machine behind it that answers every NTH session
//	zone FILE                    serves DNS records; $ZONE is the nameserver
//	field PATH VALUE             what the JSON on standard output says there, as in receivers.0.status
//	ndjson COMPLETE TYPE...      the lines on standard output have these types, and the last says whether it is complete
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                "testdata/script",
		RequireUniqueNames: true,
		ContinueOnError:    true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("NOWHERE", nowhere)
			env.Setenv("XDG_STATE_HOME", env.WorkDir+"/state")
			env.Setenv("CR", "\r")
			env.Setenv("LF", "\n")
			env.Setenv("ESC", "\x1b")
			env.Setenv("LABEL", strings.Repeat("a", 64))
			env.Setenv("NAME", strings.Repeat("a.", 130)+"example")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "refuses": refuses, "receiver": startReceiver, "zone": startZone, "field": field, "ndjson": ndjson,
		},
	})
}

func want(ts *testscript.TestScript, neg bool, args []string, least int, usage string) {
	if neg || len(args) < least {
		ts.Fatalf("want: %s", usage)
	}
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1, "exits CODE ARGS...")
	code := 0
	if err := ts.Exec("smtpprobe", args[1:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("run smtpprobe: %v", err)
		}
		code = exit.ExitCode()
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("smtpprobe %q: got exit code %d, want %s", args[1:], code, args[0])
	}
	if out := ts.ReadFile("stdout"); out != "" && code != exitUsage && asksJSON(args) {
		if err := schematest.Check([]byte(out)); err != nil {
			ts.Fatalf("smtpprobe %q: %v", args[1:], err)
		}
	}
}

func refuses(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 2, "refuses CODE REGEXP ARGS...")
	exits(ts, false, append([]string{args[0]}, args[2:]...))
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("smtpprobe %q: got %q on standard output, want nothing", args[2:], out)
	}
	if err := oneLine(ts.ReadFile("stderr"), args[1]); err != nil {
		ts.Fatalf("smtpprobe %q: %v", args[2:], err)
	}
}

// oneLine holds what a refusal says against the rule: one line that begins with
// the name of the program, has nothing to confuse a terminal, and matches.
func oneLine(text, pattern string) error {
	line, ok := strings.CutSuffix(text, "\n")
	switch {
	case !ok || strings.Contains(line, "\n"):
		return fmt.Errorf("got %q on standard error, want one line", text)
	case !strings.HasPrefix(line, "smtpprobe: "):
		return fmt.Errorf("got %q on standard error, want it to begin with the name of the program", text)
	case raw(line) != "":
		return fmt.Errorf("got %q on standard error, want nothing like %s in it", text, raw(line))
	case !regexp.MustCompile(pattern).MatchString(line):
		return fmt.Errorf("got %q on standard error, want a match for %s", text, pattern)
	}
	return nil
}

// startReceiver starts a receiver with lapses of the lab, by their names.
func startReceiver(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1, "receiver NAME LAPSE...")
	r := lab.Receiver{GreetDelay: lab.NoGreetDelay}
	for _, name := range args[1:] {
		lapse, ok := lapseNamed(name)
		if !ok {
			ts.Fatalf("the lab has no lapse %q", name)
		}
		r.Lapses = append(r.Lapses, lapse)
	}
	server, err := r.Listen("127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { ts.Check(server.Close()) })
	_, port, err := net.SplitHostPort(server.Addr())
	ts.Check(err)
	ts.Setenv(args[0], server.Addr())
	ts.Setenv(args[0]+"_PORT", port)
}

func lapseNamed(name string) (lab.Lapse, bool) {
	if nth, rest, ok := strings.Cut(name, ":"); ok {
		host, name, _ := strings.Cut(rest, ":")
		n, err := strconv.Atoi(nth)
		lapse, known := lapseNamed(name)
		return lab.Machine(n, host, lapse), known && err == nil
	}
	for _, lapse := range lab.Lapses() {
		if lapse.Name == name {
			return lapse, true
		}
	}
	return lab.Lapse{}, false
}

func startZone(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1, "zone FILE")
	server, err := lab.StartZone("127.0.0.1:0", lab.Zone{
		Records: ts.ReadFile(args[0]),
		Faults:  map[string]lab.ZoneFault{"servfail.example": lab.ZoneServfail},
	})
	ts.Check(err)
	ts.Defer(func() { ts.Check(server.Close()) })
	ts.Setenv("ZONE", server.Addr())
}

func field(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 2, "field PATH VALUE")
	var value any
	if err := json.Unmarshal([]byte(ts.ReadFile("stdout")), &value); err != nil {
		ts.Fatalf("standard output is no JSON: %v", err)
	}
	for _, step := range strings.Split(args[0], ".") {
		switch v := value.(type) {
		case map[string]any:
			value = v[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(v) {
				ts.Fatalf("%s: there is no %q in a list of %d", args[0], step, len(v))
			}
			value = v[i]
		default:
			value = nil
		}
	}
	if got := fmt.Sprint(value); got != args[1] {
		ts.Fatalf("%s: got %q, want %q", args[0], got, args[1])
	}
}

func ndjson(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1, "ndjson COMPLETE TYPE...")
	lines := strings.SplitAfter(ts.ReadFile("stdout"), "\n")
	var types []string
	complete := ""
	for _, line := range lines[:len(lines)-1] {
		var head struct {
			Schema, Type string
			Complete     *bool
		}
		if err := json.Unmarshal([]byte(line), &head); err != nil || head.Schema != report.Schema {
			ts.Fatalf("got the line %q, want an object of the schema %s", line, report.Schema)
		}
		types = append(types, head.Type)
		if head.Complete != nil {
			complete = strconv.FormatBool(*head.Complete)
		}
	}
	if last := lines[len(lines)-1]; last != "" {
		ts.Fatalf("the last line %q has no end", last)
	}
	if n := len(types); n > 2 {
		slices.Sort(types[1 : n-1]) // each comes when it is known, in a scan a receiver before another domain
	}
	if got, want := strings.Join(types, " "), strings.Join(args[1:], " "); got != want {
		ts.Fatalf("the lines: got %q, want %q", got, want)
	}
	if complete != args[0] {
		ts.Fatalf("complete: got %q, want %q", complete, args[0])
	}
}
