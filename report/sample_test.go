package report_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
	"github.com/smtpprobe/smtpprobe/report"
)

// checks are a few of the catalogue's, with their words. Their scripts and
// judges are left out, as nothing is run or judged here.
func checks() []probe.Check {
	return []probe.Check{
		{
			ID: "mail-before-ehlo", Group: probe.GroupSequence, Level: probe.None, Ordering: true,
			Refs:  []probe.Ref{"RFC 5321 4.1.4", "RFC 5321 4.1.1.1"},
			Norm:  "A client must open a session that carries mail with EHLO or HELO. A server may refuse MAIL before that with 503, and may as well serve it.",
			Bites: "A sender that reuses a connection after a reset and goes straight to MAIL.",
			Fix:   "Send EHLO (or HELO) and wait for its 250 before the first MAIL of every connection.",
		},
		{
			ID: "rcpt-before-mail", Group: probe.GroupSequence, Level: probe.Must, Ordering: true, Rev: 1,
			Refs:  []probe.Ref{"RFC 5321 3.3", "RFC 5321 4.1.4"},
			Norm:  "If RCPT appears without a previous MAIL, the server must answer 503.",
			Bites: "A sender that goes on to RCPT although its MAIL was refused, or was never sent.",
			Fix:   "Read the reply to MAIL before RCPT; after a refused MAIL start the next message with a MAIL of its own.",
		},
		{
			ID: "data-before-mail", Group: probe.GroupSequence, Level: probe.May, Ordering: true,
			Refs:  []probe.Ref{"RFC 5321 3.3"},
			Bites: "A sender that goes on to DATA although no recipient was accepted.",
			Fix:   "Count the accepted recipients; with none, send RSET instead of DATA.",
		},
		{
			ID: "data-without-rcpt", Group: probe.GroupSequence, Level: probe.May, Ordering: true,
			Refs:  []probe.Ref{"RFC 5321 3.3"},
			Bites: "A sender that goes on to DATA although no recipient was accepted.",
			Fix:   "Count the accepted recipients; with none, send RSET instead of DATA.",
		},
		{
			ID: "nested-mail", Group: probe.GroupSequence, Level: probe.None, Ordering: true,
			Bites: "A sender that begins the next message after an error without ending the transaction before it.",
			Fix:   "Send RSET after any error inside a transaction.",
		},
		{
			ID: "ehlo-twice", Group: probe.GroupSequence, Polarity: probe.Service, Level: probe.Must,
			Refs: []probe.Ref{"RFC 5321 4.1.4"}, Norm: "A second EHLO must be served, as if it were RSET.",
			Bites: "A sender that says EHLO again on a connection that it keeps.", Fix: "Say EHLO once.",
		},
		{
			ID: "rset-clears", Group: probe.GroupTransaction, Polarity: probe.Clearing, Level: probe.Must, Ordering: true,
			Refs: []probe.Ref{"RFC 5321 4.1.1.5"}, Norm: "RSET must end the transaction.",
			Bites: "A sender that goes on with RCPT after RSET.", Fix: "Start again with MAIL after every RSET.",
		},
		{
			ID: "data-rejected-keeps-transaction", Group: probe.GroupTransaction, Polarity: probe.Keeping, Level: probe.Must,
			Refs: []probe.Ref{"RFC 5321 4.1.4"}, Norm: "A refused DATA must leave the transaction open.",
			Bites: "A sender that adds a recipient after a refused DATA.", Fix: "Send RSET after a refused DATA.",
		},
		{
			ID: "tls-mail-without-ehlo", Group: probe.GroupStartTLS, Level: probe.Must, Ordering: true,
			Refs:  []probe.Ref{"RFC 3207 4.2"},
			Norm:  "After the handshake the server must forget the EHLO that came before it.",
			Bites: "A sender that goes on after the handshake where it was: no EHLO after STARTTLS.",
			Fix:   "Send EHLO again after every TLS handshake.",
		},
		{
			ID: "pipeline-unadvertised", Group: probe.GroupPipelining, Level: probe.None, Ordering: true,
			Bites: "A sender that pipelines without looking for PIPELINING in the reply to EHLO.",
			Fix:   "Pipeline only after an EHLO whose reply lists PIPELINING.",
		},
		{
			ID: "pipeline-after-helo", Group: probe.GroupPipelining, Level: probe.None, Ordering: true,
			Bites: "A sender that falls back to HELO and goes on pipelining.", Fix: "Do not pipeline after HELO.",
		},
		{
			ID: "pipeline-sync-command-mid-group/noop", Group: probe.GroupPipelining, Level: probe.None, Ordering: true,
			Bites: "A sender that sends NOOP in the middle of a group.", Fix: "Let NOOP be the last command of a group.",
		},
	}
}

