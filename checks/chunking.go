package checks

import (
	"slices"

	"github.com/smtpprobe/smtpprobe/probe"
)

// chunking: BDAT at the wrong place, in the wrong form, and not offered.
func chunking() []probe.Check {
	return slices.Concat(chunkOrder(), chunkForm(), chunkAndData())
}

// One chunk, and two: the octets of a chunk are NOOP lines, so that a receiver
// which takes them for commands gives itself away and does nothing worse.
const (
	oneChunk  = "BDAT 6\r\nNOOP\r\n"
	longChunk = "BDAT 12\r\nNOOP\r\nNOOP\r\n" //nolint:dupword // the octets of a chunk
)

// chunk sends chunks in one write and reads a reply to each.
func chunk(name, text string, replies int) probe.Step {
	return probe.Step{Act: probe.Send, Name: name, Text: text, Replies: replies}
}

// afterChunk waits for replies that a chunk must not have.
func afterChunk() probe.Step { return listen("surplus", probe.Step{For: probe.ChunkReplies}) }

// chunkOrder are chunks that nobody can receive.
func chunkOrder() []probe.Check {
	return []probe.Check{
		{
			ID: "bdat-without-mail", Title: "BDAT without MAIL",
			Group: probe.GroupChunking, Profile: probe.Quick, Level: probe.Must, Ordering: true,
			Refs: []probe.Ref{"RFC 3030 2", "RFC 5321 4.1.4"},
			Norm: "BDAT outside a transaction must be refused, with 503. The octets of the chunk must be read and " +
				"thrown away before the reply: the next command is what stands behind them.",
			Needs: probe.Needs{Offered: []string{"CHUNKING"}}, Start: probe.Hello, Errors: 1, Worst: 2,
			Script: probe.Script{
				chunk(probe.Test, longChunk, 1), afterChunk(), control("NOOP"),
				probe.Line("rset", "RSET").When(probe.Test, probe.IfAccepted),
			},
			Judge: refusesChunk(),
			Habit: probe.Habit{Name: "BDAT before MAIL", Must: "send BDAT only behind a MAIL and a RCPT that were accepted"},
			Bites: "A sender whose transaction is gone (after RSET, a second EHLO, or TLS) and who goes on to send " +
				"the text with BDAT.",
			Fix: "Start again with MAIL after every RSET, EHLO and STARTTLS, and send BDAT only behind a RCPT that " +
				"was accepted.",
		},
		{
			ID: "bdat-without-rcpt", Title: "BDAT without RCPT",
			Group: probe.GroupChunking, Profile: probe.Quick, Level: probe.Must, Ordering: true,
			Refs: []probe.Ref{"RFC 3030 2", "RFC 5321 4.1.4"},
			Norm: "BDAT with no recipient must be refused, with 503 or 554, and its octets thrown away. The " +
				"transaction is then in no certain state until RSET, which must clear it.",
			Needs: probe.Needs{Offered: []string{"CHUNKING"}, Mail: true}, Start: probe.Hello, Errors: 1, Worst: 2,
			Script: probe.Script{
				mail, chunk(probe.Test, oneChunk, 1), afterChunk(),
				probe.Line("reset", "RSET"), control(probe.CommandMAIL), rset,
			},
			Judge: refusesChunkAndRecovers(),
			Habit: probe.Habit{
				Name: "BDAT without an accepted recipient",
				Must: "send BDAT only behind a RCPT that was accepted",
			},
			Bites: "A sender that goes on to BDAT although no recipient was given or every one was refused.",
			Fix: "Count the accepted recipients; with none, send RSET instead of BDAT. Send RSET after every BDAT " +
				"that was refused.",
		},
		{
			ID: "bdat-rejected-swallows", Title: "chunks behind a refused one are thrown away",
			Group: probe.GroupChunking, Profile: probe.Standard, Polarity: probe.Service, Level: probe.Must,
			Refs: []probe.Ref{"RFC 3030 2", "RFC 2920 3.2(9)"},
			Norm: "Where PIPELINING is offered too, chunks may follow one another without a wait. Once one is " +
				"refused, the server must read those behind it, throw them away and refuse each.",
			// A receiver that takes a chunk for nobody refuses none, so that there is
			// nothing behind a refusal to look at.
			Needs: probe.Needs{Offered: []string{"CHUNKING", "PIPELINING"}, Mail: true, Given: []probe.Given{{
				Check: "bdat-without-rcpt", Step: probe.Test, Codes: "4yz,5yz", Else: "a chunk without a recipient is not refused",
			}}},
			Start: probe.Hello, Own: true, Errors: 2,
			Script: probe.Script{mail, chunk(probe.Test, oneChunk+oneChunk, 2), afterChunk(), probe.Line("reset", "RSET")},
			Judge:  swallowsChunks(),
			Habit:  probe.Habit{Name: "sends all chunks without a wait", Must: "wait for the reply to each chunk"},
			Bites: "A sender that writes all chunks of a message without a wait: where the octets of a refused one " +
				"are taken for commands, the text of the message is executed.",
			Fix: "Wait for the reply to each chunk on a receiver that fails this check, or use DATA.",
		},
	}
}

