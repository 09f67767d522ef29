package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"

	"github.com/rogpeppe/go-internal/testscript"
)

// worlds counts the scripts that have called ordinary.
var worlds atomic.Int32

// twoUsers are numbers that no other script has, whose runs would count as ours.
func twoUsers() (own, other int) {
	n := 20000 + (os.Getpid()*32+int(worlds.Add(1))*2)%40000
	return n, n + 1
}

// ordinary makes the script's world that of an ordinary user: root may look into
// everything, so what keeps others out shows to an ordinary user only. Programs
// are started by "own CMD…" then, and by "other CMD…" as a stranger. Where the
// test itself is an ordinary user's, own is that user, and there is no other.
func ordinary(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: ordinary")
	}
	ownUID, otherUID := twoUsers()
	bin := ts.MkAbs("../bin")
	ts.Check(os.Mkdir(bin, 0o755))
	self, err := os.Executable()
	ts.Check(err)
	program, err := os.ReadFile(self)
	ts.Check(err)
	ts.Check(os.WriteFile(filepath.Join(bin, "agentsecrets"), program, 0o755))
	for _, name := range []string{"squatter", "stranger", "tlsorigin"} {
		ts.Check(os.Link(filepath.Join(bin, "agentsecrets"), filepath.Join(bin, name)))
	}
	as := func(uid int) string {
		if os.Geteuid() != 0 {
			return "#!/bin/sh\nexec \"$@\"\n"
		}
		return fmt.Sprintf("#!/bin/sh\nexec setpriv --reuid %d --regid %d --clear-groups -- \"$@\"\n", uid, uid)
	}
	ts.Check(os.WriteFile(filepath.Join(bin, "own"), []byte(as(ownUID)), 0o755))
	ts.Check(os.WriteFile(filepath.Join(bin, "other"), []byte(as(otherUID)), 0o755))
	ts.Setenv("PATH", bin+":"+ts.Getenv("PATH"))
	_, err = exec.LookPath("setpriv")
	ts.Check(err)
	if os.Geteuid() != 0 {
		return
	}
	work := filepath.Dir(bin)
	ts.Check(filepath.WalkDir(work, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, ownUID, ownUID)
	}))
	for dir := work; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		ts.Check(os.Chmod(dir, 0o711))
	}
}
