//go:build simulate

package bulk_test

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
)

// What is assumed of the world. The domains of platforms follow a power law: the nth
// largest has the nth part of the largest. One with n domains has 1.5 times the root
// of n addresses, and a domain names two of them.
const (
	domains   = 1_000_000
	roundTrip = 150 * time.Millisecond
	dead      = 15 // per cent of the addresses answer no connection
	lookup    = 200 * time.Millisecond

	// One platform in so many is played in time, on as small a part of the lanes, the
	// rate and the look-ups: the hours are those of the whole.
	part = 25
)

// What a scan does unless told otherwise.
const (
	lanes       = 100
	perPlatform = 10
	lookups     = 64
	connections = 200 // a second
	politely    = 500 * time.Millisecond
	patience    = 15 * time.Second // for a connection
)

// town is a platform.
type town struct{ number, domains, addresses int }

func (p town) name() string { return fmt.Sprintf("p%d.example", p.number) }

// country are platforms that have all of the domains. The largest is as large as
// they are many.
func country() []town {
	many := 1
	for sum(many) < domains {
		many += many/1000 + 1
	}
	var all []town
	for rank, left := 1, domains; left > 0; rank++ {
		n := min(max(1, many/rank), left)
		all = append(all, town{rank, n, int(math.Ceil(1.5 * math.Sqrt(float64(n))))})
		left -= n
	}
	return all
}

// sum are the domains of so many platforms.
func sum(many int) int {
	all := 0
	for rank := 1; rank <= many; rank++ {
		all += many / rank
	}
	return all
}

// share is one platform in so many, by their size; the largest of them is made as
// large as they need to have their share of the domains.
func share(all []town) []town {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b town) int { return cmp.Or(b.domains-a.domains, a.number-b.number) })
	var some []town
	rest := domains / part
	for i := part / 2; i < len(all); i += part {
		some = append(some, all[i])
		rest -= all[i].domains
	}
	some[0].domains = max(some[0].domains+rest, some[0].addresses)
	return some
}

// leads are the receivers of the nth domain of the platform.
func (p town) leads(n int) []probe.Receiver {
	return []probe.Receiver{p.receiver(n % p.addresses), p.receiver((n + 1) % p.addresses)}
}

func (p town) receiver(n int) probe.Receiver {
	return probe.Receiver{
		Host: fmt.Sprintf("mx%d.%s", n, p.name()), Address: fmt.Sprintf("2001:db8:%x:%x::%x", p.number>>16, p.number&0xffff, n+1),
		Port: 25, Platform: p.name(), Public: true, Recipient: "postmaster@" + p.name(),
	}
}

// isDead chooses the dead ones, the same each time.
func isDead(address string) bool {
	h := fnv.New32a()
	io.WriteString(h, address) //nolint:errcheck // a hash takes all
	return h.Sum32()%100 < dead
}

// mention is a domain of a list: the nth of its platform.
type mention struct {
	town town
	nth  int
}

// inAnyOrder are the domains of the platforms, shuffled, the same each time.
func inAnyOrder(platforms []town) func(func(mention) bool) {
	var all []int32 // indexes of platforms
	for i, p := range platforms {
		all = append(all, slices.Repeat([]int32{int32(i)}, p.domains)...) //nolint:gosec // fewer than that
	}
	shuffle := rand.New(rand.NewPCG(974, 3207)) //nolint:gosec // the same list each time
	shuffle.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return func(yield func(mention) bool) {
		met := make([]int, len(platforms))
		for _, i := range all {
			if !yield(mention{platforms[i], met[i]}) {
				return
			}
			met[i]++
		}
	}
}
