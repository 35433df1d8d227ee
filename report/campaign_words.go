package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
)

// Percent is a share of the recipients. It is 0 or 100 only where it is none or
// all of them.
func Percent(n, of int) string {
	if n <= 0 || of <= 0 {
		return "0%"
	}
	share := 100 * float64(n) / float64(of)
	switch {
	case n >= of:
		return "100%"
	case share < 0.1:
		return "<0.1%"
	case share > 99.9:
		return ">99.9%"
	}
	return strconv.FormatFloat(share, 'f', 1, 64) + "%"
}

// Grouped is a number whose digits stand in groups of three.
func Grouped(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// many is a grouped number with its noun.
func many(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Grouped(n) + " " + noun + "s"
}

// Share of the recipients.
func (c Campaign) Share(n int) string { return Percent(n, c.List.Recipients) }

// Subject says in one sentence whom the campaign is for.
func (c Campaign) Subject() string {
	return fmt.Sprintf("%s of %s on %s.", many(c.List.Recipients, "recipient"), many(c.Domains, "domain"), many(len(c.Platforms), "platform"))
}

// Reading says how the list was read, and what in it could not be.
func (c Campaign) Reading() []string {
	said := fmt.Sprintf("Addresses are those of column %d", c.List.Column)
	if c.List.Header {
		said += ", without the first line, which names the columns"
	}
	all := []string{said + "."}
	if n := c.List.Malformed; n > 0 {
		numbers := strings.Trim(fmt.Sprint(c.List.First), "[]")
		numbers = strings.ReplaceAll(numbers, " ", ", ")
		if more := n - len(c.List.First); more > 0 {
			numbers += fmt.Sprintf(" and %s more", Grouped(more))
		}
		verb := "have"
		if n == 1 {
			verb = "has"
		}
		all = append(all, fmt.Sprintf("%s of %s %s no address that mail could be sent to: %s.", many(n, "line"), Grouped(c.List.Lines), verb, numbers))
	}
	return all
}

// Coverage says how much of the recipients anything is known of.
func (c Campaign) Coverage() string {
	said := fmt.Sprintf("Of the recipients %s are behind receivers that were measured", c.Share(c.Measured))
	if c.Sampled > 0 {
		said += fmt.Sprintf(", %s behind other receivers of the same platforms, which are taken to do as these do (a sample)", c.Share(c.Sampled))
	}
	return fmt.Sprintf("%s; %s are of domains that take no mail; of %s nothing is known.", said, c.Share(c.NoMail), c.Share(c.Unmeasured))
}

// Hurts reports whether any receiver was seen to punish the habit.
func (t Toll) Hurts() bool { return t.Punished > 0 }

// Spared reports whether the habit was tried, and no receiver punishes it.
func (t Toll) Spared() bool { return t.Punished == 0 && t.Tolerated > 0 }

// Toll says behind how many recipients a habit is punished, and what of that is
// not certain.
func (c Campaign) Toll(t Toll) string {
	said := fmt.Sprintf("%s, %s", many(t.Punished, "recipient"), many(len(t.Platforms), "platform"))
	if t.Sampled > 0 {
		said += fmt.Sprintf("; of these %s by sample", c.Share(t.Sampled))
	}
	return said + c.uncertain(t)
}

func (c Campaign) uncertain(t Toll) string {
	if t.Unmeasured == 0 {
		return ""
	}
	return fmt.Sprintf("; %s not measured", c.Share(t.Unmeasured))
}

// Unpunished says of a habit that no receiver was seen to punish what is known.
func (c Campaign) Unpunished(t Toll) string {
	switch {
	case len(t.Checks) == 0:
		return "no check of this run asks about it"
	case t.Tolerated > 0:
		return "tolerated behind " + c.Share(t.Tolerated) + c.uncertain(t)
	case t.NotApplicable > 0:
		return "not applicable behind " + c.Share(t.NotApplicable) + c.uncertain(t)
	}
	return "not measured"
}

// Probed says how many of the receivers were measured.
func (p Platform) Probed() string { return fmt.Sprintf("%d of %d", len(p.Measured()), p.Receivers) }

// Strict says how much of the rules of order the measured receivers enforce, or
// why nothing is known of them.
func (p Platform) Strict() string {
	if why := p.Unmeasured(); why != "" {
		return WhyWords(why)
	}
	s := p.Strictness()
	if s.Of == 0 {
		return "not known"
	}
	return fmt.Sprintf("%d of %d", s.Enforced, s.Of)
}

// WhyWords says in words why nothing is known of recipients, or why their domain
// takes no mail.
func WhyWords(why string) string {
	switch why {
	case whyNotLookedUp:
		return "not looked up"
	case whyNotProbed, string(probe.StatusSkipped):
		return "not probed"
	case whyInconclusive:
		return "all inconclusive"
	case NotProbeable:
		return "has only addresses that were not to be probed"
	case string(probe.StatusUnreachable):
		return "no connection"
	case string(probe.StatusRefused):
		return "connection refused"
	case string(probe.StatusBlocked):
		return "refuses this host"
	case string(probe.StatusNotSMTP):
		return "does not speak SMTP"
	case string(probe.StatusTLSRequired):
		return "TLS demanded and not to be had"
	case string(probe.StatusTimedOut):
		return "out of time"
	}
	return domainWords(why)
}

// Size says how many recipients and domains it is about.
func (c Campaign) Size(recipients, domains int) string {
	return fmt.Sprintf("%s, %s, %s", c.Share(recipients), many(recipients, "recipient"), many(domains, "domain"))
}

// UnknownWords say why nothing is known of recipients, and of how many.
func (c Campaign) UnknownWords(u Unknown) string {
	said := WhyWords(u.Why) + ": " + c.Size(u.Recipients, u.Domains)
	if u.Platforms > 0 {
		said += ", " + many(u.Platforms, "platform")
	}
	return said
}

// Names are the first domains with their recipients, and how many more there are.
func (d Dead) Names(most int) []string {
	var all []string
	for _, a := range d.Domains[:min(most, len(d.Domains))] {
		all = append(all, fmt.Sprintf("%s (%s)", name(a.Domain), Grouped(a.Recipients)))
	}
	if more := len(d.Domains) - most; more > 0 {
		all = append(all, Grouped(more)+" more")
	}
	return all
}

// firstOf are the first names, and how many more there are.
func firstOf(names []string, most int) string {
	shown := slices.Clone(names[:min(most, len(names))])
	if more := len(names) - most; more > 0 {
		shown = append(shown, Grouped(more)+" more")
	}
	return strings.Join(shown, ", ")
}
