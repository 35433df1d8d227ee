package lab

import (
	"github.com/smtpprobe/smtpprobe/probe/oracle"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// enter writes an exchange into the ledger.
func (d *dialogue) enter(x *exchange) {
	command := x.nth > 0 && x.verb != Response && x.verb != Dot
	errors := 0
	for _, reply := range x.replies {
		if codeOf(reply) >= 400 {
			errors++
		}
	}
	d.errors += errors
	class := x.code() / 100
	d.note(func(t *Tally) {
		t.Errors += errors
		if x.refused && x.nth > 0 {
			t.RefusedGroup++
		}
		if command {
			t.command(known(x.verb))
		}
		if x.verb == "RCPT" && class == 2 {
			t.Recipients++
		}
		if x.verb == "DATA" && class == 3 {
			t.Data++
		}
		if x.verb == "BDAT" && class == 2 {
			t.Chunks++
		}
		if x.verb == Dot || x.verb == "BDAT" && class == 2 && lastChunk(x.line) {
			t.Ends++
		}
	})
}

func known(verb string) string {
	if oracle.Known(verb) {
		return verb
	}
	return "other"
}

func lastChunk(line string) bool {
	chunk, _ := smtp.ParseCommand(line).Chunk()
	return chunk.Last
}

func nullSender(line string) bool { return smtp.ParseCommand(line).Path == "<>" }
