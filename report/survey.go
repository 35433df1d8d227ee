package report

import (
	"cmp"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
)

// Survey counts what is found out before a campaign: domain by domain, and then
// receiver by receiver. Of a report it keeps no more than counts.
type Survey struct {
	tolls     []Toll
	narrowed  bool
	domains   []surveyed
	place     map[string]int // of a domain
	receivers []behind
	number    map[string]int   // of a receiver
	tried     map[string]Tried // by socket
}

// surveyed is a domain and what was found of it.
type surveyed struct {
	Audience
	status    string // as a Domain has it; empty: it was not looked up
	receivers []int  // that are tried first, of one platform
}

// behind is a receiver and the recipients behind it.
type behind struct {
	receiver   probe.Receiver
	recipients int
}

// NewSurvey begins a survey of the domains, by the checks that receivers are held
// to. Where the sender's habits are known, it is about these alone.
func NewSurvey(domains []Audience, order []probe.Check, sender []probe.Habit) *Survey {
	s := &Survey{
		tolls: tollsOf(order, sender), narrowed: sender != nil, domains: make([]surveyed, 0, len(domains)),
		place: make(map[string]int, len(domains)), number: map[string]int{}, tried: map[string]Tried{},
	}
	for i, d := range domains {
		s.domains = append(s.domains, surveyed{Audience: d})
		s.place[d.Domain] = i
	}
	return s
}

// Domain takes what became of a domain: its status, and the receivers of the one
// platform that a sender tries first, none where the status is not ok.
func (s *Survey) Domain(name, status string, receivers []probe.Receiver) {
	i, listed := s.place[name]
	if !listed || s.domains[i].status != "" {
		return
	}
	d := &s.domains[i]
	d.status = status
	for _, r := range receivers {
		n, met := s.number[identity(r)]
		if !met {
			n = len(s.receivers)
			s.number[identity(r)] = n
			s.receivers = append(s.receivers, behind{receiver: r})
		}
		s.receivers[n].recipients += d.Recipients
		d.receivers = append(d.receivers, n)
	}
}

// identity tells receivers of a platform apart. Two platforms may share an
// address: that is one receiver, and counts for both.
func identity(r probe.Receiver) string {
	return r.Platform + " " + socket(r)
}

func socket(r probe.Receiver) string {
	return net.JoinHostPort(cmp.Or(r.Address, r.Host), strconv.Itoa(int(r.Port)))
}

// Standing are the receivers of one platform, those with the most recipients
// behind them first.
type Standing struct {
	Recipients int
	Receivers  []probe.Receiver
}

// Standings are the platforms, those with the most recipients first.
func (s *Survey) Standings() []Standing {
	place := map[string]int{}
	var all []Standing
	for _, d := range s.domains {
		if len(d.receivers) == 0 {
			continue
		}
		name := s.receivers[d.receivers[0]].receiver.Platform
		i, met := place[name]
		if !met {
			i = len(all)
			place[name] = i
			all = append(all, Standing{})
		}
		all[i].Recipients += d.Recipients
	}
	for _, n := range s.ranked() {
		r := s.receivers[n].receiver
		i := place[r.Platform]
		all[i].Receivers = append(all[i].Receivers, r)
	}
	slices.SortStableFunc(all, func(a, b Standing) int { return cmp.Compare(b.Recipients, a.Recipients) })
	return all
}

// ranked are the receivers with the most recipients first; of one host IPv4 comes
// before IPv6, to which not every network has a way.
func (s *Survey) ranked() []int {
	all := make([]int, len(s.receivers))
	for i := range all {
		all[i] = i
	}
	slices.SortStableFunc(all, func(a, b int) int {
		x, y := s.receivers[a], s.receivers[b]
		return cmp.Or(
			cmp.Compare(y.recipients, x.recipients),
			cmp.Compare(strings.Count(x.receiver.Address, ":"), strings.Count(y.receiver.Address, ":")),
			cmp.Compare(identity(x.receiver), identity(y.receiver)),
		)
	})
	return all
}

// Receiver takes the report of a receiver.
func (s *Survey) Receiver(r probe.Report) {
	t := Tried{
		Host: r.Host, Address: r.Address, Port: r.Port, Status: r.Status, Reason: r.Reason, Software: r.Software,
		Strictness: r.Strictness(), Violations: r.Violations(), Measured: r.Measured(), Verdicts: map[string]int{},
		fates: fates(s.tolls, r.Results),
	}
	for _, res := range r.Results {
		t.Verdicts[res.Verdict.String()]++
	}
	s.tried[socket(r.Receiver)] = t
}
