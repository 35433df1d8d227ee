package smtp

import "strings"

// Bounds on what is kept of what a server sends. They are ours: RFC 5321
// 4.5.3.1.5 allows 512 octets a reply line and names no bound for a reply.
const (
	MaxLine  = 2 << 10  // octets kept of one line, its line end included
	MaxReply = 64 << 10 // octets of one reply, beyond which it counts as endless
)

// Line is one line as a server sent it, or the unfinished rest of one.
type Line struct {
	// Octets are the octets of the line with its line end. A line that was
	// never finished has none. What was cut stood before the line end.
	Octets string
	// Cut is the number of octets that were received and not kept.
	Cut int
}

// Ended reports whether the line was finished: the octets end in LF.
func (l Line) Ended() bool { return strings.HasSuffix(l.Octets, "\n") }

// Text is the line without its line end, CR LF or a lone LF.
func (l Line) Text() string {
	return strings.TrimSuffix(strings.TrimSuffix(l.Octets, "\n"), "\r")
}

// LoneLF reports whether the line ends in LF without CR, which RFC 5321 2.3.8
// forbids a server to send.
func (l Line) LoneLF() bool {
	return l.Ended() && !strings.HasSuffix(l.Octets, "\r\n")
}

// Cutter cuts a stream of octets into lines, keeping at most MaxLine octets of
// each. Its zero value is ready to use.
type Cutter struct {
	kept []byte
	last byte // the octet before the current one, of an overlong line
	cut  int
}

// Next takes octets up to and including the first line end. It returns the
// finished line, if there is one, and the octets it did not take.
func (c *Cutter) Next(octets []byte) (line Line, finished bool, rest []byte) {
	for i, b := range octets {
		if b == '\n' {
			return c.finish(), true, octets[i+1:]
		}
		// Room is left for CR LF, so that a cut line keeps its line end.
		if len(c.kept) < MaxLine-2 {
			c.kept = append(c.kept, b)
		} else {
			c.cut++
		}
		c.last = b
	}
	return Line{}, false, nil
}

func (c *Cutter) finish() Line {
	end := "\n"
	if c.cut > 0 && c.last == '\r' {
		end, c.cut = "\r\n", c.cut-1
	}
	// What followed a last CR was cut: beside the LF it would be a line end that
	// nobody sent.
	for n := len(c.kept); c.cut > 0 && n > 0 && c.kept[n-1] == '\r'; n-- {
		c.kept, c.cut = c.kept[:n-1], c.cut+1
	}
	c.kept = append(c.kept, end...)
	line := Line{Octets: string(c.kept), Cut: c.cut}
	c.kept, c.cut, c.last = c.kept[:0], 0, 0
	return line
}

// Rest returns the unfinished line, if there is one, and forgets it.
func (c *Cutter) Rest() (Line, bool) {
	if len(c.kept) == 0 && c.cut == 0 {
		return Line{}, false
	}
	line := Line{Octets: string(c.kept), Cut: c.cut}
	c.kept, c.cut, c.last = c.kept[:0], 0, 0
	return line, true
}

// Pending is the number of octets of the unfinished line.
func (c *Cutter) Pending() int { return len(c.kept) + c.cut }
