package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
	"github.com/smtpprobe/smtpprobe/report"
	"github.com/smtpprobe/smtpprobe/report/schematest"
)

// habitChecks are a few checks, of which the first two know the same habit.
func habitChecks() []probe.Check {
	data := probe.Habit{Name: "DATA to nobody", Must: "count the recipients"}
	return []probe.Check{
		{ID: "data-one", Ordering: true, Habit: data},
		{ID: "data-two", Ordering: true, Habit: data},
		{ID: "rset", Polarity: probe.Clearing, Ordering: true, Habit: probe.Habit{Name: "no MAIL after RSET", Must: "send MAIL again"}},
		{ID: "nobody", Polarity: probe.Observation}, // no sender has it
	}
}

// receiverOf is a receiver of a platform at an address.
func receiverOf(platform, address string) probe.Receiver {
	return probe.Receiver{Host: "mx." + platform, Address: address, Port: 25, Platform: platform}
}

// answered is what a receiver did in those checks, in their order.
func answered(r probe.Receiver, verdicts ...probe.Verdict) probe.Report {
	out := probe.Report{Receiver: r, Status: probe.StatusOK}
	order := habitChecks()
	for i, v := range verdicts {
		res := probe.Result{Check: &order[i], Verdict: v}
		if v == probe.Strict || v == probe.Deviant {
			res.Reply = smtp.Reply{Code: 503, Lines: []smtp.Line{{Octets: "503 no"}}}
		}
		out.Results = append(out.Results, res)
	}
	return out
}

func listOf(domains []report.Audience) report.Recipients {
	l := report.Recipients{Column: 1}
	for _, d := range domains {
		l.Recipients += d.Recipients
	}
	l.Lines = l.Recipients
	return l
}

// TestHabitsPunishedWithoutARefusal: nobody is safe because the reply that decided
// is not one of refusal, or the verdict conforms.
func TestHabitsPunishedWithoutARefusal(t *testing.T) {
	served, refused := smtp.Reply{Code: 250}, smtp.Reply{Code: 500}
	for name, tt := range map[string]struct {
		check   probe.Check
		verdict probe.Verdict
		reply   smtp.Reply
		want    bool
	}{
		"waits for CR LF":          {probe.Check{}, probe.Strict, served, true},
		"closes behind QUIT":       {probe.Check{}, probe.Strict, smtp.Reply{Code: 221}, true},
		"serves it":                {probe.Check{}, probe.Lenient, served, false},
		"a line too long, refused": {probe.Check{Polarity: probe.Service, Level: probe.None}, probe.Correct, refused, true},
		"a line too long, served":  {probe.Check{Polarity: probe.Service, Level: probe.None}, probe.Correct, served, false},
		"a refusal that is due":    {probe.Check{Polarity: probe.Service, Level: probe.Must}, probe.Correct, refused, false},
		"lists what it should not": {probe.Check{Polarity: probe.Observation, Level: probe.Must, Misleads: true}, probe.Lenient, served, true},
		"CR for a line end":        {probe.Check{Level: probe.Must, Misleads: true}, probe.Lenient, served, true},
		"CR within the line":       {probe.Check{Level: probe.Must, Misleads: true}, probe.Strict, served, false},
		"CR refused":               {probe.Check{Level: probe.Must, Misleads: true}, probe.Strict, refused, true},
	} {
		tt.check.ID, tt.check.Habit = "x", probe.Habit{Name: "habit", Must: "not"}
		r := receiverOf("p.example", "192.0.2.1")
		s := report.NewSurvey([]report.Audience{{Domain: "a.example", Recipients: 10}}, []probe.Check{tt.check}, nil)
		s.Domain("a.example", "ok", []probe.Receiver{r})
		s.Receiver(probe.Report{Receiver: r, Status: probe.StatusOK, Results: []probe.Result{{Check: &tt.check, Verdict: tt.verdict, Reply: tt.reply}}})
		if got := s.Campaign().Habits[0]; got.Hurts() != tt.want || got.Spared() == tt.want {
			t.Errorf("%s: punished %d, tolerated %d, want punished: %v", name, got.Punished, got.Tolerated, tt.want)
		}
	}
}

