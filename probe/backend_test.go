package probe_test

import (
	"strings"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe"
)

func TestBackendCallsItself(t *testing.T) {
	for _, tt := range []struct{ name, talk, want string }{
		{"by its greeting", "S:220 MX1.example.com ESMTP Postfix", "mx1.example.com"},
		{"by the first of several lines", "S:220-mx1.example.com hello|S:220 other.example.com", "mx1.example.com"},
		{"by its greeting, and otherwise by EHLO", "S:220 mx1.example.com|C:EHLO me.example|S:250-mx2.example.com", "mx1.example.com"},
		{"by EHLO, where the greeting has no name", "S:220 ESMTP ready|C:EHLO me.example|S:250-mx2.example.com Hello|S:250 SIZE", "mx2.example.com"},
		{"by HELO", "S:220 **.**|C:HELO me.example|S:250 mx2.example.com", "mx2.example.com"},
		{"by an address literal", "S:220 [192.0.2.1] ESMTP", "[192.0.2.1]"},
		{"not by another reply", "S:220 ready|C:MAIL FROM:<>|S:250 2.1.0 Ok|S:250 mx.example.com", ""},
		{"not by a refusal", "S:554 mx1.example.com no", ""},
		{"not by a word without a dot", "S:220 localhost ESMTP", ""},
		{"not by what is no name", "S:220 mx_\x1b[2J.example.com", ""},
		{"not where nothing was said", "", ""},
		{"not by a short line", "S:220", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var talk probe.Transcript
			for line := range strings.SplitSeq(tt.talk, "|") {
				who, text, _ := strings.Cut(line, ":")
				e := probe.Event{From: probe.FromClient, Text: text + "\r\n"}
				if who == "S" {
					e.From = probe.FromServer
				}
				talk = append(talk, e)
			}
			if got := talk.Backend(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
