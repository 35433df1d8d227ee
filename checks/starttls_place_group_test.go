package checks_test

import (
	"slices"
	"strings"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/oracle"
)

// startTLSPlaceGroup are the checks of 6.5 about STARTTLS out of place.
func startTLSPlaceGroup() group {
	forgets := mutant{lapse: lab.ForgetUpgrade()}
	return group{
		rows: append(append(upgradeRows(), faultyUpgradeRows()...), brokenHandshakeRows()...),
		mutants: map[string]mutant{
			"starttls-before-ehlo":      derived(lab.Accept{State: "I", Verb: "STARTTLS"}),
			"starttls-after-helo":       derived(lab.Accept{State: "H", Verb: "STARTTLS"}),
			"starttls-mid-transaction":  derived(lab.Accept{State: "M", Verb: "STARTTLS"}),
			"starttls-broken-handshake": forgets,
		},
		places: map[string]judgedPlace{
			"starttls-before-ehlo":     {state: "I", line: "STARTTLS"},
			"starttls-after-helo":      {state: "H", line: "STARTTLS"},
			"starttls-mid-transaction": {state: "M", line: "STARTTLS"},
			"starttls-with-parameter":  {state: "E", line: "STARTTLS smtpprobe"},
		},
		nowhere: map[string]string{
			"starttls-unadvertised": "its row is that of STARTTLS not supported, and the reference of these tests has it",
		},
		changes: startTLSPlaceChanges(),
	}
}

// startTLSPlaceDeviations are the lines of the lapses that came with the group.
func startTLSPlaceDeviations() []deviation {
	return []deviation{
		{lapse: lab.AcceptUnoffered("STARTTLS"), is: is("starttls-unadvertised", "lenient")},
		{lapse: lab.Accept{State: oracle.StateEHLO, Verb: "STARTTLS", Guard: "argument"}.Lapse(), is: is("starttls-with-parameter", "lenient")},
		{lapse: lab.ForgetUpgrade(), is: is("starttls-broken-handshake", "lenient")},
	}
}

// outOfPlace are the checks of a STARTTLS that is served in its legal place, and
// the places where each stands.
func outOfPlace() map[string]lab.Place {
	return map[string]lab.Place{
		"starttls-before-ehlo": at("I", "STARTTLS"), "starttls-after-helo": at("H", "STARTTLS"), "starttls-mid-transaction": at("M", "STARTTLS"),
	}
}

// upgradeRows are those of STARTTLS out of place. No level: all is unregulated.
func upgradeRows() []row {
	var all []row
	for id, place := range outOfPlace() {
		add := func(name string, lapses []lab.Lapse, v probe.Verdict, reason string) {
			r := row{check: id, name: name, lapses: lapses, verdict: v, reason: reason}
			if v.Known() {
				r.says = unregulated()
			}
			all = append(all, r)
		}
		add("503", nil, probe.Strict, "")
		add("503 and close", hangsUp(place, "503 5.5.1 Not now"), probe.Strict, "")
		add("502", answers(place, "502 5.5.1 Not implemented"), probe.Deviant, "")
		add("554", answers(place, "554 5.5.1 Not now"), probe.Deviant, "")
		// "REJECTS-OTHERWISE 500/502/501/530/554": in its legal place it gets 220.
		add("530", answers(place, "530 5.7.0 Not now"), probe.Deviant, "")
		add("220", []lab.Lapse{lab.Accept{State: place.State, Verb: "STARTTLS"}.Lapse()}, probe.Lenient, "")
		add("a close without a word", hangsUp(place, ""), probe.Dropped, "")
		add("421", hangsUp(place, "421 4.5.0 Goodbye"), probe.Dropped, "")
		add("502 and close", hangsUp(place, "502 5.5.1 Goodbye"), probe.Dropped, "")
		add("words without a code", answers(place, "no"), probe.Broken, "")
		// "INCONCLUSIVE 454."
		add("454", answers(place, "454 4.7.0 TLS not available"), probe.Inconclusive, "454")
		add("455 about the protocol", answers(place, "455 4.5.0 Not now"), probe.Inconclusive, "455")
		add("550 of policy", answers(place, "550 5.7.1 Not you"), probe.Inconclusive, "policy")
		add("454 everywhere", answers(lab.Place{Verb: "STARTTLS"}, "454 4.7.0 TLS not available"), probe.Inconclusive, "legal place")
		all = append(
			all,
			row{check: id, name: "STARTTLS not offered", extensions: without("STARTTLS"), verdict: probe.NotApplicable, reason: "STARTTLS is not offered"},
			row{check: id, name: "TLS from the first octet", implicit: true, verdict: probe.NotApplicable, reason: "first octet"},
		)
	}
	const mid = "starttls-mid-transaction"
	gone := []string{
		"C: MAIL FROM:<>", "S: 250 2.1.0 OK", "C: STARTTLS", "S: 503 5.5.1 Not now",
		"C: RCPT TO:<postmaster@receiver.example>", "S: 503 5.5.1 MAIL first", "C: RSET", "S: 250 2.0.0 OK",
	}
	return append(
		all,
		// "STRICT 503 (transaction kept)."
		row{check: mid, name: "503, and the transaction is gone", try: gone, verdict: probe.Deviant, says: unregulated(), reason: "gone"},
		row{check: mid, name: "503, and RCPT is never answered", try: append(gone[:5:5], "P: timed out: after 30s"), verdict: probe.Strict, says: unregulated()},
		row{check: mid, name: "503, and RCPT tells nothing", lapses: []lab.Lapse{lab.RefuseByPolicy("RCPT")}, verdict: probe.Strict, says: unregulated()},
		row{check: mid, name: "TLS demanded", lapses: []lab.Lapse{lab.DemandTLS()}, verdict: probe.NotApplicable, reason: "530"},
		row{check: "tls-transaction-survives", name: "502 inside a transaction", lapses: answers(at("M", "STARTTLS"), "502 5.5.1 No"), verdict: probe.NotApplicable, reason: "502"},
	)
}

