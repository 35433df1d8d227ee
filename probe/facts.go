package probe

import (
	"slices"
	"strings"
	"time"

	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// Baseline is a control that is run for its own sake: B0 to B3 of the
// catalogue's section 4.
type Baseline string

// The baselines. B0 is run first, and again last. Each ends with QUIT, which the
// session says when it leaves; whether it is answered is the affair of a check.
const (
	B0      Baseline = "B0"       // plain: reachable, MAIL, NOOP
	B1      Baseline = "B1"       // the reply to postmaster
	B2      Baseline = "B2"       // TLS after STARTTLS
	B3      Baseline = "B3"       // HELO
	B0Again Baseline = "B0 again" // is the receiver still as it was?

	// B0Clear is the B0 in clear of a run that went inside TLS because of it.
	B0Clear Baseline = "B0 in clear"
)

// Baselines lists the baselines in their order.
func Baselines() []Baseline { return []Baseline{B0Clear, B0, B1, B2, B3, B0Again} }

// Names of the steps of baselines that facts are taken from.
const (
	stepMail  = "mail"
	stepRcpt  = "rcpt"
	stepAgain = "mail again"
	stepNoop  = "noop"
)

// Script is the exchange of the baseline in the channel. B1 does not name the
// recipient that cannot exist: four times is what a receiver may be asked for it,
// and RcptRefused asks as well.
func (b Baseline) Script(channel Channel) Script {
	mail, rset := Line(stepMail, CommandMAIL), Line("rset", "RSET").Wanting("250")
	switch b {
	case B1:
		return append(
			Prelude(Hello, channel), mail.Wanting("250"), rset, Line(stepAgain, CommandMAIL),
			Line(stepRcpt, CommandRCPT), rset,
		)
	case B2:
		return append(Prelude(TunnelHello, Clear).waiting(), mail, rset)
	case B3:
		return append(Prelude(Helo, channel), mail, rset)
	}
	plain := append(Prelude(Hello, channel), mail, rset, Line(stepNoop, "NOOP").Wanting("250"))
	if b == B0 && channel == Upgraded {
		return plain.waiting()
	}
	return plain
}

// Leads is the start at which the baseline leaves a session for checks that go on
// with it.
func (b Baseline) Leads() Start {
	switch b {
	case B2:
		return TunnelHello
	case B3:
		return Helo
	}
	return Hello
}

// waiting is the script with a silence behind its handshake, in which a greeting
// that has no place there would come.
func (s Script) waiting() Script {
	i := slices.IndexFunc(s, func(step Step) bool { return step.Act == Handshake })
	return slices.Insert(s, i+1, Step{Act: Listen, Name: StepSilence, For: Unasked})
}

// Facts is what the baselines say about a receiver. It is a pure function of
// their transcripts.
type Facts struct {
	Port         uint16 // of the receiver; 0: not known
	Channel      Channel
	Greeting     smtp.Reply
	Name         string            // by which the receiver answers EHLO
	Offered      smtp.Capabilities // by the last EHLO in the run's own channel
	OfferedTLS   smtp.Capabilities // by the EHLO inside TLS
	OfferedClear smtp.Capabilities // by the EHLO in clear, if there was one
	Mail         smtp.Reply        // MAIL in its legal place, in the run's own channel
	MailClear    smtp.Reply        // the same in clear
	Postmaster   smtp.Reply        // RCPT of the one recipient, legal
	MailAgain    smtp.Reply        // MAIL after RSET
	Noop         smtp.Reply        // NOOP in its usual place
	Helo         smtp.Reply
	HeloMail     smtp.Reply          // MAIL after HELO
	Starttls     smtp.Reply          // to STARTTLS in B2
	Secured      string              // version and cipher; empty: no handshake was completed
	Unsecured    string              // why the handshake of B2 failed
	Slowest      time.Duration       // the longest wait for a reply in the baselines
	Fastest      time.Duration       // the shortest one: at least a round trip
	Shifted      bool                // replies and commands do not match in a control already
	Failed       map[Baseline]string // baselines that did not come to their end, and why
}

// GatherFacts reads the facts out of the baselines' transcripts.
func GatherFacts(channel Channel, baselines map[Baseline]Transcript) Facts {
	f := Facts{Channel: channel, Failed: map[Baseline]string{}}
	if t, ok := baselines[B0Clear]; ok {
		f.MailClear = ReplayAll(B0.Script(Clear), t).legible(stepMail)
	}
	for _, b := range []Baseline{B0, B1, B2, B3, B0Again} {
		t, ok := baselines[b]
		if !ok {
			continue
		}
		if t.Has(NoteShifted) {
			f.Shifted = f.Shifted || b == B0
			if b != B0 && b != B0Again { // no reply of it can be trusted
				f.Failed[b] = string(NoteShifted)
				continue
			}
		}
		w := ReplayAll(b.Script(channel), t)
		if reason := f.failure(b, w); reason != "" {
			f.Failed[b] = reason
		}
		for _, o := range w.Outcomes {
			if o.Step.Act == Send {
				f.wait(o)
			}
		}
		f.take(b, w, t)
	}
	return f
}

// Hoping are the facts as they will be if the baselines that are still to come are
// served, for a plan of what may stand behind them. Inside TLS STARTTLS is hoped to
// be offered no more (RFC 3207 4.2), and all else as before.
func (f Facts) Hoping(coming []Baseline) Facts {
	ok := smtp.Reply{Code: 250}
	for _, b := range coming {
		switch b {
		case B1:
			f.Postmaster = ok
		case B2:
			f.Starttls = smtp.Reply{Code: 220}
			f.OfferedTLS = f.OfferedClear.Without("STARTTLS")
		case B3:
			f.Helo, f.HeloMail = ok, ok
		}
	}
	return f
}

// failure says why a baseline is no control: it did not come to its end, or, at
// the end of the run, MAIL is not served any more as it was at the beginning.
func (f *Facts) failure(b Baseline, w Walk) string {
	if reason := w.Failure(); reason != "" {
		return reason
	}
	if mail := w.Find(stepMail); b == B0Again && f.Mail.Class() == 2 && !mail.Accepted() {
		return mail.say()
	}
	return ""
}

func (f *Facts) wait(o Outcome) {
	f.Slowest = max(f.Slowest, o.Took)
	if len(o.Replies) > 0 && (f.Fastest == 0 || o.Took < f.Fastest) {
		f.Fastest = o.Took
	}
}

func (f *Facts) take(b Baseline, w Walk, t Transcript) {
	switch b {
	case B0:
		f.Greeting = w.Find(StepGreeting).Reply()
		f.Offered, f.Name = OfferedIn(w), HelloName(w.legible(StepEHLO))
		f.OfferedClear = smtp.ParseCapabilities(w.legible(StepEHLO))
		f.Mail = w.legible(stepMail)
		f.Noop = w.legible(stepNoop)
		if f.Channel == Clear {
			f.MailClear = f.Mail
		} else {
			f.secure(t)
			f.OfferedTLS = f.Offered
			f.Starttls = w.legible(StepSTARTTLS)
			f.Unsecured = w.Find(StepHandshake).Failed
		}
	case B1:
		f.Postmaster = w.legible(stepRcpt)
		f.MailAgain = w.legible(stepAgain)
	case B2:
		f.Starttls = w.legible(StepSTARTTLS)
		f.Unsecured = w.Find(StepHandshake).Failed
		f.OfferedTLS = smtp.ParseCapabilities(w.legible(StepEHLOTLS))
		f.secure(t)
	case B3:
		f.Helo = w.legible(StepHELO)
		f.HeloMail = w.legible(stepMail)
	}
}

// legible is the reply of a step; the zero reply where it is malformed, or not
// the only one.
func (w Walk) legible(name string) smtp.Reply {
	o := w.Find(name)
	if r := o.Reply(); r.Fault == "" && len(o.unasked()) == 0 && !o.Flooded {
		return r
	}
	return smtp.Reply{}
}

func (f *Facts) secure(t Transcript) {
	if e, ok := t.Find(NoteSecured); ok {
		f.Secured = e.Text
	}
}

// OfferedIn is the keyword list of the last EHLO of a prelude; nil where nobody
// heard one.
func OfferedIn(w Walk) smtp.Capabilities {
	if o := w.Find(StepEHLOTLS); o.Ran {
		return smtp.ParseCapabilities(o.Reply())
	}
	return smtp.ParseCapabilities(w.legible(StepEHLO))
}

// Tarpit reports whether a reply that did not come in this time may only be late.
// A third of the wait: a receiver that takes that long for a harmless command may
// well need more than all of it after an error.
func (f Facts) Tarpit(waited time.Duration) bool { return waited > 0 && f.Slowest > waited/3 }

// HelloName is the name by which a receiver answers EHLO or HELO (RFC 5321
// 4.1.1.1), in lower case; empty where it says none.
func HelloName(r smtp.Reply) string {
	if len(r.Lines) == 0 {
		return ""
	}
	_, _, text := r.Lines[0].Split()
	name, _, _ := strings.Cut(strings.ToLower(text), " ")
	return name
}

// PostmasterRefused reports whether RCPT of the one recipient is refused in
// its legal place, so that each use of it costs an error reply.
func (f Facts) PostmasterRefused() bool { return f.Postmaster.Refused() }
