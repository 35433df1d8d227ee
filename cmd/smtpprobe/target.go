package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe/resolve"
)

// maxTargets bounds one run, whose results are held until its end.
const maxTargets = 1000

// target is one thing to probe, as the user named it: a domain, or one host.
type target struct {
	text   string
	domain string     // for an MX lookup; empty: host or address
	host   string     // of host:port
	addr   netip.Addr // of a bare or bracketed address
	port   uint16     // 0: the run's own
	err    error      // not a target; the others are probed all the same
}

// readTargets are the targets of the arguments and of the file. A bad one keeps
// its place; a file that cannot be read is an error.
func readTargets(args []string, file string, in io.Reader, commands []string) ([]target, error) {
	var targets []target
	for _, a := range args {
		if a == "-" {
			file = "-"
			continue
		}
		t := parseTarget(a)
		if t.err != nil && isWord(a) {
			t.err = fmt.Errorf("%q is neither a command nor a domain%s", a, cmp.Or(
				suggestion(a, commands, ": did you mean 'smtpprobe %s'?"), ": want a domain such as example.com, or host:port"))
		}
		targets = append(targets, t)
	}
	if file != "" {
		more, err := readTargetFile(file, in)
		if err != nil {
			return nil, err
		}
		targets = append(targets, more...)
	}
	switch {
	case len(targets) == 0:
		return nil, usage("no target in %s: want one domain a line", file)
	case len(targets) > maxTargets:
		return nil, usage("%d targets: want at most %d in one run", len(targets), maxTargets)
	}
	return targets, nil
}

func isWord(s string) bool { return s != "" && !strings.ContainsAny(s, ".:@/ []") }

func readTargetFile(file string, in io.Reader) ([]target, error) {
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, ending{exitUsage, fmt.Errorf("targets: %w", err)}
		}
		defer f.Close() //nolint:errcheck // it was only read
		in = f
	}
	var targets []target
	lines := bufio.NewScanner(in)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		t := parseTarget(line)
		if t.err != nil {
			t.err = fmt.Errorf("line %d: %w", n, t.err)
		}
		targets = append(targets, t)
	}
	if err := lines.Err(); err != nil {
		return nil, ending{exitUsage, fmt.Errorf("targets from %s: %w", file, err)}
	}
	return targets, nil
}

// parseTarget reads a domain, host:port, [v6]:port, or an address, bare or in
// brackets.
func parseTarget(text string) target {
	t := target{text: text}
	inner := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(text, "["), "IPv6:"), "]")
	if addr, err := netip.ParseAddr(inner); err == nil {
		t.addr = addr
		return t
	}
	if host, port, ok := cutPort(text); ok {
		t.port, t.err = parsePort(port)
		if addr, err := netip.ParseAddr(strings.TrimPrefix(strings.Trim(host, "[]"), "IPv6:")); err == nil {
			t.addr = addr
		} else if t.err == nil {
			name, err := resolve.ParseHost(host)
			t.host, t.err = name.ASCII, err
		}
		return t
	}
	name, err := resolve.ParseName(text)
	t.domain, t.err = name.ASCII, err
	if err == nil {
		t.domain = text
	}
	return t
}

// cutPort splits host:port where there is one colon, or one behind brackets.
func cutPort(text string) (host, port string, ok bool) {
	i := strings.LastIndexByte(text, ':')
	if i <= 0 || strings.Contains(text, "//") || strings.Contains(text, "@") {
		return "", "", false
	}
	if strings.Contains(text[:i], ":") && !strings.HasSuffix(text[:i], "]") {
		return "", "", false
	}
	return text[:i], text[i+1:], true
}

func parsePort(text string) (uint16, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("port %q: want a number from 1 to 65535", text)
	}
	return uint16(n), nil
}
