package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
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

// places names what is no file where one of ours goes: a lock that cannot be taken keeps commands from working that
// need nothing else of it.
func (x *checkup) places() doctorCheck {
	c := doctorCheck{What: "files are in their places", OK: true}
	found, err := atomicfile.Misplaced(x.home, ".lock", ".queue", ".json", ".jsonl", ".change", ".log", ".token", ".txt", ".age", ".bak", ".key", ".pem")
	if err != nil {
		return failed(c.What, err)
	}
	for _, e := range found {
		c.OK = false
		c.Missed = append(c.Missed, e.Error())
		c.setHint(hintOf(e))
	}
	return c
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

// maxVerified is what is read of the logs here, unless something is wrong; log verify reads all of all of them.
const maxVerified = 4 << 20

// audit says whether exchanges can be recorded, and whether a log was changed.
func (x *checkup) audit(ctx context.Context) doctorCheck {
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
	if err := c.verify(dir, text); err != nil {
		return failed(c.What, err)
	}
	// A proxy that runs has the key that it began with, and would go on with its log under the same name.
	if st, err := askDaemon(ctx, x.home); err == nil && slices.ContainsFunc(c.Missed, func(m string) bool { return strings.Contains(m, fmt.Sprintf("-%d.jsonl: ", st.PID)) }) {
		c.Detail += "; the proxy that runs writes one of them"
		c.Hint = "agentsecrets proxy stop && " + c.Hint
	}
	return c
}

// verify reads all logs where they are small, else the newest; and all if that does not hold: who has put one aside
// is not to find the next.
func (c *doctorCheck) verify(dir string, key []byte) error {
	newest, size, whole, err := newestLog(dir)
	if err != nil {
		return err
	}
	if newest == "" {
		c.Detail = "can be written; nothing is in it yet"
		return nil
	}
	if whole > maxVerified && size > maxVerified {
		c.Detail = fmt.Sprintf("can be written; the newest file has %d MB, which agentsecrets log verify reads", size>>20)
		return nil
	}
	if whole > maxVerified {
		checked, err := audit.VerifyFile(newest, key)
		if err != nil {
			return err
		}
		if checked.State != audit.Bad {
			c.Detail = fmt.Sprintf("can be written; the newest file, %s, is %s (agentsecrets log verify reads all)", count(checked.Lines, "line"), checked.State)
			return nil
		}
	}
	all, err := audit.Verify(dir, key)
	if err != nil {
		return err
	}
	c.judgeLogs(dir, all)
	return nil
}

// judgeLogs names the files that do not hold, and has one command put them all aside.
func (c *doctorCheck) judgeLogs(dir string, all []audit.Checked) {
	lines, loose, logs := 0, 0, []string{}
	for _, f := range all {
		if lines += f.Lines; f.State == audit.NotChained {
			loose++
		}
		if f.State != audit.Bad {
			continue
		}
		c.Missed = append(c.Missed, f.Path+": "+f.Reason)
		if !slices.Contains(logs, f.Log) {
			logs = append(logs, f.Log)
		}
	}
	switch {
	case len(logs) == 0:
		c.Detail = fmt.Sprintf("can be written; %s in %s, none was changed", count(lines, "line"), count(len(all), "file"))
		if loose > 0 {
			c.Detail += fmt.Sprintf("; %d of them by an earlier version, which shows no changes", loose)
		}
		return
	case len(c.Missed) == len(all):
		logs = []string{filepath.Join(dir, "*")}
	}
	c.OK, c.Cells, c.Covered, c.Hint = false, len(all), len(all)-len(c.Missed), putAside(dir, logs)
	c.Detail = "files were changed, or their key is another"
}

// putAside keeps logs and what belongs to each out of the way, where nothing is yet: the log of all calls has one name.
func putAside(dir string, logs []string) string {
	to := atomicfile.ShellWord(atomicfile.Unused(filepath.Join(filepath.Dir(dir), "old-audit")))
	command := "mkdir -m 700 " + to + " && mv"
	for _, log := range logs {
		command += " " + atomicfile.ShellWord(strings.TrimSuffix(strings.TrimSuffix(log, "*"), "jsonl")) + "*"
	}
	return command + " " + to
}

// newestLog is the file that was written last; whole is the size of all.
func newestLog(dir string) (path string, size, whole int64, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", 0, 0, err
	}
	var last fs.FileInfo
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || filepath.Ext(e.Name()) != ".jsonl" {
			continue
		}
		whole += info.Size()
		if last == nil || info.ModTime().After(last.ModTime()) {
			last = info
		}
	}
	if last == nil {
		return "", 0, 0, nil
	}
	return filepath.Join(dir, last.Name()), last.Size(), whole, nil
}
