package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// Changes are what differs between two runs, and what could not be compared.
type Changes struct {
	Since time.Time // when the old run was started
	All   []Change
	Apart []Apart
	// Compared is the number of receivers that both runs measured.
	Compared int
}

// Kind says what a change is about.
type Kind string

// The kinds of changes. Nothing else is one: no code, no text, no address, and
// nothing of which one of the runs knows nothing.
const (
	KindVerdict    Kind = "verdict"
	KindCapability Kind = "capability"
	KindSoftware   Kind = "software"
	KindExchange   Kind = "exchange"
)

// Change is one thing that differs. Old is empty where it appeared, New where it
// vanished.
type Change struct {
	Kind     Kind
	Domain   string         // of an exchange
	Receiver probe.Receiver // of everything else
	Subject  string         // the check, the keyword, or the host of the exchange; empty for software
	TLS      bool           // a capability inside TLS
	Old, New string
	Reason   string // of the new verdict
	Accepted string // why the user accepts it; empty where he does not
}

// Apart is what is no change of a receiver and yet worth a line: a check whose
// rule is another one, a receiver that was not reached.
type Apart struct {
	What string   // a sentence without its end
	Of   []string // what it is true of
}

// Diff says what changed from one run to another. Receivers are the same by
// address and port, or by host and port where that leaves one on either side.
func Diff(old, today Run) Changes {
	d := differ{apart: map[string][]string{}, said: map[[2]string]bool{}}
	d.exchanges(old, today)
	pairs, before, after := pair(old.Receivers, today.Receivers)
	for _, p := range pairs {
		d.receiver(p.old, p.today)
	}
	d.say(fmt.Sprintf("only in the old run%s", unended(old)), before...)
	d.say(fmt.Sprintf("only in the new run%s", unended(today)), after...)
	out := Changes{Since: old.Started, All: d.changes, Compared: d.compared}
	for _, what := range d.order {
		out.Apart = append(out.Apart, Apart{what, d.apart[what]})
	}
	return out
}

func unended(r Run) string {
	if r.Incomplete {
		return ", which did not come to its end"
	}
	return ""
}

// Counted are the changes that nobody accepted.
func (c Changes) Counted() int {
	n := 0
	for _, x := range c.All {
		if x.Accepted == "" {
			n++
		}
	}
	return n
}

// differ collects changes, and what stands apart in the order of its first word.
type differ struct {
	changes  []Change
	compared int
	apart    map[string][]string
	said     map[[2]string]bool // of whom something was said
	order    []string
}

func (d *differ) say(what string, of ...string) {
	if len(of) == 0 {
		return
	}
	if d.apart[what] == nil {
		d.order = append(d.order, what)
	}
	for _, o := range of {
		if !d.said[[2]string{what, o}] {
			d.said[[2]string{what, o}] = true
			d.apart[what] = append(d.apart[what], o)
		}
	}
}

// exchanges compares what the DNS said of the domains that both runs asked for.
func (d *differ) exchanges(old, today Run) {
	asked, again := map[string]bool{}, map[string]Domain{}
	for _, before := range old.Domains {
		asked[before.key()] = true
	}
	for _, after := range slices.Backward(today.Domains) {
		again[after.key()] = after // of several the first
	}
	for _, before := range old.Domains {
		after, there := again[before.key()]
		if !there {
			d.say("not asked for in the new run", name(before.Domain))
			continue
		}
		if !before.told() || !after.told() {
			d.say("the DNS gave no answer in one of the runs", name(before.Domain))
			continue
		}
		was, is := before.preferences(), after.preferences()
		for _, host := range slices.Sorted(maps.Keys(union(was, is))) {
			if was[host] != is[host] {
				d.changes = append(d.changes, Change{Kind: KindExchange, Domain: before.Domain, Subject: host, Old: was[host], New: is[host]})
			}
		}
	}
	for _, after := range today.Domains {
		if !asked[after.key()] {
			d.say("not asked for in the old run", name(after.Domain))
		}
	}
}

func (d Domain) key() string { return strings.ToLower(cmp.Or(d.ASCII, d.Domain)) }

// told reports whether the DNS said which exchangers the domain has, be it none.
func (d Domain) told() bool { return d.Status != "dns-error" && d.Status != "invalid" }

