package checks

import (
	"slices"

	"github.com/smtpprobe/smtpprobe/probe"
)

// extensions: parameters of MAIL and RCPT that no EHLO offered, and values that
// an offered one forbids. Allowed are 501 and 504 besides 555: RFC 5321 4.2.2
// has them for parameters too.
func extensions() []probe.Check {
	return slices.Concat(unknownParameters(), sizes(), bodies(), utf8(), dsn(), outOfChannel())
}

// unknownParameters are made up.
func unknownParameters() []probe.Check {
	return []probe.Check{
		{
			ID: "param-unknown/mail", Title: "a parameter of MAIL that does not exist",
			Group: probe.GroupExtensions, Profile: probe.Quick, Level: probe.Should,
			Refs:  []probe.Ref{"RFC 5321 4.1.1.11", "RFC 5321 4.2.2"},
			Norm:  "A parameter of MAIL belongs to an extension that EHLO offers. A server answers one that it does not know with 555.",
			Needs: probe.Needs{Mail: true}, Start: probe.Hello, Errors: 1,
			Script: mailWith("ZZPROBE=1"),
			Judge:  refusesParameter(probe.LegalMail), Allowed: "501,504",
			Habit: probe.Habit{
				Name: "unknown parameters of MAIL",
				Must: "add to MAIL only parameters that the latest reply to EHLO offers",
			},
			Bites: "A sender that adds a vendor's own parameter to every MAIL. Where it is ignored instead of refused, " +
				"the sender never learns that its wish was lost.",
			Fix: "Add a parameter only where the latest reply to EHLO lists the extension that it belongs to.",
		},
		{
			ID: "param-unknown/rcpt", Title: "a parameter of RCPT that does not exist",
			Group: probe.GroupExtensions, Profile: probe.Quick, Level: probe.Should,
			Refs:  []probe.Ref{"RFC 5321 4.1.1.11", "RFC 5321 4.2.2"},
			Norm:  "A parameter of RCPT belongs to an extension that EHLO offers. A server answers one that it does not know with 555.",
			Needs: probe.Needs{Mail: true, Postmaster: true}, Start: probe.Hello, Errors: 1, Worst: 2,
			Script: rcptWith("ZZPROBE=1"),
			Judge:  refusesParameter(probe.LegalRcpt), Allowed: "501,504",
			Habit: probe.Habit{
				Name: "unknown parameters of RCPT",
				Must: "add to RCPT only parameters that the latest reply to EHLO offers",
			},
			Bites: "A sender that adds a vendor's own parameter to RCPT and takes the 555 for a mailbox that does not " +
				"exist: a mailing list then drops a good address.",
			Fix: "Send RCPT without parameters that EHLO does not offer, and take 555 and 501 for a fault of the " +
				"sender, never of the mailbox.",
		},
	}
}

// sizes are about SIZE.
func sizes() []probe.Check {
	return []probe.Check{
		{
			ID: "size-unadvertised", Title: "SIZE where it is not offered",
			Group: probe.GroupExtensions, Profile: probe.Standard, Level: probe.Should,
			Refs:  []probe.Ref{"RFC 5321 4.1.1.11", "RFC 1870 3"},
			Norm:  "A server that does not offer SIZE answers its parameter with 555. That it takes it is no fault.",
			Needs: probe.Needs{Mail: true, Unoffered: []string{"SIZE"}}, Start: probe.Hello, Errors: 1,
			Script: mailWith("SIZE=1000"),
			Judge:  refusesUnlisted(probe.LegalMail), Allowed: "501,504",
			Habit: probe.Habit{
				Name: "SIZE= without being offered",
				Must: "declare SIZE= only where the latest reply to EHLO offers it",
			},
			Bites: "A sender that declares the size in every MAIL, or that remembers the keywords of another server " +
				"of the same domain.",
			Fix: "Send SIZE= only where the latest reply to EHLO of this connection lists SIZE.",
		},
		{
			// The card calls it a service (P), and names refusals: 552 is strict there
			// and 250 lenient. What must be refused is judged as a refusal here.
			ID: "size-over-limit", Title: "SIZE above the maximum that is offered",
			Group: probe.GroupExtensions, Profile: probe.Standard, Level: probe.Must,
			Refs: []probe.Ref{"RFC 1870 4", "RFC 1870 6.1", "RFC 1870 7"},
			Norm: "A server that names a maximum with SIZE must answer MAIL that declares more with 552. Where it " +
				"takes the MAIL, it can refuse the message only when all of it has been sent.",
			Needs: probe.Needs{Mail: true, Offered: []string{"SIZE"}}, Start: probe.Hello, Errors: 1,
			Script: mailWith("SIZE=" + probe.Oversize),
			Judge:  refusesOversize(),
			Habit: probe.Habit{
				Name: "messages beyond the limit of SIZE",
				Must: "hold the size of a message against the limit in the reply to EHLO",
			},
			Bites: "A sender of large attachments that relies on an early 552: it sends the whole message in vain, " +
				"or takes 452 for a full disk and tries again for days.",
			Fix: "Compare the size with the number behind SIZE yourself before MAIL, and give the message back at " +
				"once where it is too large.",
		},
	}
}

