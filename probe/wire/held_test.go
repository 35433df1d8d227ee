//nolint:dupword // commands come twice on purpose
package wire_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/wire"
)

const (
	hi       = "220 mx.example.net\r\n"
	fine     = "250 2.0.0 fine\r\n"
	no       = "550 5.1.1 no\r\n"
	badOrder = "503 5.5.1 sequence\r\n"
	bye      = "221 2.0.0 bye\r\n"
	goAhead  = "354 go\r\n"
)

// exchange is a write and what the server replies to it.
type exchange struct{ write, reply string }

// writes plays the exchanges and then the last write, and reports whether the
// server came to read that one.
func writes(t *testing.T, from string, before []exchange, last string) bool {
	t.Helper()
	answers, script := []string{hi}, probe.Script{greets()}
	for _, e := range before {
		answers = append(answers, e.reply)
		script = append(script, sends(e.write))
	}
	arrived := false
	inMemory(t, wire.Config{Values: values(from)}, replies(append(answers, no)...), func(s *stage) {
		s.play(append(script, sends(last), listens(time.Second)))
		reads := s.log().reads()
		arrived = len(reads) > len(before) && reads[len(before)] == values(from).Fill(last)
	})
	return arrived
}

// TestNeverWritten are lines that no state of a session allows.
func TestNeverWritten(t *testing.T) {
	for rule, lines := range map[string][]string{
		"S3": {
			"BDAT 6 LAST\r\nNOOP\r\n", "BDAT 0 LAST\r\n", "bdat 0 last\r\n", "BDAT 6\r\nEvil\r\n", "BDAT 12\r\nNOOP\r\n", "BDAT 6\r\n",
			"BDAT 6\r\r\nNOOP\r\n", "BDAT 6\x00\r\nNOOP\r\n", "BDAT 6\rBDAT 6\r\nNOOP\r\n", "BDAT 20\r\nSubject: hello there\r\n",
		},
		"S4": {".\r\n", "\n.\r\n", ".\r", ".", "\r\n.\r\n", "NOOP\r\n.\r\n", "\x00.\r\n", ".\x00\r\n"},
		"S5": {
			"RCPT TO:<root@example.org>\r\n", "RCPT TO:<POSTMASTER@example.org>\r\n", "RCPT TO:<postmaster>\r\n", "RCPT TO: {rcpt}\r\n",
			"RCPT TO:<@relay.example:postmaster@example.org>\r\n", "RCPT TO:postmaster@example.org\r\n", "RCPT TO:{rcpt},<root@example.org>\r\n",
			"RCPT TO:{rcpt} ORCPT=rfc822;root@example.org\r\n", "RCPT TO:{bad}\rRCPT TO:{rcpt}\r\n", "RCPT TO:{bad}\nRCPT TO:{bad}\r\n",
			"RCPT TO:{bad}\x00RCPT TO:{rcpt}\r\n", "RCPT TO:<postmaster@example.org\x00@example.net>\r\n", "RCPT TO:{rcpt}x\r\n",
			"RCPT TO:{rcpt} ORCPT=abc\r\n", "RCPT TO:{rcpt} X=<root@example.org>\r\n", "RCPT TO:{rcpt} X=root@example.org\r\n",
			"RCPT TO:{rcpt} X=a;b\r\n", "RCPT TO:{rcpt} \xff\r\n", "RCPT TO:{rcpt} A B C D\r\n",
		},
		"S6": {
			"VRFY root\r\n", "VRFY postmaster@example.org\r\n", "VRFY\r\n", "EXPN root\r\n", "ETRN example.com\r\n", "ATRN example.com\r\n", "TURN\r\n",
			"SEND FROM:<>\r\n", "SOML FROM:<>\r\n", "SAML FROM:<>\r\n", "XCLIENT ADDR=192.0.2.1\r\n", "XFORWARD NAME=a\r\n", "XADR\r\n", "turn\r\n",
			"VRFY postmaster\rVRFY root\r\n",
		},
		"S7": {
			"AUTH PLAIN AHRlc3QAdGVzdA==\r\n", "AUTH LOGIN dGVzdA==\r\n", "AUTH\r\n", "AUTH PLAIN =\r\n", "dGVzdA==\r\n", "*\r\n", "AUTH PLAIN\r\n*\r\n", "*\r\r\n",
		},
		"S8":  {"QUIT\rQUIT\r\n", "QUIT\nQUIT\r\n", "QUIT\r\nQUIT\r\n", "QUIT now\r\n", "QUIT\r\nMAIL FROM:<>\r\n", "QUIT\r\nNOOP\r\nNOOP\r\n"},
		"S10": {"MAIL FROM:<root@example.com>\r\n", "MAIL FROM:{rcpt}\r\n", "MAIL FROM:<> AUTH=<>\r\n", "MAIL FROM:<> AUTH=abc\r\n", "MAIL FROM:<>\rMAIL FROM:{from}\r\n", "MAIL FROM:<>x\r\n"},
		"S12": {"DATA\r\nNOOP\r\n", "DATA x\r\n", " DATA\r\n", "\x00DATA\r\n", "NOOP\rDATA\r\n", "NOOP\nDATA\r\n", "NOOP x\x00DATA\r\n", "NOOP\x00DATA\r\n", "\nDATA\r\n", "DATA\rDATA\r\n"},
		"forms": {
			"Subject: x\r\n", "GET / HTTP/1.0\r\n", "EHLO mail.example.com\r\n", "\xff\xf4\r\n", "NOOP root@example.org\r\n", "HELP root\r\n", "MAIL", "\x16\x03\x01",
			"mail from:<>\v\r\n", "DATA\t\r\n", "RSET\x00\r\n",
		},
	} {
		for _, line := range lines {
			t.Run(rule+" "+line, func(t *testing.T) {
				if writes(t, "<operator@example.com>", []exchange{{"EHLO {ehlo}\r\n", fine}, {"MAIL FROM:<>\r\n", fine}}, line) {
					t.Errorf("got %q written, want it held", line)
				}
			})
		}
	}
}

