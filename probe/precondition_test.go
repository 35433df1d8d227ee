package probe_test

import (
	"strings"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
)

// upgraded and implicit are B0 where everything happens inside TLS.
const (
	upgradedB0 = helloed + `
		C: STARTTLS
		S: 220 2.0.0 Ready to start TLS
		*: TLS handshake done: TLS 1.3, TLS_AES_128_GCM_SHA256
		C: EHLO client.example
		S: 250-mx.example.com
		S: 250-8BITMIME
		S: 250 AUTH PLAIN
		C: MAIL FROM:<>
		S: 250 2.1.0 Ok
		C: RSET
		S: 250 2.0.0 Ok
		C: NOOP
		S: 250 2.0.0 Ok`
	implicitB0 = `
		*: connected
		*: TLS handshake done: TLS 1.2, TLS_RSA_WITH_AES_128_CBC_SHA
		S: 220 mx.example.com ESMTP
		C: EHLO client.example
		S: 250-mx.example.com
		S: 250 AUTH PLAIN
		C: MAIL FROM:<>
		S: 250 2.1.0 Ok
		C: RSET
		S: 250 2.0.0 Ok
		C: NOOP
		S: 250 2.0.0 Ok`
)

func TestPrecondition(t *testing.T) {
	type baselines = map[probe.Baseline]string
	var (
		noSTARTTLS = strings.Replace(plainB0, "S: 250-PIPELINING\n\tS: 250 STARTTLS", "S: 250 PIPELINING", 1)
		noTunnel   = strings.Replace(plainB2, "S: 220 2.0.0 Ready to start TLS", "S: 454 4.7.0 not now", 1)
		badTLS     = helloed + "C: STARTTLS\nS: 220 2.0.0 go\n*: TLS handshake failed: the receiver closed the connection"
		dead       = helloed + "C: STARTTLS\n*: closed by the server"
	)
	offered := func(keywords ...string) probe.Check {
		return probe.Check{Start: probe.Hello, Needs: probe.Needs{Offered: keywords}}
	}
	unoffered := func(keywords ...string) probe.Check {
		return probe.Check{Start: probe.Hello, Needs: probe.Needs{Unoffered: keywords}}
	}
	inTunnel := func(c probe.Check) probe.Check {
		c.Start = probe.TunnelHello
		return c
	}
	upgrade := probe.Check{Start: probe.Hello, Needs: probe.Needs{Upgrade: true}}
	secured := probe.Check{Start: probe.Hello, Needs: probe.Needs{Upgrade: true, Secured: true}}
	tunnel := probe.Check{Start: probe.TunnelHello}
	mail := probe.Check{Start: probe.Hello, Needs: probe.Needs{Mail: true}}
	helo := probe.Check{Start: probe.Greeted, Needs: probe.Needs{Helo: true}}

	const na, unknown = probe.NotApplicable, probe.Inconclusive
	tests := []struct {
		name      string
		c         probe.Check
		channel   probe.Channel
		baselines baselines
		noTLS     bool
		settled   bool
		want      probe.Verdict
		reason    string
	}{
		{name: "nothing needed", c: probe.Check{Start: probe.Hello}},
		{name: "offered", c: offered("PIPELINING")},
		{name: "offered, in another case", c: offered("pipelining")},
		{name: "not offered", c: offered("CHUNKING"), settled: true, want: na, reason: "CHUNKING is not offered"},
		{name: "one of two not offered", c: offered("PIPELINING", "CHUNKING"), settled: true, want: na, reason: "CHUNKING"},
		{name: "unoffered as needed", c: unoffered("CHUNKING")},
		{name: "offered against the need", c: unoffered("CHUNKING", "PIPELINING"), settled: true, want: na, reason: "PIPELINING is offered"},
		{name: "offered in clear only, tried inside TLS", c: inTunnel(offered("STARTTLS")), settled: true, want: na, reason: "STARTTLS is not offered"},
		{name: "offered inside TLS", c: inTunnel(offered("PIPELINING"))},
		{
			name: "offered inside TLS only, tried in clear", c: offered("8BITMIME"),
			baselines: baselines{probe.B2: strings.Replace(plainB2, "S: 250 PIPELINING", "S: 250 8BITMIME", 1)}, settled: true, want: na, reason: "8BITMIME",
		},
		{name: "offered in the upgraded channel", c: offered("8BITMIME"), channel: probe.Upgraded, baselines: baselines{probe.B0: upgradedB0, probe.B2: ""}},
		{name: "offered before the upgrade only", c: offered("PIPELINING"), channel: probe.Upgraded, baselines: baselines{probe.B0: upgradedB0, probe.B2: ""}, settled: true, want: na, reason: "PIPELINING"},
		// "keywords that EHLO must offer in the channel of the check", and a check
		// of the way into TLS begins in clear even there.
		{
			name: "offered in clear, needed by a check in clear of an upgraded run", channel: probe.Upgraded,
			c: probe.Check{Start: probe.Hello, Needs: probe.Needs{Upgrade: true, Offered: []string{"PIPELINING"}}}, baselines: baselines{probe.B0: upgradedB0, probe.B2: ""},
		},
		{name: "offered in the implicit channel", c: offered("AUTH"), channel: probe.Implicit, baselines: baselines{probe.B0: implicitB0, probe.B2: ""}},
		{name: "offered inside implicit TLS", c: inTunnel(offered("AUTH")), channel: probe.Implicit, baselines: baselines{probe.B0: implicitB0, probe.B2: ""}},

		{name: "upgrade", c: secured},
		{name: "tunnel", c: tunnel},
		{name: "upgrade without STARTTLS", c: upgrade, baselines: baselines{probe.B0: noSTARTTLS, probe.B2: ""}, settled: true, want: na, reason: "STARTTLS is not offered"},
		{name: "tunnel without STARTTLS", c: tunnel, baselines: baselines{probe.B0: noSTARTTLS, probe.B2: ""}, settled: true, want: na, reason: "STARTTLS is not offered"},
		{name: "upgrade with TLS off", c: upgrade, baselines: baselines{probe.B2: ""}, noTLS: true, settled: true, want: na, reason: "off"},
		{name: "tunnel with TLS off", c: tunnel, baselines: baselines{probe.B2: ""}, noTLS: true, settled: true, want: na, reason: "off"},
		{name: "another check with TLS off", c: offered("PIPELINING"), baselines: baselines{probe.B2: ""}, noTLS: true},
		{name: "upgrade inside implicit TLS", c: upgrade, channel: probe.Implicit, baselines: baselines{probe.B0: implicitB0, probe.B2: ""}, settled: true, want: na, reason: "first octet"},
		{name: "tunnel inside implicit TLS", c: tunnel, channel: probe.Implicit, baselines: baselines{probe.B0: implicitB0, probe.B2: ""}},
		{name: "upgrade in an upgraded run", c: secured, channel: probe.Upgraded, baselines: baselines{probe.B0: upgradedB0, probe.B2: ""}},
		{name: "tunnel in an upgraded run", c: tunnel, channel: probe.Upgraded, baselines: baselines{probe.B0: upgradedB0, probe.B2: ""}},
		{name: "STARTTLS refused", c: upgrade, baselines: baselines{probe.B2: noTunnel}, settled: true, want: unknown, reason: "454"},
		{name: "tunnel, STARTTLS refused", c: tunnel, baselines: baselines{probe.B2: noTunnel}, settled: true, want: unknown, reason: "454"},
		{name: "handshake fails", c: secured, baselines: baselines{probe.B2: badTLS}, settled: true, want: unknown, reason: "handshake fails"},
		{name: "tunnel, handshake fails", c: tunnel, baselines: baselines{probe.B2: badTLS}, settled: true, want: unknown, reason: "handshake fails"},
		{name: "handshake fails and none is needed", c: upgrade, baselines: baselines{probe.B2: badTLS}},
		{name: "handshake fails, a check in clear", c: offered("PIPELINING"), baselines: baselines{probe.B2: badTLS}},
		{name: "B2 was closed", c: upgrade, baselines: baselines{probe.B2: dead}, settled: true, want: unknown, reason: "closed"},

		{name: "MAIL served", c: mail},
		{name: "MAIL refused", c: mail, baselines: baselines{probe.B0: strings.Replace(plainB0, "250 2.1.0 Ok", "530 5.7.0 Must issue a STARTTLS command first", 1)}, settled: true, want: unknown, reason: "530"},
		{name: "MAIL refused for the moment", c: mail, baselines: baselines{probe.B0: strings.Replace(plainB0, "250 2.1.0 Ok", "451 4.3.0 later", 1)}, settled: true, want: unknown, reason: "451"},
		{name: "MAIL refused and not needed", c: offered("PIPELINING"), baselines: baselines{probe.B0: strings.Replace(plainB0, "250 2.1.0 Ok", "530 5.7.0 no", 1)}},
		{name: "HELO served", c: helo},
		{name: "HELO refused", c: helo, baselines: baselines{probe.B3: strings.Replace(plainB3, "250 mx.example.com", "502 5.5.1 no", 1)}, settled: true, want: na, reason: "502"},
		{name: "MAIL after HELO refused", c: helo, baselines: baselines{probe.B3: strings.Replace(plainB3, "250 2.1.0 Ok", "550 5.7.1 no", 1)}, settled: true, want: unknown, reason: "MAIL after HELO"},
		{name: "HELO refused and not needed", c: mail, baselines: baselines{probe.B3: strings.Replace(plainB3, "250 mx.example.com", "502 5.5.1 no", 1)}},
		{name: "postmaster refused is known all the same", c: rcptBeforeMail(), baselines: baselines{probe.B1: refusesRcptB1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := facts(t, tt.channel, tt.baselines)
			got, settled := probe.Precondition(&tt.c, f, tt.noTLS)
			if settled != tt.settled || got.Verdict != tt.want {
				t.Fatalf("got %s (%s), settled %v; want %s, %v", got.Verdict, got.Reason, settled, tt.want, tt.settled)
			}
			if !strings.Contains(got.Reason, tt.reason) || settled && got.Reason == "" {
				t.Errorf("got the reason %q, want one with %q", got.Reason, tt.reason)
			}
			if !settled {
				return
			}
			// What does not hold before the run does not hold after it either.
			tt.c.Judge = probe.Judge{Find: func(probe.Evidence) probe.Finding { return probe.Finding{Verdict: probe.Lenient} }}
			h := heard{channel: tt.channel, baselines: tt.baselines, noTLS: tt.noTLS}
			if res := judge(t, tt.c, h, "--\nC: NOOP\nS: 250 a"); res.Verdict != tt.want || res.Conformance != "" {
				t.Errorf("got %s %q once it was tried, want %s", res.Verdict, res.Conformance, tt.want)
			}
		})
	}
}

