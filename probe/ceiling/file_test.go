package ceiling_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smtpprobe/smtpprobe/probe/ceiling"
)

func TestRunsCountTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "smtpprobe", "ceiling")
	for range 599 {
		if err := opened(t, path).Session("example.com"); err != nil {
			t.Fatal(err)
		}
	}
	c := opened(t, path)
	if n, _ := fill(c, "example.com"); n != 1 {
		t.Errorf("got %d sessions after 599 in runs before, want 1", n)
	}
	if err := c.Trouble(); err != nil {
		t.Errorf("got trouble: %v", err)
	}
}

// TestProcessesCountTogether: this test is its own second process.
func TestProcessesCountTogether(t *testing.T) {
	if path := os.Getenv("CEILING"); path != "" {
		c := opened(t, path)
		n, _ := fill(c, "example.com")
		if c.Trouble() != nil {
			t.Fatal(c.Trouble())
		}
		if _, err := fmt.Fprintf(os.Stdout, "sessions=%d\n", n); err != nil {
			t.Fatal(err)
		}
		return
	}
	path := t.TempDir() + "/ceiling"
	const processes = 4
	got := make([]int, processes)
	var wg sync.WaitGroup
	for i := range processes {
		wg.Go(func() {
			cmd := exec.Command(os.Args[0], "-test.run=^TestProcessesCountTogether$")
			cmd.Env = append(os.Environ(), "CEILING="+path)
			out, err := cmd.CombinedOutput()
			_, rest, _ := strings.Cut(string(out), "sessions=")
			n, unread := strconv.Atoi(strings.SplitN(rest, "\n", 2)[0])
			if err != nil || unread != nil {
				t.Errorf("%v: %s", err, out)
			}
			got[i] = n
		})
	}
	wg.Wait()
	sum := 0
	for _, n := range got {
		sum += n
	}
	if sum != 600 {
		t.Errorf("got %v sessions of four processes, want 600 together", got)
	}
}

