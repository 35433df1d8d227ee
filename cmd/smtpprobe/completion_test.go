package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// tool is where a program stands that some tests need and not every machine has.
// Where REQUIRE_TOOLS is set, as the gate sets it, a missing one is a failure.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("REQUIRE_TOOLS") != "" {
		t.Fatalf("%s is not installed, and REQUIRE_TOOLS is set", name)
	}
	t.Skipf("%s is not installed: what it would show is not tested here", name)
	return ""
}

// bashTab completes the arguments as bash does when the tabulator is pressed
// behind the last of them.
const bashTab = `
. /usr/share/bash-completion/bash_completion
eval "$(smtpprobe completion bash)"
COMP_LINE="smtpprobe $*" COMP_WORDS=(smtpprobe "$@") COMP_CWORD=$# COMP_TYPE=9 COMP_KEY=9
COMP_POINT=${#COMP_LINE}
__start_smtpprobe 2>/dev/null
printf '%s\n' "${COMPREPLY[@]}"`

// fishTab does so for fish.
const fishTab = `
smtpprobe completion fish | source
complete -C "smtpprobe $argv"`

// zshTab does so for zsh, on a terminal, and shows the command line that comes of
// it.
const zshTab = `
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'autoload -U compinit; compinit -C -u; source <(smtpprobe completion zsh); PS1=be""gun'
zpty -r -m shell text '*begun*'
zpty -n -w shell "smtpprobe $*"$'\t#end\n'
zpty -r -m shell text '*#end*'
print -r -- $text
zpty -d shell`

func TestCompletionInShells(t *testing.T) {
	t.Parallel()
	shells := []struct {
		name string
		args []string
	}{
		{"bash", []string{"--norc", "--noprofile", "-c", bashTab, "bash"}},
		{"fish", []string{"--no-config", "-c", fishTab, "--"}},
		{"zsh", []string{"-f", "-c", zshTab, "zsh"}},
	}
	tests := []struct {
		name, words, want string
		files             bool // bash completes them itself, when the program says nothing
	}{
		{"check", "explain nested", "nested-mail", false},
		{"behind a comma", "--check rcpt-before-mail,data-w", "rcpt-before-mail,data-without-rcpt", false},
		{"word", "--tls im", "implicit", false},
		{"file", "--targets main_te", "main_test.go", true},
	}
	for _, shell := range shells {
		t.Run(shell.name, func(t *testing.T) {
			t.Parallel()
			path := tool(t, shell.name)
			if _, err := os.Stat("/usr/share/bash-completion/bash_completion"); shell.name == "bash" && err != nil {
				tool(t, "bash-completion")
			}
			home := t.TempDir() // where zsh keeps what it found out when it started first
			for _, tt := range tests {
				if tt.files && shell.name == "bash" {
					continue
				}
				ctx, stop := context.WithTimeout(t.Context(), time.Minute)
				cmd := exec.CommandContext(ctx, path, append(shell.args, strings.Fields(tt.words)...)...)
				cmd.Env = []string{
					"HOME=" + home, "TERM=dumb", "COLUMNS=200",
					"PATH=" + filepath.Dir(os.Getenv(builtProgram)) + ":" + os.Getenv("PATH"),
				}
				out, err := cmd.Output()
				stop()
				found := slices.ContainsFunc(strings.FieldsFunc(string(out), func(r rune) bool { return strings.ContainsRune("\t\r\n ", r) }),
					func(word string) bool { return strings.TrimSuffix(word, "#end") == tt.want })
				if err != nil || !found {
					t.Errorf("%s: %q: got %q (%v), want %q", tt.name, tt.words, out, err, tt.want)
				}
			}
		})
	}
}

// TestEveryFlagCompletes: words that are listed, files where the help says FILE,
// and never the files of the folder where a flag takes neither.
func TestEveryFlagCompletes(t *testing.T) {
	t.Parallel()
	for _, cmd := range allCommands(rootCommand(streams{})) {
		cmd.NonInheritedFlags().VisitAll(func(f *pflag.Flag) {
			if f.NoOptDefVal != "" {
				return
			}
			args := append(strings.Fields(cmd.CommandPath())[1:], "--"+f.Name, "")
			out := call(t, append([]string{"__complete"}, args...)...).out
			what, _ := pflag.UnquoteUsage(f)
			if files := strings.HasSuffix(out, ":0\n"); files != (what == "FILE") {
				t.Errorf("%s --%s takes %s: got %q", cmd.CommandPath(), f.Name, what, out)
			}
			if vocabulary(f.Name) != nil && strings.Count(out, "\n") < 2 {
				t.Errorf("%s --%s: got %q, want its words", cmd.CommandPath(), f.Name, out)
			}
		})
	}
}
