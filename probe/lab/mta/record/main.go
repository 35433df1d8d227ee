// Command record plays the exchange of every check against real receivers and writes down
// what was said, so that verdicts can be worked out by reading. It knows nothing of verdicts
// and shares no code with the tool whose verdicts are held against its recordings.
//
// It never writes after a 354: it resets the connection. What else it never writes is held
// below the exchanges, see contract.
//
// There is one file for each receiver and group of checks, and in it a section for each
// check, which begins with a line `# CHECK on RECEIVER`. A section holds one or more
// sessions. A line `C:` is one write, a line `S:` one line received, both with backslash,
// CR, LF and everything else that is not printable ASCII escaped, and with `\{x*505}` for 505
// times x; a line `--` is a note. Times are left out and dates are replaced by a fixed one,
// so that two recordings of the same receiver are the same file.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

func main() {
	out := flag.String("out", "recorded", "directory for RECEIVER/GROUP.txt")
	only := flag.String("only", "", "play this one exchange only, and print it")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: record [-out DIR] [-only CHECK] NAME=HOST:PORT...")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	var targets []target
	for _, arg := range flag.Args() {
		name, address, found := strings.Cut(arg, "=")
		if !found || name == "" || strings.ContainsAny(name, `/\.`) {
			fmt.Fprintf(os.Stderr, "record: want NAME=HOST:PORT, got %q\n", arg)
			os.Exit(2)
		}
		targets = append(targets, target{name, address})
	}
	if err := recordEach(os.Stdout, targets, *out, *only); err != nil {
		fmt.Fprintf(os.Stderr, "record: %v\n", err)
		os.Exit(1)
	}
}

// target is a receiver and where it listens.
type target struct{ name, address string }

// recordEach records all receivers side by side; each of them sees one connection at a time.
func recordEach(stdout io.Writer, targets []target, out, only string) error {
	failed := make([]error, len(targets))
	texts := make([]string, len(targets))
	var working sync.WaitGroup
	for i, to := range targets {
		working.Go(func() {
			var err error
			if only != "" {
				texts[i], err = to.recordOne(only)
			} else {
				err = to.record(filepath.Join(out, to.name))
			}
			if err != nil {
				failed[i] = fmt.Errorf("%s: %w", to.name, err)
			}
		})
	}
	working.Wait()
	_, err := io.WriteString(stdout, join(texts))
	return errors.Join(append(failed, err)...)
}

// record plays every exchange and writes a file for each group.
func (to target) record(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	known, err := survey(to.address)
	if err != nil {
		return err
	}
	for _, g := range groups {
		var sections []string
		for _, e := range g.exchanges {
			section, err := to.play(e, known)
			if err != nil {
				return err
			}
			sections = append(sections, section)
		}
		if err := os.WriteFile(filepath.Join(dir, g.name+".txt"), []byte(join(sections)), 0o644); err != nil {
			return err
		}
		fmt.Fprintln(os.Stderr, to.name, g.name)
	}
	return nil
}

// recordOne plays the exchange of one check and gives its section.
func (to target) recordOne(check string) (string, error) {
	for _, g := range groups {
		for _, e := range g.exchanges {
			if e.name != check {
				continue
			}
			known, err := survey(to.address)
			if err != nil {
				return "", err
			}
			return to.play(e, known)
		}
	}
	return "", fmt.Errorf("no exchange is called %q", check)
}

// play gives the section of one exchange.
func (to target) play(e exchange, known facts) (string, error) {
	r := &recording{host: to.name + ".lab.example", address: to.address, facts: known}
	r.note("# %s on %s", e.name, to.name)
	e.play(r)
	if r.err != nil {
		return "", fmt.Errorf("%s: %w", e.name, r.err)
	}
	return r.text.String(), nil
}

// join puts an empty line between sections.
func join(sections []string) string {
	var written []string
	for _, section := range sections {
		if section != "" {
			written = append(written, section)
		}
	}
	return strings.Join(written, "\n")
}
