package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/smtpprobe/smtpprobe/probe"
)

// Domain is what the line of a domain says, as far as going on needs it.
type Domain struct {
	Domain, ASCII, Status string
	Exchanges             []Exchange
}

// Exchange is one exchanger of a domain.
type Exchange struct {
	Preference int
	Host       string
	Addresses  []string
}

// Receiver is what the line of a receiver says, as far as going on needs it.
type Receiver struct {
	Host, Address, Platform, Reason string
	Port                            uint16
	Status                          probe.Status
	Results                         []Result
}

// Result is the verdict of one check.
type Result struct {
	Verdict     string
	Conformance string
}

// Rows take the lines that were there when the journal was opened, in their
// order. Those of a kind that nobody takes are not even read. An error ends the
// reading.
type Rows struct {
	Domain   func(Domain) error
	Receiver func(Receiver) error
}

// mostLine is far more than any line of ours has, in octets.
const mostLine = 64 << 20

// Read hands the lines to rows, and reports whether the last one is the end of a
// whole report. The error names the line that is not ours.
func (j *Journal) Read(rows Rows) (whole bool, err error) {
	in := bufio.NewReaderSize(io.NewSectionReader(j.file, 0, j.size), 64<<10)
	for n := 1; ; n++ {
		line, err := readLine(in)
		switch {
		case errors.Is(err, io.EOF):
			return whole, nil
		case err != nil:
			return false, fmt.Errorf("%s: line %d: %w", j.Part(), n, err)
		}
		if whole, err = rows.take(line); err != nil {
			return false, fmt.Errorf("%s: line %d: %w; --restart throws it away", j.Part(), n, err)
		}
	}
}

func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		if err == nil && line == nil {
			return part, nil
		}
		line = append(line, part...)
		switch {
		case err == nil:
			return line, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		case len(line) > mostLine:
			return nil, fmt.Errorf("it has more than %d octets", mostLine)
		}
	}
}

// take hands one line over, and reports whether it ends a whole report.
func (r Rows) take(line []byte) (bool, error) {
	switch {
	case bytes.HasPrefix(line, begins("domain")):
		return false, hand(line, r.Domain)
	case bytes.HasPrefix(line, begins("receiver")):
		return false, hand(line, r.Receiver)
	case bytes.HasPrefix(line, begins("run")):
		return false, nil
	case bytes.HasPrefix(line, begins("end")):
		complete := false
		err := hand(line, func(end struct{ Complete bool }) error { complete = end.Complete; return nil })
		return complete, err
	}
	return false, errors.New("it is no line of a report")
}

func hand[T any](line []byte, to func(T) error) error {
	if to == nil {
		return nil
	}
	var value T
	if err := json.Unmarshal(line, &value); err != nil {
		return err
	}
	return to(value)
}
