package audit

import (
	"bytes"
	"cmp"
	"container/heap"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

// firstChunk is read of every file; each next chunk is twice as long.
const firstChunk = 16 << 10

// tail reads the whole lines of a log from the last to the first. It ends where
// the file ended when it was opened: half a line there is an event being
// written, or one that a crash cut short.
type tail struct {
	path string
	info fs.FileInfo
	file *os.File // nil when all that is unread is in buf
	end  int64    // of the last whole line

	at   int64  // where buf begins
	buf  []byte // whole lines, but perhaps the first
	next Event  // what pop of tails gives
}

// openTail returns nil for a file that was pruned meanwhile.
func openTail(path string) (*tail, error) {
	file, err := atomicfile.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	t := &tail{path: path, file: file}
	if t.info, err = file.Stat(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	t.at, t.end = t.info.Size(), t.info.Size()
	for {
		if i := bytes.LastIndexByte(t.buf, '\n'); i >= 0 || t.at == 0 {
			t.buf = t.buf[:i+1]
			t.end = t.at + int64(len(t.buf))
			return t, nil
		}
		if err := t.more(); err != nil {
			return nil, errors.Join(err, t.close())
		}
	}
}

// more reads the chunk before buf. Who has read all needs no open file.
func (t *tail) more() error {
	n := min(t.at, int64(max(firstChunk, len(t.buf))))
	chunk := make([]byte, n, n+int64(len(t.buf)))
	if _, err := t.file.ReadAt(chunk, t.at-n); err != nil {
		return err
	}
	t.at, t.buf = t.at-n, append(chunk, t.buf...)
	if t.at == 0 {
		return t.close()
	}
	return nil
}

// line takes the last unread line, nil when there is none.
func (t *tail) line() ([]byte, error) {
	for {
		if len(t.buf) == 0 && t.at == 0 {
			return nil, t.close()
		}
		if len(t.buf) > 0 {
			if i := bytes.LastIndexByte(t.buf[:len(t.buf)-1], '\n'); i >= 0 || t.at == 0 {
				line := t.buf[i+1:]
				t.buf = t.buf[:i+1]
				return line, nil
			}
		}
		if err := t.more(); err != nil {
			return nil, err
		}
	}
}

func (t *tail) close() error {
	if t.file == nil {
		return nil
	}
	err := t.file.Close()
	t.file = nil
	return err
}

// step has the next event before the last one in next, false when there is none.
func (t *tail) step(bad *BadLinesError) (bool, error) {
	for {
		line, err := t.line()
		if err != nil || line == nil {
			return false, err
		}
		e, ok := parseLine(line)
		if ok {
			t.next = e
			return true, nil
		}
		bad.add(t.path)
	}
}

func parseLine(line []byte) (Event, bool) {
	var e Event
	err := json.Unmarshal(line, &e)
	return e, err == nil
}

func (e *BadLinesError) add(path string) {
	e.Lines++
	e.Path = cmp.Or(e.Path, path)
}

// tails is a heap of logs, the one with the latest event first.
type tails []*tail

func (h tails) Len() int           { return len(h) }
func (h tails) Less(i, j int) bool { return h[i].next.Timestamp.After(h[j].next.Timestamp) }
func (h tails) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *tails) Push(x any)        { *h = append(*h, x.(*tail)) }
func (h *tails) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// openTails opens all logs in dir. A log may be set aside meanwhile: then its
// name is that of another file, and it is found under its new one.
func openTails(dir string) ([]*tail, error) {
	var all []*tail
	seen := map[string]bool{}
	for {
		names, err := logNames(dir)
		if err != nil {
			return all, err
		}
		names = slices.DeleteFunc(names, func(name string) bool { return seen[name] })
		if len(names) == 0 {
			return all, nil
		}
		for _, name := range names {
			seen[name] = true
			t, err := openTail(filepath.Join(dir, name))
			if err != nil {
				return all, fmt.Errorf("read audit logs: %w", err)
			}
			if t == nil || slices.ContainsFunc(all, func(o *tail) bool { return len(seen) > len(names) && os.SameFile(o.info, t.info) }) {
				continue
			}
			all = append(all, t)
		}
	}
}

func logNames(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // none: nothing recorded yet
		return nil, fmt.Errorf("read audit logs: %w", err)
	}
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() && filepath.Ext(e.Name()) == ".jsonl" {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// latest takes what f asks for from the ends of all, and closes them.
func latest(all []*tail, f Filter) (events []Event, bad BadLinesError, err error) {
	defer closeAll(all)
	var h tails
	for _, t := range all {
		ok, err := t.step(&bad)
		if err != nil {
			return nil, bad, err
		}
		if ok {
			h = append(h, t)
		}
	}
	heap.Init(&h)
	rows := map[string]int{} // where in events an ID stands; -1: not asked for
	for len(h) > 0 && (f.Last <= 0 || len(events) < f.Last) {
		e := h[0].next
		if e.Timestamp.Before(f.Since) {
			break // all others are older
		}
		ok, err := h[0].step(&bad)
		switch {
		case err != nil:
			return nil, bad, err
		case ok:
			heap.Fix(&h, 0)
		default:
			heap.Pop(&h)
		}
		i, known := rows[e.ID]
		switch {
		case known && e.ID != "":
			if i >= 0 && e.Event == Done && events[i].Event != Done {
				events[i] = e
			}
		case f.match(e):
			rows[e.ID] = len(events)
			events = append(events, e)
		default:
			rows[e.ID] = -1
		}
	}
	slices.Reverse(events)
	slices.SortStableFunc(events, byTime)
	return events, bad, nil
}

func byTime(a, b Event) int { return a.Timestamp.Compare(b.Timestamp) }

func closeAll(all []*tail) {
	for _, t := range all {
		_ = t.close() // it was read only
	}
}
