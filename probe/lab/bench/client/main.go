// Command client is the least that a mail session costs in Go: connect, greeting,
// EHLO, MAIL, RCPT, RSET, QUIT, with or without STARTTLS, and NOOP as often as
// wanted. What smtpprobe spends is held against the sum of these parts.
//
// It judges nothing, keeps nothing and bounds nothing: it is no way to talk to a
// receiver that is not the sink.
package main

import (
	"bufio"
	"crypto/tls"
	"flag"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
)

func main() {
	c := client{config: tls.Config{InsecureSkipVerify: true}} //nolint:gosec // the sink made its certificate itself
	flag.IntVar(&c.port, "port", 0, "port of the sink")
	flag.IntVar(&c.sessions, "sessions", 0, "sessions in all")
	flag.IntVar(&c.atOnce, "at-once", 1, "sessions at once, each with an address of its own")
	flag.IntVar(&c.noops, "noops", 0, "NOOP commands in each session")
	flag.BoolVar(&c.tls, "tls", false, "go inside TLS by STARTTLS")
	curve := flag.String("curve", "", "the one key exchange to offer, X25519 or P256 (Go's own list)")
	flag.Parse()
	if c.config.CurvePreferences = curves(*curve); *curve != "" && c.config.CurvePreferences == nil {
		fmt.Fprintf(os.Stderr, "client: key exchange %q: want X25519 or P256\n", *curve)
		os.Exit(2)
	}
	if err := c.run(); err != nil {
		fmt.Fprintln(os.Stderr, "client:", err)
		os.Exit(1)
	}
}

type client struct {
	port, sessions, atOnce, noops int
	tls                           bool
	config                        tls.Config
}

func curves(name string) []tls.CurveID {
	switch name {
	case "X25519":
		return []tls.CurveID{tls.X25519}
	case "P256":
		return []tls.CurveID{tls.CurveP256}
	}
	return nil
}

// run returns the first error that a worker met; the others end with their
// sessions.
func (c *client) run() error {
	var wg sync.WaitGroup
	var begun atomic.Int64
	failed := make(chan error, c.atOnce)
	for i := range c.atOnce {
		address := fmt.Sprintf("127.1.%d.%d:%d", i/250, i%250+1, c.port)
		wg.Go(func() {
			for begun.Add(1) <= int64(c.sessions) {
				if err := c.session(address); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	wg.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

func (c *client) session(address string) error {
	conn, err := net.Dial("tcp4", address)
	if err != nil {
		return err
	}
	defer func() { conn.Close() }()
	replies := bufio.NewReaderSize(conn, 2<<10)
	ask := func(command string) {
		if err == nil {
			if _, err = conn.Write([]byte(command)); err == nil {
				err = read(replies)
			}
		}
	}
	if err = read(replies); err != nil {
		return err
	}
	ask("EHLO client.example\r\n")
	if c.tls {
		ask("STARTTLS\r\n")
		if err != nil {
			return err
		}
		inside := tls.Client(conn, &c.config)
		if err = inside.Handshake(); err != nil {
			return err
		}
		conn, replies = inside, bufio.NewReaderSize(inside, 2<<10)
		ask("EHLO client.example\r\n")
	}
	ask("MAIL FROM:<>\r\n")
	ask("RCPT TO:<postmaster@receiver.example>\r\n")
	for range c.noops {
		ask("NOOP\r\n")
	}
	ask("RSET\r\n")
	ask("QUIT\r\n")
	return err
}

// read reads one reply, whatever it says.
func read(from *bufio.Reader) error {
	for {
		line, err := from.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) < 4 || line[3] != '-' {
			return nil
		}
	}
}
