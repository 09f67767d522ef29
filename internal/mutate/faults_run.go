package main

// runFaults are faults of what a run gives its program, and of what it leaves.
var runFaults = []fault{
	{"run: the directory of a run that lives is removed", "internal/rundir/rundir.go", "	if !held {\n		return nil, errors.Join(errLives", "	if !held && path == \"\" {\n		return nil, errors.Join(errLives", inRunDir},
	{"run: a directory is removed before its run has the lock", "internal/rundir/rundir.go", "< beginning {", "< 0 {", inRunDir},
	{"run: a directory without a lock is removed", "internal/rundir/rundir.go", "flock.SetFlag(os.O_RDWR|noFollow)", "flock.SetFlag(os.O_CREATE|os.O_RDWR|noFollow)", inRunDir},
	{"run: its directory stays", "cmd/agentsecrets/intercept.go", "	defer func() { a.afterwards(dir.Remove()) }()\n", "", inRunDirScript},
	{"run: that its directory stays is not told", "cmd/agentsecrets/intercept.go", "	defer func() { a.afterwards(dir.Remove()) }()\n", "	defer dir.Remove()\n", inRunDirScript},
	{"run: what the killed left stays", "cmd/agentsecrets/intercept.go", "pruneOld(w.home), sweep()))", "pruneOld(w.home)))", inRunDirScript},
	{"run: PHP loses its own directories", "env/php.go", "		dir = had + string(filepath.ListSeparator) + dir\n", "		dir = had + dir\n", inVars},
	{"run: our directory stays in PHP's list", "env/leave.go", "	v.leavePHP(dir)\n", "", inVars},
	{"run: wget's own proxy stays", "env/wget.go", `"noproxy", "proxyuser"`, `"proxyuser"`, inVars},
	{"run: wget loses the roots that it had", "env/wget.go", "			roots = strings.Trim(", "			_ = strings.Trim(", inVars},
	{"run: wget's settings that cannot be read are not told of", "env/wget.go", "	if err != nil {\n		w.notice(", "	if err != nil && by == \"\" {\n		w.notice(", inVars},
	{"run: JVMs lose the roots that they had", "env/java.go", "slices.Concat(w.hadJava(), ", "slices.Concat(", inVars},
	{"run: JVMs do not trust us", "env/java.go", ", ders(bundle), ders(w.CA))", ", ders(bundle))", inVars},
	{"run: MAVEN_OPTS beats us", "env/java.go", "steersJava(w.before.get(name)) }) {", "name == \"\" && steersJava(w.before.get(name)) }) {", inVars},
	{"run: a path with quotes is not one word", "env/java.go", "strings.ReplaceAll(s, `\"`, `\"'\"'\"`)", "s", []string{"./env", "-run", "FuzzJavaQuote"}},
	{"run: JVMs of a shell are led to who refuses them", "env/java.go", "	if !w.Shell || w.PeersTold {", "	if !w.Shell || w.ProxyURL != \"\" {", inVars},
	{"run: our options stay in JAVA_TOOL_OPTIONS", "env/leave.go", "	v.leaveJava(dir)\n", "", inVars},
	{"run: a shell's browser believes a root that gets about", "env/chromium.go", "	if w.Shell {", "	if w.Shell && w.Dir == \"\" {", inVars},
	{"run: another key for the browser", "env/chromium.go", "root.RawSubjectPublicKeyInfo", "root.Raw", inVars},
	{"run: --clear-env clears nothing", "cmd/agentsecrets/run.go", "	if !o.clearEnv {\n		return a.environ\n	}\n", "	if !o.clearEnv || !inRun {\n		return a.environ\n	}\n", inClearEnv},
	{"run: --pass lets tokens through", "env/clear.go", "return !kept || ownCredential(name)", "return !kept", []string{"./env", "-run", "TestClear"}},
	{"run: a cleared environment leads out of the run", "env/clear.go", "	if inRun {\n", "	if inRun && len(pass) > 9 {\n", []string{"./env", "-run", "TestClear"}},
	{"run: --pass without --clear-env is taken", "cmd/agentsecrets/run.go", "len(o.pass) > 0 && !o.clearEnv {", "len(o.pass) > 9 && !o.clearEnv {", inClearEnv},
	{"run: our words among the program's", "cmd/agentsecrets/intercept.go", "		a.say(\"agentsecrets: %s in %s, as placeholders%s\",", "		fmt.Fprintf(a.stdout, \"agentsecrets: %s in %s, as placeholders%s\\n\",", []string{"./internal/clients", "-run", "TestStreamsOfARun|TestMCPServerOfOthers"}},
	{"run: who goes past the proxy is of no run", "cmd/agentsecrets/intercept.go", "	scope.RunID = run.ID() ", "	", inPastProxy},
	{"run: shells do not lead JVMs to the daemon", "cmd/agentsecrets/proxyenv.go", `PeersTold: runtime.GOOS == "linux"`, `PeersTold: runtime.GOOS == ""`, inNameless},
	{"run: the daemon's JVMs keep our options", "env/leave.go", "	v.leaveJava(dir)\n", "", inNameless},
	{"run: what is left loses its lock", "internal/rundir/rundir.go", "		if e.Name() != lock {\n", "		if e.Name() != \"\" {\n", inRunDirScript},
	{"run: a directory that is written to is forgotten", "internal/rundir/rundir.go", "err == nil {\n			return nil\n		}\n		held", "true {\n			return err\n		}\n		held", inRunDir},
	{"run: the log is closed while it is written", "cmd/agentsecrets/wiring.go", "	h.chores.Wait() // they write to the log\n", "", []string{"./cmd/agentsecrets", "-run", "TestCloseWaitsForChores"}},
	{"run: refusals are not told", "cmd/agentsecrets/intercept.go", "tell(append(h.observed.refusals(), h.found...), o.audit)", "tell(h.found, o.audit)", inRefused},
	{"run: the first refusal is explained", "cmd/agentsecrets/refusals.go", "	if k.host == \"\" {\n", "	if k.host == \"\" || f.count > 1 {\n", inRefusals},
	{"run: a refusal that is not written down is explained", "cmd/agentsecrets/refusals.go", "	if written {\n", "	if written || f.id == \"\" {\n", inRefusals},
	{"run: what its host answered is a refusal", "cmd/agentsecrets/refusals.go", " || e.Detail == \"\" {\n", " {\n", inRefusals},
	{"run: refusals fill the memory", "cmd/agentsecrets/refusals.go", "len(o.answers) >= maxObserved {", "len(o.answers) >= 100*maxObserved {", inRefusals},
}

var (
	inRefused  = []string{"./cmd/agentsecrets", "-run", "TestScripts/^refused$"}
	inRefusals = []string{"./cmd/agentsecrets", "-run", "TestRefusalsAreTold"}
)

var (
	inNameless     = []string{"./cmd/agentsecrets", "-run", "TestScripts/^nameless$"}
	inClearEnv     = []string{"./cmd/agentsecrets", "-run", "TestScripts/^clearenv$"}
	inVars         = []string{"./env", "-run", "Vars|Java[OI]|Trust|Chromium|Without|Wgetrc"}
	inRunDir       = []string{"./internal/rundir"}
	inRunDirScript = []string{"./cmd/agentsecrets", "-run", "TestScripts/^rundir$"}
)
