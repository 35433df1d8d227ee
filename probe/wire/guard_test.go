package wire_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/wire"
)

// values are what a run with example.org would have.
func values(from string) probe.Values {
	return probe.Values{
		EHLO: "probe.example.com", From: from, Rcpt: "<postmaster@example.org>", Bad: probe.BadRecipient,
	}
}

// visits plays the visits one after the other against receivers of their
// conduct, in memory and in no time, and returns what the court has to say.
func visits(t *testing.T, from string, public bool, all []visit) []string {
	t.Helper()
	c := &court{values: values(from), public: public}
	synctest.Test(t, func(t *testing.T) {
		network := lab.NewMemory()
		l := serve(network, func(n int) conduct { return byTape(all[n].tape, all[n].takesChunks) })
		r, err := wire.NewReceiver(
			probe.Receiver{Host: "mx.example.net", Address: "192.0.2.1", Port: 25, Public: public},
			wire.Config{Values: c.values, Dial: network.DialContext},
		)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range all {
			s, err := r.Open(context.Background())
			if err != nil {
				break
			}
			for _, script := range v.scripts {
				s.Play(context.Background(), script)
			}
			synctest.Wait() // a reset takes back what the listener has not read
			s.Leave(context.Background())
		}
		for _, log := range l.stop() {
			c.judge(log)
		}
	})
	return c.faults
}

// TestContractHolds plays whatever can be written in a script against whatever
// a server may reply, and judges by what the server read.
func TestContractHolds(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		from := rapid.SampledFrom([]string{"<>", "<operator@example.com>"}).Draw(r, "sender")
		all := rapid.SliceOfN(rapid.Custom(drawVisit), 1, 4).Draw(r, "visits")
		if faults := visits(t, from, rapid.Bool().Draw(r, "public"), all); len(faults) > 0 {
			r.Fatalf("got\n%s\nwant nothing", strings.Join(faults, "\n"))
		}
	})
}
