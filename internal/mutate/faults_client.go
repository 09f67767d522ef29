package main

// Faults of the Go SDK.

var clientFaults = []fault{
	{"client: believe the head alone about echoes", "client/call.go", "	r.Redacted = in+all > 0\n", "	r.Redacted = in > 0 && all >= 0\n", []string{"./client", "-run", "TestRedacted"}},
	{"client: what an API says is the proxy's", "client/call.go", "json.Unmarshal(body, &p) != nil || p.Exchange != resp.Header.Get(exchangeField)", "json.Unmarshal(body, &p) != nil", []string{"./client", "-run", "TestUpstreamError"}},
	{"client: ask again whoever may have it", "client/call.go", "	return unreachable(w.port(), \"it gave no answer\")\n", "	return &staleError{unreachable(w.port(), \"it gave no answer\")}\n", []string{"./client", "-run", "TestSentOnce"}},
	{"client: a refusal of before stays", "client/call.go", "		if !fresh && refusal.staleWay() {", "		if fresh && refusal.staleWay() {", []string{"./client", "-run", "TestSwitch"}},
	{"client: a value is an argument", "client/secrets.go", "strings.NewReader(value), given(\"secrets set\", []string{\"--stdin\"}, name)...)", "strings.NewReader(value), given(\"secrets set\", nil, name+\"=\"+value)...)", []string{"./client", "-run", "TestValueIsNoArgument"}},
	{"client: a token is an argument", "client/command.go", "	return append(append(all, c.scopeFlags()...), operands...)\n", "	return append(append(all, c.settings.token), operands...)\n", []string{"./client", "-run", "TestValueIsNoArgument"}},
	{"client: an empty host is any", "client/agents.go", "			if strings.TrimSpace(t) == \"\" {", "			if t == \"-\" {", []string{"./client", "-run", "TestEmptyLimits"}},
	{"client: forget for whom a client is", "client/command.go", "{\"--project\", c.at.project}", "{\"--project\", \"\"}", []string{"./client", "-run", "TestScoped"}},
	{"client: start the proxy whatever was said", "client/way.go", "		if c.settings.noStart {", "		if c.settings.noStart && c.settings.port == 0 {", []string{"./client", "-run", "TestNotRunning"}},
	{"client: another port will do", "client/way.go", "	if c.settings.portSaid && w.port() != c.settings.port {", "	if c.settings.portSaid && w.port() == 0 {", []string{"./client", "-run", "TestAutoStart"}},
	{"client: no way out of a run", "client/way.go", "	if !refused || c.at != (scope{}) {", "	if !refused || c.at == (scope{}) {", []string{"./client", "-run", "TestInsideARun"}},
	{"client: a command is killed, not told", "client/command.go", "	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }\n", "	_ = syscall.SIGTERM\n", []string{"./client", "-run", "TestCommandIsCancelled"}},
	{"client: show what cannot be read", "client/said.go", "		e.Message = \"the agentsecrets command failed and did not say why\"\n", "		e.Message = stderr\n", []string{"./client", "-run", "TestGarbage"}},
	{"client: a failure is a verdict", "client/command.go", "e.ExitCode == exit && len(out) > 0 && failureIn(out) == \"\"", "e.ExitCode == exit && len(out) > 0", []string{"./client", "-run", "TestNoVerdict"}},
	{"client: programs are given echoes", "mitm/respond.go", "	redacted := redact.NewBodyReader(body, x.released, size)\n", "	redacted := redact.NewBodyReader(body, redact.NewSet(), size)\n", []string{"./client", "-run", "TestMemory"}},
	{"agentsecretstest: a rule is for any port", "client/agentsecretstest/proxy.go", "			rule.Port = 443 // else", "			rule.Port = 444 // else", []string{"./client/agentsecretstest"}},
	{"agentsecretstest: any name is there", "client/agentsecretstest/mock.go", "		if !m.names[n] {", "		if !m.names[n] && n == \"\" {", []string{"./client/agentsecretstest"}},
	{"client: an http.Client keeps what is stale", "client/way.go", "		OnProxyConnectResponse: refusedTunnel, ForceAttemptHTTP2: true,", "		ForceAttemptHTTP2: true,", []string{"./client", "-run", "TestAutoStart"}},
	{"client: ask again a host that is relayed", "client/forward.go", " && (refusal.Exchange != \"\" || resp.Request.URL.Scheme == \"http\"):", ":", []string{"./client", "-run", "TestRelayedHost"}},
	{"client: a name may be a flag", "client/command.go", "	return append(append(args, \"--\"), operands...)\n", "	return append(args, operands...)\n", []string{"./client", "-run", "TestNameIsNoFlag"}},
	{"client: everybody asks for the way", "client/way.go", "	if w := c.ways.get(k); w != nil {\n		return w, false, nil\n	}\n	if w, err", "	if w, err", []string{"./client", "-run", "TestManyAtOnce"}},
	{"client: a token is not passed on", "client/command.go", "		all = append(all, \"AS_AGENT_TOKEN=\"+c.settings.token)\n", "		_ = c.settings.token\n", []string{"./client", "-run", "TestAgents$"}},
	{"client: a length before a trailer", "mitm/local.go", "		t.Header().Del(\"Content-Length\") // trailers", "		t.Header().Del(\"Content-Language\") // trailers", []string{"./mitm", "-run", "TestProxyContractCounts"}},
	{"client: HEAD without a length", "mitm/local.go", "	if !trailers || r.Method == http.MethodHead {", "	if !trailers {", []string{"./mitm", "-run", "TestProxyContractCounts"}},
	{"client: TE goes on to the origin", "mitm/local.go", "		out.Header.Del(\"Te\") // it", "	out.Header.Del(\"Tx\") // it", []string{"./mitm", "-run", "TestProxyContractCounts"}},
}
