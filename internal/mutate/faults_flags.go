package main

// flagFaults are faults of what flags, variables and their commands may do.
var flagFaults = []fault{
	{"keep the port of a proxy that did not start", "cmd/agentsecrets/wiring.go", "		if l != nil {\n			err", "		if l != nil && h.log == nil {\n			err", []string{"./cmd/agentsecrets", "-run", "TestAbandonedHouse"}},
	{"a failure after a response is lost to Ctrl-C", "cmd/agentsecrets/callwriter.go", "	if err != nil && !w.stopped {", "	if err != nil && !told {", []string{"./cmd/agentsecrets", "-run", "TestCallsEnd"}},
	{"a bad name is a failure like any", "cmd/agentsecrets/errors.go", "errors.As(err, &n), errors.Is(err, env.ErrName):", "errors.As(err, &n), errors.Is(err, env.ErrNoProject):", []string{"./cmd/agentsecrets", "-run", "TestScripts/^init$"}},
	{"proxy status keeps the parent to itself", "cmd/agentsecrets/proxystop.go", "	if st.Flags.Parent != \"\" {", "	if st.Flags.Parent == \"-\" {", inParentFlag},
	{"an unreachable host without a hint", "mitm/origin.go", "p.Domain, p.Hint = domain, \"agentsecrets allowlist test \"+scheme+\"://\"+domain", "p.Domain, p.Hint = domain, \"\"", []string{"./mitm", "-run", "TestOriginFaults"}},
	{"frames are believed how long they are", "mitm/flow.go", "	buf := buffers.Get().(*[32 << 10]byte)\n	defer buffers.Put(buf)\n	for first := true", "	buf := make([]byte, h.Length)\n	for first := true", []string{"./mitm", "-run", "TestEndlessPart"}},
	{"a hint for another scheme", "mitm/origin.go", "allowlist test \"+scheme+\"://\"", "allowlist test \"+scheme[:4]+\"s://\"", []string{"./mitm", "-run", "TestOriginFaults"}},

	{"flags: roots that the caller names verify origins", "cmd/agentsecrets/main.go", `[]string{"SSL_CERT_FILE", "SSL_CERT_DIR"}`, `[]string{"SSL_CERT_DIR"}`, inVariables("SSL_CERT_FILE")},
	{"flags: directories of roots that the caller names", "cmd/agentsecrets/main.go", `[]string{"SSL_CERT_FILE", "SSL_CERT_DIR"}`, `[]string{"SSL_CERT_FILE"}`, inVariables("SSL_CERT_DIR")},
	{"flags: roots for programs verify what has a value", "cmd/agentsecrets/origins.go", "		return r.roots.Load().extra\n	}\n	return nil\n", "		return r.roots.Load().extra\n	}\n	return r.roots.Load().plain()\n", inVariables("CURL_CA_BUNDLE")},
	{"flags: Go's runtime is the caller's", "internal/harden/exec_unix.go", "	if !needed {", "	if !needed || len(environ) > 0 {", []string{"./cmd/agentsecrets", "-run", "TestNoGet/printing"}},
	{"flags: a call in a run goes where a variable says", "cmd/agentsecrets/callinrun.go", "	if a.project == \"\" && a.environment == \"\" && a.workspace == \"\" || a.namesTheRuns() {", "	if a.project == \"\" || a.namesTheRuns() {", inVariables("AGENTSECRETS_ENV")},
	{"flags: --resolve for any name", "cmd/agentsecrets/origins.go", "		if host, _, _ := net.SplitHostPort(key); !isTestName(host) {", "		if host, _, _ := net.SplitHostPort(key); host == \"\" {", inFlags("origins")},
	{"flags: --origin-ca for any name", "cmd/agentsecrets/origins.go", "	if r.everywhere || isTestName(host) {\n		return r.roots", "	if r.everywhere || host != \"\" {\n		return r.roots", inFlags("origins")},
	{"flags: --origin-ca and the rest in a run", "cmd/agentsecrets/callinrun.go", "	if o.origins.any() {", "	if o.origins.any() && o.origins.adopts {", inFlags("origins")},
	{"flags: a yes is as good as the password", "cmd/agentsecrets/authorize.go", "	case verifier == \"\" && a.answers.Confirmed == what:", "	case a.answers.Confirmed == what:", inFlags("answers")},
	{"flags: any password that was passed on", "cmd/agentsecrets/authorize.go", "	if pw == nil {\n		var err error", "	if pw != nil {\n		return nil\n	} else {\n		var err error", inFlags("answers")},
	{"flags: a program in a run is given values", "cmd/agentsecrets/run.go", "	case inside:\n", "	case inside && !o.rawOutput:\n", inFlags("values")},
	{"flags: one that nobody has thought about", "cmd/agentsecrets/call.go", "	o.origins.define(a, cmd)\n", "	f.String(\"to\", \"\", \"\")\n	o.origins.define(a, cmd)\n", []string{"./cmd/agentsecrets", "-run", "TestEveryFlagIsTried"}},
	{"flags: a variable that nobody has thought about", "cmd/agentsecrets/ca.go", "a.variable(\"SUDO_UID\")", "a.variable(\"DOAS_UID\")", []string{"./cmd/agentsecrets", "-run", "TestEveryVariableIsTried"}},

	{"prompt: what was shown is an answer", "internal/prompt/hidden_linux.go", "fd, unix.TCSETSF, &silent)", "fd, unix.TCSETS, &silent)", []string{"./internal/prompt", "-run", "TestTypedAhead"}},
	{"prompt: ask with echo on", "internal/prompt/hidden_linux.go", "	silent := *before\n", "	ask()\n	time.Sleep(100 * time.Millisecond)\n	silent := *before\n", []string{"./internal/prompt", "-run", "TestHiddenIsNotShown"}},
	{"workspace: another password without the old one", "cmd/agentsecrets/workspacechange.go", `policy.Password == "" && c.Action == "password" {`, `c.Action == "password" {`, inWorkspaces},
	{"workspace: changes in a run", "cmd/agentsecrets/workspacechange.go", "if err := outsideRun(what); err != nil || policy", "if err := error(nil); err != nil || policy", inWorkspaces},
	{"workspace: deleted in a run", "cmd/agentsecrets/workspacedelete.go", "		if err := outsideRun(\"deleting workspace \" + w.WorkspaceName); err != nil {", "		if err := outsideRun(\"\"); err != nil && o.yes {", inWorkspaces},
	{"workspace: deleted without the password", "cmd/agentsecrets/workspacedelete.go", "	if _, err := a.mayChange(ctx, w, \"deleting the secrets and rules\", gone); err != nil {", "	if _, err := a.mayChange(ctx, w, \"deleting the secrets and rules\", gone); err != nil && !o.yes {", inWorkspaces},
	{"workspace: another name that is not written down", "cmd/agentsecrets/workspacechange.go", "		_, back := registry.RenameWorkspace(w.WorkspaceID, w.WorkspaceName)", "		_, back := registry.Workspace(w.WorkspaceID)", inWorkspaces},
	{"workspace: rules outlive it", "cmd/agentsecrets/workspacedelete.go", "		p.Rules, p.Agents = nil, nil\n", "		p.Agents = nil\n", inWorkspaces},
	{"workspace: its password outlives it", "cmd/agentsecrets/workspacedelete.go", "p.Bindings, p.Password = nil, \"\"", "p.Bindings = nil", inWorkspaces},
	{"workspace: values go before that is written down", "cmd/agentsecrets/workspacedelete.go", "		p.Rules, p.Agents = nil, nil\n		p.Note(gone)\n		return nil\n	}); err != nil {\n		return err\n	}", "		p.Rules, p.Agents = nil, nil\n		p.Note(gone)\n		return nil\n	}); err != nil {\n		defer func() { _ = err }()\n	}", inWorkspaces},
	{"workspace: a password for one that is gone", "cmd/agentsecrets/workspacechange.go", "		err = w.workspaceKnown()\n", "		err = nil\n", inWorkspaces},
	{"workspace: rules for one that is gone", "cmd/agentsecrets/allowlist.go", "		err = w.workspaceKnown()\n", "		err = nil\n", inWorkspaces},
	{"call: a header field may hold two", "cmd/agentsecrets/call.go", " || !httpguts.ValidHeaderFieldValue(value) {", " || value == \"-\" {", []string{"./cmd/agentsecrets", "-run", "TestScripts/^call$"}},
	{"call: a field without a line in JSON", "cmd/agentsecrets/callwriter.go", "bool { return lines == nil })", "bool { return false })", []string{"./cmd/agentsecrets", "-run", "TestCallJSONHasListsAlone"}},
	{"workspace: values outlive it", "cmd/agentsecrets/workspacedelete.go", "		if err := w.of(r.Project).deleteAll(ctx, s, r); err != nil {", "		if err := env.OpenRegistry(w.home).RemoveProject(r.Project.ID); err != nil {", inWorkspaces},
	{"workspace: one name for two", "env/workspaces.go", "taken && other.ID != id {", "taken && other.ID == name {", []string{"./env", "-run", "Workspace"}},
	{"workspace: forget its projects", "env/workspaces.go", "has := s.project(func(p Project) bool { return p.WorkspaceID == id }); has {", "has := s.project(func(p Project) bool { return p.ID == id }); has {", []string{"./env", "-run", "Workspace"}},
	{"workspace: the one that is gone stays current", "env/workspaces.go", "		if s.current == id {", "		if s.current == \"\" {", []string{"./env", "-run", "Workspace"}},
	{"server: what a password in its URL says", "cmd/agentsecrets/server.go", "return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()", "return u.String()", inServer},
	{"server: pull in a run", "cmd/agentsecrets/server.go", "		if err := outsideRun(what); err != nil {", "		if err := outsideRun(what); err != nil && what != changingSecrets {", inServer},
	{"server: one that is named is not asked for", "cmd/agentsecrets/server.go", "	if server != \"\" {\n		return a.noServer(command)", "	if server == \"-\" {\n		return a.noServer(command)", inServer},
	{"workspace: made in a run", "cmd/agentsecrets/workspaceuse.go", "createWorkspace(name string) error {\n	if err := outsideRun(changingWorkspace); err != nil {", "createWorkspace(name string) error {\n	if err := outsideRun(changingWorkspace); err != nil && name == \"\" {", inUsing},
	{"workspace: switched in a run", "cmd/agentsecrets/workspaceuse.go", "switchWorkspace(name string) error {\n	if err := outsideRun(changingWorkspace); err != nil {", "switchWorkspace(name string) error {\n	if err := outsideRun(changingWorkspace); err != nil && name == \"\" {", inUsing},
	{"workspace: what wins over a switch is not said", "cmd/agentsecrets/workspaceuse.go", "	a.sayNearer(q, w)\n", "	_ = a.sayNearer\n", inUsing},
	{"project: deleted with its secrets without a yes", "cmd/agentsecrets/projectchange.go", "		if len(names) > 0 {", "		if len(names) > 99 {", inUsing},
}

var inWorkspaces = []string{"./cmd/agentsecrets", "-run", "TestScripts/^workspace$"}

// inVariables and inFlags are the one try of many that a fault is for.
func inVariables(name string) []string {
	return []string{"./cmd/agentsecrets", "-run", "TestNoGet/variables/^" + name + "$"}
}

func inFlags(name string) []string {
	return []string{"./cmd/agentsecrets", "-run", "TestNoGet/flags/^" + name + "$"}
}

var (
	inServer = []string{"./cmd/agentsecrets", "-run", "TestScripts/^server$"}
	inUsing  = []string{"./cmd/agentsecrets", "-run", "TestScripts/^workspaces$"}
)
