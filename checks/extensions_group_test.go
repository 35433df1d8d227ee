package checks_test

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/run"
)

// refusal is a check that asks for one line to be refused, as its card has it.
type refusal struct {
	id         string
	line       string // that is judged
	extensions []string
	strict     string // codes
	deviant    string // codes that the card names as other ones, and the RFC permits
	faulty     string // codes that the card names as other ones
	lenient    []probe.Conformance
	fault      []probe.Conformance // of a level that is not met
	fits       []probe.Conformance // of one that is
	policy     string              // a refusal by policy
}

// rows are those that all such checks have.
func (r refusal) rows() []row {
	var all []row
	add := func(name string, box *middlebox, v probe.Verdict, says []probe.Conformance, reason string) {
		all = append(all, row{check: r.id, name: name, extensions: r.extensions, box: box, verdict: v, says: says, reason: reason})
	}
	each := func(codes string, v probe.Verdict, says []probe.Conformance) {
		for code := range strings.FieldsFuncSeq(codes, func(c rune) bool { return c == ',' }) {
			add(code, onLine(r.line, keep, code+" No"), v, says, "")
		}
	}
	add("the reference", nil, probe.Strict, r.fits, "")
	each(r.strict, probe.Strict, r.fits)
	each(r.deviant, probe.Deviant, r.fits)
	each(r.faulty, probe.Deviant, r.fault)
	add("another code and close", onLine(r.line, hangUp, "556 No"), probe.Dropped, r.fault, "")
	add("250", onLine(r.line, keep, "250 2.0.0 OK"), probe.Lenient, r.lenient, "")
	add("a close without a word", onLine(r.line, hangUp), probe.Dropped, r.fault, "")
	add("421", onLine(r.line, hangUp, "421 4.5.0 Goodbye"), probe.Dropped, r.fits, "")
	add("no reply", onLine(r.line, keep), probe.Broken, r.fault, "")
	add("two replies", onLine(r.line, keep, "250 One", "250 Two"), probe.Broken, r.fault, "")
	add("words without a code", onLine(r.line, keep, "What?"), probe.Broken, r.fault, "")
	add("policy", onLine(r.line, keep, r.policy), probe.Inconclusive, nil, "policy")
	add("450", onLine(r.line, keep, "450 4.3.0 Later"), probe.Inconclusive, nil, "450")
	add("455", onLine(r.line, keep, "455 4.5.0 Not with this"), probe.Inconclusive, nil, "455")
	return all
}

// parameter is a refusal of 6.8 with the norm that its cards share.
func parameter(id, line string, missing ...string) refusal {
	return refusal{
		id: id, line: line, extensions: without(missing...), strict: "555", deviant: "501,504", faulty: "500,503,550,553",
		lenient: unregulated(), fault: deviates(), fits: conforms(), policy: "550 5.7.1 Not you",
	}
}

// unlisted are the checks of a standard parameter: what is judged, and what the
// receiver must not offer.
func unlisted() []refusal {
	return []refusal{
		parameter("size-unadvertised", mailLine+" SIZE=1000", "SIZE 10240000"),
		parameter("body-8bitmime-unadvertised", mailLine+" BODY=8BITMIME", "8BITMIME", "BINARYMIME"),
		parameter("body-binarymime-unadvertised", mailLine+" BODY=BINARYMIME", "BINARYMIME"),
		parameter("smtputf8-unadvertised", mailLine+" SMTPUTF8"),
		parameter("dsn-unadvertised/ret", mailLine+" RET=HDRS", "DSN"),
		parameter("dsn-unadvertised/envid", mailLine+" ENVID=smtpprobe", "DSN"),
		parameter("dsn-unadvertised/notify", rcptLine+" NOTIFY=NEVER", "DSN"),
	}
}

const (
	oversizeLine = mailLine + " SIZE=10240001"
	requireLine  = mailLine + " REQUIRETLS"
	umlautLine   = "MAIL FROM:<smtpprobe-\xc3\xbc@probe.example>"
)

