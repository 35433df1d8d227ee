package ceiling

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// The file is a log: a first line that says what it is, and a line for each
// thing that was counted, SECONDS KIND COUNT "NAME". Whoever holds the lock reads
// what others have added since and adds its own. Where more than half of it no
// longer counts it is written anew beside, and put in its place. Nothing waits
// for the disk: what a crash of the machine loses is no more than that.
const (
	header  = "smtpprobe ceiling 1\n"
	small   = 64 << 10 // a file that need not be smaller
	largest = 64 << 20 // an hour of the fastest scan is a third of that
	latest  = 1 << 40  // seconds since 1970 that no clock shows

	lockWait = 5 * time.Second
	lockPoll = 2 * time.Millisecond
)

type file struct {
	path string
	f    *os.File
	read int64 // up to here
	room int64 // the size from which it is written anew
}

// damage is a file that is not ours, or not whole. It was moved aside.
type damage struct{ path, aside, why string }

func (d *damage) Error() string {
	return fmt.Sprintf("%s is no record of sessions (%s): it was moved to %s, and a new one begun", d.path, d.why, d.aside)
}

// mended reports whether the file can be used after the error.
func mended(err error) bool {
	var d *damage
	return errors.As(err, &d)
}

// Open returns a ceiling that counts in a file, which is made where there is
// none. The ceiling is never nil: the error says why it counts within the process
// only, or that the file was no such file and a new one was begun.
func Open(path string) (*Ceiling, error) {
	c := New()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return c, fmt.Errorf("the record of sessions: %w", err)
	}
	c.file = &file{path: path}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.locked(func(int64) {})
	err := c.trouble
	c.trouble = nil // it is told
	return c, err
}

// lock takes the file for this process alone and reads what is new in it.
func (f *file) lock(c *Ceiling) error {
	for deadline := time.Now().Add(lockWait); ; {
		if f.f == nil {
			if err := f.open(); err != nil {
				return err
			}
		}
		switch err := tryLock(f.f); {
		case err == nil:
		case errors.Is(err, errBusy) && time.Now().Before(deadline):
			time.Sleep(lockPoll)
			continue
		case errors.Is(err, errBusy):
			return f.failed("lock", errors.New("another process has had it for "+lockWait.String()))
		default:
			return f.failed("lock", err)
		}
		if f.current() {
			return f.catchUp(c)
		}
		f.close() // another process has put a new one in its place
	}
}

func (f *file) open() error {
	opened, err := os.OpenFile(f.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return f.failed("open", err)
	}
	info, err := opened.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is no regular file")
	}
	if err != nil {
		opened.Close() //nolint:errcheck // nothing was written
		return f.failed("open", err)
	}
	f.f, f.read, f.room = opened, 0, small
	return nil
}

// current reports whether the open file is still the one of its name.
func (f *file) current() bool {
	named, err := os.Stat(f.path)
	if err != nil {
		return false
	}
	opened, err := f.f.Stat()
	return err == nil && os.SameFile(named, opened)
}

// catchUp reads what was added since the last time. The caller has the lock.
func (f *file) catchUp(c *Ceiling) error {
	info, err := f.f.Stat()
	if err != nil {
		return f.failed("read", err)
	}
	size := info.Size()
	if size == f.read && size > 0 {
		return nil
	}
	if size > largest {
		return f.aside(c, "it is too large")
	}
	before := c.counts
	if f.read == 0 || size < f.read {
		f.read, c.counts = 0, map[key]window{}
	}
	if size == 0 {
		c.counts = before
		return f.rewrite(c)
	}
	octets := make([]byte, size-f.read)
	if _, err := f.f.ReadAt(octets, f.read); err != nil && !errors.Is(err, io.EOF) {
		return f.failed("read", err)
	}
	if f.read == 0 {
		rest, ours := bytes.CutPrefix(octets, []byte(header))
		if !ours {
			c.counts = before
			return f.aside(c, "its first line is another")
		}
		octets, f.read = rest, int64(len(header))
	}
	// Whoever was stopped within its last line never used what it says.
	whole := octets[:bytes.LastIndexByte(octets, '\n')+1]
	for line := range bytes.Lines(whole) {
		if !c.replay(string(line)) {
			return f.aside(c, "a line is not of that form")
		}
	}
	f.read += int64(len(whole))
	if len(whole) < len(octets) {
		if err := f.f.Truncate(f.read); err != nil {
			return f.failed("mend", err)
		}
	}
	return nil
}