// TestManyInOneProcess: the file is written anew while others have it open.
func TestManyInOneProcess(t *testing.T) {
	path := t.TempDir() + "/ceiling"
	const each = 1000
	var wg sync.WaitGroup
	for i := range 4 {
		c := opened(t, path)
		wg.Go(func() {
			for n := range each {
				if err := c.Session(fmt.Sprintf("platform-%d.example", n%40)); err != nil && i == 0 && n < 100 {
					t.Error(err)
				}
			}
			if err := c.Trouble(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	c := opened(t, path)
	for n := range 40 {
		name := fmt.Sprintf("platform-%d.example", n)
		if got, _ := fill(c, name); got != 600-4*each/40 {
			t.Errorf("%s: got room for %d more, want %d", name, got, 600-4*each/40)
		}
	}
}

// TestFileDoesNotGrow: hours of sessions with ever new platforms leave no more
// than the latest hour does.
func TestFileDoesNotGrow(t *testing.T) {
	path := t.TempDir() + "/ceiling"
	synctest.Test(t, func(t *testing.T) {
		c := opened(t, path)
		largest := int64(0)
		for n := range 8_000 {
			if err := c.Session(fmt.Sprintf("platform-%d.example", n/3)); err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(path); err == nil {
				largest = max(largest, info.Size())
			}
			time.Sleep(2 * time.Second)
		}
		if err := c.Trouble(); err != nil {
			t.Error(err)
		}
		// An hour are 1800 sessions with 600 platforms, a line of 45 octets each.
		if most := int64(64<<10 + 45); largest > most {
			t.Errorf("got a file of up to %d octets, want at most %d", largest, most)
		}
		time.Sleep(2 * time.Hour)
		if err := c.Session("example.com"); err != nil {
			t.Error(err)
		}
	})
}

// TestDamagedFile: what is no such file is kept, and the ceiling begins anew.
func TestDamagedFile(t *testing.T) {
	for name, content := range map[string]string{
		"another program's":  "SQLite format 3\x00",
		"a later version's":  "smtpprobe ceiling 2\n",
		"binary":             "\x00\xff\xfe",
		"a bad line":         "smtpprobe ceiling 1\n0 session 1 \"example.com\"\nnonsense\n",
		"a bad number":       "smtpprobe ceiling 1\n0 session many \"example.com\"\n",
		"a great number":     "smtpprobe ceiling 1\n0 session 601 \"example.com\"\n",
		"a low number":       "smtpprobe ceiling 1\n0 recipient -51 \"192.0.2.1\"\n",
		"a time of no clock": "smtpprobe ceiling 1\n9223372036854775807 session 1 \"example.com\"\n",
		"a bad kind":         "smtpprobe ceiling 1\n0 mailbox 1 \"example.com\"\n",
		"a bad name":         "smtpprobe ceiling 1\n0 session 1 example.com\n",
		"no line end":        "smtpprobe ceiling 1",
	} {
		t.Run(name, func(t *testing.T) {
			path := t.TempDir() + "/ceiling"
			write(t, path, content)
			c, err := ceiling.Open(path)
			if err == nil || !strings.Contains(err.Error(), path+".damaged") {
				t.Errorf("got %v, want words about where it was moved", err)
			}
			if kept := content; read(t, path+".damaged") != kept {
				t.Errorf("got %q kept, want %q", read(t, path+".damaged"), kept)
			}
			if n, _ := fill(c, "example.com"); n != 600 {
				t.Errorf("got %d sessions, want 600", n)
			}
			if n, _ := fill(opened(t, path), "example.com"); n != 0 {
				t.Errorf("got %d sessions in the next run, want none", n)
			}
		})
	}
}

// TestDamageDuringARun: what was counted by then is not forgotten.
func TestDamageDuringARun(t *testing.T) {
	for name, harm := range map[string]func(t *testing.T, path string){
		"written over": func(t *testing.T, path string) { write(t, path, strings.Repeat("garbage\n", 9000)) },
		"removed": func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		},
		"emptied": func(t *testing.T, path string) { write(t, path, "") },
	} {
		t.Run(name, func(t *testing.T) {
			path := t.TempDir() + "/ceiling"
			c := opened(t, path)
			for range 500 {
				if err := c.Session("example.com"); err != nil {
					t.Fatal(err)
				}
			}
			harm(t, path)
			if n, _ := fill(c, "example.com"); n != 100 {
				t.Errorf("got %d sessions after 500, want 100", n)
			}
			if n, _ := fill(opened(t, path), "example.com"); n != 0 {
				t.Errorf("got %d sessions in the next run, want none", n)
			}
			if told := c.Trouble() != nil; told != (name == "written over") {
				t.Errorf("got trouble %v", c.Trouble())
			}
		})
	}
}

// TestHalfALine: a process that was killed while it wrote leaves half a line,
// which it never went by.
func TestHalfALine(t *testing.T) {
	path := t.TempDir() + "/ceiling"
	c := opened(t, path)
	if err := c.Session("example.com"); err != nil {
		t.Fatal(err)
	}
	whole := read(t, path)
	write(t, path, whole+whole[strings.IndexByte(whole, '\n')+1:len(whole)-4])
	if n, _ := fill(opened(t, path), "example.com"); n != 599 {
		t.Errorf("got %d sessions after one, want 599", n)
	}
	if n, _ := fill(c, "example.com"); n != 0 {
		t.Errorf("got %d sessions in the other run, want none", n)
	}
	if err := c.Trouble(); err != nil {
		t.Error(err)
	}
}

// TestWithoutAFile: where none can be written the ceiling holds within the
// process, and the error says so.
func TestWithoutAFile(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/occupied", "")
	if err := os.Mkdir(dir+"/folder", 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir + "/occupied/smtpprobe/ceiling", dir + "/folder", "/dev/null"} {
		c, err := ceiling.Open(path)
		if err == nil {
			t.Errorf("%s: got no error, want one", path)
		}
		if n, _ := fill(c, "example.com"); n != 600 {
			t.Errorf("%s: got %d sessions, want 600", path, n)
		}
	}
}

// TestLockThatIsNotLetGo: a process that stands still with the lock does not stop
// this one for long.
func TestLockThatIsNotLetGo(t *testing.T) {
	path := t.TempDir() + "/ceiling"
	opened(t, path)
	held := exec.Command("flock", path, "sh", "-c", "echo held; exec sleep 60")
	out, err := held.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := held.Start(); errors.Is(err, exec.ErrNotFound) {
		if os.Getenv("REQUIRE_TOOLS") != "" {
			t.Fatal("flock(1) is not here")
		}
		t.Skip("flock(1) is not here: nobody else held the lock")
	} else if err != nil {
		t.Fatal(err)
	}
	defer held.Wait()         //nolint:errcheck // it is killed
	defer held.Process.Kill() //nolint:errcheck // it may have ended
	if _, err := out.Read(make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		c, err := ceiling.Open(path)
		if err == nil || !strings.Contains(err.Error(), "lock") {
			t.Errorf("got %v, want words about the lock", err)
		}
		if n, _ := fill(c, "example.com"); n != 600 {
			t.Errorf("got %d sessions, want 600", n)
		}
	})
}

// TestOddNames: nothing that DNS can hold breaks the file.
func TestOddNames(t *testing.T) {
	path := t.TempDir() + "/ceiling"
	for _, name := range []string{"", " ", "a b", "a\nb", `"`, "\\", "\x00\xff", "mx.ex\u00e4mple", "fe80::1%eth0"} {
		if n, _ := fill(opened(t, path), name); n != 600 {
			t.Errorf("%q: got %d sessions, want 600", name, n)
		}
		if n, _ := fill(opened(t, path), name); n != 0 {
			t.Errorf("%q: got %d sessions in the next run, want none", name, n)
		}
	}
}

// TestFileIsTheUsersOwn: nobody else reads whom the user probed.
func TestFileIsTheUsersOwn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "smtpprobe", "ceiling")
	if err := opened(t, path).Session("example.com"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: got %v, %v, want %v", name, info.Mode().Perm(), err, want)
		}
	}
}