func TestFactsInClear(t *testing.T) {
	f := facts(t, probe.Clear, nil)
	if f.Greeting.Code != 220 || f.Mail.Code != 250 || f.Postmaster.Code != 250 || f.Helo.Code != 250 || f.HeloMail.Code != 250 || f.Starttls.Code != 220 {
		t.Errorf("got %+v, want all replies of the plain baselines", f)
	}
	if f.PostmasterRefused() || f.MailAgain.Code != 250 {
		t.Errorf("got postmaster refused %v and %d to the second MAIL, want it accepted and 250", f.PostmasterRefused(), f.MailAgain.Code)
	}
	if !f.Offered.Has("STARTTLS") || !f.StarttlsOffered() || f.OfferedTLS.Has("STARTTLS") || !f.OfferedTLS.Has("PIPELINING") {
		t.Errorf("got %q in clear and %q inside TLS, want STARTTLS in clear only", f.Offered, f.OfferedTLS)
	}
	if f.Secured != "TLS 1.3, TLS_AES_128_GCM_SHA256" || f.Unsecured != "" {
		t.Errorf("got %q, failed %q; want the version and cipher", f.Secured, f.Unsecured)
	}
	if len(f.Failed) != 0 {
		t.Errorf("got %v failed, want none", f.Failed)
	}
	if f.Fastest != 10*time.Millisecond || f.Slowest != 30*time.Millisecond {
		t.Errorf("got waits from %s to %s, want them from 10ms to 30ms", f.Fastest, f.Slowest)
	}
}

