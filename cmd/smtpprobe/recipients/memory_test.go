package recipients

import (
	"fmt"
	"io"
	"runtime"
	"strconv"
	"testing"
)

// allocated is how many octets were allocated meanwhile.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// live is how many octets are in use.
func live() uint64 {
	runtime.GC()
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	return now.HeapAlloc
}

// endless is a list of any size that is nowhere in memory, and the most octets
// that were in use while it was read.
type endless struct {
	left  int
	piece string
	at    int
	reads int
	most  uint64
}

func (e *endless) Read(p []byte) (int, error) {
	if e.reads++; e.reads%4 == 0 {
		e.most = max(e.most, live())
	}
	p = p[:min(len(p), e.left)]
	if len(p) == 0 {
		return 0, io.EOF
	}
	for n := 0; n < len(p); {
		k := copy(p[n:], e.piece[e.at:])
		n, e.at = n+k, (e.at+k)%len(e.piece)
	}
	e.left -= len(p)
	return len(p), nil
}

// million is the export of a campaign tool, with as many lines and domains as it
// is told.
type million struct {
	lines, domains int
	line           int
	text, rest     []byte
}

func (m *million) Read(p []byte) (int, error) {
	for len(m.rest) == 0 {
		if m.line == m.lines {
			return 0, io.EOF
		}
		m.text = append(strconv.AppendInt(m.text[:0], int64(m.line), 10), ";\"Doe, Jane\";recipient."...)
		m.text = append(strconv.AppendInt(m.text, int64(m.line), 10), "@domain"...)
		m.text = append(strconv.AppendInt(m.text, int64(m.line%m.domains), 10), ".example;2026-01-02;\"yes\"\n"...)
		m.rest = m.text
		m.line++
	}
	n := copy(p, m.rest)
	m.rest = m.rest[n:]
	return n, nil
}

// TestMemoryGrowsWithDomainsAlone: of ten times the lines with the same domains
// hardly anything more is allocated.
func TestMemoryGrowsWithDomainsAlone(t *testing.T) {
	few := allocated(func() { count(t, 20_000, 1000) })
	many := allocated(func() { count(t, 200_000, 1000) })
	if most := few + few/2; many > most {
		t.Errorf("allocated %d octets for 200,000 lines and %d for 20,000, want no more than %d", many, few, most)
	}
}

func count(t testing.TB, lines, domains int) {
	t.Helper()
	l, err := Read(&million{lines: lines, domains: domains}, always)
	if err != nil || l.Recipients != lines || len(l.Domains) != min(lines, domains) {
		t.Errorf("got %d recipients of %d domains, %v, want %d of %d", l.Recipients, len(l.Domains), err, lines, domains)
	}
}

// BenchmarkMillion reads a million lines, and says how much of the heap is in use
// at the end.
func BenchmarkMillion(b *testing.B) {
	for _, domains := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprint(domains), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				count(b, 1_000_000, domains)
			}
		})
	}
}