// FuzzFile: no content of the file is a panic, or takes more than the ceiling
// allows.
func FuzzFile(f *testing.F) {
	f.Add("smtpprobe ceiling 1\n0 session 1 \"example.com\"\n0 recipient -3 \"192.0.2.1\"\n")
	f.Add("smtpprobe ceiling 1\n9223372036854775807 session 9223372036854775807 \"example.com\"\n")
	f.Add("smtpprobe ceiling 1\n-9223372036854775808 session -9223372036854775808 \"example.com\"\n")
	f.Add("")
	f.Fuzz(func(t *testing.T, content string) {
		path := t.TempDir() + "/ceiling"
		write(t, path, content)
		c, err := ceiling.Open(path)
		if err != nil && !strings.Contains(err.Error(), "moved") {
			t.Fatal(err)
		}
		n := 0
		for c.Recipients("192.0.2.1", 5) == nil {
			if n += 5; n > 50 {
				t.Fatal("got more than 50 recipients")
			}
		}
		if _, err := ceiling.Open(path); err != nil {
			t.Errorf("the next run: %v", err)
		}
	})
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func BenchmarkSession(b *testing.B) {
	c, err := ceiling.Open(b.TempDir() + "/ceiling")
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	for b.Loop() {
		n++
		if err := c.Session("platform-" + strconv.Itoa(n/10) + ".example"); err != nil {
			b.Fatal(err)
		}
	}
	if c.Trouble() != nil {
		b.Fatal(c.Trouble())
	}
}

// TestManyNamesAreReadBack: however many names a file has, and in whatever order
// they stand in it, the counts of all of them are those that were written.
func TestManyNamesAreReadBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := t.TempDir() + "/ceiling"
		const names = 3000 // in an hour's half
		first := opened(t, path)
		for i := range names {
			if err := first.Session(fmt.Sprintf("p%d.example", i)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(500 * time.Millisecond)
		}
		second := opened(t, path)
		lost := 0
		for i := range names {
			if second.Room(fmt.Sprintf("p%d.example", i), 600) == nil {
				lost++
			}
		}
		if lost > 0 {
			t.Errorf("%d of %d platforms are not known to the next run, want all", lost, names)
		}
	})
}
