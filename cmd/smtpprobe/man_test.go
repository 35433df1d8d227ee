package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/smtpprobe/smtpprobe/cmd/smtpprobe/manual"
)

// pages are the manual pages, by their names.
func pages() map[string]string {
	found := map[string]string{}
	for _, page := range (manual.Book{Root: rootCommand(streams{}), Date: "2026-01-31", Variable: variableOf}).Pages() {
		found[page.Name] = page.Text
	}
	return found
}

// TestManualHoldsEverything: a page for every command that help tells of, with
// every flag, and the same pages again.
func TestManualHoldsEverything(t *testing.T) {
	t.Parallel()
	all, again := pages(), pages()
	for _, cmd := range allCommands(rootCommand(streams{})) {
		name := strings.ReplaceAll(cmd.CommandPath(), " ", "-")
		text, there := all[name]
		if there != cmd.IsAvailableCommand() {
			t.Errorf("%s: got a page: %t, want %t", name, there, cmd.IsAvailableCommand())
			continue
		}
		if text != again[name] {
			t.Errorf("%s: got two different pages", name)
		}
		sections := []string{"NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "SEE ALSO"}
		if cmd.Example != "" {
			sections = append(sections, "EXAMPLES")
		}
		for _, s := range sections {
			if strings.Count(text, "\n.SH "+s+"\n") != 1 {
				t.Errorf("%s: want one section %s in\n%s", name, s, text)
			}
		}
		cmd.NonInheritedFlags().VisitAll(func(f *pflag.Flag) {
			want := []string{`\-\-` + strings.ReplaceAll(f.Name, "-", `\-`) + `\fR`}
			if v := variableOf(f); v != "" {
				want = append(want, `\fB`+v+`\fR`)
			}
			for _, w := range want {
				if !strings.Contains(text, w) {
					t.Errorf("%s: want %s in\n%s", name, w, text)
				}
			}
		})
	}
}

// TestManualIsSound: nothing that mandoc warns of, and what people type stands
// on the page as they type it.
func TestManualIsSound(t *testing.T) {
	t.Parallel()
	mandoc := tool(t, "mandoc")
	folder := t.TempDir()
	var files []string
	for name, text := range pages() {
		file := filepath.Join(folder, name+".1")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	if out, err := exec.CommandContext(t.Context(), mandoc, append([]string{"-Tlint", "-Wwarning"}, files...)...).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("mandoc: %v\n%s", err, out)
	}
	page, err := exec.CommandContext(t.Context(), mandoc, "-Tascii", "-Owidth=200", filepath.Join(folder, "smtpprobe.1")).Output()
	if err != nil {
		t.Fatal(err)
	}
	var plain strings.Builder // without the overstriking that makes bold
	for i, octet := range page {
		if octet != '\b' && (i+1 == len(page) || page[i+1] != '\b') {
			plain.WriteByte(octet)
		}
	}
	want := append(strings.Split(rootCommand(streams{}).Example, "\n"),
		"~/.config/smtpprobe/config.yaml", "or the null sender <> (default <>)", "ADDR[:PORT] (the system's)", "SMTPPROBE_REPLY_TIMEOUT")
	for _, line := range want {
		if !strings.Contains(plain.String(), line) {
			t.Errorf("want %q in\n%s", line, plain.String())
		}
	}
}
