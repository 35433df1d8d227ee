package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// config is what a configuration file says. The zero one says nothing.
type config struct {
	name     string // of the file; empty: there is none
	settings []setting
	targets  map[string][]string // sets of targets by their names
	profiles map[string][]string // IDs of checks by the names of profiles
}

// maxConfig is the size in octets of the largest configuration file: a thousand
// targets by their names, which are as many as one run takes.
const maxConfig = 64 << 10

// findConfig reads the file that --config names, else the variable, else the one
// at home where there is one.
func findConfig(cmd *cobra.Command, known map[string]bool) (config, error) {
	name, by := homeConfig(), ""
	if v := os.Getenv(configVariable); v != "" {
		name, by = v, configVariable
	}
	if f := cmd.Flags().Lookup("config"); f != nil && f.Changed {
		name, by = f.Value.String(), "--config"
	}
	if name == "" && by == "" {
		return config{}, nil
	}
	text, err := readConfig(cmd.Context(), name)
	switch {
	case err == nil:
		return parseConfig(name, text, known)
	case by == "" && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)):
		return config{}, nil
	case cmd.Context().Err() != nil:
		return config{}, ending{code: exitInterrupted}
	}
	return config{}, usage("%s %q: %w", cmp.Or(by, "configuration"), name, err)
}

// homeConfig is where the file stands unless somebody says otherwise; empty where
// there is no home. A relative $XDG_CONFIG_HOME is no place (XDG Base Directory
// Specification).
func homeConfig() string {
	folder := os.Getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(folder) {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		folder = filepath.Join(home, ".config")
	}
	return filepath.Join(folder, "smtpprobe", "config.yaml")
}

// readConfig reads a file that is not too large. The reading has a goroutine of
// its own, because opening or reading a pipe cannot be interrupted: it ends with
// the pipe, or with the process.
func readConfig(ctx context.Context, name string) ([]byte, error) {
	type outcome struct {
		text []byte
		err  error
	}
	read := make(chan outcome, 1)
	go func() {
		f, err := os.Open(name)
		if err != nil {
			read <- outcome{err: unnamed(err)}
			return
		}
		defer f.Close() //nolint:errcheck // it was only read
		text, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
		if len(text) > maxConfig {
			err = fmt.Errorf("want at most %d KiB", maxConfig>>10)
		}
		read <- outcome{bytes.TrimPrefix(text, []byte("\ufeff")), unnamed(err)}
	}()
	select {
	case o := <-read:
		return o.text, o.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// expand puts its targets in the place of every @NAME.
func (c config) expand(args []string) ([]string, error) {
	var all []string
	for _, a := range args {
		name, ok := strings.CutPrefix(a, "@")
		if !ok {
			all = append(all, a)
			continue
		}
		set, ok := c.targets[name]
		switch {
		case !ok && c.name == "":
			return nil, usage("%q: there is no configuration file to name these targets: want one in %s", a, cmp.Or(homeConfig(), "--config FILE"))
		case !ok:
			return nil, usage("%q: no targets of this name in %s%s", a, c.name, suggestion(name, sortedKeys(c.targets), ", did you mean @%s?"))
		}
		all = append(all, set...)
	}
	return all, nil
}
