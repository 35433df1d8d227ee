package run_test

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

// TestMain draws fewer receivers than the library would by itself: each is a
// whole run. -rapid.checks=N draws more.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "15"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}
