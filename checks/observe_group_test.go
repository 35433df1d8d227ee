package checks_test

import (
	"slices"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/probe/run"
)

// observeGroup are the checks that look at what other checks heard, and the one
// about a greeting that refuses.
func observeGroup() group {
	nowhere := map[string]string{"greeting-refusal": "what a refusing greeting leaves is a state of its own, J, into which no script leads the reference"}
	for _, c := range checks.All() {
		if c.Observes() {
			nowhere[c.ID] = "it sends nothing"
		}
	}
	return group{
		rows:    slices.Concat(greetingFormRows(), refusedRows(), seenRows(), replyFormRows(), enhancedRows()),
		nowhere: nowhere,
		changes: observedChanges(),
	}
}

// says is a receiver with one reply of its own to VRFY, wherever it stands: no
// control sends it, so that the run goes on.
func says(reply string) []lab.Lapse { return answers(lab.Place{Verb: "VRFY"}, reply) }

// blocked are the rows of checks that nothing is known of where the receiver
// refuses at once.
func blocked(ids ...string) []row {
	var rows []row
	for _, id := range ids {
		rows = append(rows, row{check: id, name: "554 as the greeting", lapses: []lab.Lapse{lab.RefuseClient()}, verdict: probe.Inconclusive, reason: "the greeting was 554"})
	}
	return rows
}

// greets answers connections that stand in the list with something else than a
// receiver of the lab would.
func greets(line string, connections ...int) *middlebox {
	return &middlebox{opens: func(p *passage) bool {
		if slices.Contains(connections, p.number) {
			p.say(line)
			return true
		}
		return false
	}}
}

func greetingFormRows() []row {
	const id = "greeting-format"
	opens := func(kind, octets string) []lab.Lapse { return []lab.Lapse{lab.Garble(kind, lab.Greeting, octets)} }
	return append(
		blocked(id),
		row{check: id, name: "220 and a domain", verdict: probe.Correct, says: conforms()},
		row{check: id, name: "an address literal", lapses: opens("literal", "220 [192.0.2.1] ready\r\n"), verdict: probe.Correct, says: conforms()},
		row{check: id, name: "an underscore", lapses: opens("underscore", "220 mail_1.example ESMTP\r\n"), verdict: probe.Deviant, says: deviates()},
		row{check: id, name: "nothing behind the code", lapses: opens("code-alone", "220\r\n"), verdict: probe.Deviant, says: deviates()},
		row{check: id, name: "stars of a firewall", lapses: opens("stars", "220 ************\r\n"), verdict: probe.Deviant, says: deviates()},
		// The second connection is that of a control, which is asked again once.
		row{check: id, name: "no code, on some connections", box: greets("Welcome", 2, 3), among: true, verdict: probe.Broken, says: deviates()},
	)
}

func refusedRows() []row {
	const id = "greeting-refusal"
	opens, noop, quit := lab.Place{Verb: lab.Greeting}, at("J", "NOOP"), at("J", "QUIT")
	refused := func(name string, v probe.Verdict, says []probe.Conformance, more ...lab.Lapse) row {
		return row{check: id, name: name, lapses: append(more, lab.RefuseClient()), verdict: v, says: says}
	}
	never := func(name string, v probe.Verdict, says []probe.Conformance, more ...lab.Lapse) row {
		return row{check: id, name: name, lapses: append(more, lab.NeverTakesMail()), verdict: v, says: says}
	}
	return []row{
		{check: id, name: "220", verdict: probe.NotApplicable, reason: "the greeting was 220"},
		{check: id, name: "421", lapses: hangsUp(opens, "421 4.3.2 Down"), verdict: probe.Inconclusive, reason: "the greeting was 421"},
		{check: id, name: "450", lapses: answers(opens, "450 4.3.2 Later"), verdict: probe.Inconclusive, reason: "the greeting was 450"},
		refused("554, NOOP 503, QUIT 221", probe.Correct, conforms()),
		refused("554, NOOP 554", probe.Correct, conforms(), answers(noop, "554 5.7.1 No")...),
		refused("554, NOOP 550", probe.Overstrict, violates(), answers(noop, "550 5.7.1 No")...),
		refused("554, NOOP 521", probe.Overstrict, violates(), answers(noop, "521 5.7.1 No")...),
		refused("554, NOOP 250", probe.Lenient, violates(), answers(noop, "250 2.0.0 Ok")...),
		refused("554, QUIT 503", probe.Overstrict, violates(), answers(quit, "503 5.7.0 No")...),
		refused("554, no code to NOOP", probe.Broken, violates(), answers(noop, "Hello")...),
		refused("554, closed at NOOP", probe.Dropped, violates(), hangsUp(noop, "")...),
		refused("554, closed at QUIT", probe.Dropped, violates(), hangsUp(quit, "")...),
		{check: id, name: "554 and closed", lapses: hangsUp(opens, "554 5.7.1 No"), verdict: probe.Dropped, says: violates()},
		never("521, NOOP 503", probe.Correct, conforms()),
		never("521, NOOP 521", probe.Correct, conforms(), answers(noop, "521 5.3.2 No mail here")...),
		never("521, closed at NOOP", probe.Dropped, conforms(), hangsUp(noop, "")...),
		{check: id, name: "521 and closed", lapses: hangsUp(opens, "521 5.3.2 No mail here"), verdict: probe.Dropped, says: conforms()},
	}
}

