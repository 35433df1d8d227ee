package run_test

import (
	"context"
	"net"
	"time"
)

// far leads to the receiver over a line on which a round trip takes so long: one
// for the connection, and one between each octet of ours and what it is answered
// with. What the receiver says is stamped where it comes in, so that all of a group
// costs what one command does.
func far(rtt time.Duration) way {
	return func(ctx context.Context, _ int, w *world) (net.Conn, error) {
		time.Sleep(rtt) // the TCP handshake
		beyond, err := w.straight(ctx)
		if err != nil {
			return nil, err
		}
		near, end, err := pair(ctx)
		if err != nil {
			return nil, err
		}
		w.servers.Go(func() { forth(end, beyond) })
		w.servers.Go(func() { back(beyond, end, rtt) })
		return near, nil
	}
}

// forth passes on what we say, at once: the whole round trip is on the way back.
func forth(from, to net.Conn) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if _, failed := to.Write(buffer[:n]); err != nil || failed != nil {
			to.Close()
			return
		}
	}
}

// late is what the receiver said, and when it is heard here.
type late struct {
	octets []byte
	at     time.Time
}

func back(from, to net.Conn, rtt time.Duration) {
	line := make(chan late, 1<<10)
	go func() {
		defer close(line)
		for {
			buffer := make([]byte, 4<<10)
			n, err := from.Read(buffer)
			if n > 0 {
				line <- late{buffer[:n], time.Now().Add(rtt)}
			}
			if err != nil {
				line <- late{nil, time.Now().Add(rtt)}
				return
			}
		}
	}()
	for l := range line {
		time.Sleep(time.Until(l.at))
		if len(l.octets) == 0 {
			to.Close()
			continue
		}
		to.Write(l.octets) //nolint:errcheck // nobody listens any more
	}
}
