package lab_test

import (
	"context"
	"errors"
	"io"
	"net"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/oracle"
	"pgregory.net/rapid"
)

func TestLedger(t *testing.T) {
	server := start(t, lab.Receiver{Extensions: []string{"PIPELINING", "CHUNKING", "STARTTLS"}, GreetDelay: lab.NoGreetDelay})
	hold(t, dial(t, server), hello+"> DATA\n"+order+mail+rcpt+"> DATA\n< 354 ...\n>> \"four\\r\\n.\\r\\n\"\n< 250 ...\n> ZZPROBE\n< 500 ...\n> QUIT\n< 221 ...\nCLOSED\n")
	hold(t, dial(t, server), hello+toTLS+again+mail+rcpt+">> \"BDAT 6\\r\\nNOOP\\r\\n\"\n< 250 ...\n> BDAT 0 LAST\n< 250 ...\n>> \"NOOP\\r\\nRSET\\r\\n\"\n< 554 ...\nCLOSED\n")
	conn := dial(t, server)
	hold(t, conn, hello+mail+rcpt+"> DATA\n< 354 ...\n>> \"half a line\"\n")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	begun, giveUp := context.WithTimeout(ctx, 10*time.Millisecond)
	defer giveUp()
	if err := server.Settle(begun); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v while a session is open, want %v", err, context.DeadlineExceeded)
	}
	conn.Close()
	if err := server.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	got := server.Ledger()
	want := []lab.Tally{
		{
			Commands: 7, Errors: 2, Recipients: 1, Data: 1, Ends: 1, TextOctets: 9,
			Verbs: map[string]int{"EHLO": 1, "DATA": 2, "MAIL": 1, "RCPT": 1, "QUIT": 1, "other": 1},
		},
		{
			Commands: 8, Errors: 1, Recipients: 1, Chunks: 2, Ends: 1, ChunkOctets: 6, RefusedGroup: 1, Handshakes: 1,
			Verbs: map[string]int{"EHLO": 2, "STARTTLS": 1, "MAIL": 1, "RCPT": 1, "BDAT": 2, "NOOP": 1},
		},
		{
			Commands: 4, Recipients: 1, Data: 1, TextOctets: 11,
			Verbs: map[string]int{"EHLO": 1, "MAIL": 1, "RCPT": 1, "DATA": 1},
		},
	}
	for i, tally := range want {
		if i >= len(got.Sessions) || !reflect.DeepEqual(got.Sessions[i], tally) {
			t.Errorf("got %+v, want session %d to be %+v", got.Sessions, i, tally)
		}
	}
	if got.Connections != 3 || got.Open != 0 || got.GoneInText != 1 {
		t.Errorf("got %d connections, %d open, %d gone in text, want 3, 0, 1", got.Connections, got.Open, got.GoneInText)
	}
	if got.Commands != 19 || got.Errors != 3 || got.Verbs["EHLO"] != 4 || got.TextOctets != 20 {
		t.Errorf("got %+v, want the sum of the sessions", got.Tally)
	}
}

func TestListenRefusesOtherAddresses(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "192.0.2.1:25", "receiver.example:25", "127.0.0.1", ""} {
		t.Run(address, func(t *testing.T) {
			if server, err := (lab.Receiver{}).Listen(address); err == nil {
				stop(t, server)
				t.Errorf("got a receiver at %s, want only loopback addresses", server.Addr())
			}
		})
	}
}

func TestListenNamesATakenAddress(t *testing.T) {
	server := start(t, lab.Receiver{})
	other, err := lab.Receiver{}.Listen(server.Addr())
	if err == nil {
		stop(t, other)
		t.Fatal("got a second receiver at the same address, want an error")
	}
	if !strings.Contains(err.Error(), server.Addr()) {
		t.Errorf("got %v, want an error that names %s", err, server.Addr())
	}
}

