package wire_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/wire"
)

// In what FuzzGuard is given, separators part steps from steps and replies from
// replies.
const (
	separator = "\x1e"
	shake     = "\x16" // a step: a handshake; a reply: take what came for a ClientHello
	hush      = "\x07" // a step: listen for a second
	most      = 32     // steps, and replies
)

// FuzzGuard writes any octets as the steps of a script, one write a step, and
// replies with any octets, one write for each of the client's. The court judges
// by what the server read.
func FuzzGuard(f *testing.F) {
	for _, line := range append(append(core[:len(core):len(core)], benign...), hostile...) {
		f.Add([]byte("\x07\x1eEHLO {ehlo}\r\n\x1eMAIL FROM:<>\r\n\x1e"+line+"\r\n\x1eDATA\r\n\x1eRSET\r\n"),
			[]byte("220 hi\r\n\x1e250 fine\r\n\x1e250 fine\r\n\x1e550 no\r\n\x1e354 go\r\n\x1e250 fine\r\n"), true)
	}
	f.Add([]byte("\x07\x1eSTARTTLS\r\nNOOP\r\n\x1e\x16\x1eEHLO {ehlo}\r\n\x1eDATA\r\n"),
		[]byte("220 hi\r\n\x1e220 go\r\n\x1e\x16\x1e250 fine\r\n\x1e250 fine\r\n354 go\r\n"), false)
	f.Add([]byte("MAIL FROM:<>\r\nRCPT TO:{bad}\r\nDATA\r\n"), []byte("220 hi\r\n\x1e250 a\r\n550 b\r\n354 c\r\n"), true)
	f.Fuzz(func(t *testing.T, script, replies []byte, public bool) {
		c := &court{values: values("<operator@example.com>"), public: public}
		if bytes.Count(script, []byte(separator)) > most || len(replies) > 2000 {
			return
		}
		synctest.Test(t, func(t *testing.T) {
			network := lab.NewMemory()
			l := serve(network, func(int) conduct { return inTurn(strings.Split(string(replies), separator)) })
			r, err := wire.NewReceiver(
				probe.Receiver{Host: "mx.example.net", Address: "192.0.2.1", Port: 25, Public: public},
				wire.Config{Values: c.values, Dial: network.DialContext},
			)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				s, err := r.Open(context.Background())
				if err != nil {
					break
				}
				s.Play(context.Background(), stepsOf(string(script)))
				synctest.Wait() // a reset takes back what the listener has not read
				s.Leave(context.Background())
			}
			for _, log := range l.stop() {
				c.judge(log)
			}
		})
		if len(c.faults) > 0 {
			t.Errorf("got\n%s\nwant nothing", strings.Join(c.faults, "\n"))
		}
	})
}

func stepsOf(script string) probe.Script {
	s := probe.Script{{Act: probe.Greet}}
	for text := range strings.SplitSeq(script, separator) {
		switch text {
		case shake:
			s = append(s, probe.Step{Act: probe.Handshake})
		case hush:
			s = append(s, probe.Step{Act: probe.Listen, For: time.Second})
		default:
			s = append(s, probe.Step{Act: probe.Send, Text: text, Replies: strings.Count(text, "\r\n")})
		}
	}
	return s
}

// inTurn is a conduct that writes one reply for each write of the client, a
// little later, whatever it was, and closes when it has no more.
func inTurn(replies []string) conduct {
	return func(string) []turn {
		if len(replies) == 0 {
			return []turn{{end: half}}
		}
		next := turn{pause: time.Millisecond + tick, octets: replies[0]}
		if replies = replies[1:]; next.octets == shake {
			next.secure, next.octets = true, ""
		}
		return []turn{next}
	}
}
