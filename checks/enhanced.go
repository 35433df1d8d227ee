package checks

import (
	"slices"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// enhanced: enhanced status codes, where they are offered. RFC 2034 is older than
// RFC 2119 and writes its "must" in small letters: a deviation, not a violation.
func enhanced() []probe.Check {
	observation := func(variant string, c probe.Check) probe.Check {
		c.ID = "enhanced-codes/" + variant
		c.Group, c.Profile, c.Polarity, c.Level, c.Start = probe.GroupReplies, probe.Quick, probe.Observation, probe.Should, probe.Hello
		c.Refs = []probe.Ref{"RFC 2034 4", "RFC 3463 2"}
		c.Needs = probe.Needs{Offered: []string{"ENHANCEDSTATUSCODES"}}
		c.Habit = probe.Habit{Name: "decides by enhanced codes", Must: "decide by the three digits of a reply, not by its enhanced code"}
		c.Fix = "Decide by the three-digit code; use the enhanced one only to explain."
		return c
	}
	judge := func(what string, at look, correct, deviant string) probe.Judge {
		return probe.Judge{Find: observed(what, at), Meanings: []probe.Meaning{
			{Verdict: probe.Correct, When: correct},
			{Verdict: probe.Deviant, When: deviant},
			{Verdict: probe.Inconclusive, When: "not even the first control of the run was served"},
			{Verdict: probe.NotApplicable, When: "ENHANCEDSTATUSCODES is not offered, or no such reply was heard behind an EHLO that offers it"},
		}}
	}
	return []probe.Check{
		observation("class", probe.Check{
			Title: "an enhanced code has the class of its reply",
			Norm:  "The first digit of an enhanced status code is that of the reply code: 2, 4 or 5.",
			Judge: judge("lines with an enhanced code", sameClass,
				"every enhanced code has the class of the reply code before it", "a line has an enhanced code of another class"),
			Bites: "A sender that decides by the enhanced code: it takes a 550 4.7.1 for a reason to try again.",
		}),
		observation("presence", probe.Check{
			Title: "every reply has an enhanced code",
			Norm: "Where enhanced status codes are offered, every reply of 2yz, 4yz and 5yz has one, but for the greeting and " +
				"the replies to EHLO and HELO.",
			Judge: judge("replies that must have an enhanced code", hasEnhanced,
				"every reply that must have an enhanced code has one", "a reply has none"),
			Bites: "A sender, or a reader of its logs, that sorts failures by enhanced codes: those without one end as unknown.",
		}),
		observation("multiline", probe.Check{
			Title: "every line of a reply has the same enhanced code",
			Norm:  "In a reply of several lines each begins with the same enhanced status code.",
			Judge: judge("replies of several lines with an enhanced code", sameOnAllLines,
				"every line of every such reply has the same enhanced code", "a line has another enhanced code than the first, or none"),
			Bites: "A sender that takes the enhanced code from the last line, or cuts the same number of octets from every line.",
		}),
	}
}

// coded are the replies that an enhanced code is due to. One that came before,
// where none is due, may be that reply again: somebody on the way repeats it.
func coded(session []probe.Exchange, i int, r smtp.Reply) bool {
	x := session[i]
	if x.Session.Has(probe.NoteShifted) || r.Fault != "" || r.Class() == 3 || !x.Offered.Has("ENHANCEDSTATUSCODES") || hails(x) {
		return false
	}
	for _, before := range session[:i] {
		if slices.ContainsFunc(before.Replies, func(b smtp.Reply) bool { return slices.Equal(b.Lines, r.Lines) }) && hails(before) {
			return false
		}
	}
	return true
}

// hails reports an exchange whose replies need no enhanced code: the greeting,
// EHLO and HELO.
func hails(x probe.Exchange) bool {
	return x.Opens || slices.ContainsFunc(x.Verbs(), func(verb string) bool { return verb == "EHLO" || verb == "HELO" })
}

func sameClass(session []probe.Exchange, i int, r smtp.Reply) probe.Finding {
	if !coded(session, i, r) || !r.Enhanced().Present() {
		return spares()
	}
	for _, l := range r.Lines {
		_, _, text := l.Split()
		if e, ok := smtp.ParseEnhanced(text); ok && e.Class != r.Class() {
			return wrong("an enhanced code of another class than the reply code: " + e.String())
		}
	}
	return keeps()
}

func hasEnhanced(session []probe.Exchange, i int, r smtp.Reply) probe.Finding {
	switch {
	case !coded(session, i, r):
		return spares()
	case !r.Enhanced().Present():
		return wrong("a reply without an enhanced code")
	}
	return keeps()
}

func sameOnAllLines(session []probe.Exchange, i int, r smtp.Reply) probe.Finding {
	if !coded(session, i, r) || len(r.Lines) < 2 || !r.Enhanced().Present() {
		return spares()
	}
	for _, l := range r.Lines {
		_, _, text := l.Split()
		if e, _ := smtp.ParseEnhanced(text); e != r.Enhanced() {
			return wrong("a line without the enhanced code of the others, " + r.Enhanced().String())
		}
	}
	return keeps()
}
