package lab

import (
	"maps"
	"slices"
	"time"
)

// Lapses lists the lapses that stand for what receivers in the wild do wrong,
// each in one form. Most can be had in others from the functions that make
// them, and more from Accept, Keep and Forget.
func Lapses() []Lapse {
	return slices.Concat(orderLapses(), tlsLapses(), policyLapses(), paceLapses(), groupLapses(), closeLapses(), extensionLapses(), lineLapses(), placeLapses(), replyLapses(), octetLapses())
}

func orderLapses() []Lapse {
	return []Lapse{
		AcceptNestedMail(), KeepAcrossHello(), RefuseSecondHello(), RefuseBeforeHello("NOOP"), RefuseBeforeHello("RSET"),
		ForgetAt("NOOP"), ForgetAt("HELP"), ForgetAt("VRFY"),
		ForgetAtRefused("EHLO"), ForgetAtRefused("RCPT"), ForgetAtRefused("DATA"), ForgetAtRefused("ZZPROBE"),
		OpenAtRefusedMail(), NullSenderOpensNothing(), RefuseBeforeHello("VRFY"), RefuseBeforeHello("HELP"),
		Replace("502 5.5.1 Command not implemented"),
		ReplyAt(Place{State: "M", Verb: "DATA"}, "550 5.7.1 Not now"),
		HeloListsKeywords(), StayAfterQuit(), SilentQuit(), KeepChunksUnswallowed(), TakeBareLF(),
	}
}

func tlsLapses() []Lapse {
	return []Lapse{
		KeepTransactionAcrossTLS(), KeepHelloAcrossTLS(), InjectAcrossTLS(), AnswerInClear(), FeedHandshake(), FailHandshakes(),
		GreetInsideTLS(), ListSTARTTLSInsideTLS(),
	}
}

func policyLapses() []Lapse {
	return []Lapse{
		Greylist(), RefuseClient(), NeverTakesMail(), RefuseByPolicy("MAIL"), RefuseByPolicy("RCPT"), DemandTLS(), RefuseNullSender(),
		AcceptAnyRecipient(), DemandLogin(), OneRecipient(),
	}
}

func paceLapses() []Lapse {
	return []Lapse{
		Tarpit(time.Second), TarpitErrors(8 * time.Second), Late(Greeting, 5*time.Second), Late("NOOP", 5*time.Second),
		Drip(100 * time.Millisecond), Silence(), Swallow("NOOP"), SwallowNth(3), Repeat("NOOP"),
	}
}

func groupLapses() []Lapse {
	return []Lapse{
		AcceptEarlyTalk(), AcceptGroups(), AcceptInsideGroup("EHLO"), AcceptInsideGroup("NOOP"), AcceptInsideGroup("VRFY"),
		RefuseGroups(), FlushAfterError(), Reorder(),
	}
}

func closeLapses() []Lapse {
	return []Lapse{
		HangUp(Place{Verb: Greeting}, ""), HangUp(Place{Verb: "MAIL"}, ""), HangUp(Place{Verb: "MAIL"}, "421 4.7.0 Go away"),
		HangUpOnErrors(""), HangUpOnErrors("500 5.5.2 Go away"), CloseAfterErrors(3, "421 4.7.0 Too many errors"), ResetAt(2),
	}
}

func octetLapses() []Lapse {
	lapses := []Lapse{
		Foreign("SSH-2.0-receiver\r\n", false), Foreign("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", true),
		FloodOfLines("EHLO"), FloodOfOctets(Greeting), FloodOfReplies("NOOP"),
	}
	garbage := Garbage()
	for _, name := range slices.Sorted(maps.Keys(garbage)) {
		lapses = append(lapses, Garble(name, "NOOP", garbage[name]))
	}
	return lapses
}
