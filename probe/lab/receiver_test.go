package lab_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/probe/lab"
)

// conversations are what a strict receiver is held to, written by hand.
var conversations = []struct{ name, script string }{
	{"a whole session", `
< 220 receiver.example ESMTP
> NOOP
< 250 2.0.0 OK
> RCPT TO:<postmaster@example.com>
< 503 5.5.1 Bad sequence of commands
> EHLO client.example
< 250-receiver.example
< 250-PIPELINING
< 250-CHUNKING
< 250-STARTTLS
< 250 AUTH PLAIN
> DATA
< 503 5.5.1 Bad sequence of commands
> MAIL FROM:<>
< 250 2.1.0 Sender OK
> MAIL FROM:<>
< 503 5.5.1 Bad sequence of commands
> DATA
< 503 5.5.1 Bad sequence of commands
> RCPT TO:<smtpprobe@smtpprobe.invalid>
< 550 5.1.1 No such mailbox here
> DATA
< 554 5.5.1 No valid recipients
> RCPT TO:<postmaster@example.com>
< 250 2.1.5 Recipient OK
> STARTTLS
< 503 5.5.1 Bad sequence of commands
> AUTH PLAIN
< 503 5.5.1 Bad sequence of commands
> RSET
< 250 2.0.0 OK
> RCPT TO:<postmaster@example.com>
< 503 5.5.1 Bad sequence of commands
> VRFY postmaster
< 252 2.5.0 Cannot verify the user, mail for it would be tried
> ZZPROBE
< 500 5.5.2 Command not recognized
>> "\r\n"
< 500 5.5.2 Command not recognized
> QUIT
< 221 2.0.0 Bye
CLOSED`},
	{"a message, which is thrown away", `
< 220 ...
> EHLO client.example
< 250-receiver.example
< 250-PIPELINING
< 250-CHUNKING
< 250-STARTTLS
< 250 AUTH PLAIN
> MAIL FROM:<a@client.example>
< 250 2.1.0 ...
> RCPT TO:<postmaster@example.com>
< 250 2.1.5 ...
> DATA
< 354 End the message with <CRLF>.<CRLF>
>> "Subject: x\r\n\r\nQUIT\r\n..\r\n.\n.\r\r\n"
SILENCE
>> ".\r\n"
< 250 2.0.0 OK
> QUIT
< 221 ...
CLOSED`},
	{"chunks after HELO", `
< 220 ...
>> "HELO client.example\r\n"
< 250 receiver.example
>> "BDAT 12\r\nNOOP\r\nNOOP\r\n"
< 503 5.5.1 ...
>> "BDAT 6\r\nNOOP\r\nNOOP\r\n"
< 554 5.5.0 ...
CLOSED`},
	{"chunks are swallowed", `
< 220 ...
>> "BDAT 12\r\n"
>> "NOOP\r\nNOOP\r\n"
< 503 5.5.1 ...
> EHLO client.example
< 250-receiver.example
< 250-PIPELINING
< 250-CHUNKING
< 250-STARTTLS
< 250 AUTH PLAIN
>> "BDAT 12\r\nNOOP\r\nNOOP\r\n"
< 503 5.5.1 ...
> MAIL FROM:<>
< 250 2.1.0 ...
>> "BDAT 6\r\nNOOP\r\nBDAT 6\r\nNOOP\r\n"
< 554 5.5.1 ...
< 503 5.5.1 ...
> BDAT 6 FIRST
< 501 5.5.4 ...
> RSET
< 250 2.0.0 OK
> NOOP
< 250 2.0.0 OK`},
	{"groups", `
< 220 ...
> EHLO client.example
< 250-receiver.example
< 250-PIPELINING
< 250-CHUNKING
< 250-STARTTLS
< 250 AUTH PLAIN
>> "RCPT TO:<postmaster@example.com>\r\nRSET\r\nMAIL FROM:<>\r\nRCPT TO:<postmaster@example.com>\r\nRSET\r\nNOOP\r\n"
< 503 5.5.1 ...
< 250 2.0.0 OK
< 250 2.1.0 ...
< 250 2.1.5 ...
< 250 2.0.0 OK
< 250 2.0.0 OK
>> "MAIL FROM:<>\r\nRCPT TO:<smtpprobe@smtpprobe.invalid>\r\nDATA\r\n"
< 250 2.1.0 ...
< 550 5.1.1 ...
< 554 5.5.1 ...
>> "RSET\r\nNOOP\r\nRSET\r\n"
< 250 2.0.0 OK
< 554 5.5.0 Commands were sent ahead of their turn
CLOSED`},
	{"replies do not wait for half a command", `
< 220 ...
> EHLO client.example
< 250-receiver.example
< 250-PIPELINING
< 250-CHUNKING
< 250-STARTTLS
< 250 AUTH PLAIN
>> "MAIL FROM:<>\r\nRS"
< 250 2.1.0 ...
SILENCE
>> "ET\r"
SILENCE
>> "\n"
< 250 2.0.0 OK`},
	{"a group before EHLO", `
< 220 ...
>> "NOOP\r\nNOOP\r\n"
< 554 5.5.0 ...
CLOSED`},
	{"a group after HELO", `
< 220 ...
> HELO client.example
< 250 receiver.example
>> "MAIL FROM:<>\r\nRSET\r\nRSET\r\n"
< 554 5.5.0 ...
CLOSED`},
	{"a group with EHLO at its head", `
< 220 ...
>> "EHLO client.example\r\nNOOP\r\n"
< 554 5.5.0 ...
CLOSED`},
	{"commands behind QUIT", `
< 220 ...
>> "QUIT\r\nNOOP\r\n"
< 221 2.0.0 Bye
CLOSED`},
	{"authentication", `
< 220 ...
> EHLO client.example
< 250-receiver.example
< 250-PIPELINING
< 250-CHUNKING
< 250-STARTTLS
< 250 AUTH PLAIN
> AUTH ZZ-PROBE
< 504 5.5.4 ...
> AUTH PLAIN
<< "334 \r\n"
> *
< 501 5.0.0 ...
> NOOP
< 250 2.0.0 OK`},
	{"line ends", `
< 220 ...
>> "NOOP\n"
SILENCE
>> "\r\n"
< 501 5.5.2 ...
>> "NOOP a\rNOOP b\r\n"
< 501 5.5.2 ...
>> "NOOP\x00ZZ\r\n"
< 501 5.5.2 ...
>> "RSET  \r\n"
< 250 2.0.0 OK
> NOOP
< 250 2.0.0 OK`},
}