func seenRows() []row {
	const again, silence, demand, verbs = "starttls-advertised-inside-tls", "tls-no-second-greeting", "starttls-required-on-mx", "advertised-verbs-work"
	demanded := []lab.Lapse{lab.DemandTLS()}
	rcpt := lab.Place{State: "M", Verb: "RCPT"}
	var rows []row
	for _, id := range []string{again, silence} {
		rows = append(rows,
			row{check: id, name: "strict", verdict: probe.Correct, says: conforms()},
			row{check: id, name: "strict, all inside TLS", tls: run.StartTLS, verdict: probe.Correct, says: conforms()},
			row{check: id, name: "no handshake", lapses: []lab.Lapse{lab.FailHandshakes()}, verdict: probe.Inconclusive, reason: "handshake fails"},
			row{check: id, name: "no STARTTLS", extensions: without("STARTTLS"), verdict: probe.NotApplicable, reason: "STARTTLS is not offered"},
			row{check: id, name: "TLS from the first octet", implicit: true, verdict: probe.NotApplicable, reason: "first octet"},
		)
	}
	return append(
		rows,
		row{check: again, name: "listed again", lapses: []lab.Lapse{lab.ListSTARTTLSInsideTLS()}, verdict: probe.Lenient, says: violates()},
		row{check: silence, name: "220 inside TLS", lapses: []lab.Lapse{lab.GreetInsideTLS()}, verdict: probe.Broken, says: violates()},
		row{check: silence, name: "220 inside TLS, late", lapses: []lab.Lapse{lab.GreetInsideTLSAfter(3 * time.Second)}, verdict: probe.Broken, says: violates()},
		row{check: silence, name: "220 inside TLS, all inside TLS", tls: run.StartTLS, lapses: []lab.Lapse{lab.GreetInsideTLS()}, verdict: probe.Inconclusive, reason: "no command asked for"},

		row{check: demand, name: "strict", verdict: probe.Correct, says: conforms()},
		row{check: demand, name: "MAIL 530", lapses: demanded, verdict: probe.Deviant, says: violates()},
		row{check: demand, name: "RCPT 530", among: true, lapses: answers(rcpt, "530 5.7.0 Must issue a STARTTLS command first"), verdict: probe.Deviant, says: violates()},
		row{check: demand, name: "RCPT 530, nothing else asked", lapses: answers(rcpt, "530 5.7.0 Must issue a STARTTLS command first"), verdict: probe.Deviant, says: violates()},
		row{check: demand, name: "RCPT 550, encryption needed", lapses: answers(rcpt, "550 5.7.10 Encryption needed"), verdict: probe.Deviant, says: violates()},
		row{check: demand, name: "RCPT 530, for a login", lapses: answers(rcpt, "530 5.7.1 SMTP authentication is required"), verdict: probe.Inconclusive, reason: "another reason"},
		row{check: demand, name: "RCPT 530, encryption", lapses: answers(rcpt, "530 5.7.0 Encryption required"), verdict: probe.Deviant, says: violates()},
		row{check: demand, name: "RCPT 530, for a login behind TLS", lapses: answers(rcpt, "530 5.7.1 SMTP AUTH required, and TLS before it"), verdict: probe.Inconclusive, reason: "another reason"},
		row{check: demand, name: "RCPT 530, and a name with TLS in it", lapses: answers(rcpt, "530 5.7.1 <postmaster@tls.example>: log in first"), verdict: probe.Inconclusive, reason: "another reason"},
		row{check: demand, name: "RCPT 450, later", lapses: answers(rcpt, "450 4.3.2 Later"), verdict: probe.Inconclusive, reason: "another reason"},
		row{check: demand, name: "RCPT 550 of policy", lapses: answers(rcpt, "550 5.7.1 You are on a list"), verdict: probe.Inconclusive, reason: "another reason"},
		row{check: demand, name: "RCPT 550 of a mailbox", lapses: answers(rcpt, "550 5.1.1 No such mailbox"), verdict: probe.Correct, says: conforms()},
		row{check: demand, name: "MAIL 530 in clear and inside TLS", lapses: answers(lab.Place{Verb: "MAIL"}, "530 5.7.0 Authentication required"), verdict: probe.Inconclusive, reason: "530"},
		row{check: demand, name: "530, and no STARTTLS", lapses: demanded, extensions: without("STARTTLS"), verdict: probe.Inconclusive, reason: "530"},
		row{check: demand, name: "all inside TLS", tls: run.StartTLS, verdict: probe.NotApplicable, reason: "nothing in clear"},
		row{check: demand, name: "TLS from the first octet", implicit: true, verdict: probe.NotApplicable, reason: "first octet"},

		row{check: verbs, name: "strict", among: true, verdict: probe.Correct, says: conforms(), reason: "AUTH, CHUNKING, STARTTLS"},
		row{check: verbs, name: "VRFY is listed and 502", among: true, extensions: append(defaults(), "VRFY"), lapses: says("502 5.5.1 No"), verdict: probe.Deviant, says: violates()},
		row{check: verbs, name: "VRFY is not listed and 502", among: true, lapses: says("502 5.5.1 No"), verdict: probe.Correct, says: conforms()},
		row{check: verbs, name: "BDAT is listed and 500", among: true, lapses: answers(lab.Place{Verb: "BDAT"}, "500 5.5.2 What?"), verdict: probe.Deviant, says: violates()},
		row{check: verbs, name: "STARTTLS is listed and 502", among: true, lapses: answers(at("E", "STARTTLS"), "502 5.5.1 No"), verdict: probe.Deviant, says: violates()},
		row{check: verbs, name: "502 is the word for out of order", among: true, extensions: []string{"CHUNKING"}, lapses: append(notImplemented(), answers(lab.Place{Verb: "BDAT"}, "502 5.5.1 No")...), verdict: probe.Inconclusive, reason: "no command of an extension"},
		row{check: verbs, name: "502 is the word for out of order, one check asked", extensions: []string{"CHUNKING"}, lapses: append(notImplemented(), answers(lab.Place{Verb: "BDAT"}, "502 5.5.1 No")...), verdict: probe.Inconclusive, reason: "no command of an extension"},
		row{check: verbs, name: "454", among: true, extensions: []string{"STARTTLS"}, lapses: answers(at("E", "STARTTLS"), "454 4.7.0 Later"), verdict: probe.Inconclusive, reason: "no command of an extension"},
		row{check: verbs, name: "nothing is listed", extensions: []string{}, verdict: probe.NotApplicable, reason: "none is listed"},
	)
}

