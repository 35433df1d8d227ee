package wire_test

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

// TestMain lets the properties of this package look ten times as long as
// properties do unless told otherwise: a session takes them no time.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "1000"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}
