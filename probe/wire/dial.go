package wire

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/proxy"
)

// Direct dials from the source address; the zero address leaves the choice to
// the system.
func Direct(source netip.Addr) Dial {
	d := dialer(source)
	return d.DialContext
}

func dialer(source netip.Addr) *net.Dialer {
	d := &net.Dialer{KeepAlive: -1, FallbackDelay: -1}
	if source.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(source, 0))
	}
	return d
}

// Through dials by a SOCKS proxy, "socks5://[user:password@]host:port". The
// error says what a proxy looks like.
func Through(address string, source netip.Addr) (Dial, error) {
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "socks5" && u.Scheme != "socks5h") || u.Hostname() == "" || u.Port() == "" {
		return nil, fmt.Errorf("proxy %q: want socks5://host:port", discreet(address))
	}
	return func(ctx context.Context, network, target string) (net.Conn, error) {
		leg := &firstLeg{dialer: dialer(source)}
		way, err := proxy.FromURL(u, leg)
		if err != nil {
			return nil, fmt.Errorf("%w %s: %w", ErrProxy, u.Host, err)
		}
		conn, err := proxyDial(ctx, way, network, target)
		if err != nil {
			return nil, fmt.Errorf("%w %s: %w", ErrProxy, u.Host, err)
		}
		return tunnel{conn, leg.conn}, nil
	}, nil
}

// discreet is a proxy's address without a user and a password.
func discreet(address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		scheme, rest = "", address
	}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		rest = rest[i+1:]
	}
	if ok {
		return scheme + "://" + rest
	}
	return rest
}

func proxyDial(ctx context.Context, way proxy.Dialer, network, target string) (net.Conn, error) {
	through, ok := way.(proxy.ContextDialer)
	if !ok {
		return nil, errors.New("a dialer that cannot be interrupted")
	}
	return through.DialContext(ctx, network, target)
}

// firstLeg dials the proxy and remembers the TCP connection.
type firstLeg struct {
	dialer *net.Dialer
	conn   net.Conn
}

func (l *firstLeg) Dial(network, address string) (net.Conn, error) {
	return l.DialContext(context.Background(), network, address)
}

func (l *firstLeg) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := l.dialer.DialContext(ctx, network, address)
	l.conn = conn
	return conn, err
}

// tunnel is a connection through a proxy that can still be reset: the library's
// own type hides that of the TCP connection.
type tunnel struct {
	net.Conn
	tcp net.Conn
}

func (t tunnel) SetLinger(seconds int) error {
	if c, ok := t.tcp.(*net.TCPConn); ok {
		return c.SetLinger(seconds)
	}
	return nil
}

// Reachable opens and closes a connection to the proxy itself, so that a proxy
// that is not there is told apart from receivers that are not.
func Reachable(ctx context.Context, address string, source netip.Addr) error {
	u, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("proxy %q: want socks5://host:port", discreet(address))
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	conn, err := dialer(source).DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return fmt.Errorf("%w %s is not there: %w", ErrProxy, u.Host, err)
	}
	return conn.Close()
}
