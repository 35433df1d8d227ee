package report

import (
	"fmt"
	"slices"

	"github.com/smtpprobe/smtpprobe/probe"
)

// counsel is what checks that bite the same sender have to say to it.
type counsel struct {
	bites, fix string
	findings   []string
}

// advice says which faults of a sender these receivers do not forgive, and
// then which they do.
func (p page) advice(order []probe.Check, columns []numbered) {
	var bitten []counsel
	var tolerated []string
	for i := range order {
		c := &order[i]
		found := share(columns, func(n numbered) string { return consequence(n.results[c.ID]) })
		if len(found) == 0 {
			continue
		}
		finding := c.ID + ": " + join(found, columns, ", ")
		if !slices.ContainsFunc(columns, func(n numbered) bool { return bites(n.results[c.ID]) }) {
			tolerated = append(tolerated, finding)
			continue
		}
		j := slices.IndexFunc(bitten, func(b counsel) bool { return b.bites == c.Bites && b.fix == c.Fix })
		if j < 0 {
			j = len(bitten)
			bitten = append(bitten, counsel{bites: c.Bites, fix: c.Fix})
		}
		bitten[j].findings = append(bitten[j].findings, finding)
	}
	if len(bitten) > 0 {
		p.heading("What a sender must take care of here")
	}
	for _, b := range bitten {
		for _, f := range b.findings {
			p.text(f)
		}
		p.hang("  ", sentence(tidy(b.bites))+" "+sentence(tidy(b.fix)))
	}
	if len(tolerated) > 0 {
		p.heading("Tolerated here, which is no promise for the next receiver")
	}
	for _, t := range tolerated {
		p.text(t)
	}
}

// bites reports whether the receiver lets a sender with the fault of the check
// feel it.
func bites(r probe.Result) bool {
	return r.Verdict != probe.Lenient && consequence(r) != ""
}

// punishes reports whether a sender with the habit that the check knows comes to
// grief. That is more than a word of refusal: what is strict behind a 2yz, as a
// receiver that waits for CR LF, or throws away what stands behind STARTTLS, does
// not do what the sender asked for. Where no RFC demands a service, a receiver
// may conform and refuse all the same.
func punishes(r probe.Result) bool {
	switch {
	case r.Verdict == probe.Strict:
		return !r.Check.Misleads || r.Reply.Refused()
	case r.Verdict == probe.Lenient:
		return r.Check.Misleads
	case r.Verdict == probe.Correct && r.Check.Polarity == probe.Service && r.Check.Level == probe.None:
		return r.Reply.Refused()
	}
	return bites(r)
}

// consequence says what happens to a sender with the fault of the check; empty
// where nothing does, or nothing is known.
func consequence(r probe.Result) string {
	switch r.Verdict {
	case probe.Strict, probe.Deviant:
		return refusal(r)
	case probe.Dropped:
		return "the connection is closed"
	case probe.Broken:
		return "replies and commands no longer match"
	case probe.Overstrict:
		if r.Reply.Refused() && r.Check.Polarity != probe.Keeping {
			return fmt.Sprintf("refused with %s although it is allowed", codes(r, " or "))
		}
		return "the transaction is disturbed"
	case probe.Correct:
		if r.Check.Polarity == probe.Clearing {
			return "the transaction is gone"
		}
	case probe.Lenient:
		return tolerance(r)
	}
	return ""
}

// refusal says how a command out of order is refused. A receiver that is
// strict and yet answers 2yz or 3yz, as to STARTTLS with a command behind it
// that it then discards, refuses nothing that a sender would notice.
func refusal(r probe.Result) string {
	switch {
	case r.Reply.Refused():
		return "refused with " + codes(r, " or ")
	case r.Verdict == probe.Deviant:
		return "the rule is not kept"
	case r.Reply.Code == 0:
		return "not obeyed"
	}
	return ""
}

// tolerance says how a fault is forgiven. The reply may be a refusal all the
// same: one of the recipient, which shows that a transaction was there.
func tolerance(r probe.Result) string {
	switch {
	case r.Check.Polarity == probe.Clearing:
		return "the transaction survives"
	case r.Reply.Code == 0 || r.Reply.Refused():
		return "tolerated"
	}
	return "accepted with " + codes(r, " or ")
}