// TestCloseEndsEverything closes a receiver while clients are in the middle of
// all kinds of things; goleak looks at what is left.
func TestCloseEndsEverything(t *testing.T) {
	tests := []struct {
		name   string
		lapses []lab.Lapse
		script string
	}{
		{"waiting to greet", one(lab.Late(lab.Greeting, time.Hour)), "SILENCE\n"},
		{"waiting for a command", nil, "< 220 ...\n"},
		{"waiting for text", nil, "< 220 ...\n> HELO client.example\n< 250 ...\n" + mail + rcpt + "> DATA\n< 354 ...\n"},
		{"waiting for a chunk", nil, "< 220 ...\n> BDAT 100000\n"},
		{"waiting for a handshake", nil, "< 220 ...\n> EHLO client.example\n< 250-receiver.example\n< 250 STARTTLS\n> STARTTLS\n< 220 ...\n"},
		{"waiting in a tarpit", one(lab.TarpitErrors(time.Hour)), "< 220 ...\n> DATA\n" + order + "> NOOP\nSILENCE\n"},
		{"dripping", one(lab.Drip(time.Hour)), "SILENCE\n"},
		{"flooding", one(lab.FloodOfOctets(lab.Greeting)), "<< \"250 more\"\n"},
		{"silent", one(lab.Silence()), "> NOOP\nSILENCE\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := start(t, lab.Receiver{Extensions: []string{"STARTTLS"}, Lapses: tt.lapses, GreetDelay: lab.NoGreetDelay})
			conn := hold(t, dial(t, server), tt.script)
			stop(t, server)
			stop(t, server)
			must(t, conn.SetDeadline(time.Now().Add(patience)))
			if _, err := io.Copy(io.Discard, conn); err != nil && isTimeout(err) {
				t.Errorf("got %v, want the connection cut", err)
			}
			if got := server.Ledger().Open; got != 0 {
				t.Errorf("got %d open connections, want none", got)
			}
			if conn, err := net.Dial("tcp", server.Addr()); err == nil {
				conn.Close()
				t.Errorf("got a connection to a closed receiver, want none")
			}
		})
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// TestPatience lets minutes pass in no time.
func TestPatience(t *testing.T) {
	tests := []struct {
		name   string
		r      lab.Receiver
		script string
		want   time.Duration // how long the script takes
	}{
		{"idle", lab.Receiver{}, "< 220 ...\n< 421 4.4.2 ...\nCLOSED\n", 5*time.Minute + lab.DefaultGreetDelay},
		{"idle for less", lab.Receiver{IdleTimeout: time.Minute, GreetDelay: lab.NoGreetDelay}, "< 220 ...\n< 421 4.4.2 ...\nCLOSED\n", time.Minute},
		{"idle but silent", lab.Receiver{GreetDelay: lab.NoGreetDelay, Lapses: one(lab.Silence())}, "CLOSED\n", 5 * time.Minute},
		{"idle in text", lab.Receiver{GreetDelay: lab.NoGreetDelay}, "< 220 ...\n> HELO client.example\n< 250 ...\n" + mail + rcpt + "> DATA\n< 354 ...\nCLOSED\n", 5 * time.Minute},
		{"greet delay", lab.Receiver{GreetDelay: 10 * time.Second}, "< 220 ...\n", 10 * time.Second},
		{"late greeting", lab.Receiver{GreetDelay: lab.NoGreetDelay, Lapses: one(lab.Late(lab.Greeting, time.Minute))}, "< 220 ...\n", time.Minute},
		{"late reply", lab.Receiver{GreetDelay: lab.NoGreetDelay, Lapses: one(lab.Late("NOOP", time.Minute))}, "< 220 ...\n" + alive + "> RSET\n< 250 ...\n", time.Minute},
		{"tarpit", lab.Receiver{GreetDelay: lab.NoGreetDelay, Lapses: one(lab.Tarpit(time.Minute))}, "< 220 ...\n" + alive + alive, 3 * time.Minute},
		{"tarpit after errors", lab.Receiver{GreetDelay: lab.NoGreetDelay, Lapses: one(lab.TarpitErrors(time.Minute))}, "< 220 ...\n" + alive + "> DATA\n" + order + alive + alive, time.Minute},
		{"drip", lab.Receiver{GreetDelay: lab.NoGreetDelay, Lapses: one(lab.Drip(time.Second))}, "< 220 receiver.example ESMTP\n", 28 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				memory := lab.NewMemory()
				server, err := tt.r.Serve(memory)
				if err != nil {
					t.Fatal(err)
				}
				defer stop(t, server)
				conn, err := memory.DialContext(t.Context(), "tcp", "")
				if err != nil {
					t.Fatal(err)
				}
				begun := time.Now()
				hold(t, patient{conn}, tt.script)
				if took := time.Since(begun); took != tt.want {
					t.Errorf("got an exchange of %v, want %v", took, tt.want)
				}
				conn.Close()
			})
		})
	}
}

// patient ignores deadlines.
type patient struct{ net.Conn }

func (patient) SetDeadline(time.Time) error { return nil }

