package probe_test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// topLevel is all that the module's folder may hold besides dotfiles.
var topLevel = []string{
	"cmd", "probe", "checks", "report", "go.mod", "go.sum", "Makefile", "README.md", "LICENSE", "CHANGELOG.md",
}

func TestTopLevelHoldsOnlyItsList(t *testing.T) {
	names := topLevelNames(t)
	if !slices.Contains(names, "go.mod") {
		t.Errorf("got %v, want the module's folder with its go.mod", names)
	}
	for _, name := range names {
		if !strings.HasPrefix(name, ".") && !slices.Contains(topLevel, name) {
			t.Errorf("got %s at the top level, want only %v and dotfiles", name, topLevel)
		}
	}
}

// topLevelNames lists the module's folder: what git has or would take, or where git has no say (an unpacked
// archive) everything but the built program's folder.
func topLevelNames(t *testing.T) []string {
	t.Helper()
	git := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard")
	git.Dir = root
	var names []string
	if out, err := git.Output(); err == nil {
		for file := range strings.Lines(string(out)) {
			name, _, _ := strings.Cut(strings.TrimSpace(file), "/")
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		slices.Sort(names)
		return slices.Compact(names)
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.Name() != "bin" {
			names = append(names, entry.Name())
		}
	}
	return names
}
