package lab

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"syscall"
)

// backlog is the number of connections that may wait to be accepted.
const backlog = 128

// Memory is a network with one listener and no sockets. Its connections have
// buffers as TCP has, so that both sides may write first, they honour deadlines
// and half-closes, and they work inside a testing/synctest bubble that Memory
// was made in.
type Memory struct {
	mu      sync.Mutex
	changed *sync.Cond // the queue grew, or the listener closed
	queue   []*memoryConn
	dialled int
	closed  bool
}

// NewMemory returns a network whose listener is open.
func NewMemory() *Memory {
	m := &Memory{}
	m.changed = sync.NewCond(&m.mu)
	return m
}

// DialContext connects to the listener, whatever the address; the connection
// only calls itself by it where it is an address and a port. A closed listener
// refuses the connection (ECONNREFUSED), as does one whose backlog is full.
func (m *Memory) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	remote := net.TCPAddrFromAddrPort(addressOf(address))
	refuse := func(err error) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: remote, Err: err}
	}
	if err := ctx.Err(); err != nil {
		return refuse(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed || len(m.queue) == backlog {
		return refuse(syscall.ECONNREFUSED)
	}
	m.dialled++
	client, server := memoryPipe(localTo(remote, m.dialled), remote)
	m.queue = append(m.queue, server)
	m.changed.Signal()
	return client, nil
}

// Accept waits for the next connection; after Close its error is net.ErrClosed.
func (m *Memory) Accept() (net.Conn, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.queue) == 0 && !m.closed {
		m.changed.Wait()
	}
	if m.closed {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: m.Addr(), Err: net.ErrClosed}
	}
	conn := m.queue[0]
	m.queue = m.queue[1:]
	return conn, nil
}

// Close closes the listener and the connections that nobody accepted. Those
// that were accepted stay open.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, conn := range m.queue {
		_ = conn.Close() // closing memory cannot fail
	}
	m.closed, m.queue = true, nil
	m.changed.Broadcast()
	return nil
}

// Addr is an address to dial, 127.0.0.1:25; every other one is as good.
func (m *Memory) Addr() net.Addr { return net.TCPAddrFromAddrPort(addressOf("")) }

// addressOf reads an address and a port, and is 127.0.0.1:25 where there is no
// address to read.
func addressOf(address string) netip.AddrPort {
	if parsed, err := netip.ParseAddrPort(address); err == nil {
		return parsed
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 25)
}

// localTo is the client's own address, of the family of the one it dials, with
// a port of the range that systems give to clients.
func localTo(remote *net.TCPAddr, number int) *net.TCPAddr {
	const first, ports = 49152, 16384
	ip := net.IPv4(127, 0, 0, 1)
	if remote.IP.To4() == nil {
		ip = net.IPv6loopback
	}
	return &net.TCPAddr{IP: ip, Port: first + number%ports}
}
