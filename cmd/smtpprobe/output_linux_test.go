package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestOutputThatCannotBeWritten: a device without room, and a reader who went.
func TestOutputThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	commands := map[string][]string{
		"table":    {"demo", "--check", "nested-mail"},
		"json":     {"demo", "--check", "nested-mail", "--format", "json"},
		"ndjson":   {"demo", "--check", "nested-mail", "--format", "ndjson"},
		"csv":      {"demo", "--check", "nested-mail", "--format", "csv"},
		"markdown": {"demo", "--check", "nested-mail", "--format", "markdown"},
		"junit":    {"demo", "--check", "nested-mail", "--format", "junit"},
		"html":     {"demo", "--check", "nested-mail", "--format", "html"},
		"fail-on":  {"demo", "--check", "nested-mail", "--fail-on", "strict"},
		"dry run":  quick("--dry-run", "127.0.0.1:1"),
		"checks":   {"checks"},
		"explain":  {"explain", "nested-mail"},
		"lab":      {"lab"},
		"version":  {"--version"},
		"complete": {"completion", "bash"},
	}
	for name, args := range commands {
		t.Run(name+" on a full device", func(t *testing.T) {
			t.Parallel()
			full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer full.Close()
			p := program(t, args...)
			p.Stdout = full
			p.begin(t)
			if got := p.end(t); got != "exit 2" {
				t.Errorf("got %s, want exit 2", got)
			}
			if err := oneLine(p.err.String(), "no space left on device"); err != nil {
				t.Error(err)
			}
		})
		t.Run(name+" without a reader", func(t *testing.T) {
			t.Parallel()
			reader, writer, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			reader.Close()
			p := program(t, args...)
			p.Stdout = writer
			p.begin(t)
			writer.Close()
			// As for every filter, the system ends it, or it says what is wrong.
			if got := p.end(t); got != "signal broken pipe" && got != "exit 2" {
				t.Errorf("got %s, want exit 2, or the end by SIGPIPE", got)
			}
		})
	}
	for _, format := range formats() {
		t.Run(format.name+" by --output", func(t *testing.T) {
			t.Parallel()
			p := program(t, "demo", "--check", "nested-mail", "--format", format.name, "--output", "/dev/full")
			p.begin(t)
			if got := p.end(t); got != "exit 2" {
				t.Errorf("got %s, want exit 2", got)
			}
			if err := oneLine(p.err.String(), "/dev/full"); err != nil {
				t.Error(err)
			}
			if p.out.Len() > 0 {
				t.Errorf("got %q on standard output, want nothing", p.out.String())
			}
		})
	}
}

// TestFilesOutliveTheReader: that nobody reads standard output any more, also in
// the middle of the run, does no harm to the files.
func TestFilesOutliveTheReader(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"table", "ndjson"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			reader, writer, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			reader.Close()
			files, written := everyFile(t)
			p := program(t, append([]string{"demo", "strict.example", "--check", "nested-mail", "--format", format, "--output", "-"}, files...)...)
			p.Stdout = writer
			p.begin(t)
			writer.Close()
			if got := p.end(t); got != "exit 2" {
				t.Errorf("got %s, want exit 2", got)
			}
			for name, content := range written() {
				if !strings.Contains(content, "nested-mail") {
					t.Errorf("%s: got %q, want the result", name, content)
				}
			}
		})
	}
}

// TestNewFilesHaveTheModeOfThisProcess: who hides new files hides a report too,
// and an older one keeps its mode.
func TestNewFilesHaveTheModeOfThisProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	old := filepath.Join(dir, "old.csv")
	if err := os.WriteFile(old, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", `umask 077; exec "$@"`, "sh", os.Getenv(builtProgram),
		"demo", "strict.example", "--check", "nested-mail", "-q", "-o", old, "-o", filepath.Join(dir, "new.csv"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for name, want := range map[string]os.FileMode{"old.csv": 0o640, "new.csv": 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s: got mode %s, want %s", name, info.Mode().Perm(), want)
		}
	}
}
