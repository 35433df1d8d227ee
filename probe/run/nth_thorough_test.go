//go:build thorough

package run_test

const (
	nth    = 1
	octets = 1
)
