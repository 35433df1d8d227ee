// Package checks is the catalogue: every rule that a receiver can be held to,
// as data, one file a group. A new check is one literal in one of these files.
//
// The catalogue opens no socket and knows no receiver. What a check sends stands
// in its script, what the answers mean in its judge, and what it may never do is
// not its business: the guard below it sees to that.
package checks

//go:generate go test -run ^TestReferenceIsCurrent$ -update .

import (
	"slices"

	"github.com/smtpprobe/smtpprobe/probe"
)

// All returns the catalogue in the order in which it is shown.
func All() []probe.Check {
	all := slices.Concat(
		greetingForm(), greeting(), sequence(), transaction(), starttlsOutOfPlace(), starttls(), starttlsSeen(), pipelining(), groupsOffered(),
		chunking(), extensions(), verbsSeen(), auth(), framing(), replies(), replyForm(), enhanced(),
	)
	for i := range all {
		all[i].Rev = max(1, all[i].Rev) // a literal names its revision from the second on
	}
	return all
}

// Steps that many scripts share.
var (
	mail = probe.Line("mail", probe.CommandMAIL).Wanting("250")
	rset = probe.Line("rset", "RSET").Wanting("250")
	ehlo = probe.Line("ehlo again", probe.CommandEHLO).Wanting("250")
)

func test(command string) probe.Step    { return probe.Line(probe.Test, command) }
func control(command string) probe.Step { return probe.Line(probe.Control, command) }
func disturb(command string) probe.Step { return probe.Line(probe.Disturb, command) }

// isOpen asks with RCPT whether a transaction exists, where the disturbance
// before it was served.
func isOpen() probe.Step {
	return probe.Line(probe.IsOpen, probe.CommandRCPT).When(probe.Disturb, probe.IfAccepted)
}

// isOpenStill asks the same whatever the disturbance was answered.
func isOpenStill() probe.Step { return probe.Line(probe.IsOpen, probe.CommandRCPT) }

// listen reads whatever comes, under a name.
func listen(name string, s probe.Step) probe.Step {
	s.Act, s.Name = probe.Listen, name
	return s
}
