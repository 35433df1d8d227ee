// Command sink is the receiver that smtpprobe is measured against: the strict
// one of the lab on every address 127.x.y.z of one port, behind a delay line,
// with a nameserver, and counters of its own that are read through a third port.
//
// It serves nobody but this machine, keeps no mail, and measures nothing: what it
// counts is for the harness to read.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/smtpprobe/smtpprobe/probe/lab"
)

func main() {
	delay := flag.Duration("delay", 0, "a round trip: each octet is answered so long after it came")
	dead := flag.Int("dead", 0, "addresses from 127.200.0.1 on, 250 to a net, that answer no connection")
	domains := flag.Int("domains", 1, "domains of the zone")
	receivers := flag.Int("receivers", 1, "receivers that they point at, the dead ones among them")
	flag.Parse()
	if err := run(*delay, *dead, *domains, *receivers); err != nil {
		fmt.Fprintln(os.Stderr, "sink:", err)
		os.Exit(1)
	}
}

// counters are what the sink saw since it was started.
type counters struct {
	Connections int
	Commands    int
	Handshakes  int
	In, Out     int64 // octets
}

// run serves until standard input ends: so it does not outlive its harness.
func run(delay time.Duration, dead, domains, receivers int) error {
	listen := net.ListenConfig{Control: share}
	tcp, err := listen.Listen(context.Background(), "tcp4", "0.0.0.0:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	port := tcp.Addr().(*net.TCPAddr).Port // a TCP listener has a TCP address
	if err = silence(dead, port); err != nil {
		return err
	}
	line := &delayLine{Listener: tcp, delay: delay}
	server, err := lab.Receiver{GreetDelay: lab.NoGreetDelay}.Serve(line)
	if err != nil {
		return err
	}
	control, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	go answer(control, func() counters {
		l := server.Ledger()
		return counters{
			Connections: l.Connections, Commands: l.Commands, Handshakes: l.Handshakes,
			In: line.in.Load(), Out: line.out.Load(),
		}
	})
	zone, err := lab.StartZone("127.0.0.1:0", lab.Zone{Records: records(domains, receivers, dead)})
	if err != nil {
		return err
	}
	if _, err = fmt.Fprintln(os.Stdout, port, control.Addr(), zone.Addr()); err != nil {
		return err
	}
	waitForEnd()
	return errors.Join(control.Close(), server.Close(), zone.Close())
}

func waitForEnd() {
	for buffer := make([]byte, 1); ; {
		if _, err := os.Stdin.Read(buffer); err != nil {
			return
		}
	}
}

// answer writes the counters to whoever connects.
func answer(control net.Listener, read func() counters) {
	for {
		conn, err := control.Accept()
		if err != nil {
			return
		}
		_ = json.NewEncoder(conn).Encode(read()) // whoever asked has gone where this fails
		conn.Close()
	}
}
