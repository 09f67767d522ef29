package main

var inCompletion = []string{"./cmd/agentsecrets", "-run", "TestScripts/^completion$|TestEverythingIsCompleted"}

var inPlain = []string{"./cmd/agentsecrets", "-run", "TestScripts/^plain$"}

var inFindings = []string{"./cmd/agentsecrets", "-run", "TestFindings|TestProgramsAreLookedFor"}

var inPastProxy = []string{"./cmd/agentsecrets", "-run", "TestScripts/^pastproxy$"}

var inJSON = []string{"./cmd/agentsecrets", "-run", "TestScripts/^json$"}

var inOutOfPlace = []string{"./cmd/agentsecrets", "-run", "TestScripts/^outofplace$"}

// cliFaults are of the command line itself: completion, reference, JSON, help.
var cliFaults = []fault{
	{"rewrap: who reads meanwhile looks once", "resolve/agefile/agefile.go", "n < looks && errors.Is", "n < 0 && errors.Is", []string{"./resolve/agefile", "-run", "TestReadersDuringRewrap"}},
	{"password: a quick one in any program", "internal/password/cost_quick.go", "if !testing.Testing() {", "if testing.Testing() && false {", []string{"./internal/password", "-run", "TestQuick"}},
	{"completion: say what went wrong", "cmd/agentsecrets/root.go", "		hush(root)\n", "", inCompletion},
	{"completion: propose what a shell would run", "cmd/agentsecrets/completion.go", "|| !typeable(name) })", "})", inCompletion},
	{"completion: ask the store", "cmd/agentsecrets/completion.go", "	return w.names()\n", "	if _, err := w.secrets(nil); err != nil {\n		return nil, err\n	}\n	return w.names()\n", inCompletion},
	{"completion: the shell's files for what is no file", "cmd/agentsecrets/completion.go", "	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)\n", "", inCompletion},
	{"completion: take the middle of a field for a flag", "cmd/agentsecrets/completion.go", `" '^-.*=' "`, `" '-.*=' "`, inCompletion},
	{"completion: tokens that are revoked", "cmd/agentsecrets/completion.go", "t.Revoked.IsZero() && (", "(", inCompletion},
	{"completion: tokens of other agents", "cmd/agentsecrets/completion.go", "strings.EqualFold(agent, one.Name))", "len(agent) > 0)", inCompletion},
	{"completion: the oldest exchange first", "cmd/agentsecrets/completion.go", "range slices.Backward(events) {", "range events {", inCompletion},
	{"completion: nothing for hosts", "cmd/agentsecrets/completion.go", "		\"tunnel\":  a.complete(a.hostNames),\n", "", inCompletion},
	{"json: a field has another name", "cmd/agentsecrets/move.go", `"moved": m.moved`, `"values": m.moved`, inJSON},
	{"json: a field has another type", "cmd/agentsecrets/projectchange.go", "DryRun  bool                `json:\"dry_run\"`", "DryRun  bool                `json:\"dry_run,string\"`", inJSON},
	{"json: a failure is silence", "cmd/agentsecrets/root.go", "		a.reportJSON(err)\n", "", inJSON},
	{"json: a failure in the middle of a program's output", "cmd/agentsecrets/failurejson.go", " || a.runsProgram() {", " {", inJSON},
	{"plain: a bold table", "cmd/agentsecrets/output.go", "lipgloss.NewStyle().Padding(0, 1)", "lipgloss.NewStyle().Bold(true).Padding(0, 1)", inPlain},
	{"plain: progress for programs", "cmd/agentsecrets/progress.go", "!term.IsTerminal(int(p.out.Fd())) || ", "", inPlain},
	{"plain: progress where TERM is dumb", "cmd/agentsecrets/progress.go", ` || a.variable("TERM") == "dumb"`, "", inPlain},
	{"plain: no progress", "cmd/agentsecrets/progress.go", "	go p.run(stop, ended)\n", "	close(ended)\n", inPlain},
	{"reference: another text than the page", "cmd/agentsecrets/status.go", `Short: "Show what is set up here, and`, `Short: "Show what is set up, and`, []string{"./cmd/agentsecrets", "-run", "TestReference"}},
	{"docs: a command that is not there", "docs/bindings.md", "agentsecrets secrets list --output json\n", "agentsecrets secrets show --output json\n", []string{"./internal/clients", "-run", "TestSnippets"}},
	{"docs: an order that does not work", "docs/clients.md", "agentsecrets ca bundle > bundle.pem\nexport", "export SSL_CERT_FILE=$PWD/bundle.pem\nagentsecrets ca bundle > bundle.pem\nexport", []string{"./internal/clients", "-run", "TestSnippets"}},
	{"recipes: a program that is given the value", "docs/recipes/openai.md", "run --intercept -- python", "run -- python", []string{"./internal/clients", "-run", "TestRecipes/openai"}},
	{"recipes: a secret under another name", "docs/recipes/http.md", "os.environ[\"ACME_KEY\"]", "os.environ[\"ACME_TOKEN\"]", []string{"./internal/clients", "-run", "TestRecipes/http_requests"}},
	{"recipes: git without credentials", "docs/recipes/git.md", "test \"$1\" = get", "test \"$1\" = got", []string{"./internal/clients", "-run", "TestRecipes/git_Clone"}},
	{"recipes: a container without the certificates", "docs/recipes/docker.md", " -v \"$DIR:$DIR:ro\"", "", []string{"./internal/clients", "-run", "TestRecipes/docker"}},
	{"recipes: an MCP server that is not in a run", "docs/recipes/mcp-server.md", "\"run\", \"--intercept\", \"--quiet\"", "\"run\", \"--quiet\"", []string{"./internal/clients", "-run", "TestRecipes/mcp"}},
	{"recipes: something else is shown", "docs/recipes/langchain.md", "You sent Bearer", "I sent Bearer", []string{"./internal/clients", "-run", "TestRecipes/langchain"}},
	{"recipes: a page that nobody finds", "docs/recipes/README.md", "[stripe.md](stripe.md)", "stripe.md", []string{"./internal/clients", "-run", "TestRecipesAreRun"}},
	{"docs: a flag that is not there", "docs/configuration.md", "none: `agentsecrets init` makes one", "none: `agentsecrets init --make` makes one", []string{"./cmd/agentsecrets", "-run", "TestCommandsInDocsExist"}},
	{"hints: wrong use without one", "cmd/agentsecrets/errors.go", "	if exitCode(err) == exitUsage || wrongUse(err) {\n", "	if wrongUse(err) && a.noInput {\n", []string{"./cmd/agentsecrets", "-run", "TestScripts/^(usage|bad)$"}},
	{"inside a run another environment may be named", "cmd/agentsecrets/callinrun.go", ` && (a.environment == "" || a.environment == h.Environment)`, "", []string{"./cmd/agentsecrets", "-run", "TestNoGet/^flags$/^elsewhere$"}},
	{"inside a run its own project may not be named", "cmd/agentsecrets/wiring.go", "		status.Environment = h.where.Environment\n", "", []string{"./cmd/agentsecrets", "-run", "TestNoGet/^flags$/^elsewhere$"}},
	{"harden: libraries read what cannot be read", "internal/harden/early/early.go", "\t\tos.Unsetenv(name)\n", "", []string{"./cmd/agentsecrets", "-run", "TestScripts/^godebug$"}},
	{"docs: a link to a heading that is not there", "docs/troubleshooting.md", "(clients.md#what-does-not-work)", "(clients.md#what-works-not)", []string{"./cmd/agentsecrets", "-run", "TestLinks"}},
	{"help: another page in place of what there is not", "cmd/agentsecrets/topics.go", "len(rest) > 0 && named.HasSubCommands()", "len(rest) > 1 && named.HasSubCommands()", []string{"./cmd/agentsecrets", "-run", "TestScripts/^usage$"}},
	{"completion: a shell that there is not", "cmd/agentsecrets/completion.go", "			cmd.Args, cmd.RunE = cobra.ArbitraryArgs, helpOf", "			cmd.Args, cmd.RunE = cobra.ArbitraryArgs, nil", []string{"./cmd/agentsecrets", "-run", "TestScripts/^usage$"}},
	{"json: proxy env forgets why it was refused", "cmd/agentsecrets/local.go", "RefusedError{Slug: p.Slug, ", "RefusedError{", []string{"./cmd/agentsecrets", "-run", "TestScripts/^agentcall$"}},
	{"doctor: what was broken off has failed", "cmd/agentsecrets/doctor.go", "	if errors.Is(ctx.Err(), context.Canceled) {\n		return ctx.Err()\n	}\n", "", []string{"./cmd/agentsecrets", "-run", "TestInterruptedChecks"}},
	{"hints: a name that was mistyped takes the folder to another workspace", "env/errors.go", "	return \"agentsecrets \" + e.Kind + \" list\"", "	return \"agentsecrets init --workspace \" + e.Name", []string{"./env", "-run", "TestUnknownErrorHints"}},
	{"hints: what an agent may not, everybody may", "cmd/agentsecrets/agentpolicy.go", "parseRules(trimmed(o.hosts), parseAgentHost)", "parseRules(trimmed(o.hosts), agents.ParseHost)", []string{"./cmd/agentsecrets", "-run", "TestScripts/^agent$"}},
	{"clients: who came back is told all the same", "cmd/agentsecrets/findings.go", "	if here {\n		went = 0\n", "	if here && elsewhere {\n		went = 0\n", inFindings},
	{"clients: other CAs are a pin", "cmd/agentsecrets/findings.go", "	if elsewhere && !took {\n", "	if elsewhere {\n", inFindings},
	{"clients: another program's trust is this one's", "cmd/agentsecrets/findings.go", "	if elsewhere && !took {\n", "	if elsewhere && len(by.programs[t.Host]) == 0 {\n", inFindings},
	{"clients: what to do is refused while the proxy runs", "cmd/agentsecrets/findings.go", "\"agentsecrets proxy stop && \" + startHint", "startHint", []string{"./cmd/agentsecrets", "-run", "TestScripts/^distrust$"}},
	{"clients: last words are not heard", "mitm/proxy.go", "	p.awaitHandshakes(ctx)\n", "", inShutdown},
	{"clients: a pin is distrust", "cmd/agentsecrets/findings.go", "		f.reason = reasonPins\n", "", []string{"./cmd/agentsecrets", "-run", "TestScripts/^distrust$"}},
	{"clients: a connection ahead of need is told", "cmd/agentsecrets/observed.go", " && s.Held > preconnect", " && s.Held > 1000*preconnect", inFindings},
	{"clients: a probe is told", "mitm/shown.go", "!t.speaks.Load() && t.last.isAlert()", "false", []string{"./cmd/agentsecrets", "-run", "TestScripts/^distrust$"}},
	{"clients: who just goes is not told", "mitm/shown.go", "	s := Shown{Sign: SentNothing}\n", "	s := Shown{}\n", []string{"./mitm", "-run", "TestShownIsTold"}},
	{"clients: nobody says whose the connection is", "mitm/tunnel.go", "		t.whose()\n", "", []string{"./mitm", "-run", "TestShownIsTold"}},
	{"clients: each program is looked for", "cmd/agentsecrets/observed.go", "o.named.Add(1) > maxNamed", "o.named.Add(1) > 1000*maxNamed", inFindings},
	{"clients: a run says nothing at its end", "cmd/agentsecrets/wiring.go", "	h.found = h.recordFindings(0)\n", "	h.recordFindings(0)\n", []string{"./cmd/agentsecrets", "-run", "TestScripts/^distrust$"}},
	{"clients: what was found is looked at late", "cmd/agentsecrets/findings.go", "			if due == nil {\n				due = time.After(soon)", "			if due == nil {\n				due = time.After(judging)", inFindings},
	{"clients: who went for good is never found", "cmd/agentsecrets/findings.go", "time.Since(f.since) >= long", "time.Since(f.at) >= long", inFindings},
	{"clients: a run judges before its program has gone elsewhere", "cmd/agentsecrets/findings.go", "(h.run == nil || f.reason != reasonDistrusts)", "(h.run == nil || f.reason != reasonPins)", inFindings},
	{"clients: what was found is recorded twice", "cmd/agentsecrets/findings.go", "	h.observed.recording.Lock()\n	defer h.observed.recording.Unlock()\n", "", inFindings},
	{"clients: the wrong process is named", "internal/peer/program_linux.go", "pid != os.Getpid()", "pid == os.Getpid()", []string{"./internal/peer", "-run", "TestProgramOf"}},
	{"past the proxy: nobody looks", "cmd/agentsecrets/pastproxy.go", "		w.left = looksAfter\n", "", inPastProxy},
	{"past the proxy: who used it has not", "cmd/agentsecrets/local.go", "		h.observed.came.Add(1)\n", "", inPastProxy},
	{"past the proxy: success is failure", "cmd/agentsecrets/pastproxy.go", "	if code == 0 || code >= 126", "	if code >= 126", inPastProxy},
	{"past the proxy: of another program it is told too", "cmd/agentsecrets/pastproxy.go", " && !w.other\n", "\n", inPastProxy},
	{"past the proxy: a database of this machine is an API", "cmd/agentsecrets/pastproxy.go", "w.opens.Away > w.began.Away", "w.opens.All > w.began.All", inPastProxy},
	{"past the proxy: what was turned down leads away", "internal/peer/outward_linux.go", "began - answered - failed", "began - answered - 0*failed", []string{"./internal/peer", "-run", "TestOpens"}},
	{"a missing argument is a flag", "cmd/agentsecrets/root.go", "	takes = flagsInUse.ReplaceAllString(takes, \"\")\n", "	_ = flagsInUse\n", []string{"./cmd/agentsecrets", "-run", "TestWrongCountNamesArguments"}},
	{"wrong arguments have half a hint", "cmd/agentsecrets/root.go", "		a.command = cmd.CommandPath() // also", "		_ = cmd // also", []string{"./cmd/agentsecrets", "-run", "TestScripts/^explain$"}},
	{"a full TMPDIR has no hint", "cmd/agentsecrets/intercept.go", "errors.As(err, new(*fs.PathError))", "errors.Is(err, fs.ErrInvalid)", []string{"./cmd/agentsecrets", "-run", "TestFullTempHasHint"}},
	{"the hint loses a damaged vault", "resolve/agefile/errors.go", "atomicfile.Aside(e.Path, atomicfile.Damaged) + \" && \" + back", "back", []string{"./resolve/agefile", "-run", "TestHintKeepsDamagedVault"}},
	{"what the log could not keep has no hint", "cmd/agentsecrets/findings.go", "		more := \"agentsecrets doctor\"", "		more := \"\"", []string{"./cmd/agentsecrets", "-run", "TestRefusalsAreTold"}},
	{"an audit log that cannot be written has no hint", "mitm/record.go", ", Hint: \"agentsecrets doctor\"}", "}", []string{"./mitm", "-run", "TestA3AuditUnavailable"}},
	{"past the proxy: another's connections", "internal/runtree/runtree.go", "			if up == pid {\n", "			if up > 1 {\n", []string{"./internal/runtree", "-run", "TestDescendants"}},
	{"clients: text that carried a value too is told", "cmd/agentsecrets/pastproxy.go", " && len(e.SecretKeys) == 0 {", " {", []string{"./cmd/agentsecrets", "-run", "TestTextThatWasTurnedAway"}},
	{"clients: an alert in clear cannot be read", "mitm/shown.go", "		if !ok {\n			return UnreadableAlert", "		if in != 0 || !ok {\n			return UnreadableAlert", []string{"./mitm", "-run", "TestAlertsInClear"}},
	{"clients: whatever ends so is an alert", "mitm/shown.go", " || r[0] != recordAlert ||", " ||", []string{"./mitm", "-run", "TestAlertsInClear"}},
	{"clients: proxy status keeps them to itself", "cmd/agentsecrets/serve.go", ", Findings: h.latest(o.audit),", ",", []string{"./cmd/agentsecrets", "-run", "TestScripts/^distrust$"}},
	{"help: an example with a flag that is not there", "cmd/agentsecrets/run.go", "--clear-env --pass 'AWS_*' -- make", "--clear --pass 'AWS_*' -- make", []string{"./cmd/agentsecrets", "-run", "TestExamplesAreCommands"}},
	{"help: an example that does not work", "cmd/agentsecrets/set.go", "  agentsecrets secrets set --env-file .env GITHUB_TOKEN", "  agentsecrets secrets set --env-file .env GITHUB_TOKEN GITLAB_TOKEN", inExamples},
	{"help: a verb without examples", "cmd/agentsecrets/log.go", "		Example: \"  agentsecrets log prune --older-than 30d --keep 100\",\n", "", []string{"./cmd/agentsecrets", "-run", "TestExamplesAreCommands"}},
	{"explain: a value may be anywhere", "cmd/agentsecrets/explain.go", "	if decided && !e.Unsent {", "	if decided {", []string{"./cmd/agentsecrets", "-run", "TestExplainWhatHadNoConnection"}},
	{"explain: what is retried was never sent", "internal/engine/roundtrip.go", "trace != nil && trace.GotConn != nil {", "trace != nil && trace.GotConn != nil && !c.reused {", []string{"./mitm", "-run", "TestUnsentIsWhatHadNoConnection"}},
	{"explain: all is unsent", "mitm/exchange.go", "x.reached.Store(true)", "x.reached.Load()", []string{"./mitm", "-run", "TestUnsentIsWhatHadNoConnection"}},
	{"a rule for this machine seems to be all", "cmd/agentsecrets/allowlist.go", "	a.warnOfLoopback(rules)\n", "", []string{"./cmd/agentsecrets", "-run", "TestScripts/^D7_plaintext_rule$"}},
	{"mcp install: a temporary file is named", "internal/mcpclients/change.go", "reason = \"cannot be written: \" + path.Err.Error()", "reason = \"cannot be written: \" + path.Error()", []string{"./internal/mcpclients", "-run", "TestUnwritten"}},
	{"explain: nobody is told of --last", "cmd/agentsecrets/explain.go", "hint: \"agentsecrets explain --last\"", "hint: usedAs(cmd)", []string{"./cmd/agentsecrets", "-run", "TestScripts/^explain$"}},
	{"explain: --last is any", "cmd/agentsecrets/explain.go", "audit.Filter{Last: 1}", "audit.Filter{}", []string{"./cmd/agentsecrets", "-run", "TestScripts/^explain$"}},
	{"hints: what is in the place of a file of ours is in nobody's way", "cmd/agentsecrets/errors.go", "		path = e.Path\n", "		_ = e.Path\n", inOutOfPlace},
	{"hints: what a command line names is put aside", "cmd/agentsecrets/errors.go", "HasPrefix(path, home+string(filepath.Separator))", "HasPrefix(path, home[:1])", inOutOfPlace},
	{"hints: what was put aside is lost", "internal/atomicfile/private.go", "os.Lstat(free); err != nil {", "os.Lstat(free); err != nil || n > 1 {", inAside},
	{"hints: pasted twice they lose a file", "internal/atomicfile/private.go", "return \"mv -n \"", "return \"mv \"", inAside},
}

var (
	inExamples = []string{"./internal/clients", "-run", "TestExamples"}
	inAside    = []string{"./internal/atomicfile", "-run", "TestAside"}
)
