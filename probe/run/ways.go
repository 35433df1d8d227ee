package run

import (
	"net"
	"strconv"
	"sync"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/wire"
)

// Ways keeps the way to each receiver while the same receivers are probed again
// and again: what bounds a prober towards a receiver, its pace and what it may
// be asked, counts over all runs. The zero value is ready.
type Ways struct {
	mu   sync.Mutex
	ways map[string]*wire.Receiver
}

// to is the way to a receiver: the one of the run before, if there was any. Nil
// Ways keep none.
func (w *Ways) to(r probe.Receiver, c wire.Config) (*wire.Receiver, error) {
	if w == nil {
		return wire.NewReceiver(r, c)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	address := r.Address
	if address == "" {
		address = r.Host
	}
	id := net.JoinHostPort(address, strconv.Itoa(int(r.Port)))
	if way := w.ways[id]; way != nil {
		return way, nil
	}
	way, err := wire.NewReceiver(r, c)
	if err != nil {
		return nil, err
	}
	if w.ways == nil {
		w.ways = map[string]*wire.Receiver{}
	}
	w.ways[id] = way
	return way, nil
}