// faultyUpgradeRows are those of STARTTLS that is not offered, and of one with
// an argument.
func faultyUpgradeRows() []row {
	const bare, argument = "starttls-unadvertised", "starttls-with-parameter"
	place, none := at("E", "STARTTLS"), without("STARTTLS")
	tail := argumentOnly
	return []row{
		{check: bare, name: "502", extensions: none, verdict: probe.Strict, says: conforms()},
		{check: bare, name: "500", extensions: none, lapses: answers(place, "500 5.5.2 What?"), verdict: probe.Strict, says: conforms()},
		{check: bare, name: "503", extensions: none, lapses: answers(place, "503 5.5.1 No"), verdict: probe.Strict, says: conforms()},
		// "REJECTS-OTHERWISE 454/554/550."
		{check: bare, name: "454", extensions: none, lapses: answers(place, "454 4.7.0 TLS not available"), verdict: probe.Deviant, says: deviates()},
		{check: bare, name: "554", extensions: none, lapses: answers(place, "554 5.5.1 No"), verdict: probe.Deviant, says: deviates()},
		{check: bare, name: "220", extensions: none, lapses: []lab.Lapse{lab.AcceptUnoffered("STARTTLS")}, verdict: probe.Lenient, says: deviates()},
		{check: bare, name: "a close without a word", extensions: none, lapses: hangsUp(place, ""), verdict: probe.Dropped, says: deviates()},
		{check: bare, name: "421", extensions: none, lapses: hangsUp(place, "421 4.3.2 Down"), verdict: probe.Dropped, says: conforms()},
		{check: bare, name: "an empty line", extensions: none, lapses: answers(place, ""), verdict: probe.Broken, says: deviates()},
		{check: bare, name: "450", extensions: none, lapses: answers(place, "450 4.3.2 Busy"), verdict: probe.Inconclusive, reason: "450"},
		{check: bare, name: "550 of policy", extensions: none, lapses: answers(place, "550 5.7.1 Not you"), verdict: probe.Inconclusive, reason: "policy"},
		{check: bare, name: "STARTTLS offered", verdict: probe.NotApplicable, reason: "STARTTLS is offered"},

		{check: argument, name: "501", verdict: probe.Strict, says: unregulated()},
		{check: argument, name: "503", box: tail(keep, "503 5.5.1 No"), verdict: probe.Deviant, says: unregulated()},
		{check: argument, name: "504", box: tail(keep, "504 5.5.4 No"), verdict: probe.Deviant, says: unregulated()},
		{check: argument, name: "220", box: tail(keep, "220 2.0.0 Ready"), verdict: probe.Lenient, says: unregulated()},
		{check: argument, name: "a close without a word", box: tail(hangUp), verdict: probe.Dropped, says: unregulated()},
		{check: argument, name: "words without a code", box: tail(keep, "no"), verdict: probe.Broken, says: unregulated()},
		{check: argument, name: "454", box: tail(keep, "454 4.7.0 TLS not available"), verdict: probe.Inconclusive, reason: "454"},
		{check: argument, name: "550 of policy", box: tail(keep, "550 5.7.1 Not you"), verdict: probe.Inconclusive, reason: "policy"},
		{check: argument, name: "STARTTLS not offered", extensions: without("STARTTLS"), verdict: probe.NotApplicable, reason: "STARTTLS is not offered"},
	}
}

// argumentOnly answers STARTTLS with an argument, and does with the session what
// the fate says.
func argumentOnly(f fate, lines ...string) *middlebox {
	return &middlebox{client: func(p *passage, octets string) fate {
		if !strings.HasPrefix(octets, "STARTTLS ") {
			return forward
		}
		if len(lines) > 0 {
			p.say(lines...)
		}
		return f
	}}
}

// promised is STARTTLS, its 220, EHLO in clear, and what then comes.
func promised(then ...string) []string {
	return append([]string{"C: STARTTLS", "S: 220 2.0.0 Ready", "C: EHLO probe.example"}, then...)
}

