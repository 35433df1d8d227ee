package wire_test

import "strings"

// replyReader is the court's own reading of what a listener wrote.
type replyReader struct {
	line   string // not ended yet
	inside bool   // a reply of several lines has begun
	code   int
	bad    string
}

type reply struct {
	code  int
	fault string
}

// begun reports whether a reply has begun and not ended.
func (r *replyReader) begun() bool { return r.line != "" || r.inside }

// feed takes octets, shows every line, and hands on the replies that are
// complete.
func (r *replyReader) feed(octets string, look func(line string, finished bool), take func(reply)) {
	for octets != "" {
		part, rest, finished := strings.Cut(octets, "\n")
		r.line += part
		look(r.line, finished)
		if !finished {
			return
		}
		line := strings.TrimSuffix(r.line, "\r")
		r.line, octets = "", rest
		if r.add(line) {
			take(reply{code: r.code, fault: r.bad})
			r.inside, r.code, r.bad = false, 0, ""
		}
	}
}

// add takes a line and reports whether it completes a reply.
func (r *replyReader) add(line string) bool {
	code, more := codeOf(line)
	fault := ""
	switch {
	case code == 0:
		fault = "a line without a code"
	case code < 200 || code > 599:
		fault = "a code that is none"
	case r.code != 0 && code != r.code:
		fault = "of several codes"
	}
	if r.bad == "" {
		r.bad = fault
	}
	if code == 0 && r.inside {
		return false
	}
	r.code, r.inside = code, more
	return !more
}

func codeOf(line string) (code int, more bool) {
	if len(line) < 3 || strings.Trim(line[:3], "0123456789") != "" || len(line) > 3 && line[3] != ' ' && line[3] != '-' {
		return 0, false
	}
	return int(line[0]-'0')*100 + int(line[1]-'0')*10 + int(line[2]-'0'), len(line) > 3 && line[3] == '-'
}
