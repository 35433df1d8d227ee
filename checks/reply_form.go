package checks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// replyForm: the form of every reply of a run, whatever it answers.
func replyForm() []probe.Check {
	observation := func(c probe.Check) probe.Check {
		c.Group, c.Profile, c.Polarity, c.Level, c.Start = probe.GroupReplies, probe.Quick, probe.Observation, probe.Must, probe.Hello
		return c
	}
	return []probe.Check{
		observation(probe.Check{
			ID: "reply-syntax", Title: "every reply is well formed",
			Refs: []probe.Ref{"RFC 5321 4.2", "RFC 5321 4.2.1", "RFC 5321 2.3.8", "RFC 5321 4.5.3.1.5"},
			Norm: "A reply line is three digits, the first 2 to 5 and the second 0 to 5, then a space, a hyphen or nothing, " +
				"then printable ASCII; it ends in CR LF and has at most 512 octets.",
			Judge: probe.Judge{Find: observed("well-formed replies", replySyntax), Meanings: []probe.Meaning{
				{Verdict: probe.Correct, When: "every line of every reply that was heard in the run is well formed"},
				{Verdict: probe.Deviant, When: "a line ends in a lone LF, is longer than 512 octets, has octets that are not printable ASCII, or a code with a second digit above 5"},
				{Verdict: probe.Broken, When: "a line has no reply code, or one that does not begin with 2, 3, 4 or 5"},
				{Verdict: probe.Inconclusive, When: "not even the first control of the run was served"},
			}},
			Habit: probe.Habit{
				Name: "reads replies by the letter",
				Must: "read reply lines up to LF, however long, and go by their three digits",
			},
			Bites: "A sender that reads replies by the letter: it stops at a lone LF, cuts a line at 512 octets, or takes " +
				"words without a code for the end of the session.",
			Fix: "Read lines up to LF and ignore a CR before it, allow for more than 512 octets, and look at the three digits only.",
		}),
		observation(probe.Check{
			ID: "reply-multiline-code", Title: "all lines of one reply carry the same code",
			Refs: []probe.Ref{"RFC 5321 4.2.1"},
			Norm: "Every line of a reply begins with the same code; all but the last have a hyphen behind it.",
			Judge: probe.Judge{Find: observed("replies of several lines", replyLines), Meanings: []probe.Meaning{
				{Verdict: probe.Correct, When: "every reply of several lines has one code, and a last line"},
				{Verdict: probe.Broken, When: "the lines of a reply have different codes, or the last one never came"},
				{Verdict: probe.Inconclusive, When: "not even the first control of the run was served"},
				{Verdict: probe.NotApplicable, When: "no reply of several lines was heard"},
			}},
			Habit: probe.Habit{
				Name: "takes the code from any line of a reply",
				Must: "take the code from the last line of a reply",
			},
			Bites: "A sender that takes the code from the first line, or from the last one, or that reads on until a line with " +
				"a space comes: each sees another answer.",
			Fix: "Read up to the line with a space behind the code and use that line's code.",
		}),
		observation(probe.Check{
			ID: "one-reply-per-command", Title: "exactly one reply to each command",
			Refs: []probe.Ref{"RFC 5321 4.2", "RFC 5321 3.8"},
			Norm: "Every command gets exactly one reply. Only a 421 may come unasked.",
			Judge: probe.Judge{Find: oneReply, Meanings: []probe.Meaning{
				{Verdict: probe.Correct, When: "every command that was sent by itself in the run got one reply"},
				{Verdict: probe.Broken, When: "commands got two replies in two sessions or more, or a command got none in every session that sent it"},
				{Verdict: probe.Inconclusive, When: "a reply was missing or too many in one session only, or the receiver is slow with all replies"},
			}},
			Habit: probe.Habit{
				Name: "goes on after a missing or surplus reply",
				Must: "close the connection where replies and commands do not match",
			},
			Bites: "A sender that pipelines, or that reuses a connection: from the missing or surplus reply on it takes each " +
				"answer for that of another command.",
			Fix: "Count replies, and give up the connection at the first that does not fit.",
		}),
		observation(probe.Check{
			ID: "ehlo-response-syntax", Title: "the reply to EHLO is well formed",
			Refs: []probe.Ref{"RFC 5321 4.1.1.1", "RFC 5321 2.2.2", "RFC 6531 3.1", "RFC 3030 3"},
			Norm: "The first line names the server's domain; each further line is a keyword of letters, digits and hyphens, " +
				"and its parameters. No keyword comes twice with different parameters, some take none, SMTPUTF8 needs " +
				"8BITMIME and BINARYMIME needs CHUNKING.",
			Judge: probe.Judge{Find: observed("replies to EHLO", ehloSyntax), Meanings: []probe.Meaning{
				{Verdict: probe.Correct, When: "every reply to EHLO is well formed; an AUTH= with an equals sign is an old habit and no fault"},
				{Verdict: probe.Deviant, When: "there is no domain, a line is no keyword, or keywords contradict each other"},
				{Verdict: probe.Inconclusive, When: "not even the first control of the run was served"},
			}},
			Habit: probe.Habit{
				Name: "reads the reply to EHLO by the letter",
				Must: "use an extension only where its keyword stands on a line of its own",
			},
			Bites: "A sender that reads extensions by the letter: it misses one that is misspelt, or uses BINARYMIME where " +
				"there is no BDAT to send it with.",
			Fix: "Use an extension only where its keyword stands on a line of its own and all that it needs is offered too.",
		}),
	}
}

