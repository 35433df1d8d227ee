package lab

import (
	"strconv"
	"sync/atomic"
)

// Machine lets another machine behind the same address answer every nth session:
// one that calls itself by the host, or by the same name where that is empty, and
// has the lapse. It counts over the sessions of all receivers that have it.
func Machine(nth int, host string, lapse Lapse) Lapse {
	var sessions atomic.Int64
	return Lapse{
		Name: name("machine", strconv.Itoa(nth), host, lapse.Name),
		Note: "another machine answers every so many sessions, and " + lapse.Note,
		begin: func() hooks {
			if sessions.Add(1)%int64(nth) != 0 {
				return hooks{}
			}
			h := hooks{}
			if lapse.begin != nil {
				h = lapse.begin()
			}
			h.host = host
			return h
		},
	}
}
