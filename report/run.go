package report

import (
	"slices"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
)

// Run is everything that one run of the program found.
type Run struct {
	Version   string
	Started   time.Time
	Elapsed   time.Duration
	Profile   string
	Domains   []Domain // one for each target that asked the DNS for mail exchangers
	Receivers []probe.Report
	// Order holds the selected checks in the order in which they are shown. A
	// check that was run only because another one needs it is not among them.
	Order    []probe.Check
	Repeat   int           // runs that were asked for; 0 where one was
	Interval time.Duration // between them
	// Transcripts: it was read from a report in which every result has its transcript.
	Transcripts bool
	Changes     *Changes // since a run that it was held against; nil: it was against none
	Incomplete  bool     // it was read from NDJSON without its end: not all receivers are there
	Note        string   // one thing that the reader must know of the whole run; usually empty
	// Command is what the run was asked for, by flag: of a scan, whose output is
	// gone on with where the same is asked for again. Nil otherwise.
	Command map[string]string
}

// Domain is what the DNS said of one target.
type Domain struct {
	Domain     string // as people write it
	ASCII      string // as the DNS has it; empty where it is no domain name
	Status     string // "ok", or which kind of trouble: the words of the JSON schema
	Reason     string // why the status is not ok
	ImplicitMX bool   // there is no MX record, and the domain is its own exchanger
	Notes      []Note
	Exchanges  []Exchange
}

// Exchange is one host that takes mail for a domain.
type Exchange struct {
	Preference int
	Host       string
	Addresses  []string
	Notes      []Note
}

// Note is something remarkable about a domain or an exchange: the stable
// identifier that programs read, and the sentence that people do.
type Note struct{ ID, Text string }

// statusOK is the status of a domain that has receivers to probe.
const statusOK = "ok"

// targets is the number of names that the run was about: the domains, and the
// receivers that were named themselves.
func (run Run) targets() int {
	listed := func(name string) bool {
		return slices.ContainsFunc(run.Domains, func(d Domain) bool { return name == d.Domain || name == d.ASCII })
	}
	named := make(map[string]bool)
	for _, r := range run.Receivers {
		if !slices.ContainsFunc(r.Domains, listed) {
			named[target(r)] = true
		}
	}
	return len(run.Domains) + len(named)
}

// unserved are the domains with trouble, and those without a receiver in the run.
func (run Run) unserved() []Domain {
	served := map[string]bool{}
	for _, r := range run.Receivers {
		for _, d := range r.Domains {
			served[d] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(run.Domains), func(d Domain) bool {
		return d.Status == statusOK && (served[d.Domain] || served[d.ASCII])
	})
}

// conclusion is what no cell can say of the whole run; empty where there is
// nothing to say.
func (run Run) conclusion() string {
	switch {
	case len(run.Receivers) == 0:
		return "There was no receiver to probe."
	case run.outboundBlocked():
		return "No receiver could be reached: outbound port 25 is probably blocked here."
	case !slices.ContainsFunc(run.Receivers, func(r probe.Report) bool { return len(r.Results) > 0 }):
		return "No receiver could be measured."
	case !run.measured():
		return "All is inconclusive: nothing is known of how these receivers treat the order of commands. The reasons are given."
	}
	return ""
}

// target is the name on whose account a receiver was probed.
func target(r probe.Report) string {
	if len(r.Domains) == 0 {
		return r.Host
	}
	return r.Domains[0]
}

// outboundBlocked reports whether no receiver that was tried on port 25 could
// be reached at all, which says more of this network than of any receiver.
func (run Run) outboundBlocked() bool {
	tried := false
	for _, r := range run.Receivers {
		silent := r.Status == probe.StatusUnreachable || r.Status == probe.StatusTimedOut && r.Banner == "" && !r.Measured()
		switch {
		case r.Status == probe.StatusSkipped:
		case r.Port != 25 || !silent:
			return false
		default:
			tried = true
		}
	}
	return tried
}

// measured reports whether any check of any receiver came to a verdict that
// says something.
func (run Run) measured() bool {
	for _, r := range run.Receivers {
		if r.Measured() {
			return true
		}
	}
	return false
}
