package checks

import (
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
)

// takenForCommands reports replies behind those to the chunks: the octets of a
// chunk were taken for commands. A 421 may come at any time (RFC 5321 3.8).
func takenForCommands(ev probe.Evidence) (probe.Finding, bool) {
	if extra := unasked(ev.Walk.Find("surplus").Replies); len(extra) > 0 {
		return probe.Found(probe.Broken, extra[0], "a reply too many: the octets of the chunk were taken for commands"), true
	}
	return probe.Finding{}, false
}

// refusesChunk judges BDAT where there is no transaction, and the NOOP behind
// its octets: a receiver that swallows more of them than there are, or fewer,
// does not answer it, or answers it with something else.
func refusesChunk() probe.Judge {
	j := refusesInSync("")
	find := j.Find
	j.Find = func(ev probe.Evidence) probe.Finding {
		f := find(ev)
		noop := ev.Walk.Find(probe.Control)
		if !f.Verdict.Known() || !noop.Ran {
			return f
		}
		behind, unusable := ev.Fate(probe.Control)
		switch {
		case unusable && (behind.Verdict == probe.Broken || noop.TimedOut):
			behind.Reason = "NOOP behind the chunk: " + behind.Reason
			return behind
		case !unusable && noop.Reply().Code != 250:
			return probe.Found(probe.Inconclusive, noop.Reply(), "NOOP behind the chunk is answered "+probe.Brief(noop.Reply()))
		}
		return f
	}
	return j
}

// refusesInSync judges a chunk that is to be refused, and swallowed.
func refusesInSync(orElse string) probe.Judge {
	find := patient(probe.Refuses("503,554", probe.LegalNothing)).Find
	return probe.Judge{Find: func(ev probe.Evidence) probe.Finding {
		if f, taken := takenForCommands(ev); taken {
			return f
		}
		return find(ev)
	}, Meanings: []probe.Meaning{
		{Verdict: probe.Strict, When: "refused with 503 or 554, and the octets of the chunk swallowed"},
		{Verdict: probe.Deviant, When: "refused with another 4yz or 5yz code that is about the protocol"},
		{Verdict: probe.Lenient, When: "accepted with 250: a chunk that nobody can receive"},
		{Verdict: probe.Dropped, When: "the connection was closed, or 421, on the first error of a session, twice"},
		{Verdict: probe.Broken, When: "more than one reply: the octets of the chunk were taken for commands; or none" + orElse + "; twice"},
		{Verdict: probe.Inconclusive, When: "the refusal is one of policy, resources or limits"},
	}}
}

// refusesChunkAndRecovers judges BDAT without a recipient, and the RSET behind
// it, after which MAIL must be served again.
func refusesChunkAndRecovers() probe.Judge {
	j := refusesInSync("; or RSET does not clear the transaction")
	find := j.Find
	j.Find = func(ev probe.Evidence) probe.Finding {
		f := find(ev)
		if f.Verdict == probe.Broken || f.Verdict == probe.Dropped {
			return f
		}
		for _, name := range []string{"reset", probe.Control} {
			if lost, is := recovers(ev, name); is {
				return lost
			}
		}
		return f
	}
	return j
}

// recovers reads a command that must be served behind a refused chunk. The
// second value is false where it was, or where the script never came to it.
func recovers(ev probe.Evidence, name string) (probe.Finding, bool) {
	o := ev.Walk.Find(name)
	if !o.Ran {
		return probe.Finding{}, false
	}
	f, unusable := ev.Fate(name)
	reply := o.Reply()
	switch {
	case unusable && f.Verdict == probe.Broken:
		f.Reason = "behind the chunk: " + f.Reason
	case unusable: // the end of the connection here is none at the chunk
		f.Verdict, f.Reason = probe.Inconclusive, "what comes behind the chunk is not known: "+f.Reason
	case reply.Class() == 2:
		return probe.Finding{}, false
	case reply.Class() == 4 || reply.Enhanced().Subject == smtp.SubjectPolicy:
		f = probe.Found(probe.Inconclusive, reply, "refused by policy, or for the moment, behind the chunk: "+probe.Brief(reply))
	default:
		f = probe.Found(probe.Broken, reply, "RSET does not clear the transaction: "+probe.Brief(reply))
	}
	return f, true
}

