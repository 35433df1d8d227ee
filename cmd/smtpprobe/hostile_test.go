package main

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/smtpprobe/smtpprobe/probe/lab"
)

// raw finds the first character that must not reach a terminal: a control but
// the line feed, a format character such as those that turn the direction of
// writing, or an octet that is no UTF-8. It is empty where there is none.
func raw(text string) string {
	for i, r := range text {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
				return strconv.QuoteToASCII(text[i : i+1])
			}
		}
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
			return strconv.QuoteToASCII(string(r))
		}
	}
	return ""
}

// poison is what a server may say to whoever shows it: it clears the screen,
// writes its title, rings, goes back, overwrites, turns the writing around, and
// does the same with 8-bit controls; then there are octets of no character set,
// markup, a formula, and a line separator.
const poison = "\x1b[2J\x1b]0;owned\x07\b\b\x00a\rb \xc2\x9b31m \x9b31m \x90q\x9c \xe2\x80\xae \xe2\x81\xa6 \xe2\x80\x8f \xff\xfe" +
	" \x7f <script> =1+1 \\x1b \xe2\x80\xa8"

// hostile are receivers that say it wherever they say anything.
func hostile() map[string]lab.Receiver {
	garble := func(verb, octets string) lab.Lapse { return lab.Garble("hostile", verb, octets) }
	with := func(lapses ...lab.Lapse) lab.Receiver {
		return lab.Receiver{Lapses: lapses, GreetDelay: lab.NoGreetDelay}
	}
	line := func(start string) string { return start + poison + "\r\n" }
	return map[string]lab.Receiver{
		"every reply": with(
			garble(lab.Greeting, line("220 mx.example Postfix ")),
			garble("EHLO", line("250-mx.example ")+line("250-X")+"250-STARTTLS\r\n"+line("250 SIZE ")),
			garble("MAIL", line("250 2.1.0 ")), garble("RCPT", line("250 2.1.5 ")), garble("RSET", line("250 ")),
			garble("NOOP", line("250 ")), garble("QUIT", line("221 "))),
		"the greeting turns away":       with(garble(lab.Greeting, line("554-")+line("554 "))),
		"the greeting is another thing": with(lab.Foreign(poison+"\r\n", true)),
		"the greeting never ends":       with(lab.Foreign("220 "+poison, true)),
		"MAIL is refused":               with(garble("MAIL", line("550-5.7.1 ")+line("550 5.7.1 "))),
		"RCPT is refused":               with(garble("RCPT", line("550 5.7.1 "))),
		"the code is none":              with(garble("RCPT", line("999 "))),
		"the code is unfinished":        with(garble("RCPT", "5\x1b3 "+poison+"\r\n")),
		"STARTTLS is refused":           with(garble("STARTTLS", line("454 4.7.0 "))),
		"the certificate":               {Host: "mx\x1b]0;owned\x07.example", GreetDelay: lab.NoGreetDelay},
	}
}

func TestNothingOfAServerReachesTheReaderRaw(t *testing.T) {
	t.Parallel()
	tables := []struct {
		name  string
		flags []string
		two   bool // with a second receiver, which makes the table compare
	}{
		{"table", []string{"--format", "table", "--transcript"}, false},
		{"comparison", []string{"--format", "table", "--transcript", "--ascii"}, true},
	}
	for name, r := range hostile() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, "127.0.0.1:0", r)
			other := receiver(t)
			args := []string{
				"--resolver", nowhere, "--pace", "0", "--reply-timeout", "1s", "-v",
				"--check", "rcpt-before-mail,nested-mail,starttls-inside-tls", server.Addr(),
			}
			for _, f := range tables {
				t.Run(f.name, func(t *testing.T) {
					args := append(slices.Clone(args), f.flags...)
					if f.two {
						args = append(args, other.Addr())
					}
					clean(t, call(t, args...))
				})
			}
			t.Run("every format", func(t *testing.T) { cleanFiles(t, append(slices.Clone(args), "--transcript")...) })
		})
	}
}

func TestNothingOfTheDNSReachesTheReaderRaw(t *testing.T) {
	t.Parallel()
	server := receiver(t)
	ns := zone(t, lab.Zone{Records: `
odd.example. MX 10 a\027[31mb\226\128\174c.odd.example.
odd.example. MX 20 mx.odd.example.
a\027[31mb\226\128\174c.odd.example. A 127.0.0.1
mx.odd.example. A 127.0.0.1
gone.example. MX 10 a\027]0;owned\007.gone.example.
alias.example. CNAME a\027[2J.alias.example.
a\027[2J.alias.example. MX 10 mx.odd.example.`})
	args := []string{
		"--resolver", ns, "--allow-private", "--port", portOf(t, server.Addr()), "--pace", "0",
		"--check", "rcpt-before-mail", "odd.example", "gone.example", "alias.example",
	}
	for _, extra := range []string{"-v", "--dry-run"} {
		t.Run(extra, func(t *testing.T) {
			r := call(t, append(slices.Clone(args), extra)...)
			if r.code != exitRan {
				t.Errorf("got exit code %d, want %d; standard error: %s", r.code, exitRan, r.err)
			}
			clean(t, r)
		})
	}
	t.Run("every format", func(t *testing.T) { cleanFiles(t, args...) })
}

