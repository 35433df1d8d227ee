package report

import (
	"fmt"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// dialogues writes the transcripts of all checks and controls.
func (p page) dialogues(run Run, all []numbered) {
	p.heading("Transcripts")
	p.text("C is this client, S the receiver, * what was neither sent nor received. Times are milliseconds since the connection was asked for; a line of C without a time left in one write with the line above it. A line end is shown unless it is CR LF.")
	for _, n := range all {
		for i := range run.Order {
			if r, ran := n.results[run.Order[i].ID]; ran {
				p.heading(fmt.Sprintf("%d %s, %s%s: %s", n.number, tidy(n.Host), r.Check.ID, ofRun(r.Agreement.Run), p.mark(r.Verdict)+" "+verdictWords(r)))
				p.dialogue(r.Transcript)
			}
		}
		for _, c := range n.Controls {
			p.heading(fmt.Sprintf("%d %s, control %s%s", n.number, tidy(n.Host), c.ID, ofRun(c.Run)))
			p.dialogue(c.Transcript)
		}
	}
}

// ofRun names one of several runs.
func ofRun(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" in run %d", n)
}

func (p page) dialogue(t probe.Transcript) {
	if len(t) == 0 {
		p.text("Nothing was exchanged.")
	}
	for _, l := range dialogueLines(t) {
		p.fold(l[:dialogueLead], l[dialogueLead:])
	}
}

// dialogueLead is how wide the time and the party are: "1234567.8 C: ".
const dialogueLead = len("1234567890 C: ")

// dialogueLines are the lines of a transcript where no width limits them: times in
// milliseconds, who, and what was said.
func dialogueLines(t probe.Transcript) []string {
	var all []string
	for _, e := range t {
		lead := fmt.Sprintf("%10s ", millis(e.At))
		for _, line := range spoken(e) {
			all = append(all, lead+party(e.From)+": "+line)
			lead = strings.Repeat(" ", len(lead))
		}
	}
	return all
}

func party(from probe.Party) string {
	switch from {
	case probe.FromClient:
		return "C"
	case probe.FromServer:
		return "S"
	}
	return "*"
}

// spoken are the lines of an event, escaped. CR LF is left out at their ends,
// and what has no line end at all says so in an escape that no octets have.
func spoken(e probe.Event) []string {
	if e.From == probe.FromProbe {
		return []string{e.String()}
	}
	missing := ""
	if !strings.HasSuffix(e.Text, "\n") {
		missing = `\[no line end]`
	}
	if e.From == probe.FromServer {
		line := e.String()
		if strings.HasSuffix(e.Text, "\r\n") {
			line = strings.TrimSuffix(line, `\r\n`)
		}
		return []string{line + missing}
	}
	lines := strings.Split(strings.TrimSuffix(e.Text, "\r\n"), "\r\n")
	for i, l := range lines {
		lines[i] = smtp.Escape(l)
	}
	lines[len(lines)-1] += missing
	return lines
}

// fold writes octets as they are, without looking for words: spaces count.
func (p page) fold(lead, text string) {
	for _, line := range fill(text, p.Width-width(lead)) {
		p.line(lead + line)
		lead = strings.Repeat(" ", len(lead))
	}
}