// say is a reply of one line for each text.
func say(lines ...string) smtp.Reply {
	var all []smtp.Line
	for _, l := range lines {
		all = append(all, smtp.Line{Octets: l + "\r\n"})
	}
	if replies := smtp.Replies(all); len(replies) > 0 {
		return replies[0]
	}
	return smtp.Reply{}
}

// talk is a transcript: "C: ", "S: " or "*: " and what was said, a millisecond
// and a half apart.
func talk(lines ...string) probe.Transcript {
	var t probe.Transcript
	for i, l := range lines {
		e := probe.Event{At: time.Duration(i) * 1500 * time.Microsecond}
		who, text, _ := strings.Cut(l, ": ")
		switch who {
		case "C":
			e.From, e.Text = probe.FromClient, text+"\r\n"
		case "S":
			e.From, e.Text = probe.FromServer, text+"\r\n"
		default:
			note, detail, _ := strings.Cut(text, ": ")
			e.From, e.Note, e.Text = probe.FromProbe, probe.Note(note), detail
		}
		t = append(t, e)
	}
	return t
}

// report names a receiver with documentation addresses.
func reportOf(host, address, domain string) probe.Report {
	return probe.Report{
		Receiver: probe.Receiver{
			Host: host, Address: address, Port: 25, Domains: []string{domain}, Platform: domain,
			Recipient: "postmaster@" + domain, Public: true,
		},
		Status: probe.StatusOK, Banner: host + " ESMTP Postfix", Software: "Postfix",
		Offered: smtp.Capabilities{"PIPELINING", "STARTTLS"}, OfferedTLS: smtp.Capabilities{"PIPELINING"},
		TLS: "TLS 1.3, TLS_AES_256_GCM_SHA384", Sessions: 31, Commands: 190, Elapsed: 42130 * time.Millisecond,
		Controls: []probe.ControlRun{{ID: "B0", Transcript: talk("*: connected", "S: 220 "+host+" ESMTP Postfix", "C: QUIT", "S: 221 2.0.0 Bye", "*: closed by the server")}},
	}
}

// finding is a result in short: a verdict, the deciding reply and a reason.
type finding struct {
	verdict probe.Verdict
	reply   string
	reason  string
}

// results pairs findings with the checks, by their order. Conformance follows
// as it would from a judge, roughly.
func results(found []finding) []probe.Result {
	all := checks()
	out := make([]probe.Result, 0, len(found))
	for i, f := range found {
		c := &all[i]
		r := probe.Result{Check: c, Verdict: f.verdict, Reason: f.reason, Conformance: probe.Unregulated}
		if f.reply != "" {
			r.Reply, r.Control = say(f.reply), say("250 2.1.5 Ok")
			r.Transcript = talk("*: connected", "S: 220 mx.example.com ESMTP", "C: EHLO probe.example.net", "S: 250-mx.example.com", "S: 250 PIPELINING", "*: check begins: after 0 error replies and 0 other checks", "C: "+c.ID+" <>", "S: "+f.reply)
		}
		kept := f.verdict == probe.Strict || f.verdict == probe.Correct
		switch {
		case !f.verdict.Known():
			r.Conformance = ""
		case c.Level == probe.Must && kept:
			r.Conformance = probe.Conforms
		case c.Level == probe.Must:
			r.Conformance = probe.Violates
		}
		out = append(out, r)
	}
	return out
}

