package checks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// verbsSeen: whether what EHLO lists is there.
func verbsSeen() []probe.Check {
	return []probe.Check{{
		ID: "advertised-verbs-work", Title: "no listed command is unknown",
		Group: probe.GroupExtensions, Profile: probe.Quick, Polarity: probe.Observation, Level: probe.Must,
		Refs:  []probe.Ref{"RFC 5321 4.2.4", "RFC 5321 4.1.1.1"},
		Norm:  "A server must not list in its reply to EHLO what it answers with 500 or 502.",
		Needs: probe.Needs{Checks: []string{probe.RcptBeforeMail}}, Start: probe.Hello,
		Judge: probe.Judge{Find: findVerbs, Meanings: []probe.Meaning{
			{Verdict: probe.Correct, When: "STARTTLS, BDAT, AUTH, HELP and VRFY, as far as they are listed and were sent, were not answered 500 or 502"},
			{Verdict: probe.Deviant, When: "one of them is listed and answered 500 or 502"},
			{Verdict: probe.Inconclusive, When: "none that is listed was sent in its place, or the answer is the one to any command out of order"},
			{Verdict: probe.NotApplicable, When: "none of them is listed"},
		}},
		Habit: probe.Habit{
			Name: "uses whatever EHLO lists",
			Must: "go on without an extension whose command is answered 500 or 502",
		},
		Bites: "A sender that believes the list: it prefers BDAT or AUTH because it is there, and fails.",
		Fix:   "Take 500 or 502 to an extension for an extension that is not offered, and go on without it.",
	}}
}

// findVerbs goes over the commands of extensions that were sent where they are
// listed.
func findVerbs(ev probe.Evidence) probe.Finding {
	var used []string
	var last *probe.Exchange
	orders, doubt := order(ev.Heard), ""
	for _, session := range ev.Heard {
		verb := "" // of the command before
		for _, x := range session {
			keyword := listed(x, verb)
			verb = x.Verb()
			if keyword == "" || len(x.Replies) == 0 || x.Replies[0].Fault != "" || x.Replies[0].Class() == 4 {
				continue
			}
			r := x.Replies[0]
			unknown := r.Code == 500 || r.Code == 502
			if unknown && keyword == "CHUNKING" && (len(orders) == 0 || slices.Contains(orders, r.Code)) {
				if len(orders) == 0 { // no BDAT of ours is in its place
					doubt = "BDAT is answered " + probe.Brief(r) + ", and nobody knows what is out of order here"
				}
				continue
			}
			if unknown {
				f := probe.Found(probe.Deviant, r, keyword+" is listed and answered as unknown")
				f.Seen = &x
				return f
			}
			if !slices.Contains(used, keyword) {
				used, last = append(used, keyword), &x
			}
		}
	}
	if doubt != "" {
		return probe.Unknown(doubt)
	}
	if len(used) == 0 {
		if !slices.ContainsFunc(verbKeywords(), func(k string) bool { return ev.Facts.Offered.Has(k) || ev.Facts.OfferedTLS.Has(k) }) {
			return probe.Absent("none is listed of " + strings.Join(verbKeywords(), ", "))
		}
		return probe.Unknown("no command of an extension that is listed was answered in its place")
	}
	slices.Sort(used)
	return probe.Finding{Verdict: probe.Correct, Reason: fmt.Sprintf("answered: %s", strings.Join(used, ", ")), Seen: last}
}

// verbKeywords are the keywords that promise a command.
func verbKeywords() []string { return []string{"STARTTLS", "CHUNKING", "AUTH", "HELP", "VRFY"} }

// order are the codes that this receiver gives to RCPT and DATA without MAIL, by any
// machine that was met; one that closes gives none.
func order(heard [][]probe.Exchange) []int {
	var codes []int
	for _, session := range heard {
		for i, x := range session {
			early := i > 0 && slices.Contains([]string{"RCPT", "DATA"}, x.Verb()) && slices.Contains([]string{"EHLO", "RSET"}, session[i-1].Verb())
			if early && len(x.Replies) > 0 {
				codes = append(codes, x.Replies[0].Code)
			}
		}
	}
	return codes
}

// listed is the keyword by which the command of an exchange is listed; empty
// where it is not, or where the command is out of place.
func listed(x probe.Exchange, before string) string {
	command, _ := x.Command()
	keyword := ""
	switch verb := x.Verb(); {
	case verb == "STARTTLS" && command == "STARTTLS" && before == "EHLO":
		keyword = "STARTTLS"
	case wellFormedChunk(x.Sent):
		keyword = "CHUNKING"
	case verb == "HELP", verb == "VRFY":
		keyword = verb
	case verb == "AUTH" && slices.Contains([]string{"EHLO", "RSET"}, before) && slices.Contains(x.Offered.Params("AUTH"), strings.ToUpper(strings.TrimPrefix(command, "AUTH "))):
		keyword = "AUTH"
	}
	if x.Offered.Has(keyword) {
		return keyword
	}
	return ""
}

// wellFormedChunk reports a write that begins with BDAT as RFC 3030 2 has it: to
// another one 500 is a word on its form.
func wellFormedChunk(sent string) bool {
	line, _, _ := strings.Cut(sent, "\r\n")
	command := smtp.ParseCommand(line)
	_, ok := command.Chunk()
	return command.Verb == "BDAT" && ok
}
