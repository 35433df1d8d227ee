package main

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/plan"
	"github.com/smtpprobe/smtpprobe/probe/run"
)

// roundTrip is the way to the sink in the figure of latency.
const roundTrip = 50 * time.Millisecond

// latency is the time of one receiver by the least that the plan allows. The runs
// with one, two and four sessions at once are made side by side: each is idle
// nearly all of its time.
func (b *bench) latency() error {
	s, err := b.startSink("-delay", roundTrip.String())
	if err != nil {
		return err
	}
	defer func() { _ = s.close() }()
	lanes := []int{1, 2, 4}
	rows := make([]row, len(lanes))
	least := make([]time.Duration, len(lanes))
	for i, n := range lanes {
		rows[i] = row{figure: "latency", measure: fmt.Sprintf("time of the standard profile, %d at once / its critical path", n), goal: 1.05}
		least[i] = critical(n)
	}
	for range b.rounds {
		ended := make(chan error, len(lanes))
		walls := make([]time.Duration, len(lanes))
		for i, n := range lanes {
			go func() {
				u, failed := b.spend("smtpprobe", b.probing(s, n)...)
				walls[i] = u.wall
				ended <- failed
			}()
		}
		for range lanes {
			err = errors.Join(err, <-ended)
		}
		if err != nil {
			return err
		}
		for i := range lanes {
			rows[i].values = append(rows[i].values, float64(walls[i])/float64(least[i]))
			rows[i].note = fmt.Sprintf("%.2f s; the plan allows %.2f s", walls[i].Seconds(), least[i].Seconds())
		}
	}
	for _, r := range rows {
		b.add(r)
	}
	return nil
}

// critical is the least time that the plan of the standard profile allows for a
// receiver that offers what the sink does.
func critical(sessions int) time.Duration {
	o := run.Options{Catalogue: checks.All(), TLS: run.Auto}
	for _, c := range o.Catalogue {
		if c.Profile <= probe.Standard {
			o.Selected = append(o.Selected, c)
		}
	}
	lanes := plan.Lanes{AtOnce: sessions, RoundTrip: roundTrip}
	return lanes.Critical(o.PlanFor(lab.DefaultExtensions())).At(roundTrip)
}

// probing are the arguments of a run on one receiver; each number of sessions has
// an address of its own.
func (b *bench) probing(s *sink, sessions int) []string {
	return []string{"--pace", "0", "--sessions", strconv.Itoa(sessions), fmt.Sprintf("127.1.0.%d:%s", sessions, s.port)}
}
