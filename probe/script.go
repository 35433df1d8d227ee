package probe

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// Act is what a step of a script does.
type Act uint8

// The acts.
const (
	Greet     Act = iota // read the greeting
	Send                 // write Text in one segment, then read Replies replies
	Handshake            // a TLS handshake; its failure is a result
	Listen               // read whatever comes for as long as For says, or until the connection ends
)

// Condition lets a step run only after a certain outcome of an earlier one.
type Condition uint8

// The conditions. Each looks at the outcome of the step named Of.
const (
	Always     Condition = iota
	IfAccepted           // every reply was 2yz or 3yz
	IfRefused            // the reply was 4yz or 5yz
	IfSilent             // nothing was received
)

// Names of steps that judges look for.
const (
	Test    = "test"    // the step that is judged
	Control = "control" // the same command in its legal place
	Disturb = "disturb" // what a transaction must, or must not, survive
	IsOpen  = "is-open" // RCPT: is there a transaction now?
)

// Silences on purpose, from the cards of the catalogue.
const (
	Unasked      = time.Second            // for a greeting that has no place inside TLS
	Drain        = 300 * time.Millisecond // for surplus replies after a group
	Gap          = 500 * time.Millisecond // between the two halves of one line
	Goodbye      = 200 * time.Millisecond // for a close behind the 221
	ChunkReplies = time.Second            // for surplus replies after a chunk
	EarlyReplies = time.Second            // for further replies after those to early talk
	Injected     = 2 * time.Second        // for the reply to an injected command
	Surplus      = 2 * time.Second        // for a second reply to one odd line
	CloseWait    = 5 * time.Second        // for the end of the connection after QUIT
	LineWait     = 5 * time.Second        // for a reply to what is no whole line
	ShakeWait    = 30 * time.Second       // for what becomes of a handshake that never began
)

// Step is one step of a script.
type Step struct {
	Act     Act
	Name    string        // by which conditions and judges find its outcome
	Text    string        // octets to write, with {ehlo}, {from}, {rcpt} and {bad} to fill in; see also Facts.Fill
	Replies int           // replies to read after a write; where a Listen ends before its time
	Want    smtp.Codes    // the script ends here unless every reply has one of these; empty: any
	If      Condition     // the step is passed over unless this holds
	Of      string        // the step whose outcome the condition looks at
	For     time.Duration // how long to listen
}

// Script is a straight line of steps. It ends at the first reply that its step
// did not want, at the first missing one, and where the connection ends.
type Script []Step

// Line is a step that sends one command and reads one reply.
func Line(name, command string) Step {
	return Step{Act: Send, Name: name, Text: command + "\r\n", Replies: 1}
}

// Lines is a step that sends a group of commands in one segment (aim: one TCP
// segment or TLS record) and reads as many replies.
func Lines(name string, commands ...string) Step {
	return Step{
		Act: Send, Name: name, Text: strings.Join(commands, "\r\n") + "\r\n",
		Replies: len(commands),
	}
}

// Wanting returns the step with the replies after which the script goes on.
func (s Step) Wanting(codes smtp.Codes) Step {
	s.Want = codes
	return s
}

// When returns the step with a condition on an earlier one.
func (s Step) When(of string, c Condition) Step {
	s.If, s.Of = c, of
	return s
}

// Verbs are the verbs of the lines that the step writes, upper case; a line
// that begins with no letter has an empty one. The octets of a chunk are no
// lines (RFC 3030 2).
func (s Step) Verbs() []string {
	if s.Act != Send {
		return nil
	}
	return verbsIn(s.Text)
}

func verbsIn(text string) []string {
	var verbs []string
	for rest := text; rest != ""; {
		line, after, _ := strings.Cut(rest, "\r\n")
		verb := smtp.Verb(line)
		verbs, rest = append(verbs, verb), after
		if verb == "BDAT" {
			if chunk, ok := smtp.ParseCommand(line).Chunk(); ok {
				rest = rest[min(int(chunk.Size), len(rest)):]
			}
		}
	}
	return verbs
}

// Values are the only names that reach the wire, each as it stands in a
// command: EHLO without, the others with their angle brackets.
type Values struct {
	EHLO string // the argument of EHLO and HELO
	From string // the sender, "<>" unless the operator sets one
	Rcpt string // the one recipient, "<postmaster@domain>" unless the operator sets one
	Bad  string // the recipient that nobody can have, in .invalid
}

// BadRecipient is a mailbox that cannot exist: .invalid never resolves (RFC
// 6761 6.4).
const BadRecipient = "<smtpprobe@smtpprobe.invalid>"

