package probe

import (
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
	Drain        = 300 * time.Millisecond // for surplus replies after a group
	Injected     = 2 * time.Second        // for the reply to an injected command
	CloseWait    = 5 * time.Second        // for the end of the connection after QUIT
	EarlyReplies = time.Second            // for further replies after those to early talk
)

// Step is one step of a script.
type Step struct {
	Act     Act
	Name    string        // by which conditions and judges find its outcome
	Text    string        // octets to write, with {ehlo}, {from}, {rcpt} and {bad} to fill in
	Replies int           // replies to read after a write
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

// Verbs are the verbs of the command lines that the step writes, upper case.
func (s Step) Verbs() []string {
	var verbs []string
	for line := range strings.SplitSeq(strings.TrimSuffix(s.Text, "\r\n"), "\r\n") {
		if s.Act == Send {
			verb, _, _ := strings.Cut(line, " ")
			verbs = append(verbs, strings.ToUpper(verb))
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
	if !strings.Contains(text, "{") {
		return text
	}
	return strings.NewReplacer("{ehlo}", v.EHLO, "{from}", v.From, "{rcpt}", v.Rcpt, "{bad}", v.Bad).Replace(text)
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

// Names of the steps of preludes and baselines.
const (
	StepGreeting  = "greeting"
	StepEHLO      = "ehlo"
	StepSTARTTLS  = "starttls"
	StepHandshake = "handshake"
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
	if start != Greeted {
		s = append(s, ehlo)
	}
	return s
}