func TestLongLines(t *testing.T) {
	long := func(n int) string {
		return ">> " + strconv.Quote("NOOP "+strings.Repeat("x", n-len("NOOP \r\n"))+"\r\n") + "\n"
	}
	tests := []struct {
		name   string
		octets int
		want   string
	}{
		{"512", 512, "250"},
		{"4000", 4000, "250"},
		{"all that is taken", 16 << 10, "250"},
		{"one too many, CR and LF apart", 16<<10 + 1, "500"},
		{"two too many", 16<<10 + 2, "500"},
		{"many times too many", 1 << 20, "500"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			converse(t, lab.Receiver{GreetDelay: lab.NoGreetDelay}, "< 220 ...\n"+long(tt.octets)+"< "+tt.want+" ...\n"+alive)
		})
	}
}

// TestReceiverIsTheOracle talks to the receiver one command at a time: it must
// answer as the reference does, line by line.
func TestReceiverIsTheOracle(t *testing.T) {
	keywords := []string{"PIPELINING", "SIZE 1000", "8BITMIME", "DSN", "CHUNKING", "AUTH PLAIN"}
	lines := []string{
		"EHLO client.example", "EHLO", "HELO client.example", "MAIL FROM:<>", "MAIL FROM:<<<", "MAIL FROM:<> SIZE=1001", "RCPT TO:<postmaster@example.com>",
		"RCPT TO:<>", "DATA", "text", ".", "BDAT 0", "BDAT 0 LAST", "BDAT", "RSET", "NOOP", "VRFY postmaster", "AUTH PLAIN", "*", "ZZPROBE", "",
		"STARTTLS", "NOOP\x00", "QUIT now",
	}
	server := start(t, lab.Receiver{Extensions: keywords, GreetDelay: lab.NoGreetDelay})
	rapid.Check(t, func(rt *rapid.T) {
		var script strings.Builder
		greeting, s := oracle.New(keywords...).Greet()
		script.WriteString("< " + greeting.Reply[0] + "\n")
		for _, line := range rapid.SliceOfN(rapid.SampledFrom(lines), 1, 30).Draw(rt, "lines") {
			var answer oracle.Answer
			answer, s = s.Step(line)
			script.WriteString(">> " + strconv.Quote(line+"\r\n") + "\n")
			for _, reply := range answer.Reply {
				script.WriteString("<< " + strconv.Quote(reply+"\r\n") + "\n")
			}
		}
		conn, err := net.Dial("tcp", server.Addr())
		if err != nil {
			rt.Fatal(err)
		}
		defer conn.Close()
		hold(t, conn, script.String())
	})
}

// FuzzReceiver sends any octets. The receiver must come to an end, keep its
// book, and never take a message without a recipient.
func FuzzReceiver(f *testing.F) {
	f.Add([]byte("EHLO client.example\r\nMAIL FROM:<>\r\nDATA\r\n.\r\n"), true)
	f.Add([]byte("BDAT 99999999999\r\nNOOP\r\n"), false)
	f.Add([]byte("EHLO client.example\r\nSTARTTLS\r\n\x16\x03\x01\x00\x02\x01\x00"), false)
	f.Add([]byte("EHLO client.example\r\nAUTH PLAIN\r\n*\r\n\x00\n\r\r\n"), true)
	f.Fuzz(func(t *testing.T, octets []byte, lenient bool) {
		r := lab.Receiver{GreetDelay: lab.NoGreetDelay}
		if lenient {
			r.Lapses = []lab.Lapse{lab.AcceptGroups(), lab.AcceptInsideGroup("EHLO"), lab.AcceptInsideGroup("DATA"), lab.TakeBareLF()}
		}
		memory := lab.NewMemory()
		server, err := r.Serve(memory)
		if err != nil {
			t.Fatal(err)
		}
		defer stop(t, server)
		conn, err := memory.DialContext(t.Context(), "tcp", "")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		must(t, conn.SetDeadline(time.Now().Add(patience)))
		var writing sync.WaitGroup
		writing.Go(func() {
			_, _ = conn.Write(octets) // the receiver may have gone before all is written
			_ = closeWrite(conn)
		})
		_, err = io.Copy(io.Discard, conn)
		writing.Wait()
		if err != nil {
			t.Fatalf("got %v, want the receiver to end the session", err)
		}
		stop(t, server)
		if l := server.Ledger(); l.Open != 0 || l.Connections != 1 || l.Data > 0 && l.Recipients == 0 {
			t.Errorf("got %+v, want one session that is over and no text without a recipient", l)
		}
	})
}
