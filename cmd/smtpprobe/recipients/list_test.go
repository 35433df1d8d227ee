package recipients

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func always(int) bool { return true }

// read reads a list and shows its domains as "a.example 2, b.example 1".
func read(t *testing.T, text string) (List, string) {
	t.Helper()
	l, err := Read(strings.NewReader(text), always)
	if err != nil {
		t.Fatalf("%.80q: %v", text, err)
	}
	return l, domains(l)
}

func domains(l List) string {
	var all []string
	for _, d := range l.Domains {
		all = append(all, fmt.Sprintf("%s %d", d.Name, d.Recipients))
	}
	return strings.Join(all, ", ")
}

func TestRead(t *testing.T) {
	for name, tt := range map[string]struct {
		text, domains string
		column        int
		malformed     []int
	}{
		"one a line":               {"x@a.example\ny@b.example\nz@A.Example\n", "a.example 2, b.example 1", 1, nil},
		"no end of the last line":  {"x@a.example\ny@b.example", "a.example 1, b.example 1", 1, nil},
		"CRLF and blank lines":     {"x@a.example\r\n\r\n  \r\ny@a.example\r\n", "a.example 2", 1, nil},
		"a byte order mark":        {"\ufeffx@a.example\n", "a.example 1", 1, nil},
		"a mark, header, quotes":   {"\ufeff\"E-Mail\";\"Name\"\n\"x@a.example\";\"X\"\n", "a.example 1", 1, nil},
		"a header":                 {"name,email\nx,x@a.example\n", "a.example 1", 2, nil},
		"a header that names none": {"name,contact\nx,x@a.example\n", "a.example 1", 2, nil},
		"a header wins":            {"referrer,e-mail\nr@b.example,x@a.example\nr@b.example,\n", "a.example 1", 2, []int{3}},
		"most addresses win":       {"1,n/a,x@a.example\n2,o@b.example,y@a.example\n", "a.example 2", 3, nil},
		"semicolons":               {"id;mail;name\n1;x@a.example;\"Doe; X\"\n", "a.example 1", 2, nil},
		"commas in semicolons":     {"Doe, X;x@a.example\nRoe, Y;y@a.example\n", "a.example 2", 2, nil},
		"tabs":                     {"1\tDoe, X\tx@a.example\n", "a.example 1", 3, nil},
		"quotes within quotes":     {"\"X \"\"the, X\"\" Doe\",x@a.example\n", "a.example 1", 2, nil},
		"a line end in quotes":     {"\"street\nand town\",x@a.example\ny,y@b.example\n", "a.example 1, b.example 1", 2, nil},
		"a name before it":         {"X Doe <x@a.example>\n<y@a.example>\nmailto:z@a.example\n", "a.example 3", 1, nil},
		"a name in quotes":         {"\"Doe, X\" <x@a.example>\n\"Roe\"<y@a.example>\n", "a.example 2", 1, nil},
		"a header of yes and no":   {"mail,address\nyes,x@a.example\nno,y@a.example\n", "a.example 2", 2, nil},
		"a quoted local part":      {"\"x, y\"@a.example\n", "a.example 1", 1, nil},
		"the same in CSV":          {"1,\"\"\"x y\"\"@a.example\"\n", "a.example 1", 2, nil},
		"IDNA":                     {"x@bücher.example\ny@BÜCHER.example\nz@xn--bcher-kva.example.\n", "xn--bcher-kva.example 3", 1, nil},
		"Latin-1":                  {"name;mail\nJ\xfcrgen;j\xfcrgen@b\xfccher.example\n", "xn--bcher-kva.example 1", 2, nil},
		"malformed": {
			"x@a.example\nx y@b.example\nx@y@b.example\nx@\n@b.example\nx@b\nx@192.0.2.1\nx@[192.0.2.1]\nx@b..example\nx@b_b.example\nnone\nx@b.example y@b.example\n",
			"a.example 1", 1,
			[]int{2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
		},
		"a short row":              {"1,x@a.example\n2\n3,y@a.example\n", "a.example 2", 2, []int{2}},
		"a quote never closed":     {"1,x@a.example\n2,\"Doe\n3,y@a.example\n4,z@b.example\n5,none\n", "a.example 2, b.example 1", 2, []int{2, 5}},
		"quotes that do not fit":   {"1,x@a.example\n\"Doe\" X,x@c.example\n\"4,\"y@a.example\n5,z@b.example\n", "a.example 1, b.example 1", 2, []int{2, 3}},
		"closed on a later line":   {"1,x@a.example\n\"Doe,x@c.example\nRoe,\"y\"@b.example\n", "a.example 1, b.example 1", 2, []int{2}},
		"a quote inside a cell":    {"5\" disk,x@a.example\n", "a.example 1", 2, nil},
		"NUL":                      {"x@a.example\ny\x00@a.example\nz@a\x00.example\n", "a.example 1", 1, []int{2, 3}},
		"a formula":                {"=HYPERLINK(\"http://b.example\"),x@a.example\n", "a.example 1", 2, nil},
		"separators of other ways": {"x@a.example;1,2,3\ny@b.example;1,2,3\n", "a.example 1, b.example 1", 1, nil},
	} {
		t.Run(name, func(t *testing.T) {
			l, got := read(t, tt.text)
			if got != tt.domains || l.Column != tt.column {
				t.Errorf("got %q in column %d, want %q in %d", got, l.Column, tt.domains, tt.column)
			}
			if !slices.Equal(l.First, tt.malformed) || l.Malformed != len(tt.malformed) {
				t.Errorf("malformed: got %d, %v, want %v", l.Malformed, l.First, tt.malformed)
			}
		})
	}
}

// TestHeader: the first line is a header where it has no address, and is not
// malformed then.
func TestHeader(t *testing.T) {
	for text, want := range map[string]bool{
		"email\nx@a.example\n":            true,
		"x@a.example\ny@a.example\n":      false,
		"x@broken\ny@a.example\n":         false,
		"\"broken\" x\ny@a.example\n":     false,
		"\nname,email\nx,x@a.example\n\n": true,
	} {
		if l, _ := read(t, text); l.Header != want {
			t.Errorf("%q: header: got %v, want %v", text, l.Header, want)
		}
	}
}

func TestForeign(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"UTF-16 with a mark":    {"\xff\xfex\x00@\x00a\x00.\x00b\x00\n\x00", "UTF-16"},
		"UTF-16, the other way": {"\xfe\xff\x00x\x00@\x00a\x00.\x00b\x00\n", "UTF-16"},
		"UTF-16 without a mark": {"x\x00@\x00a\x00.\x00b\x00\n\x00", "UTF-16"},
		"a spreadsheet":         {"PK\x03\x04\x14\x00secret@a.example", "export it as CSV"},
		"gzip":                  {"\x1f\x8b\x08secret@a.example", "unpack it"},
		"nothing":               {"", "no address in it"},
		"no address":            {"secret\nsecret,secret@\n", "no address in it"},
		"binary":                {strings.Repeat("\x01\xfe\n\"\x80;", 1000), "no address in it"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read(strings.NewReader(tt.text), always)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got the error %v, want %q", err, tt.want)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error quotes the list: %v", err)
			}
		})
	}
}

