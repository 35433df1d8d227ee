package wire_test

import (
	"fmt"
	"strings"
	"time"
)

// answer is what a listener does about one command.
type answer struct {
	how  manner
	pick int // which of the ways there are, where the manner has several
}

type manner uint8

const (
	proper    manner = iota // as a good receiver
	accepts                 // 250 whatever it is
	refuses                 // 503, 550 and the like
	strange                 // some other code
	twice                   // the reply, and once more
	swallows                // nothing
	late                    // the reply, after a while
	again                   // the reply, and after a while something that nobody asked for
	malformed               // a reply that is none
	asksText                // 354 in the place of the reply
	textAfter               // the reply, and 354 in the same segment
	challenge               // 334
	drips                   // the reply, octet by octet
	closes                  // the reply, and the end
	resets                  // no reply, and a reset
	begins                  // the reply, and the beginning of another
	long                    // a reply of thousands of octets
	tells                   // several lines
	manners
)

// tick keeps a listener's pauses from ending with a wait of the client's.
const tick = 137 * time.Nanosecond

// byTape is a conduct that takes its answers from a tape, one for the greeting
// and one for each command. Where the tape ends it is a good receiver. It reads
// lines that end in CR LF and chunks as RFC 3030 says, or as lines.
func byTape(tape []answer, takesChunks bool) conduct {
	t := &tapeReader{tape: tape, takesChunks: takesChunks}
	return t.hear
}

type tapeReader struct {
	tape        []answer
	takesChunks bool
	greeted     bool
	tls         bool
	line        string // not ended yet
}

func (t *tapeReader) pull() answer {
	if len(t.tape) == 0 {
		return answer{}
	}
	a := t.tape[0]
	t.tape = t.tape[1:]
	return a
}

func (t *tapeReader) hear(heard string) []turn {
	if heard == "" {
		if t.greeted {
			return nil
		}
		return t.greet()
	}
	if !t.tls && strings.HasPrefix(heard, "\x16\x03") {
		t.tls = true
		if a := t.pull(); a.how > refuses {
			return a.turns("\x16\x03")
		}
		return append([]turn{{secure: true}}, t.greet()...)
	}
	t.line += heard
	var turns []turn
	for {
		line, rest, ended := strings.Cut(t.line, "\r\n")
		if !ended {
			break
		}
		t.line = rest
		turns = append(turns, t.pull().turns(line)...)
		if n := chunkOf(line); t.takesChunks && n <= len(t.line) {
			t.line = t.line[n:]
		}
	}
	if len(turns) == 0 {
		if a := t.pull(); a.how > refuses && a.how != swallows {
			turns = a.turns("NOOP")
		}
	}
	if t.line != "" && len(turns) > 0 {
		turns[0].pause += time.Millisecond + tick // the rest of the line may be under way
	}
	return merge(turns)
}

// greet gives the greeting once, a little after the connection came about, so
// that a client that does not wait for it is heard first. Behind STARTTLS it was
// given already.
func (t *tapeReader) greet() []turn {
	if t.greeted {
		return nil
	}
	if len(t.tape) > 0 && t.tape[0].how == swallows && !t.tls {
		t.pull()
		return nil // perhaps TLS comes first
	}
	t.greeted = true
	turns := t.pull().turns("greeting")
	if len(turns) > 0 {
		turns[0].pause += time.Millisecond + tick
	}
	return merge(turns)
}

func chunkOf(line string) int {
	n := 0
	if _, err := fmt.Sscanf(line, "BDAT %d", &n); err != nil {
		return 0
	}
	return max(n, 0)
}

// merge joins what is written without a pause to one write, so that nothing can
// come from the client in between. No write is greater than a client reads at
// once.
func merge(turns []turn) []turn {
	const most = 2000
	var merged []turn
	for _, t := range turns {
		for len(t.octets) > most {
			merged = append(merged, turn{pause: t.pause, octets: t.octets[:most]})
			t.pause, t.octets = time.Millisecond+tick, t.octets[most:]
		}
		last := len(merged) - 1
		if last < 0 || t.pause > 0 || t.secure || merged[last].end != stay || len(merged[last].octets)+len(t.octets) > most {
			if last >= 0 && t.pause == 0 && !t.secure {
				t.pause = time.Millisecond + tick
			}
			merged = append(merged, t)
			continue
		}
		merged[last].octets += t.octets
		merged[last].end = t.end
	}
	return merged
}