// TestStrictReceiver holds every conversation over every road.
func TestStrictReceiver(t *testing.T) {
	roads := []struct {
		name     string
		implicit bool
		open     func(*testing.T, lab.Receiver) net.Conn
	}{
		{"socket", false, overSocket},
		{"socket, TLS", true, overSocket},
		{"memory", false, overMemory},
		{"memory, TLS", true, overMemory},
	}
	for _, road := range roads {
		for _, tt := range conversations {
			t.Run(road.name+": "+tt.name, func(t *testing.T) {
				t.Parallel()
				script, keywords := tt.script, []string{"PIPELINING", "CHUNKING", "STARTTLS", "AUTH PLAIN"}
				if road.implicit {
					script = "TLS\n" + strings.ReplaceAll(script, "< 250-STARTTLS\n", "")
				}
				conn := road.open(t, lab.Receiver{Extensions: keywords, ImplicitTLS: road.implicit, GreetDelay: time.Millisecond})
				hold(t, conn, script)
			})
		}
	}
}

func overSocket(t *testing.T, r lab.Receiver) net.Conn {
	t.Helper()
	return dial(t, start(t, r))
}

func overMemory(t *testing.T, r lab.Receiver) net.Conn {
	t.Helper()
	memory := lab.NewMemory()
	server, err := r.Serve(memory)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, server) })
	conn, err := memory.DialContext(context.Background(), "tcp", "192.0.2.1:25")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}