func refusals() []refusal {
	made, named := parameter("param-unknown/mail", mailLine+" ZZPROBE=1"), parameter("param-unknown/rcpt", rcptLine+" ZZPROBE=1")
	made.lenient, named.lenient = deviates(), deviates()
	helo := parameter("params-after-helo", mailLine+" SIZE=1000", "SIZE 10240000") // so that no other check sends the line
	helo.lenient = conforms()
	return append(
		unlisted(), made, named, helo,
		refusal{
			id: "size-over-limit", extensions: without(), line: oversizeLine, strict: "552", faulty: "452,550,554,501",
			lenient: deviates(), fault: violates(), fits: conforms(), policy: "550 5.7.1 Not you",
		},
		refusal{
			id: "non-ascii-address", extensions: without(), line: umlautLine, strict: "500,501,550,553", faulty: "502,555",
			lenient: deviates(), fault: deviates(), fits: conforms(), policy: "550 5.7.1 Not you",
		},
		refusal{
			id: "dsn-bad-value", extensions: without(), line: mailLine + " RET=XYZ", strict: "501", deviant: "555", faulty: "500,504,550",
			lenient: violates(), fault: violates(), fits: conforms(), policy: "550 5.7.1 Not you",
		},
		refusal{
			id: "requiretls-in-clear", extensions: without(), line: requireLine, strict: "555,530,523", faulty: "501,504,550",
			lenient: unregulated(), fault: unregulated(), fits: unregulated(), policy: "554 5.7.1 Not you",
		},
	)
}

func extensionsGroup() group {
	g := group{places: map[string]judgedPlace{}, nowhere: map[string]string{
		"requiretls-in-clear": "the table has 555 for any parameter, and no RFC prescribes it for this one; the card takes codes of policy too",
	}}
	for _, r := range refusals() {
		g.rows = append(g.rows, r.rows()...)
		place := judgedPlace{state: "E", line: r.line}
		switch {
		case r.id == "requiretls-in-clear":
			continue
		case r.id == "params-after-helo":
			place.state = "H"
		case strings.HasPrefix(r.line, "RCPT"):
			place.state = "M"
		}
		if place.state != "H" { // after HELO nothing is offered anyway
			place.lacks = slices.DeleteFunc(lab.DefaultExtensions(), func(k string) bool { return slices.Contains(r.extensions, k) })
		}
		g.places[r.id] = place
	}
	g.rows = append(g.rows, extensionRows()...)
	g.changes = extensionChanges()
	return g
}