// TestHeldByWhatCameBefore are lines that only a certain state forbids, and
// beside them the nearest that it does not.
func TestHeldByWhatCameBefore(t *testing.T) {
	mail, null := exchange{"MAIL FROM:{from}\r\n", fine}, exchange{"MAIL FROM:<>\r\n", fine}
	for name, c := range map[string]struct {
		before []exchange
		last   string
		want   bool
	}{
		"S1 NOOP after 354":                   {[]exchange{null, {"DATA\r\n", goAhead}}, "NOOP\r\n", false},
		"S1 NOOP after 354 to NOOP":           {[]exchange{{"NOOP\r\n", goAhead}}, "NOOP\r\n", false},
		"S1 NOOP after 350":                   {[]exchange{{"NOOP\r\n", "350 go\r\n"}}, "NOOP\r\n", false},
		"S1 NOOP after 354 behind a reply":    {[]exchange{{"NOOP\r\n", fine + goAhead}}, "NOOP\r\n", false},
		"S1 NOOP after half a 354":            {[]exchange{{"NOOP\r\n", fine + "354"}}, "NOOP\r\n", false},
		"S1 NOOP after DATA was refused":      {[]exchange{null, {"DATA\r\n", badOrder}}, "NOOP\r\n", true},
		"S2 DATA without RCPT":                {[]exchange{mail}, "DATA\r\n", true},
		"S2 DATA after bad refused":           {[]exchange{mail, {"RCPT TO:{bad}\r\n", no}}, "DATA\r\n", true},
		"S2 DATA after bad accepted":          {[]exchange{null, {"RCPT TO:{bad}\r\n", fine}}, "DATA\r\n", false},
		"S2 DATA after bad accepted, RSET":    {[]exchange{null, {"RCPT TO:{bad}\r\n", fine}, {"RSET\r\n", fine}}, "DATA\r\n", false},
		"S2 DATA after rcpt accepted":         {[]exchange{null, {"RCPT TO:{rcpt}\r\n", fine}}, "DATA\r\n", false},
		"S2 DATA after rcpt refused":          {[]exchange{null, {"RCPT TO:{rcpt}\r\n", no}}, "DATA\r\n", false},
		"S2 DATA after rcpt, RSET":            {[]exchange{{"RCPT TO:{rcpt}\r\n", badOrder}, {"RSET\r\n", fine}}, "DATA\r\n", false},
		"S2 group under null sender":          {nil, "MAIL FROM:<>\r\nRCPT TO:{bad}\r\nDATA\r\n", true},
		"S2 group under operator":             {nil, "MAIL FROM:{from}\r\nRCPT TO:{bad}\r\nDATA\r\n", false},
		"S2 group with rcpt":                  {nil, "MAIL FROM:<>\r\nRCPT TO:{rcpt}\r\nDATA\r\n", false},
		"S2 group inside operator's":          {[]exchange{mail, {"MAIL FROM:<>\r\n", badOrder}}, "RCPT TO:{bad}\r\nDATA\r\n", false},
		"S2 group with nested null":           {[]exchange{mail}, "MAIL FROM:<>\r\nRCPT TO:{bad}\r\nDATA\r\n", false},
		"S2 group after RSET and operator's":  {[]exchange{{"RSET\r\nMAIL FROM:{from}\r\n", fine + fine}}, "RCPT TO:{bad}\r\nDATA\r\n", false},
		"S2 group after operator's and RSET":  {[]exchange{{"MAIL FROM:{from}\r\nRSET\r\n", fine + fine}}, "MAIL FROM:<>\r\nRCPT TO:{bad}\r\nDATA\r\n", true},
		"S2 group after RSET refused":         {[]exchange{mail, {"RSET\r\n", no}}, "MAIL FROM:<>\r\nRCPT TO:{bad}\r\nDATA\r\n", false},
		"S2 group after EHLO":                 {[]exchange{mail, {"EHLO {ehlo}\r\n", fine}}, "MAIL FROM:<>\r\nRCPT TO:{bad}\r\nDATA\r\n", false},
		"S2 group after operator's was reset": {[]exchange{mail, {"RSET\r\n", fine}}, "MAIL FROM:<>\r\nRCPT TO:{bad}\r\nDATA\r\n", true},
		"S3 BDAT without RCPT":                {[]exchange{mail}, "BDAT 6\r\nNOOP\r\n", true},
		"S3 BDAT after bad accepted":          {[]exchange{null, {"RCPT TO:{bad}\r\n", fine}}, "BDAT 6\r\nNOOP\r\n", false},
		"S3 BDAT after rcpt":                  {[]exchange{null, {"RCPT TO:{rcpt}\r\n", no}}, "BDAT 6\r\nNOOP\r\n", false},
		"S3 BDAT 0 after rcpt":                {[]exchange{null, {"RCPT TO:{rcpt}\r\n", no}}, "BDAT 0\r\n", false},
		"S3 group with BDAT under operator":   {nil, "MAIL FROM:{from}\r\nRCPT TO:{bad}\r\nBDAT 6\r\nNOOP\r\n", false},
		"S7 * after 334":                      {[]exchange{{"AUTH PLAIN\r\n", "334 \r\n"}}, "*\r\n", true},
		"S7 NOOP after 334":                   {[]exchange{{"AUTH PLAIN\r\n", "334 \r\n"}}, "NOOP\r\n", false},
		"S7 bare LF after 334":                {[]exchange{{"AUTH PLAIN\r\n", "334 \r\n"}}, "NOOP\n", false},
		"S7 credentials after 334":            {[]exchange{{"AUTH PLAIN\r\n", "334 \r\n"}}, "AHRlc3QAdGVzdA==\r\n", false},
		"S7 * after 334 that nobody wanted":   {[]exchange{{"NOOP\r\n", "334 \r\n"}}, "*\r\n", false},
		"S7 * after *":                        {[]exchange{{"AUTH PLAIN\r\n", "334 \r\n"}, {"*\r\n", "334 \r\n"}}, "*\r\n", false},
		"S7 second AUTH":                      {[]exchange{{"AUTH PLAIN\r\n", badOrder}}, "AUTH ZZ-PROBE\r\n", true},
		"S7 third AUTH":                       {[]exchange{{"AUTH PLAIN\r\n", badOrder}, {"AUTH PLAIN\r\n", badOrder}}, "AUTH ZZ-PROBE\r\n", false},
		"S8 QUIT after QUIT":                  {[]exchange{{"QUIT\r\n", bye}}, "QUIT\r\n", false},
		"S8 QUIT after QUIT refused":          {[]exchange{{"QUIT\r\n", badOrder}}, "QUIT\r\n", false},
		"S8 MAIL after QUIT":                  {[]exchange{{"QUIT\r\n", bye}}, "MAIL FROM:<>\r\n", false},
		"S8 NOOP after QUIT":                  {[]exchange{{"QUIT\r\n", bye}}, "NOOP\r\n", true},
		"S9 surplus":                          {[]exchange{{"NOOP\r\n", fine + fine}}, "NOOP\r\n", false},
		"S9 surplus begun":                    {[]exchange{{"NOOP\r\n", fine + "25"}}, "NOOP\r\n", false},
		"S9 surplus of several lines begun":   {[]exchange{{"NOOP\r\n", fine + "250-a\r\n"}}, "NOOP\r\n", false},
		"S9 TLS record":                       {[]exchange{{"NOOP\r\n", fine + "\x15\x03\x01\x00\x02\x02\x28"}}, "NOOP\r\n", false},
		"S9 334 to NOOP":                      {[]exchange{{"NOOP\r\n", "334 \r\n"}}, "NOOP\r\n", false},
		"S9 missing":                          {[]exchange{{"NOOP\r\n", ""}}, "NOOP\r\n", false},
		"S9 one missing of two":               {[]exchange{{"NOOP\r\nNOOP\r\n", fine}}, "NOOP\r\n", false},
		"S9 no code":                          {[]exchange{{"NOOP\r\n", "fine\r\n"}}, "NOOP\r\n", false},
		"S9 several codes":                    {[]exchange{{"NOOP\r\n", "250-a\r\n251 b\r\n"}}, "NOOP\r\n", false},
		"S9 code 199":                         {[]exchange{{"NOOP\r\n", "199 a\r\n"}}, "NOOP\r\n", false},
		"TLS NOOP after 220":                  {[]exchange{{"STARTTLS\r\n", "220 go\r\n"}}, "NOOP\r\n", false},
		"TLS EHLO after 220":                  {[]exchange{{"STARTTLS\r\n", "220 go\r\n"}}, "EHLO {ehlo}\r\n", true},
		"TLS EHLO without a name after 220":   {[]exchange{{"STARTTLS\r\n", "220 go\r\n"}}, "EHLO\r\n", false},
		"TLS HELO after 220":                  {[]exchange{{"STARTTLS\r\n", "220 go\r\n"}}, "HELO {ehlo}\r\n", false},
		"TLS EHLO and NOOP after 220":         {[]exchange{{"STARTTLS\r\n", "220 go\r\n"}}, "EHLO {ehlo}\r\nNOOP\r\n", false},
		"TLS QUIT after 220 and EHLO":         {[]exchange{{"STARTTLS\r\n", "220 go\r\n"}, {"EHLO {ehlo}\r\n", fine}}, "QUIT\r\n", false},
		"TLS EHLO after 220 and EHLO":         {[]exchange{{"STARTTLS\r\n", "220 go\r\n"}, {"EHLO {ehlo}\r\n", fine}}, "EHLO {ehlo}\r\n", false},
		"TLS EHLO after 220, NOOP unanswered": {[]exchange{{"STARTTLS\r\nNOOP\r\n", "220 go\r\n"}}, "EHLO {ehlo}\r\n", false},
		"TLS EHLO after 250":                  {[]exchange{{"STARTTLS\r\n", fine}}, "EHLO {ehlo}\r\n", false},
		"TLS NOOP after a refusal":            {[]exchange{{"STARTTLS\r\n", badOrder}}, "NOOP\r\n", true},
		"TLS two commands behind STARTTLS":    {nil, "STARTTLS\r\nNOOP\r\nNOOP\r\n", false},
		"TLS MAIL behind STARTTLS":            {nil, "STARTTLS\r\nMAIL FROM:<>\r\n", false},
		"TLS NOOP behind STARTTLS":            {nil, "STARTTLS\r\nNOOP\r\n", true},
		"AUTH in the middle of a group":       {nil, "AUTH PLAIN\r\nNOOP\r\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := writes(t, "<operator@example.com>", c.before, c.last); got != c.want {
				t.Errorf("got %q written %v, want %v", c.last, got, c.want)
			}
		})
	}
}

