package report

import (
	"fmt"
	"io"
	"math"
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
)

// CampaignSchema names the shape of the JSON of a campaign. Fields are added to
// it, never renamed.
const CampaignSchema = "smtpprobe/campaign/v1"

type campaignDocument struct {
	Schema     string             `json:"schema"`
	Tool       tool               `json:"tool"`
	Started    string             `json:"started"`
	ElapsedMS  int64              `json:"elapsed_ms"`
	Profile    string             `json:"profile"`
	Complete   bool               `json:"complete"`
	Note       string             `json:"note,omitempty"`
	List       campaignList       `json:"list"`
	Coverage   map[string]amount  `json:"coverage"`
	Platforms  []campaignPlatform `json:"platforms"`
	Narrowed   bool               `json:"narrowed"`
	Habits     []campaignHabit    `json:"habits"`
	NoMail     []campaignDead     `json:"no_mail"`
	Unmeasured []campaignUnknown  `json:"unmeasured"`
}

type campaignList struct {
	Lines      int            `json:"lines"`
	Column     int            `json:"column"`
	Header     bool           `json:"header"`
	Recipients int            `json:"recipients"`
	Domains    int            `json:"domains"`
	Malformed  malformedLines `json:"malformed"`
}

type malformedLines struct {
	Count int   `json:"count"`
	First []int `json:"first"`
}

// amount is a number of recipients, and which part of all that is.
type amount struct {
	Recipients int     `json:"recipients"`
	Share      float64 `json:"share"`
}

type campaignPlatform struct {
	Platform string `json:"platform"`
	amount
	Domains    int             `json:"domains"`
	Receivers  int             `json:"receivers"`
	Sampled    int             `json:"sampled"`
	Strictness strictness      `json:"strictness"`
	Violations int             `json:"violations"`
	Unmeasured string          `json:"unmeasured,omitempty"`
	Probed     []campaignTried `json:"probed"`
}

type campaignTried struct {
	Host       string       `json:"host"`
	Address    string       `json:"address"`
	Port       uint16       `json:"port"`
	Recipients int          `json:"recipients"`
	Status     probe.Status `json:"status"`
	Reason     string       `json:"reason"`
	Software   string       `json:"software"`
	Measured   bool         `json:"measured"`
	Strictness strictness   `json:"strictness"`
	Violations int          `json:"violations"`
	Verdicts   counts       `json:"verdicts"`
}

type campaignHabit struct {
	Habit         string   `json:"habit"`
	Must          string   `json:"must"`
	Checks        []string `json:"checks"`
	Punished      amount   `json:"punished"`
	Sampled       amount   `json:"sampled"`
	Tolerated     amount   `json:"tolerated"`
	NotApplicable amount   `json:"not_applicable"`
	Unmeasured    amount   `json:"unmeasured"`
	Platforms     []string `json:"platforms"`
}

type campaignDead struct {
	Why string `json:"why"`
	amount
	Domains []campaignDomain `json:"domains"`
}

type campaignDomain struct {
	Domain     string `json:"domain"`
	Recipients int    `json:"recipients"`
}

type campaignUnknown struct {
	Why string `json:"why"`
	amount
	Domains   int `json:"domains"`
	Platforms int `json:"platforms"`
}

// CampaignJSON writes what is known before a campaign as one document of the
// schema. The error is the writer's.
func CampaignJSON(w io.Writer, c Campaign) error {
	doc := campaignDocument{
		Schema: CampaignSchema, Tool: tool{Name: "smtpprobe", Version: tidy(c.Version)}, Started: c.Started.Format(time.RFC3339),
		ElapsedMS: c.Elapsed.Milliseconds(), Profile: tidy(c.Profile), Complete: c.Note == "", Note: tidy(c.Note),
		List: campaignList{
			Lines: c.List.Lines, Column: c.List.Column, Header: c.List.Header, Recipients: c.List.Recipients, Domains: c.Domains,
			Malformed: malformedLines{c.List.Malformed, append([]int{}, c.List.First...)},
		},
		Coverage: map[string]amount{}, Platforms: []campaignPlatform{}, Narrowed: c.Narrowed, Habits: []campaignHabit{},
		NoMail: []campaignDead{}, Unmeasured: []campaignUnknown{},
	}
	for _, part := range c.parts() {
		doc.Coverage[part.name] = c.amount(part.recipients)
	}
	for _, p := range c.Platforms {
		doc.Platforms = append(doc.Platforms, c.platform(p))
	}
	for _, t := range c.Habits {
		doc.Habits = append(doc.Habits, campaignHabit{
			Habit: t.Name, Must: t.Must, Checks: append([]string{}, t.Checks...), Punished: c.amount(t.Punished),
			Sampled: c.amount(t.Sampled), Tolerated: c.amount(t.Tolerated), NotApplicable: c.amount(t.NotApplicable),
			Unmeasured: c.amount(t.Unmeasured), Platforms: each(t.Platforms, tidy),
		})
	}
	for _, d := range c.Dead {
		dead := campaignDead{Why: d.Why, amount: c.amount(d.Recipients), Domains: []campaignDomain{}}
		for _, a := range d.Domains {
			dead.Domains = append(dead.Domains, campaignDomain{name(a.Domain), a.Recipients})
		}
		doc.NoMail = append(doc.NoMail, dead)
	}
	for _, u := range c.Unknown {
		doc.Unmeasured = append(doc.Unmeasured, campaignUnknown{u.Why, c.amount(u.Recipients), u.Domains, u.Platforms})
	}
	if err := encode(w, doc, "  "); err != nil {
		return fmt.Errorf("write the campaign as JSON: %w", err)
	}
	return nil
}

func (c Campaign) platform(p Platform) campaignPlatform {
	s := p.Strictness()
	out := campaignPlatform{
		Platform: tidy(p.Name), amount: c.amount(p.Recipients), Domains: p.Domains, Receivers: p.Receivers,
		Sampled: p.Sampled(), Strictness: strictness{s.Enforced, s.Of}, Violations: p.Violations(), Unmeasured: p.Unmeasured(),
		Probed: []campaignTried{},
	}
	for _, t := range p.Tried {
		out.Probed = append(out.Probed, campaignTried{
			Host: tidy(t.Host), Address: tidy(t.Address), Port: t.Port, Recipients: t.Recipients, Status: t.Status,
			Reason: tidy(t.Reason), Software: tidy(t.Software), Measured: t.Measured,
			Strictness: strictness{t.Strictness.Enforced, t.Strictness.Of}, Violations: t.Violations, Verdicts: t.Verdicts,
		})
	}
	return out
}

func (c Campaign) amount(n int) amount { return amount{n, shareOf(n, c.List.Recipients)} }

// shareOf is a part of a whole, in six digits.
func shareOf(n, of int) float64 {
	const digits = 1e6
	if of == 0 {
		return 0
	}
	return math.Round(digits*float64(n)/float64(of)) / digits
}