func replyFormRows() []row {
	const syntax, lines, count, ehlo = "reply-syntax", "reply-multiline-code", "one-reply-per-command", "ehlo-response-syntax"
	long := make([]byte, 600)
	for i := range long {
		long[i] = 'x'
	}
	vrfy := func(kind, octets string) []lab.Lapse { return []lab.Lapse{lab.Garble(kind, "VRFY", octets)} }
	lists := func(line string) []lab.Lapse { return []lab.Lapse{lab.List(line)} }
	return append(
		blocked(syntax, lines, ehlo),
		row{check: syntax, name: "strict", among: true, verdict: probe.Correct, says: conforms()},
		row{check: syntax, name: "code alone", among: true, lapses: says("252"), verdict: probe.Correct, says: conforms()},
		row{check: syntax, name: "a lone LF", among: true, lapses: vrfy("lone-lf", "252 2.0.0 Cannot\n"), verdict: probe.Deviant, says: violates()},
		row{check: syntax, name: "600 octets", among: true, lapses: says("252 2.0.0 " + string(long)), verdict: probe.Deviant, says: violates()},
		row{check: syntax, name: "beyond ASCII", among: true, lapses: says("252 2.0.0 ma\xc3\xb1ana"), verdict: probe.Deviant, says: violates()},
		row{check: syntax, name: "a second digit of 8", among: true, lapses: says("282 2.0.0 Cannot"), verdict: probe.Deviant, says: violates()},
		row{check: syntax, name: "no code", among: true, lapses: says("Hello there"), verdict: probe.Broken, says: violates()},
		row{check: syntax, name: "a first digit of 9", among: true, lapses: says("950 Hello there"), verdict: probe.Broken, says: violates()},

		row{check: lines, name: "strict", verdict: probe.Correct, says: conforms()},
		row{check: lines, name: "two codes", among: true, lapses: says("252-2.0.0 One\r\n250 2.0.0 Two"), verdict: probe.Broken, says: violates()},
		row{check: lines, name: "no last line", among: true, lapses: says("252-2.0.0 One\r\n252-2.0.0 Two"), verdict: probe.Broken, says: violates()},
		row{check: lines, name: "no last line once", among: true, box: once("VRFY postmaster\r\n", "252-2.0.0 One"), verdict: probe.Inconclusive, reason: "one session only"},
		row{check: lines, name: "one line each", extensions: []string{}, verdict: probe.NotApplicable, reason: "replies of several lines"},

		row{check: count, name: "strict", among: true, verdict: probe.Correct, says: conforms()},
		row{check: count, name: "two replies to VRFY", among: true, lapses: says("252 2.0.0 One\r\n252 2.0.0 Two"), verdict: probe.Broken, says: violates()},
		row{check: count, name: "no reply to VRFY", among: true, lapses: []lab.Lapse{lab.Swallow("VRFY")}, verdict: probe.Broken, says: violates()},
		row{check: count, name: "no reply to RCPT before MAIL, and one behind it", among: true, lapses: []lab.Lapse{lab.SwallowAt(at("E", "RCPT"))}, verdict: probe.Broken, says: violates()},
		row{check: count, name: "no reply to DATA", among: true, lapses: []lab.Lapse{lab.Swallow("DATA")}, verdict: probe.Broken, says: violates()},
		row{check: count, name: "no reply behind an error, as in a tarpit", among: true, lapses: says("502 5.5.1 No"), box: behindVRFY(), verdict: probe.Correct, says: conforms()},
		row{check: count, name: "421 behind a reply", among: true, lapses: says("252 2.0.0 One\r\n421 4.3.2 Down"), verdict: probe.Correct, says: conforms()},
		row{check: count, name: "two replies once", among: true, box: once("VRFY postmaster\r\n", "252 2.0.0 One", "252 2.0.0 Two"), verdict: probe.Inconclusive, reason: "seen once"},
		row{check: count, name: "no reply now and then", among: true, box: onTurns("VRFY postmaster\r\n", 2), verdict: probe.Inconclusive, reason: "not every time"},

		row{check: ehlo, name: "strict", verdict: probe.Correct, says: conforms()},
		row{check: ehlo, name: "an equals sign", lapses: lists("SIZE=1000"), verdict: probe.Deviant, says: violates()},
		row{check: ehlo, name: "AUTH and AUTH=", lapses: lists("AUTH=PLAIN"), verdict: probe.Correct, says: conforms()},
		row{check: ehlo, name: "a keyword that nobody knows", lapses: lists("ZZPROBE now"), verdict: probe.Correct, says: conforms()},
		row{check: ehlo, name: "twice, and otherwise", lapses: lists("SIZE 1000"), verdict: probe.Deviant, says: violates()},
		row{check: ehlo, name: "twice the same", lapses: lists("DSN"), verdict: probe.Correct, says: conforms()},
		row{check: ehlo, name: "a parameter too many", lapses: lists("STARTTLS now"), verdict: probe.Deviant, says: violates()},
		row{check: ehlo, name: "BINARYMIME alone", extensions: without("BINARYMIME", "CHUNKING"), lapses: lists("BINARYMIME"), verdict: probe.Deviant, says: violates()},
		row{check: ehlo, name: "SMTPUTF8 alone", extensions: without("8BITMIME"), lapses: lists("SMTPUTF8"), verdict: probe.Deviant, says: violates()},
		row{check: ehlo, name: "no domain", lapses: []lab.Lapse{lab.Garble("no-domain", "EHLO", "250 at_your_service\r\n")}, verdict: probe.Deviant, says: violates()},
	)
}