// bodies are about BODY.
func bodies() []probe.Check {
	return []probe.Check{
		{
			ID: "body-8bitmime-unadvertised", Title: "BODY=8BITMIME where it is not offered",
			Group: probe.GroupExtensions, Profile: probe.Standard, Level: probe.Should,
			Refs:  []probe.Ref{"RFC 5321 4.1.1.11", "RFC 6152 3"},
			Norm:  "A server that does not offer 8BITMIME answers BODY=8BITMIME with 555. That it takes it is no fault.",
			Needs: probe.Needs{Mail: true, Unoffered: []string{"8BITMIME", "BINARYMIME"}}, Start: probe.Hello, Errors: 1,
			Script: mailWith("BODY=8BITMIME"),
			Judge:  refusesUnlisted(probe.LegalMail), Allowed: "501,504",
			Habit: probe.Habit{
				Name: "BODY=8BITMIME without being offered",
				Must: "send BODY=8BITMIME only where the latest reply to EHLO offers it",
			},
			Bites: "A sender that writes BODY=8BITMIME for every message with umlauts, whatever the server offers.",
			Fix: "Where 8BITMIME is not listed, encode the message as quoted-printable or base64 and send MAIL " +
				"without BODY.",
		},
		{
			ID: "body-binarymime-unadvertised", Title: "BODY=BINARYMIME where it cannot be used",
			Group: probe.GroupExtensions, Profile: probe.Standard, Level: probe.Should,
			Refs: []probe.Ref{"RFC 5321 4.1.1.11", "RFC 3030 3"},
			Norm: "BINARYMIME works only together with CHUNKING. A server that does not offer both answers " +
				"BODY=BINARYMIME with 555. That it takes it is no fault.",
			Needs: probe.Needs{Mail: true, Lacking: []string{"BINARYMIME", "CHUNKING"}}, Start: probe.Hello, Errors: 1,
			Script: mailWith("BODY=BINARYMIME"),
			Judge:  refusesUnlisted(probe.LegalMail), Allowed: "501,504",
			Habit: probe.Habit{
				Name: "BODY=BINARYMIME without being offered",
				Must: "send BODY=BINARYMIME only where the latest reply to EHLO offers it",
			},
			Bites: "A sender that looks for BINARYMIME and forgets CHUNKING, or the other way round: the message can " +
				"then be sent neither with DATA nor with BDAT.",
			Fix: "Use BODY=BINARYMIME only where both keywords are listed; encode the message otherwise.",
		},
	}
}