// TestSurveyCounts: what is inconclusive is never safe, a platform is judged by
// what was probed of it, and a domain by its own receiver where that was.
func TestSurveyCounts(t *testing.T) {
	const none, na = probe.Inconclusive, probe.NotApplicable
	for name, tt := range map[string]struct {
		own, other []probe.Verdict // of the domain's receiver, and of another of its platform; nil: not probed
		want       string          // the fate of 10 recipients: of DATA to nobody, and of no MAIL after RSET
		measured   int
	}{
		"punished":                          {[]probe.Verdict{probe.Strict, probe.Lenient, probe.Correct}, nil, "punished punished", 10},
		"tolerated":                         {[]probe.Verdict{probe.Lenient, probe.Lenient, probe.Lenient}, nil, "tolerated tolerated", 10},
		"overstrict, dropped and broken":    {[]probe.Verdict{na, probe.Dropped, probe.Broken}, nil, "punished punished", 10},
		"inconclusive beside tolerated":     {[]probe.Verdict{none, probe.Lenient, probe.Lenient}, nil, "unmeasured tolerated", 10},
		"inconclusive beside punished":      {[]probe.Verdict{none, probe.Deviant, none}, nil, "punished unmeasured", 10},
		"not applicable beside tolerated":   {[]probe.Verdict{na, probe.Lenient, na}, nil, "tolerated not-applicable", 10},
		"all inconclusive":                  {[]probe.Verdict{none, none, none}, nil, "unmeasured unmeasured", 0},
		"not asked":                         {[]probe.Verdict{probe.Lenient, probe.Lenient}, nil, "tolerated unmeasured", 10},
		"not probed":                        {nil, nil, "unmeasured unmeasured", 0},
		"another of the platform":           {nil, []probe.Verdict{probe.Strict, na, probe.Lenient}, "punished/sampled tolerated", 0},
		"its own says otherwise":            {[]probe.Verdict{probe.Lenient, probe.Lenient, probe.Lenient}, []probe.Verdict{probe.Strict, na, probe.Correct}, "tolerated tolerated", 10},
		"its own inconclusive, the other's": {[]probe.Verdict{none, none, none}, []probe.Verdict{probe.Strict, na, probe.Lenient}, "punished/sampled tolerated", 0},
	} {
		t.Run(name, func(t *testing.T) {
			domains := []report.Audience{{Domain: "a.example", Recipients: 10}, {Domain: "b.example", Recipients: 1}}
			s := report.NewSurvey(domains, habitChecks(), nil)
			own, other := receiverOf("p.example", "192.0.2.1"), receiverOf("p.example", "192.0.2.2")
			s.Domain("a.example", "ok", []probe.Receiver{own})
			s.Domain("b.example", "ok", []probe.Receiver{other})
			if tt.own != nil {
				s.Receiver(answered(own, tt.own...))
			}
			if tt.other != nil {
				s.Receiver(answered(other, tt.other...))
			}
			c := s.Campaign()
			// Those of b.example are taken away where they were counted beside.
			fate := func(name string) string {
				i := slices.IndexFunc(c.Habits, func(h report.Toll) bool { return h.Name == name })
				h := c.Habits[i]
				switch {
				case h.Sampled >= 10:
					return "punished/sampled"
				case h.Punished >= 10:
					return "punished"
				case h.Tolerated >= 10:
					return "tolerated"
				case h.NotApplicable >= 10:
					return "not-applicable"
				case h.Unmeasured >= 10:
					return "unmeasured"
				}
				return fmt.Sprintf("%+v", h)
			}
			if got := fate("DATA to nobody") + " " + fate("no MAIL after RSET"); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if got := c.Measured / 10 * 10; got != tt.measured {
				t.Errorf("measured: got %d, want %d", c.Measured, tt.measured)
			}
		})
	}
}

