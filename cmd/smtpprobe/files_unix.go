//go:build unix

package main

import (
	"math"
	"syscall"
)

// fileLimit is how many files this process may have open. The runtime has raised
// the soft limit to the hard one by now.
func fileLimit() uint64 {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) != nil {
		return math.MaxUint64
	}
	return uint64(l.Cur) //nolint:unconvert // it is signed on some systems
}