// cleanFiles holds what is written in each format against the rule.
func cleanFiles(t *testing.T, args ...string) {
	t.Helper()
	r, written := everyFormat(t, args...)
	for name, content := range written {
		r.out = content
		if name == "csv" {
			r.out = strings.ReplaceAll(content, "\r\n", "\n") // the ends of its lines (RFC 4180)
		}
		t.Run(name, func(t *testing.T) { clean(t, r) })
	}
}

// TestNothingOfATargetFileReachesTheReaderRaw: the file may be somebody else's.
func TestNothingOfATargetFileReachesTheReaderRaw(t *testing.T) {
	t.Parallel()
	server := receiver(t)
	for _, flags := range [][]string{{"--format", "table"}, {"--format", "json"}, {"--format", "ndjson"}, {"--format", "markdown"}, {"--format", "junit"}, {"--format", "html"}, {"--dry-run"}} {
		t.Run(strings.Join(flags, " "), func(t *testing.T) {
			in := server.Addr() + "\n" + poison + "\n" + poison + ":25\nexample.com:" + poison + "\n\u202egnp.example\n"
			r := callWith(t.Context(), in, append(flags, "--resolver", nowhere, "--pace", "0", "--check", "rcpt-before-mail", "-")...)
			if r.code != exitRan {
				t.Errorf("got exit code %d, want %d; standard error: %s", r.code, exitRan, r.err)
			}
			clean(t, r)
		})
	}
}

// clean holds both streams against the rule, and the texts of JSON as a program
// gets them that shows them to somebody.
func clean(t *testing.T, r ran) {
	t.Helper()
	for name, text := range map[string]string{"standard output": r.out, "standard error": r.err} {
		if found := raw(text); found != "" {
			t.Errorf("%s holds %s raw: %q", name, found, around(text, found))
		}
	}
	if strings.Contains(r.out, "panic") || strings.Contains(r.out, "fault of smtpprobe") {
		t.Errorf("got a fault of our own:\n%s", r.out)
	}
	if r.out == "" {
		t.Errorf("got nothing on standard output; standard error: %s", r.err)
	}
	for _, text := range jsonTexts(r.out) {
		if found := raw(text); found != "" || strings.Contains(text, "\n") {
			t.Errorf("the JSON holds a text with %s raw: %q", found, text)
		}
	}
}

// around is the line of a text that holds what was found.
func around(text, quoted string) string {
	found, err := strconv.Unquote(quoted)
	if err != nil {
		return text
	}
	for line := range strings.Lines(text) {
		if strings.Contains(line, found) {
			return line
		}
	}
	return text
}

// jsonTexts are all texts of the JSON documents in the output, names included.
func jsonTexts(out string) []string {
	var texts []string
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			texts = append(texts, v)
		case []any:
			for _, item := range v {
				walk(item)
			}
		case map[string]any:
			for name, item := range v {
				texts = append(texts, name)
				walk(item)
			}
		}
	}
	decoder := json.NewDecoder(strings.NewReader(out))
	for {
		var v any
		if decoder.Decode(&v) != nil {
			return texts
		}
		walk(v)
	}
}

// TestColoursAreOurs: where colours are wanted, the only escape sequences are
// those of the table.
func TestColoursAreOurs(t *testing.T) {
	t.Parallel()
	colour := regexp.MustCompile("\x1b\\[[0-9;]*m")
	for name, r := range hostile() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, "127.0.0.1:0", r)
			got := call(t, "--resolver", nowhere, "--pace", "0", "--reply-timeout", "1s", "--check", "rcpt-before-mail",
				"--transcript", "--color", "always", server.Addr())
			if !colour.MatchString(got.out) {
				t.Errorf("got no colour in\n%s", got.out)
			}
			got.out = colour.ReplaceAllString(got.out, "")
			clean(t, got)
			if strings.Contains(got.out, "31m") && !strings.Contains(got.out, `\x9b31m`) {
				t.Errorf("got a colour of the server's in\n%s", got.out)
			}
		})
	}
}