// preferences are the preferences of each exchanger in words: "preference 10".
func (d Domain) preferences() map[string]string {
	numbers := map[string][]int{}
	for _, e := range d.Exchanges {
		numbers[strings.ToLower(e.Host)] = append(numbers[strings.ToLower(e.Host)], e.Preference)
	}
	words := map[string]string{}
	for host, all := range numbers {
		slices.Sort(all)
		words[host] = "preference " + strings.Trim(strings.ReplaceAll(fmt.Sprint(all), " ", " and "), "[]")
	}
	if d.ImplicitMX {
		for host := range words {
			words[host] = "no MX record"
		}
	}
	return words
}

func union[V any](a, b map[string]V) map[string]V {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// receiver compares one receiver with itself.
func (d *differ) receiver(old, today probe.Report) {
	if old.Address != today.Address {
		d.say("the address moved, the host and the port are the same", receiverName(today.Receiver))
	}
	for _, r := range []probe.Report{today, old} {
		if r.Status != probe.StatusOK {
			d.say("could not be measured, or not to the end, in one of the runs", fmt.Sprintf("%s (%s)", receiverName(r.Receiver), tidy(string(r.Status))))
			break
		}
	}
	if !met(old) || !met(today) {
		return
	}
	d.compared++
	if old.Software != today.Software {
		d.changes = append(d.changes, Change{Kind: KindSoftware, Receiver: today.Receiver, Old: old.Software, New: today.Software})
	}
	if old.Inside == today.Inside {
		d.capabilities(today.Receiver, old.Offered, today.Offered, today.Inside)
	}
	if !old.Inside && !today.Inside && len(old.OfferedTLS) > 0 && len(today.OfferedTLS) > 0 { // else nobody may have asked
		d.capabilities(today.Receiver, old.OfferedTLS, today.OfferedTLS, true)
	}
	d.verdicts(old, today)
}

// met reports whether a run got as far as to measure the receiver.
func met(r probe.Report) bool {
	switch r.Status {
	case probe.StatusOK:
		return true
	case probe.StatusTimedOut, probe.StatusInterrupted:
		return len(r.Offered) > 0
	}
	return false
}

// capabilities compares by keywords; their order says nothing.
func (d *differ) capabilities(r probe.Receiver, old, today smtp.Capabilities, tls bool) {
	was, is := keywords(old), keywords(today)
	for _, k := range slices.Sorted(maps.Keys(union(was, is))) {
		if was[k] != is[k] {
			d.changes = append(d.changes, Change{Kind: KindCapability, Receiver: r, Subject: k, TLS: tls, Old: was[k], New: is[k]})
		}
	}
}

// keywords are the lines of each keyword, which is not case sensitive.
func keywords(all smtp.Capabilities) map[string]string {
	lines := map[string][]string{}
	for _, l := range all {
		word, params, _ := strings.Cut(l, " ")
		lines[strings.ToUpper(word)] = append(lines[strings.ToUpper(word)], strings.TrimSpace(strings.ToUpper(word)+" "+params))
	}
	joined := map[string]string{}
	for k, l := range lines {
		slices.Sort(l)
		joined[k] = strings.Join(l, "; ")
	}
	return joined
}

// verdicts compares the checks that both runs came to an answer on.
func (d *differ) verdicts(old, today probe.Report) {
	unsettled, unasked := 0, 0
	where := receiverName(today.Receiver)
	for _, is := range today.Results {
		i := slices.IndexFunc(old.Results, func(r probe.Result) bool { return r.Check.ID == is.Check.ID })
		if i < 0 {
			unasked++
			continue
		}
		was := old.Results[i]
		switch why := incomparable(old, today, was, is); {
		case was.Check.Rev != is.Check.Rev:
			d.say("the rule of the check is another one (smtpprobe rejudge OLD first)", is.Check.ID)
		case !answered(was) || !answered(is):
			unsettled++
		case verdictOf(was) == verdictOf(is):
		case why != "":
			d.say(why, where+" "+is.Check.ID)
		default:
			d.changes = append(d.changes, Change{
				Kind: KindVerdict, Receiver: today.Receiver, Subject: is.Check.ID, Old: verdictOf(was), New: verdictOf(is), Reason: is.Reason,
			})
		}
	}
	for _, was := range old.Results {
		if !slices.ContainsFunc(today.Results, func(r probe.Result) bool { return r.Check.ID == was.Check.ID }) {
			unasked++
		}
	}
	if unsettled > 0 {
		d.say("flaky or inconclusive in one of the runs", fmt.Sprintf("%s of %s", plural(unsettled, "check"), where))
	}
	if unasked > 0 {
		d.say("asked in one of the runs only", fmt.Sprintf("%s of %s", plural(unasked, "check"), where))
	}
}
