package checks

import (
	"slices"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// starttlsSeen: what shows of STARTTLS in the replies to other commands.
func starttlsSeen() []probe.Check {
	return []probe.Check{
		{
			ID: "starttls-advertised-inside-tls", Title: "STARTTLS is not listed inside TLS",
			Group: probe.GroupStartTLS, Profile: probe.Quick, Polarity: probe.Observation, Level: probe.Must,
			Refs:  []probe.Ref{"RFC 3207 4.2"},
			Norm:  "A server must not list STARTTLS in the reply to an EHLO that comes after the TLS handshake.",
			Needs: probe.Needs{Upgrade: true, Secured: true}, Start: probe.Hello,
			Judge: probe.Judge{Find: observed("replies to EHLO inside TLS", listsAgain), Meanings: []probe.Meaning{
				{Verdict: probe.Correct, When: "no EHLO inside TLS is answered with STARTTLS in the list"},
				{Verdict: probe.Lenient, When: "STARTTLS is listed inside TLS"},
				{Verdict: probe.Inconclusive, When: "no EHLO inside TLS was served"},
				{Verdict: probe.NotApplicable, When: "STARTTLS is not offered, or TLS is there from the first octet"},
			}},
			Habit: probe.Habit{
				Name: "STARTTLS wherever it is listed",
				Must: "remember that the connection is inside TLS, and send no STARTTLS there",
			},
			Misleads: true,
			Bites:    "A sender that starts TLS whenever it is listed: it begins a second handshake inside the first.",
			Fix:      "Remember that the connection is inside TLS, and never send STARTTLS there.",
		},
		{
			ID: "tls-no-second-greeting", Title: "no greeting comes inside TLS",
			Group: probe.GroupStartTLS, Profile: probe.Quick, Polarity: probe.Observation, Level: probe.Must,
			Refs: []probe.Ref{"RFC 3207 4.2"},
			Norm: "After the handshake the session is where it was behind the 220 greeting. The client speaks next; " +
				"nothing is sent before it does.",
			Needs: probe.Needs{Upgrade: true}, Start: probe.Hello,
			Judge: probe.Judge{Find: findSilence, Meanings: []probe.Meaning{
				{Verdict: probe.Correct, When: "nothing comes for a second behind the handshake of the control"},
				{Verdict: probe.Broken, When: "something does, so that every reply behind it is off by one"},
				{Verdict: probe.Inconclusive, When: "the control did not get so far"},
				{Verdict: probe.NotApplicable, When: "STARTTLS is not offered, or TLS is there from the first octet"},
			}},
			Bites: "Every sender that is right: it takes the second greeting for the reply to EHLO, and from then on each reply " +
				"for that of the next command.",
			Fix: "Nothing a sender should do; the receiver, or a TLS proxy before it, must not greet again.",
		},
		{
			ID: "starttls-required-on-mx", Title: "mail is taken without TLS",
			Group: probe.GroupStartTLS, Profile: probe.Standard, Polarity: probe.Observation, Level: probe.Must,
			Refs: []probe.Ref{"RFC 3207 4"},
			Norm: "A mail exchanger that the public is referred to must not require STARTTLS before it takes mail for its " +
				"own domain. Many do today, on purpose.",
			Needs: probe.Needs{Clear: true, Exchanger: true, Checks: []string{probe.RcptBeforeMail}}, Start: probe.Hello,
			Judge: probe.Judge{Find: findDemand, Meanings: []probe.Meaning{
				{Verdict: probe.Correct, When: "MAIL is served in clear, and RCPT is not refused for want of TLS"},
				{Verdict: probe.Deviant, When: "MAIL is answered 530 in clear and served inside TLS, or RCPT is refused with a word of TLS"},
				{Verdict: probe.Inconclusive, When: "a refusal that may be about a login, or one of policy"},
				{Verdict: probe.NotApplicable, When: "the port is one of submission, or the run says nothing in clear"},
			}},
			Habit: probe.Habit{Name: "mail without TLS", Must: "send with TLS"},
			Bites: "A sender without TLS, or whose handshake fails here and which then goes on in clear.",
			Fix:   "Send with TLS, by ciphers and versions of today.",
		},
	}
}

// listsAgain looks at a reply to EHLO behind the handshake.
func listsAgain(session []probe.Exchange, i int, r smtp.Reply) probe.Finding {
	x := &session[i]
	if !x.Inside || x.Verb() != "EHLO" {
		return spares()
	}
	switch offered := smtp.ParseCapabilities(r); {
	case offered == nil:
		return spares()
	case offered.Has("STARTTLS"):
		return probe.Finding{Verdict: probe.Lenient, Reason: "STARTTLS is listed inside TLS"}
	}
	return keeps()
}

// findSilence judges the control that keeps silent behind its handshake: what is
// said there before the client has said anything was asked for by nobody, and
// what comes late stands before the reply to EHLO.
func findSilence(ev probe.Evidence) probe.Finding {
	for _, session := range ev.Heard {
		i := slices.IndexFunc(session, func(x probe.Exchange) bool { return x.Inside && !x.Opens })
		if i < 0 || session[i].Session.Has(probe.NoteBegin) || !session[i].Session.Has(probe.NoteListened) {
			continue // no control, or none that came to a handshake and waited
		}
		x := session[i]
		f := probe.Finding{Verdict: probe.Correct, Reason: "silence behind the handshake", Seen: &x}
		switch n := len(x.Replies); {
		case n > 0 && x.Replies[0].Code == 421: // may come at any time (RFC 5321 3.8)
			continue
		case x.Sent == "" && n > 0:
			f.Verdict, f.Reply, f.Reason = probe.Broken, x.Replies[0], "said inside TLS before anything was asked"
		case n > 1 || n == 1 && x.Replies[0].Code == 220:
			f.Verdict, f.Reply, f.Reason = probe.Broken, x.Replies[0], "EHLO inside TLS gets more than its reply"
		case x.Verb() != "EHLO" || n != 1 || x.Replies[0].Code != 250:
			continue
		}
		return f
	}
	if why := ev.Facts.Unsecured; why != "" {
		return probe.Unknown("the TLS handshake fails: " + why)
	}
	return probe.Unknown("no control listened behind its handshake, and was served EHLO there")
}

// findDemand judges what MAIL and RCPT got in clear. A 530 may be about a login as
// well: it is about TLS where the same is served inside, or where it says so.
func findDemand(ev probe.Evidence) probe.Finding {
	mail, rcpt := ev.Facts.MailClear, ev.Facts.Postmaster
	f := probe.Finding{Verdict: probe.Correct, Reply: mail, Seen: mailInClear(ev.Heard)}
	deviates := func(r smtp.Reply, why string) probe.Finding {
		f.Verdict, f.Reply, f.Reason = probe.Deviant, r, why
		return f
	}
	switch inClear := ev.Facts.Channel == probe.Clear; {
	case mail.Code == 0 && !inClear:
		return probe.Absent("the run says nothing in clear")
	case mail.Code == 530 && !inClear && ev.Facts.Mail.Class() == 2:
		return deviates(mail, "MAIL in clear demands TLS, and inside TLS it is served")
	case mail.Class() != 2:
		return probe.Unknown("MAIL is answered " + probe.Brief(mail) + ", and nothing shows that TLS would do")
	case inClear && rcpt.Code == 0:
		return probe.Unknown("the answer to RCPT in its legal place is not known")
	case inClear && asksForTLS(rcpt):
		return deviates(rcpt, "RCPT in clear demands TLS")
	case inClear && rcpt.Refused() && rcpt.Enhanced().Subject != 1 && rcpt.Enhanced().Subject != 2: // not about the mailbox
		return probe.Unknown("RCPT is refused for another reason: " + probe.Brief(rcpt))
	}
	return f
}

// asksForTLS reports a refusal that asks for TLS and for nothing else: the enhanced
// code X.7.10, "encryption needed", or 530 with a word of it.
func asksForTLS(r smtp.Reply) bool {
	if e := r.Enhanced(); !r.Refused() || e.Subject == smtp.SubjectPolicy && e.Detail == 10 {
		return r.Refused()
	}
	words := strings.FieldsFunc(strings.ToUpper(r.Text()), func(c rune) bool { return (c < 'A' || c > 'Z') && !strings.ContainsRune("@.<>", c) })
	about := func(stem string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, stem) && !strings.Contains(w, "@") })
	}
	return r.Code == 530 && !about("AUTH") && (about("STARTTLS") || about("TLS") || about("ENCRYPT"))
}

// mailInClear is the first MAIL that was sent in clear.
func mailInClear(heard [][]probe.Exchange) *probe.Exchange {
	for _, session := range heard {
		for _, x := range session {
			if x.Verb() == "MAIL" && !x.Inside {
				return &x
			}
		}
	}
	return nil
}
