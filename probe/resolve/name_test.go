package resolve_test

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/smtpprobe/smtpprobe/probe/resolve"
)

func TestParseName(t *testing.T) {
	long := strings.Repeat("a", 63)
	for _, test := range []struct{ input, unicode, ascii string }{
		{"example.com", "example.com", "example.com"},
		{"Example.COM.", "example.com", "example.com"},
		{"exämple.com", "exämple.com", "xn--exmple-cua.com"},
		{"EXÄMPLE.com", "exämple.com", "xn--exmple-cua.com"},
		{"xn--exmple-cua.com", "exämple.com", "xn--exmple-cua.com"},
		{"exämple。com。", "exämple.com", "xn--exmple-cua.com"},
		{"faß.example.com", "faß.example.com", "xn--fa-hia.example.com"},
		{"mx--a.example.com", "mx--a.example.com", "mx--a.example.com"},
		{"4.example.com", "4.example.com", "4.example.com"},
		{long + ".example.com", long + ".example.com", long + ".example.com"},
	} {
		t.Run(test.input, func(t *testing.T) {
			got, err := resolve.ParseName(test.input)
			want := resolve.Name{Unicode: test.unicode, ASCII: test.ascii}
			if err != nil || got != want {
				t.Errorf("got %+v, %v, want %+v", got, err, want)
			}
		})
	}
}

func TestParseNameRefuses(t *testing.T) {
	label := strings.Repeat("a", 64)
	for _, test := range []struct{ input, want string }{
		{"", `"" is empty: give a domain name such as example.com`},
		{".", `"." is not a domain name: one of its labels is empty`},
		{"a..b", `"a..b" is not a domain name: one of its labels is empty`},
		{".example.com", `".example.com" is not a domain name: one of its labels is empty`},
		{"example.com..", `"example.com.." is not a domain name: one of its labels is empty`},
		{"ä..b", `"ä..b" is not a domain name: one of its labels is empty`},
		{"xn--.com", `"xn--.com" is not a domain name: one of its labels is empty`},
		{"example", `"example" has no dot: give the full domain name, such as example.com`},
		{"example com", `"example com" contains a space: a domain name has none`},
		{" example.com", `" example.com" contains a space: a domain name has none`},
		{"example\u00a0.com", `"example\u00a0.com" contains a space: a domain name has none`},
		{"example.com\r\nQUIT", `"example.com\r\nQUIT" contains a control character: a domain name has none`},
		{"ex\x00ample.com", `"ex\x00ample.com" contains a control character: a domain name has none`},
		{"ex\xffample.com", `"ex\xffample.com" is not valid UTF-8: give a domain name such as example.com`},
		{"user@example.com", `"user@example.com" is an e-mail address: use the part after the @, "example.com"`},
		{"https://example.com/", `"https://example.com/" is a URL or a path: use the host name in it, such as example.com`},
		{"example.com/", `"example.com/" is a URL or a path: use the host name in it, such as example.com`},
		{"example.com:25", `"example.com:25" contains a colon: a domain name has neither a port nor a scheme`},
		{"192.0.2.1", `"192.0.2.1" is an address: a domain name such as example.com is needed here`},
		{"[IPv6:2001:db8::1]", `"[IPv6:2001:db8::1]" is an address: a domain name such as example.com is needed here`},
		{"192.0.2.256", `"192.0.2.256" is not a domain name: its last label "256" has digits only`},
		{"１９２.0.2.1", `"１９２.0.2.1" is not a domain name: its last label "1" has digits only`},
		{"-a.example.com", `"-a.example.com" is not a domain name: its label "-a" begins or ends with a hyphen`},
		{"a-.example.com", `"a-.example.com" is not a domain name: its label "a-" begins or ends with a hyphen`},
		{"a_b.example.com", `"a_b.example.com" is not a domain name: its label "a_b" has other characters than letters, digits and hyphens`},
		{"*.example.com", `"*.example.com" is not a domain name: its label "*" has other characters than letters, digits and hyphens`},
		{"a\u202eb.example.com", `"a\u202eb.example.com" is not a domain name by IDNA2008: idna: disallowed rune U+202E`},
		{"xn--a.example.com", `"xn--a.example.com" is not a domain name by IDNA2008: idna: invalid label "\u0080"`},
		{label + ".com", `"` + label + `.com" is not a domain name: its label "` + label + `" has 64 octets, and 63 are allowed`},
		{
			strings.Repeat("a.", 126) + "ab", // 254 octets
			`"` + strings.Repeat("a.", 40) + `"... is not a domain name: it has 254 octets, and 253 are allowed`,
		},
	} {
		t.Run(test.input, func(t *testing.T) {
			got, err := resolve.ParseName(test.input)
			if err == nil {
				t.Fatalf("got %+v, want an error", got)
			}
			if err.Error() != test.want {
				t.Errorf("got\n%s\nwant\n%s", err, test.want)
			}
		})
	}
}