// strict, lenient and odd are three receivers of different tempers.
func strict() []finding {
	return []finding{
		{probe.Lenient, "250 2.1.0 Ok", ""},
		{probe.Strict, "503 5.5.1 Error: need MAIL command", ""},
		{probe.Strict, "503 5.5.1 Error: need RCPT command", ""},
		{probe.Strict, "554 5.5.1 Error: no valid recipients", ""},
		{probe.Strict, "503 5.5.1 Error: nested MAIL command", ""},
		{probe.Correct, "250 mx1.example.com", ""},
		{probe.Correct, "503 5.5.1 Error: need MAIL command", ""},
		{probe.Correct, "550 5.1.1 unknown user", ""},
		{probe.Strict, "503 5.5.1 Error: send HELO/EHLO first", ""},
		{probe.NotApplicable, "", "PIPELINING is offered"},
		{probe.Dropped, "421 4.7.0 Error: improper pipelining", "the connection was closed after 421 4.7.0 Error: improper pipelining"},
		{probe.Strict, "554 5.5.0 Error: SMTP protocol synchronization", ""},
	}
}

func lenient() []finding {
	return []finding{
		{probe.Lenient, "250 Ok", ""},
		{probe.Deviant, "502 Command not implemented", ""},
		{probe.Lenient, "354 End data with <CR><LF>.<CR><LF>", ""},
		{probe.Lenient, "354 End data with <CR><LF>.<CR><LF>", ""},
		{probe.Lenient, "250 Ok", ""},
		{probe.Overstrict, "503 Duplicate EHLO", ""},
		{probe.Lenient, "250 Ok", "the transaction survived"},
		{probe.Broken, "250 Ok", "a reply too many"},
		{probe.NotApplicable, "", "STARTTLS is not offered"},
		{probe.Lenient, "250 Ok", ""},
		{probe.Lenient, "250 Ok", ""},
		{probe.Inconclusive, "", "limit: the connection was closed without a reply, with 2 error replies before it"},
	}
}

func odd() []finding {
	found := make([]finding, len(checks()))
	for i := range found {
		found[i] = finding{probe.Inconclusive, "", "policy: the same answer as in the legal place, 550 5.7.1 Service unavailable; client host [192.0.2.200] blocked"}
	}
	found[0] = finding{probe.Strict, "503 Polite people say HELO first", ""}
	found[8] = finding{probe.NotApplicable, "", "STARTTLS is not offered"}
	found[9] = finding{probe.NotApplicable, "", "PIPELINING is offered"}
	return found
}

func runOf(domains []report.Domain, receivers ...probe.Report) report.Run {
	return report.Run{
		Version: "1.2.3", Started: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), Elapsed: 61500 * time.Millisecond,
		Profile: "standard", Domains: domains, Receivers: receivers, Order: checks(),
	}
}

func domainOf(name string, hosts ...string) report.Domain {
	d := report.Domain{Domain: name, ASCII: name, Status: "ok"}
	for i, h := range hosts {
		d.Exchanges = append(d.Exchanges, report.Exchange{Preference: 10 * (i + 1), Host: h, Addresses: []string{fmt.Sprintf("192.0.2.%d", i+1)}})
	}
	return d
}

