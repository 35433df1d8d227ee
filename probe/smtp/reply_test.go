package smtp_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// replies reads octets as a receiver sends them.
func replies(octets string) []smtp.Reply {
	lines, rest, unfinished := cut(octets)
	if unfinished {
		lines = append(lines, rest)
	}
	return smtp.Replies(lines)
}

// reply reads octets that hold one reply.
func reply(t testing.TB, octets string) smtp.Reply {
	t.Helper()
	all := replies(octets)
	if len(all) != 1 {
		t.Fatalf("got %d replies in %q, want 1", len(all), octets)
	}
	return all[0]
}

// sketch shows replies as "code/lines/fault" for comparison.
func sketch(all []smtp.Reply) string {
	parts := make([]string, 0, len(all))
	for _, r := range all {
		parts = append(parts, strings.TrimSuffix(fmt.Sprintf("%d/%d/%s", r.Code, len(r.Lines), r.Fault), "/"))
	}
	return strings.Join(parts, "; ")
}

func TestRepliesJoinLines(t *testing.T) {
	tests := []struct{ name, octets, want string }{
		{"nothing", "", ""},
		{"one line", "250 ok\r\n", "250/1"},
		{"several lines", "250-a\r\n250-b\r\n250 c\r\n", "250/3"},
		{"two replies", "250 a\r\n354 b\r\n", "250/1; 354/1"},
		{"code alone", "250\r\n", "250/1"},
		{"code and a space", "250 \r\n", "250/1"},
		{"code and a hyphen, nothing behind", "250-\r\n250 \r\n", "250/2"},
		{"code alone ends several lines", "250-a\r\n250\r\n", "250/2"},
		{"lone LF is no fault here", "250-a\n250 b\n", "250/2"},
		{"octets above 127 and NUL are none either", "250 \xff\x00\r\n", "250/1"},
		{"second digit out of range is for a check to find", "290 a\r\n", "290/1"},
		{"differing codes", "250-a\r\n550 b\r\n", "550/2/" + string(smtp.MixedCodes)},
		{"postscreen's teaser", "220-a\r\n250-b\r\n250 c\r\n", "250/3/" + string(smtp.MixedCodes)},
		{"no code", "hello\r\n", "0/1/" + string(smtp.NoCode)},
		{"empty line", "\r\n", "0/1/" + string(smtp.NoCode)},
		{"no code before a reply", "hello\r\n250 a\r\n", "0/1/" + string(smtp.NoCode) + "; 250/1"},
		{"no code inside a reply", "250-a\r\nhello\r\n250 b\r\n", "250/3/" + string(smtp.NoCode)},
		{"empty line inside a reply", "250-a\r\n\r\n250 b\r\n", "250/3/" + string(smtp.NoCode)},
		{"two digits", "25 ok\r\n", "0/1/" + string(smtp.NoCode)},
		{"four digits", "2500 ok\r\n", "0/1/" + string(smtp.NoCode)},
		{"no separator", "250ok\r\n", "0/1/" + string(smtp.NoCode)},
		{"tab for a separator", "250\tok\r\n", "0/1/" + string(smtp.NoCode)},
		{"leading space", " 250 ok\r\n", "0/1/" + string(smtp.NoCode)},
		{"digits of another script", "\xd9\xa2\xd9\xa5\xd9\xa0 ok\r\n", "0/1/" + string(smtp.NoCode)},
		{"code of the first class", "150 a\r\n", "150/1/" + string(smtp.BadCode)},
		{"code of the sixth class", "600 a\r\n", "600/1/" + string(smtp.BadCode)},
		{"code 000", "000 a\r\n", "0/1/" + string(smtp.BadCode)},
		{"code 999 in several lines", "999-a\r\n999 b\r\n", "999/2/" + string(smtp.BadCode)},
		{"the first fault stays", "hello\r\n", "0/1/" + string(smtp.NoCode)},
		{"unfinished line", "250 o", "250/1/" + string(smtp.Unfinished)},
		{"unfinished line in several", "250-a\r\n250 o", "250/2/" + string(smtp.Unfinished)},
		{"last line missing", "250-a\r\n250-b\r\n", "250/2/" + string(smtp.Unfinished)},
		{"last line missing after a whole reply", "220 a\r\n250-b\r\n", "220/1; 250/1/" + string(smtp.Unfinished)},
		{"stopped inside the code", "25", "0/1/" + string(smtp.Unfinished)},
		{"stopped inside the code of a further line", "250-a\r\n25", "250/2/" + string(smtp.Unfinished)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := sketch(replies(tt.octets)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestRepliesWithoutAnEndAreCutOff(t *testing.T) {
	tests := []struct{ name, line string }{
		{"of lines with a code", "250-more\r\n"},
		{"of lines without one", "more\r\n"},
		{"of empty lines", "\r\n"},
		{"of long lines", "250-" + x(5000) + "\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var a smtp.Assembler
			a.Add(smtp.Line{Octets: "250-first\r\n"})
			lines, _, _ := cut(tt.line)
			for size := 0; size <= smtp.MaxReply+len(tt.line); size += len(tt.line) {
				if r, ok := a.Add(lines[0]); ok {
					if r.Fault == "" {
						t.Error("got no fault, want one")
					}
					if size < smtp.MaxReply-2*len(tt.line)-len("250-first\r\n") {
						t.Errorf("got the end after %d octets, want it about %d", size, smtp.MaxReply)
					}
					return
				}
			}
			t.Errorf("got no end after %d octets, want one", smtp.MaxReply)
		})
	}
	t.Run("say so", func(t *testing.T) {
		got := replies(strings.Repeat("250-more\r\n", smtp.MaxReply/10+2))
		if len(got) == 0 || got[0].Fault != smtp.Endless {
			t.Errorf("got %q, want the first %q", sketch(got), smtp.Endless)
		}
	})
}

func TestRepliesKeepTheirLines(t *testing.T) {
	octets := "250-a\r\n250 b\n550 c\r\nhello\r\n250-d\r\n"
	var got strings.Builder
	for _, r := range replies(octets) {
		for _, l := range r.Lines {
			got.WriteString(l.Octets)
		}
	}
	if got.String() != octets {
		t.Errorf("got %q, want %q", got.String(), octets)
	}
}

func TestReplySaysWhatItIs(t *testing.T) {
	tests := []struct {
		octets, text string
		class        int
		refused      bool
	}{
		{"250 ok\r\n", "ok", 2, false},
		{"354 go ahead\r\n", "go ahead", 3, false},
		{"450 later\r\n", "later", 4, true},
		{"503 no\r\n", "no", 5, true},
		{"250-a\r\n250-b \r\n250 c\r\n", "a b  c", 2, false},
		{"250\r\n", "", 2, false},
		{"hello there\r\n", "hello there", 0, false},
		{"650 odd\r\n", "odd", 6, false},
	}
	for _, tt := range tests {
		t.Run(smtp.Escape(tt.octets), func(t *testing.T) {
			r := reply(t, tt.octets)
			if r.Text() != tt.text || r.Class() != tt.class || r.Refused() != tt.refused {
				t.Errorf("got %q, class %d, refused %v; want %q, %d, %v",
					r.Text(), r.Class(), r.Refused(), tt.text, tt.class, tt.refused)
			}
		})
	}
}

func TestEnhancedCodes(t *testing.T) {
	tests := []struct{ octets, want string }{
		{"503 5.5.1 no\r\n", "5.5.1"},
		{"503 5.5.1\r\n", "5.5.1"},
		{"250 2.0.0 ok\r\n", "2.0.0"},
		{"450 4.7.1 later\r\n", "4.7.1"},
		{"550 5.7.509 no\r\n", "5.7.509"},
		{"550-5.7.1 a\r\n550 5.7.1 b\r\n", "5.7.1"},
		{"550-a\r\n550 5.1.1 b\r\n", "5.1.1"},
		{"550-5.1.1 a\r\n550 5.7.1 b\r\n", "5.1.1"},
		{"503 no\r\n", ""},
		{"503 no 5.5.1\r\n", ""},
		{"354 3.0.0 go\r\n", ""},
		{"550 6.1.1 no\r\n", ""},
		{"550 5.7 no\r\n", ""},
		{"550 5.7.1.2 no\r\n", ""},
		{"550 5.7.1234 no\r\n", ""},
		{"550 5..1 no\r\n", ""},
		{"550 5.+7.1 no\r\n", ""},
		{"550 5.-7.1 no\r\n", ""},
		{"550 55.7.1 no\r\n", ""},
		{"220 192.0.2.1 ready\r\n", ""},
		{"503\r\n", ""},
		{"5.5.1 no code\r\n", "5.5.1"},
	}
	for _, tt := range tests {
		t.Run(smtp.Escape(tt.octets), func(t *testing.T) {
			got := reply(t, tt.octets).Enhanced()
			if got.String() != tt.want || got.Present() != (tt.want != "") {
				t.Errorf("got %q, present %v; want %q", got, got.Present(), tt.want)
			}
		})
	}
	if got := reply(t, "550 5.7.26 no\r\n").Enhanced(); got != (smtp.Enhanced{Class: 5, Subject: 7, Detail: 26}) {
		t.Errorf("got %+v, want 5, 7 and 26", got)
	}
}

func TestSameAnswer(t *testing.T) {
	tests := []struct {
		name, a, b string
		want       bool
	}{
		{"itself", "550 5.1.1 no such user\r\n", "550 5.1.1 no such user\r\n", true},
		{"another session's number", "450 4.7.1 later, session q4f3a2\r\n", "450 4.7.1 later, session q9c1b7\r\n", true},
		{"another address", "550 <a@example.com>: no such user\r\n", "550 <postmaster@example.org>: no such user\r\n", true},
		{"another IPv4 address", "554 5.7.1 blocked [192.0.2.1]\r\n", "554 5.7.1 blocked [198.51.100.7]\r\n", true},
		{"another IPv6 address", "554 5.7.1 blocked 2001:db8::1\r\n", "554 5.7.1 blocked 2001:db8::beef\r\n", true},
		{"another URL", "554 5.7.1 see https://help.example/a?x=y\r\n", "554 5.7.1 see https://help.example/b\r\n", true},
		{"another time", "450 4.2.0 greylisted for 300 seconds\r\n", "450 4.2.0 greylisted for 299 seconds\r\n", true},
		{"the same words in other lines", "550-no such\r\n550 user\r\n", "550 no such user\r\n", true},
		{"another code", "550 5.1.1 no such user\r\n", "554 5.1.1 no such user\r\n", false},
		{"another enhanced code", "550 5.1.1 no such user\r\n", "550 5.5.1 no such user\r\n", false},
		{"an enhanced code on one side", "550 5.1.1 no such user\r\n", "550 no such user\r\n", false},
		{"other words", "503 5.5.1 need MAIL\r\n", "503 5.5.1 access denied\r\n", false},
		{"a word more", "503 5.5.1 need MAIL\r\n", "503 5.5.1 need MAIL first\r\n", false},
		{"no words on one side", "503\r\n", "503 need MAIL\r\n", false},
		{"words in another order", "503 MAIL before RCPT\r\n", "503 RCPT before MAIL\r\n", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, b := reply(t, tt.a), reply(t, tt.b)
			if got := smtp.SameAnswer(a, b); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if got := smtp.SameAnswer(b, a); got != tt.want {
				t.Errorf("got %v the other way round, want %v", got, tt.want)
			}
		})
	}
}

// FuzzReplies reads any octets as replies.
func FuzzReplies(f *testing.F) {
	for _, octets := range []string{
		"", "250 ok\r\n", "250-a\r\n250 b\r\n", "250-a\r\n550 b\r\n", "hello\n", "25", "250-\n250", "\r\n",
		"550 5.7.1 <a@b> https://c\r\n", "250-\x00\r\n250 \xff\r\n",
	} {
		f.Add(octets)
	}
	f.Fuzz(func(t *testing.T, octets string) {
		lines := 0
		all := replies(octets)
		for i, r := range all {
			lines += len(r.Lines)
			holdsReply(t, r)
			if r.Fault == smtp.Unfinished && i < len(all)-1 {
				t.Errorf("got reply %d of %d unfinished, want only the last one to be", i+1, len(all))
			}
		}
		whole, _, unfinished := cut(octets)
		want := len(whole)
		if unfinished {
			want++
		}
		if lines != want {
			t.Errorf("got %d lines in replies, want all %d", lines, want)
		}
	})
}

// holdsReply says what must be true of any reply, by RFC 5321 4.2 read anew.
func holdsReply(t *testing.T, r smtp.Reply) {
	t.Helper()
	if !smtp.SameAnswer(r, r) {
		t.Errorf("got %q unlike itself, want the same answer", r.Text())
	}
	if e := r.Enhanced(); e.Present() && !strings.Contains("245", e.String()[:1]) {
		t.Errorf("got the enhanced code %q, want a class of 2, 4 or 5", e)
	}
	if offered := smtp.ParseCapabilities(r); (r.Fault != "" || r.Code != 250) && offered != nil {
		t.Errorf("got %q offered by %s, want nothing", offered, show(r.Lines...))
	}
	if r.Fault != "" {
		return
	}
	for i, l := range r.Lines {
		text, code := l.Text(), fmt.Sprintf("%03d", r.Code)
		last := i == len(r.Lines)-1
		switch {
		case !l.Ended():
			t.Errorf("got no fault in the unfinished line %q, want one", l.Octets)
		case r.Code < 200 || r.Code > 599 || !strings.HasPrefix(text, code):
			t.Errorf("got code %d and no fault in %q, want a fault", r.Code, text)
		case last && text != code && !strings.HasPrefix(text, code+" "):
			t.Errorf("got no fault in the last line %q, want a code and a space", text)
		case !last && !strings.HasPrefix(text, code+"-"):
			t.Errorf("got no fault in the line %q before the last, want a code and a hyphen", text)
		}
	}
}
