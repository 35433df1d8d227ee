//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd)

package ceiling

import (
	"errors"
	"os"
)

// errBusy is not met here.
var errBusy = errors.New("another process has the lock")

// tryLock has no lock to take on this system: the ceiling holds within the
// process.
func tryLock(*os.File) error { return errors.ErrUnsupported }

func unlock(*os.File) error { return errors.ErrUnsupported }