// oneDomain is a domain with five receivers of which two were not measured.
func oneDomain() report.Run {
	mx1 := reportOf("mx1.example.com", "192.0.2.1", "example.com")
	mx1.Results = results(strict())
	mx2 := reportOf("backup-mail-exchanger.dc2.europe.example.com", "2001:db8::2", "example.com")
	mx2.Results, mx2.Software, mx2.TLS, mx2.Banner = results(lenient()), "", "", "hello | there \x1b[31mred"
	mx3 := reportOf("mx3.example.com", "192.0.2.3", "example.com")
	mx3.Results = results(odd())
	mx4 := reportOf("mx4.example.com", "192.0.2.4", "example.com")
	mx4.Status, mx4.Reason, mx4.Banner, mx4.Software, mx4.Sessions = probe.StatusRefused, "connect: connection refused", "", "", 0
	mx5 := reportOf("mx5.example.com", "192.0.2.5", "example.com")
	mx5.Status, mx5.Reason = probe.StatusBlocked, "554 5.7.1 Your address 192.0.2.200 is on a list; see https://list.example.org/why?ip=192.0.2.200 for how to have it removed"
	domain := domainOf("example.com", "mx1.example.com", "mx2.example.com")
	domain.Notes = []report.Note{{"null-mx-mixed", "a null MX must stand alone, yet there are other MX records; the null MX was ignored"}}
	domain.Exchanges[0].Notes = []report.Note{{"mx-target-cname", "an MX record must not name an alias (CNAME): mx1.example.com -> mail.example.com"}}
	return runOf([]report.Domain{domain}, mx1, mx2, mx3, mx4, mx5)
}

// oneReceiver is the simplest of runs.
func oneReceiver() report.Run {
	mx := reportOf("mx1.example.com", "192.0.2.1", "example.com")
	mx.Results = results(strict())
	return runOf([]report.Domain{domainOf("example.com", "mx1.example.com")}, mx)
}

// severalDomains has receivers of every temper, and domains without any.
func severalDomains() report.Run {
	tempers := []func() []finding{lenient, odd, strict, strict}
	var domains []report.Domain
	var receivers []probe.Report
	for i, temper := range tempers {
		domain := fmt.Sprintf("d%d.example.org", i+1)
		r := reportOf("mail."+domain, fmt.Sprintf("198.51.100.%d", i+1), domain)
		r.Results = results(temper())
		domains, receivers = append(domains, domainOf(domain, r.Host)), append(receivers, r)
	}
	receivers[3].Domains = []string{"d4.example.org", "b\u00fccher.example", "shop.example.net"}
	receivers[3].Host = "d4-example-org.mail.protection.hosted.example.net"
	skipped := reportOf("mx.d5.example.org", "198.51.100.5", "d5.example.org")
	skipped.Status, skipped.Reason, skipped.Banner, skipped.TLS, skipped.Sessions = probe.StatusSkipped, "4 addresses of example.net were probed already", "", "", 0
	gone := report.Domain{Domain: "gone.example", ASCII: "gone.example", Status: "nxdomain", Reason: "gone.example does not exist (NXDOMAIN)"}
	null := report.Domain{Domain: "b\u00fccher.example", ASCII: "xn--bcher-kva.example", Status: "null-mx"}
	return runOf(append(domains, domainOf("d5.example.org", skipped.Host), gone, null), append(receivers, skipped)...)
}

// unreachable is a run from behind a blocked port.
func unreachable() report.Run {
	var receivers []probe.Report
	for i := range 2 {
		r := reportOf(fmt.Sprintf("mx%d.example.com", i+1), fmt.Sprintf("192.0.2.%d", i+1), "example.com")
		r.Status, r.Reason, r.Banner, r.Software, r.TLS, r.Sessions = probe.StatusUnreachable, "connect: timed out after 15s", "", "", "", 0
		receivers = append(receivers, r)
	}
	return runOf([]report.Domain{domainOf("example.com", "mx1.example.com")}, receivers...)
}

// unsure is a run of which nothing is known.
func unsure() report.Run {
	found := odd()
	found[0] = found[1]
	run := oneReceiver()
	run.Receivers[0].Results = results(found)
	run.Note = "This address sends your campaign, too: probe from another one."
	return run
}
