package smtp_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe/smtp"
	"pgregory.net/rapid"
)

func TestParseCommandSplitsVerbAndArgument(t *testing.T) {
	tests := []struct{ name, line, verb, argument string }{
		{"verb alone", "NOOP", "NOOP", ""},
		{"lower case", "eHlO client.example", "EHLO", "client.example"},
		{"argument keeps its case", "VRFY Postmaster", "VRFY", "Postmaster"},
		{"trailing white space", "RSET \t ", "RSET", ""},
		{"trailing white space behind an argument", "NOOP a b  ", "NOOP", "a b"},
		{"second space belongs to the argument", "EHLO  client.example", "EHLO", " client.example"},
		{"tab ends the verb and is no separator", "EHLO\tclient.example", "EHLO", "\tclient.example"},
		{"NUL ends the verb", "NOOP\x00ZZ", "NOOP", "\x00ZZ"},
		{"verb with digits", "X1-y z", "X1-Y", "z"},
		{"verb with octets above 127", "NO\xc3\xb6P", "NO\xc3\xb6P", ""},
		{"empty", "", "", ""},
		{"leading space", " NOOP", "", " NOOP"},
		{"leading dot", ".", "", "."},
		{"leading digit", "250 ok", "", "250 ok"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := smtp.ParseCommand(tt.line)
			if got.Verb != tt.verb || got.Argument != tt.argument {
				t.Errorf("got %q %q, want %q %q", got.Verb, got.Argument, tt.verb, tt.argument)
			}
		})
	}
}

func TestParseCommandReadsPaths(t *testing.T) {
	tests := []struct {
		line, path string
		valid      bool
	}{
		{"MAIL FROM:<>", "<>", true},
		{"mail from:<a@client.example>", "<a@client.example>", true},
		{"MAIL FROM:<a@client.example> ", "<a@client.example>", true},
		{"MAIL FROM:<a@[192.0.2.1]>", "<a@[192.0.2.1]>", true},
		{"MAIL FROM:<@hop.example,@next.example:a@client.example>", "<@hop.example,@next.example:a@client.example>", true},
		{`MAIL FROM:<"a> b"@client.example>`, `<"a> b"@client.example>`, true},
		{`MAIL FROM:<"a\">"@client.example>`, `<"a\">"@client.example>`, true},
		{"MAIL FROM:<smtpprobe-\xc3\xbc@client.example>", "<smtpprobe-\xc3\xbc@client.example>", true},
		{"MAIL FROM:<a\xff@client.example>", "<a\xff@client.example>", false},
		{"MAIL FROM: <>", " <>", false},
		{"MAIL FROM:a@client.example", "a@client.example", false},
		{"MAIL FROM:<<<", "<<<", false},
		{"MAIL FROM:<a>", "<a>", false},
		{"MAIL FROM:<a@>", "<a@>", false},
		{"MAIL FROM:<a@client.example", "<a@client.example", false},
		{"MAIL FROM:<a@client.example>x", "<a@client.example>", false},
		{"MAIL FROM:<@hop.example:>", "<@hop.example:>", false},
		{"MAIL FROM:<hop.example:a@client.example>", "<hop.example:a@client.example>", false},
		{"MAIL FROM:<@hop.example>", "<@hop.example>", false},
		{"MAIL FROM:", "", false},
		{"MAIL TO:<>", "", false},
		{"MAIL", "", false},
		{"MAIL  FROM:<>", "", false},
		{"RCPT TO:<postmaster@example.com>", "<postmaster@example.com>", true},
		{"RCPT TO:<PostMaster>", "<PostMaster>", true},
		{"RCPT TO:<>", "<>", false},
		{"RCPT TO:<root>", "<root>", false},
		{"RCPT FROM:<a@client.example>", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			got := smtp.ParseCommand(tt.line)
			if got.Path != tt.path || got.PathValid != tt.valid {
				t.Errorf("got %q valid %v, want %q valid %v", got.Path, got.PathValid, tt.path, tt.valid)
			}
		})
	}
}

