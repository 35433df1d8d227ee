package plan_test

import (
	"strings"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/plan"
)

// said is a session in short: each word is a command, and behind its colon the code
// of the reply, or "x" where the connection is closed in place of one; "+x" behind
// a code closes after it.
func said(dialogue string) probe.Transcript {
	var t probe.Transcript
	line := func(from probe.Party, text string) { t = append(t, probe.Event{From: from, Text: text + "\r\n"}) }
	line(probe.FromServer, "220 receiver.example")
	for word := range strings.FieldsSeq(dialogue) {
		command, reply, _ := strings.Cut(word, ":")
		line(probe.FromClient, command)
		code, closes := strings.CutSuffix(reply, "x")
		if code = strings.TrimSuffix(code, "+"); code != "" {
			line(probe.FromServer, strings.ReplaceAll(code, "-", " "))
		}
		if closes {
			t = append(t, probe.Event{From: probe.FromProbe, Note: probe.NoteClosed})
		}
	}
	return t
}

// TestLimitsOfASession holds what is learnt from sessions that ended early.
func TestLimitsOfASession(t *testing.T) {
	const fine = "EHLO:250 MAIL:250 RSET:250 "
	with := func(change func(*plan.Budget)) plan.Budget {
		b := plan.Polite()
		change(&b)
		return b
	}
	errors := func(n int, closes bool) plan.Budget {
		return with(func(b *plan.Budget) { b.Errors, b.Closes = n, closes })
	}
	tests := map[string]struct {
		sessions []string
		want     plan.Budget
	}{
		"nothing heard":                        {nil, plan.Polite()},
		"all well":                             {[]string{fine + "DATA:503 RCPT:503 QUIT:221+x"}, plan.Polite()},
		"a close in place of the second error": {[]string{fine, fine + "DATA:503 RCPT:x"}, with(func(b *plan.Budget) { b.Errors, b.Commands = 1, 4 })},
		"421 in place of the second error":     {[]string{fine + "NOOP:250 NOOP:250", fine + "DATA:503 RCPT:421-4.7.0"}, errors(1, false)},
		"421 in place of the third error":      {[]string{fine + "NOOP:250 NOOP:250 NOOP:250", fine + "DATA:503 RCPT:503 DATA:421"}, errors(2, false)},
		"two errors were borne before":         {[]string{"EHLO:250 RCPT:503 DATA:503 NOOP:250 RSET:250", fine + "DATA:503 RCPT:x"}, plan.Polite()},
		"two errors are borne later": {
			[]string{fine + "NOOP:250 NOOP:250", fine + "DATA:503 RCPT:x", "EHLO:250 RCPT:503 DATA:503 NOOP:250"}, plan.Polite(),
		},
		"a close behind the first error":     {[]string{fine + "DATA:503+x"}, errors(1, true)},
		"a close behind one, others went on": {[]string{fine + "DATA:503 NOOP:250", fine + "MAIL:250 RCPT:550+x"}, plan.Polite()},
		"at a command":                       {[]string{fine + fine + "MAIL:x"}, with(func(b *plan.Budget) { b.Commands = 6 })},
		"in words, and the session goes on":  {[]string{fine + fine + "MAIL:554-Too-many-commands RSET:250"}, with(func(b *plan.Budget) { b.Commands = 6 })},
		"others had more commands":           {[]string{fine + fine + fine, fine + "MAIL:x"}, plan.Polite()},
		"at a command that is no mail":       {[]string{"EHLO:250 MAIL:250 MAIL:250 MAIL:250", "EHLO:250 RSET:250 NOOP:x"}, with(func(b *plan.Budget) { b.NonMail = 2 })},
		"at the greeting":                    {[]string{""}, plan.Polite()},
		"at the first command":               {[]string{"EHLO:x"}, plan.Polite()},
		"QUIT ends every session":            {[]string{"EHLO:250 QUIT:221+x", fine + "QUIT:x"}, plan.Polite()},
		"another end takes nothing back": {
			[]string{fine + "DATA:503 RCPT:503 " + fine + "MAIL:x", fine + "MAIL:x", fine + "NOOP:x", fine + "DATA:503 RCPT:x"},
			with(func(b *plan.Budget) { b.Commands = 8 }),
		},
		"more commands are borne later": {[]string{fine + "MAIL:x", fine + fine}, plan.Polite()},
		"more that is no mail is borne later": {
			[]string{"EHLO:250 MAIL:250 MAIL:250 MAIL:250", "EHLO:250 RSET:250 NOOP:x", "EHLO:250 RSET:250 NOOP:250"}, plan.Polite(),
		},
		"wider than the budget is no limit": {[]string{strings.Repeat("MAIL:250 ", 40) + "MAIL:x"}, plan.Polite()},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var l plan.Lessons
			for _, s := range tt.sessions {
				l.Hear(said(s))
			}
			if got := l.Budget(plan.Polite()); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}
