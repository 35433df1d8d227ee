package smtp_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe/smtp"
	"pgregory.net/rapid"
)

// kept is how much of a line without its line end is kept.
const kept = smtp.MaxLine - 2

// cut feeds the segments to a Cutter and returns its lines and the unfinished
// rest, if there is one.
func cut(segments ...string) (lines []smtp.Line, rest smtp.Line, unfinished bool) {
	var c smtp.Cutter
	for _, s := range segments {
		for octets := []byte(s); len(octets) > 0; {
			line, finished, left := c.Next(octets)
			if finished {
				lines = append(lines, line)
			}
			octets = left
		}
	}
	rest, unfinished = c.Rest()
	return lines, rest, unfinished
}

func x(n int) string { return strings.Repeat("x", n) }

// show is what a failed test says of lines: their beginnings, ends and cuts.
func show(lines ...smtp.Line) string {
	parts := make([]string, 0, len(lines))
	for _, l := range lines {
		text := smtp.Escape(l.Octets)
		if len(text) > 40 {
			text = text[:20] + "..." + text[len(text)-12:]
		}
		parts = append(parts, fmt.Sprintf("%s (%d octets, %d cut)", text, len(l.Octets), l.Cut))
	}
	return "[" + strings.Join(parts, " | ") + "]"
}

func TestCutterCutsLines(t *testing.T) {
	tests := []struct {
		name, octets string
		want         []smtp.Line
	}{
		{"nothing", "", nil},
		{"one line", "250 ok\r\n", []smtp.Line{{Octets: "250 ok\r\n"}}},
		{"two lines", "250-a\r\n250 b\r\n", []smtp.Line{{Octets: "250-a\r\n"}, {Octets: "250 b\r\n"}}},
		{"lone LF", "250-a\n250 b\r\n", []smtp.Line{{Octets: "250-a\n"}, {Octets: "250 b\r\n"}}},
		{"empty lines", "\r\n\n\r\n", []smtp.Line{{Octets: "\r\n"}, {Octets: "\n"}, {Octets: "\r\n"}}},
		{"lone CR inside", "250 a\rb\r\n", []smtp.Line{{Octets: "250 a\rb\r\n"}}},
		{"two CR before LF", "250 a\r\r\n", []smtp.Line{{Octets: "250 a\r\r\n"}}},
		{"LF before CR", "250 a\n\r250 b\r\n", []smtp.Line{{Octets: "250 a\n"}, {Octets: "\r250 b\r\n"}}},
		{"NUL", "250 a\x00b\r\n", []smtp.Line{{Octets: "250 a\x00b\r\n"}}},
		{"octets above 127", "250 \xff\xc3\xbc\r\n", []smtp.Line{{Octets: "250 \xff\xc3\xbc\r\n"}}},
		{"as long as is kept", x(kept) + "\r\n", []smtp.Line{{Octets: x(kept) + "\r\n"}}},
		{"as long as is kept, lone LF", x(kept) + "\n", []smtp.Line{{Octets: x(kept) + "\n"}}},
		{"one octet longer", x(kept+1) + "\r\n", []smtp.Line{{Octets: x(kept) + "\r\n", Cut: 1}}},
		{"a megabyte", x(1<<20) + "\r\n", []smtp.Line{{Octets: x(kept) + "\r\n", Cut: 1<<20 - kept}}},
		{"a megabyte, lone LF", x(1<<20) + "\n", []smtp.Line{{Octets: x(kept) + "\n", Cut: 1<<20 - kept}}},
		{"a megabyte, two CR", x(1<<20) + "\r\r\n", []smtp.Line{{Octets: x(kept) + "\r\n", Cut: 1<<20 - kept + 1}}},
		{
			"the line after a long one", x(5000) + "\r\n250 b\r\n",
			[]smtp.Line{{Octets: x(kept) + "\r\n", Cut: 5000 - kept}, {Octets: "250 b\r\n"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, rest, unfinished := cut(tt.octets)
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %s, want %s", show(got...), show(tt.want...))
			}
			if unfinished {
				t.Errorf("got the rest %s, want none", show(rest))
			}
		})
	}
}

