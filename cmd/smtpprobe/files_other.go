//go:build !unix

package main

import "math"

// fileLimit is none that a process could ask for here.
func fileLimit() uint64 { return math.MaxUint64 }
