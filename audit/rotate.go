package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

// Files that are full are set aside by number. The head says which numbers
// belong to the chain, so that neither a clock that was set nor a second file
// within a tick can bring them out of order.

// numbered is the name of the file n of the log at path.
func numbered(path string, n int) string {
	ext := filepath.Ext(path)
	return strings.TrimSuffix(path, ext) + "." + strconv.Itoa(n) + ext
}

// numberOf is the number of file in the log at path; 0: it has none.
func numberOf(path, file string) int {
	ext := filepath.Ext(path)
	text, of := strings.CutPrefix(filepath.Base(file), strings.TrimSuffix(filepath.Base(path), ext)+".")
	text, also := strings.CutSuffix(text, ext)
	n, err := strconv.Atoi(text)
	if !of || !also || err != nil || n < 1 || n > 1<<30 || strconv.Itoa(n) != text {
		return 0
	}
	return n
}

// numbers lists those of the log at path, in order.
func numbers(path string) (list []int) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if n := numberOf(path, e.Name()); n > 0 {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	return list
}

func lastNumber(path string) int {
	last := 0
	for _, n := range numbers(path) {
		last = max(last, n)
	}
	return last
}

// setAside renames a full file and opens a new one, whose first line follows
// the last of the old.
func (f *file) setAside() error {
	f.dirty = true // the head says how the file ends
	if err := f.close(); err != nil {
		return err
	}
	to := numbered(f.path, f.head.Next)
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("set aside full log: %s is in the way", to)
	}
	if err := os.Rename(f.path, to); err != nil {
		return fmt.Errorf("set aside full log: %w", err)
	}
	f.head.Next, f.head.Size, f.torn = f.head.Next+1, 0, false
	if err := f.openBoth(true); err != nil {
		f.drop()
		return err
	}
	if err := f.settleHead(); err != nil {
		f.giveUp(0)
		return err
	}
	return f.thin()
}

// thin removes the oldest of too many files. The head knows before the file is
// gone; whoever finds the file in between knows from the head that it may go.
func (f *file) thin() error {
	for f.head.Next-f.head.First > f.keep {
		path := numbered(f.path, f.head.First)
		if l, ok := lastLink(path); ok {
			f.head.Begin = l
		}
		f.head.First++
		if err := f.settleHead(); err != nil {
			f.giveUp(0)
			return err
		}
	}
	for _, n := range numbers(f.path) {
		if n >= f.head.From && n < f.head.First {
			if err := os.Remove(numbered(f.path, n)); err != nil {
				return fmt.Errorf("remove an old log: %w", err)
			}
		}
	}
	return nil
}

// lastLink is the link of the last line of a file.
func lastLink(path string) (link, bool) {
	h, err := atomicfile.Open(path)
	if err != nil {
		return link{}, false
	}
	defer h.Close()
	info, err := h.Stat()
	if err != nil {
		return link{}, false
	}
	return linkBefore(h, info.Size())
}
