package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/url"
	"os"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
)

// countLines counts the lines of a file.
func countLines(file string) (n int, err error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	block := make([]byte, 64<<10)
	last := byte('\n')
	for {
		got, err := f.Read(block)
		if got > 0 {
			n += bytes.Count(block[:got], []byte("\n"))
			last = block[got-1]
		}
		switch {
		case err == io.EOF && last != '\n':
			return n + 1, nil
		case err == io.EOF:
			return n, nil
		case err != nil:
			return 0, err
		}
	}
}

// readList yields the targets of a list until the context ends. The reading has
// a goroutine of its own, because that of a pipe cannot be interrupted: it ends
// with the pipe, or with the process.
func readList(ctx context.Context, list string, in io.Reader, yield func(target) bool) error {
	targets, ended := make(chan target), make(chan error, 1)
	go func() {
		ended <- openList(list, in, func(in io.Reader) error {
			return eachTarget(in, func(t target) bool {
				select {
				case targets <- t:
					return true
				case <-ctx.Done():
					return false
				}
			})
		})
	}()
	for {
		select {
		case t := <-targets:
			if !yield(t) {
				return nil
			}
		case err := <-ended:
			return err
		case <-ctx.Done():
			return nil
		}
	}
}

// openList has a list read, which is a file or standard input.
func openList(list string, in io.Reader, read func(io.Reader) error) error {
	if list == "-" {
		return read(in)
	}
	f, err := os.Open(list)
	if err != nil {
		return err
	}
	return errors.Join(read(f), f.Close())
}

// commas are the IDs of checks as --check takes them.
func commas(selected []probe.Check) string {
	ids := make([]string, 0, len(selected))
	for _, c := range selected {
		ids = append(ids, c.ID)
	}
	return strings.Join(ids, ",")
}

// proxyHost is a proxy without its user and password, which no report names.
func proxyHost(proxy string) string {
	u, err := url.Parse(proxy)
	if err != nil {
		return ""
	}
	return u.Host
}
