package page_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/report"
	"github.com/smtpprobe/smtpprobe/report/page"
)

// mailing is a campaign to a million recipients on more platforms than a page has
// room for.
func mailing() report.Campaign {
	platform := func(name string, recipients, behind, receivers, enforced int) report.Platform {
		return report.Platform{
			Name: name, Recipients: recipients, Domains: 1 + recipients/3000, Receivers: receivers, Behind: behind,
			Tried: []report.Tried{{
				Host: "mx." + name, Address: "192.0.2.1", Port: 25, Recipients: behind, Status: probe.StatusOK, Software: "Postfix",
				Strictness: probe.Strictness{Enforced: enforced, Of: 22}, Violations: enforced % 3, Measured: true,
			}},
		}
	}
	habit := func(name, must string, punished, sampled, unmeasured int, by ...string) report.Toll {
		return report.Toll{
			Habit: probe.Habit{Name: name, Must: must}, Checks: []string{"x"}, Punished: punished, Sampled: sampled,
			Tolerated: 970000 - punished - unmeasured, Unmeasured: unmeasured, Platforms: by,
		}
	}
	c := report.Campaign{
		Version: "1.2.3", Started: time.Date(2026, 11, 25, 20, 0, 0, 0, time.UTC), Elapsed: 83 * time.Second, Profile: "quick",
		List:    report.Recipients{Lines: 1000025, Column: 3, Header: true, Recipients: 1000000, Malformed: 4, First: []int{17, 204, 311, 312}},
		Domains: 84211, Measured: 640000, Sampled: 230000, NoMail: 30000, Unmeasured: 100000,
		Platforms: []report.Platform{
			platform("large-mail.example", 412003, 300000, 5, 17),
			platform("a-very-long-name-of-a-platform-that-has-no-place-to-break.hosting-of-mail.example", 280000, 280000, 80000, 9),
			{Name: "away.example", Recipients: 60000, Domains: 1, Receivers: 1, Tried: []report.Tried{{Host: "mx.away.example", Status: probe.StatusUnreachable}}},
		},
		Habits: []report.Toll{
			habit("no EHLO after STARTTLS", "send EHLO again after STARTTLS", 412003, 112003, 100000, "large-mail.example", "b.example", "c.example"),
			habit("pipelines without being offered it", "wait for each reply unless PIPELINING is offered", 290000, 0, 200000, "a-very-long-name-of-a-platform-that-has-no-place-to-break.hosting-of-mail.example"),
			habit("RCPT before MAIL", "send RCPT only behind a MAIL that was accepted", 7, 0, 100000, "one.example"),
			habit("HELP before EHLO", "send EHLO before HELP", 0, 0, 100000),
			{Habit: probe.Habit{Name: "BDAT before MAIL", Must: "send MAIL"}, Checks: []string{"x"}, NotApplicable: 870000, Unmeasured: 100000},
		},
		Dead: []report.Dead{
			{Why: "nxdomain", Recipients: 29000, Domains: []report.Audience{{Domain: "gnail.example", Recipients: 20000}, {Domain: "bücher.example", Recipients: 9000}}},
			{Why: "null-mx", Recipients: 1000, Domains: []report.Audience{{Domain: "null.example", Recipients: 1000}}},
		},
		Unknown: []report.Unknown{{Why: "unreachable", Recipients: 60000, Domains: 1, Platforms: 1}, {Why: "dns-error", Recipients: 40000, Domains: 17}},
	}
	for i := range 250 {
		c.Platforms = append(c.Platforms, platform(fmt.Sprintf("host%03d.example", i), 800-i, 800-i, 1, 20))
	}
	return c
}

func campaignPage(t *testing.T, c report.Campaign) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := page.Campaign(&out, c); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestACampaignIsOneFileThatLoadsNothing(t *testing.T) {
	text := string(campaignPage(t, mailing()))
	for _, never := range []string{"<script", "<link", "<img", "<iframe", "http://", "https://", "@import", "url(", " style=", "ZgotmplZ"} {
		if strings.Contains(text, never) {
			t.Errorf("the page has %q in it", never)
		}
	}
	if !strings.Contains(text, "default-src &#39;none&#39;; style-src &#39;sha256-") {
		t.Error("got no policy, want one that forbids everything but the style")
	}
	for _, said := range []string{
		"1,000,000 recipients of 84,211 domains on 253 platforms.", "4 lines of 1,000,025 have no address", "412,003<br> 41.2%",
		"of these 11.2% by sample; 10.0% not measured", "53 more, in the JSON", "gnail.example (20,000)", "no connection: 6.0%, 60,000 recipients",
		"BDAT before MAIL: not applicable behind 87.0%", "A sender must send EHLO again after STARTTLS.",
	} {
		if !strings.Contains(text, said) {
			t.Errorf("the page does not say %q", said)
		}
	}
	if n := len(text); n > 400<<10 {
		t.Errorf("the page has %d octets, want few", n)
	}
}

func TestHostileNamesAreInertInACampaign(t *testing.T) {
	const evil = "</th><script>alert(1)</script>\x1b[31m\u202e\u2066\xff\x00\"'<!--\r\n"
	c := mailing()
	c.Version, c.Note, c.Profile = evil, evil, evil
	c.Platforms[0].Name, c.Habits[0].Platforms[0], c.Dead[0].Domains[0].Domain = evil, evil, evil
	c.Platforms[0].Tried[0].Software = evil
	printable(t, "campaign", campaignPage(t, c), "ü\n")
	if strings.Contains(string(campaignPage(t, c)), "<script") {
		t.Error("a name became markup")
	}
}

func TestCampaignTellsTheWritersError(t *testing.T) {
	if err := page.Campaign(broken{}, mailing()); err == nil || !strings.Contains(err.Error(), errDisk.Error()) {
		t.Errorf("got %v, want the writer's error", err)
	}
}
