package lab_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/probe/lab"
)

// hello is how the scripts below begin: the receivers of this file offer
// PIPELINING and STARTTLS.
const hello = `
< 220 receiver.example ESMTP
> EHLO client.example
< 250-receiver.example
< 250-PIPELINING
< 250-CHUNKING
< 250 STARTTLS
`

const (
	mail  = "> MAIL FROM:<>\n< 250 2.1.0 ...\n"
	rcpt  = "> RCPT TO:<postmaster@example.com>\n< 250 2.1.5 ...\n"
	order = "< 503 5.5.1 ...\n"
	alive = "> NOOP\n< 250 2.0.0 OK\n"
	toTLS = "> STARTTLS\n< 220 2.0.0 ...\nTLS\n"
	again = "> EHLO client.example\n< 250-receiver.example\n< 250-PIPELINING\n< 250 CHUNKING\n"
)

func TestLapses(t *testing.T) {
	tests := []struct {
		lapses []lab.Lapse
		script string
	}{
		{one(lab.Accept{State: "E", Verb: "RCPT"}.Lapse()), hello + rcpt + "> DATA\n< 354 ...\n> text\n> .\n< 250 2.0.0 OK\n> RSET\n< 250 2.0.0 OK\n" + rcpt},
		{one(lab.Accept{State: "I", Verb: "MAIL"}.Lapse()), "< 220 ...\n" + mail + rcpt},
		{one(lab.Accept{State: "M", Verb: "DATA"}.Lapse()), hello + "> DATA\n" + order + mail + "> DATA\n< 354 ...\n> text\n> .\n< 554 5.5.1 No valid recipients\n"},
		{one(lab.Accept{State: "I", Verb: "MAIL", TLS: true}.Lapse()), "< 220 ...\n> MAIL FROM:<>\n" + order + strings.TrimPrefix(hello, "\n< 220 receiver.example ESMTP") + toTLS + mail},
		{one(lab.Accept{State: "E", Verb: "STARTTLS", Guard: "argument"}.Lapse()), hello + "> STARTTLS now\n< 220 2.0.0 ...\nTLS\n" + again},
		{one(lab.Accept{State: "E", Verb: "", Guard: "no verb (empty line, leading space, non-letter)"}.Lapse()), hello + ">> \"\\r\\n\"\n< 250 2.0.0 OK\n" + alive},
		{
			[]lab.Lapse{lab.Accept{State: "M", Verb: "STARTTLS"}.Lapse(), lab.Keep{State: "M", Verb: "STARTTLS"}.Lapse()},
			hello + mail + toTLS + rcpt + again + "> RCPT TO:<postmaster@example.com>\n" + order,
		},
		{one(lab.Accept{State: "M", Verb: "STARTTLS"}.Lapse()), hello + mail + toTLS + "> RCPT TO:<postmaster@example.com>\n" + order},
		{one(lab.Keep{State: "M", Verb: "RSET"}.Lapse()), hello + mail + "> RSET\n< 250 2.0.0 OK\n" + rcpt + "> RSET\n< 250 2.0.0 OK\n> RCPT TO:<postmaster@example.com>\n" + order},
		{one(lab.Keep{State: "R", Verb: "RSET"}.Lapse()), hello + mail + rcpt + "> RSET\n< 250 2.0.0 OK\n> DATA\n< 354 ...\n"},
		{one(lab.Keep{State: "M", Verb: "HELO"}.Lapse()), hello + mail + "> HELO client.example\n< 250 receiver.example\n" + rcpt},
		{one(lab.Forget{State: "M", Verb: "DATA"}.Lapse()), hello + mail + "> DATA\n" + order + "> RCPT TO:<postmaster@example.com>\n" + order},
		{one(lab.Forget{State: "M", Verb: "ZZPROBE"}.Lapse()), hello + mail + "> ZZPROBE\n< 500 ...\n> RCPT TO:<postmaster@example.com>\n" + order},

		{one(lab.AcceptNestedMail()), hello + mail + rcpt + mail + "> DATA\n" + order},
		{one(lab.KeepAcrossHello()), hello + mail + strings.Replace(again, "250 CHUNKING", "250-CHUNKING\n< 250 STARTTLS", 1) + rcpt},
		{one(lab.RefuseSecondHello()), hello + mail + "> EHLO client.example\n" + order + rcpt},
		{one(lab.RefuseBeforeHello("NOOP")), "< 220 ...\n> NOOP\n" + order + "> RSET\n< 250 ...\n> HELO client.example\n< 250 receiver.example\n" + alive},
		{one(lab.ForgetAt("NOOP")), hello + mail + alive + "> RCPT TO:<postmaster@example.com>\n" + order},
		{one(lab.Replace("502 5.5.1 What")), hello + "> DATA\n< 502 5.5.1 What\n" + mail + "> MAIL FROM:<>\n< 502 5.5.1 What\n" + rcpt},
		{one(lab.ReplyAt(lab.Place{State: "E", Verb: "VRFY"}, "550 5.1.1 No")), hello + "> VRFY postmaster\n< 550 5.1.1 No\n" + mail + "> VRFY postmaster\n< 252 ...\n"},
		{one(lab.HeloListsKeywords()), "< 220 ...\n> HELO client.example\n< 250-receiver.example\n< 250-PIPELINING\n< 250-CHUNKING\n< 250 STARTTLS\n" + mail},
		{one(lab.StayAfterQuit()), hello + "> QUIT\n< 221 2.0.0 Bye\n" + alive + ">> \"QUIT\\r\\nNOOP\\r\\n\"\n< 221 2.0.0 Bye\n< 250 2.0.0 OK\n"},
		{one(lab.SilentQuit()), hello + "> QUIT\nSILENCE\n" + alive},
		{one(lab.KeepChunksUnswallowed()), hello + ">> \"BDAT 12\\r\\nNOOP\\r\\nNOOP\\r\\n\"\n" + order + "< 554 5.5.0 ...\nCLOSED\n"},
		{[]lab.Lapse{lab.KeepChunksUnswallowed(), lab.AcceptInsideGroup("NOOP")}, hello + ">> \"BDAT 12\\r\\nNOOP\\r\\nNOOP\\r\\n\"\n" + order + "< 250 2.0.0 OK\n< 250 2.0.0 OK\n"},
		{one(lab.TakeBareLF()), hello + ">> \"NOOP\\n\"\n< 250 2.0.0 OK\n" + alive},

		{one(lab.DemandLogin()), hello + "> NOOP\n< 530 5.7.0 ...\n> MAIL FROM:<>\n< 530 5.7.0 ...\n> QUIT\n< 221 2.0.0 Bye\n"},
		{one(lab.OneRecipient()), hello + mail + rcpt + "> RCPT TO:<postmaster@example.com>\n< 550 5.7.1 ...\n> RSET\n< 250 2.0.0 OK\n" + mail + rcpt},
		{one(lab.SayPlainly()), hello + "> NOOP\n< 250 OK\n"},
		{one(lab.OfferNothing()), "< 220 ...\n> EHLO client.example\n< 250 receiver.example\n> BDAT 0\n< 502 5.5.1 ...\n"},
		{one(lab.List("ZZPROBE now")), "< 220 ...\n> EHLO client.example\n< 250-receiver.example\n< 250-PIPELINING\n< 250-CHUNKING\n< 250-STARTTLS\n< 250 ZZPROBE now\n" + alive},
		{one(lab.KeepTransactionAcrossTLS()), hello + mail + toTLS + rcpt},
		{one(lab.KeepHelloAcrossTLS()), hello + toTLS + mail},
		{one(lab.KeepHelloAcrossTLS()), "< 220 ...\n> STARTTLS\n" + order},
		{one(lab.InjectAcrossTLS()), hello + ">> \"STARTTLS\\r\\nNOOP\\r\\n\"\n< 220 2.0.0 ...\nTLS\n< 250 2.0.0 OK\n" + again},
		{one(lab.AnswerInClear()), hello + ">> \"STARTTLS\\r\\nNOOP\\r\\n\"\n< 220 2.0.0 ...\n< 250 2.0.0 OK\nTLS\n" + again},
		{one(lab.AnswerInClear()), hello + "> STARTTLS\n< 220 2.0.0 ...\n> EHLO client.example\n< 250-receiver.example\n"},
		{one(lab.FeedHandshake()), hello + ">> \"STARTTLS\\r\\nNOOP\\r\\n\"\n< 220 2.0.0 ...\nNO-TLS\n"},
		{one(lab.FeedHandshake()), hello + toTLS + again},
		{one(lab.FailHandshakes()), hello + "> STARTTLS\n< 220 2.0.0 ...\nNO-TLS\n"},
		{one(lab.GreetInsideTLS()), hello + toTLS + "< 220 receiver.example ESMTP\n" + again},
		{one(lab.ListSTARTTLSInsideTLS()), hello + toTLS + "> EHLO client.example\n< 250-receiver.example\n< 250-PIPELINING\n< 250-CHUNKING\n< 250 STARTTLS\n> STARTTLS\n" + order},

		{one(lab.Greylist()), hello + "> RCPT TO:<postmaster@example.com>\n" + order + mail + "> RCPT TO:<postmaster@example.com>\n< 450 4.7.1 ...\n> DATA\n< 554 5.5.1 ...\n"},
		{one(lab.RefuseClient()), "< 554 ...\n> EHLO client.example\n" + order + "> QUIT\n< 221 ...\nCLOSED\n"},
		{one(lab.NeverTakesMail()), "< 521 ...\n> NOOP\n< 521 ...\n> QUIT\n< 221 ...\nCLOSED\n"},
		{one(lab.RefuseByPolicy("RCPT")), hello + "> RCPT TO:<postmaster@example.com>\n< 550 5.7.1 ...\n" + mail + "> RCPT TO:<postmaster@example.com>\n< 550 5.7.1 ...\n" + alive},
		{one(lab.DemandTLS()), "< 220 ...\n> DATA\n< 530 5.7.0 ...\n" + strings.TrimPrefix(hello, "\n< 220 receiver.example ESMTP") + "> MAIL FROM:<>\n< 530 5.7.0 ...\n" + toTLS + again + mail + rcpt},
		{one(lab.RefuseNullSender()), hello + "> MAIL FROM:<>\n< 550 5.7.1 ...\n> MAIL FROM:<a@client.example>\n< 250 2.1.0 ...\n> MAIL FROM:<>\n" + order},
		{one(lab.AcceptAnyRecipient()), hello + mail + "> RCPT TO:<smtpprobe@smtpprobe.invalid>\n< 250 2.1.5 ...\n"},

		{one(lab.Swallow("MAIL")), hello + "> MAIL FROM:<>\nSILENCE\n" + rcpt},
		{one(lab.SwallowNth(2)), hello + "> MAIL FROM:<>\nSILENCE\n> RCPT TO:<postmaster@example.com>\n" + order},
		{one(lab.Repeat("MAIL")), hello + mail + "< 250 2.1.0 ...\n" + rcpt},
		{one(lab.Silence()), "SILENCE\n> EHLO client.example\nSILENCE\n> QUIT\nSILENCE\n"},
		{one(lab.Tarpit(time.Millisecond)), hello + alive},
		{one(lab.Drip(time.Millisecond)), hello + alive},
		{one(lab.Late("NOOP", time.Millisecond)), hello + alive},

		{one(lab.AcceptGroups()), "< 220 ...\n> HELO client.example\n< 250 receiver.example\n>> \"MAIL FROM:<>\\r\\nRSET\\r\\nRSET\\r\\n\"\n< 250 2.1.0 ...\n< 250 2.0.0 OK\n< 250 2.0.0 OK\n>> \"NOOP\\r\\nRSET\\r\\n\"\n< 554 ...\nCLOSED\n"},
		{one(lab.AcceptInsideGroup("EHLO")), "< 220 ...\n>> \"EHLO client.example\\r\\nNOOP\\r\\n\"\n< 250-receiver.example\n< 250-PIPELINING\n< 250-CHUNKING\n< 250 STARTTLS\n< 250 2.0.0 OK\n"},
		{one(lab.AcceptInsideGroup("VRFY")), hello + ">> \"MAIL FROM:<>\\r\\nVRFY postmaster\\r\\nRSET\\r\\n\"\n< 250 2.1.0 ...\n< 252 ...\n< 250 2.0.0 OK\n"},
		{one(lab.RefuseGroups()), hello + ">> \"MAIL FROM:<>\\r\\nRSET\\r\\n\"\n< 554 5.5.0 ...\nCLOSED\n"},
		{one(lab.FlushAfterError()), hello + ">> \"RCPT TO:<postmaster@example.com>\\r\\nRSET\\r\\nRSET\\r\\n\"\n" + order + "SILENCE\n" + alive},
		{one(lab.Reorder()), hello + ">> \"MAIL FROM:<>\\r\\nRSET\\r\\n\"\n< 250 2.0.0 OK\n< 250 2.1.0 ...\n" + alive},

		{one(lab.HangUp(lab.Place{Verb: lab.Greeting}, "")), "CLOSED\n"},
		{one(lab.HangUp(lab.Place{Verb: lab.Greeting}, "421 4.3.2 Down")), "< 421 4.3.2 Down\nCLOSED\n"},
		{one(lab.HangUp(lab.Place{State: "E", Verb: "MAIL"}, "")), "< 220 ...\n> MAIL FROM:<>\n" + order + strings.TrimPrefix(hello, "\n< 220 receiver.example ESMTP") + "> MAIL FROM:<>\nCLOSED\n"},
		{one(lab.HangUpOnErrors("")), hello + mail + "> DATA\nCLOSED\n"},
		{one(lab.HangUpOnErrors("500 5.5.2 Go away")), hello + mail + "> DATA\n< 500 5.5.2 Go away\nCLOSED\n"},
		{one(lab.CloseAfterErrors(3, "421 4.7.0 Too many errors")), hello + "> DATA\n" + order + "> DATA\n" + order + alive + "> DATA\n< 421 4.7.0 Too many errors\nCLOSED\n"},
		{one(lab.ResetAt(2)), hello + "> NOOP\nRESET\n"},

		{one(lab.Garble("mixed-codes", "NOOP", lab.Garbage()["mixed-codes"])), hello + "> NOOP\n<< \"250-one\\r\\n251 two\\r\\n\"\n" + mail},
		{one(lab.Garble("octets", lab.Greeting, lab.Garbage()["octets"])), "<< \"250 \\x00\\xff\\x1b[31m\\xc3\\r\\n\"\n" + alive},
		{one(lab.Foreign("SSH-2.0-receiver\r\n", false)), "< SSH-2.0-receiver\n> EHLO client.example\nSILENCE\n"},
		{one(lab.Foreign("HTTP/1.1 400 Bad Request\r\n\r\n", true)), "<< \"HTTP/1.1 400 Bad Request\\r\\n\\r\\n\"\nCLOSED\n"},
		{one(lab.FloodOfLines("NOOP")), hello + "> NOOP\n<< \"250-more\\r\\n250-more\\r\\n250-more\\r\\n\"\n"},
		{one(lab.FloodOfOctets(lab.Greeting)), "<< \"250 more 250 more 250 more \"\n"},
		{one(lab.FloodOfReplies("NOOP")), hello + "> NOOP\n<< \"250 OK\\r\\n250 OK\\r\\n\"\n"},
	}
	for _, tt := range tests {
		t.Run(tt.lapses[0].Name, func(t *testing.T) {
			t.Parallel()
			converse(t, lab.Receiver{
				Extensions: []string{"PIPELINING", "CHUNKING", "STARTTLS"}, Lapses: tt.lapses, GreetDelay: lab.NoGreetDelay,
			}, tt.script)
		})
	}
}

