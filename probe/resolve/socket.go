package resolve

import (
	"context"
	"sync"

	"github.com/miekg/dns"
)

// Bounds on the sockets that are kept. A port is given up after a few questions:
// whoever wants to forge an answer must guess it, besides the id.
const (
	maxIdle = 64
	maxUses = 16
)

// sockets are UDP sockets that wait for another question, by nameserver. One that
// was not answered is never kept: its answer may yet come. The zero value is ready.
type sockets struct {
	mu   sync.Mutex
	idle map[string][]*socket
	n    int
}

type socket struct {
	*dns.Conn
	server string
	uses   int
}

// take returns a socket for one question to a nameserver.
func (s *sockets) take(ctx context.Context, client *dns.Client, server string) (*socket, error) {
	s.mu.Lock()
	if waiting := s.idle[server]; client.Net == "udp" && len(waiting) > 0 {
		last := waiting[len(waiting)-1]
		s.idle[server] = waiting[:len(waiting)-1]
		s.n--
		s.mu.Unlock()
		return last, nil
	}
	s.mu.Unlock()
	conn, err := client.DialContext(ctx, server)
	if err != nil {
		return nil, err
	}
	return &socket{Conn: conn, server: server}, nil
}

// keep takes a socket back whose question was answered.
func (s *sockets) keep(used *socket, network string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if used.uses++; network != "udp" || used.uses >= maxUses || s.n >= maxIdle {
		used.Close()
		return
	}
	if s.idle == nil {
		s.idle = map[string][]*socket{}
	}
	s.idle[used.server] = append(s.idle[used.server], used)
	s.n++
}
