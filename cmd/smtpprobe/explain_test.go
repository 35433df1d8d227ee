package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/smtpprobe/smtpprobe/checks"
)

// TestExplain: every check of the catalogue has a page, which names its rule,
// its exchange and its remedy, and fits the narrowest terminal in use.
func TestExplain(t *testing.T) {
	t.Parallel()
	for _, c := range checks.All() {
		t.Run(c.ID, func(t *testing.T) {
			r := call(t, "explain", c.ID)
			if r.code != exitRan || r.err != "" {
				t.Fatalf("got exit code %d and %q on standard error, want %d and nothing", r.code, r.err, exitRan)
			}
			flat := strings.Join(strings.Fields(r.out), " ")
			wants := []string{c.ID, c.Title, c.Profile.String()}
			for _, ref := range c.Refs {
				wants = append(wants, string(ref))
			}
			for _, want := range wants {
				if !strings.Contains(flat, want) {
					t.Errorf("got no %q in\n%s", want, r.out)
				}
			}
			fits(t, r.out)
		})
	}
	t.Run("a bare ID explains all of its variants", func(t *testing.T) {
		pages := map[string][]string{}
		for _, c := range checks.All() {
			base, _, _ := strings.Cut(c.ID, "/")
			pages[base] = append(pages[base], c.ID)
		}
		for base, ids := range pages {
			r := call(t, "explain", base)
			for _, id := range ids {
				if !strings.Contains(r.out, id) {
					t.Errorf("explain %s: got no %q in\n%s", base, id, r.out)
				}
			}
		}
	})
}

// TestListing: the listing names every check once, and so does each profile
// that contains it.
func TestListing(t *testing.T) {
	t.Parallel()
	for _, profile := range []string{"quick", "standard", "full"} {
		r := call(t, "checks", "--profile", profile)
		limit, err := parseProfile(profile)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range checks.All() {
			want := 0
			if c.Profile <= limit {
				want = 1
			}
			if got := strings.Count(r.out, "\n  "+c.ID+" "); got != want {
				t.Errorf("profile %s: got %s listed %d times, want %d", profile, c.ID, got, want)
			}
		}
	}
}

// fits holds text against 80 columns.
func fits(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if got := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); got > 80 {
			t.Errorf("got a line of %d columns, want at most 80: %s", got, line)
		}
	}
}