// A line is told to end in a lone LF by its octets alone, so what is cut must
// not make one look as if it ended in CR LF.
func TestCutterNeverMakesALineEndUp(t *testing.T) {
	for _, begin := range []string{x(kept-1) + "\r", x(kept-2) + "\r\r", x(kept-9) + strings.Repeat("\r", 9), strings.Repeat("\r", kept)} {
		t.Run(show(smtp.Line{Octets: begin}), func(t *testing.T) {
			lines, _, _ := cut(begin + x(10) + "\n")
			if len(lines) != 1 {
				t.Fatalf("got %d lines, want 1", len(lines))
			}
			if !lines[0].LoneLF() {
				t.Errorf("got %s, want a line that ends in a lone LF", show(lines[0]))
			}
			if got, want := len(lines[0].Octets)+lines[0].Cut, kept+11; got != want {
				t.Errorf("got %d octets kept and cut, want %d", got, want)
			}
		})
	}
}

func TestCutterReturnsWhatIsNotALineYet(t *testing.T) {
	tests := []struct {
		name, octets string
		want         smtp.Line
		unfinished   bool
	}{
		{"nothing", "", smtp.Line{}, false},
		{"after a line", "250 a\r\n", smtp.Line{}, false},
		{"a beginning", "250 a\r\n25", smtp.Line{Octets: "25"}, true},
		{"all but LF", "250 a\r", smtp.Line{Octets: "250 a\r"}, true},
		{"a long one", x(3000), smtp.Line{Octets: x(kept), Cut: 3000 - kept}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, got, unfinished := cut(tt.octets)
			if got != tt.want || unfinished != tt.unfinished {
				t.Errorf("got %s %v, want %s %v", show(got), unfinished, show(tt.want), tt.unfinished)
			}
			if got.Ended() {
				t.Errorf("got the line %s ended, want it unfinished", show(got))
			}
		})
	}
}

func TestCutterForgetsTheRestThatItReturned(t *testing.T) {
	var c smtp.Cutter
	c.Next([]byte(x(3000)))
	if got := c.Pending(); got != 3000 {
		t.Errorf("got %d octets pending, want 3000", got)
	}
	c.Rest()
	if got := c.Pending(); got != 0 {
		t.Errorf("got %d octets pending, want 0", got)
	}
	if line, ok := c.Rest(); ok {
		t.Errorf("got the rest %s, want none", show(line))
	}
	line, finished, _ := c.Next([]byte("250 a\r\n"))
	if want := (smtp.Line{Octets: "250 a\r\n"}); !finished || line != want {
		t.Errorf("got %s %v, want %s", show(line), finished, show(want))
	}
}

func TestLineSaysHowItEnds(t *testing.T) {
	tests := []struct {
		octets, text  string
		ended, loneLF bool
	}{
		{"250 a\r\n", "250 a", true, false},
		{"250 a\n", "250 a", true, true},
		{"250 a", "250 a", false, false},
		{"250 a\r\r\n", "250 a\r", true, false},
		{"\r\n", "", true, false},
		{"\n", "", true, true},
		{"", "", false, false},
	}
	for _, tt := range tests {
		t.Run(smtp.Escape(tt.octets), func(t *testing.T) {
			l := smtp.Line{Octets: tt.octets}
			if l.Text() != tt.text || l.Ended() != tt.ended || l.LoneLF() != tt.loneLF {
				t.Errorf("got text %q, ended %v, lone LF %v; want %q, %v, %v",
					l.Text(), l.Ended(), l.LoneLF(), tt.text, tt.ended, tt.loneLF)
			}
		})
	}
}

