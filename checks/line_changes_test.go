package checks_test

import (
	"maps"

	"github.com/smtpprobe/smtpprobe/probe/lab"
)

// same are several checks with one verdict.
func same(verdict string, ids ...string) map[string]string {
	all := is()
	for _, id := range ids {
		all[id] = verdict
	}
	return all
}

// with joins what one lapse changes.
func with(all ...map[string]string) map[string]string {
	joined := is()
	for _, m := range all {
		maps.Copy(joined, m)
	}
	return joined
}

// ofVerb are the lapses of the table that make the reply to one verb unusable.
func ofVerb(verb string) []string {
	names := []string{
		"repeat/" + verb, "swallow/" + verb, "late/" + verb + "/40s",
		"flood-of-lines/" + verb, "flood-of-octets/" + verb, "flood-of-replies/" + verb,
	}
	for kind := range lab.Garbage() {
		if kind != "octets" && kind != "lone-lf" && kind != "code-alone" { // those can be read
			names = append(names, "garble/"+verb+"/"+kind)
		}
	}
	return names
}

var malformedChunks = []string{"bdat-malformed/no-size", "bdat-malformed/bad-size", "bdat-malformed/bad-marker"}

func chunkingChanges() map[string]map[string]string {
	const mail, rcpt, swallows, mixed, binary = "bdat-without-mail", "bdat-without-rcpt", "bdat-rejected-swallows", "data-after-bdat", "data-after-binarymime"
	closes := with(same("dropped", append(malformedChunks, mail, rcpt, binary)...), is(mixed, "inconclusive"))
	// A limit of time, not of the card.
	spent := "strict|correct|inconclusive"
	all := map[string]map[string]string{
		"hang-up/data":                   is(mixed, "inconclusive", binary, "dropped"),
		"hang-up/DATA/421 of the system": is(mixed, "inconclusive", binary, "dropped"),
		"refuse-by-policy/data":          same("inconclusive", mixed, binary),
		"reply/550/m/data":               is(binary, "inconclusive"),
		"replace-503/502":                same("deviant", mail, mixed, binary),
		"repeat/noop":                    is(mail, "broken"),
		// Of the octets of two chunks the first NOOP stands in a group, which the
		// strict receiver refuses with a close.
		"chunks-as-commands": is(mail, "broken", rcpt, "broken", swallows, "inconclusive|broken", mixed, "inconclusive"),
		"flush-after-error":  is(swallows, "broken"),
		"refuse-groups":      is(swallows, "inconclusive"),

		"close-after-errors/1":     with(closes, is(swallows, "inconclusive")),
		"close-after-errors/1/500": with(closes, is(swallows, "dropped|inconclusive")),
		"close-after-errors/1/521": with(closes, is(swallows, "dropped|inconclusive")),
		"close-after-errors/1/421": with(closes, is(swallows, "dropped")),
		"close-after-errors/2":     same("inconclusive", swallows, mixed),

		"tarpit-errors/40s": same(spent, append(malformedChunks, mail, rcpt, swallows, mixed, binary)...),
		"late/greeting/40s": same(spent, append(malformedChunks, mail, rcpt, swallows, mixed, binary)...),
	}
	for _, lapse := range ofVerb("data") {
		all[lapse] = same("broken", mixed, binary)
	}
	return all
}

func framingChanges() map[string]map[string]string {
	const mid, after, piped = "quit-mid-transaction", "command-after-quit", "pipelined-after-quit"
	const lf, cr, nul, empty, long = "bare-lf-command", "bare-cr-command", "nul-byte", "empty-line", "line-overlong"
	forms := []string{"mail-syntax/space-after-colon", "mail-syntax/no-brackets"}
	ends := []string{mid, after, piped, lf, cr, nul, empty, long, "line-512", "trailing-space"}
	silences := same("inconclusive", lf, cr, long)
	quit := is(mid, "dropped", after, "dropped", piped, "inconclusive")
	spent := "strict|correct|inconclusive"
	all := map[string]map[string]string{
		"hang-up/quit":                   quit,
		"hang-up/QUIT/421 of the system": same("dropped", mid, after, piped),
		"refuse-by-policy/quit":          is(mid, "overstrict|inconclusive", after, "inconclusive", piped, "inconclusive"),
		"stay-after-quit":                same("lenient", mid, after, piped),
		"silent-quit":                    same("broken", mid, after, piped),
		"refuse-groups":                  is(piped, "deviant|strict"), // strict where PIPELINING is not offered: the lapse is about that
		"take-bare-lf":                   is(lf, "lenient"),
		// Whoever answers NOOP twice cannot be told from whoever takes CR for a
		// line end.
		"repeat/noop":        with(same("broken", lf, nul, empty, long), is(cr, "lenient", "line-512", "inconclusive")),
		"garble/noop/octets": is(nul, "lenient"), "garble/noop/code-alone": is(nul, "lenient"), "garble/noop/lone-lf": is(nul, "lenient"),
		"late/noop/5s": silences,

		"close-after-errors/1":     same("dropped", append(forms, lf, cr, nul, empty)...),
		"close-after-errors/1/421": same("dropped", append(forms, lf, cr, nul, empty)...),
		"close-after-errors/1/500": same("dropped", forms...),
		"close-after-errors/1/521": same("dropped", append(forms, nul, empty)...),

		"tarpit-errors/40s": same(spent, ends...),
		"late/greeting/40s": same(spent, ends...),
	}
	// A reply that never comes makes every silence doubtful.
	for _, lapse := range []string{
		"swallow/rcpt", "late/rcpt/40s", "swallow/helo", "late/helo/40s", "garble/helo/unfinished", "garble/rcpt/unfinished",
	} {
		all[lapse] = silences
	}
	for _, lapse := range ofVerb("quit") {
		all[lapse] = same("broken", mid, after, piped)
	}
	// The receiver closes all the same; 250 and 500 are answers that can be read.
	all["swallow/quit"] = quit
	all["flood-of-replies/quit"] = is(mid, "broken|overstrict", after, "broken|inconclusive", piped, "broken")
	all["garble/quit/split-by-echo"] = is(mid, "broken|overstrict", after, "broken|inconclusive", piped, "deviant")
	return all
}
