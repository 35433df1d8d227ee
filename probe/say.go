package probe

import (
	"fmt"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// Failure says in words at which step a script ended early; empty: it did not.
func (w Walk) Failure() string {
	o, stopped := w.Stopped()
	switch {
	case stopped:
		return o.say()
	}
	for _, o := range w.Outcomes {
		if !o.Ran && w.Holds(o.Step) {
			return o.what() + " was not reached"
		}
	}
	return ""
}

// say puts the outcome of a step into words: "MAIL was answered 550 5.7.1 ...".
func (o Outcome) say() string {
	what := o.what()
	switch {
	case strings.HasPrefix(o.Held, string(NoteUnconnected)):
		return o.Held
	case o.Held != "":
		return what + " could not be sent: " + o.Held
	case o.Failed != "":
		return "the TLS handshake failed: " + o.Failed
	case len(o.Replies) > 0 && o.Missing() == 0 && o.Closed:
		return fmt.Sprintf("%s was answered %s and the connection closed", what, Brief(o.Replies[len(o.Replies)-1]))
	case o.Closed && o.Partial:
		return what + ": the connection closed in the middle of a reply"
	case o.Closed:
		return what + ": the connection closed without a reply"
	case o.Flooded:
		return what + ": the receiver does not stop talking"
	case o.TimedOut && o.Partial:
		return what + ": the reply stopped in the middle"
	case o.TimedOut:
		return what + ": no reply in time"
	case len(o.Replies) > 0:
		return fmt.Sprintf("%s was answered %s", what, Brief(o.Replies[len(o.Replies)-1]))
	}
	return what + " was not reached"
}

// what names the step by its command.
func (o Outcome) what() string {
	switch o.Step.Act {
	case Greet:
		if o.Step.Name != StepGreeting {
			return o.Step.Name
		}
		return "the greeting"
	case Handshake:
		return "the TLS handshake"
	case Listen:
		return "listening"
	}
	verbs := o.Step.Verbs()
	for i, v := range verbs {
		if v == "" {
			verbs[i] = "an empty line"
		}
	}
	return strings.Join(verbs, "+")
}

// Brief is a reply on one line: code, enhanced code and escaped text, at most
// 120 octets of it.
func Brief(r smtp.Reply) string {
	if len(r.Lines) == 0 {
		return "nothing"
	}
	text := smtp.Escape(r.Text())
	if len(text) > 120 {
		text = text[:117] + "..."
	}
	if r.Code == 0 {
		return fmt.Sprintf("%q", text)
	}
	return strings.TrimSpace(fmt.Sprintf("%03d %s", r.Code, text))
}

func containsFold(s, part string) bool {
	return strings.Contains(strings.ToLower(s), strings.ToLower(part))
}
