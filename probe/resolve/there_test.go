package resolve_test

import (
	"context"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/resolve"
)

func TestThere(t *testing.T) {
	quick := func(o *resolve.Options) { o.Timeout = 200 * time.Millisecond }
	refusing := startNameserver(t, records, map[string]lab.ZoneFault{".": lab.ZoneRefused})
	silent := startNameserver(t, records, map[string]lab.ZoneFault{".": lab.ZoneSilent})
	for _, test := range []struct {
		name    string
		servers []string
		want    bool
	}{
		{"one that refuses", []string{refusing.Addr()}, true},
		{"one that is silent", []string{silent.Addr()}, false},
		{"nobody", []string{"127.0.0.1:1"}, false},
		{"the second of two", []string{"127.0.0.1:1", refusing.Addr()}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := newResolver(t, quick, test.servers...).There(t.Context()); got != test.want {
				t.Errorf("got %t, want %t", got, test.want)
			}
		})
	}
	t.Run("no time to ask", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if !newResolver(t, quick, silent.Addr()).There(ctx) {
			t.Error("got no, want it to be left open")
		}
	})
}
