package checks

import "github.com/smtpprobe/smtpprobe/probe"

// transaction: what ends a transaction, and what must not.
func transaction() []probe.Check {
	sees := probe.Needs{Mail: true, Postmaster: true, Checks: []string{probe.RcptBeforeMail}}
	return []probe.Check{
		{
			ID: "rset-clears", Title: "RSET ends the transaction",
			Group: probe.GroupTransaction, Profile: probe.Quick, Polarity: probe.Clearing, Level: probe.Must,
			Ordering: true,
			Refs:     []probe.Ref{"RFC 5321 4.1.1.5"},
			Norm: "RSET discards the sender, the recipients and the text. It must be answered 250 and must not " +
				"close the connection.",
			Needs: sees, Start: probe.Hello, Errors: 1,
			Script: probe.Script{mail, disturb("RSET"), isOpen(), control(probe.CommandMAIL), rset},
			Judge:  probe.Clears(),
			Bites:  "A sender that relies on the envelope after RSET, or sends RCPT for the next message without MAIL.",
			Fix:    "Start again with MAIL after every RSET.",
		},
		{
			ID: "ehlo-clears", Title: "EHLO ends the transaction",
			Group: probe.GroupTransaction, Profile: probe.Quick, Polarity: probe.Clearing, Level: probe.Must,
			Ordering: true,
			Refs:     []probe.Ref{"RFC 5321 4.1.4"},
			Norm: "EHLO may be sent again later in a session. If it is acceptable, the server must clear all " +
				"buffers as if RSET had been sent.",
			Needs: sees, Start: probe.Hello, Errors: 1,
			Script: probe.Script{control(probe.CommandMAIL).Wanting("250"), disturb(probe.CommandEHLO), isOpen(), rset},
			Judge:  probe.Clears(),
			Bites:  "A sender that says EHLO again to reset a session, or goes on with an old envelope after it.",
			Fix:    "Reset with RSET, and start again with MAIL after every EHLO.",
		},
		{
			ID: "noop-keeps-transaction", Title: "NOOP leaves the transaction alone",
			Group: probe.GroupTransaction, Profile: probe.Standard, Polarity: probe.Keeping, Level: probe.Must,
			Refs:  []probe.Ref{"RFC 5321 4.1.1.9"},
			Norm:  "NOOP has no effect on the buffers or on any command that was entered before it.",
			Needs: sees, Start: probe.Hello, Errors: 1,
			Script: probe.Script{control("NOOP"), mail, disturb("NOOP"), isOpen(), rset},
			Judge:  probe.Keeps(),
			Bites:  "A sender that keeps a slow transaction alive with NOOP.",
			Fix:    "Send no NOOP between MAIL and DATA.",
		},
	}
}