// replay counts what a line says.
func (c *Ceiling) replay(line string) bool {
	fields := strings.SplitN(strings.TrimSuffix(line, "\n"), " ", 4)
	if len(fields) != 4 {
		return false
	}
	at, err := strconv.ParseInt(fields[0], 10, 64)
	n, wrong := strconv.Atoi(fields[2])
	name, unread := strconv.Unquote(fields[3])
	k := key{kind(fields[1]), name}
	if cmp.Or(err, wrong, unread) != nil || k.kind != sessions && k.kind != recipients {
		return false
	}
	if most := k.kind.limit().most; at < 0 || at > latest || n > most || n < -most {
		return false
	}
	c.count(k, at, n)
	return true
}

func (f *file) append(k key, at int64, n int) error {
	line := entry(k, at, n)
	if _, err := f.f.WriteAt([]byte(line), f.read); err != nil {
		return f.failed("write", err)
	}
	f.read += int64(len(line))
	return nil
}

func entry(k key, at int64, n int) string {
	return fmt.Sprintf("%d %s %d %q\n", at, k.kind, n, k.name)
}

// unlock lets others in. A file that has grown is written anew before.
func (f *file) unlock(c *Ceiling) error {
	if f.read > f.room {
		if err := f.rewrite(c); err != nil {
			return err
		}
	}
	if err := unlock(f.f); err != nil {
		return f.failed("unlock", err)
	}
	return nil
}

// aside moves a file away that is not ours and begins a new one with what is
// known.
func (f *file) aside(c *Ceiling, why string) error {
	d := &damage{f.path, f.path + ".damaged", why}
	if err := os.Rename(f.path, d.aside); err != nil {
		return f.failed("move aside", err)
	}
	if err := f.rewrite(c); err != nil {
		return err
	}
	return d
}

// rewrite puts a new file in the place of the old one, and takes its lock first.
// The caller has the lock of the old one, which others wait for until they see
// that it is not current any more.
func (f *file) rewrite(c *Ceiling) error {
	c.drop(time.Now().Unix())
	made, err := os.OpenFile(f.path+".new", os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return f.failed("write anew", err)
	}
	size, err := f.fill(made, c)
	if err == nil {
		err = tryLock(made)
	}
	if err == nil {
		err = os.Rename(made.Name(), f.path)
	}
	if err != nil {
		made.Close()           //nolint:errcheck // it is thrown away
		os.Remove(made.Name()) //nolint:errcheck // another rewrite will take its place
		return f.failed("write anew", err)
	}
	f.close()
	f.f, f.read, f.room = made, size, max(small, 2*size)
	return nil
}

// fill writes all that counts.
func (f *file) fill(made *os.File, c *Ceiling) (size int64, err error) {
	w := bufio.NewWriter(made)
	n, _ := w.WriteString(header) // the error stays until Flush
	size = int64(n)
	for k, slots := range c.counts {
		for _, s := range slots {
			n, _ = w.WriteString(entry(k, s.step*k.kind.limit().step(), s.count))
			size += int64(n)
		}
	}
	return size, w.Flush()
}

// close lets go of the file, and of its lock.
func (f *file) close() {
	if f.f != nil {
		f.f.Close() //nolint:errcheck // what was written is in the hands of the system
		f.f = nil
	}
}

func (f *file) failed(what string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("the record of sessions %s: cannot %s it: %w", f.path, what, err)
}
