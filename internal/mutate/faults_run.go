package main

// runFaults are faults of what a run gives its program, and of what it leaves.
var runFaults = []fault{
	{"run: the directory of a run that lives is removed", "internal/rundir/rundir.go", "	if !held {\n		return nil, errors.Join(errLives", "	if !held && path == \"\" {\n		return nil, errors.Join(errLives", inRunDir},
	{"run: a directory is removed before its run has the lock", "internal/rundir/rundir.go", "< beginning {", "< 0 {", inRunDir},
	{"run: a directory without a lock is removed", "internal/rundir/rundir.go", "flock.SetFlag(os.O_RDWR|noFollow)", "flock.SetFlag(os.O_CREATE|os.O_RDWR|noFollow)", inRunDir},
	{"run: its directory stays", "cmd/agentsecrets/intercept.go", "	defer dir.Remove()\n", "", inRunDirScript},
	{"run: what the killed left stays", "cmd/agentsecrets/intercept.go", "pruneOld(w.home), sweep()))", "pruneOld(w.home)))", inRunDirScript},
}

var (
	inRunDir       = []string{"./internal/rundir"}
	inRunDirScript = []string{"./cmd/agentsecrets", "-run", "TestScripts/^rundir$"}
)
