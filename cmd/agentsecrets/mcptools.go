package main

import (
	"context"
	"errors"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/agentsecrets/agentsecrets/audit"
)

// addTools adds what a client can ask for. There is no tool that changes what is kept
// or where it may go, and none whose result could hold a value.
func (s *mcpServer) addTools(server *mcp.Server) {
	reads := func(title string) *mcp.ToolAnnotations {
		closed := false
		return &mcp.ToolAnnotations{Title: title, ReadOnlyHint: true, IdempotentHint: true, OpenWorldHint: &closed}
	}
	addTool(s, server, &mcp.Tool{
		Name: "list_secrets", Annotations: reads("List secrets"),
		Description: "List the names of the secrets that are kept for this project and environment, and the hosts, places, methods and paths each is bound to (an empty list: not bound in this way). Values are never shown.",
	}, s.listSecrets)
	addTool(s, server, &mcp.Tool{
		Name: "call", Annotations: &mcp.ToolAnnotations{Title: "Make a request with secrets"}, // destructive, and the world is open: both are the protocol's defaults
		Description: "Make one HTTP request with secrets put in by name, and return what came back, with every value of a secret taken out. A status of 400 and above is the API's own answer. A refusal says why, and in hint the command that a person would run to allow it. Wherever a name is asked for, a text that is no name of a secret ([A-Z][A-Z0-9_]*) is sent as it is.",
	}, s.call)
	addTool(s, server, &mcp.Tool{
		Name: "read_audit", Annotations: reads("Read the audit log"),
		Description: "Read what was recorded of the calls that this server made since it was started: when, where to, with which names, how it ended and, of a refusal, why. The latest is the last.",
	}, s.readAudit)
	addTool(s, server, &mcp.Tool{
		Name: "status", Annotations: reads("Show what is set up"),
		Description: "Show the project and environment that calls are made for, where secrets are kept, whether the store is locked, and the rules of the allowlist: which hosts secrets may go to.",
	}, s.status)
	addTool(s, server, &mcp.Tool{
		Name: "test_allowlist", Annotations: reads("Test the allowlist"),
		Description: "Say whether secrets would go to a URL, by which rule, and which command would change that. No request is made, and nothing is looked up in DNS.",
	}, s.testAllowlist)
}

// addTool adds a tool whose errors become ours, and notes who calls. A result that is an
// error has nothing structured, so that to the library it may be anything.
func addTool[In, Out any](s *mcpServer, server *mcp.Server, t *mcp.Tool, do func(context.Context, In) (Out, error)) {
	schema, err := jsonschema.For[Out](nil)
	if err != nil {
		panic(err) // a type that we wrote
	}
	t.OutputSchema = schema
	mcp.AddTool(server, t, func(ctx context.Context, req *mcp.CallToolRequest, in In) (*mcp.CallToolResult, any, error) {
		s.from(req)
		out, err := do(ctx, in)
		var refused *toolRefusal
		switch {
		case errors.As(err, &refused):
			return refused.toolError.result(), nil, nil
		case err != nil:
			return s.toolErrorOf(err).result(), nil, nil
		}
		return nil, out, nil
	})
}

type nothing struct{}

type listedSecrets struct {
	Project     string       `json:"project"`
	Environment string       `json:"environment"`
	Secrets     []secretJSON `json:"secrets"`
}

func (s *mcpServer) listSecrets(ctx context.Context, _ nothing) (listedSecrets, error) {
	at, err := s.pinned()
	if err != nil {
		return listedSecrets{}, err
	}
	list, err := at.listed(ctx)
	return listedSecrets{at.ProjectName, at.Environment, list}, err
}

type auditAsked struct {
	Last int `json:"last,omitempty" jsonschema:"how many, the latest; 20 without it"`
}

type auditRead struct {
	Events []auditSeen `json:"events"`
}

// auditSeen is what of an event is of use to who made the call.
type auditSeen struct {
	ID            string    `json:"id"`
	Timestamp     time.Time `json:"timestamp"`
	Status        string    `json:"status" jsonschema:"OK, BLOCKED or ERROR"`
	Reason        string    `json:"reason" jsonschema:"why it ended so, or -"`
	Detail        string    `json:"detail,omitempty" jsonschema:"the same, in a sentence"`
	Hint          string    `json:"hint,omitempty" jsonschema:"the command that a person would run"`
	Method        string    `json:"method"`
	TargetURL     string    `json:"target_url"`
	StatusCode    int       `json:"status_code"`
	DurationMS    int64     `json:"duration_ms"`
	SecretKeys    []string  `json:"secret_keys"`
	Places        []string  `json:"places"`
	Redactions    int       `json:"redactions" jsonschema:"how many times a value came back and was taken out"`
	Environment   string    `json:"environment"`
	RunID         string    `json:"run_id"`
	AgentID       string    `json:"agent_id"`
	IdentityLevel string    `json:"identity_level"`
}