// behindVRFY never lets the command behind VRFY be answered.
func behindVRFY() *middlebox {
	return &middlebox{client: func(p *passage, _ string) fate {
		if n := len(p.said); n > 1 && p.said[n-2] == "VRFY postmaster\r\n" {
			return keep
		}
		return forward
	}}
}

// once answers the first such line with these.
func once(line string, replies ...string) *middlebox { return onTurns(line, 1, replies...) }

// onTurns answers such a line with these on so many turns, from the first on.
func onTurns(line string, turns int, replies ...string) *middlebox {
	return &middlebox{client: func(p *passage, octets string) fate {
		if octets != line || turns == 0 {
			return forward
		}
		turns--
		if len(replies) > 0 {
			p.say(replies...)
		}
		return keep
	}}
}

func enhancedRows() []row {
	const class, presence, multiline = "enhanced-codes/class", "enhanced-codes/presence", "enhanced-codes/multiline"
	plainly := []lab.Lapse{lab.SayPlainly()}
	rows := blocked(class, presence, multiline)
	for _, id := range []string{class, presence, multiline} {
		rows = append(rows, row{check: id, name: "not offered", extensions: without("ENHANCEDSTATUSCODES"), verdict: probe.NotApplicable, reason: "ENHANCEDSTATUSCODES is not offered"})
	}
	return append(
		rows,
		row{check: class, name: "strict", among: true, verdict: probe.Correct, says: conforms()},
		row{check: class, name: "4 behind 252", among: true, lapses: says("252 4.0.0 Cannot"), verdict: probe.Deviant, says: deviates()},
		row{check: class, name: "none at all", lapses: plainly, verdict: probe.NotApplicable, reason: "lines with an enhanced code"},
		row{check: presence, name: "strict", among: true, verdict: probe.Correct, says: conforms()},
		row{check: presence, name: "none in one", among: true, lapses: says("252 Cannot"), verdict: probe.Deviant, says: deviates()},
		row{check: presence, name: "none at all", lapses: plainly, verdict: probe.Deviant, says: deviates()},
		row{check: multiline, name: "the same in both", among: true, lapses: says("252-2.0.0 One\r\n252 2.0.0 Two"), verdict: probe.Correct, says: conforms()},
		row{check: multiline, name: "in the first only", among: true, lapses: says("252-2.0.0 One\r\n252 Two"), verdict: probe.Deviant, says: deviates()},
		row{check: multiline, name: "another in the second", among: true, lapses: says("252-2.0.0 One\r\n252 2.1.0 Two"), verdict: probe.Deviant, says: deviates()},
		row{check: multiline, name: "no such reply", lapses: plainly, verdict: probe.NotApplicable, reason: "replies of several lines"},
	)
}

