package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// silence makes addresses that answer no connection, as hosts behind a firewall
// do: a socket of their own on each, whose queue of one is full and is never
// emptied. Linux passes over a SYN that finds no room.
func silence(n, port int) error {
	for i := range n {
		addr := netip.AddrFrom4([4]byte{127, 200, byte(i / 250), byte(i%250 + 1)})
		if err := fill(netip.AddrPortFrom(addr, uint16(port))); err != nil {
			return fmt.Errorf("make %s a dead address: %w", addr, err)
		}
	}
	return nil
}

// shared lets a socket have an address that one on all addresses has already.
func shared(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) }

// share is the same for one that package net makes.
func share(_, _ string, raw syscall.RawConn) error {
	var refused error
	err := raw.Control(func(fd uintptr) { refused = shared(int(fd)) })
	return errors.Join(err, refused)
}

// fill listens and makes the connections that are never accepted. All of it stays
// open until the process ends.
func fill(addr netip.AddrPort) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err = shared(fd); err != nil {
		return err
	}
	if err = unix.Bind(fd, &unix.SockaddrInet4{Addr: addr.Addr().As4(), Port: int(addr.Port())}); err != nil {
		return err
	}
	if err = unix.Listen(fd, 0); err != nil {
		return err
	}
	conn, err := net.DialTimeout("tcp4", addr.String(), time.Second)
	if err != nil {
		return err
	}
	kept, err := conn.(*net.TCPConn).File() // "tcp4" makes no other
	if err != nil {
		return err
	}
	_, err = unix.Dup(int(kept.Fd())) // nobody closes it
	return err
}
