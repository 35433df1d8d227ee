package checks_test

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/report"
)

var update = flag.Bool("update", false, "write README.md from the catalogue")

// TestReferenceIsCurrent holds that README.md says what the checks say.
func TestReferenceIsCurrent(t *testing.T) {
	var want bytes.Buffer
	if err := report.Reference(&want, checks.All()); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("README.md", want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Error("README.md is not what the catalogue says now: run make generate")
	}
}
