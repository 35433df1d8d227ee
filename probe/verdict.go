package probe

import (
	"fmt"
	"slices"
)

// Verdict says how a receiver behaved in one check. The zero value is
// Inconclusive.
type Verdict uint8

// The verdicts. Strict, Deviant and Lenient belong to checks of polarity
// Refusal; Correct and Overstrict to Service, State and Observation; the others
// to all, and Lenient also to a state that had to be cleared and survived.
const (
	Inconclusive  Verdict = iota // nothing is known; the reason says why
	NotApplicable                // a precondition does not hold
	Strict                       // refused with a reply that the RFC names for the fault
	Deviant                      // refused with some other protocol reply
	Lenient                      // accepted out of order, or state survived
	Dropped                      // the connection was closed, or 421
	Correct                      // served as the RFC says
	Overstrict                   // refused, or lost state on, what the RFC allows
	Broken                       // replies and commands no longer match
)

var verdictNames = [...]string{
	"inconclusive", "not-applicable", "strict", "deviant", "lenient",
	"dropped", "correct", "overstrict", "broken",
}

func (v Verdict) String() string { return verdictNames[v] }

// MarshalText writes the name of the verdict.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// ParseVerdict reads the name of a verdict.
func ParseVerdict(name string) (Verdict, bool) {
	i := slices.Index(verdictNames[:], name)
	return Verdict(max(i, 0)), i >= 0
}

// Verdicts lists all verdicts in the order in which they are shown.
func Verdicts() []Verdict {
	return []Verdict{Strict, Correct, Deviant, Dropped, Lenient, Overstrict, Broken, Inconclusive, NotApplicable}
}

// Known reports whether the verdict says something about the receiver.
func (v Verdict) Known() bool { return v != Inconclusive && v != NotApplicable }

// Conformance says what the RFCs think of a verdict. Empty where nothing is
// known.
type Conformance string

// The conformances. Only a MUST can be violated; a SHOULD is deviated from.
const (
	Conforms    Conformance = "conforms"
	Deviates    Conformance = "deviates"
	Violates    Conformance = "violates"
	Unregulated Conformance = "unregulated"
)

// Level is the requirement level of a rule for servers (RFC 2119).
type Level uint8

// The levels. None: no RFC tells a server what to do.
const (
	None Level = iota
	May
	Should
	Must
)

var levelNames = [...]string{"none", "MAY", "SHOULD", "MUST"}

func (l Level) String() string { return levelNames[l] }

// MarshalText writes the level as the RFCs do.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (l *Level) UnmarshalText(text []byte) error {
	i := slices.Index(levelNames[:], string(text))
	if i < 0 {
		return fmt.Errorf("level %q: want none, MAY, SHOULD or MUST", text)
	}
	*l = Level(i)
	return nil
}

// Polarity says what kind of rule a check holds a receiver to.
type Polarity uint8

// The polarities.
const (
	Refusal     Polarity = iota // N: something is out of order; the strict answer is a refusal
	Service                     // P: something is allowed; it must, or should, be served
	Clearing                    // D: a disturbance after which the transaction must be gone
	Keeping                     // D: a disturbance after which the transaction must still be there
	Observation                 // O: computed from replies to other checks
)

// Profile is a set of checks; each contains the one before.
type Profile uint8

// The profiles.
const (
	Quick Profile = iota
	Standard
	Full
)

var profileNames = [...]string{"quick", "standard", "full"}

func (p Profile) String() string { return profileNames[p] }

// MarshalText writes the name of the profile.
func (p Profile) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// Profiles lists the profiles from the smallest to the largest.
func Profiles() []Profile { return []Profile{Quick, Standard, Full} }

// Group is what a check is about. Checks are shown under their groups.
type Group string

// The groups, in the order in which they are shown.
const (
	GroupGreeting    Group = "greeting"
	GroupSequence    Group = "sequence"
	GroupTransaction Group = "transaction-reset"
	GroupStartTLS    Group = "starttls"
	GroupPipelining  Group = "pipelining"
	GroupChunking    Group = "chunking"
	GroupExtensions  Group = "extensions"
	GroupAuth        Group = "auth"
	GroupFraming     Group = "framing"
	GroupReplies     Group = "replies"
)

// Groups lists the groups in the order in which they are shown.
func Groups() []Group {
	return []Group{
		GroupGreeting, GroupSequence, GroupTransaction, GroupStartTLS, GroupPipelining,
		GroupChunking, GroupExtensions, GroupAuth, GroupFraming, GroupReplies,
	}
}
