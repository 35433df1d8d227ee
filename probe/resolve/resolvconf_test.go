package resolve

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestSystemNameservers(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       []string
		err        string
	}{
		{
			"usual", "# comment\nsearch example.com\nnameserver 192.0.2.53\nnameserver 2001:db8::53\nnameserver fe80::1%eth0\noptions rotate\n",
			[]string{"192.0.2.53:53", "[2001:db8::53]:53", "[fe80::1%eth0]:53"},
			"",
		},
		{"one that is no address", "nameserver dns.example.com\nnameserver 192.0.2.53\n", []string{"192.0.2.53:53"}, ""},
		{"none", "search example.com\n", nil, "names no nameserver"},
		{"empty", "", nil, "names no nameserver"},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "resolv.conf")
			if err := os.WriteFile(file, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := systemNameservers(file)
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
			switch {
			case test.err == "" && err != nil:
				t.Errorf("got %v, want no error", err)
			case test.err != "" && (err == nil || !strings.Contains(err.Error(), file+" "+test.err)):
				t.Errorf("got %v, want %s %s in it", err, file, test.err)
			}
		})
	}
	t.Run("no file", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "resolv.conf")
		if _, err := systemNameservers(file); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("got %v, want the file in it", err)
		}
	})
}