func TestReadFails(t *testing.T) {
	broken := errors.New("disk on fire")
	for _, n := range []int{0, 1, sample / 16, 2 * sample / 16} {
		in := io.MultiReader(strings.NewReader(strings.Repeat("x@a.example.org\n", n)), iotest.ErrReader(broken))
		if _, err := Read(in, always); !errors.Is(err, broken) {
			t.Errorf("after %d lines: got the error %v, want the reader's", n, err)
		}
	}
}

// TestEnough: the reading ends when it is told to.
func TestEnough(t *testing.T) {
	l, err := Read(strings.NewReader(strings.Repeat("x@a.example\n", 1000)), func(n int) bool { return n < 10 })
	if err != nil || l.Lines != 10 || l.Recipients != 10 {
		t.Errorf("got %d lines, %d recipients, %v, want 10 and 10", l.Lines, l.Recipients, err)
	}
}

// TestHostileIsBounded: what is kept of a hostile list does not grow with it.
func TestHostileIsBounded(t *testing.T) {
	for name, piece := range map[string]string{
		"a quote at first":      "yyy\n",
		"an endless line":       "x",
		"an endless quote":      "\"" + strings.Repeat("x", 1000) + "\n",
		"an endless address":    "x@a",
		"quotes and separators": ",\"\",\"",
		"quotes line by line":   "x,\"\"\"\n",
		"open on every line":    "x,\"y\nz\n",
		"NULs on every line":    "1,x\x00@a.example\n",
	} {
		t.Run(name, func(t *testing.T) {
			hostile := &endless{left: 8 << 20, piece: piece}
			in := io.MultiReader(strings.NewReader("1,x@a.example\n2,\"open\n"), hostile, strings.NewReader("\n2,y@a.example\n"))
			before := live()
			l, err := Read(in, always)
			if err != nil || l.Recipients < 1 || l.Malformed < 1 {
				t.Errorf("got %d recipients, %d malformed, %v, want some of both", l.Recipients, l.Malformed, err)
			}
			if grown := hostile.most - min(hostile.most, before); grown > 2<<20 {
				t.Errorf("%d octets more are in use while a list of %d is read", grown, 8<<20)
			}
		})
	}
}

// TestSpellingsAreBounded: a domain that is written in ever new ways is counted,
// and not remembered in all of them.
func TestSpellingsAreBounded(t *testing.T) {
	c := counter{place: map[string]int{}}
	for n := range 1 << 9 {
		written := []rune("ÄÄÄÄÄÄÄÄÄ.example")
		for bit := range 9 {
			if n>>bit&1 == 1 {
				written[bit] = 'ä'
			}
		}
		if !c.add([]byte(string(written))) {
			t.Fatalf("%s is no domain, want it to be one", string(written))
		}
	}
	if d := c.list.Domains; len(d) != 1 || d[0].Recipients != 1<<9 || len(c.place) > spellings {
		t.Errorf("got %v, %d spellings, want one domain and at most %d", d, len(c.place), spellings)
	}
}

// FuzzRead holds that nothing but counts comes out of any list: each line is
// counted once at most, and no name of a domain was not written there.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"x@a.example\n", "name;email\n\"X; Y\";x@a.example\n", "\ufeffemail\r\n\"x\"@b.example", "a,\"b\nc\",x@c.example\n\"", "x@b\xfccher.example\t1\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := Read(strings.NewReader(string(text)), always)
		if err != nil {
			if !reflect.DeepEqual(l, List{}) {
				t.Errorf("got %+v beside the error %v", l, err)
			}
			return
		}
		n := 0
		for _, d := range l.Domains {
			n += d.Recipients
			if strings.ContainsAny(d.Name, "@ \"\n") || d.Name != strings.ToLower(d.Name) {
				t.Errorf("the domain %q", d.Name)
			}
		}
		if n != l.Recipients || l.Recipients+l.Malformed > l.Lines || len(l.First) != min(l.Malformed, mostLines) || !slices.IsSorted(l.First) {
			t.Errorf("got %+v, whose domains have %d recipients", l, n)
		}
		if l.Lines > strings.Count(string(text), "\n")+1 {
			t.Errorf("got %d lines of %q", l.Lines, text)
		}
	})
}
