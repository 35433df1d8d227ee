package report

import (
	"cmp"
	"slices"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
)

// Campaign is what is known before a campaign: over which platforms its
// recipients spread, how strict these are, which habits of a sender they punish,
// and how many recipients lie behind each.
type Campaign struct {
	Version  string
	Started  time.Time
	Elapsed  time.Duration
	Profile  string
	Note     string // why it is not complete; empty where it is
	List     Recipients
	Domains  int
	Narrowed bool // to the habits of one sender

	// The recipients are those behind receivers that were measured themselves,
	// those behind others of a platform of which some were, those of domains that
	// take no mail, and those of which nothing is known.
	Measured, Sampled, NoMail, Unmeasured int

	Platforms []Platform // most recipients first
	Habits    []Toll     // those that most recipients lie behind first
	Dead      []Dead     // the domains that take no mail, by why
	Unknown   []Unknown  // why the unmeasured are, most recipients first
}

// Recipients says of a list of recipients what it amounts to.
type Recipients struct {
	Lines      int
	Column     int  // that the addresses stand in, from 1
	Header     bool // the first line was taken as the names of the columns
	Recipients int  // addresses
	Malformed  int  // lines without one
	First      []int
}

// Platform is the receivers of one operator, as far as the recipients' domains
// try them first.
type Platform struct {
	Name       string
	Recipients int
	Domains    int
	Receivers  int // addresses
	Tried      []Tried
	Behind     int // recipients behind the receivers that were measured themselves
}

// Measured are the receivers of the platform of which anything is known.
func (p Platform) Measured() []Tried {
	return slices.DeleteFunc(slices.Clone(p.Tried), func(t Tried) bool { return !t.Measured })
}

// Sampled are the recipients behind other receivers than those that were measured.
func (p Platform) Sampled() int {
	if len(p.Measured()) == 0 {
		return 0
	}
	return p.Recipients - p.Behind
}

// Unmeasured says why nothing is known of the platform; empty where something is.
func (p Platform) Unmeasured() string {
	if len(p.Measured()) > 0 {
		return ""
	}
	return whyOf(p.Tried)
}

// Strictness adds up what the measured receivers enforce.
func (p Platform) Strictness() probe.Strictness {
	var sum probe.Strictness
	for _, t := range p.Tried {
		sum.Enforced += t.Strictness.Enforced
		sum.Of += t.Strictness.Of
	}
	return sum
}

// Violations adds up what the measured receivers violate.
func (p Platform) Violations() int {
	n := 0
	for _, t := range p.Tried {
		n += t.Violations
	}
	return n
}

// Tried is a receiver that was probed, as much of it as a campaign needs.
type Tried struct {
	Host       string
	Address    string
	Port       uint16
	Recipients int // behind it: of all domains that try it first
	Status     probe.Status
	Reason     string
	Software   string
	Strictness probe.Strictness
	Violations int
	Measured   bool           // anything is known of it
	Verdicts   map[string]int // by their names

	fates []fate // of a sender with each of the habits that are asked about
}

// Toll is what becomes of a sender with a habit, in recipients.
type Toll struct {
	probe.Habit
	Checks []string // by which it is known; empty: none was asked for

	// The recipients of domains that take mail. Nothing is known of the
	// unmeasured; the habit does not arise, or could not be tried, behind
	// receivers of which the checks are not applicable.
	Punished, Tolerated, NotApplicable, Unmeasured int

	Sampled   int      // of the punished, those of whom only other receivers of the platform were measured
	Platforms []string // that punish it, most recipients first
}

// Dead is why domains take no mail, and which.
type Dead struct {
	Why        string // the status of the domain
	Recipients int
	Domains    []Audience // most recipients first
}

// Unknown is why nothing is known of recipients.
type Unknown struct {
	Why        string
	Recipients int
	Domains    int
	Platforms  int // 0 where that is not known either
}

// Audience is the recipients of one domain.
type Audience struct {
	Domain     string
	Recipients int
}

// fate is what becomes of a sender with a habit. Of several the greatest counts:
// what is not known is never taken for safe.
type fate uint8

const (
	unasked fate = iota
	inapplicable
	tolerated
	unmeasured
	punished
)

func fateOf(r probe.Result) fate {
	switch {
	case r.Verdict == probe.NotApplicable:
		return inapplicable
	case !r.Verdict.Known():
		return unmeasured
	case punishes(r):
		return punished
	}
	return tolerated
}

// fates are what a receiver does to a sender with each habit.
func fates(tolls []Toll, results []probe.Result) []fate {
	byID := make(map[string]fate, len(results))
	for _, r := range results {
		byID[r.Check.ID] = fateOf(r)
	}
	all := make([]fate, len(tolls))
	for i, t := range tolls {
		for _, id := range t.Checks {
			all[i] = max(all[i], byID[id])
		}
		if all[i] == unasked {
			all[i] = unmeasured
		}
	}
	return all
}

// tollsOf are the habits that a campaign is asked about: those that the checks
// know, or those of one sender.
func tollsOf(order []probe.Check, sender []probe.Habit) []Toll {
	var all []Toll
	for _, h := range sender {
		all = append(all, Toll{Habit: h})
	}
	for _, same := range byHabit(order) {
		i := slices.IndexFunc(all, func(t Toll) bool { return t.Habit == same[0].Habit })
		switch {
		case i < 0 && sender != nil:
			continue
		case i < 0:
			i = len(all)
			all = append(all, Toll{Habit: same[0].Habit})
		}
		for _, c := range same {
			all[i].Checks = append(all[i].Checks, c.ID)
		}
	}
	return all
}

// sortTolls puts the habits first that would hurt most.
func sortTolls(tolls []Toll) {
	slices.SortStableFunc(tolls, func(a, b Toll) int {
		return cmp.Or(cmp.Compare(b.Punished, a.Punished), cmp.Compare(a.Unmeasured, b.Unmeasured))
	})
}