// TestCatalogueIsWritten are the writes of the catalogue's cards. A guard that
// held one of them would make its check useless.
func TestCatalogueIsWritten(t *testing.T) {
	for _, line := range []string{
		"MAIL FROM:{from}\r\n", "RCPT TO:{rcpt}\r\n", "DATA\r\n", "NOOP\r\n", "RSET\r\n", "HELP\r\n", "VRFY postmaster\r\n", "QUIT\r\n", "EHLO\r\n",
		"HELO {ehlo}\r\n", "RSET now\r\n", "NOOP smtpprobe\r\n", "ZZPROBE\r\n", "MAIL FROM:<<<\r\n", "STARTTLS smtpprobe\r\n",
		"MAIL FROM:{from}\r\nRCPT TO:{bad}\r\nRSET\r\nMAIL FROM:{from}\r\nRSET\r\n", "RCPT TO:{rcpt}\r\nRSET\r\nMAIL FROM:{from}\r\nRSET\r\n",
		"MAIL FROM:{from}\r\nRSET\r\nRSET\r\n", "EHLO {ehlo}\r\nNOOP\r\n", "MAIL FROM:{from}\r\nNOOP\r\nRSET\r\n", "MAIL FROM:{from}\r\nVRFY postmaster\r\nRSET\r\n",
		"MAIL FROM:<>\r\nRCPT TO:{bad}\r\nDATA\r\n", strings.Repeat("MAIL FROM:{from}\r\nRSET\r\n", 7), "NO", "NOOP\r", "NOOP\n",
		"BDAT 12\r\nNOOP\r\nNOOP\r\n", "BDAT 6\r\nNOOP\r\nBDAT 6\r\nNOOP\r\n", "BDAT\r\n", "BDAT x\r\n", "BDAT 0 FIRST\r\n", "BDAT 0\r\n",
		"MAIL FROM:{from} BODY=BINARYMIME\r\n", "MAIL FROM:{from} ZZPROBE=1\r\n", "RCPT TO:{rcpt} ZZPROBE=1\r\n", "MAIL FROM:{from} SIZE=1000\r\n",
		"MAIL FROM:{from} BODY=8BITMIME\r\n", "MAIL FROM:{from} SMTPUTF8\r\n", "MAIL FROM:<smtpprobe-\xc3\xbc@{ehlo}>\r\n", "MAIL FROM:{from} RET=HDRS\r\n",
		"MAIL FROM:{from} ENVID=smtpprobe\r\n", "RCPT TO:{rcpt} NOTIFY=NEVER\r\n", "MAIL FROM:{from} REQUIRETLS\r\n", "AUTH PLAIN\r\n", "AUTH ZZ-PROBE\r\n",
		"QUIT\r\nNOOP\r\n", "NOOP a\rNOOP b\r\n", "NOOP " + strings.Repeat("x", 505) + "\r\n", "NOOP " + strings.Repeat("x", 4000) + "\r\n", "NOOP x\r\n",
		"NOOP\x00ZZ\r\n", "RSET  \r\n", "eHlO {ehlo}\r\n", "mail from:{from}\r\n", "rset\r\n", "MAIL FROM: <>\r\n", "MAIL FROM:smtpprobe@{ehlo}\r\n", "\r\n",
	} {
		t.Run(line[:min(len(line), 40)], func(t *testing.T) {
			if !writes(t, "<operator@example.com>", nil, line) {
				t.Errorf("got %q held, want it written", line)
			}
		})
	}
}

