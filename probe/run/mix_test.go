package run_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe/lab"
)

// mix is a way that leads to the receiver or to the first of the others.
type mix struct {
	name string
	way  way
}

// divided leads to the first of the others where the predicate says so.
func divided(other func(n int) bool) way {
	return func(ctx context.Context, n int, w *world) (net.Conn, error) {
		if other(n) {
			return w.through(ctx, 1)
		}
		return w.straight(ctx)
	}
}

func mixes(sessions int) []mix {
	choose := func(name string, other func(n int) bool) mix { return mix{name, divided(other)} }
	all := []mix{
		choose("in turn", func(n int) bool { return n%2 == 0 }),
		choose("in turn, the other first", func(n int) bool { return n%2 == 1 }),
		choose("every third", func(n int) bool { return n%3 == 0 }),
		choose("but for every third", func(n int) bool { return n%3 != 0 }),
	}
	for k := 1; k < sessions; k += 3 {
		all = append(all,
			choose(fmt.Sprintf("the other from session %d on", k+1), func(n int) bool { return n > k }),
			choose(fmt.Sprintf("the other until session %d", k), func(n int) bool { return n <= k }),
		)
	}
	return all
}

// TestAnotherImplementation puts two receivers behind one address, as in a pool
// that is being renewed, or behind postscreen: a verdict is that of the one or
// of the other, or there is none.
func TestAnotherImplementation(t *testing.T) {
	without := func(leave string) lab.Receiver {
		return lab.Receiver{Extensions: slices.DeleteFunc(lab.DefaultExtensions(), func(k string) bool { return k == leave })}
	}
	lapse := func(l ...lab.Lapse) lab.Receiver { return lab.Receiver{Lapses: l} }
	pools := map[string]lab.Receiver{
		"without PIPELINING":        without("PIPELINING"),
		"without STARTTLS":          without("STARTTLS"),
		"without any extension":     {Extensions: []string{}},
		"one that accepts nested":   lapse(lab.AcceptNestedMail()),
		"one that keeps":            lapse(lab.KeepAcrossHello()),
		"one of another code":       lapse(lab.Replace("502 5.5.1 Command not implemented")),
		"one that accepts groups":   lapse(lab.AcceptGroups()),
		"one that greylists":        lapse(lab.Greylist()),
		"one that refuses by RCPT":  lapse(lab.RefuseByPolicy("RCPT")),
		"one that demands TLS":      lapse(lab.DemandTLS()),
		"one that takes all":        lapse(lab.AcceptAnyRecipient()),
		"one that refuses the null": lapse(lab.RefuseNullSender()),
	}
	reference := strict(t, nil)
	for name, other := range pools {
		t.Run(name, func(t *testing.T) {
			alone := (&world{receiver: other}).probe(t).report
			for _, mix := range mixes(reference.Sessions) {
				t.Run(mix.name, func(t *testing.T) {
					w := &world{others: []lab.Receiver{other}, way: mix.way}
					out := w.probe(t)
					sound(t, w, out)
					one, two := verdicts(reference), verdicts(alone)
					for _, res := range out.report.Results {
						if v := res.Verdict; v.Known() && v != one[res.Check.ID] && v != two[res.Check.ID] {
							t.Errorf("%s: got %s (%s), want what one of the receivers gets alone, %s or %s, or inconclusive",
								res.Check.ID, v, res.Reason, one[res.Check.ID], two[res.Check.ID])
							show(t, res.Transcript)
						}
					}
				})
			}
		})
	}
}
