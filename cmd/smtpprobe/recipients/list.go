package recipients

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"io"
	"slices"
)

// List is what a list of recipients amounts to.
type List struct {
	Lines      int      // read, those of a header and blank ones included
	Column     int      // that the addresses stand in, from 1
	Header     bool     // the first line names the columns
	Recipients int      // addresses; one that is there twice counts twice
	Malformed  int      // lines without an address, or with one that is none
	First      []int    // the numbers of the first of them
	Domains    []Domain // most recipients first
}

// Domain is the recipients of one domain.
type Domain struct {
	Name       string // as the DNS has it: lower case, IDNA in ASCII
	Recipients int
}

// mostLines is how many numbers of malformed lines are kept.
const mostLines = 20

// sample is how many octets at the beginning of a list decide on how it is read.
const sample = 256 << 10

// ErrNoAddress says that a list has not one address.
var ErrNoAddress = errors.New("no address in it: want one a line, or CSV with a column of them")

// Read reads a list: one address a line, or CSV with commas, semicolons or tabs,
// with a header or without; in UTF-8, with or without a byte order mark, or in
// Latin-1. The column is the one whose header is email, else the one with the most
// addresses. More is called with the number of lines read so far, and ends the
// reading by false. The error is the reader's, or says what the list is instead.
func Read(in io.Reader, more func(lines int) bool) (List, error) {
	buffered := bufio.NewReaderSize(in, sample)
	begin, err := buffered.Peek(sample)
	if err != nil && !errors.Is(err, io.EOF) {
		return List{}, err
	}
	if bytes.HasPrefix(begin, utf8Mark) {
		begin = begin[len(utf8Mark):]
		_, _ = buffered.Discard(len(utf8Mark)) // it was seen to be there
	}
	if err = foreign(begin); err != nil {
		return List{}, err
	}
	how := layoutOf(begin)
	c := counter{list: List{Column: how.column + 1, Header: how.header}, place: map[string]int{}}
	r := newRecords(buffered, how.separator)
	for named := !how.header; ; {
		rec, err := r.next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return List{}, err
		}
		switch {
		case rec.blank():
		case !named: // the header
			named = true
		default:
			c.count(rec, how)
		}
		if !more(r.line) {
			break
		}
	}
	c.list.Lines = r.line
	if c.list.Recipients == 0 {
		return List{}, ErrNoAddress
	}
	slices.SortStableFunc(c.list.Domains, func(a, b Domain) int { return cmp.Compare(b.Recipients, a.Recipients) })
	return c.list, nil
}

var utf8Mark = []byte("\xef\xbb\xbf")

// foreign recognises what people give in place of a list.
func foreign(begin []byte) error {
	head := begin[:min(len(begin), 1024)]
	nuls := bytes.Count(head, []byte{0})
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")), nuls > len(head)/4:
		return errors.New("it is UTF-16 or no text at all: save it as CSV in UTF-8")
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return errors.New("it is a spreadsheet or an archive: export it as CSV")
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return errors.New("it is compressed: unpack it, as with gzip -dc FILE | smtpprobe campaign -")
	}
	return nil
}

// counter counts recipients by domain.
type counter struct {
	list    List
	place   map[string]int // of a domain in the list, by the ways in which it is written
	scratch []byte
}

// spellings is how many ways of writing a domain are remembered, on average. The
// others are looked at again each time.
const spellings = 4

func (c *counter) count(rec record, how layout) {
	domain, ok := []byte(nil), false
	if !rec.malformed {
		domain, ok = domainOf(cellAt(rec.text, how.separator, how.column))
	}
	if !ok || !c.add(domain) {
		if c.list.Malformed++; len(c.list.First) < mostLines {
			c.list.First = append(c.list.First, rec.line)
		}
		return
	}
	c.list.Recipients++
}

// add counts one recipient of a domain, and reports whether it is a domain.
func (c *counter) add(domain []byte) bool {
	c.scratch = lower(c.scratch[:0], domain)
	if i, known := c.place[string(c.scratch)]; known {
		c.list.Domains[i].Recipients++
		return true
	}
	written := string(c.scratch)
	name, ok := parseDomain(written)
	if !ok {
		return false
	}
	i, known := c.place[name]
	if !known {
		i = len(c.list.Domains)
		c.list.Domains = append(c.list.Domains, Domain{Name: name})
		c.place[name] = i
	}
	if len(c.place) < spellings*len(c.list.Domains) {
		c.place[written] = i
	}
	c.list.Domains[i].Recipients++
	return true
}