func TestParseCommandReadsParameters(t *testing.T) {
	tests := []struct {
		line string
		want []smtp.Parameter
	}{
		{"MAIL FROM:<>", nil},
		{"MAIL FROM:<> ", nil},
		{"MAIL FROM:<> size=1000 SMTPUTF8", []smtp.Parameter{
			{Keyword: "SIZE", Value: "1000", HasValue: true}, {Keyword: "SMTPUTF8"},
		}},
		{"MAIL FROM:<>  RET=", []smtp.Parameter{{Keyword: "RET", HasValue: true}}},
		{"MAIL FROM:<> ENVID=a=b", []smtp.Parameter{{Keyword: "ENVID", Value: "a=b", HasValue: true}}},
		{"MAIL FROM:a@client.example SIZE=1", []smtp.Parameter{{Keyword: "SIZE", Value: "1", HasValue: true}}},
		{`MAIL FROM:<"a b"@client.example> BODY=7BIT`, []smtp.Parameter{{Keyword: "BODY", Value: "7BIT", HasValue: true}}},
		{"RCPT TO:<postmaster> NOTIFY=NEVER", []smtp.Parameter{{Keyword: "NOTIFY", Value: "NEVER", HasValue: true}}},
		{"NOOP SIZE=1000", nil},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			if got := smtp.ParseCommand(tt.line).Parameters; !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestChunk(t *testing.T) {
	tests := []struct {
		line string
		want smtp.Chunk
		ok   bool
	}{
		{"BDAT 12", smtp.Chunk{Size: 12}, true},
		{"BDAT 0 LAST", smtp.Chunk{Last: true}, true},
		{"bdat 6 last ", smtp.Chunk{Size: 6, Last: true}, true},
		{"BDAT", smtp.Chunk{}, false},
		{"BDAT x", smtp.Chunk{}, false},
		{"BDAT -1", smtp.Chunk{}, false},
		{"BDAT +1", smtp.Chunk{}, false},
		{"BDAT 0 FIRST", smtp.Chunk{}, false},
		{"BDAT 6  LAST", smtp.Chunk{}, false},
		{"BDAT LAST", smtp.Chunk{}, false},
		{"BDAT 9223372036854775807", smtp.Chunk{Size: 9223372036854775807}, true},
		{"BDAT 9223372036854775808", smtp.Chunk{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			got, ok := smtp.ParseCommand(tt.line).Chunk()
			if got != tt.want || ok != tt.ok {
				t.Errorf("got %v %v, want %v %v", got, ok, tt.want, tt.ok)
			}
		})
	}
}

func TestHello(t *testing.T) {
	tests := []struct {
		line string
		want bool
	}{
		{"EHLO client.example", true},
		{"EHLO client.example ", true},
		{"EHLO [192.0.2.1]", true},
		{"HELO [IPv6:2001:db8::1]", true},
		{"EHLO", false},
		{"EHLO  client.example", false},
		{"EHLO client.example again", false},
		{"EHLO client_1.example", false},
		{"EHLO [client.example]", false},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			if got := smtp.ParseCommand(tt.line).Hello(); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestValidators(t *testing.T) {
	label := strings.Repeat("a", 63)
	local := strings.Repeat("a", 64)
	tests := []struct {
		name  string
		valid func(string) bool
		yes   []string
		no    []string
	}{
		{
			"domain name", smtp.ValidDomainName,
			[]string{
				"example.com", "localhost", "a", "MX-1.example.com", "xn--bcher-kva.example", "1.example", "192.0.2.1",
				label + ".example", strings.Repeat("a.", 127) + "a",
			},
			[]string{
				"", ".", "example.com.", ".example.com", "a..b", "-a.example", "a-.example", "a_b.example", "a b.example",
				"[192.0.2.1]", "b\xc3\xbccher.example", "a" + label + ".example", strings.Repeat("a.", 128) + "a", "a\r\n.example", "a@b",
			},
		},
		{
			"address literal", smtp.ValidAddressLiteral,
			[]string{"[192.0.2.1]", "[192.000.002.001]", "[IPv6:2001:db8::1]", "[ipv6:::1]", "[IPv6:::ffff:192.0.2.1]"},
			[]string{
				"", "[]", "192.0.2.1", "[192.0.2.1", "192.0.2.1]", "[192.0.2.256]", "[192.0.2]", "[192.0.2.0001]", "[192.0.2.+1]",
				"[2001:db8::1]", "[IPv6:192.0.2.1]", "[IPv6:]", "[IPv6:2001:db8::1%eth0]", "[X-Tag:a]", "[192.0.2.1] x",
			},
		},
		{
			"mailbox", smtp.ValidMailbox,
			[]string{
				"postmaster@example.com", "a.b+c@example.com", "!#$%&'*+-/=?^_`{|}~@example.com", `"a b"@example.com`, `""@example.com`,
				`"a\"b@c"@example.com`, "a@[192.0.2.1]", "a@[IPv6:2001:db8::1]", local + "@example.com",
			},
			[]string{
				"", "postmaster", "@example.com", "a@", ".a@example.com", "a.@example.com", "a..b@example.com", "a b@example.com",
				`"a@example.com`, `"a"b@example.com`, `"a\"@example.com`, "a\"b@example.com", "<a@example.com>", "a@example.com\r\n", "\xc3\xbc@example.com",
				"\"\xc3\xbc\"@example.com", "a@b\xc3\xbccher.example", "a" + local + "@example.com", `"`, "\"a\x00\"@example.com", "\"a\\\x01\"@example.com",
			},
		},
	}
	for _, tt := range tests {
		for _, text := range tt.yes {
			t.Run(tt.name+" "+text, func(t *testing.T) {
				if !tt.valid(text) {
					t.Errorf("got invalid, want %q to be a valid %s", text, tt.name)
				}
			})
		}
		for _, text := range tt.no {
			t.Run("no "+tt.name+" "+text, func(t *testing.T) {
				if tt.valid(text) {
					t.Errorf("got valid, want %q to be no valid %s", text, tt.name)
				}
			})
		}
	}
}

// TestValidatedTextIsHarmlessOnTheWire is why flags may be put into commands:
// what a validator lets through has no octet that could end or alter a line.
func TestValidatedTextIsHarmlessOnTheWire(t *testing.T) {
	mailbox := `([a-z."\\@<> \x00\r\n]|\xc3\xbc){0,8}(@([a-z.\-_\[\]:0-9]|\r|\n| ){0,8})?`
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.StringMatching(mailbox), rapid.String()).Draw(t, "text")
		if !smtp.ValidMailbox(text) && !smtp.ValidDomainName(text) && !smtp.ValidAddressLiteral(text) {
			return
		}
		for i := range len(text) {
			if text[i] < ' ' || text[i] > '~' {
				t.Fatalf("got %q taken, want no octet outside printable ASCII", text)
			}
		}
		if !smtp.ValidMailbox(text) {
			return
		}
		got := smtp.ParseCommand("MAIL FROM:<" + text + ">")
		if !got.PathValid || got.Path != "<"+text+">" || got.Parameters != nil {
			t.Fatalf("got %+v, want the whole mailbox %q as a valid path without parameters", got, text)
		}
	})
}

// FuzzParseCommand holds what must be true of any line: it is taken apart
// without a loss, and the same whatever the case of its verb.
func FuzzParseCommand(f *testing.F) {
	for _, line := range []string{"", "MAIL FROM:<a@client.example> SIZE=1", "RCPT TO:<\"\\", "BDAT 6 LAST", "NOOP\x00", "\xff", "MAIL FROM:"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		got := smtp.ParseCommand(line)
		if n := len(got.Verb); !strings.EqualFold(line[:n], got.Verb) {
			t.Errorf("got verb %q, want the beginning of %q", got.Verb, line)
		}
		if !strings.HasSuffix(strings.TrimRight(line, " \t"), got.Argument) {
			t.Errorf("got argument %q, want the end of %q", got.Argument, line)
		}
		if !strings.Contains(line, got.Path) {
			t.Errorf("got path %q, want a part of %q", got.Path, line)
		}
		if again := smtp.ParseCommand(got.Verb + line[len(got.Verb):]); !reflect.DeepEqual(again, got) {
			t.Errorf("got %+v, want %+v as for the line before its verb was folded", again, got)
		}
		if chunk, ok := got.Chunk(); ok && chunk.Size < 0 {
			t.Errorf("got a chunk of %d octets, want none below 0", chunk.Size)
		}
	})
}
