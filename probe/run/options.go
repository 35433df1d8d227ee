package run

import (
	"slices"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/wire"
)

// TLS says where the sessions of a run take place.
type TLS string

// The ways into TLS.
const (
	Auto     TLS = "auto"     // in clear, TLS only in the checks about TLS; all inside TLS where MAIL demands it
	Never    TLS = "none"     // no TLS at all
	StartTLS TLS = "starttls" // all inside TLS after STARTTLS
	Implicit TLS = "implicit" // TLS from the first octet
)

// Options is what a run is asked for.
type Options struct {
	Catalogue []probe.Check // all checks: some are needed as controls
	Selected  []probe.Check // those whose verdicts are wanted
	TLS       TLS
	Timeout   time.Duration // for one receiver; 0: none
	Wire      wire.Config   // Values.Rcpt is filled in for each receiver
	Receivers int           // at once
	Platform  int           // receivers of one platform at once
	Ways      *Ways         // kept over several runs; nil: this one is the only one
	Progress  func(Progress)
}

// Progress is how far one receiver is.
type Progress struct {
	Receiver probe.Receiver
	Sessions int    // done
	Planned  int    // known so far
	Doing    string // the baseline or the checks of the session that begins
}

// channel is where a run begins; MAIL may yet demand TLS.
func (o Options) channel() probe.Channel {
	switch o.TLS {
	case StartTLS:
		return probe.Upgraded
	case Implicit:
		return probe.Implicit
	}
	return probe.Clear
}

// Wanted are the selected checks and those that they need, in the order of the
// catalogue.
func (o Options) Wanted() []*probe.Check {
	want := map[string]bool{}
	var add func(id string)
	add = func(id string) {
		if c := probe.CheckByID(o.Catalogue, id); c != nil && !want[c.ID] {
			want[c.ID] = true
			for _, needed := range c.Needed() {
				add(needed)
			}
		}
	}
	for _, c := range o.Selected {
		add(c.ID)
	}
	var checks []*probe.Check
	for i := range o.Catalogue {
		if want[o.Catalogue[i].ID] {
			checks = append(checks, &o.Catalogue[i])
		}
	}
	return checks
}

// selected reports whether the verdict of the check was asked for.
func (o Options) selected(c *probe.Check) bool {
	return slices.ContainsFunc(o.Selected, func(s probe.Check) bool { return s.ID == c.ID })
}

// needs reports whether any of the checks needs what the predicate says.
func needs(checks []*probe.Check, what func(*probe.Check) bool) bool {
	return slices.ContainsFunc(checks, what)
}
