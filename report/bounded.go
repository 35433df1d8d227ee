package report

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
)

// readLine reads one line, its end included.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > maxReceiver:
			return nil, fmt.Errorf("longer than %d MiB, which no receiver is", maxReceiver>>20)
		case !errors.Is(err, bufio.ErrBufferFull):
			return line, err
		}
	}
}

// counter counts the lines of what goes through it, and bounds how much does
// between two values.
type counter struct {
	in     io.Reader
	left   int     // octets until somebody sets it anew
	offset int64   // octets so far
	before int     // line ends that are counted and forgotten
	ends   []int64 // offsets of the other ones
}

func (c *counter) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, fmt.Errorf("longer than %d MiB, which no receiver is", maxReceiver>>20)
	}
	n, err := c.in.Read(p)
	for i := 0; i < n; i++ {
		end := bytes.IndexByte(p[i:n], '\n')
		if end < 0 {
			break
		}
		i += end
		c.ends = append(c.ends, c.offset+int64(i))
	}
	c.offset, c.left = c.offset+int64(n), c.left-n
	return n, err
}

// line is the number of the line with the offset; offsets only grow.
func (c *counter) line(offset int64) int {
	n, _ := slices.BinarySearch(c.ends, offset)
	c.before, c.ends = c.before+n, c.ends[n:]
	return c.before + 1
}
