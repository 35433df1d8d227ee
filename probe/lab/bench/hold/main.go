// Command hold opens sessions with the sink by probe/wire and holds them, idle
// behind EHLO, in clear or inside TLS. It prints by how many octets its resident
// memory grew with each.
//
// It plays no check: what is measured is what a session costs while it waits.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/wire"
)

func main() {
	port := flag.Int("port", 0, "port of the sink")
	sessions := flag.Int("sessions", 1, "sessions to hold")
	tls := flag.Bool("tls", false, "go inside TLS by STARTTLS")
	flag.Parse()
	start := probe.Hello
	if *tls {
		start = probe.TunnelHello
	}
	if err := hold(*port, *sessions, start); err != nil {
		fmt.Fprintln(os.Stderr, "hold:", err)
		os.Exit(1)
	}
}

// hold opens one session before it looks at its memory for the first time, so that
// what a first session makes is not counted.
func hold(port, n int, start probe.Start) error {
	first, err := open(port, 0, start)
	if err != nil {
		return err
	}
	before, err := resident()
	if err != nil {
		return err
	}
	held := make([]*wire.Session, n)
	failed := make(chan error, n)
	slots := make(chan struct{}, 64)
	var wg sync.WaitGroup
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			var bad error
			if held[i], bad = open(port, i+1, start); bad != nil {
				failed <- bad
			}
		})
	}
	wg.Wait()
	if len(failed) > 0 {
		return <-failed
	}
	after, err := resident()
	if err != nil {
		return err
	}
	for _, s := range append(held, first) {
		if !s.Usable() {
			return errors.New("a session ended while it was held")
		}
	}
	_, err = fmt.Fprintln(os.Stdout, (after-before)/n)
	return err
}

// open is a session behind EHLO with an address of its own.
func open(port, i int, start probe.Start) (*wire.Session, error) {
	address := fmt.Sprintf("127.%d.%d.%d", 2+i/62500, i/250%250, i%250+1)
	way, err := wire.NewReceiver(
		probe.Receiver{Host: address, Address: address, Port: uint16(port)},
		wire.Config{
			Dial:   wire.Direct(netip.Addr{}),
			Values: probe.Values{From: "<>", Rcpt: "<postmaster@receiver.example>", Bad: probe.BadRecipient},
		})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := way.Open(ctx)
	if err != nil {
		return nil, err
	}
	script := probe.Prelude(start, probe.Clear)
	if walk := probe.ReplayAll(script, s.Play(ctx, script)); walk.Ends() {
		return nil, fmt.Errorf("%s: %s", address, walk.Failure())
	}
	return s, nil
}

// resident is the resident memory in octets, after a collection: what is garbage
// by now is nobody's session.
func resident() (int, error) {
	debug.FreeOSMemory()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(status), "VmRSS:")
	kib, err := strconv.Atoi(strings.TrimSpace(strings.SplitN(after, "kB", 2)[0]))
	return kib << 10, err
}
