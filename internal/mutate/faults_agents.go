package main

// Faults for the rows of agents in docs/threats.md, and for what else agents do.
var agentRowFaults = []rowFault{
	{"L13", "a revoked token counts", "internal/agents/token.go", "	case !t.Revoked.IsZero():\n", "	case !t.Revoked.IsZero() && t.ID == \"\":\n", "./internal/agents"},
	{"L13", "a token whose time is over counts", "internal/agents/token.go", "!now.Before(t.Expires):", "now.IsZero():", "./cmd/agentsecrets"},
	{"L13", "nobody asks whether the token of a run counts", "mitm/route.go", "		if why := p.cfg.admit(s); why != nil {", "		if why := p.cfg.admit(s); why != nil && dest.port == 0 {", "./mitm"},
	{"L13", "a stream goes by the token of its beginning", "cmd/agentsecrets/agentgate.go", "	agent, err := p.agent(s)\n	if err != nil {\n		return err\n	}\n	err = agent.Policy", "	agent, err := p.agent(s)\n	if err != nil {\n		return nil\n	}\n	err = agent.Policy", "./cmd/agentsecrets"},
	{"L14", "a token is for all environments", "internal/agents/check.go", "t.Environment != \"\" && t.Environment != environment:", "t.Environment != \"\" && environment == \"-\":", "./internal/agents"},
	{"L14", "an agent is of all projects", "internal/agents/check.go", "a.ProjectID != \"\" && a.ProjectID != projectID:", "a.ProjectID != \"\" && projectID == \"-\":", "./cmd/agentsecrets"},
	{"L15", "policies of agents hold for fields alone", "cmd/agentsecrets/policies.go", "	if err := p.allowAgent(s, u); err != nil {", "	if err := p.allowAgent(s, u); err != nil && u.Place[0] == 'h' {", "./cmd/agentsecrets"},
	{"L15", "what is allowed wins", "internal/agents/policy.go", "	case match(p.Deny, u.Name):", "	case match(p.Deny, u.Name) && !match(p.Allow, u.Name):", "./internal/agents"},
	{"L16", "agents are changed inside a run", "cmd/agentsecrets/agent.go", "	if err := outsideRun(changingAgents); err != nil {\n		return w.noteRefused(err, []allowlist.Change{done})\n	}\n	path,", "	path,", "./cmd/agentsecrets"},
	{"L16", "another's token counts in a run", "mitm/agent.go", "	if s.TokenID != \"\" && of.TokenID != s.TokenID {", "	if s.TokenID != \"\" && of.TokenID == unknownToken {", "./mitm"},
	{"L16", "another name counts in a run", "mitm/local.go", "		if s.TokenID == \"\" {\n", "		if s.TokenID != \"-\" {\n", "./mitm"},
	{"A12", "a token is its own label", "internal/agents/token.go", "Label: w.Label, Environment: w.Environment, Issued", "Label: w.Label + text, Environment: w.Environment, Issued", "./internal/agents"},
	{"A12", "the origin gets the token", "mitm/exchange.go", "	delete(out.Header, tokenField)\n", "", "./mitm"},
	{"A12", "a message repeats what was given in a wrong place", "cmd/agentsecrets/app.go", "agents.Masked(fmt.Sprintf(format, args...))", "fmt.Sprintf(format+agents.Masked(\"\"), args...)", "./cmd/agentsecrets"},
	{"A12", "a failure in JSON repeats what was given in a wrong place", "cmd/agentsecrets/failurejson.go", "	f.Message, f.Hint = agents.Masked(f.Message), agents.Masked(f.Hint)\n", "	_ = agents.Masked\n", "./cmd/agentsecrets"},
	{"A12", "a client's list shows a token", "cmd/agentsecrets/mcpshow.go", "agents.Masked(got.Args[i])", "got.Args[i][len(agents.Masked(\"\")):]", "./cmd/agentsecrets"},
	{"E7", "each name has a budget", "mitm/local.go", "budget: r.budget,", "budget: &budget{},", "./mitm"},
}

var (
	inAgents     = []string{"./internal/agents"}
	inGate       = []string{"./cmd/agentsecrets", "-run", "TestSavedTokenNames|TestAgentRate|TestScripts/^agent"}
	inMitmGate   = []string{"./mitm", "-run", "Tokens|Agents|L13|L16"}
	inUnreadable = []string{"./cmd/agentsecrets", "-run", "TestUncounted|TestScripts/^(unreadable|L9_seal)$"}
)

