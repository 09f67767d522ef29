package main

var inDoctorFix = []string{"./cmd/agentsecrets", "-run", "TestScripts/^doctorfix$"}

var inDoctorClients = []string{"./cmd/agentsecrets", "-run", "TestScripts/^doctorclients$"}

// doctorFaults are of what the doctor finds, and what it puts right.
var doctorFaults = []fault{
	{"doctor: a broken seal is as it should be", "cmd/agentsecrets/doctorpolicy.go", "		c = failed(c.What, err)\n		c.Hint", "		c.OK = true\n		c.Hint", inDoctorFix},
	{"doctor: others may read files", "internal/atomicfile/exposed.go", "	return 0o077\n", "	return 0o022\n", []string{"./internal/atomicfile", "-run", "TestExposed"}},
	{"doctor: --fix opens files", "internal/atomicfile/exposed.go", "Perm() &^ forbidden(public))", "Perm() | 0o044)", []string{"./internal/atomicfile", "-run", "TestExposed"}},
	{"doctor: directories of killed runs are overlooked", "cmd/agentsecrets/doctorfiles.go", "append(files[:len(files):len(files)], dirs...)", "files", inDoctorFix},
	{"doctor: --fix only says so", "cmd/agentsecrets/doctorcheckup.go", "	if err := do(); err != nil {\n", "	if err := error(nil); err != nil {\n", inDoctorFix},
	{"doctor: a log that was changed is whole", "cmd/agentsecrets/doctorfiles.go", "		if f.State != audit.Bad {\n", "		if f.State != \"-\" {\n", inDoctorFix},
	{"doctor: a list of projects that is gone is whole", "cmd/agentsecrets/doctorregistry.go", "		lost[id] = true\n", "		_ = id\n", inDoctorFix},
	{"doctor: rules of a workspace that is not listed are overlooked", "cmd/agentsecrets/doctorregistry.go", "range x.ruled() {", "range x.ruled()[:0] {", inDoctorFix},
	{"doctor: logs under another key are put aside one by one", "cmd/agentsecrets/doctorfiles.go", "			logs = append(logs, f.Log)\n", "			logs = []string{f.Log}\n", inDoctorFix},
	{"doctor: logs of a proxy that runs are put aside under its hands", "cmd/agentsecrets/doctorfiles.go", "\"-%d.jsonl: \", st.PID", "\"-%d.jsonl: \", -st.PID", inDoctorFix},
	{"doctor: logs beside one that holds are not looked at", "cmd/agentsecrets/doctorfiles.go", "	if whole > maxVerified {\n", "	if whole > 0 {\n", inDoctorFix},
	{"doctor: a list of secrets that lacks some has all", "cmd/agentsecrets/doctorlist.go", "c.Cells, c.Covered = len(held), len(held)-len(lost); len(lost) == 0 {", "c.Cells, c.Covered = len(held), len(held); len(lost) >= 0 {", inDoctorFix},
	{"doctor: a keychain is taken to tell all", "cmd/agentsecrets/doctorlist.go", "		c.OK, c.Hint = false, \"agentsecrets secrets set NAME\"\n", "		c.OK, c.Hint = true, \"agentsecrets secrets set NAME\"\n", []string{"./cmd/agentsecrets", "-run", "TestScripts/^doctorkeychain$"}},
	{"doctor: a rule is for nothing while secrets are lost", "cmd/agentsecrets/doctorpolicy.go", "	if x.incomplete { //", "	if x.incomplete && x.fix { //", inDoctorFix},
	{"doctor: a damaged list of secrets is begun anew", "resolve/index.go", "	f, err := x.load()\n	if err != nil {\n		return err\n	}\n	edit(f)", "	f, err := x.load()\n	if err != nil {\n		f = &indexFile{Version: indexVersion, Projects: map[string]map[string][]indexEntry{}}\n	}\n	edit(f)", []string{"./resolve", "-run", "TestAdopt"}},
	{"doctor: a directory in the place of a lock is overlooked", "cmd/agentsecrets/doctorfiles.go", "atomicfile.Misplaced(x.home, \".lock\", ", "atomicfile.Misplaced(x.home, ", []string{"./cmd/agentsecrets", "-run", "TestScripts/^outofplace$"}},
	{"init: a lock that cannot be taken is met half way", "cmd/agentsecrets/initready.go", "	for _, e := range found {\n", "	for _, e := range found[:0] {\n", inDoctorFix},
	{"init: a policy that cannot be read is met half way", "cmd/agentsecrets/init.go", "	if err := s.readable(); err != nil {\n", "	if err := s.readable(); err != nil && s.q.Home == \"\" {\n", inDoctorFix},
	{"doctor: a list of projects that is damaged has no command", "env/state.go", "	e.command = atomicfile.Aside(r.path(), atomicfile.Damaged)\n", "	_ = atomicfile.Damaged\n", inDoctorFix},
	{"doctor: unbound secrets are bound", "cmd/agentsecrets/doctorpolicy.go", "		if len(bound[name].Hosts) > 0 {\n", "		if len(bound[name].Hosts) >= 0 {\n", inDoctorFix},
	{"doctor: a parent proxy is shown with its password", "cmd/agentsecrets/doctorenviron.go", "p.proxy.String()", "x.a.variable(p.adopted)", inDoctorFix},
	{"doctor: a proxy that has stopped answers", "cmd/agentsecrets/doctorenviron.go", "ours && !answers", "ours && answers", inDoctorFix},
	{"doctor: one of the variables in the way is named", "cmd/agentsecrets/doctorenviron.go", "strings.Join(slices.Compact(names), \" \")", "names[0]", inDoctorFix},
	{"doctor: proxy env is said to unset what was set by hand", "cmd/agentsecrets/doctorenviron.go", "slices.Contains(unset, name))", "len(unset) > 0)", inDoctorFix},
	{"doctor: without TMPDIR something is left", "internal/rundir/rundir.go", "	if errors.Is(err, fs.ErrNotExist) { // no run", "	if errors.Is(err, fs.ErrInvalid) { // no run", inRunDir},
	{"doctor: what a daemon needs is left", "internal/daemon/daemon.go", "	if len(left) == 0 || taken(home) {\n", "	if len(left) == 0 {\n", []string{"./internal/daemon", "-run", "TestKilledDaemon"}},
	{"doctor: a locked keychain is opened", "resolve/keychain/library_dbus.go", "		return \"\", dbus.Error{Name: \"org.freedesktop.Secret.Error.IsLocked\"}\n", "		return \"\", ready()\n", []string{"./resolve/keychain", "-run", "TestLook"}},
	{"doctor: a root without its key is whole", "ca/inspect.go", "	if p.cert, p.key, err = load(p.certPath, p.keyPath); err != nil {\n", "	if p, err = readCert(p.certPath); err != nil {\n", []string{"./ca", "-run", "TestInspect"}},
	{"doctor --clients: direct is proxied", "cmd/agentsecrets/doctorclients.go", "base.State, base.Detail = clientDirect, ", "base.State, base.Detail = clientProxied, ", inDoctorClients},
	{"doctor --clients: a probe that is direct is proxied", "cmd/agentsecrets/doctorclients.go", "		row.State, row.Detail = clientDirect, ", "		row.State, row.Detail = clientProxied, ", inDoctorClients},
	{"doctor --clients: who leaves at the certificate is proxied", "cmd/agentsecrets/doctorclients.go", "			row.State, row.Detail = clientRefused, ", "			row.State, row.Detail = clientProxied, ", inDoctorClients},
	{"doctor --clients: what came back is overlooked", "cmd/agentsecrets/doctorclients.go", "	case len(demo.Seen(out, []byte(l.value))) > 0:\n", "	case len(demo.Seen(out, []byte(l.value))) > 1000:\n", []string{"./cmd/agentsecrets", "-run", "TestJudgeClients"}},
	{"doctor --clients: all clients have one hint", "cmd/agentsecrets/clientsreport.go", "proxyFix(filepath.Base(row.Path))", "proxyFix(row.State)", inDoctorClients},
	{"doctor: what was fixed is said to be so still", "cmd/agentsecrets/doctor.go", "		was = \"was: \"\n", "", inDoctorFix},
	{"env: Node warns of its own proxy in every program", "env/files/as-node-preload.cjs", "what.code === 'UNDICI-EHPA'", "false", []string{"./env", "-run", "TestNodeIsNotWarned"}},
	{"doctor --clients: requests with a secret are sent", "cmd/agentsecrets/doctorlab.go", "	if l.sends && u.Host == labHost && u.Name == doctorName {\n", "	if u.Host == labHost {\n", inDoctorClients},
	{"doctor --clients: a name of a client is a program", "cmd/agentsecrets/doctor.go", "cmd.ArgsLenAtDash() < 0 {", "cmd.ArgsLenAtDash() < -1 {", inDoctorClients},
	{"doctor --clients: a client that is misspelt is an argument", "cmd/agentsecrets/doctor.go", "		if !namesClients(word) {\n			f", "		if !namesClients(word) {\n			return args, nil\n		}\n		if false {\n			f", inDoctorClients},
	{"doctor --clients: a program is the name of a client", "cmd/agentsecrets/doctor.go", "cmd.ArgsLenAtDash() < 0 {", "cmd.ArgsLenAtDash() < 1 {", inDoctorClients},
}