func TestFactsInsideTLS(t *testing.T) {
	f := facts(t, probe.Upgraded, map[probe.Baseline]string{probe.B0: upgradedB0, probe.B2: ""})
	if f.Offered.Has("PIPELINING") || !f.Offered.Has("8BITMIME") || !f.OfferedTLS.Has("8BITMIME") {
		t.Errorf("got %q and %q offered, want what EHLO inside TLS offers", f.Offered, f.OfferedTLS)
	}
	if f.Starttls.Code != 220 || !strings.HasPrefix(f.Secured, "TLS 1.3") || f.Mail.Code != 250 || !f.StarttlsOffered() {
		t.Errorf("got %+v, want STARTTLS 220, TLS 1.3 and MAIL 250", f)
	}
	f = facts(t, probe.Implicit, map[probe.Baseline]string{probe.B0: implicitB0, probe.B2: ""})
	if !f.Offered.Has("AUTH") || !f.OfferedTLS.Has("AUTH") || !strings.HasPrefix(f.Secured, "TLS 1.2") || f.Greeting.Code != 220 || f.StarttlsOffered() {
		t.Errorf("got %+v, want AUTH, TLS 1.2 and the greeting", f)
	}
}

func TestFactsSayWhichBaselineFailed(t *testing.T) {
	tests := []struct {
		name, text string
		b          probe.Baseline
		want       string
	}{
		{"greeting", "*: connected\nS: 554 5.7.1 go away", probe.B0, "554"},
		{"no greeting", "*: connected\n+60s\n*: timed out: after 1m0s", probe.B0, "greeting"},
		{"no connection", "*: no connection: refused", probe.B0, "refused"},
		{"EHLO", "*: connected\nS: 220 a\nC: EHLO client.example\nS: 502 no", probe.B0, "EHLO"},
		{"MAIL in B1", helloed + "C: MAIL FROM:<>\nS: 451 4.3.0 later", probe.B1, "MAIL was answered 451"},
		{"RCPT closed", helloed + "C: MAIL FROM:<>\nS: 250 ok\nC: RSET\nS: 250 ok\nC: MAIL FROM:<>\nS: 250 ok\nC: RCPT TO:<postmaster@example.com>\n*: closed by the server", probe.B1, "RCPT"},
		{"STARTTLS", helloed + "C: STARTTLS\nS: 454 4.7.0 no", probe.B2, "STARTTLS was answered 454"},
		{"handshake", helloed + "C: STARTTLS\nS: 220 go\n*: TLS handshake failed: alert", probe.B2, "handshake failed: alert"},
		{"HELO", "*: connected\nS: 220 a\nC: HELO client.example\nS: 502 no", probe.B3, "HELO was answered 502"},
		{"the end of a transcript", "*: connected\nS: 220 a", probe.B0Again, ""},
		{"the end of a transcript behind a command", helloed + "C: MAIL FROM:<>", probe.B0Again, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := facts(t, probe.Clear, map[probe.Baseline]string{tt.b: tt.text})
			why, failed := f.Failed[tt.b]
			if !failed || !strings.Contains(why, tt.want) || why == "" {
				t.Errorf("got %q, want a failure with %q", why, tt.want)
			}
			if len(f.Failed) != 1 {
				t.Errorf("got %v failed, want %s only", f.Failed, tt.b)
			}
		})
	}
	f := facts(t, probe.Clear, map[probe.Baseline]string{probe.B1: refusesRcptB1})
	if len(f.Failed) != 0 || f.Postmaster.Code != 550 {
		t.Errorf("got %v failed and %d, want a refused postmaster to be no failure", f.Failed, f.Postmaster.Code)
	}
}