// stream draws octets as a bad server sends them: line ends of all kinds, long
// lines around the bound, and anything else.
func stream() *rapid.Generator[string] {
	piece := rapid.OneOf(
		rapid.SampledFrom([]string{"\r\n", "\n", "\r", "250 ", "250-", "x", "\x00", "\xff"}),
		rapid.Map(rapid.IntRange(kept-3, kept+3), x),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 8), func(b []byte) string { return string(b) }),
	)
	return rapid.Map(rapid.SliceOfN(piece, 0, 12), func(p []string) string { return strings.Join(p, "") })
}

func TestCutterLosesNothingInAnySegmentation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		octets := stream().Draw(t, "octets")
		var segments []string
		for left := octets; left != ""; {
			n := rapid.OneOf(rapid.IntRange(1, 3), rapid.IntRange(1, 4000)).Draw(t, "segment")
			n = min(n, len(left))
			segments, left = append(segments, left[:n]), left[n:]
		}
		whole, wholeRest, _ := cut(octets)
		lines, rest, _ := cut(segments...)
		if !reflect.DeepEqual(lines, whole) || rest != wholeRest {
			t.Fatalf("got %s and %s in segments, want %s and %s as in one piece", show(lines...), show(rest), show(whole...), show(wholeRest))
		}
		holdsLines(t, octets, lines, rest)
	})
}

// holdsLines says what must be true of the lines of any octets.
func holdsLines(t interface{ Fatalf(string, ...any) }, octets string, lines []smtp.Line, rest smtp.Line) {
	for i, l := range lines {
		raw, left, _ := strings.Cut(octets, "\n")
		raw, octets = raw+"\n", left
		switch {
		case len(l.Octets)+l.Cut != len(raw):
			t.Fatalf("line %d: got %d octets kept and %d cut, want %d in all", i, len(l.Octets), l.Cut, len(raw))
		case len(l.Octets) > smtp.MaxLine:
			t.Fatalf("line %d: got %d octets kept, want at most %d", i, len(l.Octets), smtp.MaxLine)
		case l.Cut == 0 && l.Octets != raw:
			t.Fatalf("line %d: got %.80q, want %.80q", i, l.Octets, raw)
		case strings.HasSuffix(l.Octets, "\r\n") != strings.HasSuffix(raw, "\r\n"):
			t.Fatalf("line %d: got CR LF at its end %v, want %v", i, !l.LoneLF(), strings.HasSuffix(raw, "\r\n"))
		case !strings.HasPrefix(raw, l.Text()):
			t.Fatalf("line %d: got %.80q, want the beginning of %.80q", i, l.Text(), raw)
		}
	}
	if got := len(rest.Octets) + rest.Cut; got != len(octets) {
		t.Fatalf("got a rest of %d octets, want %d", got, len(octets))
	}
}

// single are the octets one by one.
func single(octets string) []string {
	var one []string
	for i := range len(octets) {
		one = append(one, octets[i:i+1])
	}
	return one
}

// FuzzCutter puts any octets in, in two pieces and octet by octet.
func FuzzCutter(f *testing.F) {
	for _, octets := range []string{"", "250 a\r\n", "\n\r\n\r", x(kept) + "\r\n", x(kept-1) + "\rx\r\n", x(3000)} {
		f.Add(octets, 3)
	}
	f.Fuzz(func(t *testing.T, octets string, at int) {
		if at < 0 || at > len(octets) {
			at = len(octets) / 2
		}
		whole, rest, _ := cut(octets)
		holdsLines(t, octets, whole, rest)
		lines, halfRest, _ := cut(octets[:at], octets[at:])
		if !reflect.DeepEqual(lines, whole) || halfRest != rest {
			t.Errorf("got %s in two pieces, want %s", show(lines...), show(whole...))
		}
		lines, octetRest, _ := cut(single(octets)...)
		if !reflect.DeepEqual(lines, whole) || octetRest != rest {
			t.Errorf("got %s octet by octet, want %s", show(lines...), show(whole...))
		}
	})
}
