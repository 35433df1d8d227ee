package checks_test

import (
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
)

// group is what one file of the catalogue brings into the tables of these
// tests, each by hand from the cards.
type group struct {
	rows    []row                        // a receiver, and what one check says of it
	mutants map[string]mutant            // of its ordering checks
	places  map[string]judgedPlace       // where the oracle's table answers its checks
	nowhere map[string]string            // why a check has no such place
	changes map[string]map[string]string // by lapse: its checks that say otherwise than of the strict receiver
}

func groups() []group {
	return []group{
		orderGroup(), transactionGroup(), extensionsGroup(), authGroup(), chunkingGroup(), framingGroup(),
		startTLSPlaceGroup(), groupsOfferedGroup(), observeGroup(),
	}
}

// onLine answers one line of the client, and does with the session what the fate
// says. The receiver behind it never hears of the line.
func onLine(line string, f fate, replies ...string) *middlebox {
	return &middlebox{client: func(p *passage, octets string) fate {
		if octets != line+"\r\n" {
			return forward
		}
		if len(replies) > 0 {
			p.say(replies...)
		}
		return f
	}}
}

// fault is what a verdict that is no acceptance says at a level.
func fault(level probe.Level) []probe.Conformance {
	switch level {
	case probe.Must:
		return violates()
	case probe.Should:
		return deviates()
	}
	return unregulated()
}

// endings are the ways in which a command gets no usable answer.
func endings(id string, p lab.Place, level probe.Level) []row {
	said := conforms()
	if level == probe.None {
		said = unregulated()
	}
	return []row{
		{check: id, name: "a close without a word", lapses: hangsUp(p, ""), verdict: probe.Dropped, says: fault(level)},
		{check: id, name: "421", lapses: hangsUp(p, "421 4.5.0 Goodbye"), verdict: probe.Dropped, says: said},
		{check: id, name: "words without a code", lapses: answers(p, "Hello there"), verdict: probe.Broken, says: fault(level)},
		{check: id, name: "two replies", lapses: answers(p, "250 2.0.0 One\r\n250 2.0.0 Two"), verdict: probe.Broken, says: fault(level)},
		{check: id, name: "450", lapses: answers(p, "450 4.3.2 Busy"), verdict: probe.Inconclusive, reason: "450"},
	}
}

// endingsOf are the same for a line that a middlebox answers.
func endingsOf(id, line string, level probe.Level) []row {
	return []row{
		{check: id, name: "a close without a word", box: onLine(line, hangUp), verdict: probe.Dropped, says: fault(level)},
		{check: id, name: "no reply", box: onLine(line, keep), verdict: probe.Broken, says: fault(level)},
		{check: id, name: "an empty line", box: onLine(line, keep, ""), verdict: probe.Broken, says: fault(level)},
		{check: id, name: "450", box: onLine(line, keep, "450 4.3.2 Busy"), verdict: probe.Inconclusive, reason: "450"},
	}
}

// notDropped are the endings of a disturbance that has to be refused: a close is
// none.
func notDropped(rows []row) []row {
	for i := range rows {
		if rows[i].verdict == probe.Dropped {
			rows[i].verdict, rows[i].says, rows[i].reason = probe.Inconclusive, nil, "limit"
		}
	}
	return rows
}
