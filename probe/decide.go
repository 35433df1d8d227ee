package probe

import (
	"fmt"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// Record is everything that was heard of one receiver: enough to judge it,
// now or years later.
type Record struct {
	Port      uint16 // of the receiver; 0: not known
	Channel   Channel
	NoTLS     bool // the run was told to use no TLS
	Baselines map[Baseline]Transcript
	Tries     map[string][]Transcript // of each check that was run, in their order
	Lost      map[string]string       // of each check that was not run: why
	Shifted   bool                    // a control by itself was out of step at its end
	Over      string                  // why the whole run ended early; empty: it did not
	Partial   bool                    // read from a report without all transcripts: what is missing here may have been there
}

// Result is the verdict of one check on one receiver.
type Result struct {
	Check       *Check
	Verdict     Verdict
	Conformance Conformance
	TLS         bool // the tested command was sent inside TLS
	Reply       smtp.Reply
	Control     smtp.Reply
	Reason      string
	Transcript  Transcript // of the try that decided
	Again       bool       // another try in a fresh session may tell more
	Agreement   Agreement  // of several runs; zero where there was one
	Foreign     string     // the verdict in a report of another version, which this one does not know and takes for Inconclusive
	shared      bool       // the session had played other checks before
	seenIn      string     // of an observation: the control or check whose transcript decided
}

// Facts are those of the baselines.
func (rec Record) Facts() Facts {
	f := GatherFacts(rec.Channel, rec.Baselines)
	f.Port = rec.Port
	f.Shifted = f.Shifted || rec.Shifted
	return f
}

// disagreement begins the reason of a result whose tries differ.
const disagreement = "two tries disagree"

// maxTries bounds the tries of a check whose tries tell nothing.
const maxTries = 3

// Bench judges the checks of one record: what all of them look at is read once.
type Bench struct {
	record    Record
	catalogue []Check // holds the checks that others need
	facts     Facts
	heard     [][]Exchange // read when the first observation asks
}

// NewBench reads what all checks of the record look at.
func NewBench(catalogue []Check, rec Record) *Bench {
	return &Bench{record: rec, catalogue: catalogue, facts: rec.Facts()}
}

// Decide judges one check of a record. Who judges many takes a Bench.
func Decide(c *Check, catalogue []Check, rec Record) Result {
	return NewBench(catalogue, rec).Decide(c)
}

// Decide judges one check.
func (b *Bench) Decide(c *Check) Result {
	rec, catalogue, facts := b.record, b.catalogue, b.facts
	tries := rec.Tries[c.ID]
	f, settled := Precondition(c, facts, rec.NoTLS)
	if !settled && len(tries) == 0 {
		f, settled = rec.given(c, catalogue)
	}
	if settled {
		if f.Verdict == Inconclusive && rec.Over != "" && len(tries) == 0 {
			f.Reason = rec.Over
		}
		return result(c, f, nil)
	}
	if c.Observes() {
		return b.observe(c)
	}
	if len(tries) == 0 {
		return result(c, Unknown(rec.why(c, facts)), nil)
	}
	needed := rec.needed(c, catalogue)
	results := make([]Result, 0, len(tries))
	for _, t := range tries {
		ev := Evidence{Check: c, Walk: Replay(c.Script, t), Facts: facts, Checks: needed}
		f := ev.find()
		if t.Has(NoteShifted) {
			f = ev.shifted(rec.strays(catalogue))
		}
		if why := facts.Failed[B0Again]; why != "" && f.Verdict.Known() && !ev.controlled() {
			f.Verdict, f.Reason = Inconclusive, "the receiver did not serve the control at the end of the run: "+why
		}
		r := result(c, f, t)
		r.TLS = t.insideTLS(ev.Walk.tested())
		results = append(results, r)
	}
	return agree(results)
}

// observe judges a check from all that was heard. Where not even the first
// control was served, that was too little.
func (b *Bench) observe(c *Check) Result {
	rec, facts := b.record, b.facts
	if _, heard := rec.Baselines[B0]; !heard || facts.Failed[B0] != "" || facts.Mail.Refused() && facts.Mail.Code != 530 {
		return result(c, Unknown(rec.why(c, facts)), nil)
	}
	if b.heard == nil {
		b.heard = rec.Heard(b.catalogue)
	}
	ev := Evidence{Check: c, Facts: facts, Checks: rec.needed(c, b.catalogue), Heard: b.heard}
	f := c.Judge.Find(ev)
	r := result(c, f, rec.Baselines[B0])
	if f.Seen != nil {
		r.Transcript, r.TLS, r.seenIn = f.Seen.Session, f.Seen.Inside, f.Seen.Of
	}
	return r
}

// needed are the walks of the checks that a check looks at, as far as they are
// known.
func (rec Record) needed(c *Check, catalogue []Check) map[string]Walk {
	needed := map[string]Walk{}
	for _, id := range c.Needed() {
		if w, known := rec.walk(id, catalogue); known {
			needed[id] = w
		}
	}
	return needed
}

// walk is the latest try of another check beside its script. One that was not made
// because the receiver had been asked often enough takes nothing back.
func (rec Record) walk(id string, catalogue []Check) (Walk, bool) {
	c, tries := CheckByID(catalogue, id), rec.Tries[id]
	if c == nil || len(tries) == 0 {
		return Walk{}, false
	}
	latest := len(tries) - 1
	for latest > 0 && tries[latest].spared() {
		latest--
	}
	return Replay(c.Script, tries[latest]), true
}

func (rec Record) why(c *Check, facts Facts) string {
	if why := rec.Lost[c.ID]; why != "" {
		return why
	}
	if rec.Over != "" {
		return rec.Over
	}
	for _, b := range []Baseline{B0, B1, B2, B3} {
		if why := facts.Failed[b]; why != "" {
			return fmt.Sprintf("control %s failed: %s", b, why)
		}
	}
	return "the check was not run"
}

// find asks the judge of the check, unless the check never began.
func (ev Evidence) find() Finding {
	if !ev.Walk.Began {
		return Unknown("the session could not be prepared")
	}
	return ev.Check.Judge.Find(ev)
}

// controlled reports whether the same session served a legal command after, or
// beside, the tested one.
func (ev Evidence) controlled() bool {
	return ev.Walk.Find(Control).Accepted()
}

// agree joins the results of several tries. Those that know nothing give way to
// those that do, and one from a session that had played other checks before to
// one from a session of its own: what another check left behind must not become
// a verdict. Tries that differ all the same are no verdict, and what may be an
// accident of one session is one only when a second session says the same.
func agree(results []Result) Result {
	last := results[len(results)-1]
	more := len(results) < maxTries
	known := where(results, func(r *Result) bool { return r.Verdict.Known() })
	if len(known) == 0 {
		last.Again = more && (last.Again || last.shared)
		return last
	}
	all := known
	if own := where(known, func(r *Result) bool { return !r.shared }); len(own) > 0 {
		known = own
	}
	last = known[len(known)-1]
	last.Again = false
	for _, r := range known {
		if r.Verdict != last.Verdict {
			last.Reason = fmt.Sprintf(disagreement+": %s (%s), then %s (%s)", r.Verdict, Brief(r.Reply), last.Verdict, Brief(last.Reply))
			last.Verdict, last.Conformance = Inconclusive, ""
			return last
		}
	}
	same := where(all, func(r *Result) bool { return r.Verdict == last.Verdict })
	if len(same) == 1 && last.doubtful() {
		last.Reason = strings.TrimSuffix(fmt.Sprintf("seen once and not confirmed: %s, %s", last.Verdict, last.Reason), ", ")
		last.Verdict, last.Conformance = Inconclusive, ""
		last.Again = more
	}
	return last
}

// where are the results for which the condition holds: often all of them, and then
// nothing is copied.
func where(results []Result, holds func(*Result) bool) []Result {
	var some []Result
	all := true
	for i := range results {
		switch held := holds(&results[i]); {
		case held && !all:
			some = append(some, results[i])
		case !held && all:
			all, some = false, append(some, results[:i]...)
		}
	}
	if all {
		return results
	}
	return some
}

// doubtful reports whether one try is not enough for the verdict: the end of a
// connection or a lost reply may be an accident, and a fault in a session that
// had played other checks may be their doing.
func (r Result) doubtful() bool {
	switch r.Verdict {
	case Dropped, Broken:
		return true
	case Lenient:
		return r.shared || r.Check.Repeat
	case Overstrict:
		return r.shared
	}
	return false
}

func result(c *Check, f Finding, t Transcript) Result {
	return Result{
		Check: c, Verdict: f.Verdict, Conformance: f.conformance(c),
		Reply: f.Reply, Control: f.Control, Reason: f.Reason, Transcript: t, Again: f.Again,
		shared: t.Before().Checks > 0,
	}
}

// conformance follows from the verdict, the level of the rule and the codes
// that the RFC permits. What no RFC regulates for servers stays unregulated
// whatever the receiver does.
func (f Finding) conformance(c *Check) Conformance {
	switch {
	case !f.Verdict.Known():
		return ""
	case f.Says != "":
		return f.Says
	case c.Level == None:
		return Unregulated
	case f.Verdict == Strict || f.Verdict == Correct:
		return Conforms
	case f.Verdict == Dropped && f.Reply.Code == 421: // RFC 5321 3.8, 4.3.2: at any time
		return Conforms
	case f.Verdict != Dropped && f.Verdict != Broken && c.Allowed.Has(f.Reply.Code):
		return Conforms
	case c.Level == Must:
		return Violates
	case c.Level == Should:
		return Deviates
	}
	return Unregulated
}

// CheckByID finds a check; nil where there is none.
func CheckByID(catalogue []Check, id string) *Check {
	for i := range catalogue {
		if strings.EqualFold(catalogue[i].ID, id) {
			return &catalogue[i]
		}
	}
	return nil
}

// tested is the step that the check is about.
func (w Walk) tested() Outcome {
	if o := w.Find(Test); o.Ran {
		return o
	}
	return w.Find(Disturb)
}

// insideTLS reports whether the step was sent after a handshake.
func (t Transcript) insideTLS(o Outcome) bool {
	e, secured := t.Find(NoteSecured)
	return secured && o.Ran && e.At <= o.At
}
