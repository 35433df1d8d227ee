package checks_test

import (
	"testing"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
)

// kind is a receiver with the habits of a known server, all at once, and what
// the checks have to say of it; of what is not named it is strict.
type kind struct {
	lapses     []lab.Lapse
	extensions []string
	is         map[string]string
	violates   []string // the checks that say so
}

// tolerant are the habits of servers that mind nobody's haste.
func tolerant(more ...lab.Lapse) []lab.Lapse {
	return append(more, lab.AcceptEarlyTalk(), lab.AcceptGroups(), lab.AcceptInsideGroup("EHLO"))
}

func kinds() map[string]kind {
	startsTLS := lab.Accept{State: "M", Verb: "STARTTLS"}.Lapse() // and discards the transaction
	ungreeted := lab.Accept{State: "I", Verb: "MAIL"}.Lapse()
	ungreetedTLS := lab.Accept{State: "I", TLS: true, Verb: "MAIL"}.Lapse()
	return map[string]kind{
		"Postfix": {
			lapses: tolerant(ungreeted, ungreetedTLS, startsTLS, lab.ReplyAt(at("M", "DATA"), "554 5.5.1 Error: no valid recipients")),
			is: is(
				"early-talk-group", "lenient", "starttls-mid-transaction", "lenient",
				"mail-before-ehlo", "lenient", "tls-mail-without-ehlo", "lenient", "tls-transaction-survives", "strict",
				"early-talk", "lenient", "pipeline-after-helo", "lenient", "pipeline-ehlo-head", "lenient",
				"data-after-binarymime", "inconclusive", // 554 is what DATA without a recipient gets as well
			),
		},
		"Exim": {
			lapses:     []lab.Lapse{startsTLS, lab.AcceptEarlyTalk(), lab.AcceptGroups(), lab.AcceptInsideGroup("NOOP"), lab.AcceptInsideGroup("VRFY"), lab.CloseAfterErrors(4, "503 Too many syntax or protocol errors")},
			extensions: append(without(), "PIPECONNECT"),
			is: is(
				"early-talk-group", "not-applicable", "pipeline-sync-command-mid-group/noop", "lenient",
				"pipeline-sync-command-mid-group/vrfy", "lenient", "starttls-mid-transaction", "lenient",
				"tls-transaction-survives", "strict", "early-talk", "not-applicable", "pipeline-ehlo-head", "not-applicable",
				"pipeline-after-helo", "lenient",
			),
		},
		"OpenSMTPD": {
			lapses:     []lab.Lapse{lab.RefuseSecondHello(), lab.RefuseBeforeHello("RSET"), lab.AcceptEarlyTalk()},
			extensions: without("PIPELINING", "CHUNKING", "BINARYMIME"),
			is: is(
				"early-talk-group", "lenient", "pipeline-error-no-flush", "not-applicable", "pipeline-long-group", "not-applicable",
				"pipeline-sync-command-mid-group/noop", "not-applicable", "pipeline-sync-command-mid-group/vrfy", "not-applicable",
				"pipeline-data-group", "not-applicable",
				"ehlo-clears", "overstrict", "early-talk", "lenient", "pipeline-group", "not-applicable", "pipeline-unadvertised", "strict",
				"rset-before-ehlo", "overstrict", "ehlo-twice", "overstrict", "ehlo-after-helo", "overstrict", "helo-clears", "overstrict",
				"ehlo-no-argument", "deviant",
				"bdat-without-mail", "not-applicable", "bdat-without-rcpt", "not-applicable", "bdat-rejected-swallows", "not-applicable",
				"bdat-malformed/no-size", "not-applicable", "bdat-malformed/bad-size", "not-applicable", "bdat-malformed/bad-marker", "not-applicable",
				"bdat-unadvertised", "strict", "data-after-bdat", "not-applicable", "data-after-binarymime", "not-applicable",
				"body-binarymime-unadvertised", "strict",
			),
			violates: []string{"ehlo-clears", "rset-before-ehlo", "ehlo-twice", "ehlo-after-helo", "helo-clears"},
		},
		"go-smtp": {
			lapses: tolerant(notImplemented()[0], lab.AcceptNestedMail(), startsTLS),
			is: is(
				"early-talk-group", "lenient", "starttls-mid-transaction", "lenient", "starttls-before-ehlo", "deviant", "starttls-after-helo", "deviant",
				"mail-before-ehlo", "deviant", "rcpt-before-mail", "deviant", "data-before-mail", "deviant", "data-without-rcpt", "deviant",
				"nested-mail", "lenient", "tls-mail-without-ehlo", "deviant", "tls-transaction-survives", "deviant",
				"early-talk", "lenient", "pipeline-after-helo", "lenient", "pipeline-ehlo-head", "lenient",
				"rcpt-before-ehlo", "deviant", "data-before-ehlo", "deviant",
				"auth-before-ehlo", "deviant", "auth-mid-transaction", "deviant",
				"bdat-without-mail", "deviant", "data-after-bdat", "deviant", "data-after-binarymime", "deviant",
			),
			violates: []string{
				"rcpt-before-mail", "rcpt-before-ehlo", "tls-transaction-survives", "auth-mid-transaction", "bdat-without-mail",
				"data-after-bdat", "data-after-binarymime",
			},
		},
		"chasquid": {
			lapses: tolerant(
				ungreeted, lab.AcceptNestedMail(), lab.KeepAcrossHello(), lab.KeepHelloAcrossTLS(), startsTLS,
				lab.CloseAfterErrors(3, "421 4.5.0 Too many errors, bye"),
			),
			is: is(
				"early-talk-group", "lenient", "starttls-mid-transaction", "lenient",
				"mail-before-ehlo", "lenient", "nested-mail", "lenient", "ehlo-clears", "lenient", "helo-clears", "lenient", "tls-mail-without-ehlo", "lenient",
				"tls-transaction-survives", "strict", "early-talk", "lenient", "pipeline-after-helo", "lenient", "pipeline-ehlo-head", "lenient",
			),
			violates: []string{"ehlo-clears", "helo-clears"},
		},
	}
}

// TestKinds holds that habits which come together are told apart.
func TestKinds(t *testing.T) {
	strict, _ := ask(t, lab.Receiver{}, nil)
	for name, k := range kinds() {
		t.Run(name, func(t *testing.T) {
			a := askThrough(t, lab.Receiver{Lapses: k.lapses, Extensions: k.extensions}, nil, nil)
			sound(t, a)
			accused := map[string]bool{}
			for _, id := range k.violates {
				accused[id] = true
			}
			for i, got := range a.report.Results {
				id, want := got.Check.ID, strict.Results[i].Verdict.String()
				if changed, named := k.is[id]; named {
					want = changed
				}
				if got.Verdict.String() != want {
					t.Errorf("%s: got %s (%s), want %s", id, got.Verdict, got.Reason, want)
					show(t, got)
				}
				if violates := got.Conformance == probe.Violates; violates != accused[id] {
					t.Errorf("%s: got %s and %q, want violates: %v", id, got.Verdict, got.Conformance, accused[id])
				}
			}
		})
	}
}
