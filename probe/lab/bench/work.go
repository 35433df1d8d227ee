package main

import (
	"fmt"
	"path/filepath"
	"strconv"
	"time"
)

// receiversAtWork are probed at once, and as many sessions does the client hold at
// once, so that both sides find the same number of replies waiting.
const receiversAtWork = 200

// parts is what a session costs the minimal client.
type parts struct {
	connection time.Duration // connect and close, the greeting among it
	command    time.Duration // one command and its reply
	handshake  time.Duration // of TLS
}

// work is the CPU of the standard profile by the sum of its parts.
func (b *bench) work() error {
	s, err := b.startSink()
	if err != nil {
		return err
	}
	defer func() { _ = s.close() }()
	targets, err := s.targets(receiversAtWork)
	if err != nil {
		return err
	}
	defer remove(filepath.Dir(targets))
	r := row{figure: "work", measure: "CPU of the standard profile, 200 receivers / sum of its parts", goal: 1.25}
	for range b.rounds {
		p, err := b.parts(s)
		if err != nil {
			return err
		}
		var u usage
		c, err := s.counting(func() (err error) {
			u, err = b.spend("smtpprobe", "--targets", targets, "--receivers", strconv.Itoa(receiversAtWork), "--pace", "0", "--format", "ndjson")
			return err
		})
		if err != nil {
			return err
		}
		sum := time.Duration(c.Connections)*p.connection + time.Duration(c.Commands)*p.command + time.Duration(c.Handshakes)*p.handshake
		r.values = append(r.values, float64(u.cpu)/float64(sum))
		r.note = fmt.Sprintf("last round: %.2f s; %d connections of %s, %d commands of %s and %d handshakes of %s are %.2f s",
			u.cpu.Seconds(), c.Connections, micro(p.connection), c.Commands, micro(p.command), c.Handshakes, micro(p.handshake), sum.Seconds())
	}
	b.add(r)
	return nil
}

func micro(d time.Duration) string { return fmt.Sprintf("%d µs", d.Microseconds()) }

// Sessions of the client in each of its runs, and commands of one that says no
// NOOP, without TLS: EHLO, MAIL, RCPT, RSET, QUIT.
const (
	clientSessions = 2000
	clientNoops    = 10
	clientCommands = 5
)

// parts measures the minimal client. What it costs to start is taken off.
func (b *bench) parts(s *sink) (parts, error) {
	var p parts
	run := func(sessions, noops int, tls bool) (time.Duration, error) {
		u, err := b.spend("client", "-port", s.port, "-at-once", strconv.Itoa(receiversAtWork),
			"-sessions", strconv.Itoa(sessions), "-noops", strconv.Itoa(noops), "-tls="+strconv.FormatBool(tls))
		return u.cpu, err
	}
	none, err := run(0, 0, false)
	if err != nil {
		return p, err
	}
	plain, err := run(clientSessions, 0, false)
	if err != nil {
		return p, err
	}
	long, err := run(clientSessions, clientNoops, false)
	if err != nil {
		return p, err
	}
	inside, err := run(clientSessions, 0, true)
	if err != nil {
		return p, err
	}
	p.command = (long - plain) / (clientSessions * clientNoops)
	p.connection = (plain-none)/clientSessions - clientCommands*p.command
	p.handshake = (inside-plain)/clientSessions - 2*p.command // STARTTLS, and a second EHLO
	return p, nil
}
