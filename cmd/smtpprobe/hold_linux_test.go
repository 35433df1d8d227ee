package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/probe/lab"
)

// TestReceiversCannotHoldOrFillTheProgram runs it against receivers that never
// answer, drip, flood and hang up.
func TestReceiversCannotHoldOrFillTheProgram(t *testing.T) {
	t.Parallel()
	greeting := lab.Place{Verb: lab.Greeting}
	for name, lapse := range map[string]lab.Lapse{
		"silent":                          lab.Silence(),
		"silent after EHLO":               lab.Swallow("EHLO"),
		"dripping":                        lab.Drip(500 * time.Millisecond),
		"slow":                            lab.Tarpit(900 * time.Millisecond),
		"flooding octets":                 lab.FloodOfOctets(lab.Greeting),
		"flooding lines":                  lab.FloodOfLines(lab.Greeting),
		"flooding replies":                lab.FloodOfReplies(lab.Greeting),
		"flooding octets at EHLO":         lab.FloodOfOctets("EHLO"),
		"flooding lines at EHLO":          lab.FloodOfLines("EHLO"),
		"flooding replies at EHLO":        lab.FloodOfReplies("EHLO"),
		"flooding replies at MAIL":        lab.FloodOfReplies("MAIL"),
		"hanging up":                      lab.HangUp(greeting, ""),
		"hanging up with 421":             lab.HangUp(greeting, "421 4.7.0 Go away"),
		"hanging up at EHLO":              lab.HangUp(lab.Place{Verb: "EHLO"}, ""),
		"hanging up at MAIL":              lab.HangUp(lab.Place{Verb: "MAIL"}, ""),
		"resetting":                       lab.ResetAt(1),
		"repeating":                       lab.Repeat("MAIL"),
		"answering with what is no reply": lab.Garble("no-code", "MAIL", lab.Garbage()["no-code"]),
		"never ending a reply":            lab.Garble("unfinished", "EHLO", lab.Garbage()["unfinished"]),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := receiver(t, lapse)
			p := program(t, "--resolver", nowhere, "--pace", "0", "--timeout", "3s", "--reply-timeout", "1s", "--format", "json",
				"--check", "rcpt-before-mail,nested-mail,quit-closes", server.Addr())
			begun := time.Now()
			p.begin(t)
			peak := p.watchMemory()
			if got := p.end(t); got != "exit 3" {
				t.Errorf("got %s, want exit 3; standard error: %s", got, p.err.String())
			}
			if took := time.Since(begun); took > generous {
				t.Errorf("it took %s with --timeout 3s, want at most %s", took, generous)
			}
			if got := <-peak; got > mostResident {
				t.Errorf("got %d KiB resident, want at most %d", got, mostResident)
			}
			d := ran{out: p.out.String(), err: p.err.String()}.document(t)
			for _, r := range d.Receivers {
				if r.Status == "ok" {
					t.Error("got the status ok, want one that says what was wrong")
				}
				for _, res := range r.Results {
					if res.Verdict == "strict" || res.Verdict == "lenient" || res.Verdict == "correct" {
						t.Errorf("%s: got %s, want nothing to be known", res.Check, res.Verdict)
					}
					if res.Reason == "" {
						t.Errorf("%s: got no reason for %s", res.Check, res.Verdict)
					}
				}
			}
		})
	}
}

// TestATalkativeReceiverCannotFillTheProgram: every reply is a proper one, and
// as long as may be.
func TestATalkativeReceiverCannotFillTheProgram(t *testing.T) {
	t.Parallel()
	long := func(code string) string { return strings.Repeat(code+"-abcd\r\n", 4000) + code + " OK\r\n" }
	server := receiver(t,
		lab.Garble("long", "EHLO", long("250")), lab.Garble("long", "RSET", long("250")), lab.Garble("long", "QUIT", long("221")))
	for _, format := range []string{"table", "json", "ndjson"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			p := program(t, "--resolver", nowhere, "--pace", "0", "--reply-timeout", "5s", "--profile", "full",
				"--skip", "starttls-injection,early-talk", "--format", format, "--transcript", server.Addr())
			p.begin(t)
			peak := p.watchMemory()
			if got := p.end(t); got != "exit 0" {
				t.Errorf("got %s, want exit 0; standard error: %s", got, p.err.String())
			}
			if got := <-peak; got == 0 || got > mostResident {
				t.Errorf("got %d KiB resident, want at most %d", got, mostResident)
			}
		})
	}
}

// mostResident is what one receiver may make the program use, in KiB.
const mostResident = 64 << 10

// watchMemory follows the peak of the resident memory in KiB until the process
// ends. What wait(2) tells would count this test's own memory, from before the
// program took its place.
func (p *process) watchMemory() <-chan int {
	peak := make(chan int, 1)
	go func() {
		last := 0
		for {
			now, err := residentPeak(p.Process.Pid)
			if err != nil || now == 0 {
				peak <- last
				return
			}
			last = now
			time.Sleep(20 * time.Millisecond)
		}
	}()
	return peak
}

// residentPeak is VmHWM of proc(5); 0 for a process that has ended.
func residentPeak(pid int) (int, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			return strconv.Atoi(strings.Fields(value)[0])
		}
	}
	return 0, lines.Err()
}
