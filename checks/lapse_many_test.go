package checks_test

import (
	"slices"
	"strings"
	"time"

	"github.com/smtpprobe/smtpprobe/probe/lab"
)

// octetDeviations are about octets that are no replies. NOOP is in the first
// baseline: what cannot be read there ends the run.
func octetDeviations() []deviation {
	all := []deviation{
		{lapse: lab.Foreign("SSH-2.0-receiver\r\n", false), blind: true},
		{lapse: lab.Foreign("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", true), blind: true},
		{lapse: lab.FloodOfLines("EHLO"), blind: true},
		{lapse: lab.FloodOfOctets(lab.Greeting), blind: true},
		{lapse: lab.FloodOfReplies("NOOP"), is: is("noop-before-ehlo", "broken", "noop-keeps-transaction", "broken|inconclusive"), lost: []string{"*"}},
	}
	readable := map[string]bool{"octets": true, "lone-lf": true, "code-alone": true}
	for kind, octets := range lab.Garbage() {
		all = append(all, deviation{lapse: lab.Garble(kind, "NOOP", octets), blind: !readable[kind]})
		if readable[kind] {
			continue // 250 to a refused verb is another story
		}
		all = append(
			all,
			deviation{lapse: lab.Garble(kind, "DATA", octets), is: is("data-before-mail", "broken", "data-without-rcpt", "broken")},
			deviation{lapse: lab.Garble(kind, "RCPT", octets), may: "broken", lost: envelope()},
			deviation{lapse: lab.Garble(kind, "HELO", octets), is: is("pipeline-after-helo", "inconclusive|not-applicable")},
			deviation{lapse: lab.Garble(kind, "QUIT", octets), is: is("quit-closes", "broken|dropped|overstrict")},
			deviation{lapse: lab.Garble(kind, "STARTTLS", octets), may: "broken", lost: []string{"*"}},
		)
	}
	for _, flood := range []func(string) lab.Lapse{lab.FloodOfLines, lab.FloodOfOctets, lab.FloodOfReplies} {
		all = append(
			all,
			deviation{lapse: flood("DATA"), is: is("data-before-mail", "broken", "data-without-rcpt", "broken")},
			deviation{lapse: flood("RCPT"), may: "broken", lost: envelope()},
			deviation{lapse: flood("HELO"), is: is("pipeline-after-helo", "inconclusive|broken")},
			deviation{lapse: flood("QUIT"), is: is("quit-closes", "broken|overstrict")},
		)
	}
	return all
}

// verbDeviations swallow, repeat, delay and hang up on one verb each.
func verbDeviations() []deviation {
	lost := map[string][]string{
		"HELO": {"pipeline-after-helo"}, "RCPT": envelope(), "STARTTLS": append(intoTLS(), "*"),
	}
	// These answer with an error or a success that a check is about.
	tested := map[string][]string{
		"DATA": {"data-before-mail", "data-without-rcpt"}, "QUIT": {"quit-closes"},
		"RCPT": {"rcpt-before-mail", "rset-clears", "ehlo-clears", "noop-keeps-transaction"},
		"NOOP": {"noop-before-ehlo", "noop-keeps-transaction"}, "STARTTLS": {"starttls-inside-tls"},
		"HELO": {"pipeline-after-helo"},
	}
	may := func(verb, verdicts string) map[string]string {
		m := is()
		for _, id := range tested[verb] {
			m[id] = verdicts
		}
		return m
	}
	var all []deviation
	for _, verb := range []string{"EHLO", "MAIL", "RSET", "NOOP", "HELO", "RCPT", "DATA", "STARTTLS", "QUIT"} {
		blind := slices.Contains([]string{"EHLO", "MAIL", "RSET", "NOOP"}, verb)
		all = append(
			all,
			deviation{lapse: lab.Late(verb, 40*time.Second), blind: blind, is: may(verb, "broken|inconclusive"), lost: lost[verb]},
			deviation{lapse: lab.Swallow(verb), blind: blind, is: may(verb, "broken|dropped|inconclusive"), lost: lost[verb]},
			deviation{lapse: lab.HangUp(lab.Place{Verb: verb}, "421 4.3.2 Down"), named: "hang-up/" + verb + "/421 of the system", blind: blind, is: may(verb, hungUp(verb)), lost: lost[verb]},
			// NOOP is the last of its baseline, so that it is answered there at all.
			deviation{lapse: lab.Repeat(verb), blind: blind && verb != "NOOP", is: may(verb, "broken|inconclusive"), lost: append(lost[verb], "starttls-inside-tls")},
		)
		if verb != "MAIL" {
			all = append(all, deviation{lapse: lab.HangUp(lab.Place{Verb: verb}, ""), blind: blind, is: may(verb, hungUp(verb)), lost: lost[verb]})
		}
	}
	return append(
		all,
		// There are more sessions than the time for one receiver allows.
		deviation{lapse: lab.Late(lab.Greeting, 40*time.Second), lost: []string{"*"}},
		deviation{lapse: lab.Repeat(lab.Greeting), blind: true},
		deviation{lapse: lab.Swallow(lab.Greeting), blind: true},
		deviation{lapse: lab.HangUp(lab.Place{Verb: lab.Greeting}, "421 4.3.2 Down"), blind: true},
	)
}

// hungUp is what a check may say of a verb that is closed upon wherever it
// stands: DATA has no legal place that the probe may try, QUIT needs none, and
// nor does STARTTLS where TLS is there from the first octet.
func hungUp(verb string) string {
	switch verb {
	case "DATA", "QUIT":
		return "dropped"
	case "STARTTLS":
		return "dropped|inconclusive"
	}
	return "inconclusive"
}

// numberedDeviations hit the nth command of every session. A check whose own
// session always has its tested command there cannot know better.
func numberedDeviations() []deviation {
	var all []deviation
	for n := 1; n <= 12; n++ {
		all = append(
			all,
			deviation{lapse: lab.ResetAt(n), blind: n <= 4, may: "dropped", lost: []string{"*"}},
			deviation{lapse: lab.SwallowNth(n), blind: n <= 4, may: "broken", lost: []string{"*"}},
			deviation{box: swallowReply(n), named: "swallow-reply/" + number(n), may: "broken", lost: []string{"*"}},
			deviation{box: holdReply(n), named: "hold-reply/" + number(n), may: "broken", lost: []string{"*"}},
		)
	}
	return all
}

func number(n int) string { return string(rune('a' + n - 1)) }

// swallowReply loses the nth reply of every session, the greeting counted, and
// whatever comes with it.
func swallowReply(n int) *middlebox {
	return &middlebox{server: func(p *passage, octets string) string {
		if before := p.replies - replies(octets); before < n && p.replies >= n {
			return ""
		}
		return octets
	}}
}

// holdReply keeps the nth reply of every session back until the next one comes,
// and so on: everything after it is late by one.
func holdReply(n int) *middlebox {
	held := map[int]string{}
	return &middlebox{server: func(p *passage, octets string) string {
		if p.replies < n || strings.HasPrefix(octets, "220") && p.secure {
			return octets
		}
		late := held[p.number]
		held[p.number] = octets
		return late
	}}
}
