package main

// sdkFaults are faults of what the official SDKs rely on, which the rows of
// internal/sdkcompat notice.
var sdkFaults = []fault{
	{"sdk: tables without a border", "cmd/agentsecrets/output.go", "lipgloss.RoundedBorder()", "lipgloss.HiddenBorder()", inSDK("manage", "3.13")},
	{"sdk: a diff talks of drift where there is none", "cmd/agentsecrets/server.go", "OutOfSync: none}, func(io.Writer) {})", "OutOfSync: none}, func(out io.Writer) { fmt.Fprintln(out, \"no drift\") })", inSDK("manage", "3.13")},
	{"sdk: help of call is not where the SDK looks for --output", "cmd/agentsecrets/root.go", "	root.SetOut(a.stdout)\n", "	root.SetOut(a.stderr)\n", inSDK("calls", "3.13")},
	{"sdk: a call says its headers by another name", "cmd/agentsecrets/callwriter.go", "`json:\"headers\"`", "`json:\"header\"`", inSDK("calls", "3.13")},
	{"sdk: workspaces in another form", "cmd/agentsecrets/workspace.go", "\"%s %s (%s)\\n\"", "\"%s %s: %s\\n\"", inSDK("manage", "3.13")},
	{"sdk: members in another form", "cmd/agentsecrets/workspaceuse.go", "\"%s (%s) %s\\n\"", "\"%s %s %s\\n\"", inSDK("manage", "3.13")},
	{"sdk: secrets listed for people when piped", "cmd/agentsecrets/secrets.go", "	if !a.onTerminal() {\n		for", "	if a.onTerminal() {\n		for", inSDK("manage", "3.13")},
	{"sdk: a missing secret in other words", "cmd/agentsecrets/errors.go", "secret '%s' not found in keychain", "no secret %s in keychain", inSDK("calls", "3.13")},
	{"sdk: who keeps the target in Host is refused", "mitm/local.go", "webpage.AsksFor(r, targetHost(r), localPort(r))", "webpage.AsksFor(r, \"\", localPort(r))", inSDK("hooks", "3.13")},
	{"sdk: a question that is taken for what is said", "cmd/agentsecrets/allowlist.go", "	a.askThere() // what", "	// what", []string{"./cmd/agentsecrets", "-run", "TestScripts/^captured$"}},
	{"sdk: every question is asked unseen", "cmd/agentsecrets/app.go", "	t := prompt.Terminal{In: a.stdin, Out: a.stderr}\n", "	t := prompt.Terminal{In: a.stdin, Out: a.stderr}\n	a.askThere()\n", []string{"./cmd/agentsecrets", "-run", "TestScripts/^captured$"}},
	{"sdk: a question without an end", "internal/prompt/prompt.go", "	if t.Patience == 0 {", "	if t.Patience >= 0 {", []string{"./internal/prompt", "-run", "TestPatience"}},
	{"sdk: times that Python 3.10 cannot read", "audit/event.go", "05.000000-07:00\"", "05.000000Z07:00\"", inSDK("calls background", "3.10")},
}

// inSDK runs a module of rows with one Python.
func inSDK(rows, python string) []string {
	return []string{"./internal/sdkcompat", "-run", "TestSDK/" + python, "-rows", rows}
}
