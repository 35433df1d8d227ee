package main

import (
	"strconv"
	"strings"
)

// idle is what a session costs while it waits.
func (b *bench) idle() error {
	s, err := b.startSink()
	if err != nil {
		return err
	}
	defer func() { _ = s.close() }()
	const held = 10000
	for _, channel := range []struct {
		name string
		tls  bool
		goal float64
	}{{"in clear", false, 10}, {"inside TLS", true, 32}} {
		r := row{figure: "open sessions", measure: "resident memory of each of 10,000 idle sessions " + channel.name, goal: channel.goal, unit: "KiB"}
		for range b.rounds {
			u, err := b.spend("hold", "-port", s.port, "-sessions", strconv.Itoa(held), "-tls="+strconv.FormatBool(channel.tls))
			if err != nil {
				return err
			}
			octets, err := strconv.Atoi(strings.TrimSpace(u.out))
			if err != nil {
				return err
			}
			r.values = append(r.values, float64(octets)/1024)
		}
		b.add(r)
	}
	return nil
}

// dns is the CPU of MX look-ups by that of a bare loop.
func (b *bench) dns() error {
	const lookups = 20000
	s, err := b.startSink("-domains", strconv.Itoa(lookups))
	if err != nil {
		return err
	}
	defer func() { _ = s.close() }()
	r := row{figure: "DNS", measure: "CPU of an MX look-up / one of a bare miekg/dns loop", goal: 1.3}
	args := []string{"-server", s.zone, "-n", strconv.Itoa(lookups)}
	for range b.rounds {
		bare, err := b.spend("lookup", append(args, "-bare")...)
		if err != nil {
			return err
		}
		ours, err := b.spend("lookup", args...)
		if err != nil {
			return err
		}
		r.values = append(r.values, float64(ours.cpu)/float64(bare.cpu))
	}
	b.add(r)
	return nil
}

// start is the time of smtpprobe --version by that of the least Go program. A start
// is short, and a round is many pairs.
func (b *bench) start() error {
	const pairs = 60
	wall := row{figure: "start", measure: "time of smtpprobe --version / of a Go hello", goal: 2.5}
	cpu := row{figure: "start", measure: "the same by CPU"}
	for range b.rounds {
		var walls, cpus []float64
		for range pairs {
			least, err := b.spend("hello")
			if err != nil {
				return err
			}
			ours, err := b.spend("smtpprobe", "--version")
			if err != nil {
				return err
			}
			walls = append(walls, float64(ours.wall)/float64(least.wall))
			cpus = append(cpus, float64(ours.cpu)/float64(max(least.cpu, 1)))
		}
		wall.values, cpu.values = append(wall.values, median(walls)), append(cpu.values, median(cpus))
	}
	b.add(wall)
	b.add(cpu)
	return nil
}
