package checks

import (
	"github.com/smtpprobe/smtpprobe/probe"
)

// dsn are the parameters of delivery status notifications. NOTIFY=NEVER is the
// harmless value: nobody gets a notice.
func dsn() []probe.Check {
	return []probe.Check{
		{
			ID: "dsn-unadvertised/ret", Title: "RET where DSN is not offered",
			Group: probe.GroupExtensions, Profile: probe.Standard, Level: probe.Should,
			Refs:  []probe.Ref{"RFC 5321 4.1.1.11", "RFC 3461 5.2.2"},
			Norm:  "A server that does not offer DSN answers RET with 555. That it takes it is no fault.",
			Needs: probe.Needs{Mail: true, Unoffered: []string{"DSN"}}, Start: probe.Hello, Errors: 1,
			Script: mailWith("RET=HDRS"),
			Judge:  refusesUnlisted(probe.LegalMail), Allowed: "501,504",
			Habit: probe.Habit{
				Name: "RET= without being offered",
				Must: "send RET= only where the latest reply to EHLO offers DSN",
			},
			Bites: "A sender that asks with RET=HDRS for short bounces from everybody, and whose mail then comes back " +
				"from servers without DSN.",
			Fix: "Send RET only where the latest reply to EHLO lists DSN.",
		},
		{
			ID: "dsn-unadvertised/envid", Title: "ENVID where DSN is not offered",
			Group: probe.GroupExtensions, Profile: probe.Standard, Level: probe.Should,
			Refs:  []probe.Ref{"RFC 5321 4.1.1.11", "RFC 3461 5.2.2"},
			Norm:  "A server that does not offer DSN answers ENVID with 555. That it takes it is no fault.",
			Needs: probe.Needs{Mail: true, Unoffered: []string{"DSN"}}, Start: probe.Hello, Errors: 1,
			Script: mailWith("ENVID=smtpprobe"),
			Judge:  refusesUnlisted(probe.LegalMail), Allowed: "501,504",
			Habit: probe.Habit{
				Name: "ENVID= without being offered",
				Must: "send ENVID= only where the latest reply to EHLO offers DSN",
			},
			Bites: "A newsletter system that writes its own number into ENVID of every MAIL, to find it again in bounces.",
			Fix:   "Send ENVID only where EHLO lists DSN; put the number into the sender's address otherwise.",
		},
		{
			ID: "dsn-unadvertised/notify", Title: "NOTIFY where DSN is not offered",
			Group: probe.GroupExtensions, Profile: probe.Standard, Level: probe.Should,
			Refs:  []probe.Ref{"RFC 5321 4.1.1.11", "RFC 3461 5.2.2"},
			Norm:  "A server that does not offer DSN answers NOTIFY with 555. That it takes it is no fault.",
			Needs: probe.Needs{Mail: true, Postmaster: true, Unoffered: []string{"DSN"}}, Start: probe.Hello, Errors: 1,
			Script: rcptWith("NOTIFY=NEVER"),
			Judge:  refusesUnlisted(probe.LegalRcpt), Allowed: "501,504",
			Habit: probe.Habit{
				Name: "NOTIFY= without being offered",
				Must: "send NOTIFY= only where the latest reply to EHLO offers DSN",
			},
			Bites: "A sender that asks with NOTIFY for receipts, and takes the 555 to RCPT for a mailbox that does not " +
				"exist.",
			Fix: "Send NOTIFY only where EHLO lists DSN, and take 555 and 501 for a fault of the sender.",
		},
		{
			// The card has a repeated RET besides: one value is enough for one verdict.
			ID: "dsn-bad-value", Title: "RET with a value that does not exist",
			Group: probe.GroupExtensions, Profile: probe.Standard, Level: probe.Must,
			Refs:  []probe.Ref{"RFC 3461 5.1(a)", "RFC 3461 4.3"},
			Norm:  "RET is FULL or HDRS. A server that offers DSN must refuse any other value with 501.",
			Needs: probe.Needs{Mail: true, Offered: []string{"DSN"}}, Start: probe.Hello, Errors: 1,
			Script: mailWith("RET=XYZ"),
			Judge:  patient(probe.Refuses("501", probe.LegalMail)), Allowed: "555",
			Habit: probe.Habit{Name: "RET= with a value that does not exist", Must: "send RET= with FULL or HDRS only"},
			Bites: "A sender with a setting for RET that nobody checks, such as RET=HEADERS: where it is ignored, " +
				"bounces carry the whole message.",
			Fix: "Let the setting have two values only, FULL and HDRS.",
		},
	}
}
