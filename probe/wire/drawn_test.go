//nolint:dupword // commands come twice on purpose
package wire_test

import (
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// visit is one session: the scripts that are played in it and the temper of the
// receiver.
type visit struct {
	scripts     []probe.Script
	tape        []answer
	takesChunks bool
}

// core are the lines that the contract is about; they are drawn more often.
var core = []string{
	"MAIL FROM:<>", "MAIL FROM:{from}", "RCPT TO:{bad}", "RCPT TO:{rcpt}", "DATA", "BDAT 6\r\nNOOP", "RSET", "AUTH PLAIN",
	"QUIT", "STARTTLS",
}

// groups are what the contract lets through only now and then.
var groups = []string{
	"RCPT TO:{bad}\r\nDATA", "RCPT TO:{rcpt}\r\nDATA", "RCPT TO:{bad}\r\nBDAT 6\r\nNOOP", "RCPT TO:{rcpt}\r\nBDAT 6\r\nNOOP",
	"MAIL FROM:{from}\r\nRCPT TO:{bad}\r\nDATA", "MAIL FROM:<>\r\nRCPT TO:{bad}\r\nDATA", "RSET\r\nMAIL FROM:{from}", "MAIL FROM:{from}\r\nEHLO {ehlo}",
	"RCPT TO:{bad}\r\nRCPT TO:{bad}", "MAIL FROM:{from}\r\nMAIL FROM:<>", "DATA\r\nNOOP", "AUTH PLAIN\r\n*", "QUIT\r\nNOOP", "STARTTLS\r\nNOOP",
}

// fragments are beginnings of lines, and lines with another end than CR LF.
var fragments = []string{"NO", "NOOP\n", "NOOP\r", "N", "NOOP", "\n", "\r", ".", "DATA", "DATA\n", "*", "*\n", "QUIT\n"}

// benign are lines of checks.
var benign = []string{
	"EHLO {ehlo}", "HELO {ehlo}", "EHLO", "mail from:{from}", "MAIL FROM:<<<", "MAIL FROM:{from} SIZE=1000", "MAIL FROM: <>",
	"MAIL FROM:smtpprobe@{ehlo}", "MAIL FROM:<smtpprobe-\xc3\xbc@{ehlo}>", "RCPT TO:{rcpt} NOTIFY=NEVER", "data", "RSET now",
	"NOOP", "NOOP x", "NOOP\x00ZZ", "NOOP a\rNOOP b", "HELP", "VRFY postmaster", "STARTTLS", "STARTTLS smtpprobe", "AUTH PLAIN",
	"AUTH ZZ-PROBE", "*", "QUIT", "ZZPROBE", "BDAT 12\r\nNOOP\r\nNOOP", "BDAT", "BDAT x", "BDAT 0 FIRST", "BDAT 0", "", "RSET  ",
}

// hostile are lines that no check may send, or that a lax server may read as
// something else.
var hostile = []string{
	"DATA x", " DATA", "\tDATA", "DATA\x00", "\x00DATA", "DATA\r", "DATA\t", "DATA ", "BDAT 6 LAST\r\nNOOP", "BDAT 0 LAST", "bdat 0 last",
	"BDAT 20\r\nSubject: hello there", "BDAT 6\r\nMAIL F", "BDAT 6\r", "BDAT 6\r\r\nNOOP", "BDAT 6\x00\r\nNOOP", "BDAT 6\rBDAT 6\r\nNOOP", "BDAT +6\r\nNOOP",
	"BDAT 06\r\nNOOP", "BDAT 6 \r\nNOOP", "BDAT -1", "BDAT 99999999999999999999", ".", "..", ".\r", "\n.", "\r.", "\x00.", ".\x00", "Subject: x",
	"RCPT TO:<root@example.org>", "RCPT TO:<POSTMASTER@example.org>", "rcpt to:{rcpt}", "RCPT TO: {rcpt}", "RCPT TO:<postmaster>",
	"RCPT TO:<@relay.example:postmaster@example.org>", "RCPT TO:{bad}\rRCPT TO:{rcpt}", "RCPT TO:{rcpt}\x00", "RCPT TO:{bad}\nRCPT TO:{bad}",
	"RCPT TO:{rcpt}\rRCPT TO:{bad}", "RCPT TO:{bad}\x00RCPT TO:{rcpt}", "RCPT TO:{rcpt},<root@example.org>", "RCPT TO:{rcpt} ORCPT=rfc822;root@example.org",
	"RCPT TO:<postmaster@example.org\x00@example.net>", "RCPT TO:postmaster@example.org", "RCPT TO:{bad} X=<root@example.org>",
	"MAIL FROM:<root@example.com>", "MAIL FROM:{from}\rMAIL FROM:<>", "MAIL FROM:<>\rMAIL FROM:{from}", "MAIL FROM:<> AUTH=<>", "MAIL FROM:{rcpt}",
	"EXPN root", "expn staff", "ETRN example.com", "ATRN example.com", "TURN", "SEND FROM:<>", "SOML FROM:<>", "SAML FROM:<>",
	"XCLIENT ADDR=192.0.2.1", "XFORWARD NAME=mx.example.com", "XADR", "VRFY root", "vrfy root", "VRFY postmaster\rVRFY root", "VRFY postmaster@example.org",
	"AUTH PLAIN AHRlc3QAdGVzdA==", "AUTH LOGIN dGVzdA==", "AUTH LOGIN", "dGVzdA==", "AUTH=PLAIN", "AUTH", "AUTH PLAIN =", "AUTH CRAM-MD5\r*",
	"QUIT\rQUIT", "QUIT\nQUIT", "QUIT now", "QUIT\x00QUIT", "NOOP\x00DATA", "NOOP x\x00DATA", "NOOP x\x00QUIT", "NOOP\rDATA", "NOOP\nQUIT", "NOOP x\nDATA",
	"NOOP DATA\rDATA", "*\r", "\r*", "*\x00", "EHLO mail.example.com", "HELO root@example.org", "GET / HTTP/1.0", "NOOP root@example.org", "HELP root",
	"MAIL FROM:{from}\x00", "RSET\rDATA", "RSET\x00", "\x16\x03\x01\x00\x05", "\xff\xf4\xff\xfd\x06",
}

func drawLine(t *rapid.T) string {
	switch n := rapid.IntRange(0, 19).Draw(t, "pool"); {
	case n < 3:
		return rapid.SampledFrom(groups).Draw(t, "group")
	case n < 11:
		return rapid.SampledFrom(core).Draw(t, "core")
	case n < 15:
		return rapid.SampledFrom(benign).Draw(t, "benign")
	case n < 19:
		return rapid.SampledFrom(hostile).Draw(t, "hostile")
	}
	return string(rapid.SliceOfN(rapid.Byte(), 0, 12).Draw(t, "raw"))
}

func drawText(t *rapid.T) string {
	if rapid.IntRange(0, 59).Draw(t, "whole") == 0 {
		return rapid.SampledFrom(fragments).Draw(t, "fragment")
	}
	var b strings.Builder
	for range rapid.SampledFrom([]int{1, 1, 1, 2, 2, 3, 4}).Draw(t, "lines") {
		b.WriteString(drawLine(t))
		b.WriteString(rapid.SampledFrom([]string{
			"\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\n", "\r", "\x00", "\r\r\n", "",
		}).Draw(t, "end"))
	}
	text := b.String()
	if rapid.IntRange(0, 19).Draw(t, "cut") == 0 {
		text = text[:rapid.IntRange(0, len(text)).Draw(t, "where")]
	}
	return text
}

func drawStep(t *rapid.T) probe.Step {
	switch n := rapid.IntRange(0, 59).Draw(t, "act"); {
	case n == 0:
		return greets()
	case n < 3:
		return shakes()
	case n < 6:
		return listens(rapid.SampledFrom([]time.Duration{probe.Drain, probe.CloseWait, time.Minute}).Draw(t, "for"))
	}
	step := probe.Step{Act: probe.Send, Text: drawText(t)}
	step.Replies = commandsIn(step.Text)
	if rapid.IntRange(0, 29).Draw(t, "miscount") == 0 {
		step.Replies = rapid.IntRange(0, 5).Draw(t, "replies")
	}
	return step
}

// commandsIn counts the commands of a text, as far as it is one.
func commandsIn(text string) int {
	n := 0
	for {
		line, rest, ended := strings.Cut(text, "\r\n")
		if !ended {
			return n
		}
		n++
		text = rest[min(chunkOf(line), len(rest)):]
	}
}

// drawScript draws a short script: it ends at the first step that is held, and
// the next one goes on.
func drawScript(t *rapid.T) probe.Script {
	var script probe.Script
	for range rapid.SampledFrom([]int{1, 1, 1, 2, 3}).Draw(t, "steps") {
		step := drawStep(t)
		script = append(script, step)
		if goesOn := rapid.IntRange(0, 2).Draw(t, "goes on") > 0; goesOn && step.Text == "STARTTLS\r\n" {
			script = append(script, shakes())
		} else if goesOn && step.Text == "AUTH PLAIN\r\n" {
			script = append(script, sends("*\r\n"))
		}
	}
	for i := range script {
		script[i].Name = string(rune('a' + i))
		script[i].Want = rapid.SampledFrom([]smtp.Codes{"", "", "", "", "250", "2yz", "5yz"}).Draw(t, "want")
		if i > 0 && rapid.IntRange(0, 9).Draw(t, "conditional") == 0 {
			script[i].If = rapid.SampledFrom([]probe.Condition{probe.IfAccepted, probe.IfRefused, probe.IfSilent}).Draw(t, "if")
			script[i].Of = script[i-1].Name
		}
	}
	return script
}

func drawPrelude(t *rapid.T) probe.Script {
	switch rapid.IntRange(0, 9).Draw(t, "prelude") {
	case 0:
		return nil
	case 1:
		return probe.Script{probe.Lines("early", probe.CommandEHLO, "NOOP")}
	case 2:
		return probe.Prelude(probe.Greeted, probe.Clear)
	case 3:
		return probe.Prelude(probe.Hello, probe.Upgraded)
	case 4:
		return probe.Prelude(probe.Hello, probe.Implicit)
	}
	return probe.Prelude(probe.Hello, probe.Clear)
}

func drawTape(t *rapid.T) []answer {
	// A receiver that is mad from the first command never hears the second.
	calm := rapid.SampledFrom([]int{100, 100, 97, 90, 50}).Draw(t, "calm")
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) answer {
		pick := rapid.IntRange(0, 99).Draw(t, "pick")
		switch n := rapid.IntRange(0, 99).Draw(t, "temper"); {
		case n >= calm:
			return answer{manner(rapid.IntRange(int(strange), int(manners)-1).Draw(t, "how")), pick}
		case n%5 == 0:
			return answer{accepts, pick}
		case n%3 == 0:
			return answer{refuses, pick}
		}
		return answer{proper, pick}
	}), 4, 40).Draw(t, "tape")
}

