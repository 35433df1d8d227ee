package run_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/run"
)

// faultHere says that this process is the one whose run has the fault.
const faultHere = "SMTPPROBE_TEST_FAULT"

// TestManyOutlivesAFaultOfASession does what TestManyOutlivesAFault does for a
// fault behind the baselines, where sessions run beside one another: in a process
// of its own, since it may not survive.
func TestManyOutlivesAFaultOfASession(t *testing.T) {
	if os.Getenv(faultHere) == "" {
		again := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v") //nolint:gosec // this very test
		again.Env = append(os.Environ(), faultHere+"=1")
		if out, err := again.CombinedOutput(); err != nil {
			lines := strings.SplitN(string(out), "\n", 12)
			t.Errorf("got %v, want the others probed:\n%s", err, strings.Join(lines[:len(lines)-1], "\n"))
		}
		return
	}
	c := &crowd{receivers: people("example.com", "example.org", "example.net"), change: func(o *run.Options) { o.Receivers, o.Platform = 8, 1 }}
	dials := 0
	c.dial = func(ctx context.Context, address string, network *lab.Memory) (net.Conn, error) {
		if address == "192.0.2.2:25" {
			if dials++; dials == 7 {
				panic("a fault of the test's")
			}
		}
		return network.DialContext(ctx, "tcp", address)
	}
	c.probe(t, 0)
	for address, r := range c.reported(t) {
		if address != "192.0.2.2" && r.Status != probe.StatusOK {
			t.Errorf("%s: got %s (%s), want ok", r.Host, r.Status, r.Reason)
		}
	}
}