// Fill puts the values into the text of a step.
func (v Values) Fill(text string) string {
	before, rest, found := strings.Cut(text, "{")
	if !found {
		return text
	}
	filled := make([]byte, 0, len(text)+64)
	for found {
		filled = append(filled, before...)
		name, after, _ := strings.Cut(rest, "}")
		switch name {
		case "ehlo":
			filled, rest = append(filled, v.EHLO...), after
		case "from":
			filled, rest = append(filled, v.From...), after
		case "rcpt":
			filled, rest = append(filled, v.Rcpt...), after
		case "bad":
			filled, rest = append(filled, v.Bad...), after
		default:
			filled = append(filled, '{') // no placeholder
		}
		before, rest, found = strings.Cut(rest, "{")
	}
	return string(append(filled, before...))
}

// Commands that many scripts share.
const (
	CommandEHLO = "EHLO {ehlo}"
	CommandHELO = "HELO {ehlo}"
	CommandMAIL = "MAIL FROM:{from}"
	CommandRCPT = "RCPT TO:{rcpt}"
	CommandBad  = "RCPT TO:{bad}"
)

// Start says in which state of a session a check begins.
type Start uint8

// The starts.
const (
	Connected   Start = iota // before the greeting
	Greeted                  // after the greeting, before EHLO
	Helo                     // after HELO
	Hello                    // after EHLO
	TunnelHello              // after EHLO inside TLS, however that TLS is reached
)

// Channel says where the sessions of a run take place.
type Channel uint8

// The channels.
const (
	Clear    Channel = iota // in clear; TLS only in the checks about TLS
	Upgraded                // inside TLS after STARTTLS
	Implicit                // TLS from the first octet
)

var channelNames = [...]string{"clear", "upgraded", "implicit"}

func (c Channel) String() string { return channelNames[c] }

// MarshalText writes the name of the channel.
func (c Channel) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (c *Channel) UnmarshalText(text []byte) error {
	i := slices.Index(channelNames[:], string(text))
	if i < 0 {
		return fmt.Errorf("channel %q: want clear, upgraded or implicit", text)
	}
	*c = Channel(i)
	return nil
}

// Names of the steps of preludes and baselines.
const (
	StepGreeting  = "greeting"
	StepEHLO      = "ehlo"
	StepSTARTTLS  = "starttls"
	StepHandshake = "handshake"
	StepSilence   = "silence inside TLS"
	StepEHLOTLS   = "ehlo inside TLS"
	StepHELO      = "helo"
)

// Prelude leads a fresh connection to a start.
func Prelude(start Start, channel Channel) Script {
	var s Script
	if channel == Implicit {
		s = append(s, Step{Act: Handshake, Name: StepHandshake})
	}
	if start == Connected {
		return s
	}
	greet := Step{Act: Greet, Name: StepGreeting, Want: "220"}
	ehlo := Line(StepEHLO, CommandEHLO).Wanting("250")
	s = append(s, greet)
	tunnel := channel == Upgraded || (channel == Clear && start == TunnelHello)
	if tunnel {
		s = append(s, ehlo, Line(StepSTARTTLS, "STARTTLS").Wanting("220"), Step{Act: Handshake, Name: StepHandshake})
		ehlo.Name = StepEHLOTLS
	}
	switch start {
	case Greeted:
		return s
	case Helo:
		return append(s, Line(StepHELO, CommandHELO).Wanting("250"))
	}
	return append(s, ehlo)
}

// Bridge leads a session from one start to another without a new connection.
// The second value is false where nothing does.
func Bridge(from, to Start) (Script, bool) {
	// TLS is left by no session, so that one behind EHLO is like the other.
	if to == TunnelHello {
		to = Hello
	}
	switch {
	case from == TunnelHello:
		return Bridge(Hello, to)
	case from == to:
		return nil, true
	case to == Hello && (from == Greeted || from == Helo):
		return Script{Line(StepEHLO, CommandEHLO).Wanting("250")}, true
	case to == Helo && (from == Greeted || from == Hello):
		return Script{Line(StepHELO, CommandHELO).Wanting("250")}, true
	}
	return nil, false
}

// Leads is the start at which a script leaves a session that served what the
// script does on no condition.
func (s Script) Leads(from Start) Start {
	for _, step := range s {
		switch {
		case step.If != Always:
		case strings.EqualFold(step.Text, CommandEHLO+"\r\n"):
			from = Hello
		case strings.EqualFold(step.Text, CommandHELO+"\r\n"):
			from = Helo
		}
	}
	return from
}

// Left is the start at which a session was left by what happened in it: the
// last EHLO or HELO that was answered 250, in a write of its own, decides.
func (w Walk) Left(from Start) Start {
	for _, o := range w.Outcomes {
		if o.Reply().Code != 250 {
			continue
		}
		if verbs := o.Step.Verbs(); len(verbs) == 1 {
			switch verbs[0] {
			case "EHLO":
				from = Hello
			case "HELO":
				from = Helo
			}
		}
	}
	return from
}
