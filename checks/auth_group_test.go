package checks_test

import (
	"slices"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/run"
)

// authTried is a check of 6.9 by hand: what comes before the judged line, the
// line, and what comes behind its reply where the session goes on.
type authTried struct {
	id             string
	before, behind []string
	line           string
	strict         string // codes
	faulty         string // codes that the card names as other ones
	lenient        []probe.Conformance
	fault, fits    []probe.Conformance
}

// try is a transcript with this answer, and the session going on or not.
func (a authTried) try(goesOn bool, answer ...string) []string {
	t := append(slices.Clone(a.before), "C: "+a.line)
	t = append(t, answer...)
	if goesOn {
		t = append(t, a.behind...)
	}
	return t
}

// rows are those that all such checks have. A receiver may be asked four times
// in a run, which leaves no second try for a run of all checks: what has to be
// seen twice is by hand.
func (a authTried) rows() []row {
	var all []row
	add := func(name string, try []string, v probe.Verdict, says []probe.Conformance, reason string) {
		all = append(all, row{check: a.id, name: name, try: try, verdict: v, says: says, reason: reason})
	}
	all = append(all, row{check: a.id, name: "the reference", verdict: probe.Strict, says: a.fits})
	for code := range strings.FieldsFuncSeq(a.strict, func(c rune) bool { return c == ',' }) {
		add(code, a.try(true, "S: "+code+" No"), probe.Strict, a.fits, "")
	}
	for code := range strings.FieldsFuncSeq(a.faulty, func(c rune) bool { return c == ',' }) {
		add(code, a.try(true, "S: "+code+" No"), probe.Deviant, a.fault, "")
	}
	add("334", a.try(true, "S: 334 ", "C: *", "S: 501 5.0.0 Cancelled"), probe.Lenient, a.lenient, "")
	add("a close without a word", a.try(false, "P: closed by the server"), probe.Dropped, a.fault, "")
	add("421", a.try(false, "S: 421 4.3.2 Down", "P: closed by the server"), probe.Dropped, a.fits, "")
	add("no reply", a.try(false, "P: timed out: after 30s"), probe.Broken, a.fault, "")
	add("two replies", a.try(false, "S: 503 5.5.1 No", "S: 250 OK", "P: not sent: a reply that no command asked for"), probe.Broken, a.fault, "")
	add("550 of policy", a.try(true, "S: 552 5.7.1 Not you"), probe.Inconclusive, nil, "policy")
	add("454", a.try(true, "S: 454 4.7.0 Temporary authentication failure"), probe.Inconclusive, nil, "454")
	all = append(all, row{check: a.id, name: "AUTH not offered", extensions: without("AUTH PLAIN"), verdict: probe.NotApplicable, reason: "AUTH is not offered"})
	return all
}

// noopBehind is the control of most of 6.9.
func noopBehind() []string { return []string{"C: NOOP", "S: 250 2.0.0 OK"} }

func authChecks() []authTried {
	return []authTried{
		{
			id: "auth-before-ehlo", line: "AUTH PLAIN", strict: "503", faulty: "500,502,504,530,538",
			behind:  append([]string{"C: EHLO probe.example", "S: 250 receiver.example"}, noopBehind()...),
			lenient: unregulated(), fault: unregulated(), fits: unregulated(),
		},
		{
			id: "auth-mid-transaction", line: "AUTH PLAIN", strict: "503", faulty: "500,501,502,504,535,538,550",
			before: []string{"C: MAIL FROM:<>", "S: 250 2.1.0 OK"}, behind: []string{"C: RSET", "S: 250 2.0.0 OK"},
			lenient: violates(), fault: violates(), fits: conforms(),
		},
		{
			id: "auth-unknown-mechanism", line: "AUTH ZZ-PROBE", strict: "504", faulty: "500,501,503,534,535,538", behind: noopBehind(),
			lenient: unregulated(), fault: unregulated(), fits: unregulated(),
		},
	}
}

