package ceiling

import "time"

// limit is how many there may be in a time. What is counted together, in a
// sixtieth of that time, expires together, when the last of it is old enough.
type limit struct {
	most   int
	within time.Duration
}

func (l limit) step() int64 { return int64(l.within/time.Second) / 60 }

// window is what was counted lately, the oldest first.
type window []slot

// slot is what was counted in one step of the limit. The number of the step is
// that of steps since 1970.
type slot struct {
	step  int64
	count int
}

// expires is when a slot no longer counts, in seconds since 1970.
func (s slot) expires(l limit) int64 { return (s.step+1)*l.step() + int64(l.within/time.Second) }

// ahead is how many seconds a clock may go behind what was counted by it. Beyond
// that it was set, and nobody knows how old the count is.
const ahead = 60

// fresh leaves what still counts.
func (w window) fresh(l limit, now int64) window {
	for len(w) > 0 && w[0].expires(l) <= now {
		w = w[1:]
	}
	for len(w) > 0 && w[len(w)-1].step*l.step() > now+ahead {
		w = w[:len(w)-1]
	}
	return w
}

// add counts n more. Fewer are taken from the oldest that count: what stays
// counts the longest.
func (w window) add(l limit, at int64, n int) window {
	for n < 0 && len(w) > 0 {
		taken := min(-n, w[0].count)
		w[0].count -= taken
		n += taken
		if w[0].count > 0 {
			break
		}
		w = w[1:]
	}
	if n <= 0 {
		return w
	}
	step := at / l.step()
	if last := len(w) - 1; last >= 0 && w[last].step >= step { // or the clock was set back
		w[last].count += n
		return w
	}
	return append(w, slot{step, n})
}

// again is when n more fit, in seconds since 1970; 0: now.
func (w window) again(l limit, n int) int64 {
	total := 0
	for _, s := range w {
		total += s.count
	}
	at := int64(0)
	for _, s := range w {
		if total+n <= l.most {
			break
		}
		total -= s.count
		at = s.expires(l)
	}
	return at
}
