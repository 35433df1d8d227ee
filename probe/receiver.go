package probe

import (
	"time"

	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// Receiver is one address and port of one mail exchanger.
type Receiver struct {
	Host        string   // the exchanger's name, or its address where that is all there is
	Address     string   // without brackets or port; empty where a proxy looks it up
	Port        uint16   //
	Domains     []string // the domains that name it, in the order of the command line
	MoreDomains int      // further domains that name it, too many to be kept
	Platform    string   // the registrable domain of the host: whose receiver it is
	Recipient   string   // the one recipient, without angle brackets
	Public      bool     // the address is not a private, loopback or other special one
}

// Status says how far a run with a receiver came.
type Status string

// The statuses.
const (
	StatusOK          Status = "ok"
	StatusUnreachable Status = "unreachable"  // no TCP connection, and nobody refused it
	StatusRefused     Status = "refused"      // the TCP connection was refused
	StatusBlocked     Status = "blocked"      // the greeting was not 220, or MAIL is refused by policy
	StatusNotSMTP     Status = "not-smtp"     // what answers does not speak SMTP
	StatusTLSRequired Status = "tls-required" // TLS is demanded and not to be had
	StatusTimedOut    Status = "timed-out"    // the time for this receiver was spent
	StatusSkipped     Status = "skipped"      // not tried; the reason says why
	StatusInterrupted Status = "interrupted"
)

// Report is everything that a run says about one receiver.
type Report struct {
	Receiver
	Status     Status
	Reason     string
	Banner     string // the text of the greeting, as it was sent
	Software   string // a guess from the greeting; empty where it names nothing known
	Offered    smtp.Capabilities
	OfferedTLS smtp.Capabilities
	TLS        string // version and cipher, by a comma; empty: none
	Inside     bool   // all checks ran inside TLS, since MAIL demands it or the user does
	Sessions   int
	Commands   int
	Elapsed    time.Duration
	Results    []Result
	Controls   []ControlRun
	Record     Record  // all that was heard: enough to judge again
	Rounds     []Round // of several runs; nil where there was one
}

// ControlRun is the transcript of a baseline, or of a check that was run only
// because another one needs it.
type ControlRun struct {
	ID         string
	Run        int // of several, from 1; 0 where there was one
	Transcript Transcript
}

// Strictness is the share of ordering checks with a known verdict that the
// receiver enforces.
type Strictness struct{ Enforced, Of int }

// Strictness counts strict, deviant and dropped as enforced, and correct for a
// check whose state must be cleared; lenient counts against it.
func (r Report) Strictness() Strictness {
	var s Strictness
	for _, res := range r.Results {
		if !res.Check.Ordering {
			continue
		}
		switch res.Verdict {
		case Strict, Deviant, Dropped:
			s.Enforced++
			s.Of++
		case Correct:
			if res.Check.Polarity == Clearing {
				s.Enforced++
				s.Of++
			}
		case Lenient:
			s.Of++
		}
	}
	return s
}

// Count is the number of results with the verdict.
func (r Report) Count(v Verdict) int {
	n := 0
	for _, res := range r.Results {
		if res.Verdict == v {
			n++
		}
	}
	return n
}

// Violations is the number of results that violate a MUST.
func (r Report) Violations() int {
	n := 0
	for _, res := range r.Results {
		if res.Conformance == Violates {
			n++
		}
	}
	return n
}

// Measured reports whether any check came to a verdict that says something. Of
// one whose runs differ the verdict is not known, and yet the receiver is.
func (r Report) Measured() bool {
	for _, res := range r.Results {
		if res.Verdict.Known() || res.Agreement.Known() {
			return true
		}
	}
	return false
}
