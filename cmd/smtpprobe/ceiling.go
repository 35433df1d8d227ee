package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/ceiling"
)

// openCeiling is the ceiling for receivers with a public address, which all runs
// of this user share. Where there is no file for it that is told, and it holds
// within the run.
func openCeiling(tell func(string)) *ceiling.Ceiling {
	c := ceiling.New()
	path, err := statePath("ceiling")
	if err == nil {
		c, err = ceiling.Open(path)
	}
	tellTrouble(c, err, tell)
	return c
}

// tellTrouble tells what became of the file of a ceiling.
func tellTrouble(c *ceiling.Ceiling, err error, tell func(string)) {
	switch {
	case err == nil:
	case c.Kept():
		tell(err.Error())
	default:
		tell(err.Error() + "; what was asked of others lately is known of this run only")
	}
}

// statePath is the place of a file that is kept from run to run, by the rules of
// the XDG base directories: a path that is not absolute is passed over.
func statePath(name string) (string, error) {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "smtpprobe", name), nil
	}
	home, err := os.UserHomeDir()
	if err != nil || !filepath.IsAbs(home) {
		return "", errors.New("no directory to keep a record of sessions in: XDG_STATE_HOME and HOME are not set")
	}
	return filepath.Join(home, ".local", "state", "smtpprobe", name), nil
}

// anyPublic reports whether the ceiling is about any of the receivers.
func anyPublic(receivers []probe.Receiver) bool {
	return slices.ContainsFunc(receivers, func(r probe.Receiver) bool { return r.Public })
}