func authGroup() group {
	g := group{
		rows: slices.Concat(unlistedAuthRows(), unlistedInsideRows(), cancelRows()),
		mutants: map[string]mutant{
			"auth-before-ehlo":     derived(lab.Accept{State: "I", Verb: "AUTH"}),
			"auth-mid-transaction": derived(lab.Accept{State: "M", Verb: "AUTH"}),
			// No ordering checks, but they get to their "*" only here.
			"auth-unknown-mechanism": {lapse: lab.AcceptAnyMechanism()},
			"auth-unadvertised":      {lapse: takesUnlistedAuth(), receiver: lab.Receiver{Extensions: without("AUTH PLAIN")}},
			"auth-unadvertised/inside-tls": {
				lapse:    lab.Accept{State: "E", TLS: true, Verb: "AUTH", Guard: "not supported"}.Lapse(),
				receiver: lab.Receiver{Extensions: without("AUTH PLAIN")},
			},
		},
		places: map[string]judgedPlace{
			"auth-before-ehlo":       {state: "I", line: "AUTH PLAIN"},
			"auth-mid-transaction":   {state: "M", line: "AUTH PLAIN"},
			"auth-cancel":            {state: "A", line: "*"},
			"auth-unknown-mechanism": {state: "E", line: "AUTH ZZ-PROBE"},
		},
		nowhere: map[string]string{
			"auth-unadvertised/inside-tls": "the same",
			"auth-unadvertised":            "a 334 is against the MUST of RFC 5321 4.1.1.1, another refusal against the SHOULD of 4.2.4: the row has one level",
		},
		changes: authChanges(),
	}
	for _, a := range authChecks() {
		g.rows = append(g.rows, a.rows()...)
	}
	return g
}

func takesUnlistedAuth() lab.Lapse {
	return lab.Accept{State: "E", Verb: "AUTH", Guard: "not supported"}.Lapse()
}

// unlistedInsideRows are those of the same inside TLS, where no middlebox hears.
func unlistedInsideRows() []row {
	const id = "auth-unadvertised/inside-tls"
	bare, place := without("AUTH PLAIN"), lab.Place{Verb: "AUTH"}
	says := func(name, reply string, v probe.Verdict, c []probe.Conformance) row {
		return row{check: id, name: name, extensions: bare, lapses: answers(place, reply), verdict: v, says: c}
	}
	return []row{
		{check: id, name: "the reference", extensions: bare, verdict: probe.Strict, says: conforms()},
		{check: id, name: "AUTH offered", verdict: probe.NotApplicable, reason: "AUTH is offered"},
		{check: id, name: "no STARTTLS", extensions: without("AUTH PLAIN", "STARTTLS"), verdict: probe.NotApplicable, reason: "STARTTLS is not offered"},
		{check: id, name: "all inside TLS", extensions: bare, tls: run.StartTLS, verdict: probe.NotApplicable, reason: "all of the run is inside TLS"},
		{check: id, name: "no handshake", extensions: bare, lapses: []lab.Lapse{lab.FailHandshakes()}, verdict: probe.Inconclusive, reason: "handshake fails"},
		{
			check: id, name: "334", extensions: bare, verdict: probe.Lenient, says: violates(),
			lapses: []lab.Lapse{lab.Accept{State: "E", TLS: true, Verb: "AUTH", Guard: "not supported"}.Lapse()},
		},
		says("504 of go-smtp", "504 5.7.4 Unsupported authentication mechanism", probe.Strict, conforms()),
		says("501", "501 5.5.4 No", probe.Deviant, deviates()),
		says("words without a code", "Hello there", probe.Broken, violates()),
		{check: id, name: "a close without a word", extensions: bare, lapses: hangsUp(place, ""), verdict: probe.Dropped, says: violates()},
	}
}