func TestFactsSayWhyTheHandshakeFailed(t *testing.T) {
	const failed = "C: STARTTLS\nS: 220 2.0.0 go\n*: TLS handshake failed: the receiver's answer is not TLS"
	for name, f := range map[string]probe.Facts{
		"in B2":             facts(t, probe.Clear, map[probe.Baseline]string{probe.B2: helloed + failed}),
		"in an upgraded B0": facts(t, probe.Upgraded, map[probe.Baseline]string{probe.B0: helloed + failed, probe.B2: ""}),
		"in an implicit B0": facts(t, probe.Implicit, map[probe.Baseline]string{probe.B0: "*: connected\n*: TLS handshake failed: the receiver's answer is not TLS", probe.B2: ""}),
	} {
		t.Run(name, func(t *testing.T) {
			if f.Unsecured != "the receiver's answer is not TLS" || f.Secured != "" {
				t.Errorf("got %q, secured %q; want why it failed", f.Unsecured, f.Secured)
			}
		})
	}
}

func TestFactsKnowTheSlowestReply(t *testing.T) {
	f := facts(t, probe.Clear, map[probe.Baseline]string{
		probe.B1: strings.Replace(plainB1, "C: RSET", "C: RSET\n+7s", 1),
		probe.B3: strings.Replace(plainB3, "*: connected", "*: connected\n+20s", 1), // a slow greeting is no slow reply
	})
	if f.Slowest < 7*time.Second || f.Slowest > 8*time.Second {
		t.Errorf("got %s, want about 7s", f.Slowest)
	}
}
