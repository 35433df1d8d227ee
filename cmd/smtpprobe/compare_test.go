package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCompareAsHTMLHasTranscripts holds that a page has what was said, also of
// receivers that compare has probed itself.
func TestCompareAsHTMLHasTranscripts(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "both.html")
	r := call(t, "compare", "--resolver", nowhere, "--pace", "0", "--check", "nested-mail", "-o", file, receiver(t).Addr())
	if r.code != exitRan {
		t.Fatalf("got exit code %d; standard error: %s", r.code, r.err)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b := htmlBlock.FindStringSubmatch(string(content))
	if b == nil {
		t.Fatalf("no receiver has anything behind its cells: %s", strings.TrimSpace(r.out))
	}
	if d := inflated(t, b[2]); len(d.Cells["nested-mail"].Events) == 0 {
		t.Errorf("nothing stands behind the cell of %s", d.Address)
	}
}