// extensionRows are those that only one card has.
func extensionRows() []row {
	rcpt, notify := "param-unknown/rcpt", "dsn-unadvertised/notify"
	na := probe.NotApplicable
	taken := []lab.Lapse{lab.AcceptParameters()}
	all := []row{
		{check: "param-unknown/mail", name: "taken and begun", lapses: taken, verdict: probe.Lenient, says: deviates()},
		{check: rcpt, name: "taken and counted", lapses: taken, verdict: probe.Lenient, says: deviates()},
		{check: "params-after-helo", name: "taken and begun", lapses: taken, verdict: probe.Lenient, says: conforms()},
		{check: "params-after-helo", name: "HELO refused", lapses: answers(lab.Place{Verb: "HELO"}, "502 5.5.1 EHLO, please"), verdict: na, reason: "HELO is refused"},
		{check: "size-unadvertised", name: "SIZE offered", verdict: na, reason: "SIZE is offered"},
		{check: "body-8bitmime-unadvertised", name: "8BITMIME offered", verdict: na, reason: "8BITMIME is offered"},
		{check: "body-binarymime-unadvertised", name: "both offered", verdict: na, reason: "BINARYMIME and CHUNKING are offered"},
		{check: "body-binarymime-unadvertised", name: "without CHUNKING", extensions: without("CHUNKING"), verdict: probe.Strict, says: conforms()},
		{check: "body-binarymime-unadvertised", name: "taken without CHUNKING", extensions: without("CHUNKING"), lapses: taken, verdict: probe.Lenient, says: unregulated()},
		{check: "smtputf8-unadvertised", name: "SMTPUTF8 offered", extensions: append(without(), "SMTPUTF8"), verdict: na, reason: "SMTPUTF8 is offered"},
		{check: "non-ascii-address", name: "SMTPUTF8 offered", extensions: append(without(), "SMTPUTF8"), verdict: na, reason: "SMTPUTF8 is offered"},
		{check: "non-ascii-address", name: "taken and begun", lapses: []lab.Lapse{lab.AcceptEightBit()}, verdict: probe.Lenient, says: deviates()},
		{check: "non-ascii-address", name: "550 5.6.7 of RFC 6531", box: onLine(umlautLine, keep, "550 5.6.7 Not ASCII"), verdict: probe.Strict, says: conforms()},
		{check: notify, name: "DSN offered", verdict: na, reason: "DSN is offered"},
		{check: "dsn-bad-value", name: "DSN not offered", extensions: without("DSN"), verdict: na, reason: "DSN is not offered"},
		{check: "dsn-bad-value", name: "taken and begun", lapses: []lab.Lapse{lab.AcceptBadValues()}, verdict: probe.Lenient, says: violates()},
		{check: "size-over-limit", name: "taken and begun", lapses: []lab.Lapse{lab.AcceptOversize()}, verdict: probe.Lenient, says: deviates()},
		{check: "size-over-limit", name: "552 5.3.4", box: onLine(oversizeLine, keep, "552 5.3.4 Too large"), verdict: probe.Strict, says: conforms()},
		{check: "size-over-limit", name: "552 to every MAIL until RSET, as Postfix", box: sticks(oversizeLine, "552 5.3.4 Too large"), verdict: probe.Strict, says: conforms()},
		{check: "size-over-limit", name: "452 of policy", box: onLine(oversizeLine, keep, "452 4.7.1 Too much from you"), verdict: probe.Inconclusive, reason: "452"},
		{check: "size-over-limit", name: "SIZE not offered", extensions: without("SIZE 10240000"), verdict: na, reason: "SIZE is not offered"},
		{check: "size-over-limit", name: "SIZE without a number", extensions: append(without("SIZE 10240000"), "SIZE"), verdict: na, reason: "no maximum"},
		{check: "size-over-limit", name: "SIZE 0", extensions: append(without("SIZE 10240000"), "SIZE 0"), verdict: na, reason: "no maximum"},
		{check: "requiretls-in-clear", name: "550 of policy", box: onLine(requireLine, keep, "550 5.7.30 REQUIRETLS needs TLS"), verdict: probe.Strict, says: unregulated()},
		{check: "requiretls-in-clear", name: "530 of policy", box: onLine(requireLine, keep, "530 5.7.0 STARTTLS first"), verdict: probe.Strict, says: unregulated()},
		{check: "requiretls-in-clear", name: "all mail in clear refused", lapses: []lab.Lapse{lab.DemandTLS()}, verdict: na, reason: "without REQUIRETLS too"},
		{check: "requiretls-in-clear", name: "TLS from the first octet", implicit: true, verdict: na, reason: "in clear"},
		{check: "requiretls-in-clear", name: "in a run inside TLS", tls: run.StartTLS, verdict: probe.Strict, says: unregulated()},
	}
	for _, r := range unlisted() {
		all = append(all, row{check: r.id, name: "taken and begun", extensions: r.extensions, lapses: taken, verdict: probe.Lenient, says: unregulated()})
	}
	for id, bare := range map[string][]string{rcpt: nil, notify: without("DSN")} {
		all = append(all,
			row{check: id, name: "550 everywhere", extensions: bare, lapses: []lab.Lapse{lab.RefuseByPolicy("RCPT")}, verdict: probe.Inconclusive, reason: "same answer"},
			row{check: id, name: "greylisting", extensions: bare, lapses: []lab.Lapse{lab.Greylist()}, verdict: probe.Strict, says: conforms()},
			row{check: id, name: "postmaster refused", extensions: bare, lapses: answers(at("M", "RCPT"), "550 5.1.1 No such mailbox"), verdict: probe.Inconclusive, reason: "same answer"},
		)
	}
	return all
}

