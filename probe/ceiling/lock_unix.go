//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package ceiling

import (
	"errors"
	"os"
	"syscall"
)

// errBusy: another process has the lock.
var errBusy = syscall.EWOULDBLOCK

// tryLock takes the lock of an open file, or returns errBusy. It goes with the
// file, and with the process.
func tryLock(f *os.File) error { return retry(f, syscall.LOCK_EX|syscall.LOCK_NB) }

func unlock(f *os.File) error { return retry(f, syscall.LOCK_UN) }

func retry(f *os.File, how int) error {
	for {
		if err := syscall.Flock(int(f.Fd()), how); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
