package smtp_test

import (
	"slices"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

func TestParseCapabilities(t *testing.T) {
	tests := []struct {
		name, octets string
		want         []string
	}{
		{"several", "250-mx.example.com\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250 8BITMIME\r\n", []string{"PIPELINING", "SIZE 1000", "8BITMIME"}},
		{"as they were sent", "250-mx.example.com\r\n250-sTarTls\r\n250-AUTH=LOGIN\r\n250 X\xff\r\n", []string{"sTarTls", "AUTH=LOGIN", "X\xff"}},
		{"lone LF", "250-mx.example.com\n250 PIPELINING\n", []string{"PIPELINING"}},
		{"none", "250 mx.example.com\r\n", nil},
		{"the first line is the name", "250 PIPELINING\r\n", nil},
		{"empty lines are none", "250-mx.example.com\r\n250-\r\n250 \r\n", nil},
		{"code alone ends them", "250-mx.example.com\r\n250-HELP\r\n250\r\n", []string{"HELP"}},
		{"another code", "251-mx.example.com\r\n251 HELP\r\n", nil},
		{"refused", "502-mx.example.com\r\n502 HELP\r\n", nil},
		{"differing codes", "220-mx.example.com\r\n250-HELP\r\n250 SIZE\r\n", nil},
		{"unfinished", "250-mx.example.com\r\n250-HELP\r\n", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := smtp.ParseCapabilities(reply(t, tt.octets)); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestCapabilitiesAreFound(t *testing.T) {
	offered := smtp.ParseCapabilities(reply(t,
		"250-mx.example.com\r\n250-Pipelining\r\n250-SIZE 1000\r\n250-LIMITS  MAILMAX=5  RCPTMAX=9\r\n250-AUTH=LOGIN\r\n250 XSTARTTLS\r\n"))
	tests := []struct {
		keyword string
		has     bool
		params  []string
	}{
		{"PIPELINING", true, []string{}},
		{"size", true, []string{"1000"}},
		{"LIMITS", true, []string{"MAILMAX=5", "RCPTMAX=9"}},
		{"AUTH", false, nil},
		{"STARTTLS", false, nil},
		{"SIZE 1000", false, nil},
		{"mx.example.com", false, nil},
		{"", false, nil},
	}
	for _, tt := range tests {
		t.Run(tt.keyword, func(t *testing.T) {
			if got := offered.Has(tt.keyword); got != tt.has {
				t.Errorf("got %v, want %v", got, tt.has)
			}
			got := offered.Params(tt.keyword)
			if !slices.Equal(got, tt.params) || (got == nil) == tt.has {
				t.Errorf("got parameters %q, want %q", got, tt.params)
			}
		})
	}
	if mails, recipients := offered.MailMax(), offered.RcptMax(); mails != 5 || recipients != 9 {
		t.Errorf("got limits of %d and %d, want 5 and 9", mails, recipients)
	}
	if got := offered.Without("size"); got.Has("SIZE") || len(got) != len(offered)-1 || !offered.Has("SIZE") {
		t.Errorf("got %q without SIZE of %q, want all others, and nothing changed", got, offered)
	}
	var none smtp.Capabilities
	if none.Without("SIZE") != nil || none.RcptMax() != 0 {
		t.Error("got something of nothing, want nil")
	}
	if none.Has("SIZE") || none.Params("SIZE") != nil {
		t.Error("got SIZE offered by nothing, want not")
	}
}
