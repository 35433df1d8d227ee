package report

import (
	"github.com/smtpprobe/smtpprobe/probe"
)

// Style says what the tables may use. Its zero value is plain: 80 columns, no
// colour, and characters beyond ASCII.
type Style struct {
	Color      bool // ANSI colours; they never carry a meaning of their own
	ASCII      bool // nothing but ASCII
	Width      int  // columns of the screen; 0 stands for 80, and fewer than 60 are taken as 60
	Transcript bool // the dialogue behind each cell follows the tables
}

const (
	usualWidth = 80
	leastWidth = 60 // below this the name of a check and a verdict do not fit side by side
)

func (s Style) normal() Style {
	if s.Width == 0 {
		s.Width = usualWidth
	}
	s.Width = max(s.Width, leastWidth)
	return s
}

// Colours by the numbers of ECMA-48 8.3.117.
const (
	bold    = "1"
	dim     = "2"
	red     = "1;31"
	green   = "32"
	yellow  = "33"
	magenta = "35"
	cyan    = "36"
)

// paint colours one line of text.
func (s Style) paint(colour, text string) string {
	if !s.Color || colour == "" || text == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// look is how a verdict is shown. The mark alone tells verdicts apart, but for
// strict and correct, which are both what the rule asks for.
type look struct{ mark, ascii, colour string }

func lookOf(v probe.Verdict) look {
	switch v {
	case probe.Strict, probe.Correct:
		return look{"✓", "+", green}
	case probe.Deviant:
		return look{"~", "~", cyan}
	case probe.Dropped:
		return look{"/", "/", magenta}
	case probe.Lenient:
		return look{"!", "!", yellow}
	case probe.Overstrict:
		return look{"^", "^", magenta}
	case probe.Broken:
		return look{"✗", "X", red}
	case probe.NotApplicable:
		return look{"-", "-", dim}
	}
	return look{"?", "?", dim}
}

func (s Style) mark(v probe.Verdict) string {
	if s.ASCII {
		return lookOf(v).ascii
	}
	return lookOf(v).mark
}

// legend explains the marks.
func (s Style) legend() []string {
	words := []string{s.mark(probe.Strict) + " strict or correct"}
	for _, v := range []probe.Verdict{probe.Deviant, probe.Dropped, probe.Lenient, probe.Overstrict, probe.Broken, probe.Inconclusive, probe.NotApplicable} {
		words = append(words, s.mark(v)+" "+word(v))
	}
	return words
}

// word is the verdict as it stands in a cell.
func word(v probe.Verdict) string {
	if v == probe.NotApplicable {
		return "n/a"
	}
	return v.String()
}