func (a answer) turns(line string) []turn {
	good := goodReply(line)
	pause := time.Duration(a.pick%40)*1700*time.Millisecond + time.Millisecond + tick
	switch a.how {
	case accepts:
		return []turn{{octets: "250 2.0.0 fine\r\n"}}
	case refuses:
		return []turn{{octets: from(a.pick, "503 5.5.1 bad sequence of commands\r\n", "550 5.1.1 no such user\r\n", "451 4.3.0 later\r\n")}}
	case strange:
		return []turn{{octets: from(
			a.pick, "220 ready\r\n", "221 bye\r\n", "235 in\r\n", "251 elsewhere\r\n", "300 hm\r\n", "399 hm\r\n", "421 4.3.2 gone\r\n",
			"421 4.3.2 gone\r\n", "554 no\r\n", "535 no\r\n", "200\r\n",
			"250 C:\\[x]\\\x1b \xff\r\n",
		)}}
	case twice:
		return []turn{{octets: good + good}}
	case swallows:
		return nil
	case late:
		return []turn{{pause: pause, octets: good}}
	case again:
		return []turn{{octets: good}, {pause: pause, octets: from(a.pick, good, "354 go\r\n", "250 fine\r\n", "334 \r\n", "550 no\r\n", "250-a\r\n", "3", "35", "\r\n")}}
	case malformed:
		return []turn{{octets: from(
			a.pick, "fine\r\n", "\r\n", "\n", "250\tfine\r\n", "250-a\r\n251 b\r\n", "250-a\r\nb\r\n250 c\r\n", "199 x\r\n", "600 x\r\n", "25\r\n",
			"250 a\x00b\r\n", "250 \xff\xfe\r\n", "250 lone\n", "\x00250 fine\r\n", "\x16\x03\x01\x00\n", " 354 go\r\n", "\r354 go\r\n", "250",
			"250-a\n250 b\n", "2500 x\r\n",
		)}}
	case asksText:
		return []turn{{octets: from(a.pick, "354 go\r\n", "354-go\r\n354 on\r\n", "354\r\n", "354 go\n", "350 go\r\n", "35")}}
	case textAfter:
		return []turn{{octets: good + from(a.pick, "354 go\r\n", "354-go\r\n", "3\r\n", "35", "354")}}
	case challenge:
		return []turn{{octets: "334 \r\n"}}
	case drips:
		return drip(good, time.Duration(1+a.pick%900)*time.Millisecond+tick)
	case closes:
		return []turn{{octets: from(a.pick, good, "", "221 bye\r\n", "2"), end: half}}
	case resets:
		return []turn{{octets: from(a.pick, "", good), end: slam}}
	case begins:
		return []turn{{octets: good + from(a.pick, "2", "250-a\r\n", "250 fine", "3", "354 go", "\x15\x03\x03", "\r")}}
	case long:
		return []turn{{octets: "250-" + strings.Repeat("x", 100+a.pick*200) + "\r\n" + "250 fine\r\n" + from(a.pick, "", "354 go\r\n", "250 fine\r\n")}}
	case tells:
		return []turn{{octets: "250-one\r\n250-two\r\n250 three\r\n"}}
	}
	return []turn{{octets: good}}
}

func drip(octets string, pause time.Duration) []turn {
	var turns []turn
	for i := range len(octets) {
		turns = append(turns, turn{pause: pause, octets: octets[i : i+1]})
	}
	return turns
}

func from(pick int, ways ...string) string { return ways[pick%len(ways)] }

// goodReply is what a receiver answers that serves whatever it can, and for
// which every address but that of the refused recipient exists.
func goodReply(line string) string {
	switch verbIn(line) {
	case "GREETING":
		return "220 mx.example.net ESMTP\r\n"
	case "EHLO":
		return "250-mx.example.net\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n"
	case "RCPT":
		if strings.Contains(line, "invalid") {
			return "550 5.1.2 no such host\r\n"
		}
		return "250 2.1.5 fine\r\n"
	case "DATA":
		return "354 go\r\n"
	case "AUTH":
		return "334 \r\n"
	case "STARTTLS":
		return "220 2.0.0 go\r\n"
	case "QUIT":
		return "221 2.0.0 bye\r\n"
	case "HELO", "MAIL", "RSET", "NOOP", "BDAT":
		return "250 2.0.0 fine\r\n"
	case "VRFY":
		return "252 2.0.0 maybe\r\n"
	case "HELP":
		return "214 2.0.0 see RFC 5321\r\n"
	}
	return "500 5.5.2 what\r\n"
}
