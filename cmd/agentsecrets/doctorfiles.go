package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/agentsecrets/agentsecrets/audit"
	"github.com/agentsecrets/agentsecrets/ca"
	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
	"github.com/agentsecrets/agentsecrets/internal/rundir"
)

// permissions names what others can read or change of our files. Mending takes that from
// them and gives nothing to anybody.
func (x *checkup) permissions() doctorCheck {
	c := doctorCheck{What: "files are yours alone"}
	found, looked, err := atomicfile.Exposed(x.home, x.public)
	if err != nil {
		return failed(c.What, err)
	}
	c.OK, c.Cells, c.Covered = true, looked, looked-len(found)
	var loose []string
	for _, e := range found {
		c.Missed = append(c.Missed, e.Error())
		switch {
		case e.Changeable || !isDir(e.Path):
			c.OK = false
		default:
			c.Warning = true
		}
		if e.Tightens {
			loose = append(loose, e.Path)
		} else {
			c.setHint(e.Hint())
		}
	}
	if len(loose) == len(found) && len(found) > 0 {
		x.mend(&c, func() error { return x.tighten(loose) })
	} else if x.fix && len(loose) > 0 {
		if err := x.tighten(loose); err != nil {
			c.Detail = err.Error()
		}
	}
	return c
}

// public are the certificates that people are told to trust, and what shells are given.
func (x *checkup) public(path string) bool {
	in := func(dir string) bool { return strings.HasPrefix(path, dir+string(filepath.Separator)) }
	return in(caDir(x.home)) && ca.Public(path) || in(filepath.Join(x.home, "shell")) && !isDir(path)
}

func (x *checkup) tighten(paths []string) error {
	var all []error
	for _, path := range paths {
		all = append(all, atomicfile.Tighten(path, x.public(path)))
	}
	return errors.Join(all...)
}

func isDir(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.IsDir()
}

// leftovers names what programs of ours left behind when they were killed.
func (x *checkup) leftovers() doctorCheck {
	c := doctorCheck{What: "nothing is left of what was killed", OK: true}
	files, err := atomicfile.Leftovers(x.home, ".check-")
	if err != nil {
		return failed(c.What, err)
	}
	dirs, err := rundir.Left()
	if err != nil {
		return failed(c.What, err)
	}
	if c.Missed = append(files[:len(files):len(files)], dirs...); len(c.Missed) == 0 {
		return c
	}
	c.Warning, c.Cells = true, len(c.Missed)
	x.mend(&c, func() error {
		var all []error
		for _, path := range files {
			all = append(all, os.Remove(path))
		}
		for _, dir := range dirs {
			all = append(all, rundir.RemoveLeft(dir))
		}
		return errors.Join(all...)
	})
	return c
}

// maxVerified is what is read of a log here; log verify reads all of all of them.
const maxVerified = 4 << 20

// audit says whether exchanges can be recorded, and whether the newest log was changed.
func (x *checkup) audit() doctorCheck {
	c := doctorCheck{What: "audit log", OK: true}
	dir, key := auditDir(x.home), auditKey(x.home)
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		c.Detail = "nothing is recorded yet"
		return c
	}
	log, err := audit.OpenShared(audit.Config{Dir: dir, Key: key.Read})
	if err != nil {
		return failed(c.What, err)
	}
	if err := errors.Join(log.Check(), log.Close()); err != nil {
		return failed(c.What, err)
	}
	text, err := key.Read()
	if err != nil {
		return failed(c.What, err)
	}
	newest, size, err := newestLog(dir)
	switch {
	case err != nil:
		return failed(c.What, err)
	case newest == "":
		c.Detail = "can be written; nothing is in it yet"
	case size > maxVerified:
		c.Detail = fmt.Sprintf("can be written; the newest file has %d MB, which agentsecrets log verify reads", size>>20)
	default:
		checked, err := audit.VerifyFile(newest, text)
		if err != nil {
			return failed(c.What, err)
		}
		if checked.State == audit.Bad {
			c.OK, c.Hint = false, putAside(newest)
			c.Detail = fmt.Sprintf("%s was changed: line %d, %s", newest, checked.Line, checked.Reason)
			return c
		}
		c.Detail = fmt.Sprintf("can be written; the newest file, %s, is %s (agentsecrets log verify reads all)", count(checked.Lines, "line"), checked.State)
	}
	return c
}

// putAside keeps a log and what belongs to it, out of the way.
func putAside(log string) string {
	dir := filepath.Join(filepath.Dir(filepath.Dir(log)), "old-audit")
	stem := strings.TrimSuffix(log, ".jsonl")
	return fmt.Sprintf("mkdir -p -m 700 %s && mv %s.* %s", atomicfile.ShellWord(dir), atomicfile.ShellWord(stem), atomicfile.ShellWord(dir))
}

// newestLog is the file that was written last.
func newestLog(dir string) (path string, size int64, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", 0, err
	}
	var last fs.FileInfo
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || filepath.Ext(e.Name()) != ".jsonl" {
			continue
		}
		if last == nil || info.ModTime().After(last.ModTime()) {
			last = info
		}
	}
	if last == nil {
		return "", 0, nil
	}
	return filepath.Join(dir, last.Name()), last.Size(), nil
}
