// Package journal is a report that is still being written: NDJSON in FILE.part,
// beside the FILE that it becomes when it is whole. After any end, kill -9 at any
// moment included, the same command goes on with it, and what its lines say need
// not be asked again.
//
// It is one process's at a time. It refuses to go on with the part of another
// command, and to touch a file that is no part of a report.
package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/smtpprobe/smtpprobe/report"
)

// Suffix of a file that is a part of a report.
const Suffix = ".part"

// ErrBusy says that another process writes the same report.
var ErrBusy = errors.New("another scan is writing it")

// Journal is the part of a report that is being written.
type Journal struct {
	file    *os.File
	name    string      // of the whole report
	mode    fs.FileMode // of the report that it takes the place of; 0: there is none
	size    int64       // of the lines that were there when it was opened
	written bool
	started time.Time // when the first line was written; zero: there is none
}

// Open opens the part of the report, or begins one. The command is what the
// report is asked for, by flag; an error says what differs where the part is of
// another one. Restart throws away what is there. A last line that is not whole
// is cut off.
func Open(name string, command map[string]string, restart bool) (*Journal, error) {
	if end, err := filepath.EvalSymlinks(name); err == nil {
		name = end // what a link leads to is written, and the link stays
	}
	j := &Journal{name: name}
	if info, err := os.Stat(name); err == nil {
		if !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s is no file that a report could be put in the place of", name)
		}
		j.mode = info.Mode().Perm()
	}
	if err := j.lock(); err != nil {
		return nil, err
	}
	if err := j.takeUp(command, restart); err != nil {
		return nil, errors.Join(err, j.file.Close())
	}
	return j, nil
}

// Part is the name of the file that is being written.
func (j *Journal) Part() string { return j.name + Suffix }

// lock opens the part for this process alone. Whoever had it before may have put
// it in its place between our opening and our locking: then it is no part any
// more, and the next one is opened.
func (j *Journal) lock() error {
	const attempts = 10
	for range attempts {
		file, err := os.OpenFile(j.Part(), os.O_RDWR|os.O_CREATE, 0o644)
		if err != nil {
			return err
		}
		if err = exclusive(file); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", j.Part(), err), file.Close())
		}
		ours, err := file.Stat()
		now, gone := os.Stat(j.Part())
		if err == nil && gone == nil && os.SameFile(ours, now) {
			if !ours.Mode().IsRegular() {
				return errors.Join(fmt.Errorf("%s is no file", j.Part()), file.Close())
			}
			j.file, j.size = file, ours.Size()
			return nil
		}
		if err := file.Close(); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s: %w", j.Part(), ErrBusy)
}

// first is what the first line says.
type first struct {
	Schema, Type string
	Started      time.Time
	Command      map[string]string
}

// takeUp reads the first line and cuts off a last one that is not whole.
func (j *Journal) takeUp(command map[string]string, restart bool) error {
	line, err := j.firstLine()
	if err != nil {
		return err
	}
	whole := bytes.HasSuffix(line, []byte("\n"))
	var f first
	switch {
	case whole:
		if bad := json.Unmarshal(line, &f); bad != nil || f.Schema != report.Schema || f.Type != "run" || f.Command == nil {
			return j.foreign()
		}
	case !bytes.HasPrefix(line, begins("run")[:min(len(line), len(begins("run")))]):
		return j.foreign()
	}
	if restart || !whole {
		return j.cut(0)
	}
	if differs := differences(f.Command, command); differs != "" {
		return fmt.Errorf("%s is a part of another scan: %s; give the command that began it, or --restart to throw it away", j.Part(), differs)
	}
	j.started = f.Started
	end, err := j.lastEnd()
	if err != nil {
		return err
	}
	return j.cut(end)
}

func (j *Journal) foreign() error {
	return fmt.Errorf("%s is no part of a scan: move it away, or give another file", j.Part())
}

// begins is how a line of the type begins, as report.Stream writes it.
func begins(kind string) []byte {
	return fmt.Appendf(nil, `{"schema":%q,"type":%q`, report.Schema, kind)
}

// firstLine is the first line with its end, or all there is of it, as far as
// looks like a line of ours.
func (j *Journal) firstLine() ([]byte, error) {
	const most = 1 << 20
	head, err := io.ReadAll(io.NewSectionReader(j.file, 0, min(j.size, most)))
	if i := bytes.IndexByte(head, '\n'); i >= 0 {
		head = head[:i+1]
	}
	return head, err
}

// lastEnd is where the last whole line ends.
func (j *Journal) lastEnd() (int64, error) {
	block := make([]byte, 64<<10)
	for to := j.size; to > 0; {
		from := max(0, to-int64(len(block)))
		part := block[:to-from]
		if _, err := j.file.ReadAt(part, from); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(part, '\n'); i >= 0 {
			return from + int64(i) + 1, nil
		}
		to = from
	}
	return 0, nil
}

// cut ends the part at the size; what is written next follows there.
func (j *Journal) cut(size int64) error {
	if err := j.file.Truncate(size); err != nil {
		return err
	}
	j.size = size
	_, err := j.file.Seek(size, io.SeekStart)
	return err
}

// Started is when an earlier process began the report; false: this one does.
func (j *Journal) Started() (time.Time, bool) { return j.started, j.size > 0 }

// Write adds to the report, as report.Stream does.
func (j *Journal) Write(p []byte) (int, error) {
	j.written = true
	return j.file.Write(p)
}

// Finish puts the whole report in its place, with the permissions of the one that
// was there before.
func (j *Journal) Finish() error {
	err := j.file.Sync()
	if err == nil && j.mode != 0 {
		err = j.file.Chmod(j.mode)
	}
	if err == nil {
		err = os.Rename(j.Part(), j.name)
	}
	return errors.Join(err, j.file.Close())
}

// Kept reports whether anything stands in the part, so that Leave keeps it.
func (j *Journal) Kept() bool { return j.size > 0 || j.written }

// Leave ends the writing and leaves the part to be gone on with; one in which
// nothing stands is removed.
func (j *Journal) Leave() error {
	if !j.Kept() {
		return j.Discard()
	}
	return j.file.Close()
}

// Discard throws the part away.
func (j *Journal) Discard() error { return errors.Join(os.Remove(j.Part()), j.file.Close()) }

// differences says how the command of a part and that of now differ, if they do.
func differences(was, is map[string]string) string {
	var all []string
	for _, key := range sortedKeys(was, is) {
		if was[key] != is[key] {
			all = append(all, difference(key, was[key], is[key]))
		}
	}
	const most = 4
	if more := len(all) - most; more > 0 {
		all = append(all[:most], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(all, ", ")
}