// stories are ways to the places that the contract guards most. Each line is a
// script of its own, so that one that is held does not end the story.
var stories = [][]string{
	{"MAIL FROM:<>", "RCPT TO:{bad}", "RSET", "DATA", "BDAT 6\r\nNOOP"},
	{"MAIL FROM:{from}", "RCPT TO:{rcpt}", "RSET", "DATA", "BDAT 6\r\nNOOP"},
	{"MAIL FROM:{from}", "EHLO {ehlo}", "RCPT TO:{bad}\r\nDATA"},
	{"MAIL FROM:{from}", "MAIL FROM:<>", "RCPT TO:{bad}\r\nBDAT 6\r\nNOOP"},
	{"RSET\r\nMAIL FROM:{from}", "RCPT TO:{bad}\r\nDATA"},
	{"RCPT TO:{rcpt}", "STARTTLS", shake, "EHLO {ehlo}", "DATA"},
	{"RCPT TO:{bad}", "STARTTLS", shake, "EHLO {ehlo}", "DATA"},
	{"STARTTLS", shake, "EHLO {ehlo}", "STARTTLS", shake, "NOOP"},
	{"STARTTLS", "EHLO {ehlo}", "EHLO {ehlo}", shake, "QUIT"},
	{"STARTTLS", shake, "STARTTLS", "EHLO {ehlo}", "NOOP"},
	{"AUTH PLAIN", "*", "AUTH PLAIN", "*", "AUTH PLAIN", "*"},
	{"RCPT TO:{bad}", "RCPT TO:{bad}", "RCPT TO:{bad}\r\nRCPT TO:{bad}", "RCPT TO:{bad}"},
	{"QUIT", "QUIT", "MAIL FROM:<>", "NOOP"},
	{"NOOP", "NOOP", "NOOP", "NOOP", "NOOP"},
}