// TestMachines: the other machine answers every second session, by its own name
// and with its lapse; where it has no name, by that of the receiver.
func TestMachines(t *testing.T) {
	const refused = "> MAIL FROM:<>\n< 550 5.7.1 ...\n"
	for _, tt := range []struct{ host, greets string }{{"other.example", "other.example"}, {"", "receiver.example"}} {
		r := lab.Receiver{Extensions: []string{}, GreetDelay: lab.NoGreetDelay, Lapses: one(lab.Machine(2, tt.host, lab.RefuseByPolicy("MAIL")))}
		for i := range 4 {
			script := "< 220 receiver.example ESMTP\n> EHLO client.example\n< 250 receiver.example\n" + mail
			if i%2 == 1 {
				script = "< 220 " + tt.greets + " ESMTP\n> EHLO client.example\n< 250 " + tt.greets + "\n" + refused
			}
			converse(t, r, script)
		}
	}
	if got, want := lab.Machine(2, "other.example", lab.Silence()).Name, "machine/2/other-example/silence"; got != want {
		t.Errorf("got the name %q, want %q", got, want)
	}
}

func one(l lab.Lapse) []lab.Lapse { return []lab.Lapse{l} }

func TestTheListOfLapses(t *testing.T) {
	form := regexp.MustCompile(`^[a-z0-9]+([-/][a-z0-9]+)*$`)
	seen := make(map[string]bool)
	for _, lapse := range lab.Lapses() {
		if !form.MatchString(lapse.Name) || lapse.Note == "" {
			t.Errorf("got the lapse %q with the note %q, want a plain name and a sentence", lapse.Name, lapse.Note)
		}
		if seen[lapse.Name] {
			t.Errorf("got two lapses with the name %q, want one", lapse.Name)
		}
		seen[lapse.Name] = true
	}
}

// TestEarlyTalk does not hang on time: the client speaks before it reads, and
// the receivers that look for it wait far longer than a busy machine needs.
func TestEarlyTalk(t *testing.T) {
	tests := []struct {
		name   string
		lapses []lab.Lapse
		script string
		early  int
	}{
		{"strict", nil, "> EHLO client.example\n< 554 5.5.0 ...\nCLOSED\n", 1},
		{"lapse", one(lab.AcceptEarlyTalk()), "> EHLO client.example\n< 220 receiver.example ESMTP\n< 250 receiver.example\n" + alive, 1},
		{"lapse with a group", []lab.Lapse{lab.AcceptEarlyTalk(), lab.AcceptInsideGroup("EHLO")}, ">> \"EHLO client.example\\r\\nNOOP\\r\\n\"\n< 220 ...\n< 250 ...\n< 250 2.0.0 OK\n", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ledger := converse(t, lab.Receiver{Extensions: []string{}, Lapses: tt.lapses, GreetDelay: patience}, tt.script)
			if ledger.EarlyTalk != tt.early {
				t.Errorf("got %d early talkers in the ledger, want %d", ledger.EarlyTalk, tt.early)
			}
		})
	}
}