// swallowsChunks judges two chunks in one write of which the first is refused.
func swallowsChunks() probe.Judge {
	return probe.Judge{Find: findSwallowsChunks, Meanings: []probe.Meaning{
		{Verdict: probe.Correct, When: "both chunks refused with one reply each, and RSET is then answered 250"},
		{Verdict: probe.Dropped, When: "the connection was closed without a reply, or 421, twice"},
		{
			Verdict: probe.Broken,
			When: "the second chunk was accepted, or there were more replies than chunks, or fewer: octets of a chunk " +
				"were taken for commands; or RSET does not clear the transaction; twice",
		},
		{
			Verdict: probe.Inconclusive,
			When:    "the first chunk was not refused, or the connection was closed behind its refusal, or what RSET does is not known",
		},
	}}
}

func findSwallowsChunks(ev probe.Evidence) probe.Finding {
	if f, taken := takenForCommands(ev); taken {
		return f
	}
	f, unusable := ev.Fate(probe.Test)
	replies := ev.Walk.Find(probe.Test).Replies
	late := unusable && f.Verdict == probe.Dropped && len(replies) > 0 && replies[0].Refused() && replies[0].Code != 421
	switch {
	case late, !unusable && ev.Walk.ClosedAfter(probe.Test):
		// As anywhere else, a close behind an error may be a limit of errors.
		return probe.Found(probe.Inconclusive, replies[0], "limit: the connection was closed behind the refusal of a chunk")
	case unusable:
		return f
	case !replies[0].Refused():
		return probe.Found(probe.Inconclusive, replies[0], "the first chunk was not refused: "+probe.Brief(replies[0]))
	case !replies[1].Refused():
		return probe.Found(probe.Broken, replies[1], "behind a refused chunk: "+probe.Brief(replies[1]))
	}
	if f, lost := recovers(ev, "reset"); lost {
		return f
	}
	return probe.Found(probe.Correct, replies[0], "")
}

// refusesMalformed judges a BDAT of which nobody knows how many octets follow:
// a close that says why is no fault then, whatever RFC 5321 3.8 says of others.
func refusesMalformed() probe.Judge {
	j := patient(probe.Refuses("501", probe.LegalNothing))
	find := j.Find
	j.Find = func(ev probe.Evidence) probe.Finding {
		f := find(ev)
		if f.Verdict == probe.Dropped && f.Reply.Refused() && f.Reply.Code != 421 {
			f.Says = probe.Unregulated
		}
		return f
	}
	return j
}

// refusesUnofferedChunk judges BDAT without CHUNKING. 521 and a close is what
// Postfix does: it knows the command, and that octets would follow which it
// could only take for others, so that it is no command which was not understood
// (RFC 5321 3.8).
func refusesUnofferedChunk() probe.Judge {
	j := patient(probe.Refuses("500,502,503", probe.LegalNothing))
	find := j.Find
	j.Find = func(ev probe.Evidence) probe.Finding {
		f := find(ev)
		if f.Verdict == probe.Dropped && f.Reply.Code == 521 {
			f.Says = probe.Conforms
		}
		return f
	}
	return j
}

// refusesDataAfterChunk judges DATA behind a BDAT. Where the octets of the chunk
// were taken for commands, nobody knows which reply is that to DATA.
func refusesDataAfterChunk() probe.Judge {
	j := probe.Refuses("503,554", probe.LegalNothing)
	find := j.Find
	j.Find = func(ev probe.Evidence) probe.Finding {
		if f, taken := takenForCommands(ev); taken {
			f.Verdict = probe.Inconclusive
			return f
		}
		return find(ev)
	}
	return j
}

// refusesBinaryData judges DATA for a message that only BDAT can carry. 554 is
// named for a transaction without a recipient (RFC 5321 3.3), which this is as
// well, so that it tells nothing about BINARYMIME.
func refusesBinaryData() probe.Judge {
	j := probe.Refuses("503", probe.LegalNothing)
	find := j.Find
	j.Find = func(ev probe.Evidence) probe.Finding {
		f := find(ev)
		if f.Verdict == probe.Deviant && f.Reply.Code == 554 {
			f.Verdict, f.Reason = probe.Inconclusive, "554 may be about the missing recipient: "+probe.Brief(f.Reply)
		}
		return f
	}
	return j
}
