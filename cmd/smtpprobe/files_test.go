package main

import (
	"math"
	"testing"
)

func TestFitFiles(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		limit               uint64
		receivers, sessions int
		want                int
		note                string
	}{
		{1024, 8, 1, 8, ""},
		{1064, 1000, 1, 1000, ""},
		{1063, 1000, 1, 999, "1000 receivers at once need 1064 open files, the limit here is 1063: 999 at once; raise it with ulimit -n 1064"},
		{256, 1000, 1, 192, "1000 receivers at once need 1064 open files, the limit here is 256: 192 at once; raise it with ulimit -n 1064"},
		{256, 100, 4, 48, "100 receivers at once need 464 open files, the limit here is 256: 48 at once; raise it with ulimit -n 464"},
		{64, 2, 1, 1, "2 receivers at once need 66 open files, the limit here is 64: 1 at once; raise it with ulimit -n 66"},
		{0, 2, 16, 1, "2 receivers at once need 96 open files, the limit here is 0: 1 at once; raise it with ulimit -n 96"},
		{math.MaxUint64, 1000, 16, 1000, ""},
		{256, 0, 1, 0, ""},
	} {
		n, note := fitFiles(c.limit, c.receivers, c.sessions, ownFiles)
		if n != c.want || note != c.note {
			t.Errorf("limit %d, %d receivers, %d sessions: got %d and %q, want %d and %q", c.limit, c.receivers, c.sessions, n, note, c.want, c.note)
		}
	}
}
