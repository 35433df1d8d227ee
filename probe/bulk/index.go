package bulk

import (
	"crypto/sha256"
	"net/netip"
	"strconv"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
)

// index is what a scan remembers: the targets that it met, the receivers that are
// finished, and how many of each platform were taken.
type index struct {
	met     map[mark]struct{}
	done    map[string]bool   // by key; whether the receiver could be reached
	taken   map[string]int32  // by platform
	pending map[string]*entry // by key: receivers that wait or run
	choices int               // targets that wait for their best receiver
}

func newIndex() index {
	return index{
		met: map[mark]struct{}{}, done: map[string]bool{}, taken: map[string]int32{}, pending: map[string]*entry{},
	}
}

// mark stands for a name. Exact names take three times the room; a hash of 64
// bits would lose a domain of a long list now and then, or whenever somebody
// wants it to. Of a million names cut from SHA-256 at 128 bits two are the same
// once in 10^26 lists.
type mark [16]byte

// meet enters a name and reports whether it is new.
func (x *index) meet(name string) bool {
	sum := sha256.Sum256([]byte(name))
	m := mark(sum[:len(mark{})])
	if _, again := x.met[m]; again {
		return false
	}
	x.met[m] = struct{}{}
	return true
}

// key packs an address and a port. Where a proxy looks the address up, the name
// stands for it.
func key(r probe.Receiver) string {
	if addr, err := netip.ParseAddr(r.Address); err == nil {
		if packed, err := netip.AddrPortFrom(addr, r.Port).MarshalBinary(); err == nil {
			return "a" + string(packed)
		}
	}
	return "n" + r.Address + r.Host + ":" + strconv.Itoa(int(r.Port))
}

// entry is a receiver that is not finished.
type entry struct {
	receiver probe.Receiver
	latest   string             // the domain that named it last
	rest     [][]probe.Receiver // of each target that it is the best one of: the next ones
}

// mostDomains of a receiver are kept; the lines of the domains name all.
const mostDomains = 20

// join adds the domains by whose account a receiver is met again.
func (e *entry) join(r probe.Receiver) {
	for _, d := range r.Domains {
		switch {
		case d == e.latest:
			continue // another of its exchangers, at the same address
		case len(e.receiver.Domains) < mostDomains:
			e.receiver.Domains = append(e.receiver.Domains, d)
		default:
			e.receiver.MoreDomains++
		}
		e.latest = d
	}
}

// admit has a receiver wait for its turn unless it is known already. Rest are
// those to be tried where it cannot be reached.
func (s *Scan) admit(r probe.Receiver, rest []probe.Receiver) {
	k := key(r)
	if _, done := s.done[k]; done {
		return
	}
	e := s.pending[k]
	if e == nil {
		if s.PerPlatform > 0 && int(s.taken[r.Platform]) >= s.PerPlatform {
			s.done[k] = true
			s.tell(probe.Report{Receiver: r, Status: probe.StatusSkipped, Reason: LeftOut(r.Platform)})
			return
		}
		s.taken[strings.Clone(r.Platform)]++ // what it is cut from need not be kept
		e = &entry{receiver: r}
		e.receiver.Domains = nil
		s.pending[k] = e
		s.push(e)
	}
	e.join(r)
	if len(rest) > 0 {
		e.rest = append(e.rest, rest)
		s.choices++
	}
}

// offer has the first receiver of a choice wait that was not found to be away.
func (s *Scan) offer(choice []probe.Receiver) {
	for i, r := range choice {
		reached, done := s.done[key(r)]
		switch {
		case !done:
			s.admit(r, choice[i+1:])
			return
		case reached:
			return
		}
	}
}

// conclude enters a receiver as done and returns the choices that have to go on.
// One that was interrupted is not done.
func (x *index) conclude(e *entry, status probe.Status) [][]probe.Receiver {
	k := key(e.receiver)
	delete(x.pending, k)
	x.choices -= len(e.rest)
	switch {
	case status == probe.StatusInterrupted:
		return nil
	case away(status):
		x.done[k] = false
		return e.rest
	}
	x.done[k] = true
	return nil
}

func away(s probe.Status) bool { return s == probe.StatusUnreachable || s == probe.StatusRefused }

// Met enters a target that an earlier part of the scan has looked up.
func (s *Scan) Met(name string) { s.meet(name) }

// Finished enters a receiver that an earlier part of the scan has handed over.
func (s *Scan) Finished(r probe.Report) {
	s.done[key(r.Receiver)] = !away(r.Status)
	if r.Status != probe.StatusSkipped || r.Reason != LeftOut(r.Platform) {
		s.taken[strings.Clone(r.Platform)]++
	}
}
