package audit

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

// What Verify found a file to be.
const (
	Whole      = "ok"
	Bad        = "bad"
	NotChained = "not chained" // of an earlier version
)

// Checked is what Verify found out about one file.
type Checked struct {
	Path   string `json:"file"`
	Log    string `json:"-"` // that Path is part of: itself, unless it was set aside
	State  string `json:"state"`
	Lines  int    `json:"lines"`
	Line   int    `json:"line,omitempty"`   // the first bad one, where it is a line
	Reason string `json:"reason,omitempty"` // why State is Bad
}

func (c *Checked) bad(line int, format string, args ...any) {
	if c.State != Bad {
		c.State, c.Line, c.Reason = Bad, line, fmt.Sprintf(format, args...)
	}
}

// Verify checks the chains of all logs in dir, also while processes write to
// them: a last line without an end is one that is being written. A nil key is
// one that is not there, under which nothing can be checked.
func Verify(dir string, key []byte) ([]Checked, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("verify the audit log: %w", err)
	}
	v := verifier{keys: newKeys(key), blind: key == nil, seen: map[string]bool{}}
	for _, e := range entries {
		if path, ok := strings.CutSuffix(filepath.Join(dir, e.Name()), ".head"); ok {
			v.log(path)
		}
	}
	for _, e := range entries {
		if path := filepath.Join(dir, e.Name()); e.Type().IsRegular() && filepath.Ext(path) == ".jsonl" && !v.seen[logOf(path)] {
			v.loose(path)
		}
	}
	slices.SortStableFunc(v.list, func(a, b Checked) int { return cmp.Compare(a.Path, b.Path) })
	return v.list, nil
}

// VerifyFile checks the log that the file at path is part of, and returns what
// concerns that file.
func VerifyFile(path string, key []byte) (Checked, error) {
	path, err := filepath.Abs(path)
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		return Checked{}, fmt.Errorf("verify the audit log: %w", err)
	}
	v := verifier{keys: newKeys(key), blind: key == nil, seen: map[string]bool{}}
	v.log(logOf(path))
	for _, c := range v.list {
		if c.Path == path {
			return c, nil
		}
	}
	v.list = nil
	v.loose(path)
	if len(v.list) == 0 {
		return Checked{}, fmt.Errorf("verify the audit log: %s: %w", path, fs.ErrNotExist)
	}
	return v.list[0], nil
}

// logOf is the log that the file belongs to: itself, unless it was set aside.
func logOf(path string) string {
	if _, err := os.Lstat(headPath(path)); err == nil {
		return path
	}
	ext := filepath.Ext(path)
	stem := strings.TrimSuffix(path, ext)
	log := strings.TrimSuffix(stem, filepath.Ext(stem)) + ext
	if numberOf(log, path) > 0 {
		return log
	}
	return path
}

type verifier struct {
	keys  *keys
	blind bool // there is no key
	list  []Checked
	seen  map[string]bool // logs with a head
}

// log checks the files under one head. Where the log was set aside meanwhile,
// what was seen is of two states, and is looked at again.
func (v *verifier) log(path string) {
	var found []Checked
	for range 20 {
		h, err := v.keys.readHead(path)
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		if err != nil {
			found = v.without(path, err)
			break
		}
		w := walk{keys: v.keys, head: h, path: path, prev: h.Begin, met: h.Last == h.Begin}
		w.all()
		found = w.list
		if again, err := v.keys.readHead(path); err == nil && again == h || !slices.ContainsFunc(found, isBad) {
			break
		}
	}
	v.seen[path] = true
	for i := range found {
		found[i].Log = path
	}
	v.list = append(v.list, found...)
}

func isBad(c Checked) bool { return c.State == Bad }

// without is what can be said of a log whose head says nothing.
func (v *verifier) without(path string, err error) []Checked {
	reason := err.Error()
	if v.blind {
		reason = "it is chained, and the key is gone"
	}
	list := []Checked{{Path: path, State: Bad, Reason: reason}}
	for _, n := range numbers(path) {
		list = append(list, Checked{Path: numbered(path, n), State: Bad, Reason: reason})
	}
	return list
}

// loose checks a file that no head knows.
func (v *verifier) loose(path string) {
	c := Checked{Path: path, Log: path, State: NotChained}
	err := eachLine(path, func(line []byte) {
		c.Lines++
		if _, _, ok := split(line); ok {
			c.bad(c.Lines, "it is chained, and the head that tells its beginning and its end is gone")
		}
	})
	if errors.Is(err, fs.ErrNotExist) {
		return // pruned meanwhile
	}
	if err != nil {
		c.bad(0, "it cannot be read")
	}
	v.list = append(v.list, c)
}

// walk goes through the files of one log.
type walk struct {
	keys *keys
	head head
	path string
	prev link // what the next line has to follow
	met  bool // the last line that the head knows
	list []Checked
}

func (w *walk) all() {
	h := w.head
	if h.Pruned {
		return // and about to be gone
	}
	for _, n := range numbers(w.path) {
		if n < h.From {
			w.before(numbered(w.path, n))
		}
	}
	for n := h.First; n < h.Next; n++ {
		w.file(numbered(w.path, n), true)
	}
	w.file(numbered(w.path, h.Next), false) // it may have been set aside just now
	_, err := os.Lstat(numbered(w.path, h.Next))
	w.file(w.path, h.Size > 0 && err != nil)
	if !w.met && len(w.list) > 0 {
		c := &w.list[len(w.list)-1]
		c.bad(c.Lines+1, "the end is missing: the log went on after line %d", c.Lines)
	}
}

// before looks at a file from before the chain was begun.
func (w *walk) before(path string) {
	v := verifier{}
	v.loose(path)
	w.list = append(w.list, v.list...)
}

// file checks that each line follows the one before. After a bad line it goes
// on from what that line claims, so that one fault is told once.
func (w *walk) file(path string, must bool) {
	c := Checked{Path: path, State: Whole}
	err := eachLine(path, func(line []byte) {
		c.Lines++
		body, l, ok := split(line)
		switch {
		case !ok:
			c.bad(c.Lines, "line %d is no part of the chain: it was put in or edited", c.Lines)
			return
		case !w.keys.follows(w.prev, body, l):
			c.bad(c.Lines, "line %d does not follow from the line before: it was edited, or lines there were taken out, put in or moved", c.Lines)
		}
		w.prev = l
		w.met = w.met || l == w.head.Last
	})
	switch {
	case errors.Is(err, fs.ErrNotExist) && !must:
		return
	case errors.Is(err, fs.ErrNotExist):
		c.bad(0, "the file is gone")
	case err != nil:
		c.bad(0, "it cannot be read")
	}
	w.list = append(w.list, c)
}

// eachLine passes over a last line without an end.
func eachLine(path string, do func(line []byte)) error {
	h, err := atomicfile.Open(path)
	if err != nil {
		return err
	}
	defer h.Close()
	lines := bufio.NewReaderSize(h, 64<<10)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		do(line)
	}
}