// unlistedAuthRows are those of auth-unadvertised, and what only one card has.
func unlistedAuthRows() []row {
	const id, line = "auth-unadvertised", "AUTH PLAIN"
	bare := without("AUTH PLAIN")
	says := func(name string, f fate, v probe.Verdict, c []probe.Conformance, replies ...string) row {
		return row{check: id, name: name, extensions: bare, box: onLine(line, f, replies...), verdict: v, says: c}
	}
	ungreeted := []lab.Lapse{lab.Accept{State: "I", Verb: "AUTH"}.Lapse()}
	unknown := authChecks()[2]
	return []row{
		{check: id, name: "the reference", extensions: bare, verdict: probe.Strict, says: conforms()},
		{check: id, name: "AUTH offered", verdict: probe.NotApplicable, reason: "AUTH is offered"},
		{check: id, name: "334", extensions: bare, lapses: []lab.Lapse{takesUnlistedAuth()}, verdict: probe.Lenient, says: violates()},
		says("500", keep, probe.Strict, conforms(), "500 5.5.2 What?"),
		says("503 of Exim", keep, probe.Strict, conforms(), "503 AUTH command used when not advertised"),
		says("504", keep, probe.Strict, conforms(), "504 5.5.4 No"),
		says("504 of Exchange", keep, probe.Strict, conforms(), "504 5.7.4 Unrecognized authentication type"),
		says("530", keep, probe.Deviant, unregulated(), "530 5.7.0 Must issue a STARTTLS command first"),
		says("535", keep, probe.Deviant, deviates(), "535 5.7.8 Bad credentials"),
		says("538", keep, probe.Deviant, conforms(), "538 5.7.11 Encryption required"),
		says("550", keep, probe.Deviant, deviates(), "550 5.7.1 No"),
		says("554", keep, probe.Deviant, deviates(), "554 5.5.1 No"),
		says("501", keep, probe.Deviant, deviates(), "501 5.5.4 No"),
		says("235", keep, probe.Lenient, violates(), "235 2.7.0 Welcome"),
		{check: id, name: "250", extensions: bare, box: onLine(line, keep, "250 OK"), verdict: probe.Inconclusive, reason: "no answer to AUTH"},
		says("a close without a word", hangUp, probe.Dropped, violates()),
		says("554 and close", hangUp, probe.Dropped, violates(), "554 5.5.1 Go away"),
		says("421", hangUp, probe.Dropped, conforms(), "421 4.3.2 Down"),
		says("no reply", keep, probe.Broken, violates()),
		says("two replies", keep, probe.Broken, violates(), "502 5.5.1 No", "250 OK"),
		{check: id, name: "454", extensions: bare, box: onLine(line, keep, "454 4.7.0 Later"), verdict: probe.Inconclusive, reason: "454"},
		{check: id, name: "503 of policy", extensions: bare, box: onLine(line, keep, "503 5.7.0 Access denied"), verdict: probe.Inconclusive, reason: "policy"},

		{check: "auth-before-ehlo", name: "taken and begun", lapses: ungreeted, verdict: probe.Lenient, says: unregulated()},
		{check: "auth-before-ehlo", name: "the EHLO in clear remembered", lapses: []lab.Lapse{lab.KeepHelloAcrossTLS()}, tls: run.StartTLS, verdict: probe.Inconclusive, reason: "remembered"},
		{check: "auth-before-ehlo", name: "535", try: authChecks()[0].try(true, "S: 535 5.7.8 No"), verdict: probe.Inconclusive, reason: "policy"},
		{check: "auth-mid-transaction", name: "taken and begun", lapses: []lab.Lapse{lab.Accept{State: "M", Verb: "AUTH"}.Lapse()}, verdict: probe.Lenient, says: violates()},
		{check: "auth-mid-transaction", name: "530", try: authChecks()[1].try(true, "S: 530 5.7.0 Log in first"), verdict: probe.Inconclusive, reason: "policy"},
		{check: "auth-unknown-mechanism", name: "taken and begun", lapses: []lab.Lapse{lab.AcceptAnyMechanism()}, verdict: probe.Lenient, says: unregulated()},
		{check: "auth-unknown-mechanism", name: "504 of Exchange", try: unknown.try(true, "S: 504 5.7.4 Unrecognized authentication type"), verdict: probe.Strict, says: unregulated()},
		{check: "auth-unknown-mechanism", name: "535 of Postfix", try: unknown.try(true, "S: 535 5.7.8 Error: authentication failed: Invalid authentication mechanism"), verdict: probe.Deviant, says: unregulated()},
	}
}

