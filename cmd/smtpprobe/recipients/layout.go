package recipients

import (
	"bufio"
	"bytes"
	"slices"
	"unicode"
)

// layout is how a list is read.
type layout struct {
	separator byte
	column    int // from 0
	header    bool
}

// layoutOf takes the layout that finds the most addresses in the beginning of a
// list; among equals the first.
func layoutOf(begin []byte) layout {
	best, most := layout{separator: ','}, -1
	for _, separator := range []byte{',', ';', '\t'} {
		how, found := tryLayout(begin, separator)
		if found > most {
			best, most = how, found
		}
	}
	return best
}

// mostColumns is how many columns of a list are looked at.
const mostColumns = 1000

// tryLayout reads the beginning of a list with a separator, and says how many
// addresses are in the best column.
func tryLayout(begin []byte, separator byte) (how layout, found int) {
	how.separator = separator
	r := newRecords(bufio.NewReader(bytes.NewReader(begin)), separator)
	var addresses []int // by column
	named := -1         // the column whose header is email
	for first := true; ; {
		rec, err := r.next()
		if err != nil {
			break
		}
		if rec.blank() {
			continue
		}
		begins := first
		if first = false; rec.malformed {
			continue
		}
		cells := cellsOf(rec.text, separator)
		if begins && bytes.IndexByte(rec.text, '@') < 0 {
			how.header = true
			named = slices.IndexFunc(cells, namesAddresses)
		}
		for i, cell := range cells[:min(len(cells), mostColumns)] {
			for len(addresses) <= i {
				addresses = append(addresses, 0)
			}
			if _, ok := domainOf(cell); ok {
				addresses[i]++
			}
		}
	}
	for i, n := range addresses {
		if n > found {
			how.column, found = i, n
		}
	}
	if named >= 0 && named < len(addresses) && addresses[named] > 0 { // not one that says yes and no
		how.column, found = named, addresses[named]
	}
	return how, found
}

// namesAddresses reports whether a header is email, in whatever way that is
// written.
func namesAddresses(header []byte) bool {
	letters := string(bytes.Map(func(r rune) rune {
		if !unicode.IsLetter(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, header))
	return letters == "email" || letters == "emailaddress" || letters == "mail"
}