// TestTheWorstReceiverCounts: a sender meets any of a domain's receivers.
func TestTheWorstReceiverCounts(t *testing.T) {
	first, second := receiverOf("p.example", "192.0.2.1"), receiverOf("p.example", "192.0.2.2")
	strict, kind := []probe.Verdict{probe.Strict, probe.Strict, probe.Correct}, []probe.Verdict{probe.Lenient, probe.Lenient, probe.Lenient}
	for _, said := range [][2][]probe.Verdict{{strict, kind}, {kind, strict}} {
		s := report.NewSurvey([]report.Audience{{Domain: "a.example", Recipients: 3}}, habitChecks(), nil)
		s.Domain("a.example", "ok", []probe.Receiver{first, second})
		s.Receiver(answered(first, said[0]...))
		s.Receiver(answered(second, said[1]...))
		for _, h := range s.Campaign().Habits {
			if h.Punished != 3 || h.Tolerated != 0 {
				t.Errorf("got %+v, want 3 punished", h)
			}
		}
	}
}

// TestStandings: those with the most recipients come first, whatever the list's
// order is.
func TestStandings(t *testing.T) {
	s := report.NewSurvey([]report.Audience{{Domain: "a.example", Recipients: 1}, {Domain: "b.example", Recipients: 2}, {Domain: "c.example", Recipients: 5}}, nil, nil)
	s.Domain("a.example", "ok", []probe.Receiver{receiverOf("p.example", "192.0.2.1")})
	s.Domain("b.example", "ok", []probe.Receiver{receiverOf("p.example", "2001:db8::2"), receiverOf("p.example", "192.0.2.2")})
	s.Domain("c.example", "ok", []probe.Receiver{receiverOf("q.example", "192.0.2.3")})
	var got []string
	for _, standing := range s.Standings() {
		got = append(got, strconv.Itoa(standing.Recipients))
		for _, r := range standing.Receivers {
			got = append(got, r.Address)
		}
	}
	if want := []string{"5", "192.0.2.3", "3", "192.0.2.2", "2001:db8::2", "192.0.2.1"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestOneSender: only its habits, those without a check too.
func TestOneSender(t *testing.T) {
	unknown := probe.Habit{Name: "sings", Must: "be silent"}
	s := report.NewSurvey([]report.Audience{{Domain: "a.example", Recipients: 3}}, habitChecks(), []probe.Habit{unknown, habitChecks()[2].Habit})
	r := receiverOf("p.example", "192.0.2.1")
	s.Domain("a.example", "ok", []probe.Receiver{r})
	s.Receiver(answered(r, probe.Strict, probe.Strict, probe.Correct))
	c := s.Campaign()
	if len(c.Habits) != 2 || c.Habits[0].Name != "no MAIL after RSET" || c.Habits[0].Punished != 3 || c.Habits[1].Unmeasured != 3 {
		t.Errorf("got %+v, want RSET to punish 3, and nothing to be known of the other", c.Habits)
	}
}

// TestPlatformsThatShareAnAddress: one receiver, probed once, counts for both.
func TestPlatformsThatShareAnAddress(t *testing.T) {
	s := report.NewSurvey([]report.Audience{{Domain: "a.example", Recipients: 3}, {Domain: "b.example", Recipients: 2}}, habitChecks(), nil)
	s.Domain("a.example", "ok", []probe.Receiver{receiverOf("p.example", "192.0.2.1")})
	s.Domain("b.example", "ok", []probe.Receiver{receiverOf("q.example", "192.0.2.1")})
	s.Receiver(answered(receiverOf("p.example", "192.0.2.1"), probe.Strict, probe.Strict, probe.Correct))
	c := s.Campaign()
	if c.Measured != 5 || len(c.Platforms) != 2 || c.Platforms[1].Tried[0].Host != "mx.q.example" || c.Platforms[1].Tried[0].Recipients != 2 {
		t.Errorf("got %+v", c)
	}
}

// drawn is a survey of anything.
func drawn(t *rapid.T) report.Campaign {
	var domains []report.Audience
	for i := range rapid.IntRange(1, 12).Draw(t, "domains") {
		domains = append(domains, report.Audience{Domain: fmt.Sprintf("d%d.example", i), Recipients: rapid.IntRange(1, 50).Draw(t, "recipients")})
	}
	s := report.NewSurvey(domains, habitChecks(), nil)
	statuses := []string{"", "ok", "ok", "ok", "null-mx", "nxdomain", "no-address", "unusable-mx", "dns-error", report.NotProbeable}
	for _, d := range domains {
		status := rapid.SampledFrom(statuses).Draw(t, "status")
		var all []probe.Receiver
		if status == "ok" {
			platform := rapid.SampledFrom([]string{"p.example", "q.example", "r.example"}).Draw(t, "platform")
			for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(1, 4), 1, 3, rapid.ID).Draw(t, "receivers") {
				all = append(all, receiverOf(platform, fmt.Sprintf("192.0.2.%d", n)))
			}
		}
		if status != "" {
			s.Domain(d.Domain, status, all)
		}
	}
	for _, standing := range s.Standings() {
		for _, r := range standing.Receivers {
			if rapid.Bool().Draw(t, "probed") {
				s.Receiver(answered(r, rapid.SliceOfN(rapid.SampledFrom(probe.Verdicts()), 0, 4).Draw(t, "verdicts")...))
			}
		}
	}
	c := s.Campaign()
	c.List = listOf(domains)
	return c
}

// TestEveryRecipientIsCountedOnce holds the parts of a campaign against the whole.
func TestEveryRecipientIsCountedOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawn(t)
		if got := c.Measured + c.Sampled + c.NoMail + c.Unmeasured; got != c.List.Recipients {
			t.Errorf("coverage: got %d, want %d", got, c.List.Recipients)
		}
		sampled, behind, platforms := 0, 0, 0
		for _, p := range c.Platforms {
			sampled, behind, platforms = sampled+p.Sampled(), behind+p.Behind, platforms+p.Recipients
		}
		if sampled != c.Sampled || behind != c.Measured || platforms > c.List.Recipients-c.NoMail {
			t.Errorf("platforms: got %d sampled, %d measured, %d in all: %+v", sampled, behind, platforms, c)
		}
		for _, h := range c.Habits {
			if got := h.Punished + h.Tolerated + h.NotApplicable + h.Unmeasured + c.NoMail; got != c.List.Recipients {
				t.Errorf("%s: got %d, want %d", h.Name, got, c.List.Recipients)
			}
			if h.Sampled > h.Punished || h.Sampled > c.Sampled || h.Unmeasured < c.Unmeasured || (h.Punished > 0) != (len(h.Platforms) > 0) {
				t.Errorf("%+v of %+v", h, c)
			}
		}
		dead, unknown := 0, 0
		for _, d := range c.Dead {
			dead += d.Recipients
		}
		for _, u := range c.Unknown {
			unknown += u.Recipients
		}
		if dead != c.NoMail || unknown != c.Unmeasured {
			t.Errorf("got %d dead, %d unknown, want %d and %d", dead, unknown, c.NoMail, c.Unmeasured)
		}
	})
}

