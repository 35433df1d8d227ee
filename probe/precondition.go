package probe

import (
	"fmt"
	"slices"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// TLSOff is the reason of a result that tells of the run and not of the receiver.
const TLSOff = "TLS is switched off for this run"

// Precondition says whether the check can tell anything at all on a receiver
// with these facts. The second value is false where it can, as far as they
// reach.
func Precondition(c *Check, facts Facts, noTLS bool) (Finding, bool) {
	if f, settled := tlsPrecondition(c, facts, noTLS); settled {
		return f, true
	}
	if f, settled := facts.greeted(c); settled {
		return f, true
	}
	if c.Needs.Exchanger && (facts.Port == 465 || facts.Port == 587) {
		return Absent(fmt.Sprintf("port %d is for submission", facts.Port)), true
	}
	offered := facts.offeredTo(c)
	if offered == nil {
		return Finding{}, false // nobody knows
	}
	for _, k := range c.Needs.Offered {
		if !offered.Has(k) {
			return Absent(k + " is not offered"), true
		}
	}
	for _, k := range c.Needs.Unoffered {
		if offered.Has(k) {
			return Absent(k + " is offered"), true
		}
	}
	if n := len(c.Needs.Lacking); n > 0 && !slices.ContainsFunc(c.Needs.Lacking, func(k string) bool { return !offered.Has(k) }) {
		return Absent(strings.Join(c.Needs.Lacking, " and ") + " are offered"), true
	}
	if _, missing := facts.Fill(c.Script); missing != "" {
		return Absent(missing), true
	}
	if most := offered.MailMax(); most > 0 && c.Script.mails() > most {
		return Absent(fmt.Sprintf("the check needs %d MAIL commands in a session, and LIMITS allows %d", c.Script.mails(), most)), true
	}
	if most := offered.RcptMax(); most > 0 && c.Script.recipients() > most {
		return Absent(fmt.Sprintf("the check needs %d RCPT commands in a transaction, and LIMITS allows %d", c.Script.recipients(), most)), true
	}
	return baselinePrecondition(c, facts)
}

// greeted says whether the greeting is one that the check is about.
func (f Facts) greeted(c *Check) (Finding, bool) {
	code := f.Greeting.Code
	switch {
	case c.Needs.Greeting == "" || code == 0 || c.Needs.Greeting.Has(code):
		return Finding{}, false
	case code/100 == 4:
		return Unknown("the greeting refuses for the moment only: " + Brief(f.Greeting)), true
	}
	return Absent(fmt.Sprintf("the greeting was %d", code)), true
}

// given says whether the outcomes of other checks that a check wants are there.
// Where one is not known yet, or never will be, nothing is settled.
func (rec Record) given(c *Check, catalogue []Check) (Finding, bool) {
	for _, g := range c.Needs.Given {
		w, known := rec.walk(g.Check, catalogue)
		o := w.Find(g.Step)
		switch {
		case !known:
		case !o.Ran || o.Missing() > 0 || o.Reply().Fault != "":
			return Unknown("the answer to " + o.what() + " in " + g.Check + " is not known"), true
		case !g.Codes.Has(o.Reply().Code):
			return Absent(g.Else + ": " + Brief(o.Reply())), true
		}
	}
	return Finding{}, false
}

// Awaits is the first check that must have been tried before this one can be;
// empty where there is none.
func (rec Record) Awaits(c *Check) string {
	for _, g := range c.Needs.Given {
		if len(rec.Tries[g.Check]) == 0 {
			return g.Check
		}
	}
	return ""
}

// Settled says whether nothing that is still to be heard can change what is
// known of a check. The facts are those of the record.
func (rec Record) Settled(c *Check, catalogue []Check, facts Facts) bool {
	_, settled := Precondition(c, facts, rec.NoTLS)
	if !settled && len(rec.Tries[c.ID]) == 0 {
		_, settled = rec.given(c, catalogue)
	}
	return settled
}

// offeredTo are the capabilities in the channel where the check plays.
func (f Facts) offeredTo(c *Check) smtp.Capabilities {
	switch {
	case c.Start == TunnelHello:
		return f.OfferedTLS
	case c.InClear(), c.Start == Connected && f.Channel == Upgraded:
		return f.OfferedClear
	}
	return f.Offered
}

func tlsPrecondition(c *Check, facts Facts, noTLS bool) (Finding, bool) {
	tunnel := c.Start == TunnelHello && facts.Channel == Clear
	switch {
	case c.Needs.Besides && facts.Channel != Clear:
		return Absent("all of the run is inside TLS, where another check says the same"), true
	case c.InClear() && facts.Channel == Implicit:
		return Absent("TLS is there from the first octet, so nothing can be said in clear"), true
	case noTLS && (c.Needs.Upgrade || tunnel):
		return Absent(TLSOff), true
	case !c.Needs.Upgrade && !tunnel, facts.OfferedClear == nil:
		return Finding{}, false
	case !facts.StarttlsOffered():
		return Absent("STARTTLS is not offered"), true
	case facts.Starttls.Code == 0:
		return facts.unknown("STARTTLS", facts.upgradeBaseline()), true
	case facts.Starttls.Code != 220:
		return Unknown("STARTTLS is refused in its legal place too: " + Brief(facts.Starttls)), true
	case !c.Needs.Secured && !tunnel:
		return Finding{}, false
	case facts.Unsecured != "":
		return Unknown("the TLS handshake fails: " + facts.Unsecured), true
	case facts.Channel == Clear && facts.Failed[B2] != "":
		return Unknown("control B2 failed: " + facts.Failed[B2]), true
	}
	return Finding{}, false
}

// upgradeBaseline is the baseline that shows the way into TLS.
func (f Facts) upgradeBaseline() Baseline {
	if f.Channel == Upgraded {
		return B0
	}
	return B2
}

// StarttlsOffered reports whether EHLO in clear offers STARTTLS. Inside an
// upgraded channel it must have.
func (f Facts) StarttlsOffered() bool {
	return f.Channel == Upgraded || f.OfferedClear.Has("STARTTLS")
}

func baselinePrecondition(c *Check, facts Facts) (Finding, bool) {
	for _, need := range []struct {
		holds bool
		what  string
		reply smtp.Reply
		from  Baseline
	}{
		{c.Needs.Mail, "MAIL", facts.Mail, B0},
		{c.Needs.Helo || c.Start == Helo, "HELO", facts.Helo, B3},
		{c.Needs.Helo, "MAIL after HELO", facts.HeloMail, B3},
	} {
		switch {
		case !need.holds || need.reply.Class() == 2:
		case need.reply.Code == 0:
			return facts.unknown(need.what, need.from), true
		case need.what == "HELO" && need.reply.Class() == 5 && need.reply.Enhanced().Subject != smtp.SubjectPolicy:
			return Absent("HELO is refused: " + Brief(need.reply)), true
		default:
			return Unknown(need.what + " is refused in its legal place too: " + Brief(need.reply)), true
		}
	}
	if c.Needs.Postmaster && facts.Postmaster.Code == 0 {
		return facts.unknown("RCPT", B1), true
	}
	return Finding{}, false
}

// unknown is the finding where a baseline did not come to the reply that is
// needed.
func (f Facts) unknown(what string, b Baseline) Finding {
	reason := "the answer to " + what + " in its legal place is not known"
	if why := f.Failed[b]; why != "" {
		reason += ": " + why
	}
	return Unknown(reason)
}