// observedChanges are what the lapses of the lab show to observations.
func observedChanges() map[string]map[string]string {
	return map[string]map[string]string{
		"greet-inside-tls":                     is("tls-no-second-greeting", "broken"),
		"greylist":                             is("starttls-required-on-mx", "inconclusive"),
		"demand-tls":                           is("starttls-required-on-mx", "deviant"),
		"list-starttls-inside-tls":             is("starttls-advertised-inside-tls", "lenient"),
		"refuse-client":                        is("greeting-refusal", "correct"),
		"never-takes-mail":                     is("greeting-refusal", "correct"),
		"554 and then 503 5.7.0 to everything": is("greeting-refusal", "correct"),
		"silent-quit":                          is("one-reply-per-command", "broken"),
	}
}

// observeDeviations are the lapses that were made for observations.
func observeDeviations() []deviation {
	return []deviation{
		{lapse: lab.SayPlainly(), is: is("enhanced-codes/presence", "deviant", "enhanced-codes/class", "not-applicable")},
		{lapse: lab.List("BINARYMIME")}, // it is offered already, and twice the same is no fault
		{lapse: lab.List("SIZE=1000"), is: is("ehlo-response-syntax", "deviant")},
	}
}

// TestSubmissionDemandsTLS holds that a port of submission may demand TLS.
func TestSubmissionDemandsTLS(t *testing.T) {
	rec := record(probe.Clear, defaults()...)
	all := checks.All()
	for port, want := range map[uint16]probe.Verdict{0: probe.Correct, 25: probe.Correct, 2525: probe.Correct, 587: probe.NotApplicable, 465: probe.NotApplicable} {
		rec.Port = port
		if got := probe.Decide(probe.CheckByID(all, "starttls-required-on-mx"), all, rec); got.Verdict != want {
			t.Errorf("port %d: got %s (%s), want %s", port, got.Verdict, got.Reason, want)
		}
	}
}
