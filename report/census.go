package report

import (
	"cmp"
	"slices"

	"github.com/smtpprobe/smtpprobe/probe"
)

// Why nothing is known of recipients, besides the statuses of domains and
// receivers.
const (
	whyNotLookedUp  = "not-looked-up"
	whyNotProbed    = "not-probed"
	whyInconclusive = "inconclusive"
)

// NotProbeable is the status of a domain whose receivers have addresses only that
// may not be probed, such as private ones.
const NotProbeable = "not-probeable"

// takesNoMail reports whether a domain with the status takes no mail at all.
func takesNoMail(status string) bool {
	return slices.Contains([]string{"null-mx", "nxdomain", "no-address", "unusable-mx"}, status)
}

// census is a survey that is being counted.
type census struct {
	Campaign
	place map[string]int // of a platform
	knows [][]*Tried     // by platform: its measured receivers
	bites [][]bool       // by platform and habit
	dead  map[string]int
	why   map[string]int
	among []map[string]bool // by why: the platforms
}

// Campaign counts what has been found out by now.
func (s *Survey) Campaign() Campaign {
	c := census{place: map[string]int{}, dead: map[string]int{}, why: map[string]int{}}
	c.Narrowed, c.Domains = s.narrowed, len(s.domains)
	c.Habits = slices.Clone(s.tolls)
	tried := c.platforms(s)
	for _, d := range s.domains {
		switch {
		case d.status == "":
			c.unknown(d, whyNotLookedUp, "")
		case takesNoMail(d.status):
			c.deadly(d)
		case len(d.receivers) == 0:
			c.unknown(d, d.status, "")
		default:
			c.count(d, c.place[s.receivers[d.receivers[0]].receiver.Platform], tried)
		}
	}
	c.rank()
	return c.Campaign
}

// platforms enters the platforms with their receivers, and returns by number what
// is known of each receiver.
func (c *census) platforms(s *Survey) []*Tried {
	tried := make([]*Tried, len(s.receivers))
	for _, n := range s.ranked() {
		r := s.receivers[n]
		i, met := c.place[r.receiver.Platform]
		if !met {
			i = len(c.Platforms)
			c.place[r.receiver.Platform] = i
			c.Platforms = append(c.Platforms, Platform{Name: r.receiver.Platform})
			c.knows = append(c.knows, nil)
			c.bites = append(c.bites, make([]bool, len(c.Habits)))
		}
		c.Platforms[i].Receivers++
		t, was := s.tried[socket(r.receiver)]
		if !was {
			continue
		}
		t.Host, t.Recipients = r.receiver.Host, r.recipients
		c.Platforms[i].Tried = append(c.Platforms[i].Tried, t)
		if t.Measured {
			tried[n] = &t
			c.knows[i] = append(c.knows[i], &t)
		}
	}
	return tried
}

// count counts a domain that takes mail by what is known of its own receivers, or
// else of the platform's.
func (c *census) count(d surveyed, i int, tried []*Tried) {
	p := &c.Platforms[i]
	p.Recipients += d.Recipients
	p.Domains++
	var known []*Tried
	for _, n := range d.receivers {
		if tried[n] != nil {
			known = append(known, tried[n])
		}
	}
	own := len(known) > 0
	switch {
	case own:
		p.Behind += d.Recipients
		c.Measured += d.Recipients
	case len(c.knows[i]) > 0:
		known = c.knows[i]
		c.Sampled += d.Recipients
	default:
		c.unknown(d, whyOf(p.Tried), p.Name)
		return
	}
	for h := range c.Habits {
		f := unasked
		for _, t := range known {
			f = max(f, t.fates[h])
		}
		c.Habits[h].add(f, d.Recipients, own)
		c.bites[i][h] = c.bites[i][h] || f == punished
	}
}

func (t *Toll) add(f fate, recipients int, own bool) {
	switch f {
	case punished:
		t.Punished += recipients
		if !own {
			t.Sampled += recipients
		}
	case tolerated:
		t.Tolerated += recipients
	case inapplicable:
		t.NotApplicable += recipients
	default:
		t.Unmeasured += recipients
	}
}

// whyOf says why nothing is known of a platform.
func whyOf(tried []Tried) string {
	switch {
	case len(tried) == 0:
		return whyNotProbed
	case tried[0].Status == probe.StatusOK:
		return whyInconclusive
	}
	return string(tried[0].Status)
}

func (c *census) deadly(d surveyed) {
	i, met := c.dead[d.status]
	if !met {
		i = len(c.Dead)
		c.dead[d.status] = i
		c.Dead = append(c.Dead, Dead{Why: d.status})
	}
	c.NoMail += d.Recipients
	c.Dead[i].Recipients += d.Recipients
	c.Dead[i].Domains = append(c.Dead[i].Domains, d.Audience) // the list has the most recipients first
}

func (c *census) unknown(d surveyed, why, platform string) {
	i, met := c.why[why]
	if !met {
		i = len(c.Unknown)
		c.why[why] = i
		c.Unknown = append(c.Unknown, Unknown{Why: why})
		c.among = append(c.among, map[string]bool{})
	}
	c.Unmeasured += d.Recipients
	for h := range c.Habits {
		c.Habits[h].Unmeasured += d.Recipients
	}
	u := &c.Unknown[i]
	u.Recipients += d.Recipients
	u.Domains++
	if platform != "" && !c.among[i][platform] {
		c.among[i][platform] = true
		u.Platforms++
	}
}

// rank puts what concerns the most recipients first.
func (c *census) rank() {
	order := make([]int, len(c.Platforms))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(c.Platforms[b].Recipients, c.Platforms[a].Recipients), cmp.Compare(c.Platforms[a].Name, c.Platforms[b].Name))
	})
	ranked := make([]Platform, 0, len(order))
	for _, i := range order {
		ranked = append(ranked, c.Platforms[i])
		for h := range c.Habits {
			if c.bites[i][h] {
				c.Habits[h].Platforms = append(c.Habits[h].Platforms, c.Platforms[i].Name)
			}
		}
	}
	c.Platforms = ranked
	sortTolls(c.Habits)
	slices.SortStableFunc(c.Dead, func(a, b Dead) int { return cmp.Compare(b.Recipients, a.Recipients) })
	slices.SortStableFunc(c.Unknown, func(a, b Unknown) int { return cmp.Compare(b.Recipients, a.Recipients) })
}
