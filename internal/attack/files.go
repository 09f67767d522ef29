//go:build linux

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/trace"
)

// searched is which files were searched for values, and as what: after each probe
// only those are read again that have changed.
type searched map[string]version

type version struct {
	size int64
	at   time.Time
}

// search names the files under dir that hold a value, again and again until they do not.
func (s *searched) search(dir string, tr trace.Trace) (faults []string) {
	if *s == nil {
		*s = searched{}
	}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // since it was listed
		}
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) || err == nil && (*s)[path] == (version{info.Size(), info.ModTime()}) {
			return nil
		}
		if err != nil {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if forms := tr.Forms(b); forms != nil {
			faults = append(faults, fmt.Sprintf("%s holds the value: %s", strings.TrimPrefix(path, dir), once(forms)))
			return nil
		}
		(*s)[path] = version{info.Size(), info.ModTime()}
		return nil
	})
	if err != nil {
		faults = append(faults, "files could not be searched: "+err.Error())
	}
	return faults
}
