package probe

import (
	"slices"

	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// Check is one rule that a receiver can be held to, as data: what is sent, what
// is read, and what each answer means. The run, the plan, the listing, the
// reference and the mutants that test it all come from this literal.
type Check struct {
	ID       string // stable for ever: users keep lists of them
	Title    string
	Group    Group
	Profile  Profile
	Polarity Polarity
	Level    Level
	Ordering bool // counts for strictness: the same command would be served in another place
	Refs     []Ref
	Norm     string // the rule in plain words
	Rev      int    // raised when the same transcript may get another verdict

	Needs  Needs
	Start  Start
	Own    bool // has a session of its own
	Final  bool // ends its session, which others may have used before
	Risky  bool // may cost the prober its reputation: runs last
	Repeat bool // a lenient verdict needs a second try that agrees
	Errors int  // error replies of a receiver that does what the RFCs say
	Worst  int  // error replies at most, where that is more
	Script Script

	// Judge looks at the script's transcript; that of an observation, which has no
	// script, at all that was heard.
	Judge Judge
	// Allowed are the reply codes to the tested command that the RFC permits
	// besides those of the strict or correct verdict. A close is never one.
	Allowed smtp.Codes

	Habit Habit  // the fault of a sender; zero where no sender has it
	Bites string // which fault of a sender meets this rule
	// Misleads: it is the lenient receiver that hurts a sender with the habit, by
	// what it says, reads into a command, or leaves undone.
	Misleads bool
	Fix      string // how to mend that sender
}

// Ref names a section of an RFC, such as "RFC 5321 4.1.4".
type Ref string

// Habit is a fault that a sender has, on every receiver alike. Checks that bite
// the same fault have the same habit.
type Habit struct {
	Name string // what the sender does: "no EHLO after STARTTLS"
	Must string // what it must do instead, behind "a sender must": "send EHLO again after STARTTLS"
}

// Needs says what must hold before a check can tell anything.
type Needs struct {
	Offered    []string   // keywords that EHLO must offer in the channel of the check
	Unoffered  []string   // keywords that it must not offer
	Lacking    []string   // keywords of which it must not offer one at least
	Greeting   smtp.Codes // the greeting must have one of these; empty: 220, as for nearly all
	Exchanger  bool       // the port is not one of submission (RFC 6409, RFC 8314)
	Mail       bool       // MAIL is accepted in its legal place
	Postmaster bool       // the reply to RCPT in its legal place is known
	Helo       bool       // HELO, and MAIL after it, are accepted
	Clear      bool       // the check is about a session in clear
	Upgrade    bool       // STARTTLS is offered and the check uses it, from a session in clear
	Secured    bool       // a handshake works
	Besides    bool       // the run is in clear: inside TLS another check says the same
	Checks     []string   // other checks, whose transcripts the judge looks at
	Given      []Given    // outcomes of other checks without which there is nothing to try
}

// Given is an outcome of another check that must be known before this one is
// played: what is accepted there would make it dangerous, or pointless.
type Given struct {
	Check string
	Step  string
	Codes smtp.Codes // the reply to the step must have one of these
	Else  string     // why there is nothing to try where it has another
}

// Observes reports whether the check has no exchange of its own and is judged
// from all others.
func (c *Check) Observes() bool { return c.Polarity == Observation }

// InClear reports whether the check begins in clear even where all others run
// inside TLS: it is about the way into TLS, or about what is wrong without it.
func (c *Check) InClear() bool { return c.Needs.Upgrade || c.Needs.Clear }

// Controls are the baselines without which the check can tell nothing, but for
// B0, which all need.
func (c *Check) Controls() []Baseline {
	var needed []Baseline
	if c.Needs.Postmaster {
		needed = append(needed, B1)
	}
	if c.Needs.Upgrade || c.Start == TunnelHello {
		needed = append(needed, B2)
	}
	if c.Needs.Helo || c.Start == Helo {
		needed = append(needed, B3)
	}
	return needed
}

// AtWorst is the number of error replies that the check may cause at most.
func (c *Check) AtWorst() int { return max(c.Errors, c.Worst) }

// Needed are the other checks whose transcripts this one cannot do without.
func (c *Check) Needed() []string {
	needed := slices.Clone(c.Needs.Checks)
	for _, g := range c.Needs.Given {
		if !slices.Contains(needed, g.Check) {
			needed = append(needed, g.Check)
		}
	}
	return needed
}

// Judge turns evidence into a finding. Its meanings are the same knowledge in
// words, for people.
type Judge struct {
	Find     func(Evidence) Finding
	Meanings []Meaning
}

// Meaning says when a verdict is given.
type Meaning struct {
	Verdict Verdict
	When    string
}

// Finding is what a judge says about one transcript.
type Finding struct {
	Verdict Verdict
	Reason  string      // always for Inconclusive and NotApplicable, elsewhere where it helps
	Reply   smtp.Reply  // the reply that decided; the zero reply where none did
	Control smtp.Reply  // its control; likewise
	Says    Conformance // overrides what follows from level and reply; usually empty
	Again   bool        // a fresh session may tell more
	Seen    *Exchange   // that decided, of an observation
}

// Evidence is everything that a judge may look at.
type Evidence struct {
	Check *Check
	Walk  Walk
	Facts Facts
	// Checks are the walks of the checks that this one needs, by their ID.
	Checks map[string]Walk
	// Heard is all that was said in the run, for observations.
	Heard [][]Exchange
}

// Unknown is the finding that nothing is known, and why.
func Unknown(reason string) Finding { return Finding{Verdict: Inconclusive, Reason: reason} }

// Absent is the finding that a precondition does not hold.
func Absent(reason string) Finding { return Finding{Verdict: NotApplicable, Reason: reason} }

// Found is a finding that rests on a reply.
func Found(v Verdict, reply smtp.Reply, reason string) Finding {
	return Finding{Verdict: v, Reply: reply, Reason: reason}
}
