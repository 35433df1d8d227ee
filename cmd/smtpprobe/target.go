package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe/resolve"
)

// maxTargets bounds one run, whose results are held until its end.
const maxTargets = 1000

// target is one thing to probe, as the user named it: a domain, or one host.
type target struct {
	text   string
	domain string     // for an MX lookup, as it was typed; empty: host or address
	ascii  string     // the same as the DNS has it
	host   string     // of host:port
	addr   netip.Addr // of a bare or bracketed address
	port   uint16     // 0: the run's own
	line   int        // of the file that it was read from
	err    error      // not a target; the others are probed all the same
}

// readTargets are the targets of the arguments and of the file. A bad one keeps
// its place; a file that cannot be read is an error, and so are too many.
func readTargets(ctx context.Context, args []string, file string, in io.Reader, commands []string) ([]target, error) {
	var targets []target
	var files []string
	if file != "" {
		files = append(files, file)
	}
	for _, a := range args {
		if a == "-" {
			if !slices.Contains(files, "-") {
				files = append(files, "-")
			}
			continue
		}
		t := parseTarget(a)
		if t.err != nil && isWord(a) {
			t.err = fmt.Errorf("%q is neither a command nor a domain%s", a, cmp.Or(
				suggestion(a, commands, ": did you mean 'smtpprobe %s'?"), ": want a domain such as example.com, or host:port"))
		}
		targets = append(targets, t)
	}
	for _, f := range files {
		more, err := readTargetFile(ctx, f, in, maxTargets-len(targets))
		if err != nil {
			return nil, err
		}
		targets = append(targets, more...)
	}
	targets = once(targets)
	switch {
	case len(targets) == 0:
		return nil, usage("no target in %s: want one domain a line", strings.Join(files, " and "))
	case len(targets) > maxTargets:
		return nil, usage("%d targets: want at most %d in one run; 'smtpprobe scan FILE' takes a list of any length", len(targets), maxTargets)
	}
	return targets, nil
}

// once drops a target that was named before.
func once(targets []target) []target {
	seen := map[string]bool{}
	return slices.DeleteFunc(targets, func(t target) bool {
		again := seen[t.name()]
		seen[t.name()] = true
		return again
	})
}

// name tells targets apart.
func (t target) name() string { return cmp.Or(t.ascii, t.text) }

func isWord(s string) bool { return s != "" && !strings.ContainsAny(s, ".:@/ []") }

// readTargetFile reads one target a line. The reading has a goroutine of its
// own, because a read of standard input cannot be interrupted: it ends with the
// input, or with the process.
func readTargetFile(ctx context.Context, file string, in io.Reader, most int) ([]target, error) {
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, ending{exitUsage, fmt.Errorf("targets: %w", err)}
		}
		defer f.Close() //nolint:errcheck // it was only read
		in = f
	}
	type outcome struct {
		targets []target
		err     error
	}
	read := make(chan outcome, 1)
	go func() {
		targets, err := scanTargets(in, most)
		read <- outcome{targets, err}
	}()
	select {
	case o := <-read:
		if o.err != nil {
			return nil, ending{exitUsage, fmt.Errorf("targets from %s: %w", file, o.err)}
		}
		return o.targets, nil
	case <-ctx.Done():
		return nil, ending{code: exitInterrupted}
	}
}

// maxTargetLine is far beyond the longest domain.
const maxTargetLine = 4 << 10

// scanTargets reads lines until there are more than enough.
func scanTargets(in io.Reader, most int) ([]target, error) {
	var targets []target
	err := eachTarget(in, func(t target) bool {
		targets = append(targets, t)
		return len(targets) <= most
	})
	return targets, err
}

// eachTarget reads one target a line and yields it, until it is told that no more
// are wanted. A line that is too long is one bad line.
func eachTarget(in io.Reader, yield func(target) bool) error {
	lines := bufio.NewReaderSize(in, maxTargetLine)
	for n := 1; ; n++ {
		text, long, err := lines.ReadLine()
		line := strings.TrimSpace(string(text))
		for long && err == nil {
			_, long, err = lines.ReadLine()
			line += "..."
			if len(line) > 2*maxTargetLine {
				line = line[:2*maxTargetLine]
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		t := parseTarget(line)
		t.line = n
		if t.err != nil {
			t.err = fmt.Errorf("line %d: %w", n, t.err)
		}
		if !yield(t) {
			return nil
		}
	}
}

// parseTarget reads a domain, host:port, [v6]:port, or an address, bare or in
// brackets.
func parseTarget(text string) target {
	t := target{text: text}
	if addr, err := parseAddress(text); err == nil {
		t.addr = addr
		return t
	}
	if host, port, ok := cutPort(text); ok {
		t.port, t.err = parsePort(port)
		if addr, err := parseAddress(host); err == nil {
			t.addr = addr
		} else if t.err == nil {
			name, err := resolve.ParseHost(host)
			t.host, t.err = name.ASCII, err
		}
		return t
	}
	name, err := resolve.ParseName(text)
	if t.ascii, t.err = name.ASCII, err; err == nil {
		t.domain = text
	}
	return t
}

// parseAddress reads an address, bare or as a literal of RFC 5321 4.1.3.
func parseAddress(text string) (netip.Addr, error) {
	if inner, ok := strings.CutPrefix(text, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); ok {
			text = strings.TrimPrefix(inner, "IPv6:")
		}
	}
	return netip.ParseAddr(text)
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