// TestCampaignFormatsAgree reads CSV and JSON back.
func TestCampaignFormatsAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawn(t)
		var text, cells bytes.Buffer
		if err := report.CampaignJSON(&text, c); err != nil {
			t.Fatal(err)
		}
		if err := schematest.Check(text.Bytes()); err != nil {
			t.Fatal(err)
		}
		if err := report.CampaignCSV(&cells, c); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(&cells).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		var doc struct {
			Coverage  map[string]struct{ Recipients int }
			Platforms []struct {
				Platform   string
				Recipients int
				Strictness struct{ Enforced int }
			}
			Habits []struct {
				Habit      string
				Punished   struct{ Recipients int }
				Unmeasured struct{ Recipients int }
			}
			NoMail []struct {
				Domains []struct {
					Domain     string
					Recipients int
				}
			} `json:"no_mail"`
		}
		if err := json.Unmarshal(text.Bytes(), &doc); err != nil {
			t.Fatal(err)
		}
		var want, got []string
		for name, part := range doc.Coverage {
			want = append(want, fmt.Sprint("coverage ", name, part.Recipients))
		}
		for _, p := range doc.Platforms {
			want = append(want, fmt.Sprint("platform ", p.Platform, p.Recipients, " ", p.Strictness.Enforced))
		}
		for _, h := range doc.Habits {
			want = append(want, fmt.Sprint("habit ", h.Habit, h.Punished.Recipients, " ", h.Unmeasured.Recipients))
		}
		for _, d := range doc.NoMail {
			for _, a := range d.Domains {
				want = append(want, fmt.Sprint("no-mail ", a.Domain, a.Recipients))
			}
		}
		at := func(row []string, column string) string { return row[slices.Index(rows[0], column)] }
		for _, row := range rows[1:] {
			line := at(row, "section") + " " + at(row, "name") + at(row, "recipients")
			switch at(row, "section") {
			case "list", "malformed", "unmeasured":
				continue
			case "platform":
				line += " " + at(row, "enforced")
			case "habit":
				line += " " + at(row, "unmeasured")
			}
			got = append(got, line)
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("got %q as CSV, want %q as in JSON", got, want)
		}
	})
}

