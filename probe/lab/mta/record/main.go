// Command record plays the exchanges of some checks against real receivers and writes down
// what was said, so that verdicts can be worked out by reading. It knows nothing of verdicts
// and shares no code with the tool whose verdicts are held against its recordings.
//
// It never writes after a 354: it resets the connection. It writes DATA only where no
// recipient was named, and names no recipients but the two of the bench.
//
// A recording holds one or more sessions. A line `C:` is one write, a line `S:` one line
// received, both with backslash, CR, LF and everything else that is not printable ASCII
// escaped; a line `--` is a note. Times are left out and dates are replaced by a fixed one,
// so that two recordings of the same receiver are the same file.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	out := flag.String("out", "recorded", "directory for RECEIVER/CHECK.txt")
	only := flag.String("only", "", "play this one exchange only")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: record [-out DIR] [-only CHECK] NAME=HOST:PORT...")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	for _, target := range flag.Args() {
		name, address, found := strings.Cut(target, "=")
		if !found || name == "" || strings.ContainsAny(name, `/\.`) {
			fmt.Fprintf(os.Stderr, "record: want NAME=HOST:PORT, got %q\n", target)
			os.Exit(2)
		}
		if err := recordAll(filepath.Join(*out, name), name, address, *only); err != nil {
			fmt.Fprintf(os.Stderr, "record: %v\n", err)
			os.Exit(1)
		}
	}
}

// recordAll plays every exchange, or the one called only, and writes a file for each.
func recordAll(dir, name, address, only string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	offered, err := keywords(address)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	played := false
	for _, e := range exchanges {
		if only != "" && e.name != only {
			continue
		}
		played = true
		r := &recording{host: name + ".lab.example", address: address, offered: offered}
		r.note("# %s on %s", e.name, name)
		e.play(r)
		if r.err != nil {
			return fmt.Errorf("%s: %s: %w", name, e.name, r.err)
		}
		path := filepath.Join(dir, e.name+".txt")
		if err := os.WriteFile(path, []byte(r.text.String()), 0o644); err != nil {
			return err
		}
		fmt.Fprintln(os.Stderr, name, e.name)
	}
	if !played {
		return fmt.Errorf("no exchange is called %q", only)
	}
	return nil
}

// keywords says what the receiver lists after EHLO in clear, in upper case.
func keywords(address string) (map[string]bool, error) {
	r := &recording{address: address}
	s := r.connect()
	s.greeting()
	_, lines := s.command("EHLO " + ehloName)
	s.leave()
	if r.err != nil {
		return nil, r.err
	}
	offered := make(map[string]bool)
	for _, line := range lines {
		if len(line) > 4 {
			word, _, _ := strings.Cut(strings.TrimSpace(line[4:]), " ")
			offered[strings.ToUpper(word)] = true
		}
	}
	if len(lines) < 2 {
		return nil, fmt.Errorf("no list of keywords after EHLO:\n%s", r.text.String())
	}
	return offered, nil
}