func seenBy(e audit.Event) auditSeen {
	return auditSeen{
		e.ID, e.Timestamp, e.Status, e.Reason, e.Detail, e.Hint, e.Method, e.TargetURL, e.StatusCode, e.DurationMS,
		e.SecretKeys, e.Places, e.Redactions, e.Environment, e.RunID, e.AgentID, e.IdentityLevel,
	}
}

// readAudit finds our own exchanges by their IDs: inside a run, they are among those of
// all its programs.
func (s *mcpServer) readAudit(_ context.Context, in auditAsked) (auditRead, error) {
	if in.Last == 0 {
		in.Last = 20
	}
	if in.Last < 0 || in.Last > remembered {
		return auditRead{}, usage("last is a number from 1 to %d", remembered)
	}
	home, err := s.app.home()
	if err != nil {
		return auditRead{}, err
	}
	all, err := audit.Read(auditDir(home), audit.Filter{Since: s.started})
	var bad *audit.BadLinesError // of others too; all else was read
	if err != nil && !errors.As(err, &bad) {
		return auditRead{}, err
	}
	mine, events := s.mine(), []auditSeen{}
	for _, e := range all {
		if mine[e.ID] {
			events = append(events, seenBy(e))
		}
	}
	return auditRead{events[max(0, len(events)-in.Last):]}, nil
}

type statusSeen struct {
	Workspace   string     `json:"workspace"`
	Project     string     `json:"project"`
	Environment string     `json:"environment"`
	Secrets     int        `json:"secrets" jsonschema:"how many are kept here"`
	Store       string     `json:"store" jsonschema:"keychain or file; empty where nothing is set up"`
	Locked      bool       `json:"locked" jsonschema:"calls fail until a person runs agentsecrets unlock"`
	PolicySeal  string     `json:"policy_seal" jsonschema:"broken: no rule is in force"`
	Rules       []ruleJSON `json:"rules" jsonschema:"where secrets may go"`
	Run         string     `json:"run" jsonschema:"the ID of this server's calls in the log; empty before the first one, and inside a run"`
	InsideRun   bool       `json:"inside_run" jsonschema:"calls go through the proxy of that run, with its project, environment and rules"`
	Version     string     `json:"version"`
	Hint        string     `json:"hint,omitempty" jsonschema:"the command that a person would run next"`
}

func (s *mcpServer) status(ctx context.Context, _ nothing) (statusSeen, error) {
	st, err := s.app.setUp()
	if err != nil {
		return statusSeen{}, err
	}
	seen := statusSeen{Store: st.StorageMode, Locked: st.Locked, PolicySeal: st.PolicySeal, Rules: []ruleJSON{}, InsideRun: s.inside, Version: st.Version}
	if st.Locked {
		seen.Hint = unlockHint
	}
	at, err := s.pinned()
	if err != nil {
		e := s.toolErrorOf(err)
		seen.Hint = e.Hint
		return seen, nil
	}
	names, err := at.names()
	if err != nil {
		return statusSeen{}, err
	}
	seen.Workspace, seen.Project, seen.Environment, seen.Secrets = at.WorkspaceName, at.ProjectName, at.Environment, len(names)
	if policy, err := at.policy(); err == nil {
		seen.Rules = showRules(policy.Rules)
	}
	leave, err := s.enter(ctx)
	if err != nil {
		return statusSeen{}, err
	}
	defer leave()
	if s.run != nil {
		seen.Run = s.run.ID()
	}
	return seen, nil
}

type testAsked struct {
	URL    string   `json:"url" jsonschema:"an absolute URL, such as https://api.stripe.com/v1/balance"`
	Names  []string `json:"names,omitempty" jsonschema:"names of secrets; all that are kept here without it"`
	Method string   `json:"method,omitempty" jsonschema:"GET without it"`
	In     string   `json:"in,omitempty" jsonschema:"place in the request: header:FIELD, query:PARAM, path, basic, body:PATH; header:authorization without it"`
}

func (s *mcpServer) testAllowlist(ctx context.Context, in testAsked) (testedJSON, error) {
	o := allowTest{names: in.Names, method: in.Method, in: in.In, noLookup: true}
	if o.method == "" {
		o.method = "GET"
	}
	if o.in == "" {
		o.in = "header:authorization"
	}
	u, scheme, err := o.use(in.URL)
	if err != nil {
		return testedJSON{}, err
	}
	at, err := s.pinned()
	if err != nil {
		return testedJSON{}, err
	}
	if o.agent, err = s.agent(at); err != nil {
		return testedJSON{}, err
	}
	return s.app.askPolicy(ctx, o, at, u, scheme, nil)
}

// agent is the name of the agent whose limits hold; "" where there is none that we know of.
func (s *mcpServer) agent(at where) (string, error) {
	if s.options.token == "" {
		return "", nil
	}
	p := newPolicies(at.home)
	agent, err := p.agent(p.Identify(at.scope(), s.options.token, true))
	if err != nil {
		return "", err
	}
	return agent.Name, nil
}
