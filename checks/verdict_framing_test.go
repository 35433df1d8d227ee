package checks_test

import (
	"time"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
)

// framingRows are those of 6.10.
func framingRows() []row {
	const id = "quit-closes"
	quit := lab.Place{Verb: "QUIT"}
	return []row{
		{check: id, name: "221 and close", verdict: probe.Correct, says: conforms()},
		{check: id, name: "221 and still open", lapses: []lab.Lapse{lab.StayAfterQuit()}, verdict: probe.Lenient, says: violates()},
		{check: id, name: "250", lapses: answers(quit, "250 2.0.0 Bye"), verdict: probe.Overstrict, says: violates()},
		{check: id, name: "a close without a word", lapses: hangsUp(quit, ""), verdict: probe.Dropped, says: violates()},
		{check: id, name: "neither word nor close", lapses: []lab.Lapse{lab.SilentQuit()}, verdict: probe.Broken, says: violates()},
		{check: id, name: "250 and then 221", lapses: answers(quit, "250 2.0.0 OK\r\n221 2.0.0 Bye"), verdict: probe.Broken, says: violates()},
		{check: id, name: "221 twice", lapses: []lab.Lapse{lab.Repeat("QUIT")}, verdict: probe.Broken, says: violates()},
		{check: id, name: "a late 221", lapses: []lab.Lapse{lab.Late("QUIT", 40*time.Second)}, verdict: probe.Broken, says: violates()},
	}
}