var agentFaults = []fault{
	{"refused: a damaged policy has no hint of its own", "cmd/agentsecrets/policies.go", "	case errors.As(err, &damaged):", "	case errors.As(err, &damaged) && p.Hint == \"\":", inUnreadable},
	{"refused: a seal that is broken is any damage", "cmd/agentsecrets/policies.go", "	if broken := (*allowlist.SealError)(nil); errors.As(err, &broken) {\n		return reasonPolicySeal", "	if broken := (*allowlist.SealError)(nil); errors.As(err, &broken) {\n		return reasonPolicyUnreadable", inUnreadable},
	{"refused: a full disk is any fault of the count", "cmd/agentsecrets/agentgate.go", "	if errors.Is(err, syscall.ENOSPC) {", "	if errors.Is(err, syscall.EROFS) {", inUnreadable},
	{"refused: what cannot be counted counts for nothing", "cmd/agentsecrets/agentgate.go", "	case err != nil:\n		return uncounted(agent.Name, err)\n", "", inUnreadable},
	{"agents: any text is nobody, and passes", "mitm/agent.go", "	of.AgentID, of.TokenID = \"\", unknownToken\n", "	of.AgentID, of.TokenID = \"\", \"\"\n", inMitmGate},
	{"agents: a token counts unless somebody says no", "mitm/agent.go", "	if c.Admit == nil {\n		return &invalid\n", "	if c.Admit == nil {\n		return nil\n", inMitmGate},
	{"agents: each secret of an exchange is counted", "mitm/agent.go", "	x.counted = true\n", "", inMitmGate},
	{"agents: all messages of a connection are one", "mitm/wsmessage.go", "	x.counted = false\n", "", inMitmGate},
	{"agents: all of a stream is one", "mitm/body.go", "	s.x.nextPiece()\n", "", inMitmGate},
	{"agents: the head and what comes with it are two", "mitm/agent.go", "	x.counted = x.counted && !x.flows\n", "	x.counted = false\n", inMitmGate},
	{"agents: names of saved tokens count in runs", "cmd/agentsecrets/agentgate.go", "	if token == nil && names && ", "	if token == nil && ", inGate},
	{"agents: each process has its own rate", "internal/agents/meter.go", "fmt.Sprintf(\"%s.rate-%d\", name, rate)", "fmt.Sprintf(\"%s.rate-%d-%p\", name, rate, new(int))", inAgents},
	{"agents: rates are counted without a lock", "internal/agents/meter.go", "atomicfile.Lock(path + \".lock\")", "atomicfile.Lock(fmt.Sprintf(\"%s.%p.lock\", path, new(int)))", inAgents},
	{"agents: a rate without an end", "internal/agents/meter.go", "		return rateWindow - since, nil\n", "		return 0, nil\n", inAgents},
	{"agents: every use is written", "internal/agents/used.go", "ok && now.Sub(last) < usedEvery {", "ok && now.Before(last) {", inAgents},
	{"agents: a damaged file of uses is begun anew", "internal/agents/used.go", "		return nil, &UsedError{u.path}\n", "		return map[string]time.Time{}, nil\n", inAgents},
	{"agents: unknown limits are passed over", "internal/agents/file.go", "	d.DisallowUnknownFields()\n", "", inAgents},
	{"agents: a list that is missing is any", "internal/agents/file.go", "	if texts == nil {\n		return nil, errors", "	if len(texts) > 1<<20 {\n		return nil, errors", inAgents},
	{"agents: names in another case are others", "internal/agents/agents.go", "strings.EqualFold(a.Name, name)", "a.Name == name", inAgents},
	{"agents: a life of more than 45 days in minutes is none", "internal/agents/token.go", "n <= uint64(maxLife/unit) {", "n < 1<<16 {", inAgents},
	{"agents: a name longer than its column", "internal/agents/agents.go", "	case len(name) > MaxName:", "	case len(name) > 2*MaxName:", inAgents},
	{"agents: their programs are given values", "cmd/agentsecrets/run.go", "	case o.token != \"\":\n", "	case o.token == \"-\":\n", inGate},
	{"agents: deleted without asking", "cmd/agentsecrets/agent.go", "	if err := a.confirmed(ctx, yes, \"deleting agent", "	if err := a.confirmed(ctx, true, \"deleting agent", inGate},
	{"agents: they outlive their project", "cmd/agentsecrets/agent.go", "	for _, name := range b.RemoveOf(w.ProjectID) {", "	for _, name := range b.RemoveOf(w.WorkspaceID) {", inGate},
	{"agents: columns begin elsewhere", "cmd/agentsecrets/agent.go", "widths: []int{agents.MaxName, 16, 9, 26}", "widths: []int{agents.MaxName + 2, 16, 9, 26}", inGate},
	{"agents: a token among arguments without a word", "cmd/agentsecrets/agentflag.go", "agents.IsToken(text) && a.output != \"json\"", "agents.IsToken(text) && a.output == \"-\"", inGate},
	{"agents: an empty token is nobody's", "cmd/agentsecrets/agentflag.go", "		if text == \"\" {\n", "		if text == \"-\" {\n", inGate},
	{"agents: doors of tokens that have ended stay open", "cmd/agentsecrets/doors.go", ` || key.token != "" && d.ended(e.scope())`, "", []string{"./cmd/agentsecrets", "-run", "TestDoorsOfEndedTokensClose"}},
	{"agents: shells of proxy env are nobody's", "cmd/agentsecrets/doors.go", "			s.AgentID, s.TokenID = of.AgentID, of.TokenID\n", "", inGate},
	{"agents: earlier programs read the policy without them", "allowlist/policyfile.go", "	case p.Agents != nil:\n		return policyVersion\n", "	case p.Agents != nil:\n		return optionsVersion\n", []string{"./allowlist", "-run", "TestPolicyWithAgents"}},
}