// TestCountedOverSessions holds S5 and S7: what counts for a receiver over all
// its sessions.
func TestCountedOverSessions(t *testing.T) {
	for name, c := range map[string]struct {
		line   string
		public bool
		want   int
	}{
		"S5 bad, public":  {"RCPT TO:{bad}\r\n", true, 4},
		"S5 bad, private": {"RCPT TO:{bad}\r\n", false, 6},
		"S5 bad in pairs": {"RCPT TO:{bad}\r\nRCPT TO:{bad}\r\n", true, 2},
		"S5 rcpt":         {"RCPT TO:{rcpt}\r\n", true, 6},
		"S7 AUTH":         {"AUTH PLAIN\r\n", false, 4},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				network := lab.NewMemory()
				l := serve(network, replies(hi, strings.Repeat(badOrder, strings.Count(c.line, "\r\n")), bye))
				r, err := wire.NewReceiver(probe.Receiver{Host: "192.0.2.1", Port: 25, Public: c.public},
					wire.Config{Values: values("<>"), Dial: network.DialContext})
				if err != nil {
					t.Fatal(err)
				}
				for range 6 {
					s, err := r.Open(context.Background())
					if err != nil {
						t.Fatal(err)
					}
					s.Play(context.Background(), probe.Script{greets(), sends(c.line)})
					s.Leave(context.Background())
				}
				got := 0
				for _, log := range l.stop() {
					got += strings.Count(log.heard(), values("<>").Fill(c.line))
				}
				if got != c.want {
					t.Errorf("got %q written %d times in 6 sessions, want %d", c.line, got, c.want)
				}
			})
		})
	}
}

