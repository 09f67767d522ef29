package audit

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

const (
	// settleDelay lets events come together, so that a burst is read once.
	settleDelay = 30 * time.Millisecond
	// watchedPoll is how often logs are looked at that the system tells about: it
	// may lose an event, and a file system in the network tells none. Where it
	// does not tell at all, for want of watches or of the directory, it is blindPoll.
	watchedPoll = 2 * time.Second
	blindPoll   = 300 * time.Millisecond
)

// Follow calls each with what Read returns, then with the exchanges that end
// after that and that f asks for, until ctx ends: in new logs too, and in those
// that are set aside meanwhile. bad is nil if every line was an event. An error
// of each ends it.
func Follow(ctx context.Context, dir string, f Filter, each func(events []Event, bad *BadLinesError) error) error {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		return follow(ctx, dir, f, nil, each) // there are too many already: then without
	}
	defer notify.Close()
	return follow(ctx, dir, f, notify, each)
}

func follow(ctx context.Context, dir string, f Filter, notify *fsnotify.Watcher, each func([]Event, *BadLinesError) error) error {
	w := watch{dir: dir, notify: notify}
	w.add() // before the first look: what comes later is told
	all, err := openTails(dir)
	if err != nil {
		closeAll(all)
		return err
	}
	w.marks = marksOf(all)
	events, bad, err := latest(all, f)
	if err != nil {
		return fmt.Errorf("read audit logs: %w", err)
	}
	for {
		if err := each(events, orNil(bad)); err != nil {
			return err
		}
		for events, bad = nil, (BadLinesError{}); len(events) == 0 && bad.Lines == 0; {
			if !w.wait(ctx) {
				return nil
			}
			if events, err = w.read(f, &bad); err != nil {
				return err
			}
		}
	}
}

func orNil(bad BadLinesError) *BadLinesError {
	if bad.Lines == 0 {
		return nil
	}
	return &bad
}

// mark is how far a log has been read.
type mark struct {
	info   fs.FileInfo
	offset int64
	head   []byte // how it begins: a file may get the inode of one that is gone
	missed int    // how many times in a row no name led to it
}

const headLen = 64 // more than an ID and its quotes

func marksOf(all []*tail) map[string]*mark {
	marks := map[string]*mark{}
	for _, t := range all {
		marks[filepath.Base(t.path)] = &mark{info: t.info, offset: t.end, head: headOf(t)}
	}
	return marks
}

// headOf is empty for a log that cannot be read any more; it is found by its inode.
func headOf(t *tail) []byte {
	head := make([]byte, min(headLen, t.end))
	if t.file == nil {
		copy(head, t.buf[t.at:])
		return head
	}
	n, _ := t.file.ReadAt(head, 0)
	return head[:n]
}

// watch follows the logs in a directory.
type watch struct {
	dir    string
	notify *fsnotify.Watcher // nil: the system tells nothing
	told   bool              // it tells of dir
	marks  map[string]*mark  // by file name
}

// add is tried again and again: the directory may come later, or anew.
func (w *watch) add() { w.told = w.notify != nil && w.notify.Add(w.dir) == nil }

// wait returns when there may be something to read, false when ctx has ended.
func (w *watch) wait(ctx context.Context) bool {
	poll := time.NewTimer(watchedPoll)
	defer poll.Stop()
	var events chan fsnotify.Event
	var errs chan error
	if w.told {
		events, errs = w.notify.Events, w.notify.Errors
	} else {
		poll.Reset(blindPoll)
	}
	select {
	case <-ctx.Done():
		return false
	case <-events:
	case <-errs: // such as a queue that ran over
	case <-poll.C:
		w.add()
		return true
	}
	settled := time.After(settleDelay)
	for {
		select {
		case <-ctx.Done():
			return false
		case <-events:
		case <-errs:
		case <-settled:
			return true
		}
	}
}

// read gives the exchanges that have ended since the last time.
func (w *watch) read(f Filter, bad *BadLinesError) ([]Event, error) {
	names, err := logNames(w.dir)
	if err != nil {
		return nil, err
	}
	var events []Event
	marks := map[string]*mark{}
	for _, name := range names {
		m, found, err := w.readLog(name, bad)
		if errors.Is(err, fs.ErrNotExist) {
			continue // pruned or set aside just now
		}
		if err != nil {
			return nil, fmt.Errorf("read audit logs: %w", err)
		}
		marks[name], events = m, append(events, found...)
	}
	w.marks = w.carried(marks)
	events = slices.DeleteFunc(events, func(e Event) bool { return e.Event != Done || !f.match(e) })
	slices.SortStableFunc(events, byTime)
	return events, nil
}

// carried adds to marks those of files that were not met this time: one that was
// set aside after the names were listed has a name the next time.
func (w *watch) carried(marks map[string]*mark) map[string]*mark {
	met := slices.Collect(maps.Values(marks))
	for name, old := range w.marks {
		if slices.ContainsFunc(met, func(m *mark) bool { return os.SameFile(m.info, old.info) }) {
			continue
		}
		if old.missed++; old.missed < 5 {
			marks[strings.TrimSuffix(name, "/")+"/"] = old // no file has such a name
		}
	}
	return marks
}

func (w *watch) readLog(name string, bad *BadLinesError) (*mark, []Event, error) {
	path := filepath.Join(w.dir, name)
	info, err := os.Lstat(path)
	if err != nil {
		return nil, nil, err
	}
	known := w.known(name, info)
	if known != nil && info.Size() == known.offset {
		known.info, known.missed = info, 0
		return known, nil, nil
	}
	file, err := atomicfile.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	if info, err = file.Stat(); err != nil {
		return nil, nil, err
	}
	m := &mark{info: info}
	if known = w.known(name, info); known != nil && known.begins(file) {
		m.offset, m.head = known.offset, known.head
	}
	events, err := m.advance(file, path, bad)
	return m, events, err
}

// known is the mark of the file of which info is: under its name, or under the
// one that it had before it was set aside.
func (w *watch) known(name string, info fs.FileInfo) *mark {
	if m := w.marks[name]; m != nil && os.SameFile(m.info, info) {
		return m
	}
	for _, m := range w.marks {
		if os.SameFile(m.info, info) {
			return m
		}
	}
	return nil
}

// begins reports whether file is the one that m is of.
func (m *mark) begins(file *os.File) bool {
	head := make([]byte, len(m.head))
	_, err := file.ReadAt(head, 0)
	info, failed := file.Stat()
	return err == nil && failed == nil && bytes.Equal(head, m.head) && info.Size() >= m.offset
}

// advance reads whole lines to the end of file.
func (m *mark) advance(file *os.File, path string, bad *BadLinesError) ([]Event, error) {
	if _, err := file.Seek(m.offset, io.SeekStart); err != nil {
		return nil, err
	}
	var events []Event
	lines := bufio.NewReader(file)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return events, nil
		}
		if err != nil {
			return events, err
		}
		if m.offset < headLen {
			m.head = append(m.head, line[:min(len(line), headLen-len(m.head))]...)
		}
		m.offset += int64(len(line))
		if e, ok := parseLine(line); ok {
			events = append(events, e)
		} else {
			bad.add(path)
		}
	}
}