// mailing is a campaign with something of everything.
func mailing() report.Campaign {
	tried := func(host string, n, enforced, of int) report.Tried {
		return report.Tried{
			Host: host, Address: "192.0.2.1", Port: 25, Recipients: n, Status: probe.StatusOK, Software: "Postfix",
			Strictness: probe.Strictness{Enforced: enforced, Of: of}, Measured: true, Verdicts: map[string]int{"strict": enforced},
		}
	}
	c := report.Campaign{
		Version: "1.2.3", Started: time.Date(2026, 11, 25, 20, 0, 0, 0, time.UTC), Elapsed: 83 * time.Second, Profile: "quick",
		List: report.Recipients{
			Lines: 1000025, Column: 3, Header: true, Recipients: 1000000, Malformed: 24,
			First: []int{17, 204, 311, 312, 313, 420, 500, 600, 700, 800, 900, 1000, 1100, 1200, 1300, 1400, 1500, 1600, 1700, 1800},
		},
		Domains: 84211, Measured: 640000, Sampled: 230000, NoMail: 30000, Unmeasured: 100000,
		Platforms: []report.Platform{
			{Name: "large-mail.example", Recipients: 412003, Domains: 12, Receivers: 5, Behind: 300000, Tried: []report.Tried{tried("mx1.large-mail.example", 300000, 17, 22)}},
			{Name: "a-very-long-name-of-a-platform.hosting-of-mail.example", Recipients: 280000, Domains: 70000, Receivers: 80000, Behind: 280000, Tried: []report.Tried{tried("mx.hosting.example", 280000, 9, 22)}},
			{Name: "away.example", Recipients: 60000, Domains: 1, Receivers: 1, Tried: []report.Tried{{Host: "mx.away.example", Address: "192.0.2.9", Port: 25, Status: probe.StatusUnreachable, Reason: "i/o timeout"}}},
		},
		Habits: []report.Toll{
			{Habit: probe.Habit{Name: "no EHLO after STARTTLS", Must: "send EHLO again after STARTTLS"}, Checks: []string{"tls-mail-without-ehlo"}, Punished: 412003, Sampled: 112003, Tolerated: 457997, Unmeasured: 100000, Platforms: []string{"large-mail.example", "one.example", "two.example", "three.example", "four.example", "five.example"}},
			{Habit: probe.Habit{Name: "RCPT before MAIL", Must: "send RCPT only behind a MAIL that was accepted"}, Checks: []string{"rcpt-before-mail"}, Punished: 7, Tolerated: 869993, Unmeasured: 100000, Platforms: []string{"one.example"}},
			{Habit: probe.Habit{Name: "HELP before EHLO", Must: "send EHLO before HELP"}, Checks: []string{"help-before-ehlo"}, Tolerated: 870000, Unmeasured: 100000},
			{Habit: probe.Habit{Name: "BDAT before MAIL", Must: "send MAIL"}, Checks: []string{"bdat"}, NotApplicable: 870000, Unmeasured: 100000},
			{Habit: probe.Habit{Name: "STARTTLS inside TLS", Must: "not"}, Unmeasured: 970000},
		},
		Dead: []report.Dead{
			{Why: "nxdomain", Recipients: 29000, Domains: []report.Audience{{Domain: "gnail.example", Recipients: 20000}, {Domain: "b.example", Recipients: 8000}, {Domain: "c.example", Recipients: 400}, {Domain: "d.example", Recipients: 300}, {Domain: "e.example", Recipients: 200}, {Domain: "f.example", Recipients: 100}}},
			{Why: "null-mx", Recipients: 1000, Domains: []report.Audience{{Domain: "null.example", Recipients: 1000}}},
		},
		Unknown: []report.Unknown{{Why: "unreachable", Recipients: 60000, Domains: 1, Platforms: 1}, {Why: "dns-error", Recipients: 40000, Domains: 17}},
	}
	for i := range 30 {
		n := 5934 - 10*i
		name := fmt.Sprintf("host%02d.example", i)
		c.Platforms = append(c.Platforms, report.Platform{Name: name, Recipients: n, Domains: i + 1, Receivers: 1, Behind: n, Tried: []report.Tried{tried("mx."+name, n, 20, 22)}})
	}
	return c
}

