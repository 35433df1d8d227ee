package checks_test

import (
	"slices"
	"testing"

	"github.com/smtpprobe/smtpprobe/checks"
)

// TestMisleads: these are the checks whose lenient receiver hurts the sender.
func TestMisleads(t *testing.T) {
	var got []string
	for _, c := range checks.All() {
		if c.Misleads {
			got = append(got, c.ID)
		}
	}
	slices.Sort(got)
	if want := []string{"bare-cr-command", "quit-closes", "starttls-advertised-inside-tls"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