// extensionExceptions are the codes of which the cards say another thing than
// the row of the table.
func extensionExceptions() map[string]string {
	exceptions := map[string]string{}
	for _, code := range allCodes() {
		if code >= 400 {
			continue
		}
		for _, r := range unlisted() {
			exceptions[r.id+" "+strconv.Itoa(code)] = "that an unlisted standard parameter is taken is an observation, by the card"
		}
		exceptions["size-over-limit "+strconv.Itoa(code)] = "a deviation by the card: the must is that of a minimal server (RFC 1870 7)"
	}
	return exceptions
}

// extensionsDeviations are the lapses of 6.8 and 6.9.
func extensionsDeviations() []deviation {
	return []deviation{
		{lapse: lab.AcceptParameters(), is: is(
			"param-unknown/mail", "lenient", "param-unknown/rcpt", "lenient", "smtputf8-unadvertised", "lenient",
			"requiretls-in-clear", "lenient", "params-after-helo", "lenient",
		)},
		{lapse: lab.AcceptBadValues(), is: is("dsn-bad-value", "lenient")},
		{lapse: lab.AcceptOversize(), is: is("size-over-limit", "lenient")},
		{lapse: lab.AcceptEightBit(), is: is("non-ascii-address", "lenient")},
		{lapse: lab.AcceptAnyMechanism(), is: is("auth-unknown-mechanism", "lenient")},
		{lapse: lab.CancelAsFailure(), is: is("auth-cancel", "overstrict")},
	}
}

// closesOnErrors are the lapses that close at the first error of a session.
func closesOnErrors() []string {
	return []string{"close-after-errors/1", "close-after-errors/1/500", "close-after-errors/1/521", "close-after-errors/1/421"}
}

// onVerb are the names of the lapses that spoil one verb wherever it stands, so
// that nobody knows its legal answer.
func onVerb(verb string) []string {
	names := []string{"hang-up/" + verb + "/421 of the system"}
	for _, l := range []lab.Lapse{
		lab.RefuseByPolicy(verb), lab.HangUp(lab.Place{Verb: verb}, ""), lab.Repeat(verb), lab.Swallow(verb),
		lab.Late(verb, 40*time.Second), lab.FloodOfLines(verb), lab.FloodOfOctets(verb), lab.FloodOfReplies(verb),
	} {
		names = append(names, l.Name)
	}
	for kind, octets := range lab.Garbage() {
		names = append(names, lab.Garble(kind, verb, octets).Name)
	}
	return names
}

// extensionChanges are the lapses of others that 6.8 rightly notices.
func extensionChanges() map[string]map[string]string {
	offered := []string{ // by the default extensions
		"param-unknown/mail", "param-unknown/rcpt", "size-over-limit", "smtputf8-unadvertised", "non-ascii-address", "dsn-bad-value",
		"requiretls-in-clear", "params-after-helo",
	}
	all := func(verdicts string) map[string]string {
		m := is()
		for _, id := range offered {
			m[id] = verdicts
		}
		return m
	}
	changes := map[string]map[string]string{
		// The recipient is refused with its parameter as without.
		"reply/550/m/rcpt": is("param-unknown/rcpt", "inconclusive"),
		"demand-tls":       is("requiretls-in-clear", "not-applicable"),
		// The legal command behind an error is not answered in time, and other
		// checks of the session lose their turn by it.
		"tarpit-errors/40s": all("strict|inconclusive"),
	}
	for _, lapse := range closesOnErrors() {
		changes[lapse] = all("dropped")
	}
	changes["close-after-errors/1/500"]["non-ascii-address"] = "strict" // 500 is named for it
	for verb, id := range map[string]string{"RCPT": "param-unknown/rcpt", "HELO": "params-after-helo"} {
		for _, lapse := range onVerb(verb) {
			changes[lapse] = is(id, "inconclusive")
		}
	}
	return changes
}

// sticks answers a line, and every MAIL behind it until RSET.
func sticks(line, reply string) *middlebox {
	return &middlebox{client: func(p *passage, octets string) fate {
		stuck := false
		for _, said := range p.said {
			stuck = said == line+"\r\n" || stuck && !strings.HasPrefix(said, "RSET")
		}
		if octets != line+"\r\n" && (!stuck || !strings.HasPrefix(octets, "MAIL")) {
			return forward
		}
		p.say(reply)
		return keep
	}}
}
