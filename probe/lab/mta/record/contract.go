package main

import (
	"fmt"
	"slices"
	"strings"
)

// contract holds what may be written on one connection, whatever an exchange asks for. An
// exchange that breaks it is a fault of this program and ends the recording.
//
// Nothing here looks at 354: after one the connection is gone.
type contract struct {
	tail       string // a line that has begun and not ended
	reachable  bool   // a recipient was named that takes mail, or one was accepted
	sender     bool   // the last MAIL named somebody
	challenged bool   // the last reply was a 334
	auths      int
}

// verbs are the commands of the exchanges. A line that begins with anything else might be
// taken for an attack, and some receivers hang up on it.
var verbs = []string{
	"", "EHLO", "HELO", "MAIL", "RCPT", "DATA", "BDAT", "RSET", "NOOP", "QUIT",
	"VRFY", "HELP", "STARTTLS", "AUTH", "ZZPROBE",
}

// allow says why octets must not be written. CR and LF both end a line here, since a
// receiver may see it so.
func (c *contract) allow(raw string) error {
	lines := strings.FieldsFunc(c.tail+raw, func(r rune) bool { return r == '\r' || r == '\n' })
	c.tail = ""
	if n := len(lines); n > 0 && !strings.HasSuffix(raw, "\r") && !strings.HasSuffix(raw, "\n") {
		c.tail = lines[n-1]
		lines = lines[:n-1]
	}
	for _, line := range lines {
		if err := c.line(line); err != nil {
			return fmt.Errorf("%w: %q", err, line)
		}
	}
	return nil
}

func (c *contract) line(line string) error {
	upper := strings.ToUpper(line)
	if upper == "*" && c.challenged {
		return nil
	}
	verb := upper[:len(upper)-len(strings.TrimLeft(upper, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))]
	if !slices.Contains(verbs, verb) || verb == "" && strings.TrimSpace(line) != "" {
		return fmt.Errorf("no command of the exchanges")
	}
	switch verb {
	case "MAIL":
		c.sender = strings.Contains(line, "@")
	case "RCPT":
		return c.recipient(line)
	case "DATA", "BDAT":
		if c.reachable {
			return fmt.Errorf("%s with a recipient", verb)
		}
		if strings.Contains(upper, "LAST") {
			return fmt.Errorf("the end of a message")
		}
	case "VRFY":
		if line != vrfy {
			return fmt.Errorf("VRFY of somebody else")
		}
	case "AUTH":
		if c.auths++; c.auths > 2 || len(strings.Fields(line)) != 2 {
			return fmt.Errorf("too many AUTH, or one with a response")
		}
	}
	return nil
}

// recipient allows the two recipients of the bench, and only from the null sender.
func (c *contract) recipient(line string) error {
	switch {
	case c.sender:
		return fmt.Errorf("RCPT with a sender to bounce to")
	case line == rcpt, strings.HasPrefix(line, rcpt+" "):
		c.reachable = true
	case line != rcptBad:
		return fmt.Errorf("RCPT of somebody else")
	}
	return nil
}

// heard takes note of the reply to a command.
func (c *contract) heard(command string, code int) {
	c.challenged = code == 334
	if strings.HasPrefix(command, "RCPT") && code/100 == 2 {
		c.reachable = true
	}
}