// cancelRows are those of auth-cancel.
func cancelRows() []row {
	const id = "auth-cancel"
	var all []row
	add := func(name string, v probe.Verdict, says []probe.Conformance, reason string, behind ...string) {
		try := append([]string{"C: AUTH PLAIN", "S: 334 ", "C: *"}, behind...)
		all = append(all, row{check: id, name: name, try: try, verdict: v, says: says, reason: reason})
	}
	all = append(all, row{check: id, name: "the reference", verdict: probe.Correct, says: conforms()})
	add("501", probe.Correct, conforms(), "", "S: 501 5.7.0 Authentication aborted", "C: NOOP", "S: 250 2.0.0 OK")
	for _, reply := range []string{"535 5.7.8 Wrong", "500 5.5.2 What?", "503 5.5.1 No", "504 5.5.4 No"} {
		add(reply[:3], probe.Overstrict, violates(), "", "S: "+reply, "C: NOOP", "S: 250 2.0.0 OK")
	}
	add("235", probe.Lenient, violates(), "", "S: 235 2.7.0 Welcome", "C: NOOP", "S: 250 2.0.0 OK")
	add("another challenge", probe.Broken, violates(), "another challenge", "S: 334 UGFzc3dvcmQ6", "P: not sent: the receiver asked for text")
	add("no reply", probe.Broken, violates(), "", "P: timed out: after 30s")
	add("NOOP taken as a password", probe.Broken, violates(), "NOOP", "S: 501 5.5.2 No", "C: NOOP", "S: 535 5.7.8 Wrong")
	add("no reply to NOOP", probe.Inconclusive, nil, "NOOP", "S: 501 5.5.2 No", "C: NOOP", "P: timed out: after 30s")
	add("a close without a word", probe.Dropped, violates(), "", "P: closed by the server")
	add("535 and close", probe.Inconclusive, nil, "policy", "S: 535 5.7.8 Wrong", "P: closed by the server")
	add("500 and close", probe.Dropped, violates(), "", "S: 500 5.5.2 What?", "P: closed by the server")
	add("421", probe.Dropped, conforms(), "", "S: 421 4.3.2 Down", "P: closed by the server")
	add("454", probe.Inconclusive, nil, "454", "S: 454 4.7.0 Later", "C: NOOP", "S: 250 2.0.0 OK")
	add("501 and close", probe.Inconclusive, nil, "limit", "S: 501 5.5.2 No", "C: NOOP", "P: closed by the server")
	add("450 to NOOP", probe.Inconclusive, nil, "450", "S: 501 5.5.2 No", "C: NOOP", "S: 450 4.3.2 Busy")
	return append(
		all,
		row{check: id, name: "AUTH refused", try: []string{"C: AUTH PLAIN", "S: 538 5.7.11 Encryption required"}, verdict: probe.Inconclusive, reason: "538"},
		row{check: id, name: "as a wrong password", lapses: []lab.Lapse{lab.CancelAsFailure()}, verdict: probe.Overstrict, says: violates()},
		row{check: id, name: "no mechanism with a challenge", extensions: append(without("AUTH PLAIN"), "AUTH EXTERNAL"), verdict: probe.NotApplicable, reason: "none of PLAIN"},
		row{check: id, name: "AUTH not offered", extensions: without("AUTH PLAIN"), verdict: probe.NotApplicable, reason: "AUTH is not offered"},
	)
}

// authChanges are the lapses of others that 6.9 rightly notices.
func authChanges() map[string]map[string]string {
	changes := map[string]map[string]string{
		"replace-503/502": is("auth-before-ehlo", "deviant", "auth-mid-transaction", "deviant"),
		// Inside TLS the EHLO in clear may be what is remembered.
		"keep-hello-across-tls": is("auth-before-ehlo", "strict|inconclusive"),
		// The NOOP behind the 501 is not answered in time.
		"tarpit-errors/40s": is("auth-cancel", "correct|inconclusive"),
	}
	// A close has to be seen twice, and AUTH may be sent four times.
	for _, lapse := range closesOnErrors() {
		changes[lapse] = is(
			"auth-before-ehlo", "dropped|inconclusive", "auth-mid-transaction", "dropped|inconclusive",
			"auth-cancel", "dropped|inconclusive", "auth-unknown-mechanism", "dropped|inconclusive",
		)
	}
	return changes
}