func brokenHandshakeRows() []row {
	const id = "starttls-broken-handshake"
	return []row{
		{check: id, name: "a close", verdict: probe.Strict, says: unregulated()},
		{check: id, name: "a reset", try: promised("P: reset by the server"), verdict: probe.Strict, says: unregulated()},
		{check: id, name: "an alert and close", try: promised("S: \\x15\\x03\\x01\\x00\\x02\\x02F", "P: closed by the server"), verdict: probe.Strict, says: unregulated(), reason: "alert"},
		{check: id, name: "554 as Exim", try: promised("S: 554 Security failure"), verdict: probe.Strict, says: unregulated()},
		{check: id, name: "503", try: promised("S: 503 5.5.1 TLS first"), verdict: probe.Deviant, says: unregulated()},
		{check: id, name: "250 in clear", lapses: []lab.Lapse{lab.ForgetUpgrade()}, verdict: probe.Lenient, says: unregulated(), reason: "in clear"},
		{check: id, name: "421", try: promised("S: 421 4.7.0 Goodbye for now", "P: closed by the server"), verdict: probe.Inconclusive, reason: "policy"},
		{check: id, name: "421 without a policy", try: promised("S: 421 4.3.0 Goodbye", "P: closed by the server"), verdict: probe.Dropped, says: unregulated()},
		{check: id, name: "silence", try: promised("P: listened: for 30s"), verdict: probe.Broken, says: unregulated(), reason: "hangs"},
		{check: id, name: "words without a code", try: promised("S: no"), verdict: probe.Broken, says: unregulated()},
		{check: id, name: "silence of a slow receiver", box: deafAfter220(), lapses: []lab.Lapse{lab.Late("NOOP", 15*time.Second)}, verdict: probe.Inconclusive, reason: "tarpit"},
		{check: id, name: "454 everywhere", lapses: answers(lab.Place{Verb: "STARTTLS"}, "454 4.7.0 TLS not available"), verdict: probe.Inconclusive, reason: "454"},
		{check: id, name: "454 this time", try: []string{"C: STARTTLS", "S: 454 4.7.0 TLS not available"}, verdict: probe.Inconclusive, reason: "454"},
	}
}

// deafAfter220 promises TLS and hears nothing from then on.
func deafAfter220() *middlebox {
	return &middlebox{client: func(p *passage, octets string) fate {
		switch {
		case octets == "STARTTLS\r\n":
			p.say("220 2.0.0 Ready")
			return keep
		case slices.Contains(p.said, "STARTTLS\r\n"):
			return keep
		}
		return forward
	}}
}

// on names one outcome for checks, as is does for several.
func on(verdict string, ids ...string) map[string]string {
	m := is()
	for _, id := range ids {
		m[id] = verdict
	}
	return m
}

// unheard are the lapses after which nobody knows what a verb is answered.
func unheard(verb string) []string {
	all := []string{
		lab.FloodOfLines(verb).Name, lab.FloodOfOctets(verb).Name, lab.FloodOfReplies(verb).Name, lab.Late(verb, 40*time.Second).Name,
		lab.Swallow(verb).Name, lab.Repeat(verb).Name, lab.HangUp(lab.Place{Verb: verb}, "").Name, "hang-up/" + verb + "/421 of the system",
	}
	for kind, octets := range lab.Garbage() {
		all = append(all, lab.Garble(kind, verb, octets).Name)
	}
	return all
}

// startTLSPlaceChanges are, by lapse, what the checks of the group rightly say.
func startTLSPlaceChanges() map[string]map[string]string {
	const before, helo, argument, mid, broken = "starttls-before-ehlo", "starttls-after-helo", "starttls-with-parameter",
		"starttls-mid-transaction", "starttls-broken-handshake"
	all := map[string]map[string]string{
		lab.Replace("502 5.5.1 Command not implemented").Name: on("deviant", before, helo, mid),
		lab.KeepTransactionAcrossTLS().Name:                   is(mid, "lenient"),
		lab.AnswerInClear().Name:                              is(broken, "lenient"),
		lab.DemandTLS().Name:                                  is(mid, "not-applicable"),
		lab.RefuseByPolicy("HELO").Name:                       is(helo, "inconclusive"),
		// Waiting for the greeting takes all the time that a receiver has.
		lab.Late(lab.Greeting, 40*time.Second).Name: on("strict|inconclusive", before, helo, mid, broken, "starttls-injection"),
	}
	// A refusal with a code that the card does not name is the close behind it.
	for _, reply := range []string{"", "500 5.5.2 Go away", "521 5.5.0 Go away", "421 4.5.0 Go away"} {
		all[lab.HangUpOnErrors(reply).Name] = on("dropped", before, helo, argument, mid)
	}
	all["close-after-errors/1/421 of policy"] = on("inconclusive", before, helo, argument, mid)
	for _, name := range unheard("HELO") {
		all[name] = is(helo, "inconclusive|not-applicable")
	}
	for _, name := range unheard("RCPT") {
		all[name] = is(mid, "strict|inconclusive")
	}
	return all
}
