package page

import (
	"bufio"
	_ "embed" // the page and its style are files
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/smtpprobe/smtpprobe/report"
)

//go:embed campaign.html
var campaignLayout string

//go:embed campaign.css
var campaignStyle string

// Campaign writes what is known before a campaign as one self-contained file,
// without a script. The error is the writer's.
func Campaign(w io.Writer, c report.Campaign) error {
	t, err := template.New("campaign").Parse(campaignLayout)
	if err != nil {
		return fmt.Errorf("the template of the page: %w", err)
	}
	out := bufio.NewWriter(w)
	if err = t.Execute(out, newSurvey(c)); err == nil {
		err = out.Flush()
	}
	if err != nil {
		return fmt.Errorf("write the campaign as HTML: %w", err)
	}
	return nil
}

// What one page has room for; the JSON has all.
const (
	mostPlatforms = 200
	mostPunishers = 12 // of a habit
	mostDead      = 40 // domains that take no mail, for the same reason
)

// survey is what the template shows of a campaign.
type survey struct {
	Policy    string
	Style     template.CSS
	Campaign  report.Campaign
	Version   string
	Profile   string
	Note      string
	Started   string
	Took      time.Duration
	Coverage  bar
	Hurts     []toll
	Spared    []toll
	Open      []toll
	Platforms []standing
	Rest      *standing // those that the page has no room for
	Dead      []dead
	Unknown   []string
}

// toll is a habit and what is known of it.
type toll struct {
	report.Toll
	Recipients string
	Words      string
	Bar        bar
	Platforms  []string
}

// standing is a row of a platform.
type standing struct {
	Name, Software, Recipients, Probed, Strict string
	Violations                                 int
	Bar                                        bar
}

// dead is why domains take no mail, and the first of them.
type dead struct {
	Why, Size string
	Names     []string
}

// bar is a part of all recipients, in parts.
type bar struct {
	Share string
	Parts []stretch
}

// stretch is a part of a bar, in thousandths of its length.
type stretch struct {
	Class, Words, Share string
	From, Width         float64
}

func newSurvey(c report.Campaign) survey {
	css := style + campaignStyle
	s := survey{
		Policy: policy(css), Style: template.CSS(css), Campaign: c, //nolint:gosec // files of ours
		Version: report.Tidy(c.Version), Profile: report.Tidy(c.Profile), Note: report.Tidy(c.Note),
		Started: c.Started.Format("2006-01-02 15:04:05 -0700"), Took: c.Elapsed.Round(100 * time.Millisecond),
		Coverage: newBar(c, c.List.Recipients, []piece{
			{"measured", "measured", c.Measured},
			{"sampled", "by sample", c.Sampled},
			{"nomail", "no mail taken", c.NoMail},
			{"unmeasured", "not measured", c.Unmeasured},
		}),
	}
	for _, t := range c.Habits {
		s.addToll(c, t)
	}
	s.addPlatforms(c)
	for _, d := range c.Dead {
		s.Dead = append(s.Dead, dead{report.WhyWords(d.Why), c.Size(d.Recipients, len(d.Domains)), d.Names(mostDead)})
	}
	for _, u := range c.Unknown {
		s.Unknown = append(s.Unknown, c.UnknownWords(u))
	}
	return s
}

func (s *survey) addToll(c report.Campaign, t report.Toll) {
	row := toll{Toll: t, Words: c.Unpunished(t)}
	switch {
	case t.Spared():
		s.Spared = append(s.Spared, row)
		return
	case !t.Hurts():
		s.Open = append(s.Open, row)
		return
	}
	row.Recipients, row.Words = report.Grouped(t.Punished), c.Toll(t)
	row.Bar = newBar(c, t.Punished, []piece{
		{"measured", "", t.Punished - t.Sampled},
		{"sampled", "", t.Sampled},
		{"gap", "", t.Tolerated + t.NotApplicable + c.NoMail},
		{"unmeasured", "", t.Unmeasured},
	})
	row.Platforms = tidied(t.Platforms[:min(len(t.Platforms), mostPunishers)])
	if more := len(t.Platforms) - mostPunishers; more > 0 {
		row.Platforms = append(row.Platforms, report.Grouped(more)+" more")
	}
	s.Hurts = append(s.Hurts, row)
}

func (s *survey) addPlatforms(c report.Campaign) {
	for _, p := range c.Platforms[:min(len(c.Platforms), mostPlatforms)] {
		row := standing{
			Name: report.Tidy(p.Name), Recipients: report.Grouped(p.Recipients), Probed: p.Probed(), Strict: p.Strict(),
			Violations: p.Violations(), Bar: newBar(c, p.Recipients, []piece{
				{"measured", "", p.Behind},
				{"sampled", "", p.Sampled()},
				{"unmeasured", "", p.Recipients - p.Behind - p.Sampled()},
			}),
		}
		for _, t := range p.Tried {
			if !strings.Contains(row.Software, report.Tidy(t.Software)) {
				row.Software = strings.TrimPrefix(row.Software+", "+report.Tidy(t.Software), ", ")
			}
		}
		s.Platforms = append(s.Platforms, row)
	}
	more, rest := len(c.Platforms)-mostPlatforms, 0
	if more <= 0 {
		return
	}
	for _, p := range c.Platforms[mostPlatforms:] {
		rest += p.Recipients
	}
	s.Rest = &standing{
		Name: report.Grouped(more) + " more, in the JSON", Recipients: report.Grouped(rest),
		Bar: newBar(c, rest, []piece{{"rest", "", rest}}),
	}
}

// piece is a part of all recipients.
type piece struct {
	class, words string
	recipients   int
}

// newBar is the bar of so many recipients, of which a class without a style is a
// gap. What is there has a width.
func newBar(c report.Campaign, recipients int, pieces []piece) bar {
	const length, least = 1000, 2
	b := bar{Share: c.Share(recipients)}
	at := 0.0
	for _, p := range pieces {
		if p.recipients == 0 {
			continue
		}
		wide := length * float64(p.recipients) / float64(c.List.Recipients)
		b.Parts = append(b.Parts, stretch{
			Class: p.class, Words: p.words, Share: c.Share(p.recipients), From: min(at, length-least), Width: max(wide, least),
		})
		at += wide
	}
	return b
}
