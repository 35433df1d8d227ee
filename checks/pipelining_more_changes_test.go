package checks_test

import (
	"time"

	"github.com/smtpprobe/smtpprobe/probe/lab"
)

// groupsOfferedChanges are, by lapse, what the checks of the group rightly say.
func groupsOfferedChanges() map[string]map[string]string {
	const flush, long, data, early = "pipeline-error-no-flush", "pipeline-long-group", "pipeline-data-group", "early-talk-group"
	const noop, vrfy, verb, crlf = "pipeline-sync-command-mid-group/noop", "pipeline-sync-command-mid-group/vrfy", "split-line/mid-verb", "split-line/cr-lf"
	slow := on("strict|inconclusive", early, "early-talk", noop, vrfy, data)
	for _, id := range []string{flush, long, verb, crlf, "vrfy-reply"} {
		slow[id] = "correct|inconclusive"
	}
	all := map[string]map[string]string{
		lab.AcceptEarlyTalk().Name:         is(early, "lenient"),
		lab.AcceptInsideGroup("NOOP").Name: is(noop, "lenient"),
		lab.AcceptInsideGroup("VRFY").Name: is(vrfy, "lenient"),
		// pipeline-group names the recipient that cannot exist a second time to
		// confirm what it found: then it was named often enough (S5).
		lab.RefuseGroups().Name:    is(flush, "dropped", long, "dropped", data, "inconclusive"),
		lab.FlushAfterError().Name: is(flush, "broken", data, "inconclusive"),
		lab.Reorder().Name:         is(flush, "broken", data, "inconclusive"),

		lab.AcceptAnyRecipient().Name:                                              is(data, "not-applicable"),
		lab.RefuseByPolicy("DATA").Name:                                            is(data, "inconclusive"),
		lab.ReplyAt(lab.Place{State: "M", Verb: "DATA"}, "550 5.7.1 Not now").Name: is(data, "inconclusive"),
		lab.CloseAfterErrors(2, "").Name:                                           is(data, "inconclusive"),
		lab.TarpitErrors(40 * time.Second).Name:                                    slow,
		lab.Late(lab.Greeting, 40*time.Second).Name:                                slow,
	}
	// RCPT before MAIL is closed upon alone as well. 500 is named for groups, 521
	// for early talk.
	for reply, other := range map[string]map[string]string{
		"":                  is(early, "dropped", noop, "dropped", vrfy, "dropped"),
		"500 5.5.2 Go away": is(early, "dropped"),
		"521 5.5.0 Go away": is(noop, "dropped", vrfy, "dropped"),
		"421 4.5.0 Go away": is(early, "dropped", noop, "dropped", vrfy, "dropped"),
	} {
		other[flush], other[data] = "inconclusive", "inconclusive|not-applicable"
		all[lab.HangUpOnErrors(reply).Name] = other
	}
	all["close-after-errors/1/421 of policy"] = on("inconclusive|not-applicable", early, noop, vrfy, flush, data)
	for _, name := range unheard("DATA") {
		all[name] = is(data, "inconclusive|not-applicable")
	}
	for _, name := range unheard("RCPT") {
		all[name] = is(data, "inconclusive|not-applicable", flush, "inconclusive")
	}
	// NOOP is answered twice wherever it stands.
	all[lab.Repeat("NOOP").Name] = on("broken|inconclusive", verb, crlf)
	// The lapse garbles the refusal of NOOP in a group too: what is left is the close.
	for _, kind := range []string{"octets", "lone-lf", "code-alone"} {
		all[lab.Garble(kind, "NOOP", lab.Garbage()[kind]).Name] = is(noop, "dropped")
	}
	return all
}