func TestCampaignTableIsTheReviewedOne(t *testing.T) {
	for name, style := range map[string]report.Style{"campaign-80": {}, "campaign-80-ascii": {ASCII: true}, "campaign-60": {Width: 60}} {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			if err := report.CampaignTable(&got, mailing(), style); err != nil {
				t.Fatal(err)
			}
			golden(t, name+".txt", got.Bytes())
			for line := range strings.Lines(got.String()) {
				if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > max(style.Width, 60) && style.Width > 0 || n > 80 {
					t.Errorf("%d columns: %s", n, line)
				}
				if bad := foreign(strings.TrimSuffix(line, "\n"), style.ASCII); bad != "" {
					t.Errorf("got %s in %q", bad, line)
				}
			}
		})
	}
}

// TestHostileNamesInACampaign: a platform is named by the DNS of others.
func TestHostileNamesInACampaign(t *testing.T) {
	c := mailing()
	c.Version, c.Note = evil, evil
	c.Platforms[0].Name, c.Habits[0].Platforms[0] = evil, evil
	c.Platforms[0].Tried[0] = report.Tried{Host: evil, Address: evil, Reason: evil, Software: evil, Status: probe.StatusOK, Measured: true}
	c.Dead[0].Domains[0].Domain = evil
	c.Platforms[1].Name = "=1+1"
	var table, cells, text bytes.Buffer
	for _, err := range []error{report.CampaignTable(&table, c, report.Style{}), report.CampaignCSV(&cells, c), report.CampaignJSON(&text, c)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, out := range map[string]string{"table": table.String(), "CSV": strings.ReplaceAll(cells.String(), "\r\n", "\n"), "JSON": text.String()} {
		for line := range strings.Lines(out) {
			if bad := foreign(strings.TrimSuffix(line, "\n"), false); bad != "" {
				t.Errorf("%s: got %s in %q, want it escaped", name, bad, line)
			}
		}
	}
	if !strings.Contains(cells.String(), "platform,'=1+1") {
		t.Error("CSV: got a formula, want it defused")
	}
}

func TestPercent(t *testing.T) {
	for _, tt := range []struct {
		n, of int
		want  string
	}{
		{0, 0, "0%"},
		{0, 5, "0%"},
		{5, 5, "100%"},
		{1, 1000000, "<0.1%"},
		{999999, 1000000, ">99.9%"},
		{999, 1000, "99.9%"},
		{1, 1000, "0.1%"},
		{1, 3, "33.3%"},
		{412003, 1000000, "41.2%"},
	} {
		if got := report.Percent(tt.n, tt.of); got != tt.want {
			t.Errorf("%d of %d: got %s, want %s", tt.n, tt.of, got, tt.want)
		}
	}
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := report.Grouped(n); got != want {
			t.Errorf("%s: got %s, want %s", strconv.Itoa(n), got, want)
		}
	}
}
