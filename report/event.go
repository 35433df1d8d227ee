package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
)

// event is one event of a transcript.
type event struct {
	MS   millis `json:"ms"`
	From string `json:"from"`
	Text string `json:"text"`
}

// millis is a time in milliseconds, shown with one decimal.
type millis time.Duration

func (m millis) String() string {
	return strconv.FormatFloat(float64(m)/float64(time.Millisecond), 'f', 1, 64)
}

// MarshalJSON writes the number with a decimal or more and without loss: it is by
// when they began that observations tell sessions apart.
func (m millis) MarshalJSON() ([]byte, error) {
	text := strconv.FormatFloat(float64(m)/float64(time.Millisecond), 'f', 6, 64)
	whole, fraction, _ := strings.Cut(text, ".")
	return []byte(whole + "." + fraction[:1] + strings.TrimRight(fraction[1:], "0")), nil
}

// UnmarshalJSON reads the number.
func (m *millis) UnmarshalJSON(text []byte) error {
	n, err := strconv.ParseFloat(string(text), 64)
	if err != nil || math.IsNaN(n) || math.Abs(n) > maxMillis {
		return fmt.Errorf("time %q: want a number of milliseconds", text)
	}
	*m = millis(math.Round(n * float64(time.Millisecond)))
	return nil
}

// maxMillis is a month, far beyond any session, in milliseconds.
const maxMillis = 31 * 24 * 60 * 60 * 1000

func newEvents(t probe.Transcript) []event {
	out := make([]event, 0, len(t))
	for _, e := range t {
		out = append(out, event{MS: millis(e.At), From: e.From.String(), Text: e.String()})
	}
	return out
}