func TestParseHost(t *testing.T) {
	if got, err := resolve.ParseHost("MAIL"); err != nil || got.ASCII != "mail" {
		t.Errorf("got %+v, %v, want mail", got, err)
	}
	if _, err := resolve.ParseHost("a_b"); err == nil {
		t.Error("got no error, want one about the underscore")
	}
}

// ldh is the grammar of Domain in RFC 5321 section 4.1.2, with a dot in it.
var ldh = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$`)

// holds fails the test where ParseName breaks one of its promises on an input.
func holds(t interface {
	Helper()
	Fatalf(string, ...any)
}, input string,
) {
	t.Helper()
	name, err := resolve.ParseName(input)
	if err != nil {
		if name != (resolve.Name{}) {
			t.Fatalf("%q: got %+v besides an error, want nothing", input, name)
		}
		for _, r := range err.Error() {
			if r < ' ' || r == 0x7f {
				t.Fatalf("%q: got a control character in %q, want none", input, err)
			}
		}
		if len(err.Error()) > 1000 {
			t.Fatalf("%q: got an error of %d octets, want a line", input, len(err.Error()))
		}
		return
	}
	if !ldh.MatchString(name.ASCII) || len(name.ASCII) > 253 {
		t.Fatalf("%q: got %q, want letters, digits and hyphens", input, name.ASCII)
	}
	again, err := resolve.ParseName(name.ASCII)
	if err != nil || again.ASCII != name.ASCII {
		t.Fatalf("%q: got %+v, %v for its own result %q", input, again, err, name.ASCII)
	}
}

func TestParseNameAlwaysYieldsAName(t *testing.T) {
	label := rapid.StringMatching(`[a-zA-Z0-9_äßΩ例💩-]{0,66}|xn--[a-z0-9-]{0,20}`)
	rapid.Check(t, func(t *rapid.T) {
		input := strings.Join(rapid.SliceOfN(label, 0, 8).Draw(t, "labels"), rapid.SampledFrom([]string{".", "。"}).Draw(t, "dot"))
		holds(t, input)
	})
}

func FuzzParseName(f *testing.F) {
	for _, s := range []string{"example.com", "exämple.com.", "a..b", "", "xn--a.com", "192.0.2.1", "[::1]", "a@b.c", "\xff", "a\u202eb.c", "١.٢"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, input string) { holds(t, input) })
}

func TestPlatform(t *testing.T) {
	for _, test := range []struct{ host, want string }{
		{"mx1.example.com", "example.com"},
		{"MX1.Mail.Example.COM.", "example.com"},
		{"mx.example.co.uk", "example.co.uk"},
		{"example.com", "example.com"},
		{"com", "com"},
		{"mail", "mail"},
		{"mx.mail.test", "mail.test"},
		{"192.0.2.1", "192.0.2.1"},
		{"[2001:db8::1]", "[2001:db8::1]"},
		{"2001:db8::1", "2001:db8::1"},
		{"a..b", "a..b"},
		{"", ""},
	} {
		t.Run(test.host, func(t *testing.T) {
			if got := resolve.Platform(test.host); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
