package main

import "strconv"

// tls is what a handshake costs by its key exchange.
func (b *bench) tls() error {
	s, err := b.startSink()
	if err != nil {
		return err
	}
	defer func() { _ = s.close() }()
	for _, curve := range []string{"X25519", "P256"} {
		r := row{figure: "TLS", measure: "CPU of a handshake with " + curve + " alone / with Go's default"}
		for range b.rounds {
			usual, err := b.handshakes(s, "")
			if err != nil {
				return err
			}
			alone, err := b.handshakes(s, curve)
			if err != nil {
				return err
			}
			r.values = append(r.values, alone/usual)
		}
		b.add(r)
	}
	return nil
}

// handshakes is the CPU of sessions with TLS by one without, in seconds.
func (b *bench) handshakes(s *sink, curve string) (float64, error) {
	args := []string{"-port", s.port, "-at-once", "50", "-sessions", strconv.Itoa(clientSessions)}
	plain, err := b.spend("client", args...)
	if err != nil {
		return 0, err
	}
	inside, err := b.spend("client", append(args, "-tls", "-curve", curve)...)
	return (inside.cpu - plain.cpu).Seconds(), err
}
