package checks

import (
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
			Bites: "A sender that starts TLS whenever it is listed: it begins a second handshake inside the first.",
			Fix:   "Remember that the connection is inside TLS, and never send STARTTLS there.",
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
			Needs: probe.Needs{Clear: true, Exchanger: true}, Start: probe.Hello,
			Judge: probe.Judge{Find: findDemand, Meanings: []probe.Meaning{
				{Verdict: probe.Correct, When: "MAIL is served in clear, and RCPT is not refused for want of TLS"},
				{Verdict: probe.Deviant, When: "MAIL or RCPT in clear is answered 530, and MAIL inside TLS is served"},
				{Verdict: probe.Inconclusive, When: "530, and nothing shows that TLS would do: it may be about a login"},
				{Verdict: probe.NotApplicable, When: "the port is one of submission, or the run says nothing in clear"},
			}},
			Bites: "A sender without TLS, or whose handshake fails here and which then goes on in clear.",
			Fix:   "Send with TLS, by ciphers and versions of today.",
		},
	}
}

// listsAgain looks at a reply to EHLO behind the handshake.
func listsAgain(session []probe.Exchange, i int, r smtp.Reply) probe.Finding {
	x := session[i]
	offered := smtp.ParseCapabilities(r)
	switch {
	case x.Verb() != "EHLO" || !x.Inside || offered == nil:
		return spares()
	case offered.Has("STARTTLS"):
		return probe.Finding{Verdict: probe.Lenient, Reason: "STARTTLS is listed inside TLS"}
	}
	return keeps()
}

// findSilence judges the control that keeps silent behind its handshake: what is
// said there before the client has said anything was asked for by nobody.
func findSilence(ev probe.Evidence) probe.Finding {
	for _, session := range ev.Heard {
		if len(session) == 0 || session[0].Session.Has(probe.NoteBegin) || !session[0].Session.Has(probe.NoteSecured) {
			continue // no control, or none that came to a handshake
		}
		for _, x := range session {
			switch {
			case !x.Inside || x.Opens:
				continue
			case x.Sent == "" && len(x.Replies) > 0:
				f := probe.Found(probe.Broken, x.Replies[0], "said inside TLS before anything was asked")
				f.Seen = &x
				return f
			case session[0].Session.Has(probe.NoteListened):
				f := probe.Finding{Verdict: probe.Correct, Reason: "silence behind the handshake"}
				f.Seen = &x
				return f
			}
		}
	}
	if why := ev.Facts.Unsecured; why != "" {
		return probe.Unknown("the TLS handshake fails: " + why)
	}
	return probe.Unknown("no control listened behind its handshake")
}

// findDemand judges what MAIL and RCPT got in clear.
func findDemand(ev probe.Evidence) probe.Finding {
	mail, rcpt := ev.Facts.MailClear, ev.Facts.Postmaster
	inClear := ev.Facts.Channel == probe.Clear
	f := probe.Finding{Verdict: probe.Correct, Reply: mail}
	f.Seen = mailInClear(ev.Heard)
	switch {
	case mail.Code == 530 && !inClear:
		f.Verdict, f.Reason = probe.Deviant, "MAIL in clear demands TLS, and inside TLS it is served"
	case mail.Code == 530:
		return probe.Unknown("MAIL is answered 530, and nothing shows that TLS would do: " + probe.Brief(mail))
	case mail.Code == 0 && !inClear:
		return probe.Absent("the run says nothing in clear")
	case mail.Class() != 2:
		return probe.Unknown("MAIL was not served in clear")
	case inClear && rcpt.Code == 530 && ev.Facts.StarttlsOffered():
		f.Verdict, f.Reply, f.Reason = probe.Deviant, rcpt, "RCPT in clear demands TLS"
	}
	return f
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