// replySyntax looks at the lines of one reply. What is wrong with several lines
// together is the affair of another check.
func replySyntax(session []probe.Exchange, i int, r smtp.Reply) probe.Finding {
	for _, l := range r.Lines {
		code, separator, text := l.Split()
		switch {
		case !l.Ended():
			return spares()
		case separator == 0:
			return broken("a line without a reply code")
		case code < 200 || code > 599:
			return broken("a code that does not begin with 2, 3, 4 or 5")
		case code/10%10 > 5:
			return wrong("a code with a second digit above 5")
		case l.LoneLF():
			return wrong("a line that ends in a lone LF")
		case len(l.Octets)+l.Cut > 512:
			return wrong(fmt.Sprintf("a line of %d octets", len(l.Octets)+l.Cut))
		case strings.ContainsFunc(text, func(c rune) bool { return c != '\t' && (c < ' ' || c > '~') }) && !international(session[i].Session):
			return wrong("octets that are not printable ASCII")
		}
	}
	return keeps()
}

// international reports a session in which the client asked for SMTPUTF8, so that
// replies may be in UTF-8 (RFC 6531 3.7.4.2).
func international(session probe.Transcript) bool {
	return slices.ContainsFunc(session, func(e probe.Event) bool {
		return e.From == probe.FromClient && strings.Contains(strings.ToUpper(e.Text), " SMTPUTF8")
	})
}

// replyLines looks at a reply of several lines. One that a close cut short says
// nothing.
func replyLines(session []probe.Exchange, i int, r smtp.Reply) probe.Finding {
	x := session[i]
	switch {
	case r.Fault == smtp.MixedCodes:
		return broken(string(r.Fault))
	case r.Fault == smtp.Unfinished && x.Ended == probe.NoteTimedOut && len(r.Lines) > 0:
		f := broken("the last line never came")
		f.Again = true // lost on its way, for all that one session tells
		return f
	case len(r.Lines) < 2 || r.Fault != "":
		return spares()
	}
	return keeps()
}

// ehloSyntax looks at a reply that accepts EHLO.
func ehloSyntax(session []probe.Exchange, i int, r smtp.Reply) probe.Finding {
	x := session[i]
	if x.Verb() != "EHLO" || r.Code != 250 || r.Fault != "" {
		return spares()
	}
	_, _, first := r.Lines[0].Split()
	if name, _, _ := strings.Cut(first, " "); !smtp.ValidDomainName(name) && !smtp.ValidAddressLiteral(name) {
		return wrong("the first line names no domain")
	}
	params := map[string]string{}
	for _, l := range r.Lines[1:] {
		_, _, text := l.Split()
		keyword, rest, _ := strings.Cut(strings.ToUpper(text), " ")
		if old, is := strings.CutPrefix(keyword, "AUTH="); is && old != "" {
			continue
		}
		switch said, twice := params[keyword]; {
		case !keywordForm(keyword):
			return wrong(fmt.Sprintf("a line that is no keyword: %q", smtp.Escape(text)))
		case twice && said != rest:
			return wrong(keyword + " comes twice, with different parameters")
		case rest != "" && slices.Contains(bare(), keyword):
			return wrong(keyword + " has a parameter, and takes none")
		}
		params[keyword] = rest
	}
	for _, pair := range [][2]string{{"SMTPUTF8", "8BITMIME"}, {"BINARYMIME", "CHUNKING"}} {
		_, offered := params[pair[0]]
		if _, with := params[pair[1]]; offered && !with {
			return wrong(pair[0] + " is offered without " + pair[1])
		}
	}
	return keeps()
}

// bare are the keywords that take no parameter, each by its RFC. Whether a
// keyword is registered at all nobody can tell for long: the registry grows
// without us, so that an unknown one is no fault here.
func bare() []string {
	return []string{"PIPELINING", "STARTTLS", "8BITMIME", "SMTPUTF8", "CHUNKING", "BINARYMIME", "ENHANCEDSTATUSCODES"}
}

// keywordForm reports an ehlo-keyword by RFC 5321 4.1.1.1.
func keywordForm(word string) bool {
	alone := func(c rune) bool { return c < '0' || c > '9' && c < 'A' || c > 'Z' }
	return word != "" && word[0] != '-' && !strings.ContainsFunc(word, func(c rune) bool { return c != '-' && alone(c) })
}
