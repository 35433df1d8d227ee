package main

import (
	"io"
	"path/filepath"
	"strconv"
	"time"
)

const inFlight = 1000

// memory is by how much the resident memory grows with each of 1,000 receivers in
// flight while each has its first session open, and by how much it has grown at
// most when all have been through the quick profile and their results are kept. It
// is held against the same run on one receiver.
func (b *bench) memory() error {
	s, err := b.startSink("-delay", "100ms")
	if err != nil {
		return err
	}
	defer func() { _ = s.close() }()
	first := row{figure: "memory", measure: "growth a receiver, 1,000 in flight with one session each", goal: 56, unit: "KiB"}
	for range b.rounds {
		growth, failed := b.growth(s, false)
		if failed != nil {
			return failed
		}
		first.values = append(first.values, growth)
	}
	b.add(first)
	whole, err := b.growth(s, true)
	b.add(row{figure: "memory", measure: "the same at most, through all sessions of the quick profile", unit: "KiB", values: []float64{whole}})
	return err
}

// growth is in KiB a receiver.
func (b *bench) growth(s *sink, whole bool) (float64, error) {
	one, err := b.flight(s, 1, whole)
	if err != nil {
		return 0, err
	}
	many, err := b.flight(s, inFlight, whole)
	return float64(many-one) / (inFlight - 1) / 1024, err
}

// flight begins the quick profile on so many receivers at once and returns the
// resident memory at most, in octets: until the first of them opens its second
// session, or to the end.
func (b *bench) flight(s *sink, receivers int, whole bool) (int, error) {
	targets, err := s.targets(receivers)
	if err != nil {
		return 0, err
	}
	defer remove(filepath.Dir(targets))
	before, err := s.read()
	if err != nil {
		return 0, err
	}
	cmd := b.command("smtpprobe", "--targets", targets, "--receivers", strconv.Itoa(inFlight), "--pace", "0", "--profile", "quick", "--format", "ndjson")
	cmd.Stdout = io.Discard
	if err := startOn(toolCore, cmd); err != nil {
		return 0, err
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // its exit code is about what it found
		close(ended)
	}()
	most := 0
	for ticks := time.NewTicker(10 * time.Millisecond); ; {
		select {
		case <-ticks.C:
		case <-ended:
			return most, nil
		}
		now, err := s.read()
		if err != nil || !whole && now.Connections-before.Connections > receivers {
			_ = cmd.Process.Kill() // it has ended where this fails
			<-ended
			return most, err
		}
		most = max(most, resident(cmd.Process.Pid))
	}
}
