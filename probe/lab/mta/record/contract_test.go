package main

import "testing"

func TestContract(t *testing.T) {
	type step struct {
		write string
		code  int // of the reply, where it matters
	}
	for name, test := range map[string]struct {
		before    []step
		write     string
		forbidden bool
	}{
		"DATA":                            {nil, "DATA\r\n", false},
		"DATA with a refused recipient":   {[]step{{rcptBad, 550}}, "DATA\r\n", false},
		"DATA with an accepted recipient": {[]step{{rcptBad, 250}}, "DATA\r\n", true},
		"DATA with a refused mailbox":     {[]step{{rcpt, 450}}, "DATA\r\n", true},
		"DATA after RSET":                 {[]step{{rcpt, 250}, {"RSET", 250}}, "DATA\r\n", true},
		"DATA behind a bare LF":           {[]step{{rcpt, 250}}, "NOOP\nDATA\n", true},
		"DATA behind a bare CR":           {[]step{{rcpt, 250}}, "NOOP\rDATA\r\n", true},
		"DATA in the group":               {nil, mail + "\r\n" + rcpt + "\r\nDATA\r\n", true},
		"BDAT":                            {nil, "BDAT 6\r\nNOOP\r\n", false},
		"BDAT with a mailbox":             {[]step{{rcpt, 250}}, "BDAT 6\r\nNOOP\r\n", true},
		"the last chunk":                  {nil, "BDAT 0 last\r\n", true},
		"a chunk with text":               {nil, "BDAT 9\r\nSubject\r\n", true},
		"a mailbox":                       {nil, rcpt + "\r\n", false},
		"a mailbox with a parameter":      {nil, rcpt + " NOTIFY=NEVER\r\n", false},
		"another mailbox":                 {nil, "RCPT TO:<root@lab.example>\r\n", true},
		"a mailbox with a sender":         {[]step{{mailFrom, 250}}, rcpt + "\r\n", true},
		"VRFY of another mailbox":         {nil, "VRFY root\r\n", true},
		"EXPN":                            {nil, "EXPN postmaster\r\n", true},
		"a dot":                           {nil, ".\r\n", true},
		"a star out of place":             {nil, "*\r\n", true},
		"a star after 334":                {[]step{{"AUTH PLAIN", 334}}, "*\r\n", false},
		"credentials":                     {nil, "AUTH PLAIN AGEAYg==\r\n", true},
		"a third AUTH":                    {[]step{{"AUTH PLAIN", 504}, {"AUTH LOGIN", 504}}, "AUTH LOGIN\r\n", true},
		"a response":                      {[]step{{"AUTH LOGIN", 334}}, "AGEAYg==\r\n", true},
		"an empty line":                   {nil, "\r\n", false},
		"a command with NUL":              {nil, "NOOP\x00ZZ\r\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			var c contract
			for _, s := range test.before {
				if err := c.allow(s.write + "\r\n"); err != nil {
					t.Fatalf("%q: %v", s.write, err)
				}
				c.heard(s.write, s.code)
			}
			if err := c.allow(test.write); (err != nil) != test.forbidden {
				t.Errorf("%q: got %v, want forbidden %t", test.write, err, test.forbidden)
			}
		})
	}
}

func TestContractSeesASplitLine(t *testing.T) {
	var c contract
	for _, part := range []string{"EX", "PN postmaster"} {
		if err := c.allow(part); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.allow("\r\n"); err == nil {
		t.Error("EXPN in three parts was allowed")
	}
}

func TestForbiddenLineIsNotWritten(t *testing.T) {
	address, rest := serve(t, nil)
	r := &recording{address: address}
	r.greeted().say("EXPN postmaster", "NOOP")
	if r.err == nil {
		t.Error("the recording is no failure")
	}
	if octets, err := rest(); octets != "" {
		t.Errorf("got %q (%v), want nothing", octets, err)
	}
}
