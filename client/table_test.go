package client_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The table at the end of docs/go-sdk.md is written from these rows: what the Python client
// has, what Go has for it, and the command. None may be missing: every exported function
// and every command stands in a row, and a cell that names none says why.

var updateTable = flag.Bool("update", false, "write the table of docs/go-sdk.md anew")

const tablePage = "../docs/go-sdk.md"

type row struct{ python, golang, command string }

const (
	people   = "none: it is for people at a terminal"
	noPython = "none"
	oneOnly  = "none: no command is needed"
)

func tableRows() []row {
	return []row{
		{"`AgentSecrets()`, `AgentSecrets(port=9000, …)`", "New, WithPort, WithWorkspace, WithProject, WithEnvironment, WithDir, WithBinary, WithProxy, WithAgent", "none: flags of every command"},
		{"`AgentSecrets(auto_start=False)`", "WithoutAutoStart", "none: commands start nothing but what they are asked for"},
		{"`with client`, `close()`", "Client.Close", oneOnly},
		{"`client.call(…)`", "Client.Call", "call"},
		{"`await client.async_call(…)`", "none: a goroutine and `ctx`", "call"},
		{"`response.json()`, `.text`", "Response.JSON, Response.Text", "call"},
		{"`init(intercept=True)`", "Client.HTTPClient, Refusal", "run, proxy env"},
		{"`credential.NAME`", "Placeholder", oneOnly},
		{"`client.spawn(…)`", "Client.Spawn, Client.SpawnProgram", "run, env"},
		{"`client.spawn(…, capture=True)`", "Client.SpawnCapture", "run, env"},
		{"`client.spawn_async(…)`", "Client.SpawnAsync, Client.Start, Process.Wait", "run, env"},
		{"`client.status()`", "Client.Status", "status"},
		{"`client.secrets.list()`", "Client.Secrets, Secrets.List", "secrets list"},
		{"`client.secrets.set(…)`", "Secrets.Set", "secrets set"},
		{"`client.secrets.delete(…)`", "Secrets.Delete", "secrets delete"},
		{"`client.secrets.diff()`", "Secrets.Diff", "secrets diff"},
		{"`client.secrets.sync()`", "Secrets.Sync, Secrets.Pull", "secrets pull"},
		{"`client.secrets.push()`", "Secrets.Push", "secrets push"},
		{noPython, "Secrets.Bind", "secrets bind"},
		{noPython, "Secrets.Import", "secrets import"},
		{noPython, "Secrets.Rotate", "secrets rotate"},
		{"`client.workspaces.list()`", "Client.Workspaces, Workspaces.List", "workspace list"},
		{"`client.workspaces.create(…)`", "Workspaces.Create", "workspace create"},
		{"`client.workspaces.invite(…)`", "Workspaces.Invite", "workspace invite"},
		{"`client.workspaces.members()`", "Workspaces.Members", "workspace members"},
		{noPython, "Workspaces.Remove", "workspace remove"},
		{noPython, "Workspaces.Promote", "workspace promote"},
		{noPython, "Workspaces.Demote", "workspace demote"},
		{noPython, "Workspaces.Rename", "workspace rename"},
		{"`client.set_workspace(…)`", "Client.SetWorkspace", "workspace switch"},
		{"`with client.workspace(…)`", "Client.Workspace", "none: `--workspace` of every command"},
		{"`client.projects.list()`", "Client.Projects, Projects.List", "project list"},
		{"`client.projects.create(…)`", "Projects.Create", "project create"},
		{noPython, "Projects.Update", "project update"},
		{noPython, "Projects.Delete", "project delete"},
		{noPython, "Projects.Invite", "project invite"},
		{"`client.set_project(…)`", "Client.SetProject", "project use"},
		{"`with client.project(…)`", "Client.Project", "none: `--project` of every command"},
		{"`settings.environment = …`", "Client.SetEnvironment", "environment switch"},
		{"`init(environment=…)`", "Client.Environment", "none: `--environment` of every command"},
		{noPython, "Client.Environments, Environments.List", "environment list"},
		{noPython, "Environments.Copy", "environment copy"},
		{noPython, "Environments.Merge", "environment merge"},
		{noPython, "Environments.Clean", "environment clean"},
		{"`client.allowlist.list()`", "Client.Allowlist, Allowlist.List", "workspace allowlist list"},
		{"`client.allowlist.add(…)`", "Allowlist.Add", "workspace allowlist add"},
		{"`client.allowlist.remove(…)`", "Allowlist.Remove", "workspace allowlist remove"},
		{"`client.allowlist.log(last=20)`", "Allowlist.Log", "workspace allowlist log"},
		{noPython, "Allowlist.Test", "allowlist test, workspace allowlist test"},
		{"`client.proxy.start()`", "Client.Proxy, Proxy.Start", "proxy start"},
		{"`client.proxy.stop()`", "Proxy.Stop", "proxy stop"},
		{"`client.proxy.status()`", "Proxy.Status", "proxy status"},
		{noPython, "Proxy.Reload", "proxy reload"},
		{"`client.proxy.logs(…)`", "Proxy.Logs", "proxy logs"},
		{noPython, "Client.Explain", "explain"},
		{noPython, "Client.Doctor", "doctor"},
		{noPython, "Client.VerifyLog", "log verify"},
		{noPython, "Client.Version", "version"},
		{"`AgentSecrets(agent=…)`", "WithAgentToken", "none: `--token`, `AS_AGENT_TOKEN`"},
		{"`client.agent(…)`", "Client.Agents, Agents.Register", "agent register"},
		{noPython, "Agents.List", "agent list"},
		{noPython, "Agents.Delete", "agent delete"},
		{noPython, "Agents.IssueToken", "agent token issue"},
		{noPython, "Agents.Tokens", "agent token list"},
		{noPython, "Agents.RevokeToken", "agent token revoke"},
		{noPython, "Agents.Policy", "agent policy get"},
		{noPython, "Agents.SetPolicy", "agent policy set"},
		{"`except AgentSecretsError as e`", "Error.Error, Error.Hint, Error.Typed", "none: exit codes, and a line `hint:`"},
		{"`MockAgentSecrets(…)`", "WithStandIn, agentsecretstest.NewMock, agentsecretstest.Proxy", oneOnly},
		{noPython, "none: a program does not set up its user's machine", "init, demo"},
		{noPython, "none: trust of the whole machine, which an administrator gives", "ca bundle, ca install, ca status, ca uninstall"},
		{noPython, "none: what opens the store is a person's to type", "unlock, lock, passphrase set, passphrase remove"},
		{noPython, "none: a password's to type, or of a machine's move to another store", "workspace password, workspace delete, workspace allowlist recover, secrets move"},
		{noPython, "none: an account is a person's", "login, logout"},
		{noPython, "none: records are kept or removed by whoever runs the machine", "log prune"},
		{noPython, "none: a server for models is a program of its own; `client/example/mcpserver` is one in Go", "mcp serve, mcp install, mcp uninstall, mcp status, mcp config"},
		{noPython, people, "completion bash, completion fish, completion powershell, completion zsh"},
	}
}

