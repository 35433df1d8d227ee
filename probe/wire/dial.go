package wire

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
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
		return nil, fmt.Errorf("proxy %q: want socks5://host:port", address)
	}
	way, err := proxy.FromURL(u, dialer(source))
	if err != nil {
		return nil, fmt.Errorf("proxy %q: %w", address, err)
	}
	through, ok := way.(proxy.ContextDialer)
	if !ok {
		return nil, fmt.Errorf("proxy %q: cannot be interrupted", address)
	}
	return func(ctx context.Context, network, target string) (net.Conn, error) {
		conn, err := through.DialContext(ctx, network, target)
		if err != nil {
			return nil, fmt.Errorf("%w %s: %w", ErrProxy, u.Host, err)
		}
		return conn, nil
	}, nil
}

// Reachable opens and closes a connection to the proxy itself, so that a proxy
// that is not there is told apart from receivers that are not.
func Reachable(ctx context.Context, address string, source netip.Addr) error {
	u, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("proxy %q: want socks5://host:port", address)
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	conn, err := dialer(source).DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return fmt.Errorf("%w %s is not there: %w", ErrProxy, u.Host, err)
	}
	return conn.Close()
}