// utf8 is about addresses beyond ASCII.
func utf8() []probe.Check {
	return []probe.Check{
		{
			ID: "smtputf8-unadvertised", Title: "SMTPUTF8 where it is not offered",
			Group: probe.GroupExtensions, Profile: probe.Standard, Level: probe.Should,
			Refs:  []probe.Ref{"RFC 5321 4.1.1.11", "RFC 6531 3.1"},
			Norm:  "A server that does not offer SMTPUTF8 answers the parameter with 555. That it takes it is no fault.",
			Needs: probe.Needs{Mail: true, Unoffered: []string{"SMTPUTF8"}}, Start: probe.Hello, Errors: 1,
			Script: mailWith("SMTPUTF8"),
			Judge:  refusesUnlisted(probe.LegalMail), Allowed: "501,504",
			Habit: probe.Habit{
				Name: "SMTPUTF8 without being offered",
				Must: "send SMTPUTF8 only where the latest reply to EHLO offers it",
			},
			Bites: "A sender that asks for SMTPUTF8 with every message, also where all addresses are ASCII: mail that " +
				"could be delivered comes back.",
			Fix: "Ask for SMTPUTF8 only where an address or a header needs it and EHLO lists it.",
		},
		{
			// The probe's own name is the domain of the address, so that nobody is named.
			// Where SMTPUTF8 is offered the oracle has no row for the missing parameter.
			ID: "non-ascii-address", Title: "an address beyond ASCII without SMTPUTF8",
			Group: probe.GroupExtensions, Profile: probe.Full, Level: probe.Should,
			Refs: []probe.Ref{"RFC 5321 2.4", "RFC 6531 3.5"},
			Norm: "Without SMTPUTF8 commands are ASCII. A server should refuse other octets: with 500 or 501, or with " +
				"550 or 553 as an address that it cannot take.",
			Needs: probe.Needs{Mail: true, Unoffered: []string{"SMTPUTF8"}}, Start: probe.Hello, Errors: 1,
			Script: mailFrom("MAIL FROM:<smtpprobe-\xc3\xbc@{ehlo}>"),
			Judge:  patient(probe.Refuses("500,501,550,553", probe.LegalMail)),
			Habit: probe.Habit{
				Name: "addresses beyond ASCII without SMTPUTF8",
				Must: "send addresses beyond ASCII only with SMTPUTF8",
			},
			Bites: "A web form that passes the address on as it was typed, umlauts and all: where it is taken, the " +
				"bounces and the answers go nowhere.",
			Fix: "Refuse such addresses in the form unless the server lists SMTPUTF8, and say SMTPUTF8 in MAIL then.",
		},
	}
}

// outOfChannel are parameters where no extension can have been agreed on.
func outOfChannel() []probe.Check {
	return []probe.Check{
		{
			// RFC 8689 binds the client and prescribes no code for servers.
			ID: "requiretls-in-clear", Title: "REQUIRETLS outside TLS",
			Group: probe.GroupExtensions, Profile: probe.Full, Level: probe.None,
			Refs: []probe.Ref{"RFC 8689 2", "RFC 5321 4.1.1.11"},
			Norm: "REQUIRETLS asks that a message goes over TLS only, so that a client may use it only inside TLS. " +
				"What a server answers in clear is not prescribed: 555, 530, 523 and a 550 of policy are refusals.",
			Needs: probe.Needs{Mail: true, Clear: true}, Start: probe.Hello, Errors: 1, Worst: 2,
			Script: mailWith("REQUIRETLS"),
			Judge:  refusesInClear(),
			Habit:  probe.Habit{Name: "REQUIRETLS in clear", Must: "send REQUIRETLS inside TLS only"},
			Bites: "A sender whose STARTTLS failed and that goes on in clear with the parameters it had prepared: a " +
				"message that must not be read on the way is.",
			Fix: "Give up where TLS fails and the message demands it; never send REQUIRETLS in clear.",
		},
		{
			ID: "params-after-helo", Title: "a parameter of MAIL after HELO",
			Group: probe.GroupExtensions, Profile: probe.Standard, Level: probe.Should,
			Refs: []probe.Ref{"RFC 5321 4.1.1.11", "RFC 5321 4.1.1.2"},
			Norm: "HELO agrees on no extension, so that no parameter is known after it: 555. Many servers take those " +
				"that they would offer to EHLO, which no rule forbids.",
			Needs: probe.Needs{Helo: true}, Start: probe.Helo, Errors: 1,
			Script: mailWith("SIZE=1000"),
			Judge:  refusesParameter(probe.LegalMail), Allowed: "250,501,504",
			Habit: probe.Habit{Name: "parameters of MAIL after HELO", Must: "send MAIL without parameters after HELO"},
			Bites: "A sender that falls back to HELO after a failed EHLO and still writes SIZE= or BODY= behind MAIL.",
			Fix:   "Forget all keywords with every HELO, and send MAIL and RCPT without parameters after it.",
		},
	}
}
