package checks

import "github.com/smtpprobe/smtpprobe/probe"

// framing: how sessions end and where commands end.
func framing() []probe.Check {
	return []probe.Check{
		{
			ID: "quit-closes", Title: "QUIT is answered 221, then the connection closes",
			Group: probe.GroupFraming, Profile: probe.Quick, Polarity: probe.Service, Level: probe.Must,
			Refs:  []probe.Ref{"RFC 5321 4.1.1.10", "RFC 5321 3.8"},
			Norm:  "The server must answer QUIT with 221 and then close the connection.",
			Start: probe.Hello, Final: true,
			Script: probe.Script{test("QUIT"), listen("end", probe.Step{For: probe.CloseWait})},
			Judge:  quitCloses(),
			Bites:  "A sender that waits for the receiver to close after QUIT and so keeps connections open.",
			Fix:    "Close the connection yourself once the 221 is read.",
		},
	}
}

func quitCloses() probe.Judge {
	return probe.Judge{Find: findQuitCloses, Meanings: []probe.Meaning{
		{Verdict: probe.Correct, When: "221, and the connection closes within 5 seconds"},
		{Verdict: probe.Lenient, When: "221, and the connection is still open after 5 seconds"},
		{Verdict: probe.Overstrict, When: "some other reply"},
		{Verdict: probe.Dropped, When: "closed without a reply, twice"},
		{Verdict: probe.Broken, When: "no reply, or more than one, twice"},
	}}
}

func findQuitCloses(ev probe.Evidence) probe.Finding {
	if f, unusable := ev.Fate(probe.Test); unusable {
		return f
	}
	reply, end := ev.Walk.Find(probe.Test).Reply(), ev.Walk.Find("end")
	switch {
	case len(end.Replies) > 0:
		return probe.Found(probe.Broken, end.Replies[0], "a reply after the one to QUIT")
	case reply.Code != 221:
		return probe.Found(probe.Overstrict, reply, "")
	case end.Closed || ev.Walk.ClosedAfter(probe.Test):
		return probe.Found(probe.Correct, reply, "")
	case !end.Ran:
		return probe.Unknown("the end of the connection was not waited for")
	}
	return probe.Found(probe.Lenient, reply, "still open after 5 seconds")
}