// cell splits what a cell names; none where it says why there is nothing.
func names(cell string) []string {
	if cell == noPython || strings.HasPrefix(cell, "none: ") {
		return nil
	}
	return strings.Split(cell, ", ")
}

func TestTable(t *testing.T) {
	functions, commands := map[string]bool{}, map[string]bool{}
	var b strings.Builder
	b.WriteString("| Python client | Go | command |\n|---|---|---|\n")
	for _, r := range tableRows() {
		for _, n := range names(r.golang) {
			functions[n] = true
		}
		for _, n := range names(r.command) {
			commands[n] = true
		}
		if r.golang == noPython || r.command == noPython || r.golang == "" || r.command == "" || r.python == "" {
			t.Errorf("%+v has an empty cell without a reason", r)
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", r.python, quotedNames(r.golang), quotedNames(r.command))
	}
	same(t, "function", functions, exported(t))
	exist := commandsOfTheBinary(t)
	for _, group := range []string{"agent ", "mcp "} { // a version before them
		in := func(c string, _ bool) bool { return strings.HasPrefix(c, group) }
		if !slices.ContainsFunc(slices.Collect(maps.Keys(exist)), func(c string) bool { return in(c, true) }) {
			maps.DeleteFunc(commands, in)
		}
	}
	same(t, "command", commands, exist)
	want := b.String()
	page, err := os.ReadFile(tablePage)
	if err != nil {
		t.Fatal(err)
	}
	head, got, found := strings.Cut(string(page), "| Python client |")
	if !found {
		t.Fatal("there is no table in docs/go-sdk.md")
	}
	if *updateTable {
		if err := os.WriteFile(tablePage, []byte(head+want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if "| Python client |"+got != want {
		t.Error("the table of docs/go-sdk.md is stale: go test ./client -run TestTable -update writes it anew")
	}
}

func quotedNames(cell string) string {
	all := names(cell)
	if all == nil {
		return cell
	}
	return "`" + strings.Join(all, "`, `") + "`"
}

func same(t *testing.T, what string, listed, exist map[string]bool) {
	t.Helper()
	if len(exist) < 50 {
		t.Fatalf("only %d of what is a %s were found", len(exist), what)
	}
	for n := range exist {
		if !listed[n] {
			t.Errorf("the %s %s is in no row", what, n)
		}
	}
	for n := range listed {
		if !exist[n] {
			t.Errorf("a row has the %s %s, which does not exist", what, n)
		}
	}
}

// exported are the functions and methods of this package that others can call, and the two
// of agentsecretstest that make something.
func exported(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{"agentsecretstest.NewMock": true, "agentsecretstest.Proxy": true}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Name.IsExported() {
				if of := receiver(fn); of == "" || ast.IsExported(of) {
					all[strings.TrimPrefix(of+"."+fn.Name.Name, ".")] = true
				}
			}
		}
	}
	return all
}

func receiver(fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return ""
	}
	of := fn.Recv.List[0].Type
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	name, _ := of.(*ast.Ident)
	return name.Name
}

// commandsOfTheBinary are those that docs/cli.md has, which is held against the command tree
// where it is written.
func commandsOfTheBinary(t *testing.T) map[string]bool {
	t.Helper()
	page, err := os.ReadFile("../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^## agentsecrets (.+)$`).FindAllStringSubmatch(string(page), -1) {
		all[m[1]] = true
	}
	return all
}
