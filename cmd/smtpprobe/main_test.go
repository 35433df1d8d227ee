package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"
)

// builtProgram is the environment variable that names the program as users get
// it: built without the race detector, whose memory would count as the program's.
const builtProgram = "BUILT_SMTPPROBE" // not one of the program's own variables

func TestMain(m *testing.M) {
	testscript.Main(suite{m}, map[string]func(){"smtpprobe": main})
}

// suite builds the program, runs the tests, and finds the goroutines that they
// left behind.
type suite struct{ m *testing.M }

func (s suite) Run() int {
	dir, err := os.MkdirTemp("", "smtpprobe-test")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "smtpprobe")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the program: %v\n%s", err, out)
		return 1
	}
	if err := os.Setenv(builtProgram, program); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	// What the user of this machine has set is nothing to the tests.
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, variablePrefix) {
			os.Unsetenv(name) //nolint:errcheck // it is there
		}
	}
	if err := os.Setenv("XDG_CONFIG_HOME", dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	// What is kept from run to run must not be the user's own.
	if err := os.Setenv("XDG_STATE_HOME", filepath.Join(dir, "state")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	// Most tests wait for timers most of the time: more of them fit side by side
	// than there are cores. What the command line says of -parallel wins.
	if err := flag.Set("test.parallel", "8"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := s.m.Run()
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}