// TestNoopBehindAnEmptyLine holds that NOOP, and nothing else, may follow one
// empty line to which nothing was said, and that each reply behind it has to be
// the only one.
func TestNoopBehindAnEmptyLine(t *testing.T) {
	for name, c := range map[string]struct {
		unanswered, last string
		want             bool
	}{
		"NOOP":                       {"\r\n", "NOOP\r\n", true},
		"NOOP with an argument":      {"\r\n", "NOOP x\r\n", false},
		"two NOOPs":                  {"\r\n", "NOOP\r\nNOOP\r\n", false},
		"half a NOOP":                {"\r\n", "NOOP\n", false},
		"another empty line":         {"\r\n", "\r\n", false},
		"RSET":                       {"\r\n", "RSET\r\n", false},
		"MAIL":                       {"\r\n", "MAIL FROM:<>\r\n", false},
		"DATA":                       {"\r\n", "DATA\r\n", false},
		"QUIT":                       {"\r\n", "QUIT\r\n", false},
		"NOOP behind two":            {"\r\n\r\n", "NOOP\r\n", false},
		"NOOP behind NOOP":           {"NOOP\r\n", "NOOP\r\n", false},
		"NOOP behind an empty group": {"NOOP\r\n\r\n", "NOOP\r\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			inMemory(t, wire.Config{}, replies(hi, "", fine), func(s *stage) {
				write := probe.Step{Act: probe.Send, Text: c.unanswered}
				s.play(probe.Script{greets(), write, listens(time.Second), sends(c.last), listens(time.Second)})
				if reads := s.log().reads(); (len(reads) > 1 && reads[1] == c.last) != c.want {
					t.Errorf("got %q written, want %q behind the empty line: %v", reads, c.last, c.want)
				}
			})
		})
	}
}

// TestEmptyLineAnsweredLate holds that two replies behind the NOOP end the
// session: the first is then no answer to it (S9).
func TestEmptyLineAnsweredLate(t *testing.T) {
	inMemory(t, wire.Config{}, replies(hi, "", badOrder+fine, fine), func(s *stage) {
		script := probe.Script{
			greets(), {Act: probe.Send, Text: "\r\n"}, listens(time.Second), sends("NOOP\r\n"), listens(time.Second), sends("RSET\r\n"),
		}
		s.play(script)
		if reads := s.log().reads(); len(reads) != 2 {
			t.Errorf("got %q written, want an empty line and NOOP only", reads)
		}
	})
}
