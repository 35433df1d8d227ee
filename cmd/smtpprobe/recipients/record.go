package recipients

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// record is one row of a list. Its text holds until the next is read.
type record struct {
	line      int // of its first line, from 1
	text      []byte
	malformed bool // it is too long, or its quotes do not fit
}

func (r record) blank() bool { return !r.malformed && len(bytes.TrimSpace(r.text)) == 0 }

// Bounds of a row. One that is longer is malformed, and the next line begins
// another: a quote that is never closed does not swallow the list.
const (
	longest = 64 << 10 // octets
	tallest = 100      // lines
)

// records reads the rows of CSV (RFC 4180). The standard library's reader would
// hold a row of any length.
type records struct {
	in        *bufio.Reader
	separator byte
	line      int    // lines taken
	text      []byte // of a row of several lines
	again     []line // lines that were read for a row that is none
}

type line struct {
	text []byte
	long bool
}

func newRecords(in *bufio.Reader, separator byte) *records {
	return &records{in: in, separator: separator}
}

// next reads a row. The error is io.EOF, or the reader's.
func (r *records) next() (record, error) {
	text, long, err := r.take()
	if err != nil {
		return record{}, err
	}
	rec := record{line: r.line, text: text, malformed: long}
	if long || bytes.IndexByte(text, '"') < 0 {
		return rec, nil
	}
	switch at := follow(atStart, text, r.separator); at {
	case inQuotes:
		return r.join(rec)
	case misquoted:
		rec.malformed = true
	}
	return rec, nil
}

// join reads on until the quotes of a row are closed. Where they are not, the row
// is its first line, malformed, and the others are read again.
func (r *records) join(rec record) (record, error) {
	r.text = append(r.text[:0], rec.text...)
	var more []line
	for at := inQuotes; at == inQuotes && len(more) < tallest && len(r.text) < longest; {
		text, long, err := r.take()
		switch {
		case errors.Is(err, io.EOF):
			return r.giveUp(rec, more), nil
		case err != nil:
			return record{}, err
		}
		more = append(more, line{bytes.Clone(text), long})
		if long { // its end is not there to be read again
			break
		}
		r.text = append(append(r.text, '\n'), text...)
		if at = follow(at, text, r.separator); at != inQuotes && at != misquoted {
			rec.text = r.text
			return rec, nil
		}
	}
	return r.giveUp(rec, more), nil
}

func (r *records) giveUp(rec record, more []line) record {
	r.again = append(more, r.again...)
	r.line -= len(more)
	return record{line: rec.line, malformed: true}
}

// take reads a line without its end. Of one that is too long the beginning is
// left.
func (r *records) take() (text []byte, long bool, err error) {
	if len(r.again) > 0 {
		l := r.again[0]
		r.again = r.again[1:]
		r.line++
		return l.text, l.long, nil
	}
	text, err = r.in.ReadSlice('\n')
	if len(text) == 0 {
		return nil, false, err
	}
	r.line++
	long = len(text) > longest
	if long {
		text = bytes.Clone(text[:longest+1])
	}
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = r.in.ReadSlice('\n')
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, false, err
	}
	return bytes.TrimRight(text, "\r\n"), long, nil
}

// place is where in a row a reader is.
type place uint8

const (
	atStart   place = iota // of a cell
	inCell                 // that is not quoted
	inQuotes               // of a cell that is
	behind                 // a quote that may be closed
	misquoted              // nowhere: there is something behind a closed quote
)

// walk goes along a line as far as the first separator that is not in quotes, or
// to where it is misquoted, or to its end.
func walk(at place, line []byte, separator byte) (place, int) {
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case at == inQuotes && c == '"' && i+1 < len(line) && line[i+1] == '"':
			i++ // a quote within quotes
		case at == inQuotes && c == '"':
			at = behind
		case at == inQuotes:
		case c == separator:
			return atStart, i
		case at == behind && (c == '@' || c == '<'):
			at = inCell // no quoted cell, but an address that begins with quotes, or a name before it
		case at == behind && c != ' ':
			return misquoted, i
		case at == atStart && c == '"':
			at = inQuotes
		case at == atStart && c != ' ':
			at = inCell
		}
	}
	return at, len(line)
}

// follow goes along a whole line and says where that leads.
func follow(at place, line []byte, separator byte) place {
	for {
		end := 0
		if at, end = walk(at, line, separator); at == misquoted || end == len(line) {
			return at
		}
		line = line[end+1:]
	}
}

// cellAt is the nth cell of a row; nil where the row has none.
func cellAt(text []byte, separator byte, n int) []byte {
	for ; ; n-- {
		_, end := walk(atStart, text, separator)
		switch {
		case n == 0:
			return unquoted(text[:end])
		case end == len(text):
			return nil
		}
		text = text[end+1:]
	}
}

// cellsOf are all cells of a row.
func cellsOf(text []byte, separator byte) [][]byte {
	var cells [][]byte
	for {
		_, end := walk(atStart, text, separator)
		cells = append(cells, unquoted(text[:end]))
		if end == len(text) {
			return cells
		}
		text = text[end+1:]
	}
}

// unquoted is a cell without the quotes around it.
func unquoted(cell []byte) []byte {
	cell = bytes.TrimSpace(cell)
	if len(cell) < 2 || cell[0] != '"' || cell[len(cell)-1] != '"' {
		return cell
	}
	cell = cell[1 : len(cell)-1]
	if bytes.Contains(cell, []byte(`""`)) {
		cell = bytes.ReplaceAll(cell, []byte(`""`), []byte(`"`))
	}
	return bytes.TrimSpace(cell)
}