// drawStory draws a story and a receiver that mostly lets it happen.
func drawStory(t *rapid.T) visit {
	v := visit{scripts: []probe.Script{{greets()}}, takesChunks: true}
	for _, line := range rapid.SampledFrom(stories).Draw(t, "story") {
		step := shakes()
		if line != shake {
			step = sends(line + "\r\n")
			step.Replies = commandsIn(step.Text)
		}
		v.scripts = append(v.scripts, probe.Script{step})
	}
	v.tape = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) answer {
		how := rapid.SampledFrom([]manner{proper, proper, proper, proper, proper, accepts, accepts, refuses, refuses, late}).Draw(t, "how")
		return answer{how, rapid.IntRange(0, 99).Draw(t, "pick")}
	}), 0, 12).Draw(t, "tape")
	return v
}

func drawVisit(t *rapid.T) visit {
	if rapid.IntRange(0, 3).Draw(t, "kind") == 0 {
		return drawStory(t)
	}
	v := visit{tape: drawTape(t), takesChunks: rapid.IntRange(0, 3).Draw(t, "takes chunks") > 0}
	if prelude := drawPrelude(t); len(prelude) > 0 {
		v.scripts = append(v.scripts, prelude)
		if prelude[0].Act == probe.Handshake { // a receiver that lets TLS come first
			v.tape = slices.Insert(v.tape, 0, answer{how: swallows}, answer{})
		}
	}
	for range rapid.IntRange(1, 16).Draw(t, "scripts") {
		v.scripts = append(v.scripts, drawScript(t))
	}
	return v
}