// chunkForm are BDATs that the grammar does not know, or that EHLO does not list.
// None has octets behind it: nobody could know how many.
func chunkForm() []probe.Check {
	malformed := func(variant, title, line string, habit probe.Habit, bites, fix string) probe.Check {
		return probe.Check{
			ID: "bdat-malformed/" + variant, Title: title,
			Group: probe.GroupChunking, Profile: probe.Standard, Level: probe.Should,
			Refs: []probe.Ref{"RFC 3030 2", "RFC 5321 4.3.2"},
			Norm: "BDAT has a decimal size, and behind it nothing or LAST. Anything else should be refused with " +
				"501. A server may close as well, since nobody knows how many octets follow.",
			Needs: probe.Needs{Offered: []string{"CHUNKING"}}, Start: probe.Hello, Own: true, Errors: 1,
			Script: probe.Script{test(line), control("NOOP")},
			Judge:  refusesMalformed(), Allowed: "500,503,554",
			Habit: habit, Bites: bites, Fix: fix,
		}
	}
	return []probe.Check{
		malformed("no-size", "BDAT without a size", "BDAT",
			probe.Habit{Name: "BDAT without a size", Must: "put the size of the chunk behind BDAT"},
			"A sender that uses BDAT like DATA and gives no size.",
			"Put the number of octets of the chunk behind BDAT."),
		malformed("bad-size", "BDAT with a size that is no number", "BDAT x",
			probe.Habit{Name: "BDAT with a size that is no decimal number", Must: "write the size of a chunk in decimal digits"},
			"A sender that puts a template's placeholder or a hexadecimal number where the size belongs.",
			"Write the size in decimal digits."),
		malformed("bad-marker", "BDAT with something other than LAST behind the size", "BDAT 0 FIRST",
			probe.Habit{Name: "BDAT with another mark than LAST", Must: "put nothing but LAST behind the size of a chunk"},
			"A sender that marks its first or middle chunks in a way of its own.",
			"Put LAST behind the size of the last chunk, and nothing behind that of any other."),
		{
			ID: "bdat-unadvertised", Title: "BDAT although CHUNKING is not offered",
			Group: probe.GroupChunking, Profile: probe.Full, Level: probe.Should,
			Refs: []probe.Ref{"RFC 5321 4.2.4", "RFC 3030 2"},
			Norm: "A server that does not offer CHUNKING should refuse BDAT with 500 or 502, as a command that it " +
				"does not have.",
			Needs: probe.Needs{Unoffered: []string{"CHUNKING"}}, Start: probe.Hello, Own: true, Errors: 1,
			// Zero octets on purpose: this receiver would take any for commands.
			Script: probe.Script{test("BDAT 0"), control("NOOP")},
			Judge:  refusesUnofferedChunk(), Allowed: "521",
			Habit: probe.Habit{
				Name: "BDAT without being offered",
				Must: "send BDAT only where the latest reply to EHLO offers CHUNKING",
			},
			Bites: "A sender that remembers CHUNKING from another receiver, or from the EHLO in clear, and sends " +
				"BDAT without having seen it.",
			Fix: "Send BDAT only after an EHLO whose reply lists CHUNKING, the latest one counts.",
		},
	}
}

// chunkAndData are BDAT, or what only BDAT can carry, and then DATA.
func chunkAndData() []probe.Check {
	return []probe.Check{
		{
			ID: "data-after-bdat", Title: "DATA behind BDAT",
			Group: probe.GroupChunking, Profile: probe.Standard, Level: probe.Must, Ordering: true,
			Refs: []probe.Ref{"RFC 3030 2"},
			Norm: "DATA and BDAT must not be mixed in one transaction: DATA behind BDAT must be answered 503. Here " +
				"no recipient was given, so that 554 is right as well.",
			Needs: probe.Needs{Offered: []string{"CHUNKING"}, Mail: true}, Start: probe.Hello, Own: true, Errors: 2,
			Script: probe.Script{mail, chunk("chunk", oneChunk, 1), afterChunk(), test("DATA"), rset},
			Judge:  refusesDataAfterChunk(), Allowed: "554",
			Habit: probe.Habit{
				Name: "DATA after a refused BDAT",
				Must: "begin the message again with RSET and MAIL after a refused BDAT",
			},
			Bites: "A sender that tries BDAT, is refused, and falls back to DATA without beginning the message anew.",
			Fix:   "After a refused BDAT send RSET and begin with MAIL before DATA.",
		},
		{
			ID: "data-after-binarymime", Title: "DATA in a transaction that was opened with BODY=BINARYMIME",
			Group: probe.GroupChunking, Profile: probe.Standard, Level: probe.Must, Ordering: true,
			Refs: []probe.Ref{"RFC 3030 3"},
			Norm: "A message with BODY=BINARYMIME can be sent with BDAT only; DATA must be answered 503. What looks " +
				"like the end of a message may stand inside a binary one.",
			Needs: probe.Needs{Offered: []string{"BINARYMIME", "CHUNKING"}, Mail: true}, Start: probe.Hello, Own: true, Errors: 1,
			Script: probe.Script{
				probe.Line("mail", probe.CommandMAIL+" BODY=BINARYMIME").Wanting("250"), test("DATA"), rset,
			},
			Judge: refusesBinaryData(),
			Habit: probe.Habit{Name: "DATA for a binary message", Must: "send a message with BODY=BINARYMIME by BDAT alone"},
			Bites: "A sender that announces a binary message and then sends it with DATA, because its DATA code " +
				"does not know what its MAIL code promised.",
			Fix: "Send such a message with BDAT, or encode it and leave BODY=BINARYMIME out.",
		},
	}
}
